import { useElementSize } from '@mantine/hooks'
import { useId, useState } from 'react'
import { plural } from '~/components/format/format'
import classes from './Chart.module.css'
import { ChartTable } from './ChartTable'
import { Legend } from './Legend'
import { Patterns } from './Patterns'
import { Plot } from './Plot'
import { highest, textWidth, ticks } from './scale'
import { Tip } from './Tip'
import type { Kind, Mark, Measure, Point, Series } from './types'
import { summaryWords, tickWords } from './words'

interface Props {
  /** What it shows: "Rows by run". */
  label: string
  /** What a point is, one and many: "run", "runs". */
  unit: [one: string, many: string]
  /** Bars whose numbers stand one on the other, or a line for each number over time. */
  kind?: Kind
  measure?: Measure
  series: Series[]
  /** The oldest first. */
  points: Point[]
  /** What the signs of points say, for the legend. */
  signs?: Pick<Mark, 'label' | 'tone'>[]
}

/** The point that is looked at, and its sides as distances from the chart's left. */
export interface Pointed {
  index: number
  from: number
  to: number
}

/**
 * Numbers of runs, days or other moments. Each point is reached by pointer and by the arrow keys, tells its exact
 * numbers, and leads to its page where it has one; a table has the same numbers.
 */
export function Chart({ label, unit, kind = 'bars', measure = 'count', series, points, signs = [] }: Props) {
  const patterns = useId()
  const { ref, width } = useElementSize()
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [table, setTable] = useState(false)
  const [pointed, setPointed] = useState<Pointed>()
  const shown = series.filter(({ id }) => !hidden.has(id))
  const stacked = kind === 'bars'
  const scale = ticks(highest(points, shown, stacked), measure)
  const gutter = 10 + Math.max(...scale.map((tick) => textWidth(tickWords(tick, measure))))
  const point = pointed === undefined ? undefined : points[pointed.index]
  const toggle = (id: string) => {
    const next = new Set(hidden.has(id) ? [...hidden].filter((one) => one !== id) : [...hidden, id])
    setHidden(next.size === series.length ? new Set() : next) // without any series there is nothing to look at
  }
  return (
    <figure className={classes.chart} aria-label={label}>
      <Patterns id={patterns} />
      <Legend {...{ kind, series, hidden, signs, patterns, table }} onToggle={toggle} onTable={setTable} />
      {table ? (
        <ChartTable label={`${label}, as a table`} head={capital(unit[0])} points={points} series={series} measure={measure} />
      ) : (
        <div ref={ref} className={classes.plot}>
          {width > 0 && (
            <Plot
              {...{ kind, measure, points, scale, gutter, patterns, pointed }}
              label={label}
              series={shown}
              room={width - gutter}
              summary={summaryWords({ points, series: shown, measure, stacked, unit })}
              hint={`Arrow keys move between ${plural(points.length, ...unit)}.`}
              onPoint={setPointed}
            />
          )}
          {pointed !== undefined && point !== undefined && <Tip {...{ point, kind, measure, patterns, width, pointed }} series={shown} />}
        </div>
      )}
    </figure>
  )
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
