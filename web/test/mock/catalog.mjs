// The connectors that the mock offers, in the shape of connector.SourceInfo and DestinationInfo.

const queries = {
  b2b: [
    {
      title: 'Product-led sales upsell opportunities',
      sql: "SELECT * FROM public.organizations\nWHERE type = 'Self-Serve'\n  AND CAST(total_storage_used_mb AS INT) > 50000",
    },
    { title: 'Lifecycle marketing to inactive admins', sql: "SELECT * FROM public.users WHERE role = 'admin'" },
    { title: 'New Business Tier product introduction', sql: 'SELECT * FROM public.organizations' },
  ],
  b2c: [
    {
      title: 'Abandoned cart retargeting ads',
      sql: "SELECT * FROM public.customers\nWHERE VIP = 'Normal'\n  AND CAST(items_in_cart AS INT) > 0",
    },
    { title: 'Seasonal Rebook campaign - Nano X2', sql: "SELECT * FROM public.customers WHERE brand_affinity = 'Nano'" },
    { title: 'Annual VIP celebration event in Florida', sql: "SELECT * FROM public.customers WHERE VIP <> 'Normal'" },
  ],
}

const sample = (slug, name, summary, list) => ({
  slug,
  name,
  category: 'sample',
  summary,
  fields: null,
  methods: ['sql', 'table'],
  engines: ['basic'],
  syncLogs: false,
  sample: true,
  queries: list,
  verified: true,
})

export const sources = [
  {
    slug: 'duckdb',
    name: 'DuckDB',
    category: 'database',
    summary: 'A DuckDB database file on the server',
    fields: [{ name: 'path', label: 'Database file', type: 'string', required: true, example: 'warehouse.duckdb' }],
    methods: ['sql', 'table'],
    engines: ['basic', 'lightning'],
    syncLogs: true,
    sample: false,
    verified: true,
  },
  {
    slug: 'files',
    name: 'Files in a folder',
    category: 'file',
    summary: 'CSV, TSV, JSON, NDJSON and Parquet files',
    fields: [{ name: 'path', label: 'Folder', type: 'string', required: true, example: 'imports/crm' }],
    methods: ['sql', 'table'],
    engines: ['basic'],
    syncLogs: false,
    sample: false,
    verified: true,
  },
  {
    slug: 'postgres',
    name: 'PostgreSQL',
    category: 'database',
    tunnels: true,
    summary: 'PostgreSQL 12 and later, and databases that speak its protocol',
    fields: [
      { name: 'host', label: 'Host', type: 'string', required: true, example: 'db.example.com' },
      { name: 'port', label: 'Port', type: 'number', default: 5432, min: 1, max: 65535 },
      { name: 'database', label: 'Database', type: 'string', required: true },
      { name: 'user', label: 'User', type: 'string', required: true },
      { name: 'password', label: 'Password', type: 'secret', secret: true },
      {
        name: 'sslmode',
        label: 'TLS',
        type: 'select',
        default: 'prefer',
        options: [
          { value: 'prefer', label: 'If the server offers it' },
          { value: 'verify-full', label: 'Required, certificate verified', help: 'Needs the certificate of the authority.' },
        ],
      },
      {
        name: 'rootCertificate',
        label: 'Certificate of the authority',
        type: 'text',
        showIf: { field: 'sslmode', in: ['verify-full'] },
      },
      { name: 'statementTimeout', label: 'Statement timeout', type: 'number', default: 600, min: 1, advanced: true, help: 'Seconds.' },
      { name: 'plannerSchema', label: 'Planner schema', type: 'string', default: 'millrace_planner', advanced: true, help: 'Where the Lightning engine keeps what was synced.' },
      { name: 'auditSchema', label: 'Audit schema', type: 'string', default: 'millrace_audit', advanced: true, help: 'Where Millrace writes what became of rows.' },
    ],
    methods: ['sql', 'table', 'dbt', 'bi'],
    grants:
      'CREATE SCHEMA IF NOT EXISTS "{planner}";\nCREATE SCHEMA IF NOT EXISTS "{audit}";\nGRANT CREATE, USAGE ON SCHEMA "{planner}" TO "{user}";\nGRANT CREATE, USAGE ON SCHEMA "{audit}" TO "{user}";',
    engines: ['basic', 'lightning'],
    syncLogs: true,
    sample: false,
    verified: true,
  },
  {
    slug: 's3',
    name: 'Amazon S3',
    category: 'file',
    summary: 'CSV, JSON and Parquet files in a bucket',
    fields: [{ name: 'bucket', label: 'Bucket name', type: 'string', required: true, example: 'acme-exports' }],
    methods: ['file'],
    files: { extensions: ['.csv', '.json', '.parquet'], newest: true },
    engines: ['basic'],
    syncLogs: false,
    sample: false,
    verified: false,
  },
  {
    slug: 'excel',
    name: 'Microsoft Excel',
    category: 'file',
    summary: 'Sheets of .xlsx workbooks in OneDrive or SharePoint',
    fields: [{ name: 'drive', label: 'Drive', type: 'string', required: true }],
    methods: ['sheet'],
    books: true,
    engines: ['basic'],
    syncLogs: false,
    sample: false,
    verified: false,
  },
  sample('sample-b2b', 'B2B SaaS', 'Users and organizations of a software company.', queries.b2b),
  sample('sample-b2c', 'B2C eCommerce', 'Customers and events of an online shop for shoes.', queries.b2c),
]

const fileFields = [
  {
    name: 'format',
    label: 'File format',
    type: 'select',
    default: 'csv',
    required: true,
    options: [
      { value: 'csv', label: 'CSV' },
      { value: 'json', label: 'JSON', help: 'One array of objects' },
      { value: 'parquet', label: 'Parquet' },
    ],
  },
  {
    name: 'filename',
    label: 'File name',
    type: 'string',
    required: true,
    example: 'exports/{YYYY}-{MM}-{DD}/customers.csv',
    help: 'May hold the time of the run in braces.',
  },
  { name: 'csvHeader', label: 'Header row', type: 'boolean', default: true, showIf: { field: 'format', in: ['csv'] }, help: 'The first line names the columns.' },
  { name: 'gzip', label: 'Compress with gzip', type: 'boolean', default: false },
  { name: 'rowsPerFile', label: 'Rows in one file', type: 'number', min: 1, advanced: true, example: '100000' },
]

const fileType = {
  slug: 'file',
  deferred: true,
  name: 'Any data set',
  summary: 'Writes rows to files',
  modes: ['insert', 'all', 'diff', 'snapshot'],
  deletes: null,
  fields: fileFields,
  match: {},
  mapping: { enabled: true, required: true, advanced: true, custom: true, allByName: true },
  compare: 'mapped',
}

const enabled = { field: 'enabled', in: ['true'] }

/** What HTTP Request does with the rows of one operation. */
const triggerField = (name, label, method, body) => ({
  name,
  label,
  type: 'object',
  fields: [
    { name: 'enabled', label: 'Send requests', type: 'boolean', default: false },
    { name: 'rows', label: 'A request has', type: 'select', default: 'single', showIf: enabled, options: [{ value: 'single', label: 'One row' }, { value: 'batch', label: 'A batch of rows' }] },
    { name: 'batchSize', label: 'Rows in a batch', type: 'number', default: 100, min: 1, max: 10000, showIf: { field: 'rows', in: ['batch'] } },
    { name: 'method', label: 'Method', type: 'select', default: method, required: true, showIf: enabled, options: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((value) => ({ value, label: value })) },
    { name: 'url', label: 'Path', type: 'string', showIf: enabled, example: '/contacts/{{ row.id }}', help: 'Added to the base URL. A Liquid template; printed values are percent-encoded.' },
    { name: 'headers', label: 'Headers', type: 'headers', advanced: true, showIf: enabled, help: "Besides the connection's. Values are Liquid templates." },
    { name: 'body', label: 'Body', type: 'select', default: body, showIf: enabled, options: [{ value: 'mapped', label: 'JSON from the mapping', help: 'An object of the mapped fields.' }, { value: 'json', label: 'JSON from a template' }, { value: 'none', label: 'None' }] },
    { name: 'json', label: 'JSON', type: 'text', required: true, showIf: { field: 'body', in: ['json'] }, example: '{"email": "{{ row.email }}"}', help: 'A Liquid template with row.' },
    { name: 'rateLimit', label: 'Requests in a window', type: 'number', default: 1000, min: 0, showIf: enabled, help: 'Slightly fewer are made. 0 means no limit.' },
    { name: 'concurrency', label: 'Requests at once', type: 'number', default: 100, min: 1, max: 500, showIf: enabled },
    { name: 'retryStatuses', label: 'Statuses that are worth a retry at once', type: 'list', default: ['429', '5xx'], advanced: true, showIf: enabled },
  ],
})

export const destinations = [
  {
    slug: 'http-request',
    name: 'HTTP Request',
    category: 'api',
    summary: 'Requests to any HTTP endpoint',
    fields: [
      { name: 'baseUrl', label: 'Base URL', type: 'string', required: true, example: 'https://api.example.com', help: 'What the addresses of all requests begin with.' },
      { name: 'headers', label: 'Headers', type: 'headers', help: 'Sent with every request. The value of a secret one is stored encrypted and never shown again.' },
      { name: 'query', label: 'Query parameters', type: 'headers', advanced: true },
      { name: 'auth', label: 'Authentication', type: 'select', default: 'none', options: [{ value: 'none', label: 'None, or by headers' }, { value: 'bearer', label: 'Bearer token' }] },
      { name: 'token', label: 'Token', type: 'secret', secret: true, required: true, showIf: { field: 'auth', in: ['bearer'] } },
      { name: 'clientCertificate', label: 'Client certificate', type: 'text', advanced: true },
    ],
    syncTypes: [
      {
        slug: 'request',
        name: 'Request for each change',
        summary: 'One request for each row or batch',
        modes: ['trigger'],
        deletes: null,
        fields: [
          triggerField('added', 'Rows added', 'POST', 'mapped'),
          triggerField('changed', 'Rows changed', 'PUT', 'mapped'),
          triggerField('removed', 'Rows removed', 'DELETE', 'none'),
          { name: 'initial', label: 'First run', type: 'select', default: 'backfill', options: [{ value: 'backfill', label: 'Send all rows', help: 'Every row of the first run counts as added.' }, { value: 'skip', label: 'Skip the rows that exist' }] },
        ],
        match: {},
        mapping: { enabled: true, required: false, advanced: true, custom: true, allByName: true, clear: '' },
        compare: 'all',
      },
    ],
    verified: true,
  },
  {
    slug: 'ads',
    name: 'Example Ads',
    category: 'ads',
    summary: 'Fills audiences of an ad account',
    fields: [
      { name: 'token', label: 'Access token', type: 'secret', secret: true, required: true },
      { name: 'account', label: 'Ad account', type: 'select', optionsFrom: 'accounts', creatable: true, required: true },
    ],
    syncTypes: [],
    verified: true,
  },
  {
    slug: 'local',
    name: 'Local folder',
    category: 'file_storage',
    summary: 'Writes files to a folder on the server',
    fields: [{ name: 'path', label: 'Folder', type: 'string', example: 'exports/crm', help: 'Relative to the folder that the operator allows.' }],
    syncTypes: [fileType],
    verified: true,
  },
  {
    slug: 'postgres',
    name: 'PostgreSQL',
    category: 'database',
    tunnels: true,
    summary: 'Rows of a table',
    fields: sources[2].fields,
    syncTypes: [
      {
        slug: 'table',
        name: 'Table rows',
        summary: 'Keeps the rows of a table in step',
        modes: ['upsert', 'insert', 'update'],
        deletes: ['nothing', 'clear', 'delete'],
        fields: [{ name: 'table', label: 'Table', type: 'select', required: true, optionsFrom: 'tables', creatable: false }],
        match: { modes: ['upsert', 'update'] },
        mapping: { enabled: true, required: true, advanced: true, custom: false, allByName: false },
        compare: 'mapped',
        clears: true,
      },
    ],
    verified: true,
  },
  {
    slug: 's3',
    name: 'Amazon S3',
    category: 'file_storage',
    summary: 'Files in a bucket of S3 or a compatible service',
    fields: [
      { name: 'bucket', label: 'Bucket', type: 'string', required: true },
      { name: 'region', label: 'Region', type: 'string', default: 'us-east-1' },
      { name: 'accessKey', label: 'Access key', type: 'string', required: true },
      { name: 'secretKey', label: 'Secret key', type: 'secret', secret: true, required: true },
    ],
    syncTypes: [fileType],
    verified: false,
  },
  {
    slug: 'meta',
    name: 'Meta Custom Audiences',
    category: 'ads',
    summary: 'Fills custom audiences of a Meta ad account',
    fields: [
      { name: 'token', label: 'System user token', type: 'secret', secret: true, required: true },
      { name: 'adAccount', label: 'Ad account ID', type: 'string', required: true },
    ],
    audiences: { columns: [{ name: 'subtype', type: 'string' }], syncTypes: ['audience'] },
    syncTypes: [
      {
        slug: 'audience',
        name: 'Audiences',
        modes: ['add', 'remove'],
        deletes: ['remove'],
        fields: [{ name: 'audience', label: 'Existing audience', type: 'string' }],
        match: {},
        mapping: { enabled: true, required: true, advanced: true, custom: false, allByName: false },
        compare: 'mapped',
      },
    ],
    verified: false,
  },
  {
    slug: 'meta-conversions',
    name: 'Meta Conversions API',
    category: 'ads',
    summary: 'Sends web, app, store and phone conversions to Meta',
    fields: [
      { name: 'pixelId', label: 'Pixel ID or dataset ID', type: 'string', required: true },
      { name: 'token', label: 'Access token', type: 'secret', secret: true, required: true },
    ],
    syncTypes: [
      {
        slug: 'event',
        name: 'Events',
        modes: ['insert'],
        deletes: [],
        fields: [],
        match: {},
        mapping: { enabled: true, required: true, advanced: true, custom: true, allByName: false },
        compare: 'mapped',
        quality: true,
      },
    ],
    verified: false,
  },
]

export const targetFields = [
  { name: 'customer_id', type: 'string', native: 'text', required: true, match: true },
  { name: 'email', type: 'string', native: 'text', required: false, match: true, label: 'Email' },
  { name: 'first_name', type: 'string', native: 'text', required: false, match: false },
  { name: 'last_name', type: 'string', native: 'text', required: false, match: false },
  { name: 'lifetime_value', type: 'number', native: 'numeric(12,2)', required: false, match: false },
  { name: 'city', type: 'string', native: 'text', required: false, match: false },
  { name: 'account', type: 'reference', native: 'bigint', required: false, match: false, help: 'Refers to accounts' },
  { name: 'tags', type: 'array', native: 'text[]', required: false, match: false },
  { name: 'raw', type: 'unknown', native: 'bytea', required: false, match: false },
  { name: 'line_items', type: 'array', native: 'jsonb', required: false, match: false },
  { name: 'updated_at', type: 'timestamp', native: 'timestamptz', required: false, match: false, readOnly: true },
]

const shownWith = (auth) => ({ field: 'auth', in: [auth] })

/** The providers of storage, in the shape of kind/storage.Type. */
export const storages = [
  {
    slug: 's3',
    name: 'Amazon S3',
    summary: 'A bucket of Amazon S3, or of a store with the same protocol',
    fields: [
      { name: 'region', label: 'Region', type: 'string', default: 'us-east-1', required: true },
      { name: 'bucket', label: 'Bucket name', type: 'string', required: true, example: 'acme-millrace', help: 'Only the name, not a URL.' },
      { name: 'prefix', label: 'Prefix', type: 'string', example: 'prod', help: 'A folder that every object is put into.' },
      { name: 'auth', label: 'Authentication', type: 'select', default: 'keys', required: true, options: [{ value: 'keys', label: 'Access key' }] },
      { name: 'accessKeyId', label: 'Access key ID', type: 'string', required: true, showIf: shownWith('keys') },
      { name: 'secretAccessKey', label: 'Secret access key', type: 'secret', secret: true, required: true, showIf: shownWith('keys') },
      { name: 'endpoint', label: 'Endpoint', type: 'string', advanced: true },
    ],
  },
  {
    slug: 'gcs',
    name: 'Google Cloud Storage',
    summary: 'A bucket of Google Cloud Storage',
    fields: [
      { name: 'projectId', label: 'Project ID', type: 'string', required: true },
      { name: 'bucket', label: 'Bucket name', type: 'string', required: true },
      { name: 'prefix', label: 'Prefix', type: 'string' },
      { name: 'serviceAccountKey', label: 'Service account key', type: 'secret', secret: true, required: true, help: 'The whole JSON file.' },
    ],
  },
  {
    slug: 'azure',
    name: 'Azure Blob Storage',
    summary: 'A container of Azure Blob Storage',
    fields: [
      { name: 'accountName', label: 'Account name', type: 'string', required: true },
      { name: 'container', label: 'Container name', type: 'string', required: true },
      { name: 'tenantId', label: 'Tenant ID', type: 'string', required: true },
      { name: 'clientId', label: 'Client ID', type: 'string', required: true },
      { name: 'clientSecret', label: 'Client secret', type: 'secret', secret: true, required: true, help: 'The secret’s value, not its ID.' },
    ],
  },
]

export const credentials = [
  {
    slug: 'aws',
    name: 'Amazon Web Services',
    summary: 'A role that this server assumes, or an access key',
    account: '123456789012',
    fields: [
      { name: 'auth', label: 'Authentication', type: 'select', default: 'role', required: true, options: [{ value: 'role', label: 'Role' }, { value: 'keys', label: 'Access key' }] },
      { name: 'roleArn', label: 'Role ARN', type: 'string', required: true, showIf: shownWith('role') },
      { name: 'externalId', label: 'External ID', type: 'secret', secret: true, required: true, showIf: shownWith('role') },
      { name: 'accessKeyId', label: 'Access key ID', type: 'string', required: true, showIf: shownWith('keys') },
      { name: 'secretAccessKey', label: 'Secret access key', type: 'secret', secret: true, required: true, showIf: shownWith('keys') },
    ],
  },
  {
    slug: 'gcp',
    name: 'Google Cloud',
    summary: 'The key of a service account',
    fields: [
      { name: 'auth', label: 'Authentication', type: 'select', default: 'key', required: true, options: [{ value: 'key', label: 'Service account key' }] },
      { name: 'serviceAccountKey', label: 'Service account key', type: 'text', secret: true, required: true, help: 'The whole JSON file. P12 keys do not work.', showIf: shownWith('key') },
    ],
  },
  {
    slug: 'azure',
    name: 'Microsoft Azure',
    summary: 'A registered application with a client secret',
    fields: [
      { name: 'tenantId', label: 'Tenant ID', type: 'string', required: true },
      { name: 'clientId', label: 'Client ID', type: 'string', required: true },
      { name: 'clientSecret', label: 'Client secret', type: 'secret', secret: true, required: true, help: "The secret's value, not its ID." },
    ],
  },
]
