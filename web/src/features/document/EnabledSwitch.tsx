import { Switch } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { setEnabled, type Scheduled } from '~/services/documents'

interface Props {
  kind: Scheduled
  slug: string
  disabled: boolean
}

const nouns: Record<Scheduled, string> = { syncs: 'sync', sequences: 'sequence' }

/** Whether a document's schedule starts it. By hand it can always be run (SY-85). */
export function EnabledSwitch({ kind, slug, disabled }: Props) {
  const client = useQueryClient()
  const toggle = useMutation({
    mutationFn: (next: boolean) => setEnabled(kind, slug, next),
    onSuccess: async (updated) => {
      client.setQueryData([kind, 'one', slug], updated)
      await client.invalidateQueries({ queryKey: [kind] })
      saidDone(updated.spec.disabled ? `The schedule is stopped. The ${nouns[kind]} can still be run by hand.` : 'The schedule is on.')
    },
    onError: (error) => saidFailed('Nothing was changed', error),
  })
  return (
    <Switch
      label={disabled ? 'Disabled' : 'Enabled'}
      checked={toggle.isPending ? toggle.variables : !disabled}
      disabled={toggle.isPending}
      onChange={(event) => toggle.mutate(event.currentTarget.checked)}
    />
  )
}
