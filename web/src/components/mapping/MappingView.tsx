import { IconArrowRight } from '@tabler/icons-react'
import { textOf } from '~/components/fields/fields'
import type { Mapping, MatchPair } from '~/services/types'
import classes from './Mapping.module.css'
import { kindOf, kindWords } from './mappings'

function sourceText(mapping: Mapping): string {
  switch (kindOf(mapping)) {
    case 'column':
      return mapping.from ?? ''
    case 'static':
      return mapping.value === null ? 'null' : textOf(mapping.value)
    case 'variable':
      return mapping.variable ?? ''
    case 'template':
      return mapping.template ?? ''
    default:
      return `${mapping.fields?.length ?? 0} members`
  }
}

/** Mappings to read. */
export function MappingView({ mappings }: { mappings: Mapping[] }) {
  return (
    <ul className={classes.view}>
      {mappings.map((mapping) => (
        <li key={mapping.to}>
          <span className="row wrap">
            <code>{sourceText(mapping)}</code>
            {kindOf(mapping) !== 'column' && <small className="muted">{kindWords[kindOf(mapping)]}</small>}
            {mapping.omitNull && <small className="muted">without nulls</small>}
          </span>
          <IconArrowRight size={14} aria-label="to" color="var(--muted)" />
          <code>{mapping.to}</code>
        </li>
      ))}
    </ul>
  )
}

/** Record matching to read. */
export const MatchView = ({ match }: { match: MatchPair[] }) => (
  <MappingView mappings={match.map(({ from, to }) => ({ from, to }))} />
)
