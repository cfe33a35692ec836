import { queryOptions } from '@tanstack/react-query'
import { get, path, post } from './http'
import type { Cloned, ColumnUse, Draft, List, Model, ModelSpec } from './types'

/**
 * Reads the columns that a model's query has now. Their descriptions are saved with the model; columns that are new,
 * gone or of another type only with adopt.
 */
export const refreshModel = (slug: string, adopt = false): Promise<Model> => post<Model>(path('models', slug, 'refresh'), { adopt })

/** Where the columns of a model are used, also those that it does not have. */
export const usesQuery = (slug: string) =>
  queryOptions({
    queryKey: ['models', 'uses', slug],
    queryFn: async ({ signal }) => (await get<List<ColumnUse>>(path('models', slug, 'uses'), signal)).items,
  })

/** Makes a model after another one, with copies of the syncs that are named; they begin disabled. */
export const cloneModel = (slug: string, draft: Draft<ModelSpec>, syncs: string[]): Promise<Cloned> =>
  post<Cloned>(path('models', slug, 'clone'), { ...draft, syncs })
