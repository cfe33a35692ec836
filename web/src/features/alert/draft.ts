import type { AlertRecipient, AlertsSpec, AlertTrigger, TriggerType } from '~/services/types'

/** Whether a trigger is as the document above says (or as its type is by itself), set here, or off. */
export type Choice = 'inherit' | 'on' | 'off'

export function choiceOf(spec: AlertsSpec, name: string): Choice {
  const trigger = spec.triggers?.[name]
  if (trigger === undefined) return 'inherit'
  return trigger.off ? 'off' : 'on'
}

/** The block with another choice for a trigger; one that is set here begins with the standard thresholds. */
export function withChoice(spec: AlertsSpec, type: TriggerType, choice: Choice): AlertsSpec {
  const { [type.name]: before, ...others } = spec.triggers ?? {}
  if (choice === 'inherit') return { ...spec, triggers: others }
  if (choice === 'off') return { ...spec, triggers: { ...others, [type.name]: { off: true } } }
  const { off: _, ...kept } = before ?? {}
  const thresholds = kept.warning === undefined && kept.critical === undefined ? type.standard : kept
  return { ...spec, triggers: { ...others, [type.name]: thresholds } }
}

/** The block with some values of a trigger replaced; undefined removes one. */
export function withTrigger(spec: AlertsSpec, name: string, patch: Partial<AlertTrigger>): AlertsSpec {
  const next = Object.fromEntries(Object.entries({ ...spec.triggers?.[name], ...patch }).filter(([, value]) => value !== undefined))
  return { ...spec, triggers: { ...spec.triggers, [name]: next } }
}

/** The block with other recipients; undefined means those of the document above. */
export function withRecipients(spec: AlertsSpec, recipients: AlertRecipient[] | undefined): AlertsSpec {
  const { recipients: _, ...others } = spec
  return recipients === undefined ? others : { ...others, recipients }
}

/** The block as it is sent; nothing where it says nothing. */
export function cleanAlerts(spec: AlertsSpec): AlertsSpec | undefined {
  const triggers = Object.keys(spec.triggers ?? {}).length === 0 ? undefined : spec.triggers
  if (triggers === undefined && (spec.recipients === undefined || spec.recipients === null)) return undefined
  return { ...(spec.recipients ? { recipients: spec.recipients } : {}), ...(triggers === undefined ? {} : { triggers }) }
}

/** What is wrong with the thresholds of a trigger, before the server is asked. */
export function triggerProblem(type: TriggerType, { warning, critical }: AlertTrigger): string | undefined {
  if (warning === undefined && critical === undefined) return 'Enter a threshold for warnings, for critical alerts, or both.'
  if (warning === undefined || critical === undefined) return undefined
  const milder = type.compare === 'below' ? critical > warning : critical < warning
  return milder ? 'The critical threshold is reached before the one of warnings: there would never be a warning.' : undefined
}

/** Whether the block can be saved. */
export const isComplete = (spec: AlertsSpec, types: TriggerType[]): boolean =>
  (spec.recipients ?? []).every(({ channel }) => channel !== '') &&
  types.every((type) => {
    const trigger = spec.triggers?.[type.name]
    return trigger === undefined || trigger.off === true || triggerProblem(type, trigger) === undefined
  })
