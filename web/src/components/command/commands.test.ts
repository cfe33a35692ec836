import { expect, it } from 'vitest'
import { commands, matching } from './commands'

it('finds commands by all the words that were typed, in any order', () => {
  expect(matching(commands, 'sync add').map((c) => c.label)).toEqual(['Add sync'])
  expect(matching(commands, 'KEYS').map((c) => c.to)).toEqual(['/settings/keys'])
  expect(matching(commands, 'nothing like this')).toEqual([])
  expect(matching(commands, '  ')).toEqual(commands)
})

it('leads to every part of the settings', () => {
  const found = matching(commands, 'page').map((c) => c.to)
  for (const part of ['workspace', 'alerts', 'keys', 'monitors', 'bi-tools', 'orchestrators', 'storage', 'tunnels', 'credentials']) expect(found).toContain(`/settings/${part}`)
})
