import classes from './Chart.module.css'
import type { Kind, Look } from './types'

/** What a series is filled with. Series differ in lightness or by a pattern, so that colour alone tells none. */
export const fillOf = (look: Look, patterns: string): string =>
  look === 'third' || look === 'bad' ? `url(#${patterns}-${look})` : `var(--chart-${look})`

/** The patterns of a chart. Its legend and its tooltip use them as well. */
export const Patterns = ({ id }: { id: string }) => (
  <svg width={0} height={0} className={classes.patterns} aria-hidden="true">
    <defs>
      <pattern id={`${id}-third`} width={4} height={4} patternUnits="userSpaceOnUse">
        <rect width={4} height={4} fill="var(--chart-third-soft)" />
        <rect width={4} height={2} fill="var(--chart-third)" />
      </pattern>
      <pattern id={`${id}-bad`} width={6} height={6} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width={6} height={6} fill="var(--chart-bad-soft)" />
        <rect width={3.5} height={6} fill="var(--chart-bad)" />
      </pattern>
    </defs>
  </svg>
)

/** The dashes of lines, which tell them apart without their colours. */
export const dashes: Record<Look, string | undefined> = { first: undefined, second: '7 4', third: '2 4', bad: '1 3' }

interface SwatchProps {
  look: Look
  kind: Kind
  patterns: string
}

/** A piece of what a series is drawn with, beside its name. */
export const Swatch = ({ look, kind, patterns }: SwatchProps) =>
  kind === 'lines' ? (
    <svg width={20} height={12} className={classes.swatch} aria-hidden="true">
      <path d="M0,6H20" stroke={`var(--chart-${look})`} strokeWidth={2} strokeDasharray={dashes[look]} />
    </svg>
  ) : (
    <svg width={12} height={12} className={classes.swatch} aria-hidden="true">
      <rect x={0.5} y={0.5} width={11} height={11} rx={2} fill={fillOf(look, patterns)} stroke={`var(--chart-${look})`} />
    </svg>
  )
