import { Button, Menu, SegmentedControl } from '@mantine/core'
import { IconChevronDown } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useConfirm } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { StatusBadge } from '~/components/status/StatusBadge'
import { DataTable, type Column } from '~/components/table/DataTable'
import { ListToolbar, SearchField } from '~/components/table/ListToolbar'
import { storageSyncsQuery } from '~/services/storage'
import { triggerSync } from '~/services/syncs'
import type { StorageSync, TriggerOptions } from '~/services/types'
import classes from './Storage.module.css'
import { asks, standings } from './words'

type Answer = StorageSync['advice']

const options: Record<Answer, TriggerOptions> = { fullResync: { fullResync: true }, resetCDC: { resetCDC: true } }
const words: Record<Answer, string> = { fullResync: 'Full resync', resetCDC: 'Reset CDC' }
const other: Record<Answer, Answer> = { fullResync: 'resetCDC', resetCDC: 'fullResync' }

/** How each sync stands, and the answers to those that ask. */
export function StorageSyncs() {
  const syncs = useQuery(storageSyncsQuery)
  const all = syncs.data ?? []
  const asking = all.filter(asks)
  const [search, setSearch] = useState('')
  const [only, setOnly] = useState<'all' | 'asking'>('all')
  const answer = useAnswer()
  const shown = (only === 'asking' ? asking : all).filter(({ name, slug }) => `${name} ${slug}`.toLowerCase().includes(search.toLowerCase()))
  return (
    <Card title="What syncs remember" flush actions={asking.length > 1 ? <AnswerAll asking={asking} onAnswer={answer.all} /> : undefined}>
      {syncs.isPending && <LoadingRows rows={4} />}
      {syncs.isError && (
        <div className="card-body">
          <ErrorCard error={syncs.error} title="The syncs could not be loaded" onRetry={() => void syncs.refetch()} />
        </div>
      )}
      {syncs.isSuccess && all.length === 0 && <p className="card-body muted">There is no sync yet.</p>}
      {all.length > 0 && (
        <>
          <ListToolbar>
            <SearchField label="Search syncs" value={search} onChange={setSearch} />
            <SegmentedControl
              size="xs"
              aria-label="Which syncs"
              value={only}
              onChange={(next) => setOnly(next === 'asking' ? 'asking' : 'all')}
              data={[
                { value: 'all', label: `All (${all.length})` },
                { value: 'asking', label: `Need an answer (${asking.length})` },
              ]}
            />
          </ListToolbar>
          {shown.length === 0 ? (
            <p className="card-body muted">{only === 'asking' && asking.length === 0 ? 'No sync needs an answer.' : 'No syncs match.'}</p>
          ) : (
            <DataTable caption="Syncs and what they remember" columns={columnsFor(answer.one)} rows={shown} rowKey={({ slug }) => slug} />
          )}
        </>
      )}
    </Card>
  )
}

function useAnswer() {
  const client = useQueryClient()
  const confirm = useConfirm()
  const run = useMutation({
    mutationFn: async (answers: [StorageSync, Answer][]) => {
      for (const [sync, how] of answers) await triggerSync(sync.slug, options[how])
      return answers.length
    },
    onSuccess: (n) => saidDone(n === 1 ? 'The sync has started.' : `${n} syncs have started.`),
    onError: (error) => saidFailed('Not every sync was started', error),
    onSettled: () => client.invalidateQueries({ queryKey: ['storage'] }),
  })
  const one = async (sync: StorageSync, how: Answer) => {
    const twice = how === 'fullResync' && sync.advice === 'resetCDC'
    const body =
      how === 'resetCDC'
        ? 'The next run only remembers the rows as they are and sends nothing. What changed since the last run never reaches the destination.'
        : `Every row that the model has now is sent as added, as in a first run. Rows that left the model since the last run are not removed.${twice ? ' This sync only adds: rows that were sent before are sent again and may appear twice.' : ''}`
    if (await confirm({ title: `${words[how]} of ${sync.name}?`, body, confirm: words[how], danger: twice || how === 'resetCDC' })) run.mutate([[sync, how]])
  }
  const all = async (asking: StorageSync[], how?: Answer) => {
    const resync = asking.filter((sync) => (how ?? sync.advice) === 'fullResync').length
    const yes = await confirm({
      title: `Answer for ${asking.length} syncs?`,
      body: `${resync} get a full resync: every row is sent again. ${asking.length - resync} get a CDC reset: they send nothing, and what changed since their last run is never sent.`,
      confirm: `Start ${asking.length} runs`,
      danger: true,
    })
    if (yes) run.mutate(asking.map((sync) => [sync, how ?? sync.advice]))
  }
  return { one: (sync: StorageSync, how: Answer) => void one(sync, how), all: (asking: StorageSync[], how?: Answer) => void all(asking, how) }
}

function AnswerAll({ asking, onAnswer }: { asking: StorageSync[]; onAnswer: (asking: StorageSync[], how?: Answer) => void }) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="xs" rightSection={<IconChevronDown size={14} />}>
          Answer for all
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onAnswer(asking)}>What is safe for each</Menu.Item>
        <Menu.Item onClick={() => onAnswer(asking, 'resetCDC')}>Reset CDC of all</Menu.Item>
        <Menu.Item onClick={() => onAnswer(asking, 'fullResync')}>Full resync of all</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function columnsFor(answer: (sync: StorageSync, how: Answer) => void): Column<StorageSync>[] {
  return [
    {
      id: 'name',
      header: 'Sync',
      fill: true,
      cell: (sync) => (
        <Link to="/syncs/$slug" params={{ slug: sync.slug }}>
          {sync.name}
        </Link>
      ),
    },
    { id: 'standing', header: 'Remembers', width: 160, cell: (sync) => <StatusBadge {...standings[sync.standing]} /> },
    { id: 'settled', header: 'As of', width: 120, secondary: true, cell: (sync) => <TimeAgo at={sync.settledAt} none="–" /> },
    {
      id: 'answer',
      header: '',
      align: 'right',
      width: 220,
      cell: (sync) =>
        asks(sync) && (
          <span className={classes.buttons}>
            {[sync.advice, other[sync.advice]].map((how) => (
              <Button key={how} size="compact-xs" variant={how === sync.advice ? 'light' : 'default'} disabled={sync.running} onClick={() => answer(sync, how)}>
                {words[how]}
              </Button>
            ))}
          </span>
        ),
    },
  ]
}
