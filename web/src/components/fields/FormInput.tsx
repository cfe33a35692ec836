import { ActionIcon, Fieldset, Textarea, Tooltip } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { use } from 'react'
import { errorWords } from '~/components/feedback/errors'
import { LoadingRows } from '~/components/feedback/Loading'
import type { Json, Settings } from '~/services/types'
import { common } from './common'
import { cleaned, objectOf, textOf } from './fields'
import classes from './Fields.module.css'
import { FieldList, type FieldInputProps } from './FieldInput'
import { FormLoader, type LoadForm } from './form'

/** A JSON object in a text: drawn as the form that the connector describes, or typed in. */
export function FormInput(props: FieldInputProps & { form: string }) {
  const load = use(FormLoader)
  return load === undefined ? <Typed {...props} /> : <Loaded {...props} load={load} />
}

function Typed(props: FieldInputProps & { note?: string }) {
  const { path, errors } = props
  const said = Object.entries(errors).filter(([place]) => place === path || place.startsWith(`${path}.`))
  const error = said.map(([place, message]) => (place === path ? message : `${place.slice(path.length + 1)}: ${message}`)).join('; ')
  return <Textarea {...common(props)} error={error === '' ? undefined : error} description={props.note ?? props.field.help} classNames={{ input: classes.code }} autosize minRows={3} maxRows={14} />
}

/** The object that the text holds; undefined where it holds none. */
function parsed(text: string): Settings | undefined {
  if (text.trim() === '') return {}
  try {
    const value = JSON.parse(text) as Json
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? objectOf(value) : undefined
  } catch {
    return undefined
  }
}

function Loaded({ load, form, ...props }: FieldInputProps & { form: string; load: LoadForm }) {
  const { field, value, onChange, path, errors } = props
  const query = useQuery(load(form, field.name))
  const object = parsed(textOf(value))
  if (query.isPending) return <LoadingRows rows={2} />
  if (query.isError) return <Typed {...props} note={`The form could not be loaded: ${errorWords(query.error).message} Type the object instead.`} />
  if (query.data.length === 0 || object === undefined) return <Typed {...props} />
  const change = (next: Settings) => {
    const others = Object.fromEntries(Object.entries(next).filter(([name]) => !query.data.some((member) => member.name === name)))
    onChange(JSON.stringify({ ...others, ...cleaned(query.data, next) }))
  }
  return (
    <Fieldset
      className={classes.group}
      legend={
        <span className="row">
          {field.label}
          <Tooltip label="Load the form again">
            <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Load ${field.label} again`} loading={query.isFetching} onClick={() => void query.refetch()}>
              <IconRefresh size={14} />
            </ActionIcon>
          </Tooltip>
        </span>
      }
    >
      {errors[path] !== undefined && <p className={classes.error}>{errors[path]}</p>}
      <FieldList fields={query.data} value={object} onChange={change} errors={errors} prefix={`${path}.`} />
    </Fieldset>
  )
}
