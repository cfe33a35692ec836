import { Button } from '@mantine/core'
import { IconChartBar, IconTable } from '@tabler/icons-react'
import classes from './Chart.module.css'
import { Swatch } from './Patterns'
import { Sign } from './Sign'
import type { Kind, Mark, Series } from './types'

interface Props {
  kind: Kind
  series: Series[]
  hidden: ReadonlySet<string>
  onToggle: (id: string) => void
  /** What a sign on a point says. */
  signs: Pick<Mark, 'label' | 'tone'>[]
  patterns: string
  table: boolean
  onTable: (table: boolean) => void
}

/** The names of the series, each of which hides and shows its own, and the way to the numbers as a table. */
export function Legend({ kind, series, hidden, onToggle, signs, patterns, table, onTable }: Props) {
  return (
    <div className={classes.legend}>
      <div role="group" aria-label="Series" className="row wrap">
        {series.length > 1 &&
          series.map(({ id, label, look }) => (
            <button key={id} type="button" className={classes.entry} aria-pressed={!hidden.has(id)} onClick={() => onToggle(id)}>
              <Swatch {...{ look, kind, patterns }} />
              {label}
            </button>
          ))}
        {signs.map(({ label, tone }) => (
          <span key={label} className={classes.entry}>
            <svg width={12} height={12} aria-hidden="true">
              <Sign tone={tone} x={6} y={6} />
            </svg>
            {label}
          </span>
        ))}
      </div>
      <Button variant="subtle" color="gray" size="compact-xs" leftSection={table ? <IconChartBar size={14} aria-hidden /> : <IconTable size={14} aria-hidden />} onClick={() => onTable(!table)}>
        {table ? 'Show as chart' : 'Show as table'}
      </Button>
    </div>
  )
}
