import { expect, it } from 'vitest'
import type { Table } from '~/services/types'
import { completionSchema, findTables } from './tables'

const table = (schema: string, name: string, ...columns: string[]): Table => ({
  ref: { schema, name },
  kind: 'table',
  columns: columns.map((column) => ({ name: column, type: 'string', nullable: true })),
})
const tables = [table('public', 'customers', 'customer_id', 'email'), table('public', 'orders', 'order_id'), table('old', 'orders', 'id')]

// Req: M-17
it('finds tables by name and by column', () => {
  expect(findTables(tables, 'ORDERS')).toHaveLength(2)
  expect(findTables(tables, 'email').map((t) => t.ref.name)).toEqual(['customers'])
  expect(findTables(tables, ' ')).toHaveLength(3)
})

it('completes tables with and without their schema', () => {
  expect(completionSchema(tables)).toEqual({
    'public.customers': ['customer_id', 'email'],
    customers: ['customer_id', 'email'],
    'public.orders': ['order_id'],
    orders: ['order_id'],
    'old.orders': ['id'],
  })
})
