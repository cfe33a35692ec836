import { getRouteApi } from '@tanstack/react-router'
import { OrchestratorList } from '~/features/orchestrator/OrchestratorList'

const route = getRouteApi('/app/settings/orchestrators')

/** The connections to what runs jobs before syncs. */
export default function OrchestratorsSettings() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  return <OrchestratorList search={search} onSearch={(next) => void navigate({ search: next, replace: true })} />
}
