import { queryOptions, type QueryClient } from '@tanstack/react-query'
import type { components } from './openapi.gen'
import { get, path, post, postExact } from './http'
import type {
  Destination,
  Field,
  FileList,
  Items,
  Option,
  Preview,
  PreviewRequest,
  RefreshedSource,
  Settings,
  SheetList,
  Source,
  SyncSpec,
  Tables,
  TargetField,
  TestResult,
} from './types'

/** What can be tested before it is saved. */
export type Testable = 'sources' | 'destinations' | 'storages' | 'credentials'

export interface TestOptions {
  /** Of a saved one, which fills in the secrets that were left unchanged. */
  slug?: string
  engine?: 'basic' | 'lightning'
  /** The tunnel that it is reached through. */
  tunnel?: string
}

/** Tries a connection. */
export const testConnection = (kind: Testable, type: string, configuration: Settings, options: TestOptions = {}): Promise<TestResult> =>
  post<TestResult>(path(kind, 'test'), { type, configuration, ...options })

/** A pick-list of a connection's form, by the settings so far. */
export const connectionOptionsQuery = (kind: 'sources' | 'destinations', list: string, type: string, configuration: Settings, options: TestOptions = {}) => ({
  queryKey: [kind, 'options', list, type, configuration, options] as unknown[],
  queryFn: async ({ signal }: { signal: AbortSignal }) =>
    (await post<Items<Option>>(path('catalog', kind, 'options', list), { type, configuration, ...options }, signal)).items ?? [],
  retry: false as const,
  staleTime: 5 * 60_000,
})

type Schema = components['schemas']

/** Who allowed the access to a connection, and the address to register at its vendor. */
export const accessQuery = (kind: 'sources' | 'destinations', slug: string) =>
  queryOptions({
    queryKey: [kind, 'access', slug],
    queryFn: ({ signal }) => get<Schema['Access']>(path(kind, slug, 'authorize'), signal),
  })

/** Begins to allow the access: the browser goes to the vendor's page. */
export const authorizeConnection = (kind: 'sources' | 'destinations', slug: string) => post<Schema['Authorize']>(path(kind, slug, 'authorize'), {})

/**
 * Tries a connection once more as it is saved, behind the scenes, so that the server remembers the result. What
 * was tested before could not be told apart from what is still being written.
 */
export async function rememberTest(client: QueryClient, kind: 'sources' | 'destinations', saved: Source | Destination): Promise<void> {
  try {
    const engine = 'engine' in saved.spec && saved.spec.engine === 'lightning' ? 'lightning' : undefined
    const { tunnel } = saved.spec
    await testConnection(kind, saved.spec.type, saved.spec.configuration, { slug: saved.metadata.slug, engine, tunnel })
  } catch {
    return // the list says that it was not tested
  }
  await client.invalidateQueries({ queryKey: [kind] })
}

/** The tables of a source as they were last read. */
export const tablesQuery = (slug: string) =>
  queryOptions({
    queryKey: ['sources', 'tables', slug],
    queryFn: ({ signal }) => get<Tables>(path('sources', slug, 'tables'), signal),
    staleTime: 5 * 60_000,
  })

/** Reads the tables of a source anew, and what it says of its models' columns (M-15). */
export async function refreshSource(slug: string): Promise<{ found: RefreshedSource; tables: Tables }> {
  const found = await post<RefreshedSource>(path('sources', slug, 'refresh'))
  return { found, tables: await get<Tables>(path('sources', slug, 'tables')) }
}

/** The files of a source that a model can choose, whose paths begin with the prefix. */
export const filesQuery = (slug: string, prefix: string) =>
  queryOptions({
    queryKey: ['sources', 'files', slug, prefix],
    queryFn: ({ signal }) => get<FileList>(`${path('sources', slug, 'files')}?${new URLSearchParams({ prefix }).toString()}`, signal),
    staleTime: 60_000,
    retry: false,
  })

/** The workbooks of a source that a model can choose. */
export const workbooksQuery = (slug: string) =>
  queryOptions({
    queryKey: ['sources', 'workbooks', slug],
    queryFn: async ({ signal }) => (await get<Items<Option>>(path('sources', slug, 'workbooks'), signal)).items,
    staleTime: 60_000,
    retry: false,
  })

/** The sheets of a workbook. */
export const sheetsQuery = (slug: string, workbook: string) =>
  queryOptions({
    queryKey: ['sources', 'sheets', slug, workbook],
    queryFn: ({ signal }) => get<SheetList>(`${path('sources', slug, 'sheets')}?${new URLSearchParams({ workbook }).toString()}`, signal),
    staleTime: 60_000,
    retry: false,
  })

/** The first rows of a model, or all of them with limit 0. */
export const previewModel = (request: PreviewRequest, signal?: AbortSignal): Promise<Preview> =>
  postExact<Preview>(path('models', 'preview'), request, signal)

/** The fields of a destination for a sync as it is configured so far. */
export const targetFieldsQuery = (slug: string, spec: SyncSpec) =>
  queryOptions({
    queryKey: ['destinations', 'fields', slug, spec.type, spec.mode, spec.settings ?? {}],
    queryFn: async ({ signal }) =>
      (await post<Items<TargetField>>(path('destinations', slug, 'fields'), { spec }, signal)).items,
    staleTime: 60_000,
    retry: false,
  })

/** The form of a setting that only the destination knows. What is written into it does not change it. */
export const formQuery = (slug: string, form: string, setting: string, spec: SyncSpec) => {
  const others = Object.entries(spec.settings ?? {}).filter(([name]) => name !== setting)
  return {
    queryKey: ['destinations', 'forms', slug, form, spec.type, others] as unknown[],
    queryFn: async ({ signal }: { signal: AbortSignal }) => (await post<Items<Field>>(path('destinations', slug, 'forms', form), { spec }, signal)).items,
    staleTime: 60_000,
    retry: false as const,
  }
}

/** The entries of a pick-list that the destination loads. */
export const optionsQuery = (slug: string, list: string, spec: SyncSpec) => ({
  queryKey: ['destinations', 'options', slug, list, spec.type, spec.settings ?? {}] as unknown[],
  queryFn: async ({ signal }: { signal: AbortSignal }) =>
    (await post<Items<Option>>(path('destinations', slug, 'options', list), { spec }, signal)).items,
  staleTime: 60_000,
  retry: false as const,
})
