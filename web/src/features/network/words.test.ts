import { describe, expect, it } from 'vitest'
import { serviceAccountOf } from './words'

// Req: X-27
describe('serviceAccountOf', () => {
  it('shows whose key it is', () => {
    const key = JSON.stringify({ type: 'service_account', client_email: 'robot@acme.example.com', client_id: '1066', private_key: 'k' })
    expect(serviceAccountOf(key)).toEqual({ clientEmail: 'robot@acme.example.com', clientId: '1066' })
  })
  it.each(['MIIKUAIBAzCC', '{"type":"external_account"}', '{"type":"service_account"}', 'null', '[]'])('refuses %s', (text) => {
    expect(typeof serviceAccountOf(text)).toBe('string')
  })
})
