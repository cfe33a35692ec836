import { Button, Checkbox } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { Card } from '~/components/page/Card'
import type { SyncLogs, SyncLogTables } from '~/services/types'
import { logTables, sameTables } from './words'

interface Props {
  of: 'sources' | 'syncs'
  logs: Pick<SyncLogs, 'source' | 'tables'>
  value: SyncLogTables
  save: { mutate: (tables: SyncLogTables) => void; isPending: boolean; isSuccess: boolean; error: unknown }
}

/** Which tables are written. A sync cannot switch off what its source chooses. */
export function TablesForm({ of, logs, value, save }: Props) {
  const [draft, setDraft] = useState(value)
  const changed = !sameTables(draft, value)
  useUnsavedGuard(changed && !save.isPending && !save.isSuccess)
  return (
    <Card title="Tables">
      <div className="stack">
        <p className="muted small">
          {of === 'sources'
            ? 'Written after each run of every sync of this source. All syncs share the tables.'
            : 'Written after each run of this sync. All syncs of the source share the tables.'}{' '}
          Much is written where runs are frequent: choose what you need.
        </p>
        {logTables.map(({ name, label, has }) => {
          const table = logs.tables.find((one) => one.name === name)
          const given = of === 'syncs' && table?.bySource === true
          return (
            <Checkbox
              key={name}
              label={label}
              checked={given || draft[name] === true}
              disabled={given}
              onChange={(event) => setDraft({ ...draft, [name]: event.currentTarget.checked })}
              description={
                <>
                  {has} Table <code>{table?.table}</code>.
                  {given && (
                    <>
                      {' '}
                      The{' '}
                      <Link to="/sources/$slug" params={{ slug: logs.source.slug }} search={{ tab: 'sync-logs' }}>
                        source
                      </Link>{' '}
                      chooses it for all of its syncs.
                    </>
                  )}
                </>
              }
            />
          )
        })}
        {save.error !== null && save.error !== undefined && <ErrorCard error={save.error} title="The sync logs were not saved" />}
        <div className="row">
          <Button disabled={!changed} loading={save.isPending} onClick={() => save.mutate(draft)}>
            Save
          </Button>
        </div>
      </div>
    </Card>
  )
}
