import { Button, Modal, TextInput, UnstyledButton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconBuilding, IconPlus } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf } from '~/components/feedback/errors'
import { saidFailed } from '~/components/feedback/toast'
import { Page } from '~/components/page/Page'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { ShortList } from '~/components/table/ShortList'
import type { Workspace } from '~/services/types'
import { createWorkspace, enterWorkspace, workspacesQuery } from '~/services/workspaces'
import classes from './workspaces.module.css'

const route = getRouteApi('/app/workspaces')

function columnsFor(enter: (slug: string) => void): Column<Workspace>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      fill: true,
      sort: 'name',
      text: ({ name, slug }) => `${name} ${slug}`,
      cell: ({ name, slug, current }) => (
        <NameCell
          link={
            current ? (
              <span className={classes.name} title={name}>
                {name}
              </span>
            ) : (
              <UnstyledButton className={classes.name} title={name} onClick={() => enter(slug)}>
                {name}
              </UnstyledButton>
            )
          }
          note={current ? `${slug}, where you are` : slug}
        />
      ),
    },
    { id: 'region', header: 'Region', width: 170, sort: 'region', secondary: true, text: ({ region }) => region ?? '', cell: ({ region }) => region ?? '–' },
    { id: 'role', header: 'Your role', width: 120, sort: 'role', text: ({ role }) => role, cell: ({ role }) => role },
  ]
}

/** The person's workspaces: finds one by name or slug, and goes there (ORG-07). */
export default function WorkspacesPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const workspaces = useQuery(workspacesQuery)
  const [adding, dialog] = useDisclosure(false)
  const enter = useMutation({
    mutationFn: enterWorkspace,
    // Everything that the page knows is of the workspace before.
    onSuccess: () => window.location.assign('/'),
    onError: (error) => saidFailed('The workspace was not entered', error),
  })
  return (
    <Page title="Workspaces" meta="Each has its own sources, models, destinations and syncs.">
      <ShortList
        title="Your workspaces"
        one="workspace"
        many="workspaces"
        query={workspaces}
        columns={columnsFor((slug) => enter.mutate(slug))}
        rowKey={({ id }) => id}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        add={
          <Button size="xs" leftSection={<IconPlus size={14} />} onClick={dialog.open}>
            Add workspace
          </Button>
        }
        empty={<EmptyState icon={IconBuilding} title="You are a member of no workspace" />}
      />
      {adding && <NewWorkspace onClose={dialog.close} onMade={({ slug }) => enter.mutate(slug)} />}
    </Page>
  )
}

interface NewProps {
  onClose: () => void
  onMade: (workspace: Workspace) => void
}

function NewWorkspace({ onClose, onMade }: NewProps) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [slug, setSlug] = useState('')
  const create = useMutation({
    mutationFn: () => createWorkspace(name.trim(), slug.trim()),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['workspaces'] })
      onMade(made)
    },
  })
  const refused = problemsOf(create.error)
  const wrong = (field: string) => refused.find(({ path }) => path === field)?.message
  return (
    <Modal opened onClose={onClose} title={<strong>Add workspace</strong>}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <TextInput label="Name" placeholder="Europe" data-autofocus value={name} error={wrong('name')} onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput
          label="Slug"
          description="By which programs know it. It is made of the name unless filled in."
          placeholder="europe"
          value={slug}
          error={wrong('slug')}
          onChange={(event) => setSlug(event.currentTarget.value)}
        />
        {create.isError && <ErrorCard error={create.error} title="The workspace was not added" />}
        <Button type="submit" disabled={name.trim() === ''} loading={create.isPending}>
          Add and enter
        </Button>
      </form>
    </Modal>
  )
}
