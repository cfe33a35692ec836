import { Button } from '@mantine/core'
import { IconEye, IconRefresh, IconTable, IconTableOff } from '@tabler/icons-react'
import { useState } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { count } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { TypeIcon } from '~/components/grid/TypeIcon'
import { tableName } from '~/components/grid/types'
import { Card } from '~/components/page/Card'
import { SearchField } from '~/components/table/ListToolbar'
import type { Table } from '~/services/types'
import classes from './Tables.module.css'
import { findTables } from './tables'
import { useTables } from './useTables'

interface Props {
  slug: string
  /** Chooses a table; without it the browser only shows. */
  onChoose?: (table: Table) => void
  chosen?: string
}

/** The tables and views of a source with their columns. */
export function TablesBrowser({ slug, onChoose, chosen }: Props) {
  const { query, tables, refreshedAt, refresh } = useTables(slug)
  const [search, setSearch] = useState('')
  const [shown, setShown] = useState('')
  const found = findTables(tables, search)
  const current = found.find((t) => tableName(t.ref) === (chosen ?? shown)) ?? (onChoose === undefined ? found[0] : undefined)
  const choose = (table: Table) => {
    setShown(tableName(table.ref))
    onChoose?.(table)
  }
  const refreshButton = (
    <Button variant="default" size="xs" leftSection={<IconRefresh size={14} />} loading={refresh.isPending} onClick={() => refresh.mutate()}>
      Refresh
    </Button>
  )
  return (
    <Card
      flush
      title="Tables and views"
      actions={
        <>
          {refreshedAt !== null && (
            <span className="muted small">
              Read <TimeAgo at={refreshedAt} />
            </span>
          )}
          {refreshButton}
        </>
      }
    >
      {query.isPending && <LoadingRows />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} title="The tables could not be read" onRetry={() => refresh.mutate()} />
        </div>
      )}
      {query.isSuccess && tables.length === 0 && (
        <EmptyState icon={IconTableOff} title="No tables are known yet" action={refreshButton}>
          Refresh to read the tables and views that the source’s user may see.
        </EmptyState>
      )}
      {tables.length > 0 && (
        <div className={classes.browser}>
          <div className={classes.names}>
            <div className={`${classes.find} quiet`}>
              <SearchField label="Search tables and columns" value={search} onChange={setSearch} />
            </div>
            <TableNames tables={found} current={current} onChoose={choose} />
          </div>
          {current === undefined ? (
            <p className={classes.hint}>Choose a table to see its columns.</p>
          ) : (
            <Columns table={current} />
          )}
        </div>
      )}
    </Card>
  )
}

interface NamesProps {
  tables: Table[]
  current: Table | undefined
  onChoose: (table: Table) => void
}

function TableNames({ tables, current, onChoose }: NamesProps) {
  if (tables.length === 0) return <p className={classes.hint}>No table or column matches.</p>
  return (
    <ul className={classes.list} aria-label="Tables">
      {tables.map((table) => {
        const name = tableName(table.ref)
        const Sign = table.kind === 'view' ? IconEye : IconTable
        return (
          <li key={name}>
            <button type="button" aria-pressed={table === current} onClick={() => onChoose(table)}>
              <Sign size={15} role="img" aria-label={table.kind === 'view' ? 'View' : 'Table'} />
              <span className="truncate" title={name}>
                {name}
              </span>
              {typeof table.rows === 'number' && <small className="muted num">{count(table.rows)}</small>}
            </button>
          </li>
        )
      })}
    </ul>
  )
}

function Columns({ table }: { table: Table }) {
  return (
    <div className={classes.columns}>
      <h3 className="truncate">{tableName(table.ref)}</h3>
      <ul aria-label={`Columns of ${tableName(table.ref)}`}>
        {(table.columns ?? []).map((column) => (
          <li key={column.name}>
            <TypeIcon type={column.type} />
            <code className="truncate">{column.name}</code>
            <small className="muted">
              {column.native ?? column.type}
              {column.nullable ? '' : ', not null'}
            </small>
            {column.description && <small className={classes.description}>{column.description}</small>}
          </li>
        ))}
      </ul>
    </div>
  )
}
