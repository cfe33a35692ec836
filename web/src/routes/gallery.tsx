import { Alert, Badge, Button, Checkbox, SegmentedControl, Select, Switch, Tabs, TextInput } from '@mantine/core'
import { IconChartBar, IconPlus, IconTable } from '@tabler/icons-react'
import { useState } from 'react'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { ConditionBuilder } from '~/components/condition/ConditionBuilder'
import type { ConditionColumn } from '~/components/condition/conditions'
import { Chart } from '~/components/chart/Chart'
import { ChartSkeleton } from '~/components/chart/ChartSkeleton'
import type { Point, Series } from '~/components/chart/types'
import { CodeEditor } from '~/components/code/CodeEditor'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { briefTime, dayWords, exactTime } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { FieldIcon } from '~/components/grid/FieldIcon'
import { fieldTypeWords } from '~/components/grid/types'
import { MappingEditor } from '~/components/mapping/MappingEditor'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { Page } from '~/components/page/Page'
import { sequenceStates, syncStates } from '~/components/status/states'
import { StatusBadge } from '~/components/status/StatusBadge'
import { DataTable } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { SelectionBar } from '~/components/table/SelectionBar'
import { ShortList } from '~/components/table/ShortList'
import { LineageGraph } from '~/features/lineage/LineageGraph'
import type { ListSearch } from '~/routes/search'
import { ApiError } from '~/services/http'
import type { Condition, Field, FieldType, Lineage, Mapping, Settings, TargetField } from '~/services/types'

const refused = new ApiError(422, {
  code: 'source.query_failed',
  message: 'relation "custmers" does not exist (SQLSTATE 42P01)',
  suggestion: "Correct the model's query; the message is the source's own.",
  requestId: 'req-1',
})

const connectorFields: Field[] = [
  { name: 'host', label: 'Host', type: 'string', required: true, example: 'db.example.com', help: 'Name or address of the server.' },
  { name: 'password', label: 'Password', type: 'secret', secret: true },
  { name: 'mode', label: 'Encryption', type: 'select', default: 'prefer', options: [{ value: 'prefer', label: 'Where possible' }, { value: 'require', label: 'Always' }] },
  { name: 'timeout', label: 'Timeout', type: 'number', advanced: true, default: 30 },
]

const target = (name: string, more: Partial<TargetField> = {}): TargetField => ({ name, type: 'string', native: 'text', required: false, match: false, ...more })
const targets = [
  target('email', { label: 'Email', required: true }),
  target('plan', { label: 'Plan', section: 'Attributes', options: [{ value: 'free', label: 'Free' }, { value: 'pro', label: 'Pro' }] }),
  target('spent', { label: 'Spent', type: 'number', section: 'Attributes' }),
]

const conditionColumns: ConditionColumn[] = [
  { name: 'country', label: 'Country', type: 'string' },
  { name: 'spent', label: 'Spent', type: 'number' },
  { name: 'vip', label: 'VIP', type: 'boolean' },
  { name: 'seen', label: 'Last seen', type: 'timestamp' },
  { name: 'born', label: 'Birthday', type: 'date' },
  { name: 'extra', label: 'Extra', type: 'object' },
]

const exampleConditions: Condition = {
  all: [
    { property: { column: 'country', operator: 'equals', values: ['DE', 'AT'] } },
    { property: { column: 'seen', operator: 'within', period: { n: 2, unit: 'month', calendar: true } } },
    { property: { column: 'born', operator: 'between', from: { at: '1990-01-01' }, to: { ago: { n: 18, unit: 'year' } } } },
    {
      any: [
        { property: { column: 'spent', operator: 'greater', percentile: 90 } },
        { property: { column: 'extra', path: 'plan.seats', type: 'number', operator: 'greaterOrEqual', values: [] } },
        { property: { column: 'vip', operator: 'equals', values: [true] } },
        { property: { column: 'gone', operator: 'equals', values: ['x'] } },
      ],
    },
  ],
}

const lineage: Lineage = {
  nodes: [
    { id: 'source/shop', kind: 'source', slug: 'shop', name: 'Shop', type: 'postgresql' },
    { id: 'model/people', kind: 'model', slug: 'people', name: 'People' },
    { id: 'sequence/night', kind: 'sequence', slug: 'night', name: 'Every night', state: 'completed', label: 'Completed' },
    { id: 'sync/people', kind: 'sync', slug: 'people', name: 'People to CRM', state: 'failed', label: 'Failed' },
    { id: 'destination/crm', kind: 'destination', slug: 'crm', name: 'CRM', type: 'hubspot' },
  ],
  edges: [
    { from: 'source/shop', to: 'model/people' },
    { from: 'model/people', to: 'sync/people' },
    { from: 'sequence/night', to: 'sync/people' },
    { from: 'sync/people', to: 'destination/crm' },
  ],
}

/** Every component of the app in its states, for who builds with them. Only development builds have this page. */
export default function Gallery() {
  return (
    <Page title="Components" meta="What pages are made of. Only development builds have this page.">
      <div className="stack">
        <Looks />
        <States />
        <Forms />
        <Charts />
        <Data />
      </div>
    </Page>
  )
}

function Looks() {
  return (
    <Card title="Buttons and marks">
      <div className="row wrap">
        <Button leftSection={<IconPlus size={16} />}>Primary</Button>
        <Button variant="default">Default</Button>
        <Button variant="subtle">Subtle</Button>
        <Button color="red.8">Danger</Button>
        <Button loading>Loading</Button>
        <Button disabled>Disabled</Button>
        <Badge>Sample</Badge>
        {['postgresql', 'snowflake', 's3', 'hubspot', 'braze', 'http-request'].map((type) => (
          <ConnectorIcon key={type} type={type} />
        ))}
        {(Object.keys(fieldTypeWords) as FieldType[]).map((type) => (
          <FieldIcon key={type} type={type} />
        ))}
      </div>
    </Card>
  )
}

function States() {
  const all = [...Object.values(syncStates), ...Object.values(sequenceStates)]
  return (
    <>
      <Card title="States">
        <div className="row wrap" style={{ gap: 20 }}>
          {all.map((state, i) => (
            <StatusBadge key={`${i} ${state.label}`} {...state} />
          ))}
        </div>
      </Card>
      <Card title="Nothing, waiting, wrong">
        <div className="stack">
          <EmptyState icon={IconTable} title="Describe your first model" action={<Button>Add model</Button>}>
            A model is a query or a table of a source, with a primary key that tells its rows apart.
          </EmptyState>
          <LoadingRows rows={3} />
          <ErrorCard error={refused} title="The query was refused" onRetry={() => undefined} />
          <Alert title="Look here">A warning stands where something can go wrong.</Alert>
        </div>
      </Card>
    </>
  )
}

function Forms() {
  const [settings, setSettings] = useState<Settings>({})
  const [conditions, setConditions] = useState<Condition>(exampleConditions)
  const [mappings, setMappings] = useState<Mapping[]>([{ to: 'email', kind: 'column', from: 'mail' }, { to: 'plan', kind: 'static', value: 'pro' }])
  return (
    <>
      <Card title="Inputs">
        <div className="row wrap" style={{ alignItems: 'flex-end' }}>
          <TextInput label="Text" description="What it is for" placeholder="As an example" />
          <TextInput label="Wrong" error="The name is taken." defaultValue="Taken" />
          <Select label="Choice" data={['One', 'Two']} defaultValue="One" />
          <SegmentedControl data={['Graph', 'List']} />
          <Checkbox label="Checkbox" defaultChecked />
          <Switch label="Switch" defaultChecked />
        </div>
      </Card>
      <Card title="Fields of a connector">
        <FieldsForm fields={connectorFields} value={settings} onChange={setSettings} errors={{}} />
      </Card>
      <Card title="Mapping">
        <MappingEditor model="people" columns={[{ name: 'mail', type: 'string' }, { name: 'total', type: 'number' }]} fields={targets} value={mappings} onChange={setMappings} custom={false} advanced checked />
      </Card>
      <Card title="Conditions">
        <ConditionBuilder columns={conditionColumns} value={conditions} onChange={setConditions} strict valuesOf={(name) => (name === 'country' ? ['AT', 'CH', 'DE'] : [])} noun="people" />
      </Card>
      <Card title="Code" flush>
        <CodeEditor label="Query" language="sql" value="SELECT id, email FROM public.people" readOnly minHeight={60} />
      </Card>
    </>
  )
}

const rowSeries: Series[] = [
  { id: 'added', label: 'Added', look: 'first' },
  { id: 'changed', label: 'Changed', look: 'second' },
  { id: 'removed', label: 'Removed', look: 'third' },
  { id: 'rejected', label: 'Rejected', look: 'bad' },
]

const start = Date.UTC(2026, 10, 1)

/** Numbers that look like those of runs, the same on every visit. */
const runs = (n: number): Point[] =>
  Array.from({ length: n }, (_, i) => {
    const hour = new Date(start + i * 3_600_000)
    const failed = i % 11 === 7
    const values = { added: failed ? 0 : (i * 37) % 90, changed: failed ? 0 : (i * 53) % 140, removed: (i * 7) % 20, rejected: i % 5 === 3 ? 12 + (i % 9) : 0, duration: 4_000 + ((i * 977) % 90_000) }
    return { key: i, at: hour.getTime(), short: briefTime(hour, 'UTC'), title: exactTime(hour, 'UTC'), values, mark: failed ? { label: 'Failed', tone: 'bad' } : i === 9 ? { label: 'Cancelled', tone: 'idle' } : undefined, to: '/syncs' }
  })

const signs = [{ label: 'Failed', tone: 'bad' as const }, { label: 'Cancelled', tone: 'idle' as const }]

const sizes: Point[] = Array.from({ length: 30 }, (_, i) => new Date(start + i * 86_400_000)).map((day, i) => ({ key: i, at: day.getTime(), short: dayWords(day.toISOString().slice(0, 10), true), title: dayWords(day.toISOString().slice(0, 10)), values: { matched: i === 8 || i === 9 ? null : 4_000 + i * 55 + ((i * 97) % 300), members: 7_000 + i * 20 } }))

function Charts() {
  return (
    <>
      <Card title="Chart: a few runs">
        <Chart label="Rows of a few runs" unit={['run', 'runs']} series={rowSeries} points={runs(14)} signs={signs} />
      </Card>
      <Card title="Chart: hundreds of runs">
        <Chart label="Rows of many runs" unit={['run', 'runs']} series={rowSeries} points={runs(400)} signs={signs} />
      </Card>
      <Card title="Chart: lengths of time">
        <Chart label="Duration by run" unit={['run', 'runs']} measure="duration" series={[{ id: 'duration', label: 'Duration', look: 'second' }]} points={runs(40)} signs={signs} />
      </Card>
      <Card title="Chart: lines, with a gap">
        <Chart label="Sizes" unit={['day', 'days']} kind="lines" series={[{ id: 'matched', label: 'Matched users', look: 'first' }, { id: 'members', label: 'Rows of the model', look: 'second' }]} points={sizes} />
      </Card>
      <Card title="Chart: one point, and only zeros">
        <div className="stack">
          <Chart label="One run" unit={['run', 'runs']} series={rowSeries} points={runs(1)} />
          <Chart label="One look" unit={['look', 'looks']} kind="lines" series={[{ id: 'members', label: 'Members', look: 'first' }]} points={sizes.slice(0, 1)} />
        </div>
      </Card>
      <Card title="Chart: nothing, waiting, wrong">
        <div className="stack">
          <EmptyState icon={IconChartBar} title="No run ended on these days" />
          <ChartSkeleton />
          <ErrorCard error={refused} title="What runs did could not be loaded" onRetry={() => undefined} />
        </div>
      </Card>
    </>
  )
}

interface Thing {
  name: string
  rows: number
}

const things: Thing[] = [
  { name: 'People', rows: 1204 },
  { name: 'A name that is much longer than the place that a list has for it, as people write them now and then', rows: 7 },
]

/** A list that is searched and sorted, with some of its rows chosen. */
function List() {
  const [search, setSearch] = useState<ListSearch>({})
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set(['People']))
  const flip = ({ name }: Thing) => setMarked((was) => new Set(was.has(name) ? [...was].filter((one) => one !== name) : [...was, name]))
  return (
    <ShortList
      title="List"
      one="thing"
      many="things"
      query={{ data: things, error: null, isPending: false, refetch: () => Promise.reject(new Error('there is nothing to ask')) }}
      columns={[
        { id: 'name', header: 'Name', fill: true, sort: 'name', text: ({ name }) => name, cell: ({ name }) => <NameCell link={<strong title={name}>{name}</strong>} note="What is to be said of it" /> },
        { id: 'rows', header: 'Rows', align: 'right', width: 120, sort: 'rows', text: ({ rows }) => String(rows), cell: ({ rows }) => rows },
      ]}
      rowKey={({ name }) => name}
      search={search}
      onSearch={setSearch}
      add={<Button size="xs">Add thing</Button>}
      empty={undefined}
      chosen={(rows) => ({
        has: ({ name }) => marked.has(name),
        toggle: flip,
        all: marked.size === 0 ? 'none' : marked.size === rows.length ? 'all' : 'some',
        toggleAll: () => setMarked(new Set(marked.size === rows.length ? [] : rows.map(({ name }) => name))),
        label: ({ name }) => `Select ${name}`,
      })}
      selection={marked.size > 0 && <SelectionBar size={marked.size}>{null}</SelectionBar>}
    />
  )
}

const at = new Date(Date.now() - 90 * 60_000).toISOString()

function Data() {
  return (
    <>
      <Card title="Facts, times and tabs">
        <div className="stack">
          <Facts facts={[{ label: 'Primary key', value: <code>id</code> }, { label: 'Last run', value: <TimeAgo at={at} /> }, { label: 'Next run', value: <TimeAgo at={null} /> }]} />
          <Tabs defaultValue="runs">
            <Tabs.List aria-label="Example">
              <Tabs.Tab value="runs">Runs</Tabs.Tab>
              <Tabs.Tab value="activity">Activity</Tabs.Tab>
            </Tabs.List>
          </Tabs>
        </div>
      </Card>
      <List />
      <Card title="Table" flush>
        <DataTable
          caption="Table"
          columns={[
            { id: 'name', header: 'Name', fill: true, cell: ({ name }: Thing) => name },
            { id: 'rows', header: 'Rows', align: 'right', width: 120, cell: ({ rows }) => rows },
          ]}
          rows={things}
          rowKey={({ name }) => name}
        />
      </Card>
      <LineageGraph graph={lineage} />
    </>
  )
}
