import { useQuery } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { audienceSizesQuery } from '~/services/audiencesizes'
import type { Destination } from '~/services/types'
import { AudienceTable } from './AudienceTable'
import { LookStanding } from './LookStanding'
import { ReportForm } from './ReportForm'

/** Where the sizes of the audiences of an ad account are written, how that stands, and what they are (SY-94). */
export function AudienceSizesTab({ destination }: { destination: Destination }) {
  const { slug, revision } = destination.metadata
  const report = useQuery(audienceSizesQuery(slug))
  if (report.isPending) return <LoadingRows />
  if (report.isError) return <ErrorCard error={report.error} title="The audience sizes could not be loaded" onRetry={() => void report.refetch()} />
  return (
    <div className="stack" style={{ maxWidth: 1080 }}>
      <ReportForm key={revision} destination={destination} report={report.data} />
      <LookStanding slug={slug} report={report.data} />
      <AudienceTable slug={slug} checkedAt={report.data.checkedAt} />
    </div>
  )
}
