import { Button, Radio, Select, Switch } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { FormLoader } from '~/components/fields/form'
import { plural } from '~/components/format/format'
import { MappingEditor } from '~/components/mapping/MappingEditor'
import { mergeSuggestions } from '~/components/mapping/mappings'
import { MatchEditor } from '~/components/mapping/MatchEditor'
import { Card } from '~/components/page/Card'
import { formQuery, optionsQuery, targetFieldsQuery } from '~/services/connections'
import { arraysQuery } from '~/services/templates'
import { suggestMappings } from '~/services/syncs'
import type { DestinationInfo, Mode, ModelColumn, SyncSpec, SyncType, TargetField } from '~/services/types'
import { matched, specProblems, withType, type SpecProblems } from './draft'
import { ExpansionNotice, NoExpansionNotice } from './ExpansionNotice'
import { columnsOf, withMatch } from './expansion'
import classes from './Sync.module.css'
import { deleteIn, deletesIn, deleteWords, modeWords, needsMatch } from './words'

interface Props {
  info: DestinationInfo
  columns: ModelColumn[]
  /** The slug of the sync, where it is saved. */
  sync?: string
  value: SyncSpec
  onChange: (value: SyncSpec) => void
  /** Shows what is missing. */
  checked: boolean
  /** Messages of the server, by path below spec. */
  serverErrors?: Record<string, string>
}

/** The fields that the destination offers for the configuration so far. */
export function useTargetFields(spec: SyncSpec, enabled: boolean) {
  return useQuery({ ...targetFieldsQuery(spec.destination, spec), enabled: enabled && spec.type !== '' })
}

/** What a sync does: type, mode, settings, matching, mapping, and what happens to removed rows (SY-09). */
export function SyncForm(props: Props) {
  const { info, value, onChange, columns, checked } = props
  const types = info.syncTypes ?? []
  const type = types.find((t) => t.slug === value.type)
  const target = useTargetFields(value, type?.mapping.enabled === true || needsMatchOf(type, value.mode))
  if (type === undefined) return <TypeChoice types={types} value={value} onChange={onChange} />
  const fields = target.data ?? []
  const problems = specProblems(value, type, columns, fields)
  return (
    <div className="stack">
      {types.length > 1 && <TypeChoice types={types} value={value} onChange={onChange} />}
      <ModeChoice type={type} value={value} onChange={onChange} />
      <SettingsCard {...props} type={type} problems={problems} />
      {needsMatch(type, value.mode) && (
        <MatchCard {...props} fields={fields} error={checked ? problems.match : undefined} />
      )}
      {type.mapping.enabled && (
        <MappingCard
          {...props}
          type={type}
          fields={fields}
          fieldsError={target.error}
          reading={target.isFetching}
          onRetry={() => void target.refetch()}
          problem={problems.mapping}
        />
      )}
      {deletesIn(type, value.mode).length > 1 && <DeleteChoice type={type} value={value} onChange={onChange} />}
    </div>
  )
}

const needsMatchOf = (type: SyncType | undefined, mode: Mode): boolean => type !== undefined && needsMatch(type, mode)

/** Matching; the elements of an array that is chosen become the rows (SY-89). */
function MatchCard({ value, onChange, columns, fields, serverErrors, error }: Props & { fields: TargetField[]; error: string | undefined }) {
  const arrays = useQuery(arraysQuery(value.model)).data
  const array = value.arrayExpansionSourceColumn
  const match = value.match ?? []
  const whole = arrays?.available === false ? match.map((pair) => pair.from).filter((from) => arrays.items.some((a) => a.column === from)) : []
  return (
    <Card title="Record matching">
      <div className="stack" style={{ gap: 10 }}>
        <Said errors={serverErrors} about="match" />
        <p className="muted small">A row and a record belong together when these have the same value.</p>
        <MatchEditor
          columns={columnsOf(value, columns)}
          fields={fields}
          value={match}
          error={error}
          single={array !== undefined}
          onChange={(next) => onChange(withMatch(value, next, arrays))}
        />
        <ExpansionNotice array={array} />
        <NoExpansionNotice columns={whole} />
      </div>
    </Card>
  )
}

type ChoiceProps = Pick<Props, 'value' | 'onChange'>

function TypeChoice({ types, value, onChange }: ChoiceProps & { types: SyncType[] }) {
  return (
    <Card title="Type">
      <Radio.Group
        aria-label="Sync type"
        value={value.type}
        onChange={(slug) => {
          const type = types.find((t) => t.slug === slug)
          if (type !== undefined) onChange(withType(value, type))
        }}
      >
        <div className={classes.radios}>
          {types.map((type) => (
            <Radio key={type.slug} value={type.slug} label={type.name} description={type.summary} className={classes.radio} />
          ))}
        </div>
      </Radio.Group>
    </Card>
  )
}

function ModeChoice({ type, value, onChange }: ChoiceProps & { type: SyncType }) {
  const modes = type.modes ?? []
  if (modes.length < 2) return null
  return (
    <Card title="Mode">
      <Radio.Group aria-label="Sync mode" value={value.mode} onChange={(mode) => onChange({ ...value, mode, delete: deleteIn(type, mode, value.delete) })}>
        <div className={classes.radios}>
          {modes.map((mode) => (
            <Radio key={mode} value={mode} label={modeWords[mode].label} description={modeWords[mode].help} className={classes.radio} />
          ))}
        </div>
      </Radio.Group>
    </Card>
  )
}

function SettingsCard({ value, onChange, checked, serverErrors, type, problems }: Props & { type: SyncType; problems: SpecProblems }) {
  const fields = type.fields ?? []
  if (fields.length === 0) return null
  const errors = { ...settingsErrors(serverErrors ?? {}), ...(checked ? problems.settings : {}) }
  return (
    <Card title="Settings">
      <Said errors={serverErrors} about="settings" />
      <FormLoader value={(form, setting) => formQuery(value.destination, form, setting, value)}>
        <FieldsForm
          fields={fields}
          value={value.settings ?? {}}
          errors={errors}
          loadOptions={(list) => optionsQuery(value.destination, list, value)}
          onChange={(settings) => onChange({ ...value, settings })}
        />
      </FormLoader>
    </Card>
  )
}

/** What the server says about a part of the spec as a whole, and about the items of a list, which show none by themselves. */
function Said({ errors = {}, about }: { errors?: Record<string, string>; about: string }) {
  const said = Object.entries(errors).filter(([path]) => path === about || path.startsWith(`${about}[`))
  return said.map(([path, message]) => (
    <p key={path} className={classes.problem}>
      {message}
    </p>
  ))
}

function settingsErrors(errors: Record<string, string>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [path, message] of Object.entries(errors)) {
    if (path.startsWith('settings.')) found[path.slice('settings.'.length)] = message
  }
  return found
}

interface MappingCardProps extends Props {
  type: SyncType
  fields: TargetField[]
  fieldsError: Error | null
  reading: boolean
  onRetry: () => void
  problem: string | undefined
}

function MappingCard({ value, onChange, columns, sync, type, fields, fieldsError, reading, onRetry, checked, serverErrors, problem }: MappingCardProps) {
  const suggest = useMutation({
    mutationFn: () => suggestMappings(value.model, fields.filter((f) => !f.readOnly).map((f) => f.name)),
    onSuccess: (suggestions) => {
      const mappings = mergeSuggestions(value.mappings ?? [], suggestions)
      onChange({ ...value, mappings })
      saidDone(`${plural(mappings.length, 'field is', 'fields are')} mapped. Check them before you continue.`)
    },
    onError: (error) => saidFailed('No mappings could be suggested', error),
  })
  const free = type.mapping.custom || (fields.length === 0 && fieldsError !== null)
  return (
    <Card
      title="Field mapping"
      actions={
        <>
          {type.mapping.allByName && (
            <Switch
              size="xs"
              label="Every column under its own name"
              checked={value.allColumns === true}
              onChange={(event) => onChange({ ...value, allColumns: event.currentTarget.checked })}
            />
          )}
          {(fields.length > 0 || fieldsError !== null) && (
            <Button variant="default" size="xs" leftSection={<IconRefresh size={14} />} loading={reading} onClick={onRetry}>
              Refresh fields
            </Button>
          )}
        </>
      }
    >
      <Said errors={serverErrors} about="mappings" />
      {value.allColumns === true ? (
        <p className="muted">
          All {plural(columns.length, 'column')} of the model are sent under their own names, and new ones as they appear.
        </p>
      ) : (
        <div className="stack">
          {fieldsError !== null && <ErrorCard error={fieldsError} title="The destination’s fields could not be read" onRetry={onRetry} />}
          <MappingEditor
            model={value.model}
            sync={sync}
            clear={type.mapping.clear}
            array={value.arrayExpansionSourceColumn}
            columns={columnsOf(value, columns)}
            fields={matched(value, fields)}
            value={value.mappings ?? []}
            custom={free}
            advanced={type.mapping.advanced}
            checked={checked}
            suggesting={suggest.isPending}
            onSuggest={() => suggest.mutate()}
            onChange={(mappings) => onChange({ ...value, mappings })}
          />
          {checked && problem !== undefined && <p className={classes.problem}>{problem}</p>}
        </div>
      )}
    </Card>
  )
}

function DeleteChoice({ type, value, onChange }: ChoiceProps & { type: SyncType }) {
  const offered = deletesIn(type, value.mode)
  const chosen = value.delete ?? 'nothing'
  return (
    <Card title="Rows that leave the model">
      <Select
        label="Delete behavior"
        description={deleteWords[chosen].help}
        maw={420}
        allowDeselect={false}
        data={offered.map((behavior) => ({ value: behavior, label: deleteWords[behavior].label }))}
        value={chosen}
        onChange={(next) => onChange({ ...value, delete: (next ?? 'nothing') })}
      />
    </Card>
  )
}
