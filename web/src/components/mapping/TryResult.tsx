import { ActionIcon, Tooltip } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { errorWords } from '~/components/feedback/errors'
import { tryQuery } from '~/services/templates'
import type { Mapping, Tried } from '~/services/types'
import { useMappingContext } from './context'
import classes from './Mapping.module.css'

/** How long typing must pause before the server is asked. */
const pause = 300

/** What the mapping makes of one of the model's first rows, as it is being written (SY-32). */
export function TryResult({ mapping }: { mapping: Mapping }) {
  const { model, sync, array } = useMappingContext()
  const [row, setRow] = useState(0)
  const [asked] = useDebouncedValue(mapping, pause)
  const result = useQuery({ ...tryQuery(model, asked, row, sync, array), placeholderData: keepPreviousData })
  const tried = result.data
  return (
    <section className={classes.result} aria-label="Result" aria-busy={result.isFetching}>
      <div className="row" style={{ justifyContent: 'space-between' }}>
        <span className="row">
          <strong className="small">Result</strong>
          {tried !== undefined && tried.error === undefined && <small className="muted">{tried.type}</small>}
        </span>
        <RowStepper row={row} rows={tried?.rows ?? 0} onChange={setRow} />
      </div>
      <div aria-live="polite">
        {result.isPending && <p className="muted small">Reading the model’s first rows…</p>}
        {result.isError && <p className={classes.problem}>{errorWords(result.error).message}</p>}
        {tried !== undefined && !result.isError && <Outcome tried={tried} />}
      </div>
    </section>
  )
}

function RowStepper({ row, rows, onChange }: { row: number; rows: number; onChange: (row: number) => void }) {
  if (rows === 0) return null
  return (
    <span className="row">
      <Tooltip label="Previous row">
        <ActionIcon variant="subtle" color="gray" size="sm" aria-label="Previous row" disabled={row === 0} onClick={() => onChange(row - 1)}>
          <IconChevronLeft size={14} />
        </ActionIcon>
      </Tooltip>
      <small className="muted">
        Row {row + 1} of {rows}
      </small>
      <Tooltip label="Next row">
        <ActionIcon variant="subtle" color="gray" size="sm" aria-label="Next row" disabled={row + 1 >= rows} onClick={() => onChange(row + 1)}>
          <IconChevronRight size={14} />
        </ActionIcon>
      </Tooltip>
    </span>
  )
}

function Outcome({ tried }: { tried: Tried }) {
  if (tried.rows === 0) return <p className="muted small">The model has no rows to try it on.</p>
  if (tried.error !== undefined) {
    const refused = tried.error.code === 'mapping.row_rejected'
    return (
      <div>
        <p className={refused ? classes.refused : classes.problem}>{refused ? `This row is refused: ${tried.error.message}` : tried.error.message}</p>
        {!refused && tried.error.suggestion !== undefined && <p className="muted small">{tried.error.suggestion}</p>}
      </div>
    )
  }
  return (
    <pre className={classes.value} tabIndex={0} aria-label="Value">
      {JSON.stringify(tried.value, null, 2)}
    </pre>
  )
}
