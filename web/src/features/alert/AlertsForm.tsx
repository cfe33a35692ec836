import { ActionIcon, Button, Fieldset, NumberInput, Select } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { Card } from '~/components/page/Card'
import { triggerCatalogQuery } from '~/services/catalog'
import { allQuery } from '~/services/documents'
import type { AlertLevels, AlertRecipient, AlertsSpec, AlertTrigger, TriggerType } from '~/services/types'
import classes from './Alert.module.css'
import { choiceOf, triggerProblem, withChoice, withRecipients, withTrigger, type Choice } from './draft'

/** A sync's block overrides its destination's; a destination's overrides what is standard. */
export type Layer = 'sync' | 'destination'

interface Props {
  layer: Layer
  value: AlertsSpec
  onChange: (value: AlertsSpec) => void
  /** What the server refused, by what follows spec.alerts in its path. */
  errors: Record<string, string>
}

/** Who is told, and from which values on (SY-62). */
export function AlertsForm(props: Props) {
  const types = useQuery(triggerCatalogQuery)
  return (
    <>
      <Card title="Recipients">
        <RecipientsInput {...props} />
      </Card>
      <Card title="Triggers">
        {types.isPending && <LoadingRows rows={4} />}
        {types.isError && <ErrorCard error={types.error} onRetry={() => void types.refetch()} />}
        <div className="stack">
          {(types.data ?? []).map((type) => (
            <TriggerInput key={type.name} type={type} {...props} />
          ))}
        </div>
      </Card>
    </>
  )
}

function RecipientsInput({ layer, value, onChange, errors }: Props) {
  const recipients = value.recipients ?? undefined
  const set = (next: AlertRecipient[] | undefined) => onChange(withRecipients(value, next))
  return (
    <div className="stack">
      {layer === 'sync' && (
        <Select
          label="Who is told"
          maw={360}
          allowDeselect={false}
          data={[
            { value: 'inherit', label: 'The recipients of the destination' },
            { value: 'own', label: 'Recipients of this sync alone' },
          ]}
          value={recipients === undefined ? 'inherit' : 'own'}
          onChange={(next) => set(next === 'inherit' ? undefined : (recipients ?? []))}
        />
      )}
      {(layer === 'destination' || recipients !== undefined) && (
        <RecipientList recipients={recipients ?? []} errors={errors} onChange={(next) => set(next.length === 0 && layer === 'destination' ? undefined : next)} />
      )}
    </div>
  )
}

const levelOptions: { value: AlertLevels | ''; label: string }[] = [
  { value: '', label: "The channel's levels" },
  { value: 'all', label: 'Critical and warning' },
  { value: 'critical', label: 'Critical only' },
]

interface ListProps {
  recipients: AlertRecipient[]
  errors: Record<string, string>
  onChange: (recipients: AlertRecipient[]) => void
}

function RecipientList({ recipients, errors, onChange }: ListProps) {
  const channels = useQuery(allQuery('alert-channels'))
  const all = channels.data?.items ?? []
  const change = (index: number, patch: Partial<AlertRecipient>) => onChange(recipients.map((r, i) => (i === index ? { ...r, ...patch } : r)))
  const taken = new Set(recipients.map(({ channel }) => channel))
  if (channels.isPending) return <LoadingRows rows={2} />
  if (channels.isError) return <ErrorCard error={channels.error} onRetry={() => void channels.refetch()} />
  if (all.length === 0 && recipients.length === 0) {
    return (
      <p className="muted">
        There is no alert channel yet. <Link to="/settings/alerts/new">Add one</Link>, such as an email address or a Slack channel, to be told.
      </p>
    )
  }
  return (
    <div className="stack" style={{ gap: 10, alignItems: 'stretch' }}>
      {recipients.length === 0 && <p className="muted">Nobody is told. Alerts still show here and in the list of syncs.</p>}
      {recipients.map((recipient, index) => (
        <div key={index} className={classes.recipient} role="group" aria-label={`Recipient ${index + 1}`}>
          <Select
            aria-label="Channel"
            placeholder="Choose a channel…"
            searchable={all.length > 7}
            allowDeselect={false}
            data={all
              .filter(({ metadata }) => metadata.slug === recipient.channel || !taken.has(metadata.slug))
              .map(({ metadata }) => ({ value: metadata.slug, label: metadata.name }))}
            value={recipient.channel || null}
            error={errors[`recipients[${index}].channel`]}
            onChange={(channel) => change(index, { channel: channel ?? '' })}
          />
          <Select
            aria-label="Levels"
            allowDeselect={false}
            data={levelOptions}
            value={recipient.levels ?? ''}
            onChange={(levels) => change(index, { levels: levels === '' || levels === null ? undefined : levels })}
          />
          <ActionIcon variant="subtle" color="gray" size={34} aria-label={`Remove recipient ${index + 1}`} onClick={() => onChange(recipients.filter((_, i) => i !== index))}>
            <IconTrash size={15} />
          </ActionIcon>
        </div>
      ))}
      <Button
        variant="default"
        size="xs"
        w="fit-content"
        leftSection={<IconPlus size={14} />}
        disabled={recipients.length >= all.length}
        onClick={() => onChange([...recipients, { channel: '' }])}
      >
        Add recipient
      </Button>
    </div>
  )
}

/** What can be chosen for a trigger: a destination's standard is what its type does by itself. */
function choices(type: TriggerType, layer: Layer): { value: Choice; label: string }[] {
  const own = { value: 'on' as const, label: 'Own thresholds' }
  if (layer === 'destination') return [{ value: 'inherit', label: type.always ? 'Standard thresholds' : 'Off' }, own]
  const inherit = { value: 'inherit' as const, label: 'As the destination says' }
  return type.always ? [inherit, own] : [inherit, own, { value: 'off', label: 'Off' }]
}

function TriggerInput({ type, layer, value, onChange, errors }: Props & { type: TriggerType }) {
  const choice = choiceOf(value, type.name)
  const trigger = value.triggers?.[type.name] ?? {}
  const at = `triggers.${type.name}`
  return (
    <Fieldset legend={type.label} className={classes.setting}>
      <p className="muted small" style={{ marginBottom: 10 }}>
        {type.help}
      </p>
      <Select
        aria-label={`${type.label} is`}
        maw={260}
        allowDeselect={false}
        data={choices(type, layer)}
        value={choice}
        error={errors[at] ?? errors[`${at}.off`]}
        onChange={(next) => onChange(withChoice(value, type, next ?? 'inherit'))}
      />
      {choice === 'on' && (
        <Thresholds type={type} trigger={trigger} errors={errors} at={at} onChange={(patch) => onChange(withTrigger(value, type.name, patch))} />
      )}
    </Fieldset>
  )
}

interface ThresholdProps {
  type: TriggerType
  trigger: AlertTrigger
  errors: Record<string, string>
  at: string
  onChange: (patch: Partial<AlertTrigger>) => void
}

const sides: Record<TriggerType['compare'], string> = { at_least: 'from', above: 'above', below: 'below' }

function Thresholds({ type, trigger, errors, at, onChange }: ThresholdProps) {
  const percent = trigger.measure === 'percent'
  const unit = percent ? '%' : type.unit
  const decimals = percent || (!type.whole && (type.measures ?? []).length === 0)
  const problem = triggerProblem(type, trigger)
  const threshold = (name: 'warning' | 'critical', label: string) => (
    <NumberInput
      label={`${label} ${sides[type.compare]}`}
      suffix={` ${trigger[name] === 1 ? unit.replace(/s$/, '') : unit}`}
      min={decimals ? type.min : 1}
      max={percent ? 100 : type.max}
      clampBehavior="none"
      allowDecimal={decimals}
      allowNegative={false}
      hideControls
      placeholder="Never"
      value={trigger[name] ?? ''}
      error={errors[`${at}.${name}`]}
      onChange={(next) => onChange({ [name]: next === '' ? undefined : Number(next) })}
    />
  )
  return (
    <>
      <div className={classes.thresholds}>
        {threshold('warning', 'Warning')}
        {threshold('critical', 'Critical')}
        {(type.measures ?? []).length > 0 && (
          <Select
            label="Measured as"
            allowDeselect={false}
            data={[
              { value: 'count', label: 'Number of rows' },
              { value: 'percent', label: 'Share of queried rows' },
            ]}
            value={trigger.measure ?? 'count'}
            error={errors[`${at}.measure`]}
            onChange={(measure) => onChange({ measure: measure ?? 'count' })}
          />
        )}
        {type.window && (
          <NumberInput
            label="Within the last"
            suffix=" hours"
            min={type.window.minHours}
            max={type.window.maxHours}
            clampBehavior="none"
            allowDecimal={false}
            hideControls
            value={trigger.windowHours ?? type.standard.windowHours}
            error={errors[`${at}.windowHours`]}
            onChange={(next) => onChange({ windowHours: next === '' ? undefined : Number(next) })}
          />
        )}
      </div>
      {problem !== undefined && (
        <p className={classes.problem} role="alert">
          {problem}
        </p>
      )}
    </>
  )
}
