import { SegmentedControl } from '@mantine/core'
import { IconChartBar } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Chart } from '~/components/chart/Chart'
import { ChartSkeleton } from '~/components/chart/ChartSkeleton'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { viewerZone } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import { runDaysQuery } from '~/services/runs'
import type { RunDay } from '~/services/types'
import { dayPoints, daySeries, daysWords } from './days'

const spans = [
  { value: '14', label: '14 days' },
  { value: '30', label: '30 days' },
]

/** What the runs of all syncs did on the last days, which begin and end where the viewer is. */
export function DayHistory() {
  const [span, setSpan] = useState('14')
  const query = useQuery(runDaysQuery(viewerZone(), Number(span)))
  return (
    <Card title="Rows by day" actions={<SegmentedControl size="xs" aria-label="Days shown" data={spans} value={span} onChange={setSpan} />}>
      {query.isPending && <ChartSkeleton />}
      {query.isError && <ErrorCard error={query.error} title="What runs did could not be loaded" onRetry={() => void query.refetch()} />}
      {query.isSuccess && <Days days={query.data.days} />}
    </Card>
  )
}

function Days({ days }: { days: RunDay[] }) {
  if (days.every(({ runs }) => runs === 0)) {
    return (
      <EmptyState icon={IconChartBar} title="No run ended on these days">
        Rows that are sent and rejected are counted on the day on which their run ends.
      </EmptyState>
    )
  }
  const signs = days.some(({ failed }) => failed > 0) ? [{ label: 'Failed runs', tone: 'bad' as const }] : []
  return (
    <div className="stack" style={{ gap: 8 }}>
      <p className="muted small num">{daysWords(days)}</p>
      <Chart label="Rows by day" unit={['day', 'days']} series={daySeries} points={dayPoints(days)} signs={signs} />
    </div>
  )
}
