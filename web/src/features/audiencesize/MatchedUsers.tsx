import { Button, Drawer } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Chart } from '~/components/chart/Chart'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { DataTable, type Column } from '~/components/table/DataTable'
import { matchedUsersQuery } from '~/services/audiencesizes'
import { ApiError } from '~/services/http'
import type { Match, MatchedUsers as Matched, Sync } from '~/services/types'
import { ExternalLink } from './ExternalLink'
import { matchPoints, matchSeries } from './history'
import { matchWords, percentWords, sizeWords } from './words'

const columns: Column<Match>[] = [
  { id: 'at', header: 'Asked', width: 160, cell: (match) => <TimeAgo at={match.at} /> },
  { id: 'status', header: 'External status', fill: true, cell: (match) => match.status ?? '–' },
  { id: 'matched', header: 'Matched users', align: 'right', width: 130, cell: (match) => sizeWords(match.matched) },
  { id: 'percent', header: 'Match', align: 'right', width: 90, cell: (match) => percentWords(match.percent) },
]

/** How many of the people that a sync sent the ad platform knows; nothing for a sync that fills no audience (MB-14). */
export function MatchedUsers({ sync }: { sync: Sync }) {
  const [opened, setOpened] = useState(false)
  const { data } = useQuery(matchedUsersQuery(sync.metadata.slug))
  if (data === undefined || !data.supported) return null
  return (
    <>
      <Card
        title="Matched users"
        actions={
          <Button variant="default" size="xs" onClick={() => setOpened(true)}>
            See details
          </Button>
        }
      >
        <p>{matchWords(data.newest)}</p>
      </Card>
      <Drawer opened={opened} onClose={() => setOpened(false)} position="right" size="lg" title="Matched users">
        <Details matched={data} />
      </Drawer>
    </>
  )
}

function Details({ matched }: { matched: Matched }) {
  const { newest, error, settlesHours, nextAt, history } = matched
  return (
    <div className="stack">
      {error !== null && <ErrorCard error={new ApiError(422, error)} title="The ad platform could not be asked" />}
      {newest === null ? (
        <p>Nothing is known yet. The ad platform is asked once a day, after the sync has made or chosen its audience.</p>
      ) : (
        <Facts
          facts={[
            { label: 'Audience', value: <ExternalLink to={newest.link}>{newest.name ?? newest.audience}</ExternalLink> },
            { label: 'External status', value: newest.status ?? 'The platform tells none' },
            { label: 'Matched users', value: sizeWords(newest.matched) },
            { label: 'Match', value: percentWords(newest.percent) },
            { label: 'Rows of the model', value: newest.members === null ? 'Unknown' : sizeWords(newest.members) },
            { label: 'Next look', value: <TimeAgo at={nextAt} /> },
          ]}
        />
      )}
      <p className="muted small">
        After a run it may take up to {settlesHours} hours until the platform’s numbers settle. Until then a match may exceed 100 %. Platforms do not tell small
        sizes.
      </p>
      {history.length > 1 && <Chart label="Matched users over time" unit={['look', 'looks']} kind="lines" series={matchSeries} points={matchPoints(history)} />}
      {history.length > 0 && <DataTable caption="History of matched users" columns={columns} rows={history} rowKey={(match) => match.at} />}
    </div>
  )
}
