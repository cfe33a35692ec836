import { Link } from '@tanstack/react-router'
import type { ColumnUse } from '~/services/types'
import { usersOf } from './uses'

/** Who uses a column, with the way there. */
export function ColumnUsers({ uses, column }: { uses: ColumnUse[]; column: string }) {
  const users = usersOf(uses, column)
  if (users.length === 0) return <span className="muted">–</span>
  return (
    <>
      {users.map((user, i) => (
        <span key={`${user.kind} ${user.slug}`} title={`${user.name}: ${user.what.join(', ')}`}>
          {i > 0 && ', '}
          {user.kind === 'model' ? (
            user.what.join(', ')
          ) : (
            <Link to="/syncs/$slug" params={{ slug: user.slug }} search={{ tab: 'configuration' }}>
              {user.name}
            </Link>
          )}
        </span>
      ))}
    </>
  )
}
