import { useQuery } from '@tanstack/react-query'
import { Frame } from '~/components/frame/Frame'
import { sessionQuery } from '~/services/session'

/** The frame around all pages that need somebody signed in. */
export function AppLayout() {
  const { data: session } = useQuery(sessionQuery)
  return session ? <Frame session={session} /> : null
}
