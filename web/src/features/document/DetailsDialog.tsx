import { Autocomplete, Button, Modal, TagsInput, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidDone } from '~/components/feedback/toast'
import { draftOf, updateDocument, type Documents } from '~/services/documents'
import { foldersQuery } from '~/services/lists'
import type { KindPath } from '~/services/types'
import { labelsFrom, labelTexts } from './labels'

interface Props<K extends KindPath> {
  kind: K
  document: Documents[K]
  onClose: () => void
}

/** Edits the name, description, folder and labels of a document. */
export function DetailsDialog<K extends KindPath>({ kind, document, onClose }: Props<K>) {
  const client = useQueryClient()
  const folders = useQuery(foldersQuery)
  const { metadata, spec } = document
  const [name, setName] = useState(metadata.name)
  const [description, setDescription] = useState(spec.description ?? '')
  const [folder, setFolder] = useState(metadata.folder ?? '')
  const [labels, setLabels] = useState(labelTexts(metadata.labels))
  const parsed = labelsFrom(labels)
  const save = useMutation({
    mutationFn: () => {
      const next: Documents[K]['spec'] = { ...spec, description: description.trim() }
      const draft = draftOf<K>(document, next)
      draft.metadata = { ...draft.metadata, name: name.trim(), folder: folder.trim() || null, labels: parsed.labels }
      return updateDocument(kind, metadata.slug, draft)
    },
    onSuccess: async () => {
      await Promise.all([client.invalidateQueries({ queryKey: [kind] }), client.invalidateQueries({ queryKey: ['folders'] })])
      saidDone('Saved.')
      onClose()
    },
  })
  return (
    <Modal opened onClose={onClose} title={<strong>Name, folder and labels</strong>}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <TextInput label="Name" withAsterisk value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Textarea label="Description" autosize minRows={2} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        <Autocomplete
          label="Folder"
          description="Folders in folders are written with a slash: Marketing/EU."
          data={(folders.data?.items ?? []).map((f) => f.path)}
          value={folder}
          onChange={setFolder}
        />
        <TagsInput
          label="Labels"
          description="Written as key:value; press Enter after each."
          value={labels}
          error={parsed.problem}
          onChange={setLabels}
        />
        {save.isError && <ErrorCard error={save.error} title="Nothing was saved" />}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={name.trim() === '' || parsed.problem !== undefined}>
            Save
          </Button>
        </div>
      </form>
    </Modal>
  )
}
