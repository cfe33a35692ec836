import { Button } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { destinationCatalogQuery } from '~/services/catalog'
import { askEventQuality, eventQualityQuery } from '~/services/eventquality'
import type { Sync } from '~/services/types'
import { EventTable } from './EventTable'

/** What the vendor makes of the events that a sync sends; nothing where it does not tell. */
export function EventQuality({ sync }: { sync: Sync }) {
  const catalog = useQuery(destinationCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === sync.status?.destination.type)
  const type = info?.syncTypes?.find((entry) => entry.slug === sync.spec.type)
  return info !== undefined && type?.quality === true ? <QualityCard sync={sync} vendor={info.name} /> : null
}

function QualityCard({ sync, vendor }: { sync: Sync; vendor: string }) {
  const query = eventQualityQuery(sync)
  const client = useQueryClient()
  const { data, error, isFetching } = useQuery(query)
  const again = useMutation({ mutationFn: () => askEventQuality(sync.metadata.slug), onSuccess: (answer) => client.setQueryData(query.queryKey, answer) })
  const asking = isFetching || again.isPending
  const failure = asking ? null : (again.error ?? error)
  return (
    <Card
      title="Event quality"
      flush
      actions={
        <>
          {data !== undefined && (
            <span className="muted small">
              Asked <TimeAgo at={data.at} />
            </span>
          )}
          <Button variant="default" size="xs" leftSection={<IconRefresh size={14} />} loading={asking} onClick={() => again.mutate()}>
            Ask again
          </Button>
        </>
      }
    >
      {failure !== null && (
        <div className="card-body">
          <ErrorCard error={failure} title={`${vendor} could not be asked about the events`} />
        </div>
      )}
      {data === undefined && failure === null && <LoadingRows rows={3} />}
      {data?.events.length === 0 && <p className="card-body muted">{vendor} reports no quality yet. It needs events of the last days.</p>}
      {data !== undefined && data.events.length > 0 && <EventTable events={data.events} />}
    </Card>
  )
}
