import { ActionIcon, Autocomplete, Loader, Select, Tooltip, type OptionsFilter } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { errorWords } from '~/components/feedback/errors'
import type { Field, Option } from '~/services/types'
import { level } from './common'
import { textOf } from './fields'
import type { FieldInputProps } from './FieldInput'

type OptionsFilterInput = Parameters<OptionsFilter>[0]

interface ChoiceProps extends FieldInputProps {
  options: Option[]
  /** A value that is in no list may be typed in. */
  free: boolean
  note?: string
  rightSection?: React.ReactNode
}

function Choice({ field, value, onChange, path, errors, options, free, note, rightSection }: ChoiceProps) {
  const shared = {
    name: path,
    label: field.label,
    description: note ?? field.help,
    placeholder: field.example ?? (free ? undefined : 'Choose…'),
    withAsterisk: field.required,
    error: errors[path],
    rightSection,
    inputWrapperOrder: level,
    comboboxProps: { withinPortal: true },
  }
  const text = textOf(value)
  if (free) {
    return (
      <Autocomplete
        {...shared}
        data={options.map((o) => o.value)}
        value={text}
        filter={(input) => matching(options, input)}
        renderOption={({ option }) => <OptionName option={options.find((o) => o.value === option.value)} value={option.value} />}
        onChange={onChange}
      />
    )
  }
  const missing = text !== '' && !options.some((o) => o.value === text)
  const data = missing ? [...options, { value: text, label: text }] : options
  return (
    <Select
      {...shared}
      data={data.map(({ value: v, label }) => ({ value: v, label: label || v }))}
      value={text === '' ? null : text}
      searchable={data.length > 7}
      allowDeselect={!field.required}
      onChange={(next) => onChange(next ?? '')}
    />
  )
}

/** The entries that have what was typed in their value or label; all of them while what is there is one. */
function matching(options: Option[], { options: shown, search, limit }: OptionsFilterInput): OptionsFilterInput['options'] {
  const wanted = search.trim().toLowerCase()
  if (options.some((o) => o.value === search)) return shown.slice(0, limit)
  const fits = options.filter((o) => `${o.label} ${o.value}`.toLowerCase().includes(wanted)).map((o) => o.value)
  return shown.filter((o) => 'value' in o && fits.includes(String(o.value))).slice(0, limit)
}

/** An entry by its label, with the value that is stored where the label does not tell it. */
function OptionName({ option, value }: { option?: Option; value: string }) {
  const label = option?.label || value
  return (
    <span>
      {label} {!label.includes(value) && <span className="muted small">{value}</span>}
    </span>
  )
}

/** One of several values: a fixed list, or one that the connector loads. */
export function SelectInput(props: FieldInputProps) {
  const { field, loadOptions } = props
  if (field.optionsFrom !== undefined && field.optionsFrom !== '' && loadOptions !== undefined) {
    return <LoadedChoice {...props} field={field} list={field.optionsFrom} loadOptions={loadOptions} />
  }
  const options = field.options ?? []
  const chosen = options.find((o) => o.value === textOf(props.value))
  return <Choice {...props} options={options} free={field.creatable === true || options.length === 0} note={noteOf(field, chosen)} />
}

function noteOf(field: Field, chosen: Option | undefined): string | undefined {
  return chosen?.help ? [field.help, chosen.help].filter(Boolean).join(' ') : field.help
}

type LoadedProps = FieldInputProps & { list: string; loadOptions: NonNullable<FieldInputProps['loadOptions']> }

/** A list that the connector fills; when that fails the value can be typed in. */
function LoadedChoice({ list, loadOptions, ...props }: LoadedProps) {
  const query = useQuery(loadOptions(list))
  const refresh = (
    <Tooltip label="Load the list again">
      <ActionIcon variant="subtle" color="gray" aria-label={`Load ${props.field.label} again`} onClick={() => void query.refetch()}>
        <IconRefresh size={15} />
      </ActionIcon>
    </Tooltip>
  )
  const note = query.isError ? `The list could not be loaded: ${errorWords(query.error).message} Type the value instead.` : undefined
  return (
    <Choice
      {...props}
      options={query.data ?? []}
      free={props.field.creatable === true || query.isError}
      note={note}
      rightSection={query.isFetching ? <Loader size={14} /> : refresh}
    />
  )
}
