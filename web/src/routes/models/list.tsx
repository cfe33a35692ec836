import { LinkButton } from '~/components/page/LinkButton'
import { IconPlus, IconTable } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { Page } from '~/components/page/Page'
import { DocumentList } from '~/components/table/DocumentList'
import { modelColumns } from '~/features/model/columns'

const route = getRouteApi('/app/models')

const addModel = (
  <LinkButton to="/models/new" leftSection={<IconPlus size={16} />}>
    Add model
  </LinkButton>
)

/** The models of the workspace. */
export default function ModelsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Page title="Models" meta="Which rows matter, and what identifies them." actions={addModel}>
      <DocumentList
        kind="models"
        noun="models"
        columns={modelColumns}
        filters={[]}
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
