import { Link } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { ApiError } from '~/services/http'
import type { SyncLogs } from '~/services/types'
import { waitingWords } from './words'

interface Props {
  of: 'sources' | 'syncs'
  slug: string
  logs: SyncLogs
}

/** What was written last, what waits, and why something is not written. */
export function LogStanding({ of, slug, logs }: Props) {
  const { written, givenUp, error } = logs
  const waiting = waitingWords(logs)
  return (
    <Card title="Last write">
      <div className="stack">
        <Facts
          facts={[
            { label: 'Written', value: written === null ? 'Nothing yet' : <Written of={of} slug={slug} written={written} /> },
            {
              label: 'Waiting',
              value:
                waiting === undefined ? (
                  'Nothing'
                ) : (
                  <>
                    {waiting} The oldest ended <TimeAgo at={logs.since} />.
                    {error !== null && (
                      <>
                        {' '}
                        Next try <TimeAgo at={logs.nextAt} />.
                      </>
                    )}
                  </>
                ),
            },
          ]}
        />
        {error !== null && (
          <ErrorCard error={new ApiError(422, error)} title="The log could not be written and is tried again">
            <p className="muted small">It is given up {logs.giveUpHours} hours after its run. The runs themselves go on.</p>
          </ErrorCard>
        )}
        {givenUp !== null && (
          <ErrorCard error={new ApiError(422, givenUp.error)} title={`The log of run ${givenUp.runId} was given up`}>
            <p className="muted small">
              Its rows are missing from the tables. The log of the next run is written again, once the cause is removed.
            </p>
          </ErrorCard>
        )}
      </div>
    </Card>
  )
}

function Written({ of, slug, written }: { of: Props['of']; slug: string; written: NonNullable<SyncLogs['written']> }) {
  const sync = of === 'syncs' ? slug : written.sync.slug
  return (
    <>
      <p>
        {sync === '' ? (
          `Run ${written.runId}`
        ) : (
          <Link to="/syncs/$slug/runs/$runId" params={{ slug: sync, runId: String(written.runId) }}>
            Run {written.runId}
          </Link>
        )}
        {of === 'sources' && written.sync.name !== '' && <> of {written.sync.name}</>}, <TimeAgo at={written.at} />
      </p>
      {written.remark !== undefined && <p className="muted small">Not all of it: {written.remark}.</p>}
    </>
  )
}
