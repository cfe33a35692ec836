export interface Command {
  id: string
  label: string
  group: string
  to: string
}

const page = (label: string, to: string): Command => ({ id: `page${to}`, label, group: 'Page', to })
const create = (label: string, to: string): Command => ({ id: `create${to}`, label, group: 'Create', to })

/** The pages and actions that are always there. */
export const commands: Command[] = [
  page('Home', '/'),
  page('Sources', '/sources'),
  page('Models', '/models'),
  page('Destinations', '/destinations'),
  page('Syncs', '/syncs'),
  page('Sequences', '/sequences'),
  page('Lineage', '/lineage'),
  page('API keys', '/settings/keys'),
  page('Alert channels', '/settings/alerts'),
  page('Monitors', '/settings/monitors'),
  page('Storage', '/settings/storage'),
  page('BI tools', '/settings/bi-tools'),
  page('Orchestrators', '/settings/orchestrators'),
  page('Tunnels', '/settings/tunnels'),
  page('Credentials', '/settings/credentials'),
  page('Workspace settings', '/settings/workspace'),
  page('Switch workspace', '/workspaces'),
  create('Add source', '/sources/new'),
  create('Add model', '/models/new'),
  create('Add destination', '/destinations/new'),
  create('Add sync', '/syncs/new'),
  create('Add sequence', '/sequences/new'),
  create('Add alert channel', '/settings/alerts/new'),
  create('Add monitor', '/settings/monitors/new'),
  create('Add storage', '/settings/storage/new'),
  create('Add tunnel', '/settings/tunnels/new'),
  create('Add credential', '/settings/credentials/new'),
]

/** The commands in which every typed word occurs, in their order. */
export function matching(all: Command[], text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return all.filter(({ label, group }) => {
    const searched = `${label} ${group}`.toLowerCase()
    return words.every((word) => searched.includes(word))
  })
}
