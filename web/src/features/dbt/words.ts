import { plural } from '~/components/format/format'
import type { Fact } from '~/components/page/Facts'
import type { DbtProject, DbtRefresh } from '~/services/types'

const day = (at: string): string => new Date(at).toLocaleString()

/** How the fetching of a manifest stands, in words. */
export function refreshWords({ state, seen, checkedAt }: DbtRefresh): string {
  switch (state) {
    case 'waiting':
      return checkedAt === null ? 'Waiting to be fetched' : 'Waiting for the first manifest: there is none yet'
    case 'running':
      return 'Being fetched'
    case 'done':
      return `Fetched${seen === undefined ? '' : `: ${seen}`}`
    case 'failed':
      return 'The last attempt failed'
  }
}

/** What is known of a project's manifest. */
export function manifestFacts({ manifest, modelCount, refresh }: DbtProject['status']): Fact[] {
  const fetched: Fact[] = refresh === null ? [] : [{ label: 'Status', value: refreshWords(refresh) }]
  if (manifest === null) return fetched
  const analyses = manifest.analyses === 1 ? '1 analysis' : `${manifest.analyses} analyses`
  return [
    ...fetched,
    { label: 'Contents', value: `${plural(manifest.models, 'model')}, ${analyses}` },
    { label: 'Compiled by', value: `dbt ${manifest.dbtVersion}${manifest.adapter === '' ? '' : ` for ${manifest.adapter}`}` },
    ...(manifest.generatedAt === null ? [] : [{ label: 'Compiled at', value: day(manifest.generatedAt) }]),
    { label: 'Loaded at', value: `${day(manifest.loadedAt)} by ${manifest.loadedBy}` },
    { label: 'Read by', value: plural(modelCount, 'model') },
  ]
}
