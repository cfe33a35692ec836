import { InUse } from '~/features/storage/InUse'
import { StorageList } from '~/features/storage/StorageList'
import { StorageSyncs } from '~/features/storage/StorageSyncs'

/** Where what the workspace keeps lies: what syncs remember, and the logs of runs. */
export default function StorageSettings() {
  return (
    <>
      <InUse />
      <StorageList />
      <StorageSyncs />
      <p className="muted small">Everything is encrypted with the workspace’s key before it leaves the server.</p>
    </>
  )
}
