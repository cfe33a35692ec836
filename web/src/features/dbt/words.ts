import { plural } from '~/components/format/format'
import type { Fact } from '~/components/page/Facts'
import type { DbtProject } from '~/services/types'

const day = (at: string): string => new Date(at).toLocaleString()

/** What is known of a project's manifest. */
export function manifestFacts({ manifest, modelCount }: DbtProject['status']): Fact[] {
  if (manifest === null) return []
  const analyses = manifest.analyses === 1 ? '1 analysis' : `${manifest.analyses} analyses`
  return [
    { label: 'Contents', value: `${plural(manifest.models, 'model')}, ${analyses}` },
    { label: 'Compiled by', value: `dbt ${manifest.dbtVersion}${manifest.adapter === '' ? '' : ` for ${manifest.adapter}`}` },
    ...(manifest.generatedAt === null ? [] : [{ label: 'Compiled at', value: day(manifest.generatedAt) }]),
    { label: 'Loaded at', value: `${day(manifest.loadedAt)} by ${manifest.loadedBy}` },
    { label: 'Read by', value: plural(modelCount, 'model') },
  ]
}
