import { useEffect, useRef } from 'react'
import { Bars } from './Bars'
import type { Pointed } from './Chart'
import classes from './Chart.module.css'
import { Lines } from './Lines'
import { Points } from './Points'
import { barSlots, barsWidth, labels, timeSlots } from './scale'
import type { Kind, Measure, Point, Series } from './types'
import { tickWords } from './words'

/** The heights of the signs above the highest bar, of what is drawn, and of the labels below it. */
const head = 18
const height = 146
const foot = 24
const axis = head + height

interface Props {
  label: string
  summary: string
  hint: string
  kind: Kind
  measure: Measure
  points: Point[]
  series: Series[]
  /** The numbers of the axis, from 0 upwards. */
  scale: number[]
  /** The widths of the axis' numbers, and of what is left for the points. */
  gutter: number
  room: number
  patterns: string
  pointed: Pointed | undefined
  onPoint: (pointed: Pointed | undefined) => void
}

/** The drawing, with the points over it. Where points are too many for the width they are scrolled, the newest in sight. */
export function Plot({ label, summary, hint, kind, measure, points, series, scale, gutter, room, patterns, pointed, onPoint }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const width = kind === 'bars' ? barsWidth(points.length, room) : room
  const slots = kind === 'bars' ? barSlots(points.length, width) : timeSlots(points.map(({ at }) => at), width)
  const top = scale.at(-1) ?? 1
  const y = (tick: number) => axis - (tick / top) * height
  const newest = points.at(-1)?.key
  useEffect(() => {
    if (scroller.current !== null) scroller.current.scrollLeft = scroller.current.scrollWidth
  }, [newest, width])
  const Series = kind === 'bars' ? Bars : Lines
  return (
    <div className={classes.body}>
      <svg width={gutter} height={axis + foot} aria-hidden="true" className={classes.text}>
        {scale.map((tick) => (
          <text key={tick} x={gutter - 8} y={y(tick) + 4} textAnchor="end">
            {tickWords(tick, measure)}
          </text>
        ))}
      </svg>
      <div ref={scroller} className={classes.scroller}>
        <div className={classes.sheet} style={{ width }}>
          <svg width={width} height={axis + foot} role="img" aria-label={`${label}. ${summary}`} className={classes.text}>
            {scale.map((tick) => (
              <line key={tick} x1={0} x2={width} y1={y(tick)} y2={y(tick)} className={tick === 0 ? classes.zero : classes.grid} />
            ))}
            <Series {...{ points, series, slots, top, height, axis, patterns }} />
            {labels(slots, points.map(({ short }) => short), width).map(({ text, middle }) => (
              <text key={middle} x={middle} y={axis + 17} textAnchor="middle">
                {text}
              </text>
            ))}
          </svg>
          <Points {...{ points, series, slots, measure, hint, pointed, onPoint }} height={axis} label={label} />
        </div>
      </div>
    </div>
  )
}
