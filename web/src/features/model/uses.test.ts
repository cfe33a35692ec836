import { expect, it } from 'vitest'
import type { ColumnUse } from '~/services/types'
import { missingColumns, usersOf } from './uses'

const use = (column: string, path: string, kind: ColumnUse['kind'] = 'sync'): ColumnUse => ({ column, path, kind, slug: 's', name: 'To CRM', known: true })

// Req: M-31
it('tells who uses a column for what, each once', () => {
  const uses = [
    use('email', 'spec.match[0].from'),
    use('email', 'spec.mappings[0].from'),
    use('email', 'spec.mappings[4].fields[1].from'),
    use('email', 'spec.mappings[2].template'),
    use('email', 'spec.settings.added.url'),
    use('id', 'spec.primaryKey', 'model'),
    use('all', 'spec.allColumns'),
  ]
  expect(usersOf(uses, 'email')).toEqual([
    { kind: 'sync', slug: 's', name: 'To CRM', what: ['record matching', 'mapping', 'a template of its mapping', 'a template of its settings'] },
  ])
  expect(usersOf(uses, 'id')[0]?.what).toEqual(['primary key'])
  expect(usersOf(uses, 'phone')).toEqual([])
  expect(missingColumns(uses, ['id', 'all'])).toEqual(['email'])
})
