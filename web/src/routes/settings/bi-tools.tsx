import { getRouteApi } from '@tanstack/react-router'
import { BiToolList } from '~/features/bi/BiToolList'

const route = getRouteApi('/app/settings/bi-tools')

/** The connections to tools of business intelligence. */
export default function BiToolsSettings() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  return <BiToolList search={search} onSearch={(next) => void navigate({ search: next, replace: true })} />
}
