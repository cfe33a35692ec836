import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { sheetsQuery, workbooksQuery } from '~/services/connections'
import type { Sheet } from '~/services/types'

interface Props {
  slug: string
  /** The source has several workbooks. */
  books: boolean
  sheet: Sheet
  onChange: (sheet: Sheet) => void
}

/** Chooses the sheet that a model's rows are in, and before it the workbook (S-83, S-84). */
export function SheetChooser({ slug, books, sheet, onChange }: Props) {
  const workbook = sheet.workbook ?? ''
  const workbooks = useQuery({ ...workbooksQuery(slug), enabled: books })
  const sheets = useQuery({ ...sheetsQuery(slug, workbook), enabled: !books || workbook !== '' })
  const known = (workbooks.data ?? []).map(({ value, label, help }) => ({ value, label: help ? `${label} (${help})` : label }))
  const names = sheets.data?.items ?? []
  return (
    <div className="stack">
      {books && (
        <Select
          label="Workbook"
          description="Those that the source may read."
          placeholder={workbooks.isPending ? 'Loading…' : 'Choose a workbook'}
          withAsterisk
          searchable
          maw={560}
          nothingFoundMessage="No workbook matches"
          data={withChosen(known, workbook)}
          value={workbook === '' ? null : workbook}
          onChange={(next) => onChange({ workbook: next ?? '', name: '' })}
        />
      )}
      {workbooks.isError && <ErrorCard error={workbooks.error} title="The workbooks could not be listed" onRetry={() => void workbooks.refetch()} />}
      <Select
        label="Sheet"
        description="Its first row names the columns."
        placeholder={sheets.isFetching ? 'Loading…' : 'Choose a sheet'}
        withAsterisk
        searchable={names.length > 7}
        maw={560}
        disabled={books && workbook === ''}
        data={withChosen(
          names.map((name) => ({ value: name, label: name })),
          sheet.name,
        )}
        value={sheet.name === '' ? null : sheet.name}
        onChange={(next) => onChange({ ...sheet, name: next ?? '' })}
      />
      {sheets.isError && <ErrorCard error={sheets.error} title="The sheets could not be listed" onRetry={() => void sheets.refetch()} />}
    </div>
  )
}

/** The entries, with what is chosen where it is not among them. */
function withChosen(entries: { value: string; label: string }[], chosen: string) {
  return chosen === '' || entries.some(({ value }) => value === chosen) ? entries : [...entries, { value: chosen, label: chosen }]
}
