import { Badge, Select } from '@mantine/core'
import { IconPlugOff } from '@tabler/icons-react'
import { useState } from 'react'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { EmptyState } from '~/components/feedback/EmptyState'
import { SearchField } from '~/components/table/ListToolbar'
import { ChoiceCard, ChoiceGrid } from '~/components/wizard/ChoiceCard'
import { byCategory, categoriesOf, categoryWords, type CatalogEntry } from './catalog'
import classes from './Connection.module.css'

function badgeOf({ missing, sample, verified }: CatalogEntry) {
  if (missing !== undefined) return <Badge color="gray">Not in this build</Badge>
  if (sample === true) return <Badge>Sample</Badge>
  return verified ? undefined : <Unverified />
}

const Unverified = () => (
  <Badge color="gray" title="Tested on a stand-in of the service, never on the service itself.">
    Unverified
  </Badge>
)

interface Props {
  entries: CatalogEntry[]
  label: string
  onChoose: (slug: string) => void
}

/** All kinds of connections to choose from, by category; sample datasets stand last. */
export function Catalog({ entries, label, onChoose }: Props) {
  const [search, setSearch] = useState('')
  const [category, setCategory] = useState<string | null>(null)
  const groups = byCategory(entries, search).filter((group) => category === null || group.category === category)
  return (
    <div className="stack" style={{ gap: 22 }}>
      <div className={classes.find}>
        <SearchField label={label} value={search} onChange={setSearch} />
        <Select
          aria-label="Category"
          placeholder="All categories"
          size="xs"
          clearable
          data={categoriesOf(entries).map((value) => ({ value, label: categoryWords(value) }))}
          value={category}
          onChange={setCategory}
        />
      </div>
      {groups.length === 0 && (
        <EmptyState icon={IconPlugOff} title={category === null ? `Nothing is called “${search}”` : `Nothing of ${categoryWords(category)} is called “${search}”`}>
          Search by the name of the system, such as Postgres or CSV.
        </EmptyState>
      )}
      {groups.map(({ category: group, entries: list }) => (
        <section key={group} className={classes.group}>
          <h2>{categoryWords(group)}</h2>
          <ChoiceGrid label={categoryWords(group)}>
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
