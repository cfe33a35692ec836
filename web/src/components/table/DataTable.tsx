import { Button } from '@mantine/core'
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react'
import { Fragment, type ReactNode } from 'react'
import { nextSort, sortDirection } from './sort'
import classes from './Table.module.css'

export interface Column<T> {
  id: string
  header: string
  cell: (row: T) => ReactNode
  /** The name that the server sorts by. */
  sort?: string
  align?: 'right'
  width?: number | string
  /** Left out on narrow windows. */
  secondary?: boolean
  /** Shown on wide windows only. */
  tertiary?: boolean
  /** Takes the width that the others leave, and cuts what is longer. */
  fill?: boolean
  /** Shown only where a person chooses it. */
  extra?: boolean
  /** The value as a file has it; without it, no file has the column. */
  text?: (row: T) => string
  /** What a short list sorts by, where that is not the text. */
  order?: (row: T) => string
}

interface Props<T> {
  caption: string
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T) => string | number
  sort?: string
  onSort?: (sort: string) => void
  onRowClick?: (row: T) => void
  selected?: string | number
  /** What stands below a row, over its whole width; null: nothing. */
  below?: (row: T) => ReactNode
  /** More rows can be loaded. */
  more?: { load: () => void; loading: boolean; total?: number }
}

export function SortButton({ column, sort = '', onSort }: { column: Column<never>; sort?: string; onSort: (s: string) => void }) {
  const direction = sortDirection(sort, column.sort ?? '')
  const SortIcon = direction === undefined ? IconArrowsSort : direction === 'ascending' ? IconArrowUp : IconArrowDown
  return (
    <button type="button" className={column.align === 'right' ? `${classes.sort} ${classes.reversed}` : classes.sort} onClick={() => onSort(nextSort(sort, column.sort ?? ''))}>
      {column.header}
      <SortIcon size={13} aria-hidden className={direction === undefined ? classes.unsorted : undefined} />
    </button>
  )
}

function classOf({ align, secondary, tertiary, fill }: Pick<Column<never>, 'align' | 'secondary' | 'tertiary' | 'fill'>): string {
  const names = [align === 'right' && classes.right, secondary && classes.secondary, tertiary && classes.tertiary, fill && classes.fill]
  return names.filter(Boolean).join(' ')
}

/** Rows and columns, with sorting and loading of more rows left to the server. */
export function DataTable<T>(props: Props<T>) {
  const { caption, columns, rows, rowKey, sort, onSort, onRowClick, selected, below, more } = props
  return (
    <div className={`${classes.scroller} quiet`} tabIndex={0} role="region" aria-label={caption}>
      <table className={classes.table}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                className={classOf(column)}
                style={{ width: column.width }}
                aria-sort={column.sort === undefined ? undefined : sortDirection(sort ?? '', column.sort)}
              >
                {column.sort !== undefined && onSort !== undefined ? (
                  <SortButton column={column as Column<never>} sort={sort} onSort={onSort} />
                ) : (
                  column.header
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const under = below?.(row)
            return (
              <Fragment key={rowKey(row)}>
                <tr
                  className={onRowClick === undefined ? undefined : classes.clickable}
                  data-selected={selected !== undefined && rowKey(row) === selected ? true : undefined}
                  onClick={onRowClick === undefined ? undefined : () => onRowClick(row)}
                >
                  {columns.map((column) => (
                    <td key={column.id} className={classOf(column)}>
                      {column.cell(row)}
                    </td>
                  ))}
                </tr>
                {under != null && (
                  <tr className={classes.below}>
                    <td colSpan={columns.length}>{under}</td>
                  </tr>
                )}
              </Fragment>
            )
          })}
        </tbody>
      </table>
      {more !== undefined && (
        <div className={classes.more}>
          <Button variant="default" size="xs" loading={more.loading} onClick={more.load}>
            Load more
          </Button>
          {more.total !== undefined && (
            <span className="muted small num">
              {rows.length} of {more.total}
            </span>
          )}
        </div>
      )}
    </div>
  )
}
