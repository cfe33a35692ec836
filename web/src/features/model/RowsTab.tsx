import { Button } from '@mantine/core'
import { IconFilter } from '@tabler/icons-react'
import { useState } from 'react'
import { ConditionBuilder } from '~/components/condition/ConditionBuilder'
import { complete, conditionWords, fromAddress, sizeOf } from '~/components/condition/conditions'
import { cellText } from '~/components/grid/types'
import type { Condition, Json, Model, Preview } from '~/services/types'
import { rowsOf } from './draft'
import classes from './Model.module.css'
import { PreviewPanel } from './PreviewPanel'
import { usePreview } from './usePreview'

interface Props {
  model: Model
  /** Conditions that the page's address holds. */
  filter: object | undefined
  onFilter: (filter: Condition | undefined) => void
}

/** What the rows shown hold of a column: suggestions while conditions are written. */
function seenValues(preview: Preview | undefined, column: string): string[] {
  const at = preview?.columns.findIndex(({ name }) => name === column) ?? -1
  if (preview === undefined || at < 0) return []
  const values = preview.rows.map((row) => cellText(row?.[at] as Json)).filter((text) => text !== null)
  return [...new Set(values)].sort().slice(0, 200)
}

/** A model's rows, all of them or those for which conditions hold. */
export function RowsTab({ model: { spec }, filter, onFilter }: Props) {
  const columns = spec.columns ?? []
  const [conditions, setConditions] = useState<Condition>(() => fromAddress(filter) ?? { all: [] })
  const [open, setOpen] = useState(sizeOf(conditions) > 0)
  const [strict, setStrict] = useState(false)
  const size = sizeOf(conditions)
  const state = usePreview(rowsOf({ spec }), columns, size > 0 ? conditions : undefined)
  const run = () => {
    if (!complete(conditions, columns)) {
      setStrict(true)
      setOpen(true)
      return
    }
    onFilter(size === 0 ? undefined : conditions)
    state.run()
  }
  return (
    <PreviewPanel
      state={state}
      ready
      onRun={run}
      actions={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconFilter size={14} aria-hidden />}
          aria-expanded={open}
          aria-controls="preview-conditions"
          disabled={columns.length === 0}
          onClick={() => setOpen(!open)}
        >
          {size === 0 ? 'Filter' : `Filter: ${size}`}
        </Button>
      }
      above={
        <section id="preview-conditions" aria-label="Filter" className={classes.conditions} hidden={!open && size === 0}>
          {open && (
            <ConditionBuilder columns={columns} value={conditions} onChange={setConditions} strict={strict} valuesOf={(column) => seenValues(state.preview, column)} />
          )}
          {!open && size > 0 && <p>Rows for which {conditionWords(conditions, columns)}.</p>}
        </section>
      }
    />
  )
}
