import { ActionIcon, Menu } from '@mantine/core'
import { IconDots, IconEdit, IconTrash } from '@tabler/icons-react'
import { useState, type ReactNode } from 'react'
import type { Documents } from '~/services/documents'
import type { Kind, KindPath } from '~/services/types'
import { DetailsDialog } from './DetailsDialog'
import { useDeleteDocument } from './useDeleteDocument'

interface Props<K extends KindPath> {
  kind: K
  document: Documents[K]
  /** Entries of this kind alone. */
  children?: ReactNode
}

/** What can be done with a document: rename, move, label, delete. */
export function DocumentMenu<K extends KindPath>({ kind, document, children }: Props<K>) {
  const [editing, setEditing] = useState(false)
  const remove = useDeleteDocument(document.kind as Kind, document.metadata)
  return (
    <>
      <Menu position="bottom-end" width={250}>
        <Menu.Target>
          <ActionIcon variant="default" size={34} aria-label="More actions">
            <IconDots size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {children}
          <Menu.Item leftSection={<IconEdit size={15} />} onClick={() => setEditing(true)}>
            Name, folder and labels
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item c="var(--bad)" leftSection={<IconTrash size={15} />} onClick={() => void remove()}>
            Delete {document.kind}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {editing && <DetailsDialog kind={kind} document={document} onClose={() => setEditing(false)} />}
    </>
  )
}
