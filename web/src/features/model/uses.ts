import type { ColumnUse, Drift } from '~/services/types'

/** What a document does with a column, by where the column stands in it. */
export function whatOf(use: ColumnUse): string {
  if (use.kind === 'model') return 'primary key'
  if (use.path.startsWith('spec.match')) return 'record matching'
  if (use.path.startsWith('spec.allColumns')) return 'all columns'
  if (use.path.endsWith('.template')) return 'a template of its mapping'
  return use.path.startsWith('spec.mappings') ? 'mapping' : 'a template of its settings'
}

export interface Users {
  kind: ColumnUse['kind']
  slug: string
  name: string
  /** What it does with the column, each once. */
  what: string[]
}

/** Who uses a column, each once. */
export function usersOf(uses: ColumnUse[], column: string): Users[] {
  const users = new Map<string, Users>()
  for (const use of uses) {
    if (use.column !== column) continue
    const key = `${use.kind}/${use.slug}`
    const user = users.get(key) ?? { kind: use.kind, slug: use.slug, name: use.name, what: [] }
    if (!user.what.includes(whatOf(use))) user.what.push(whatOf(use))
    users.set(key, user)
  }
  return [...users.values()]
}

/** The columns that documents use and that are not among the names. */
export function missingColumns(uses: ColumnUse[], names: string[]): string[] {
  const known = new Set(names)
  return [...new Set(uses.map((use) => use.column))].filter((column) => !known.has(column))
}

/** The columns that a drift takes from those who use them. */
export const lostColumns = (drift: Drift): string[] => [...drift.removed.map((c) => c.name), ...drift.renamed.map((c) => c.from)]
