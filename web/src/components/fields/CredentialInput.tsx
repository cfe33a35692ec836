import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { credentialsQuery } from '~/services/network'
import { level } from './common'
import type { FieldInputProps } from './FieldInput'
import { textOf } from './fields'

/** One of the workspace's credentials of the providers that fit. */
export function CredentialInput({ field, value, onChange, path, errors }: FieldInputProps) {
  const credentials = useQuery(credentialsQuery)
  const providers = field.providers ?? []
  const data = (credentials.data ?? []).filter(({ spec }) => providers.includes(spec.type)).map(({ metadata }) => ({ value: metadata.slug, label: metadata.name }))
  const slug = textOf(value)
  if (slug !== '' && !data.some((option) => option.value === slug)) data.push({ value: slug, label: slug })
  return (
    <Select
      name={path}
      label={field.label}
      placeholder="Choose a credential…"
      withAsterisk={field.required}
      description={
        <>
          {field.help}{' '}
          <Link to="/settings/credentials/new" search={providers.length === 1 ? { type: providers[0] } : {}}>
            New credential
          </Link>
        </>
      }
      inputWrapperOrder={level}
      data={data}
      value={slug === '' ? null : slug}
      searchable={data.length > 7}
      allowDeselect={field.required !== true}
      error={errors[path] ?? (credentials.isError ? 'The credentials could not be loaded.' : undefined)}
      onChange={(next) => onChange(next ?? '')}
    />
  )
}
