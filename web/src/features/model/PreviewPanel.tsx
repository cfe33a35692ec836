import { Alert, Button, Code, Switch } from '@mantine/core'
import { IconAlertTriangle, IconFilterOff, IconPlayerPlay, IconPlayerStop, IconTableRow } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { duration, plural } from '~/components/format/format'
import { typeWords } from '~/components/grid/types'
import { ResultGrid } from '~/components/grid/ResultGrid'
import { Card } from '~/components/page/Card'
import type { CastFailure, ModelColumn, Preview } from '~/services/types'
import { emptyWorkaround, isSlow } from './draft'
import type { PreviewState } from './usePreview'

interface Props {
  state: PreviewState
  /** There is something to preview. */
  ready: boolean
  /** What stands above the rows, such as conditions that they must fulfil. */
  above?: ReactNode
  /** Buttons beside the preview's own. */
  actions?: ReactNode
  onRun?: () => void
}

function summary(preview: Preview, filtered: boolean): string {
  const shown = plural(preview.rows?.length ?? 0, 'row')
  const total = preview.rowCount === null ? '' : ` of ${plural(preview.rowCount, filtered ? 'row that matches' : 'row', filtered ? 'rows that match' : 'rows')}`
  const more = preview.rowCount === null && preview.truncated ? ', there are more' : ''
  return `${shown}${total}${more} · ${duration(preview.durationMs)}`
}

/** Runs a model's query and shows its rows, or the source's own words (M-13). */
export function PreviewPanel({ state, ready, above, actions, onRun = state.run }: Props) {
  const { preview, running, error } = state
  return (
    <Card
      flush
      title={
        <>
          Preview{' '}
          {preview !== undefined && !running && error === null && (
            <span className="muted small num" style={{ marginLeft: 10, fontWeight: 400, whiteSpace: 'nowrap' }}>
              {summary(preview, state.filtered)}
            </span>
          )}
        </>
      }
      actions={
        <div className="row wrap" style={{ gap: '6px 16px' }}>
          {actions}
          <Switch size="xs" label="Limit to 100 rows" checked={state.limited} onChange={(e) => state.setLimited(e.currentTarget.checked)} />
          <Switch size="xs" label="Show row count" checked={state.counted} onChange={(e) => state.setCounted(e.currentTarget.checked)} />
          {running ? (
            <Button size="xs" variant="default" leftSection={<IconPlayerStop size={14} />} onClick={state.cancel}>
              Cancel the preview
            </Button>
          ) : (
            <Button size="xs" leftSection={<IconPlayerPlay size={14} />} disabled={!ready} onClick={onRun}>
              Preview
            </Button>
          )}
        </div>
      }
    >
      {above}
      <Body state={state} filterable={above !== undefined} />
    </Card>
  )
}

/** The preview with the types that syncs see. */
function asCast(preview: Preview, casts: ModelColumn[]): Preview {
  const types = new Map(casts.map(({ name, cast }) => [name, cast]))
  return { ...preview, columns: preview.columns.map((column) => ({ ...column, type: types.get(column.name) ?? column.type })) }
}

function Body({ state: { preview, running, error, run, fresh, cancelled, casts, filtered }, filterable }: { state: PreviewState; filterable: boolean }) {
  if (running) return <LoadingRows rows={5} />
  if (cancelled) {
    return (
      <EmptyState icon={IconPlayerStop} title="The preview was cancelled">
        The source was told to stop the query.
      </EmptyState>
    )
  }
  if (error !== null) {
    return (
      <div className="card-body">
        <ErrorCard error={error} title="The source refused the query" onRetry={run} />
      </div>
    )
  }
  if (preview === undefined) {
    return (
      <EmptyState icon={IconTableRow} title="Preview the rows">
        {filterable ? 'Look at the rows, all of them or those for which conditions hold.' : 'A model can be saved once its rows were seen. Press Preview, or Ctrl Enter in the editor.'}
      </EmptyState>
    )
  }
  if ((preview.rows ?? []).length === 0 && filtered) {
    return (
      <EmptyState icon={IconFilterOff} title="No row matches">
        The model has no row for which the conditions hold.
      </EmptyState>
    )
  }
  if ((preview.rows ?? []).length === 0) return <EmptyResult preview={preview} />
  return (
    <>
      {!fresh && (
        <Alert icon={<IconAlertTriangle size={16} />} radius={0} py={8}>
          {filterable ? 'The conditions have changed since this preview. Preview again to see the rows that they choose.' : 'The query has changed since this preview. Preview again to continue.'}
        </Alert>
      )}
      {isSlow(preview) && (
        <Alert icon={<IconAlertTriangle size={16} />} radius={0} py={8}>
          A hundred rows took {duration(preview.durationMs)}: every run of its syncs pays for that and more. Join and aggregate upstream, and filter
          event tables by their partition or by time.
        </Alert>
      )}
      {preview.castFailed.map((failure) => (
        <CastNotice key={failure.column} failure={failure} />
      ))}
      <ResultGrid preview={asCast(preview, casts)} label="Preview rows" />
    </>
  )
}

/** Says that values do not cast to the type that was chosen for their column. */
function CastNotice({ failure: { column, to, count, rows, message, suggestion } }: { failure: CastFailure }) {
  return (
    <Alert color="red" icon={<IconAlertTriangle size={16} />} radius={0} py={8}>
      <code>{column}</code>: {plural(count, 'row of those shown does', 'rows of those shown do')} not cast to {typeWords[to]}, first row{' '}
      {(rows[0] ?? 0) + 1}: {message}. A sync rejects such rows. {suggestion}
    </Alert>
  )
}

function EmptyResult({ preview }: { preview: Preview }) {
  return (
    <div className="card-body">
      <Alert
        icon={<IconAlertTriangle size={16} />}
        title="The query returned no rows"
      >
        <p>A model without rows cannot be saved. Change the query, or add a row that stands in until there are real ones:</p>
        <Code block mt={8}>
          {emptyWorkaround(preview)}
        </Code>
      </Alert>
    </div>
  )
}
