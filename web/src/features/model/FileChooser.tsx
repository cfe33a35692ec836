import { Checkbox, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconFile, IconFileOff } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import classes from '~/features/source/Tables.module.css'
import { filesQuery } from '~/services/connections'
import type { File, FileRules } from '~/services/types'

interface Props {
  slug: string
  rules: FileRules
  file: File
  onChange: (file: File) => void
}

/** Chooses the file that a model's rows are in: by its path, or as the newest below a prefix (S-78). */
export function FileChooser({ slug, rules, file, onChange }: Props) {
  const newest = file.newest === true
  return (
    <div className="stack">
      {rules.newest && (
        <Checkbox
          label="Use last modified"
          description="Reads the newest file whose path begins with the prefix, looked for at every run."
          checked={newest}
          onChange={(event) => onChange({ path: file.path, ...(event.currentTarget.checked ? { newest: true } : {}) })}
        />
      )}
      <TextInput
        label={newest ? 'Prefix' : 'Path'}
        description={
          newest
            ? 'Such as exports/people-. Empty means the whole place.'
            : `Such as exports/people${rules.extensions?.[0] ?? '.csv'}, without the name of the bucket or server.`
        }
        withAsterisk={!newest}
        maw={560}
        value={file.path}
        onChange={(event) => onChange({ ...file, path: event.currentTarget.value })}
      />
      <FileList slug={slug} file={file} onChoose={(path) => onChange({ ...file, path })} />
    </div>
  )
}

function FileList({ slug, file, onChoose }: { slug: string; file: File; onChoose: (path: string) => void }) {
  const [prefix] = useDebouncedValue(file.path, 300)
  const query = useQuery({ ...filesQuery(slug, prefix), placeholderData: keepPreviousData }) // what stands below stays where it is
  const files = query.data?.items ?? []
  return (
    <Card flush title="Files that begin so">
      {query.isPending && <LoadingRows />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} title="The files could not be listed" onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.isSuccess && files.length === 0 && (
        <EmptyState icon={IconFileOff} title="No file begins so">
          Check the path. Only files that can be read are listed.
        </EmptyState>
      )}
      {files.length > 0 && (
        <ul className={classes.list} aria-label="Files">
          {files.map(({ path, modified }) => (
            <li key={path}>
              <button type="button" aria-pressed={path === file.path} onClick={() => onChoose(path)}>
                <IconFile size={15} aria-hidden />
                <span className="truncate" title={path}>
                  {path}
                </span>
                <small className="muted">
                  <TimeAgo at={modified} />
                </small>
              </button>
            </li>
          ))}
        </ul>
      )}
      {query.data?.more === true && <p className={classes.hint}>There are more: write more of the path.</p>}
    </Card>
  )
}
