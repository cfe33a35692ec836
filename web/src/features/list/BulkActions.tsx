import { Button, Menu } from '@mantine/core'
import { IconChevronDown, IconDownload, IconFolder, IconPlayerPause, IconPlayerPlay, IconTag, IconToggleRight, IconTrash } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useConfirm } from '~/components/confirm/confirm'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { plural } from '~/components/format/format'
import { bulk, type BulkRequest, type Named } from '~/services/lists'
import type { Bulk, KindPath } from '~/services/types'
import { DeleteDialog, LabelsDialog, MoveDialog, OutcomeDialog } from './BulkDialogs'

/** A kind whose documents are changed together. */
export type BulkKind = Extract<KindPath, 'syncs' | 'models' | 'sources' | 'destinations' | 'sequences'>

const runnable = (kind: BulkKind) => kind === 'syncs' || kind === 'sequences'

/** Kinds that are filed in folders. */
export const filable = (kind: BulkKind) => kind === 'syncs' || kind === 'models' || kind === 'sequences'

interface Props {
  kind: BulkKind
  /** One of them, such as sync. */
  one: string
  /** The names of those that are chosen, by their slugs. */
  chosen: ReadonlyMap<string, string>
  onExport: () => void
  /** Some were deleted: the others stay chosen. */
  onLeft: (left: Named[]) => void
}

type Open = 'labels' | 'move' | 'delete' | undefined

/** Does something with all that is chosen, and says what became of them. */
function useBulk({ kind, one, chosen, onLeft }: Props) {
  const client = useQueryClient()
  const [refused, setRefused] = useState<{ result: Bulk; names: ReadonlyMap<string, string>; said: string }>()
  const [progress, setProgress] = useState<number>()
  const change = useMutation({
    mutationFn: ({ request }: { request: BulkRequest; said: string }) => bulk(kind, [...chosen.keys()], request, setProgress),
    onSuccess: async (result, { said, request }) => {
      await Promise.all([[kind], ['folders'], ['runs'], ['models']].map((queryKey) => client.invalidateQueries({ queryKey })))
      if (result.done > 0) saidDone(`${plural(result.done, one)} ${said}.`)
      if (result.done < result.results.length) setRefused({ result, names: chosen, said })
      if (request.action === 'delete') onLeft(result.results.filter(({ error }) => error !== null).map(({ slug }) => ({ slug, name: chosen.get(slug) ?? slug })))
    },
    onError: (error) => saidFailed('Not everything was done', error),
    onSettled: () => setProgress(undefined),
  })
  return { change, refused, progress, forget: () => setRefused(undefined) }
}

/** What can be done with those that are chosen. */
export function BulkActions(props: Props) {
  const { kind, one, chosen, onExport } = props
  const { change, refused, progress, forget } = useBulk(props)
  const confirm = useConfirm()
  const [open, setOpen] = useState<Open>()
  const n = plural(chosen.size, one)
  const act = (request: BulkRequest, said: string) => change.mutate({ request, said })
  const run = async () => {
    const body = kind === 'syncs' ? 'Each begins as soon as a worker is free. Rows that changed since the last run are sent.' : 'Each begins with its first sync as soon as a worker is free.'
    if (await confirm({ title: `Run ${n}?`, body, confirm: `Run ${n}` })) act({ action: 'run' }, 'will run')
  }
  const close = () => setOpen(undefined)
  const send = (request: BulkRequest, said: string) => {
    close()
    act(request, said)
  }
  return (
    <>
      <Menu position="bottom-start" width={220} withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <Button size="xs" loading={change.isPending} rightSection={<IconChevronDown size={13} aria-hidden />}>
            Actions
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {runnable(kind) && (
            <>
              <Menu.Item leftSection={<IconPlayerPlay size={15} aria-hidden />} onClick={() => void run()}>
                Run
              </Menu.Item>
              <Menu.Item leftSection={<IconToggleRight size={15} aria-hidden />} onClick={() => act({ action: 'enable' }, 'enabled')}>
                Enable
              </Menu.Item>
              <Menu.Item leftSection={<IconPlayerPause size={15} aria-hidden />} onClick={() => act({ action: 'disable' }, 'disabled')}>
                Disable
              </Menu.Item>
              <Menu.Divider />
            </>
          )}
          <Menu.Item leftSection={<IconTag size={15} aria-hidden />} onClick={() => setOpen('labels')}>
            Add or remove labels
          </Menu.Item>
          {filable(kind) && (
            <Menu.Item leftSection={<IconFolder size={15} aria-hidden />} onClick={() => setOpen('move')}>
              Move to folder
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconDownload size={15} aria-hidden />} onClick={onExport}>
            Export as CSV
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item c="var(--bad)" leftSection={<IconTrash size={15} aria-hidden />} onClick={() => setOpen('delete')}>
            Delete
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {progress !== undefined && progress < chosen.size && (
        <span className="muted num" role="status">
          {progress} of {chosen.size}
        </span>
      )}
      {open === 'labels' && <LabelsDialog kind={kind} title={`Labels of ${n}`} onClose={close} onSend={send} />}
      {open === 'move' && <MoveDialog kind={kind} title={`Move ${n}`} onClose={close} onSend={send} />}
      {open === 'delete' && <DeleteDialog kind={kind} one={one} chosen={chosen} onClose={close} onSend={send} />}
      {refused !== undefined && <OutcomeDialog {...refused} one={one} onClose={forget} />}
    </>
  )
}
