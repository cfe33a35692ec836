import { Facts } from '~/components/page/Facts'
import type { Field, Json, Settings } from '~/services/types'
import { exists, headersOf, isSecret, isStoredSecret, textOf, withDefaults } from './fields'

function shown(field: Field, value: Json | undefined): string {
  if (isSecret(field) || isStoredSecret(value)) return value === undefined || value === '' ? '–' : '••••••••'
  if (field.type === 'boolean') return value === true ? 'Yes' : 'No'
  if (field.type === 'headers') return headersOf(value).map((h) => h.name).join(', ') || '–'
  if (field.type === 'select') {
    return field.options?.find((o) => o.value === textOf(value))?.label ?? (textOf(value) || '–')
  }
  if (Array.isArray(value)) return value.map(textOf).join(', ') || '–'
  return textOf(value) || '–'
}

/** Settings to read: every field that exists, secrets as dots. */
export function SettingsView({ fields, value }: { fields: Field[]; value: Settings }) {
  const full = withDefaults(fields, value)
  const list = fields.filter((f) => exists(f, full))
  if (list.length === 0) return <p className="muted">There is nothing to configure.</p>
  return <Facts facts={list.map((f) => ({ label: f.label, value: shown(f, full[f.name]) }))} />
}
