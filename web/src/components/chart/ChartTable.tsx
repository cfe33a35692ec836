import { Link } from '@tanstack/react-router'
import { DataTable, type Column } from '~/components/table/DataTable'
import type { Measure, Point, Series } from './types'
import { valueWords } from './words'

interface Props {
  label: string
  /** What the first column names. */
  head: string
  points: Point[]
  series: Series[]
  measure: Measure
}

/** The numbers of a chart in rows, the newest first. */
export function ChartTable({ label, head, points, series, measure }: Props) {
  const columns: Column<Point>[] = [
    { id: 'point', header: head, fill: true, cell: ({ title, to }) => (to === undefined ? title : <Link to={to}>{title}</Link>) },
    ...series.map(({ id, label: header }): Column<Point> => ({ id, header, align: 'right', width: 120, cell: ({ values }) => valueWords(values[id], measure) })),
  ]
  if (points.some(({ mark }) => mark !== undefined)) columns.push({ id: 'mark', header: 'Remark', width: 220, cell: ({ mark }) => mark?.label ?? '' })
  return <DataTable caption={label} columns={columns} rows={[...points].reverse()} rowKey={({ key }) => key} />
}
