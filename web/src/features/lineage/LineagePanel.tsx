import { SegmentedControl, Switch, TextInput } from '@mantine/core'
import { IconSearch, IconSitemap } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useMemo, type ReactNode } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingPage } from '~/components/feedback/Loading'
import { lineageQuery, type LineageOf } from '~/services/lineage'
import type { Lineage } from '~/services/types'
import { chosenOf, partOf, throughOf } from './graph'
import classes from './Lineage.module.css'
import { LineageGraph } from './LineageGraph'
import { LineageList } from './LineageList'

/** How a lineage is looked at. */
export interface Look {
  search?: string
  view?: 'list'
  /** Only what has to do with syncs and sequences that did not go well. */
  trouble?: boolean
}

interface Props {
  /** The document whose lineage it is; none for the whole workspace. */
  of?: LineageOf
  look: Look
  onLook: (look: Look) => void
  empty?: ReactNode
}

/** Where rows come from and go to, as a graph or as a list. */
export function LineagePanel({ of, look, onLook, empty }: Props) {
  const query = useQuery(lineageQuery(of))
  if (query.data === undefined) return query.isError ? <ErrorCard error={query.error} onRetry={() => void query.refetch()} /> : <LoadingPage />
  if (query.data.nodes.length === 0) return empty
  return <Found graph={query.data} {...{ of, look, onLook }} />
}

function Found({ graph, of, look, onLook }: { graph: Lineage } & Omit<Props, 'empty'>) {
  const { search = '', view, trouble = false } = look
  const found = useMemo(() => chosenOf(graph, search, trouble), [graph, search, trouble])
  const part = useMemo(() => (found === undefined ? graph : partOf(graph, throughOf(graph, found))), [graph, found])
  return (
    <div className={of === undefined ? `${classes.panel} ${classes.whole}` : classes.panel}>
      <div className={`${classes.toolbar} quiet`}>
        <TextInput
          className={classes.search}
          aria-label="Search the lineage"
          placeholder="Search by name"
          leftSection={<IconSearch size={15} aria-hidden />}
          value={search}
          onChange={(event) => onLook({ ...look, search: event.currentTarget.value || undefined })}
        />
        <Switch label="Only trouble" checked={trouble} onChange={(event) => onLook({ ...look, trouble: event.currentTarget.checked || undefined })} />
        <span className="muted small" role="status">
          {found !== undefined && `${found.size} found, with all that they come from and go to`}
        </span>
        <SegmentedControl
          aria-label="View"
          data={[
            { value: 'graph', label: 'Graph' },
            { value: 'list', label: 'List' },
          ]}
          value={view ?? 'graph'}
          onChange={(next) => onLook({ ...look, view: next === 'list' ? 'list' : undefined })}
        />
      </div>
      <Shown part={part} list={view === 'list'} of={of} found={found} />
    </div>
  )
}

function Shown({ part, list, of, found }: { part: Lineage; list: boolean; of?: LineageOf; found?: Set<string> }) {
  if (part.nodes.length === 0) {
    return (
      <EmptyState icon={IconSitemap} title="Nothing fits">
        No source, model, sequence, sync or destination is called so. Search for less, or turn off “Only trouble”.
      </EmptyState>
    )
  }
  if (list) return <LineageList graph={part} />
  return <LineageGraph graph={part} focus={of && `${of.kind}/${of.slug}`} found={found} tall={of === undefined} />
}
