import { LinkButton } from '~/components/page/LinkButton'
import { IconPlus, IconTable } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { Page } from '~/components/page/Page'
import { listWords, modelColumns } from '~/features/model/columns'
import { useChoices } from '~/features/list/useChoices'
import { sourceCatalogQuery } from '~/services/catalog'
import { ResourceList, type ListFilter } from '~/features/list/ResourceList'

const route = getRouteApi('/app/models')

const addModel = (
  <LinkButton to="/models/new" leftSection={<IconPlus size={16} />}>
    Add model
  </LinkButton>
)

const methodFilter: ListFilter = {
  name: 'method',
  label: 'Query type',
  choices: Object.entries(listWords).map(([value, label]) => ({ value, label })),
}

const duplicatesFilter: ListFilter = {
  name: 'duplicates',
  label: 'Duplicate keys',
  single: true,
  choices: [
    { value: 'true', label: 'Found in the last run' },
    { value: 'false', label: 'None found' },
  ],
}

/** The models of the workspace. */
export default function ModelsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const catalog = useQuery(sourceCatalogQuery)
  const types = (catalog.data ?? []).map((info) => ({ value: info.slug, label: info.name }))
  const filters: ListFilter[] = [
    methodFilter,
    { name: 'source', label: 'Source', choices: useChoices('sources') },
    { name: 'sourceType', label: 'Source type', choices: types },
    duplicatesFilter,
  ]
  return (
    <Page title="Models" meta="Which rows matter, and what identifies them." actions={addModel}>
      <ResourceList
        kind="models"
        one="model"
        columns={modelColumns}
        filters={filters}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        empty={
          <EmptyState icon={IconTable} title="Describe your first model" action={addModel}>
            A model is a query or a table of a source, with a primary key that tells its rows apart.
          </EmptyState>
        }
      />
    </Page>
  )
}
