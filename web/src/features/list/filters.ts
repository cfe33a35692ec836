import { listSearch, manyFilters, type ListSearch } from '~/routes/search'
import { withQuery, type Query } from '~/services/http'

/** The filters of a list as the API takes them. */
export const queryOf = (search: ListSearch): Query => ({ ...search })

/** Whether anything narrows the list within its folder. */
export const narrowed = ({ folder: _, sort: __, ...filters }: ListSearch): boolean => Object.values(filters).some((value) => value !== undefined)

/** The filters without any of the person's: the folder and the order stay. */
export const cleared = ({ folder, sort }: ListSearch): ListSearch => ({ folder, sort })

/** Filters as they are saved: like the query of an address. */
export const savedText = (search: ListSearch): string => withQuery('', queryOf(search)).replace(/^\?/, '')

/** Filters that were saved. */
export function fromSaved(text: string): ListSearch {
  const params = new URLSearchParams(text)
  const many = Object.fromEntries(manyFilters.map((name) => [name, params.getAll(name)]))
  return listSearch({ ...Object.fromEntries(params), ...many })
}

/** Whether the list shows what a saved filter says. */
export const shows = (search: ListSearch, saved: string): boolean => savedText(fromSaved(savedText(search))) === savedText(fromSaved(saved))

/** One value of a filter switched on. */
export const valuesOf = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])
