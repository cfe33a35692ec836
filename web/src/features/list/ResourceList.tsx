import { ActionIcon, Button } from '@mantine/core'
import { IconDownload, IconFilterOff, IconFolder, IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand, IconX } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo, useState, type ReactNode } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidFailed } from '~/components/feedback/toast'
import { count, plural } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import { shownColumns } from '~/components/table/columns'
import { ColumnsMenu } from '~/components/table/ColumnsMenu'
import { csvOf, download } from '~/components/table/csv'
import type { Column } from '~/components/table/DataTable'
import { FilterMenu, LabelFilter, type Choice } from '~/components/table/FilterMenu'
import { ListToolbar, SearchField } from '~/components/table/ListToolbar'
import { SelectionBar } from '~/components/table/SelectionBar'
import { VirtualTable, type Chosen } from '~/components/table/VirtualTable'
import { FolderPanel } from '~/features/folder/FolderPanel'
import type { ListSearch } from '~/routes/search'
import type { Documents } from '~/services/documents'
import { everyDocument, facetsQuery, selectAll } from '~/services/lists'
import { BulkActions, filable, type BulkKind } from './BulkActions'
import { cleared, narrowed, queryOf, savedText, valuesOf } from './filters'
import classes from './List.module.css'
import { SavedFilters } from './SavedFilters'
import { useColumns, useFoldersShown } from './useColumns'
import { usePages } from './usePages'
import { useSelection } from './useSelection'

/** A filter of a list. */
export interface ListFilter {
  name: 'type' | 'status' | 'source' | 'destination' | 'model' | 'method' | 'sourceType' | 'alerts' | 'duplicates'
  label: string
  choices: Choice[]
  /** One choice rules the others out. */
  single?: boolean
}

interface Props<K extends BulkKind> {
  kind: K
  /** One of them, such as sync; the plural is the kind's path. */
  one: string
  columns: Column<Documents[K]>[]
  filters: ListFilter[]
  search: ListSearch
  onSearch: (search: ListSearch) => void
  /** What stands there while there is none at all. */
  empty: ReactNode
}

const named = ({ metadata: { slug, name } }: Documents[BulkKind]) => ({ slug, name })

/** Takes a list, or what is chosen of it, away as a file of the columns that are shown. */
function useExport<K extends BulkKind>({ kind, search }: Props<K>, columns: Column<Documents[K]>[], chosen: ReadonlyMap<string, string>) {
  return useMutation({
    mutationFn: async () => {
      const all = await everyDocument(kind, queryOf(search))
      const rows = chosen.size === 0 ? all : all.filter(({ metadata }) => chosen.has(metadata.slug))
      const cells = columns.flatMap(({ header, text }) => (text === undefined ? [] : [{ header, text }]))
      download(`${kind}.csv`, csvOf(cells, rows))
    },
    onError: (error) => saidFailed('The list was not exported', error),
  })
}

function Filters<K extends BulkKind>({ kind, filters, search, onSearch }: Props<K>) {
  const facets = useQuery(facetsQuery(kind))
  const set = (patch: ListSearch) => onSearch({ ...search, ...patch })
  const some = (values: string[]) => (values.length === 0 ? undefined : values)
  const creators = (facets.data?.creators ?? []).map(({ email }) => ({ value: email, label: email }))
  return (
    <>
      {filters.map(({ name, single = false, ...filter }) => (
        <FilterMenu
          key={name}
          {...filter}
          single={single}
          chosen={valuesOf(search[name])}
          onChange={(values) => set({ [name]: single ? values[0] : some(values) })}
        />
      ))}
      <LabelFilter
        labels={facets.data?.labels ?? []}
        include={search.label ?? []}
        exclude={search.notLabel ?? []}
        onChange={(label, notLabel) => set({ label: some(label), notLabel: some(notLabel) })}
      />
      <FilterMenu label="Created by" choices={creators} chosen={search.createdBy ?? []} onChange={(values) => set({ createdBy: some(values) })} />
    </>
  )
}

/** What stands where no row does. */
function Nothing<K extends BulkKind>({ kind, search, onSearch }: Props<K>) {
  if (!narrowed(search)) {
    return (
      <EmptyState icon={IconFilterOff} title={`Nothing is in ${search.folder ?? 'here'}`} action={<Button variant="default" onClick={() => onSearch({ sort: search.sort })}>Show all {kind}</Button>}>
        Choose {kind} in the list, then Actions and Move to folder.
      </EmptyState>
    )
  }
  return (
    <EmptyState icon={IconFilterOff} title={`No ${kind} match`} action={<Button variant="default" onClick={() => onSearch(cleared(search))}>Clear search and filters</Button>}>
      {search.folder === undefined ? undefined : `Only the folder ${search.folder} was searched.`}
    </EmptyState>
  )
}

/** The list of a kind, however long: filters that its address keeps, folders beside it, and what is done with many at once. */
export function ResourceList<K extends BulkKind>(props: Props<K>) {
  const { kind, one, columns, search, onSearch, empty } = props
  const client = useQueryClient()
  const pages = usePages(kind, queryOf(search))
  const { head, total, rowAt } = pages
  const selection = useSelection(savedText({ ...search, sort: undefined }))
  const [choice, setChoice] = useColumns(kind)
  const [foldersShown, flipFolders] = useFoldersShown()
  const [selecting, setSelecting] = useState(false)
  const shown = useMemo(() => shownColumns(columns, choice), [columns, choice])
  const csv = useExport(props, shown, selection.chosen)
  const set = (patch: ListSearch) => onSearch({ ...search, ...patch })
  const size = selection.chosen.size
  const everything = async () => {
    setSelecting(true)
    try {
      selection.choose(await client.fetchQuery({ queryKey: [kind, 'select', queryOf(search)], queryFn: () => selectAll(kind, queryOf(search)), staleTime: 0, gcTime: 0 }))
    } catch (error) {
      saidFailed('Not everything was selected', error)
    }
    setSelecting(false)
  }
  if (head.isSuccess && total === 0 && !narrowed(search) && search.folder === undefined) return <Card flush>{empty}</Card>
  const nameAt = (index: number) => {
    const row = rowAt(index)
    return row === undefined ? undefined : named(row)
  }
  const chosen: Chosen<Documents[K]> = {
    has: ({ metadata }) => selection.chosen.has(metadata.slug),
    toggle: (row, index, shift) => selection.toggle(named(row), index, shift, nameAt),
    all: size === 0 ? 'none' : size >= total ? 'all' : 'some',
    toggleAll: () => (size > 0 && size >= total ? selection.clear() : void everything()),
    label: ({ metadata }) => `Select ${metadata.name}`,
  }
  const foldable = filable(kind)
  const FoldersSign = foldersShown ? IconLayoutSidebarLeftCollapse : IconLayoutSidebarLeftExpand
  return (
    <Card flush>
      <div className={classes.split} data-folders={foldable && foldersShown ? true : undefined}>
        {foldable && foldersShown && <FolderPanel kind={one} noun={kind} at={search.folder} onGo={(folder) => set({ folder })} />}
        <div style={{ minWidth: 0 }}>
          <ListToolbar>
            <SearchField label={`Search ${kind}`} value={search.search ?? ''} onChange={(text) => set({ search: text || undefined })} />
            {foldable && (
              <ActionIcon variant="default" size={30} aria-label={foldersShown ? 'Hide folders' : 'Show folders'} title={foldersShown ? 'Hide folders' : 'Show folders'} aria-expanded={foldersShown} onClick={flipFolders}>
                <FoldersSign size={16} aria-hidden />
              </ActionIcon>
            )}
            {search.folder !== undefined && !(foldable && foldersShown) && (
              <Button
                size="xs"
                variant="light"
                leftSection={<IconFolder size={14} aria-hidden />}
                rightSection={<IconX size={13} aria-hidden />}
                aria-label={`Leave the folder ${search.folder}`}
                onClick={() => set({ folder: undefined })}
              >
                {search.folder}
              </Button>
            )}
            <Filters {...props} />
            <SavedFilters kind={kind} search={search} onSearch={onSearch} narrowed={narrowed(search) || search.folder !== undefined} />
            {narrowed(search) && (
              <Button size="compact-xs" variant="subtle" onClick={() => onSearch(cleared(search))}>
                Clear filters
              </Button>
            )}
            <div className={classes.tools}>
              {head.isSuccess && <span className="muted small num">{plural(total, one)}</span>}
              <ActionIcon variant="default" size={30} aria-label="Export as CSV" title="Export as CSV" loading={csv.isPending} onClick={() => csv.mutate()}>
                <IconDownload size={16} aria-hidden />
              </ActionIcon>
              <ColumnsMenu columns={columns} chosen={choice} onChange={setChoice} />
            </div>
          </ListToolbar>
          {size > 0 && (
            <SelectionBar size={size}>
              <BulkActions kind={kind} one={one} chosen={selection.chosen} onExport={() => csv.mutate()} onLeft={selection.choose} />
              {size < total && (
                <Button size="compact-xs" variant="subtle" loading={selecting} onClick={() => void everything()}>
                  Select all {count(total)}
                </Button>
              )}
              <Button size="compact-xs" variant="subtle" onClick={selection.clear}>
                Clear selection
              </Button>
            </SelectionBar>
          )}
          {head.isPending && <LoadingRows rows={9} />}
          {head.isError && (
            <div className="card-body">
              <ErrorCard error={head.error} title={`The ${kind} could not be loaded`} onRetry={() => void head.refetch()} />
            </div>
          )}
          {pages.failed !== undefined && (
            <div className="card-body">
              <ErrorCard error={pages.failed.error} title="Some rows could not be loaded" onRetry={() => void pages.failed?.refetch()} />
            </div>
          )}
          {head.isSuccess && total === 0 && <Nothing {...props} />}
          {head.isSuccess && total > 0 && (
            <VirtualTable
              caption={kind.charAt(0).toUpperCase() + kind.slice(1)}
              columns={shown}
              count={total}
              rowAt={rowAt}
              rowKey={(row) => row.metadata.slug}
              sort={search.sort}
              onSort={(sort) => set({ sort: sort || undefined })}
              onSight={pages.onSight}
              chosen={chosen}
              fixed={choice !== undefined}
            />
          )}
        </div>
      </div>
    </Card>
  )
}
