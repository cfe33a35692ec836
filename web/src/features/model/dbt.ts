import type { DbtNodeDetail, DbtRead } from '~/services/types'

/** What of a model of dbt is read, in words. */
export const readWords: Record<DbtRead, string> = { table: 'Its table', sql: 'Its compiled SQL' }

/** What speaks against or for reading a node in a way. */
export const wayOf = ({ ways }: Pick<DbtNodeDetail, 'ways'>, read: DbtRead) => ways.find((way) => way.read === read)
