import { describe, expect, it } from 'vitest'
import { hueOf, monogram } from './ConnectorIcon'

describe('the sign of a vendor', () => {
  it('is two letters of its name', () => {
    expect(monogram('amplitude')).toBe('Am')
    expect(monogram('google-analytics')).toBe('Ga')
    expect(monogram('x')).toBe('X')
  })

  it('keeps its colour, and differs from its neighbours', () => {
    expect(hueOf('braze')).toBe(hueOf('braze'))
    expect(new Set(['braze', 'iterable', 'klaviyo', 'mailchimp', 'hubspot'].map(hueOf)).size).toBe(5)
  })
})
