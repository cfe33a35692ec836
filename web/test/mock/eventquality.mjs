// What the mock's vendor makes of events, by the pixel of the connection.

const finding = {
  name: 'Server sending mismatched IP addresses',
  description: 'The client IP addresses are not those that the Pixel sends.',
  solution: 'Send the address of the customer’s own request.',
  percent: 61.5,
}

const events = [
  {
    event: 'Purchase',
    score: 6.2,
    additional: 137.9,
    keys: [
      { key: 'email', percent: 100 },
      { key: 'ip_address', percent: 99.9 },
      { key: 'phone', percent: null },
    ],
    diagnostics: [finding],
  },
  { event: 'Search', score: null, additional: null, keys: [], diagnostics: [] },
]

const denied = {
  code: 'destination.permission_denied',
  message: 'Meta does not let the access token read the quality of events: (#200) Missing Permissions',
  suggestion: 'Generate an access token in the Events Manager and accept the Dataset Quality API there.',
}

/** The quality of a sync's events, and when it was asked for. A pixel "none" has no events, and "denied" refuses. */
export function eventQuality(store, { metadata: { slug }, spec }, again) {
  const { pixelId } = store.documents.destinations.get(spec.destination).spec.configuration
  if (pixelId === 'denied') return denied
  store.asked ??= new Map()
  if (again || !store.asked.has(slug)) store.asked.set(slug, new Date(Date.now() - (again ? 0 : 180_000)).toISOString())
  return { at: store.asked.get(slug), events: pixelId === 'none' ? [] : events }
}
