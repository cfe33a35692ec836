import { LinkButton } from '~/components/page/LinkButton'
import { IconDropletOff } from '@tabler/icons-react'
import { useEffect } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'

/** What an address shows that leads nowhere. */
export function NotFoundPage() {
  useEffect(() => {
    document.title = 'Not found · Millrace'
  }, [])
  return (
    <EmptyState
      icon={IconDropletOff}
      title="There is nothing at this address"
      action={<LinkButton to="/">Go to Home</LinkButton>}
    >
      The page may have been deleted, or the address has a typing error. Press Ctrl K to search.
    </EmptyState>
  )
}
