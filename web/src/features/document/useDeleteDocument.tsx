import { useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useConfirm } from '~/components/confirm/confirm'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { deleteDocument, referencesQuery } from '~/services/documents'
import { ApiError } from '~/services/http'
import type { Kind, KindPath, Metadata } from '~/services/types'

const pathOf: Record<Kind, KindPath> = {
  source: 'sources',
  model: 'models',
  destination: 'destinations',
  sync: 'syncs',
  sequence: 'sequences',
  'alert-channel': 'alert-channels',
  monitor: 'monitors',
}

/** Where the documents of a kind are listed. */
function listOf(path: KindPath) {
  if (path === 'alert-channels') return '/settings/alerts' as const
  return path === 'monitors' ? ('/settings/monitors' as const) : (`/${path}` as const)
}

const nouns: Partial<Record<Kind, string>> = { 'alert-channel': 'alert channel' }

const consequences: Record<Kind, string> = {
  source: 'Its stored credentials are erased. The data in the source itself is not touched.',
  model: 'The rows in the source are not touched.',
  destination: 'Its stored credentials are erased. What was already sent stays where it is.',
  sequence: 'A run of it that is under way is cancelled. Its syncs stay as they are.',
  'alert-channel': 'Its stored credentials are erased. What was sent stays where it is.',
  monitor: 'Its stored key is erased, and no further run is reported to it. What was sent stays where it is.',
  sync: 'Its runs, their row history and what is known of the last sync are erased. What was already sent stays where it is.',
}

/** The error, with the names of what refers to the document where that is why it stays. */
async function named(client: QueryClient, path: KindPath, slug: string, error: Error): Promise<Error> {
  if (!(error instanceof ApiError) || error.code !== 'resource.referenced') return error
  const { items } = await client.fetchQuery({ ...referencesQuery(path, slug), staleTime: 0 })
  const users = (items ?? []).map(({ kind, name }) => `${kind} ${name}`).join(', ')
  return new ApiError(error.status, { ...error, message: `It is used by ${users}.` })
}

/** Deletes a document after asking; leads to the list of its kind. */
export function useDeleteDocument(kind: Kind, metadata: Metadata) {
  const confirm = useConfirm()
  const client = useQueryClient()
  const navigate = useNavigate()
  const path = pathOf[kind]
  const remove = useMutation({
    mutationFn: () => deleteDocument(path, metadata.slug, metadata.revision),
    onSuccess: async () => {
      await navigate({ to: listOf(path) })
      client.removeQueries({ queryKey: [path, 'one', metadata.slug] })
      await client.invalidateQueries({ queryKey: [path] })
      saidDone(`${metadata.name} is deleted.`)
    },
    onError: async (error) => saidFailed(`${metadata.name} was not deleted`, await named(client, path, metadata.slug, error)),
  })
  return async () => {
    const yes = await confirm({
      title: `Delete ${metadata.name}?`,
      body: `${consequences[kind]} This cannot be undone.`,
      confirm: `Delete ${nouns[kind] ?? kind}`,
      danger: true,
    })
    if (yes) remove.mutate()
  }
}
