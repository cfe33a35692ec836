import { Button } from '@mantine/core'
import { IconPlayerPlay } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { saidFailed } from '~/components/feedback/toast'
import { DocumentMenu } from '~/features/document/DocumentMenu'
import { EnabledSwitch } from '~/features/document/EnabledSwitch'
import { triggerSequence } from '~/services/sequences'
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
      <EnabledSwitch kind="sequences" slug={sequence.metadata.slug} disabled={sequence.spec.disabled} />
      <Button leftSection={<IconPlayerPlay size={16} />} loading={trigger.isPending} onClick={() => trigger.mutate()}>
        Run
      </Button>
      <DocumentMenu kind="sequences" document={sequence} />
    </>
  )
}
