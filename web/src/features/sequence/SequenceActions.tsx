import { Button, Switch } from '@mantine/core'
import { IconPlayerPlay } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { DocumentMenu } from '~/features/document/DocumentMenu'
import { setSequenceEnabled, triggerSequence } from '~/services/sequences'
import type { Sequence } from '~/services/types'

/** Enable, run, and what every document can. */
export function SequenceActions({ sequence }: { sequence: Sequence }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const { slug } = sequence.metadata
  const trigger = useMutation({
    mutationFn: () => triggerSequence(slug),
    onSuccess: async (run) => {
      client.setQueryData(['sequence-runs', 'one', run.id], run)
      await client.invalidateQueries({ queryKey: ['sequences'] })
      await navigate({ to: '/sequences/$slug/runs/$runId', params: { slug, runId: String(run.id) } })
    },
    onError: (error) => saidFailed('The sequence did not start', error),
  })
  return (
    <>
      <EnabledSwitch sequence={sequence} />
      <Button leftSection={<IconPlayerPlay size={16} />} loading={trigger.isPending} onClick={() => trigger.mutate()}>
        Run
      </Button>
      <DocumentMenu kind="sequences" document={sequence} />
    </>
  )
}

function EnabledSwitch({ sequence }: { sequence: Sequence }) {
  const client = useQueryClient()
  const enabled = !sequence.spec.disabled
  const toggle = useMutation({
    mutationFn: (next: boolean) => setSequenceEnabled(sequence.metadata.slug, next),
    onSuccess: async (updated) => {
      client.setQueryData(['sequences', 'one', sequence.metadata.slug], updated)
      await client.invalidateQueries({ queryKey: ['sequences'] })
      saidDone(updated.spec.disabled ? 'The schedule is stopped. The sequence can still be run by hand.' : 'The schedule is on.')
    },
    onError: (error) => saidFailed('Nothing was changed', error),
  })
  return (
    <Switch
      label={enabled ? 'Enabled' : 'Disabled'}
      checked={toggle.isPending ? toggle.variables : enabled}
      disabled={toggle.isPending}
      onChange={(event) => toggle.mutate(event.currentTarget.checked)}
    />
  )
}
