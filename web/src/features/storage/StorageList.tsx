import { ActionIcon, Badge, Button, Menu } from '@mantine/core'
import { IconBucket, IconDots, IconPencil, IconPlus, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { LinkButton } from '~/components/page/LinkButton'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { ShortList } from '~/components/table/ShortList'
import { TestBadge } from '~/features/connection/TestBadge'
import { testWords } from '~/features/connection/words'
import { useRemove } from '~/features/document/useRemove'
import type { ListSearch } from '~/routes/search'
import { deleteStorage, isMoving, storageQuery, storagesQuery } from '~/services/storage'
import type { Storage } from '~/services/types'
import classes from './Storage.module.css'
import { SwitchDialog } from './SwitchDialog'

/** A place that the workspace can move to. */
interface Goal {
  slug: string
  name: string
}

/** The buckets that people described, and the server's own storage. */
export function StorageList({ search, onSearch }: { search: ListSearch; onSearch: (search: ListSearch) => void }) {
  const storages = useQuery(storagesQuery)
  const overview = useQuery(storageQuery)
  const [goal, setGoal] = useState<Goal>()
  const remove = useRemove({
    noun: 'storage',
    queryKey: 'storages',
    remove: deleteStorage,
    consequences: () => 'Its stored credentials are erased. What lies in the bucket stays there. This cannot be undone.',
  })
  const stuck = overview.data === undefined || overview.data.current.locked || isMoving(overview.data.switch)
  return (
    <>
      <ShortList
        title="Buckets of your own"
        one="storage"
        many="storages"
        query={storages}
        columns={columnsFor(stuck, setGoal, remove)}
        rowKey={({ metadata }) => metadata.slug}
        search={search}
        onSearch={onSearch}
        add={
          <>
            {overview.data?.current.slug !== undefined && (
              <Button size="xs" variant="default" disabled={stuck} onClick={() => setGoal({ slug: '', name: 'this server’s own storage' })}>
                Back to the server’s
              </Button>
            )}
            <LinkButton size="xs" to="/settings/storage/new" leftSection={<IconPlus size={14} />}>
              Add storage
            </LinkButton>
          </>
        }
        empty={
          <EmptyState icon={IconBucket} title="No bucket of your own yet">
            What syncs remember and the logs of runs lie in this server’s storage. Add a bucket on Amazon S3, Google Cloud Storage or Azure to keep them under your own control.
          </EmptyState>
        }
      />
      {goal !== undefined && <SwitchDialog to={goal.slug} name={goal.name} onClose={() => setGoal(undefined)} />}
    </>
  )
}

function columnsFor(stuck: boolean, use: (goal: Goal) => void, remove: (storage: Storage) => Promise<void>): Column<Storage>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      fill: true,
      sort: 'name',
      text: ({ metadata, status }) => `${metadata.name} ${metadata.slug} ${status.label}`,
      cell: ({ metadata, status }) => (
        <NameCell
          link={
            <span className="row" style={{ flexWrap: 'nowrap' }}>
              <Link to="/settings/storage/$slug" params={{ slug: metadata.slug }} title={metadata.name}>
                {metadata.name}
              </Link>
              {status.inUse && <Badge style={{ flex: 'none' }}>In use</Badge>}
            </span>
          }
          note={<span title={status.label}>{status.label}</span>}
        />
      ),
    },
    { id: 'test', header: 'Last test', width: 120, sort: 'test', text: ({ status }) => testWords(status.lastTest), cell: ({ status }) => <TestBadge test={status.lastTest} /> },
    {
      id: 'actions',
      header: '',
      align: 'right',
      width: 150,
      cell: (storage) => (
        <span className={classes.buttons}>
          {!storage.status.inUse && (
            <Button size="compact-xs" variant="default" disabled={stuck} onClick={() => use({ slug: storage.metadata.slug, name: storage.metadata.name })}>
              Use it
            </Button>
          )}
          <RowMenu storage={storage} onRemove={remove} />
        </span>
      ),
    },
  ]
}

function RowMenu({ storage, onRemove }: { storage: Storage; onRemove: (storage: Storage) => Promise<void> }) {
  const { metadata, status } = storage
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${metadata.name}`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconPencil size={15} />} renderRoot={(props) => <Link to="/settings/storage/$slug" params={{ slug: metadata.slug }} {...props} />}>
          Edit and test
        </Menu.Item>
        <Menu.Item leftSection={<IconTrash size={15} />} disabled={status.inUse} onClick={() => void onRemove(storage)}>
          Delete
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
