import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { useSaveSync } from '~/features/sync/save'
import { draftOf, updateDocument } from '~/services/documents'
import { syncLogsQuery } from '~/services/synclogs'
import type { Source, Sync, SyncLogTables } from '~/services/types'
import { LogQueries } from './LogQueries'
import { LogStanding } from './LogStanding'
import { TablesForm } from './TablesForm'
import { cleanTables } from './words'

const saved = 'The sync logs are saved. They count from the next run on.'

/** What is written of all syncs of a source into it (SY-54). */
export function SyncLogsOfSource({ source }: { source: Source }) {
  const client = useQueryClient()
  const { slug } = source.metadata
  const save = useMutation({
    mutationFn: (tables: SyncLogTables) => updateDocument('sources', slug, draftOf<'sources'>(source, { ...source.spec, syncLogs: cleanTables(tables) })),
    onSuccess: async (document) => {
      client.setQueryData(['sources', 'one', slug], document)
      await client.invalidateQueries({ queryKey: ['sources'] })
      saidDone(saved)
    },
  })
  return <SyncLogs kind="sources" slug={slug} value={source.spec.syncLogs ?? {}} save={save} />
}

/** What is written of one sync, besides what its source says (SY-54). */
export function SyncLogsOfSync({ sync }: { sync: Sync }) {
  const save = useSaveSync(sync, () => undefined, saved)
  const onSave = { ...save, mutate: (tables: SyncLogTables) => save.mutate({ ...sync.spec, syncLogs: cleanTables(tables) }) }
  return <SyncLogs kind="syncs" slug={sync.metadata.slug} value={sync.spec.syncLogs ?? {}} save={onSave} />
}

interface Props {
  kind: 'sources' | 'syncs'
  slug: string
  value: SyncLogTables
  save: { mutate: (tables: SyncLogTables) => void; isPending: boolean; isSuccess: boolean; error: unknown }
}

function SyncLogs({ kind, slug, value, save }: Props) {
  const logs = useQuery(syncLogsQuery(kind, slug))
  if (logs.isPending) return <LoadingRows />
  if (logs.isError) return <ErrorCard error={logs.error} title="The sync logs could not be loaded" onRetry={() => void logs.refetch()} />
  if (logs.data.reason !== null) return <Impossible source={logs.data.source.slug} reason={logs.data.reason} />
  return (
    <div className="stack" style={{ maxWidth: 860 }}>
      <TablesForm of={kind} logs={logs.data} value={value} save={save} />
      <LogStanding of={kind} slug={slug} logs={logs.data} />
      <LogQueries logs={logs.data} />
    </div>
  )
}

/** Why there are none. */
function Impossible({ source, reason }: { source: string; reason: string }) {
  return (
    <Card title="Sync logs">
      <p className="muted">
        After each run, Millrace can write what became of rows into tables of the source, where you ask them with SQL. Not here: {reason}. The{' '}
        <Link to="/sources/$slug" params={{ slug: source }}>
          source’s configuration
        </Link>{' '}
        shows its engine.
      </p>
    </Card>
  )
}
