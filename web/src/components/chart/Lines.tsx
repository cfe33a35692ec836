import type { Drawing } from './Bars'
import classes from './Chart.module.css'
import { dashes } from './Patterns'
import { stretches } from './scale'

/** A line through each number of the points, the first with the area below it. What is not known interrupts it. */
export function Lines({ points, series, slots, top, height, axis }: Drawing) {
  const place = (id: string, i: number) => ({ x: slots[i]?.middle ?? 0, y: axis - ((points[i]?.values[id] ?? 0) / top) * height })
  return series.map(({ id, look }, order) =>
    stretches(points, id).map((part) => {
      const places = part.map((i) => place(id, i))
      const line = places.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x},${y}`).join('')
      return (
        <g key={`${id} ${part[0]}`}>
          {order === 0 && <path d={`${line}L${places.at(-1)?.x},${axis}L${places[0]?.x},${axis}Z`} fill={`var(--chart-${look})`} opacity={0.12} />}
          <path d={line} className={classes.line} stroke={`var(--chart-${look})`} strokeDasharray={dashes[look]} />
          {places.map(({ x, y }) => (
            <circle key={x} cx={x} cy={y} r={2.5} fill={`var(--chart-${look})`} />
          ))}
        </g>
      )
    }),
  )
}
