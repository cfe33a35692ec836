import { useRouter, type ErrorComponentProps } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'

/** What a page shows that could not be drawn. */
export function PageError({ error }: ErrorComponentProps) {
  const router = useRouter()
  return (
    <div style={{ padding: 28, maxWidth: 720 }}>
      <ErrorCard error={error} title="This page could not be shown" onRetry={() => void router.invalidate()} />
    </div>
  )
}
