import { getRouteApi } from '@tanstack/react-router'
import { InUse } from '~/features/storage/InUse'
import { StorageList } from '~/features/storage/StorageList'
import { StorageSyncs } from '~/features/storage/StorageSyncs'

const route = getRouteApi('/app/settings/storage')

/** Where what the workspace keeps lies: what syncs remember, and the logs of runs. */
export default function StorageSettings() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <>
      <InUse />
      <StorageList search={search} onSearch={(next) => void navigate({ search: next, replace: true })} />
      <StorageSyncs />
      <p className="muted small">Everything is encrypted with the workspace’s key before it leaves the server.</p>
    </>
  )
}
