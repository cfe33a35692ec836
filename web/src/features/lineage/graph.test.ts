import { expect, it } from 'vitest'
import type { Lineage } from '~/services/types'
import { besideOf, chosenOf, nameOf, pageOf, partOf, stateOf, throughOf } from './graph'

const graph: Lineage = {
  nodes: [
    { id: 'source/shop', kind: 'source', slug: 'shop', name: 'Shop', type: 'postgres' },
    { id: 'model/people', kind: 'model', slug: 'people', name: 'People' },
    { id: 'model/orders', kind: 'model', slug: 'orders', name: 'Orders' },
    { id: 'sequence/all', kind: 'sequence', slug: 'all', name: 'All', state: 'completed', label: 'Completed' },
    { id: 'sync/one', kind: 'sync', slug: 'one', name: 'People to CRM', state: 'failed', label: 'Failed' },
    { id: 'sync/two', kind: 'sync', slug: 'two', name: 'Orders to mail', state: 'healthy', label: 'Healthy' },
    { id: 'destination/crm', kind: 'destination', slug: 'crm', name: 'CRM', type: 'hubspot' },
    { id: 'destination/mail', kind: 'destination', slug: 'mail', name: 'Mail', type: 'mailchimp' },
  ],
  edges: [
    { from: 'source/shop', to: 'model/people' },
    { from: 'source/shop', to: 'model/orders' },
    { from: 'model/people', to: 'sync/one' },
    { from: 'model/orders', to: 'sync/two' },
    { from: 'sequence/all', to: 'sync/one' },
    { from: 'sync/one', to: 'destination/crm' },
    { from: 'sync/two', to: 'destination/mail' },
  ],
}
const [, people, , , one] = graph.nodes

it('finds what leads to documents and what they lead to', () => {
  expect([...throughOf(graph, ['model/people'])].sort()).toEqual(['destination/crm', 'model/people', 'source/shop', 'sync/one'])
  expect([...throughOf(graph, ['destination/crm'])].sort()).toEqual(['destination/crm', 'model/people', 'sequence/all', 'source/shop', 'sync/one'])
  expect(throughOf(graph, ['source/shop', 'destination/mail']).has('sequence/all')).toBe(false)
})

it('chooses documents by all words of a search, and those in trouble', () => {
  expect(chosenOf(graph, '  ', false)).toBeUndefined()
  expect([...(chosenOf(graph, 'crm sync', false) ?? [])]).toEqual(['sync/one'])
  expect([...(chosenOf(graph, 'POSTGRES', false) ?? [])]).toEqual(['source/shop'])
  expect([...(chosenOf(graph, '', true) ?? [])]).toEqual(['sync/one'])
  expect([...(chosenOf(graph, 'orders', true) ?? [])]).toEqual([])
})

it('takes a part with the edges within it', () => {
  const part = partOf(graph, new Set(['model/people', 'sync/one', 'destination/mail']))
  expect(part.nodes).toHaveLength(3)
  expect(part.edges).toEqual([{ from: 'model/people', to: 'sync/one' }])
})

it('names documents, their states and their pages', () => {
  expect(nameOf(people ?? graph.nodes[0]!)).toBe('Model People')
  expect(nameOf(one ?? graph.nodes[0]!)).toBe('Sync People to CRM, Failed')
  expect(stateOf(one ?? graph.nodes[0]!)).toEqual({ tone: 'bad', label: 'Failed' })
  expect(pageOf({ kind: 'destination', slug: 'crm' })).toBe('/destinations/crm')
})

it('tells what stands right before and after each document', () => {
  const beside = besideOf(graph).get('sync/one')
  expect(beside?.before.map(({ name }) => name)).toEqual(['People', 'All'])
  expect(beside?.after.map(({ name }) => name)).toEqual(['CRM'])
})
