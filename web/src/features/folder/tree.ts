import type { Folder } from '~/services/types'

/** A folder as a tree shows it. */
export interface Branch {
  path: string
  /** The last part of the path. */
  name: string
  /** How deep it lies, from 1. */
  level: number
  /** Documents in it and in the folders in it. */
  total: number
  hasFolders: boolean
}

const inside = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

/** Folders by their names, each after the one that it lies in. */
function byNames(a: Folder, b: Folder): number {
  const [x, y] = [a.path.split('/'), b.path.split('/')]
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const order = (x[i] ?? '').localeCompare(y[i] ?? '')
    if (order !== 0) return order
  }
  return x.length - y.length
}

/** The folders of a tree in order, with how many documents of a kind each holds. */
export function branchesOf(folders: Folder[], kind: string): Branch[] {
  const totals = new Map<string, number>()
  for (const { path, kinds } of folders) {
    const parts = path.split('/')
    parts.forEach((_, i) => {
      const above = parts.slice(0, i + 1).join('/')
      totals.set(above, (totals.get(above) ?? 0) + (kinds[kind] ?? 0))
    })
  }
  const sorted = folders.toSorted(byNames)
  return sorted.map(({ path }, i) => ({
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    level: path.split('/').length,
    total: totals.get(path) ?? 0,
    hasFolders: sorted[i + 1]?.path.startsWith(`${path}/`) ?? false,
  }))
}

/** The folders that are in sight: those that lie in no closed one. */
export const visible = (branches: Branch[], closed: ReadonlySet<string>): Branch[] =>
  branches.filter(({ path }) => ![...closed].some((folder) => path !== folder && inside(path, folder)))

/** The folder that one lies in; nothing for one at the top. */
export const parentOf = (path: string): string | undefined => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : undefined)

/** What the key does in the tree: another folder to go to, or one to open or close. */
export type Step = { to: string } | { open: string } | { close: string } | undefined

/** What a key does in a tree (WAI-ARIA, Tree View pattern). */
export function stepOf(key: string, at: string, seen: Branch[], closed: ReadonlySet<string>): Step {
  const i = seen.findIndex(({ path }) => path === at)
  const here = seen[i]
  const go = (branch: Branch | undefined): Step => (branch === undefined ? undefined : { to: branch.path })
  switch (key) {
    case 'ArrowDown':
      return go(seen[i + 1])
    case 'ArrowUp':
      return go(seen[i - 1])
    case 'Home':
      return go(seen[0])
    case 'End':
      return go(seen[seen.length - 1])
    case 'ArrowRight':
      if (here?.hasFolders !== true) return undefined
      return closed.has(at) ? { open: at } : go(seen[i + 1])
    case 'ArrowLeft':
      if (here?.hasFolders === true && !closed.has(at)) return { close: at }
      return go(seen.find(({ path }) => path === parentOf(at)))
    default:
      return undefined
  }
}

/** What is wrong with a folder's name. */
export function nameProblem(name: string): string | undefined {
  if (name.trim() === '') return 'A folder needs a name.'
  return name.includes('/') ? 'A name has no slash: folders in folders are made one by one.' : undefined
}
