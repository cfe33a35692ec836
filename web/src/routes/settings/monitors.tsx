import { IconChartLine, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { LinkButton } from '~/components/page/LinkButton'
import { DocumentList } from '~/components/table/DocumentList'
import { monitorColumns } from '~/features/monitor/columns'
import { monitorCatalogQuery } from '~/services/catalog'

const route = getRouteApi('/app/settings/monitors')

/** The monitoring systems that are told how runs went (MON-01). */
export default function MonitorsSettings() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const types = useQuery(monitorCatalogQuery)
  const add = (
    <LinkButton to="/settings/monitors/new" size="xs" leftSection={<IconPlus size={14} />}>
      Add monitor
    </LinkButton>
  )
  return (
    <>
      <div className="row spread">
        <p className="muted">Which monitoring systems are told how every run went.</p>
        {add}
      </div>
      <DocumentList
        kind="monitors"
        noun="monitors"
        columns={monitorColumns(types.data ?? [])}
        filters={[{ name: 'type', label: 'All types', options: (types.data ?? []).map(({ slug, name }) => ({ value: slug, label: name })) }]}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        empty={
          <EmptyState icon={IconChartLine} title="Send the numbers of runs to Datadog" action={add}>
            Rows, durations and an event of each run. Prometheus needs nothing here: it reads /metrics of this server.
          </EmptyState>
        }
      />
    </>
  )
}
