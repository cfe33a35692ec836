import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useConfirm } from '~/components/confirm/confirm'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { deleteCredential, deleteTunnel } from '~/services/network'
import type { Credential, Tunnel } from '~/services/types'

interface What {
  noun: 'tunnel' | 'credential'
  consequences: string
  onGone: () => void
}

/** Deletes a tunnel or a credential, after saying what that means. */
export function useRemove({ noun, consequences, onGone }: What) {
  const client = useQueryClient()
  const confirm = useConfirm()
  const remove = useMutation({
    mutationFn: (document: Tunnel | Credential) => (document.kind === 'tunnel' ? deleteTunnel(document as Tunnel) : deleteCredential(document as Credential)),
    onSuccess: async (_, { metadata }) => {
      onGone()
      await client.invalidateQueries({ queryKey: [`${noun}s`] })
      saidDone(`${metadata.name} is deleted.`)
    },
    onError: (error, { metadata }) => saidFailed(`${metadata.name} was not deleted`, error),
  })
  return async (document: Tunnel | Credential) => {
    const yes = await confirm({ title: `Delete ${document.metadata.name}?`, body: consequences, confirm: `Delete ${noun}`, danger: true })
    if (yes) remove.mutate(document)
  }
}
