import { OrchestratorList } from '~/features/orchestrator/OrchestratorList'

/** The connections to what runs jobs before syncs. */
export default function OrchestratorsSettings() {
  return <OrchestratorList />
}
