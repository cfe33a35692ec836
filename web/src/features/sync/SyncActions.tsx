import { Button, Menu } from '@mantine/core'
import { IconEraser, IconPlayerPlay, IconRefresh, IconRotateClockwise } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useConfirm, type ConfirmQuestion } from '~/components/confirm/confirm'
import { saidFailed } from '~/components/feedback/toast'
import { DocumentMenu } from '~/features/document/DocumentMenu'
import { EnabledSwitch } from '~/features/document/EnabledSwitch'
import { destinationCatalogQuery } from '~/services/catalog'
import { triggerSync } from '~/services/syncs'
import type { Sync, TriggerOptions } from '~/services/types'
import { resyncDuplicates } from './words'

/** Whether the destination can empty what the sync fills (SY-13). */
function useClears(sync: Sync): boolean {
  const catalog = useQuery(destinationCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === sync.status?.destination.type)
  return info?.syncTypes?.find((type) => type.slug === sync.spec.type)?.clears === true
}

function useTrigger(sync: Sync) {
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: (options: TriggerOptions) => triggerSync(sync.metadata.slug, options),
    onSuccess: async (run) => {
      client.setQueryData(['runs', 'one', run.id], run)
      await client.invalidateQueries({ queryKey: ['syncs'] })
      await navigate({ to: '/syncs/$slug/runs/$runId', params: { slug: sync.metadata.slug, runId: String(run.id) } })
    },
    onError: (error) => saidFailed('The sync did not start', error),
  })
}

const questions = (sync: Sync): Record<'full' | 'reset' | 'clear', ConfirmQuestion> => {
  const to = sync.status?.destination.name ?? sync.spec.destination
  const duplicates = resyncDuplicates(sync.spec.mode)
    ? ` This sync only adds to ${to}: rows that were sent before are sent again and may appear twice.`
    : ''
  return {
    full: {
      title: 'Resync the full query?',
      body: `Every row that the model has now is sent to ${to} as added, as in a first run; where that only remembers the rows, nothing is sent. Rows that left the model since the last run are not deleted or cleared.${duplicates}`,
      confirm: 'Resync full query',
      danger: duplicates !== '',
    },
    reset: {
      title: 'Reset change tracking?',
      body: `The next run only remembers the rows as they are and sends nothing. What changed between the last run and that one never reaches ${to}.`,
      confirm: 'Reset CDC and run',
      danger: true,
    },
    clear: {
      title: `Clear and fill ${to}?`,
      body: `Everything that this sync’s target in ${to} holds is removed first, also what Millrace did not put there. Then every row is sent again.`,
      confirm: 'Clear and fill',
      danger: true,
    },
  }
}

/** Enable, run, and the actions that need a second thought (SY-04, SY-05). */
export function SyncActions({ sync }: { sync: Sync }) {
  const confirm = useConfirm()
  const trigger = useTrigger(sync)
  const clears = useClears(sync)
  const ask = questions(sync)
  const after = async (question: ConfirmQuestion, options: TriggerOptions) => {
    if (await confirm(question)) trigger.mutate(options)
  }
  return (
    <>
      <EnabledSwitch kind="syncs" slug={sync.metadata.slug} disabled={sync.spec.disabled} />
      <Button leftSection={<IconPlayerPlay size={16} />} loading={trigger.isPending} onClick={() => trigger.mutate({})}>
        Run
      </Button>
      <DocumentMenu kind="syncs" document={sync}>
        <Menu.Item leftSection={<IconRefresh size={15} />} onClick={() => void after(ask.full, { fullResync: true })}>
          Resync full query
        </Menu.Item>
        <Menu.Item leftSection={<IconRotateClockwise size={15} />} onClick={() => void after(ask.reset, { resetCDC: true })}>
          Reset CDC
        </Menu.Item>
        {clears && (
          <Menu.Item leftSection={<IconEraser size={15} />} onClick={() => void after(ask.clear, { clearAndFill: true })}>
            Clear and fill
          </Menu.Item>
        )}
        <Menu.Divider />
      </DocumentMenu>
    </>
  )
}
