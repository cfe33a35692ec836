import { Facts, type Fact } from '~/components/page/Facts'
import type { Field, Json, Settings } from '~/services/types'
import { exists, headersOf, isEmpty, isSecret, isStoredSecret, objectOf, textOf, withDefaults } from './fields'
import classes from './Fields.module.css'

const none = '–'

function shown(field: Field, value: Json | undefined): React.ReactNode {
  if (isSecret(field) || isStoredSecret(value)) return isEmpty(value) ? none : '••••••••'
  if (field.type === 'boolean') return value === true ? 'Yes' : 'No'
  if (field.type === 'headers') return headersOf(value).map((h) => h.name).join(', ') || none
  if (field.type === 'select') return field.options?.find((o) => o.value === textOf(value))?.label ?? (textOf(value) || none)
  if (field.type === 'text' && !isEmpty(value)) return <pre className={classes.text}>{textOf(value)}</pre>
  if (Array.isArray(value)) return value.map(textOf).join(', ') || none
  return textOf(value) || none
}

const isObject = ({ type }: Field): boolean => type === 'object'

/** An advanced setting that nobody set is left out. */
const worthShowing = (field: Field, value: Settings): boolean => !field.advanced || !isEmpty(value[field.name])

function factsOf(fields: Field[], value: Settings, full: Settings): Fact[] {
  return fields.filter((f) => !isObject(f) && worthShowing(f, value)).map((f) => ({ label: f.label, value: shown(f, full[f.name]) }))
}

/** Settings to read: every field that exists, secrets as dots, objects under their own names. */
export function SettingsView({ fields, value }: { fields: Field[]; value: Settings }) {
  const full = withDefaults(fields, value)
  const list = fields.filter((f) => exists(f, full))
  if (list.length === 0) return <p className="muted">There is nothing to configure.</p>
  const facts = factsOf(list, value, full)
  return (
    <div className="stack">
      {list.filter(isObject).map((field) => (
        <section key={field.name} className={classes.part} aria-label={field.label}>
          <h3>{field.label}</h3>
          <SettingsView fields={field.fields ?? []} value={objectOf(full[field.name])} />
        </section>
      ))}
      {facts.length > 0 && <Facts facts={facts} />}
    </div>
  )
}
