export interface CatalogEntry {
  slug: string
  name: string
  category: string
  summary: string
  verified: boolean
  sample?: boolean
  /** What this build lacks for it, and how to have it. */
  missing?: string
}

export interface CatalogGroup {
  category: string
  entries: CatalogEntry[]
}

const sampleCategory = 'Sample datasets'

function found({ name, slug, summary, category }: CatalogEntry, search: string): boolean {
  const text = `${name} ${slug} ${category} ${summary}`.toLowerCase()
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word))
}

/** What most people look for first. */
const first = ['warehouse', 'database']

/** The categories that there are, in the order of their groups. */
export const categoriesOf = (entries: CatalogEntry[]): string[] => byCategory(entries, '').map(({ category }) => category)

/** The entries that match, by category: warehouses and databases, the others in alphabetical order, sample datasets (S-01, S-85). */
export function byCategory(entries: CatalogEntry[], search: string): CatalogGroup[] {
  const groups = new Map<string, CatalogEntry[]>()
  for (const entry of entries.filter((e) => found(e, search))) {
    const category = entry.sample ? sampleCategory : entry.category
    groups.set(category, [...(groups.get(category) ?? []), entry])
  }
  const rank = (category: string) => {
    if (category === sampleCategory) return first.length + 1
    const at = first.indexOf(category)
    return at < 0 ? first.length : at
  }
  return [...groups]
    .map(([category, list]) => ({ category, entries: list }))
    .sort((a, b) => rank(a.category) - rank(b.category) || a.category.localeCompare(b.category))
}

/** Categories whose words are not those of their slug. */
const ownWords: Record<string, string> = { api: 'API', crm: 'CRM', cms: 'CMS', hr: 'HR', ecommerce: 'E-commerce', queue_stream: 'Queues and streams' }

/** A category for people: "file_storage" is "File storage". */
export function categoryWords(category: string): string {
  const words = category.replaceAll('_', ' ')
  return ownWords[category] ?? words.charAt(0).toUpperCase() + words.slice(1)
}
