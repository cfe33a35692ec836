// What other tools hold: Looks and elements of BI tools, jobs of orchestrators, models of dbt projects.

const field = (name, label, more = {}) => ({ name, label, type: 'string', required: true, ...more })
const secret = { type: 'secret', secret: true }

export const biToolTypes = [
  { slug: 'looker', name: 'Looker', summary: 'Looks become models', fields: [field('baseUrl', 'Looker address', { example: 'https://acme.cloud.looker.com' }), field('clientId', 'Client ID'), field('clientSecret', 'Client secret', secret)] },
  { slug: 'sigma', name: 'Sigma', summary: 'Elements of workbooks become models', fields: [field('clientId', 'Client ID'), field('clientSecret', 'Client secret', secret)] },
]

export const orchestratorTypes = [
  { slug: 'dbtCloud', name: 'dbt Cloud', summary: 'Syncs run after its jobs', fields: [field('token', 'API token', secret)] },
  { slug: 'fivetran', name: 'Fivetran', summary: 'Syncs run after its connections', fields: [field('apiKey', 'API key'), field('apiSecret', 'API secret', secret)] },
]

export const dbtOrigins = [{ slug: 'manifest', name: 'Loaded here', summary: 'Somebody loads target/manifest.json', fields: [], tunnels: false }]

const looks = [{ id: '7', label: 'VIPs (Sales)', leaf: true }, { id: '8', label: 'Look that was taken back', leaf: true }]
const workbooks = [{ id: 'wb1', label: 'Quarter', leaf: false }, { id: 'wb2', label: 'Without elements', leaf: false }]
const elements = [{ id: 'wb1/el1', label: 'Overview: Best customers', leaf: true }, { id: 'wb1/el2', label: 'Details: All customers', leaf: true }]

/** The items of a BI tool: Looks, or workbooks and what is in one. */
export function biItems({ spec }, parent) {
  if (spec.type === 'sigma') return parent === '' ? workbooks : parent === 'wb1' ? elements : []
  return parent === '' ? looks : []
}

/** The SQL that a BI tool gives for something in it. */
export const biSql = (item) => ({ 7: 'SELECT customer_id, email FROM public.customers', 'wb1/el1': 'SELECT customer_id, ltv FROM public.customers' })[item]

/** What the key of an orchestrator is answered with; a key of "denied" is refused. */
export function connect(document) {
  if (document.spec.configuration.apiKey === 'denied') return undefined
  document.connected = true
  return document.spec.type === 'fivetran' ? { webhook: 'hook-77' } : {}
}

export function toolStatus(store, kind, slug, document) {
  if (kind === 'bi-tools') return { modelCount: store.count('models', (m) => m.spec.bi?.tool === slug) }
  if (kind === 'orchestrators') return { useCount: 0, checkedAt: null, ...(document.connected && document.spec.type === 'fivetran' ? { webhook: 'hook-77' } : {}) }
  return { manifest: document.manifest ?? null, modelCount: store.count('models', (m) => m.spec.dbt?.project === slug), refresh: null, source: store.brief('sources', document.spec.source) }
}

/** Takes a manifest; undefined where it is none. */
export function loadManifest(document, { metadata, nodes }) {
  if (!metadata?.dbt_version) return undefined
  const all = Object.entries(nodes)
  document.nodes = all.map(([id, node]) => ({ id, type: id.split('.')[0], name: node.name, package: 'shop', path: node.original_file_path, description: node.description, language: 'sql', materialized: 'table', read: 'table', relation: node.relation_name }))
  document.manifest = { project: metadata.project_name, dbtVersion: metadata.dbt_version, adapter: metadata.adapter_type, generatedAt: metadata.generated_at, loadedAt: new Date().toISOString(), loadedBy: 'Admin', models: all.length, analyses: 0, bytes: 2048, version: 12 }
  return document.manifest
}

export const nodeDetail = (node) => ({ ...node, sql: 'SELECT customer_id, email FROM public.customers', columns: [{ name: 'email', description: 'Where their mail goes' }], ways: [{ read: 'table', error: null, notes: [] }, { read: 'sql', error: null, notes: [] }] })
