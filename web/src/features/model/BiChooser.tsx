import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { CodeEditor } from '~/components/code/CodeEditor'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { biItemsQuery, biSqlQuery, biToolsQuery } from '~/services/bi'
import type { BiItem, ModelBi } from '~/services/types'

interface Props {
  bi: ModelBi
  onChange: (bi: ModelBi) => void
}

/** Chooses what a model reads from Looker or Sigma (BI-01, BI-02). */
export function BiChooser({ bi, onChange }: Props) {
  const tools = useQuery(biToolsQuery)
  const tool = tools.data?.find(({ metadata }) => metadata.slug === bi.tool)
  return (
    <div className="stack">
      <Select
        label="BI tool"
        description={tools.data?.length === 0 ? 'There is none yet: add one in Settings, BI tools.' : 'The tool gives the SQL, and this source runs it.'}
        withAsterisk
        maw={560}
        placeholder="Choose a tool"
        data={(tools.data ?? []).map(({ metadata }) => ({ value: metadata.slug, label: metadata.name }))}
        value={bi.tool === '' ? null : bi.tool}
        onChange={(next) => onChange({ tool: next ?? '', item: '' })}
      />
      {tools.isError && <ErrorCard error={tools.error} title="The BI tools could not be listed" onRetry={() => void tools.refetch()} />}
      {tool?.spec.type === 'looker' && <Items key={bi.tool} label="Look" tool={bi.tool} parent="" value={bi.item} onChange={(item) => onChange({ ...bi, item })} />}
      {tool?.spec.type === 'sigma' && <SigmaItems key={bi.tool} bi={bi} onChange={onChange} />}
      {bi.item !== '' && <BiSql bi={bi} />}
    </div>
  )
}

function SigmaItems({ bi, onChange }: Props) {
  const [workbook, setWorkbook] = useState(bi.item.split('/')[0] ?? '')
  const choose = (next: string) => {
    setWorkbook(next)
    onChange({ ...bi, item: '' })
  }
  return (
    <>
      <Items label="Workbook" tool={bi.tool} parent="" value={workbook} onChange={choose} />
      {workbook !== '' && <Items key={workbook} label="Element" tool={bi.tool} parent={workbook} value={bi.item} onChange={(item) => onChange({ ...bi, item })} />}
    </>
  )
}

function Items({ label, tool, parent, value, onChange }: { label: string; tool: string; parent: string; value: string; onChange: (item: string) => void }) {
  const query = useQuery(biItemsQuery(tool, parent))
  return (
    <>
      <Select
        label={label}
        withAsterisk
        searchable
        maw={560}
        placeholder={query.isPending ? 'Loading…' : 'Choose one'}
        nothingFoundMessage="None matches"
        data={optionsOf(query.data ?? [], value)}
        value={value === '' ? null : value}
        onChange={(next) => onChange(next ?? '')}
      />
      {query.isError && <ErrorCard error={query.error} title="The list could not be loaded" onRetry={() => void query.refetch()} />}
    </>
  )
}

/** The entries, with what is chosen where it is not among them. */
function optionsOf(items: BiItem[], chosen: string) {
  const all = items.map(({ id, label }) => ({ value: id, label }))
  return chosen === '' || all.some(({ value }) => value === chosen) ? all : [...all, { value: chosen, label: chosen }]
}

/** The SQL that the tool gives now. */
export function BiSql({ bi: { tool, item } }: { bi: ModelBi }) {
  const query = useQuery(biSqlQuery(tool, item))
  if (query.isPending) return <LoadingRows />
  if (query.isError) return <ErrorCard error={query.error} title="The tool gives no SQL" onRetry={() => void query.refetch()} />
  return <CodeEditor label="SQL of the tool" language="sql" value={query.data} readOnly minHeight={80} maxHeight={320} />
}
