import { Checkbox, Skeleton } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useCallback, useDeferredValue, useEffect, useLayoutEffect, useRef, type CSSProperties, type ReactNode } from 'react'
import { leastWidth } from './columns'
import { SortButton, type Column } from './DataTable'
import { sortDirection } from './sort'
import classes from './Virtual.module.css'

const rowHeight = 48
const checkWidth = 44

/** Which rows are chosen, and how that changes. */
export interface Chosen<T> {
  has: (row: T) => boolean
  /** With the rows between this one and the one before, where the shift key is held. */
  toggle: (row: T, index: number, shift: boolean) => void
  all: 'none' | 'some' | 'all'
  toggleAll: () => void
  /** What the box of a row says. */
  label: (row: T) => string
}

interface Props<T> {
  caption: string
  columns: Column<T>[]
  /** How many rows there are; a row that has not arrived yet is undefined. */
  count: number
  rowAt: (index: number) => T | undefined
  rowKey: (row: T) => string | number
  sort?: string
  onSort: (sort: string) => void
  /** Says which rows are in sight. */
  onSight: (first: number, last: number) => void
  chosen?: Chosen<T>
  /** The columns are a person's choice, so that none is left out for want of room. */
  fixed?: boolean
  /** It has few columns, which a narrow place has room for as well. */
  narrow?: boolean
}

/** How a cell stands, and which windows have room for it. */
const marksOf = <T,>({ align, secondary, tertiary }: Column<T>) => ({
  className: align === 'right' ? classes.right : undefined,
  'data-room': tertiary === true ? 'much' : secondary === true ? 'some' : undefined,
})

function HeadCell<T>({ column, sort, onSort }: { column: Column<T>; sort: string | undefined; onSort: (sort: string) => void }) {
  const width: CSSProperties = { width: column.fill === true ? undefined : (column.width ?? 140) }
  return (
    <th scope="col" {...marksOf(column)} style={width} aria-sort={column.sort === undefined ? undefined : sortDirection(sort ?? '', column.sort)}>
      {column.sort === undefined ? column.header : <SortButton column={column} sort={sort} onSort={onSort} />}
    </th>
  )
}

interface RowProps<T> {
  row: T
  index: number
  columns: Column<T>[]
  /** What the row's box says, where there is one. */
  label: string | undefined
  marked: boolean
  onToggle: Chosen<T>['toggle']
}

/** A row, which is drawn anew only where it differs: choosing one of many leaves the others as they are. */
const Row = memo(function Row<T>({ row, index, columns, label, marked, onToggle }: RowProps<T>) {
  return (
    <tr aria-rowindex={index + 2} data-selected={marked ? true : undefined}>
      {label !== undefined && (
        <td className={classes.check}>
          <Checkbox size="xs" aria-label={label} checked={marked} onChange={(event) => onToggle(row, index, (event.nativeEvent as MouseEvent).shiftKey)} />
        </td>
      )}
      {columns.map((column) => (
        <td key={column.id} {...marksOf(column)}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  )
}) as <T>(props: RowProps<T>) => ReactNode

/** A function that stays the same and does what the newest one does. */
function useLatest<A extends unknown[]>(newest: (...args: A) => void): (...args: A) => void {
  const held = useRef(newest)
  useLayoutEffect(() => {
    held.current = newest
  })
  return useCallback((...args: A) => held.current(...args), [])
}

/** The row that has not arrived yet. */
function Waiting<T>({ index, columns, check }: { index: number; columns: Column<T>[]; check: boolean }) {
  return (
    <tr aria-rowindex={index + 2} aria-busy>
      {check && <td className={classes.check} />}
      {columns.map((column) => (
        <td key={column.id} {...marksOf(column)}>
          <Skeleton height={12} width={`${80 - ((index * 13) % 40)}%`} />
        </td>
      ))}
    </tr>
  )
}

/** Room for the rows that are out of sight. One cell: a cell across columns that are left out would widen the table. */
const Room = ({ height }: { height: number }) =>
  height > 0 && (
    <tr aria-hidden className={classes.room}>
      <td style={{ height }} />
    </tr>
  )

/** A table of any length: only the rows in sight are drawn. Sorting and fetching are left to others. */
export function VirtualTable<T>(props: Props<T>) {
  const { caption, count, rowAt, rowKey, sort, onSort, onSight, chosen, fixed = false, narrow = false } = props
  // Other columns are drawn when what was clicked has been: every row has them.
  const columns = useDeferredValue(props.columns)
  const onToggle = useLatest((row: T, index: number, shift: boolean) => chosen?.toggle(row, index, shift))
  const scroller = useRef<HTMLDivElement>(null)
  // The compiler must not memoise what the virtualizer returns: it changes while scrolling.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    initialRect: { width: 1000, height: 640 },
  })
  const items = virtual.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = items[items.length - 1]?.index ?? 0
  useEffect(() => onSight(first, last), [first, last, onSight])
  const least = leastWidth(columns) + (chosen === undefined ? 0 : checkWidth)
  return (
    <div className={classes.place}>
      <div ref={scroller} className={`${classes.scroller} quiet`} tabIndex={0} role="region" aria-label={`${caption}, scrolls`}>
        <table className={classes.table} style={{ minWidth: fixed ? least : undefined }} data-fixed={fixed ? true : undefined} data-narrow={narrow ? true : undefined} aria-rowcount={count + 1}>
          <caption className="visually-hidden">{caption}</caption>
          <thead>
            <tr aria-rowindex={1}>
              {chosen !== undefined && (
                <th scope="col" className={classes.check} style={{ width: checkWidth }}>
                  <Checkbox
                    size="xs"
                    aria-label={chosen.all === 'all' ? 'Select none' : 'Select all'}
                    checked={chosen.all === 'all'}
                    indeterminate={chosen.all === 'some'}
                    onChange={chosen.toggleAll}
                  />
                </th>
              )}
              {columns.map((column) => (
                <HeadCell key={column.id} column={column} sort={sort} onSort={onSort} />
              ))}
            </tr>
          </thead>
          <tbody>
            <Room height={first * rowHeight} />
            {items.map(({ index }) => {
              const row = rowAt(index)
              return row === undefined ? (
                <Waiting key={`waiting ${index}`} index={index} columns={columns} check={chosen !== undefined} />
              ) : (
                <Row key={rowKey(row)} row={row} index={index} columns={columns} label={chosen?.label(row)} marked={chosen?.has(row) ?? false} onToggle={onToggle} />
              )
            })}
            <Room height={(count - last - 1) * rowHeight} />
          </tbody>
        </table>
      </div>
    </div>
  )
}
