import classes from './Chart.module.css'
import { fillOf } from './Patterns'
import { stack, type Slot } from './scale'
import { Sign } from './Sign'
import type { Point, Series } from './types'

export interface Drawing {
  points: Point[]
  series: Series[]
  slots: Slot[]
  /** The number at the upper end. */
  top: number
  /** Pixels between the axis and top, and where the axis is. */
  height: number
  axis: number
  patterns: string
}

/** The widest that a bar is. */
const widest = 36

/** A bar for each point, its numbers one on the other. */
export function Bars({ points, series, slots, top, height, axis, patterns }: Drawing) {
  return points.map((point, i) => {
    const slot = slots[i]
    if (slot === undefined) return null
    const width = Math.min(widest, (slot.to - slot.from) * 0.68)
    const pieces = stack(point, series, top, height)
    const end = axis - (pieces.at(-1)?.to ?? 0)
    return (
      <g key={point.key} className={classes.bar}>
        {pieces.map(({ series: { id, look }, from, to }) => (
          <rect key={id} x={slot.middle - width / 2} y={axis - to + 1} width={width} height={to - from - 1} fill={fillOf(look, patterns)} />
        ))}
        {point.mark !== undefined && <BarSign mark={point.mark} x={slot.middle} y={end - 9} />}
      </g>
    )
  })
}

function BarSign({ mark, x, y }: { mark: NonNullable<Point['mark']>; x: number; y: number }) {
  if (mark.text === undefined) return <Sign tone={mark.tone} x={x} y={y} />
  return (
    <>
      <Sign tone={mark.tone} x={x - 6} y={y} />
      <text x={x + 2} y={y + 4} className={classes.signText}>
        {mark.text}
      </text>
    </>
  )
}
