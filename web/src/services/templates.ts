import { queryOptions } from '@tanstack/react-query'
import { get, path, postExact } from './http'
import type { Arrays, FunctionList, Items, Mapping, Property, Tried } from './types'

/** The filters and tags of templates, and what context holds. */
export const functionsQuery = queryOptions({
  queryKey: ['templates', 'functions'],
  queryFn: ({ signal }) => get<FunctionList>(path('templates', 'functions'), signal),
  staleTime: Infinity,
})

/** The columns of a model that hold objects and lists, with the properties of its first rows (SY-34). */
export const propertiesQuery = (model: string) =>
  queryOptions({
    queryKey: ['models', 'properties', model],
    queryFn: async ({ signal }) => (await get<Items<Property>>(path('models', model, 'properties'), signal)).items,
    staleTime: 60_000,
    retry: false,
  })

/** The columns of a model whose arrays a sync can expand, as its first rows show (SY-91). */
export const arraysQuery = (model: string) =>
  queryOptions({
    queryKey: ['models', 'arrays', model],
    queryFn: ({ signal }) => get<Arrays>(path('models', model, 'arrays'), signal),
    staleTime: 60_000,
    retry: false,
  })

/** What a mapping makes of one of a model's first rows, or of the first elements of an array (SY-32). */
export const tryQuery = (model: string, mapping: Mapping, row: number, sync: string | undefined, array: string | undefined) =>
  queryOptions({
    queryKey: ['models', 'try', model, mapping, row, sync ?? '', array ?? ''],
    queryFn: ({ signal }) => postExact<Tried>(path('models', model, 'try'), { mapping, row, sync, arrayExpansionSourceColumn: array }, signal),
    staleTime: 60_000,
    retry: false,
  })
