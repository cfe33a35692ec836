import { IconChartLine, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { LinkButton } from '~/components/page/LinkButton'
import { ShortList } from '~/components/table/ShortList'
import { monitorColumns } from '~/features/monitor/columns'
import { monitorCatalogQuery } from '~/services/catalog'
import { allQuery } from '~/services/documents'

const route = getRouteApi('/app/settings/monitors')

/** The monitoring systems that are told how runs went (MON-01). */
export default function MonitorsSettings() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const types = useQuery(monitorCatalogQuery)
  const monitors = useQuery({ ...allQuery('monitors'), select: ({ items }) => items })
  const add = (
    <LinkButton to="/settings/monitors/new" size="xs" leftSection={<IconPlus size={14} />}>
      Add monitor
    </LinkButton>
  )
  return (
    <>
      <ShortList
        title="Monitors"
        one="monitor"
        many="monitors"
        query={monitors}
        columns={monitorColumns(types.data ?? [])}
        rowKey={({ metadata }) => metadata.slug}
        types={{ choices: (types.data ?? []).map(({ slug, name }) => ({ value: slug, label: name })), of: ({ spec }) => spec.type }}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        add={add}
        empty={
          <EmptyState icon={IconChartLine} title="Send the numbers of runs to Datadog" action={add}>
            Rows, durations and an event of each run. Prometheus needs nothing here: it reads /metrics of this server.
          </EmptyState>
        }
      />
      <p className="muted small">Which monitoring systems are told how every run went.</p>
    </>
  )
}
