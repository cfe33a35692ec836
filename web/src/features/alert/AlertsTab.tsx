import { Button } from '@mantine/core'
import { IconEdit } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { LoadingRows } from '~/components/feedback/Loading'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { StatusBadge } from '~/components/status/StatusBadge'
import { useSaveSync } from '~/features/sync/save'
import { alertsQuery } from '~/services/alerts'
import { triggerCatalogQuery } from '~/services/catalog'
import type { Alerts, Sync, TriggerState } from '~/services/types'
import classes from './Alert.module.css'
import { LevelBadge } from './AlertBadge'
import { AlertHistory } from './AlertHistory'
import { AlertsForm } from './AlertsForm'
import { cleanAlerts, isComplete } from './draft'
import { MuteControl } from './MuteControl'
import { conditionWords, fromWords, levelsWords } from './words'

/** What a sync is watched for, where that stands, who is told, and what happened (SY-61 to SY-67). */
export function AlertsTab({ sync }: { sync: Sync }) {
  const [editing, setEditing] = useState(false)
  const slug = sync.metadata.slug
  const alerts = useQuery(alertsQuery(slug))
  if (editing) return <EditAlerts sync={sync} onDone={() => setEditing(false)} />
  if (alerts.isPending) return <LoadingRows />
  if (alerts.isError) return <ErrorCard error={alerts.error} title="The alerts could not be loaded" onRetry={() => void alerts.refetch()} />
  const edit = (
    <Button size="xs" leftSection={<IconEdit size={14} />} onClick={() => setEditing(true)}>
      Edit alerts
    </Button>
  )
  return (
    <div className="stack">
      <Card title="Triggers" flush actions={edit}>
        <ul className={classes.triggers}>
          {alerts.data.triggers.map((trigger) => (
            <TriggerLine key={trigger.name} slug={slug} trigger={trigger} />
          ))}
        </ul>
      </Card>
      <Card title="Recipients">
        <Recipients alerts={alerts.data} destination={sync.spec.destination} />
      </Card>
      <AlertHistory slug={slug} />
    </div>
  )
}

function TriggerLine({ slug, trigger }: { slug: string; trigger: TriggerState }) {
  return (
    <li aria-label={trigger.label}>
      {trigger.on ? <LevelBadge level={trigger.level} /> : <StatusBadge label="Off" tone="idle" />}
      <div>
        <div className={classes.name}>
          <strong>{trigger.label}</strong>
          {trigger.on && trigger.level !== 'ok' && trigger.since !== null && (
            <span className="muted small">
              changed <TimeAgo at={trigger.since} />
            </span>
          )}
        </div>
        {trigger.on && trigger.words !== '' && <p className={classes.measured}>{trigger.words}</p>}
        {trigger.on ? (
          <p className="muted small">
            {conditionWords(trigger)}. {fromWords[trigger.from]}.
            {trigger.run !== null && (
              <>
                {' '}
                <Link to="/syncs/$slug/runs/$runId" params={{ slug, runId: String(trigger.run) }}>
                  Run {trigger.run}
                </Link>
              </>
            )}
          </p>
        ) : (
          <p className="muted small">Not watched.</p>
        )}
      </div>
      {trigger.on && <MuteControl slug={slug} trigger={trigger} />}
    </li>
  )
}

function Recipients({ alerts, destination }: { alerts: Alerts; destination: string }) {
  const from =
    alerts.recipientsFrom === 'sync' ? (
      'Set here.'
    ) : (
      <>
        Set by the{' '}
        <Link to="/destinations/$slug" params={{ slug: destination }} search={{ tab: 'alerts' }}>
          destination
        </Link>
        .
      </>
    )
  if (alerts.recipients.length === 0) {
    return (
      <p className="muted">
        Nobody is told. Choose recipients here with <em>Edit alerts</em>, or for all syncs of the{' '}
        <Link to="/destinations/$slug" params={{ slug: destination }} search={{ tab: 'alerts' }}>
          destination
        </Link>
        .
      </p>
    )
  }
  return (
    <div className="stack" style={{ gap: 8 }}>
      {alerts.recipients.map(({ channel, name, levels }) => (
        <div key={channel} className={classes.name}>
          <Link to="/settings/alerts/$slug" params={{ slug: channel }}>
            {name}
          </Link>
          <span className="muted small">{levelsWords[levels]}</span>
        </div>
      ))}
      <p className="muted small">{from}</p>
    </div>
  )
}

function EditAlerts({ sync, onDone }: { sync: Sync; onDone: () => void }) {
  const before = sync.spec.alerts ?? {}
  const [draft, setDraft] = useState(before)
  const types = useQuery(triggerCatalogQuery)
  const save = useSaveSync(sync, onDone, 'The alerts are saved. They count from the next evaluation on.')
  useUnsavedGuard(JSON.stringify(draft) !== JSON.stringify(before) && !save.isPending && !save.isSuccess)
  return (
    <div className="stack" style={{ maxWidth: 860 }}>
      <AlertsForm layer="sync" value={draft} onChange={setDraft} errors={problemsUnder('spec.alerts', problemsOf(save.error))} />
      {save.isError && <ErrorCard error={save.error} title="The alerts were not saved" />}
      <div className="row">
        <Button loading={save.isPending} disabled={!isComplete(draft, types.data ?? [])} onClick={() => save.mutate({ ...sync.spec, alerts: cleanAlerts(draft) })}>
          Save
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </div>
  )
}
