import { Select } from '@mantine/core'
import { TypeIcon } from '~/components/grid/TypeIcon'
import type { Preview } from '~/services/types'
import { keyProblem } from './draft'

interface Props {
  preview: Preview
  value: string
  onChange: (key: string) => void
}

/** Chooses the column that identifies a row, and says what the preview knows against it. */
export function KeyPicker({ preview, value, onChange }: Props) {
  const columns = preview.columns ?? []
  const types = new Map(columns.map((column) => [column.name, column.type]))
  return (
    <Select
      label="Primary key"
      description="The column whose value is unique and never null. Changes between runs are found by it."
      placeholder="Choose a column"
      withAsterisk
      searchable
      maw={420}
      data={columns.map((column) => column.name)}
      value={value === '' ? null : value}
      error={keyProblem(preview, value)}
      leftSection={value === '' ? undefined : <TypeIcon type={types.get(value) ?? 'string'} />}
      renderOption={({ option }) => (
        <span className="row">
          <TypeIcon type={types.get(option.value) ?? 'string'} />
          {option.label}
        </span>
      )}
      onChange={(next) => onChange(next ?? '')}
    />
  )
}
