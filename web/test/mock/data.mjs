// The rows that the mock's sources hold, and what they answer to a query.

const firstNames = ['Ada', 'Grace', 'Linus', 'Margaret', 'Barbara', 'Ken', 'Radia', 'Edsger', 'Katherine', 'Donald']
const lastNames = ['Okafor', 'Lindqvist', 'Moreau', 'Tanaka', 'Haddad', 'Novak', 'Alvarez', 'Fischer', 'Singh', 'Costa']
const cities = ['Lisbon', 'Osaka', 'Tampa', 'Lagos', 'Lyon', 'Graz', 'Pune', 'Turku']
const brands = ['Nano', 'Strider', 'Peak', 'Cloudstep']
const tiers = ['Normal', 'Silver', 'Gold']

const customer = (i) => {
  const first = firstNames[i % 10]
  const last = lastNames[Math.floor(i / 3) % 10]
  return [
    `C-${String(100000 + i)}`,
    first,
    last,
    `${first}.${last}${i}@example.com`.toLowerCase(),
    cities[i % 8],
    String(((i * 7919) % 250000) / 100),
    brands[i % 4],
    tiers[i % 3],
    String(i % 5),
    i % 11 === 0 ? null : new Date(Date.UTC(2026, 10, 1 + (i % 23), i % 24)).toISOString(),
    Array.from({ length: i % 3 }, (_, n) => ({ sku: `${brands[n]}-${i}`, quantity: n + 1, size: { eu: 40 + n } })),
  ]
}

const column = (name, type, native, nullable = true, description) => ({ name, type, native, nullable, description })

const customers = [
  column('customer_id', 'string', 'VARCHAR', false, 'Given when the account is opened'),
  column('first_name', 'string', 'VARCHAR'),
  column('last_name', 'string', 'VARCHAR'),
  column('email', 'string', 'VARCHAR', true, 'Confirmed by a click'),
  column('city', 'string', 'VARCHAR'),
  column('ltv', 'string', 'VARCHAR', true, 'Lifetime value in dollars'),
  column('brand_affinity', 'string', 'VARCHAR'),
  column('VIP', 'string', 'VARCHAR'),
  column('items_in_cart', 'string', 'VARCHAR'),
  column('last_seen', 'timestamp', 'TIMESTAMP WITH TIME ZONE'),
  column('orders', 'object', 'JSON'),
]

const table = (name, columns, rows, kind = 'table') => ({ ref: { schema: 'public', name }, kind, columns, rows })

export const tables = [
  table('cart_events', [column('event_id', 'string', 'VARCHAR', false), column('customer_id', 'string', 'VARCHAR'), column('event', 'string', 'VARCHAR'), column('properties', 'object', 'JSON'), column('at', 'timestamp', 'TIMESTAMP')], 512400),
  table('customers', customers, 50000),
  table('organizations', [column('organization_id', 'string', 'VARCHAR', false), column('type', 'string', 'VARCHAR'), column('segment', 'string', 'VARCHAR'), column('total_storage_used_mb', 'string', 'VARCHAR')], 4200),
  table('users', [column('user_id', 'string', 'VARCHAR', false), column('role', 'string', 'VARCHAR'), column('email', 'string', 'VARCHAR')], 18000),
  table('vip_customers', customers, null, 'view'),
]

/** What is wrong with a query, as a database would say it. */
function refusal(sql) {
  const misspelt = /\b(emial|nam)\b/.exec(sql)
  if (misspelt) return `Binder Error: Referenced column "${misspelt[0]}" not found in FROM clause!\nCandidate bindings: "email"`
  const unknown = /from\s+([\w.]+)/i.exec(sql)?.[1]
  const known = unknown === undefined || tables.some(({ ref }) => unknown === ref.name || unknown === `public.${ref.name}`)
  if (!/^\s*(select|with)\b/i.test(sql)) return `Parser Error: syntax error at or near "${sql.trim().split(/\s/)[0]}"\n\nLINE 1: ${sql.split('\n')[0]}\n        ^`
  return known ? undefined : `Catalog Error: Table with name ${unknown} does not exist!\nDid you mean "public.customers"?\n\nLINE 1: ${sql.split('\n')[0]}\n        ^`
}

/** Where in the query the first word stands that the refusal quotes, counted from 1. */
function placeOf(sql, refused) {
  const word = /"([^"]+)"|name (\S+) does/.exec(refused)
  const at = sql.indexOf(word?.[2] ?? word?.[1] ?? '')
  if (at < 0) return {}
  const before = sql.slice(0, at).split('\n')
  return { line: before.length, column: before.at(-1).length + 1 }
}

/** The places of the columns that a query lists by their names; all of them where it lists none. */
function chosen(sql) {
  const names = /^\s*select\s+([\w\s,]+?)\s+from\b/i.exec(sql)?.[1].split(/\s*,\s*/) ?? []
  const places = names.map((name) => customers.findIndex((c) => c.name === name)).filter((i) => i >= 0)
  return places.length > 0 ? places : customers.map((_, i) => i)
}

/** Names do not cast to numbers. */
function castFailures(columns, shown) {
  return columns
    .filter(({ name, cast }) => name === 'first_name' && cast === 'number')
    .map(({ name, cast }) => ({ column: name, to: cast, rows: [0, 1, 2], count: shown, message: 'a text value cannot be cast to number', suggestion: "Correct the value or choose another type in the model's Columns tab." }))
}

/** The answer to POST /api/models/preview: a preview, or the message of a refusal. */
export function preview({ method, sql = '', limit, count, columns = [] }) {
  const refused = method === 'sql' ? refusal(sql) : undefined
  if (refused !== undefined) return { refused, place: placeOf(sql, refused) }
  const total = /where\s+false|1\s*=\s*0/i.test(sql) ? 0 : method === 'table' ? 50000 : 8421
  const shown = Math.min(total, limit || 20000)
  const places = chosen(sql)
  return {
    columns: places.map((i) => customers[i]).map(({ name, type, native, description }) => ({ name, type, native, description })),
    castFailed: castFailures(columns, shown),
    rows: Array.from({ length: shown }, (_, i) => places.map((at) => customer(i)[at])),
    rowCount: count ? total : null,
    truncated: shown < total,
    durationMs: 184,
  }
}

export const modelColumns = customers.map(({ name, type, native, description }) => ({ name, type, native, description }))

/** The first rows of a model, as templates see them. */
export const sample = (n) => Object.fromEntries(customers.map((c, i) => [c.name, customer(n)[i]]))

/** The columns of a run's rows, in the order of the mapping. */
export const rowColumns = ['customer_id', 'email', 'first_name', 'city', 'ltv']

const used = ['customer_id', 'email', 'first_name', 'city', 'ltv']

/** The rows of the mock's model that can be tested: the first ones, or the one with a key. */
export function testRows(key, operations) {
  const rows = Array.from({ length: 100 }, (_, i) => customer(i)).map((values) => ({ key: values[0], values }))
  return {
    columns: customers.map(({ name, type, native, nullable }) => ({
      name, type, native, nullable, used: used.includes(name), ...(name === 'customer_id' && { fixed: 'it is the primary key, by which the row is known' }),
    })),
    rows: key ? rows.filter((row) => row.key === key) : rows,
    operations,
  }
}

/** What becomes of a tested row: the mock's destination takes no address at example.org. */
export function testedRow({ key, operation, values = {} }) {
  const row = testRows(key, []).rows[0]
  const now = Object.fromEntries(customers.map(({ name }, i) => [name, values[name] === undefined ? row.values[i] : values[name].value]))
  const rejected = String(now.email).endsWith('@example.org')
  const reason = '422 Unprocessable Entity: {"error":{"code":"invalid_domain","message":"example.org takes no mail.","trace":"9f1c-78"}}'
  const { email, first_name, city, ltv } = now
  return {
    key, operation, outcome: rejected ? 'rejected' : 'succeeded', reason: rejected ? reason : '', error: null, values: now, columns: customers.map(({ name }) => name), durationMs: 163,
    exchanges: [{
      method: operation === 'removed' ? 'DELETE' : 'POST', url: 'https://api.example.com/v2/contacts',
      requestHeaders: [{ name: 'Content-Type', value: 'application/json' }, { name: 'Authorization', value: '[redacted]' }],
      requestBody: JSON.stringify({ customer_id: key, email, first_name, city, ltv }),
      status: rejected ? 422 : 200, responseHeaders: [{ name: 'X-Request-Id', value: '5be0c2' }],
      responseBody: rejected ? '{"error":{"code":"invalid_domain","message":"example.org takes no mail.","trace":"9f1c-78"}}' : '{"ok":true}',
      startedAt: new Date().toISOString(), duration: 148_200_000,
    }],
  }
}

/** One row of a run. */
export function runRow(ordinal, status, operation) {
  const [id, first, , email, city, ltv] = customer(ordinal)
  const values = { customer_id: id, first_name: first, email, city, ltv }
  return {
    ordinal,
    key: id,
    operation,
    status,
    reason: status === 'failed' ? '422 Unprocessable Entity: {"error":{"code":"invalid_email","message":"The address is on the suppression list.","trace":"9f1c-77"}}' : '',
    values,
    ...(operation === 'changed' && { before: { ...values, city: 'Porto', ltv: '0' } }),
  }
}

export function exchange(ordinal, rejected) {
  const rows = [ordinal, ordinal + 1, ordinal + 2]
  return {
    exchanges: [
      {
        method: 'POST',
        url: 'https://api.example.com/v2/contacts/batch',
        requestHeaders: [
          { name: 'Content-Type', value: 'application/json' },
          { name: 'Authorization', value: '[redacted]' },
        ],
        requestBody: JSON.stringify({ contacts: rows.map((i) => runRow(i, 'succeeded', 'added').values) }),
        status: rejected ? 207 : 200,
        responseHeaders: [{ name: 'X-Request-Id', value: '5be0c1' }],
        responseBody: JSON.stringify({ accepted: 2, errors: rejected ? [{ index: 0, code: 'invalid_email', trace: '9f1c-77' }] : [] }),
        startedAt: new Date(Date.now() - 60_000).toISOString(),
        duration: 148_200_000,
      },
    ],
    rows: rows.map((i) => {
      const own = i === ordinal && rejected
      const { values: _values, ...row } = runRow(i, own ? 'failed' : 'succeeded', 'added')
      return row
    }),
  }
}
