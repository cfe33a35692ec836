import { Button } from '@mantine/core'
import { IconExternalLink } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { CopyButton } from '~/components/feedback/CopyButton'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { accessQuery, authorizeConnection } from '~/services/connections'

interface Props {
  kind: 'sources' | 'destinations'
  slug: string
  /** Where the browser goes; the address bar, unless a test looks. */
  go?: (url: string) => void
}

/** Sends a person to the vendor to allow the access, and says who did so last. */
export function AllowAccess({ kind, slug, go = (url) => window.location.assign(url) }: Props) {
  const access = useQuery(accessQuery(kind, slug))
  const begin = useMutation({ mutationFn: () => authorizeConnection(kind, slug), onSuccess: ({ url }) => go(url) })
  if (access.isPending) return <LoadingRows />
  if (access.isError) return <ErrorCard error={access.error} onRetry={() => void access.refetch()} />
  const { callbackUrl, allowedAt, allowedBy } = access.data
  return (
    <Card title="Access">
      <div className="stack">
        <p>
          {allowedAt === null ? (
            'Nobody has allowed the access here yet.'
          ) : (
            <>
              {allowedBy} allowed the access <TimeAgo at={allowedAt} />.
            </>
          )}
        </p>
        <div className="row">
          <span className="muted small">Callback URL to register at the provider</span>
          <code>{callbackUrl}</code>
          <CopyButton value={callbackUrl} label="Copy the callback URL" />
        </div>
        {begin.isError && <ErrorCard error={begin.error} title="The access cannot be allowed" />}
        <Button
          w="fit-content"
          size="xs"
          variant={allowedAt === null ? 'filled' : 'default'}
          loading={begin.isPending || begin.isSuccess}
          rightSection={<IconExternalLink size={14} />}
          onClick={() => begin.mutate()}
        >
          {allowedAt === null ? 'Allow access' : 'Allow access again'}
        </Button>
      </div>
    </Card>
  )
}
