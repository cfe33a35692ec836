import { Badge } from '@mantine/core'
import { IconPlugOff } from '@tabler/icons-react'
import { useState } from 'react'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { EmptyState } from '~/components/feedback/EmptyState'
import { SearchField } from '~/components/table/ListToolbar'
import { ChoiceCard, ChoiceGrid } from '~/components/wizard/ChoiceCard'
import { byCategory, categoryWords, type CatalogEntry } from './catalog'
import classes from './Connection.module.css'

function badgeOf({ missing, sample, verified }: CatalogEntry) {
  if (missing !== undefined) return <Badge color="gray">Not in this build</Badge>
  if (sample === true) return <Badge>Sample</Badge>
  return verified ? undefined : <Badge color="gray">Unverified</Badge>
}

interface Props {
  entries: CatalogEntry[]
  label: string
  onChoose: (slug: string) => void
}

/** All kinds of connections to choose from, by category; sample datasets stand last. */
export function Catalog({ entries, label, onChoose }: Props) {
  const [search, setSearch] = useState('')
  const groups = byCategory(entries, search)
  return (
    <div className="stack" style={{ gap: 22 }}>
      <div style={{ maxWidth: 340 }}>
        <SearchField label={label} value={search} onChange={setSearch} />
      </div>
      {groups.length === 0 && (
        <EmptyState icon={IconPlugOff} title={`Nothing is called “${search}”`}>
          Search by the name of the system, such as Postgres or CSV.
        </EmptyState>
      )}
      {groups.map(({ category, entries: list }) => (
        <section key={category} className={classes.group}>
          <h2>{categoryWords(category)}</h2>
          <ChoiceGrid label={categoryWords(category)}>
            {list.map((entry) => (
              <ChoiceCard
                key={entry.slug}
                icon={<ConnectorIcon type={entry.slug} category={entry.category} size={34} />}
                title={entry.name}
                text={entry.missing ?? entry.summary}
                badge={badgeOf(entry)}
                disabled={entry.missing !== undefined}
                onClick={() => onChoose(entry.slug)}
              />
            ))}
          </ChoiceGrid>
        </section>
      ))}
    </div>
  )
}
