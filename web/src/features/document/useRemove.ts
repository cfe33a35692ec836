import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useConfirm } from '~/components/confirm/confirm'
import { saidDone, saidFailed } from '~/components/feedback/toast'

interface Named {
  metadata: { name: string }
}

interface What<T extends Named> {
  /** What it is called, such as tunnel. */
  noun: string
  /** The key of the queries that list them. */
  queryKey: string
  remove: (document: T) => Promise<void>
  /** What deleting it means. */
  consequences: (document: T) => string
  onGone?: () => void
}

/** Deletes a document, after saying what that means. */
export function useRemove<T extends Named>({ noun, queryKey, remove, consequences, onGone }: What<T>) {
  const client = useQueryClient()
  const confirm = useConfirm()
  const { mutate } = useMutation({
    mutationFn: remove,
    onSuccess: async (_, { metadata }) => {
      onGone?.()
      await client.invalidateQueries({ queryKey: [queryKey] })
      saidDone(`${metadata.name} is deleted.`)
    },
    onError: (error, { metadata }) => saidFailed(`${metadata.name} was not deleted`, error),
  })
  return async (document: T) => {
    const yes = await confirm({ title: `Delete ${document.metadata.name}?`, body: consequences(document), confirm: `Delete ${noun}`, danger: true })
    if (yes) mutate(document)
  }
}
