import { SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import { Chart } from '~/components/chart/Chart'
import { Card } from '~/components/page/Card'
import type { Run } from '~/services/types'
import { durationSeries, rowSeries, runPoints, signsOf } from './history'

const views = [
  { value: 'rows', label: 'Rows' },
  { value: 'duration', label: 'Duration' },
]

/** The last runs of a sync as bars: what became of their rows, or how long they took. Each bar leads to its run (SY-08). */
export function RunHistory({ newestFirst }: { newestFirst: Run[] }) {
  const [view, setView] = useState('rows')
  const points = runPoints(newestFirst)
  const signs = signsOf(points)
  return (
    <Card title="Last runs" actions={<SegmentedControl size="xs" aria-label="What the bars show" data={views} value={view} onChange={setView} />}>
      {view === 'rows' ? (
        <Chart key={view} label="Rows by run" unit={['run', 'runs']} series={rowSeries} points={points} signs={signs} />
      ) : (
        <Chart key={view} label="Duration by run" unit={['run', 'runs']} measure="duration" series={durationSeries} points={points} signs={signs} />
      )}
    </Card>
  )
}
