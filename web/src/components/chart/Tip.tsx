import type { Pointed } from './Chart'
import classes from './Chart.module.css'
import { Swatch } from './Patterns'
import { totalOf } from './scale'
import { Sign } from './Sign'
import type { Kind, Measure, Point, Series } from './types'
import { valueWords } from './words'

interface Props {
  point: Point
  series: Series[]
  measure: Measure
  kind: Kind
  patterns: string
  /** Where the point is, on the width of the chart. */
  pointed: Pointed
  width: number
}

/** The exact numbers of a point, on the side of it that has more room. Screen readers have them as the point's name. */
export function Tip({ point, series, measure, kind, patterns, pointed: { from, to }, width }: Props) {
  const side = from + to > width ? { right: width - from + 6 } : { left: to + 6 }
  return (
    <div className={classes.tip} style={side} aria-hidden="true">
      <strong>{point.title}</strong>
      <dl>
        {[...series].reverse().map(({ id, label, look }) => (
          <div key={id}>
            <dt>
              <Swatch {...{ look, kind, patterns }} />
              {label}
            </dt>
            <dd>{valueWords(point.values[id], measure)}</dd>
          </div>
        ))}
        {kind === 'bars' && series.length > 1 && (
          <div className={classes.tipTotal}>
            <dt>Together</dt>
            <dd>{valueWords(totalOf(point, series), measure)}</dd>
          </div>
        )}
      </dl>
      {point.mark !== undefined && (
        <span className={classes.tipMark}>
          <svg width={12} height={12}>
            <Sign tone={point.mark.tone} x={6} y={6} />
          </svg>
          {point.mark.label}
        </span>
      )}
    </div>
  )
}
