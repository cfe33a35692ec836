import type { TextProblem } from '~/components/code/CodeEditor'
import { placeOf, syntaxProblem } from '~/components/code/jsonPlaces'
import type { Json, Mapping, MatchPair, SyncSpec, SyncType } from '~/services/types'
import { elementColumn } from './expansion'
import { modeWords } from './words'

/** A configuration as it was written, or what keeps it from being one. */
export interface Parsed {
  spec?: SyncSpec
  problems: TextProblem[]
  /** What was read differently from how it was written, in words. */
  notes: string[]
  /** The configuration names another model or destination than the sync's. */
  foreign: boolean
}

/** What is known when a configuration is read. */
export interface Context {
  /** The sync as it is. */
  current: SyncSpec
  /** Keeps the sync's own model, destination and schedule. */
  keep: boolean
  types: SyncType[]
}

type Members = Record<string, Json>

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)

const own = ['model', 'destination', 'type', 'mode', 'delete', 'match', 'mappings', 'allColumns', 'arrayExpansionSourceColumn', 'settings', 'schedule', 'disabled', 'inDoubt', 'description']
/** The members that only the short form of a configuration has. */
const short = ['fromId', 'toId', 'identifierMapping', 'customMappings', 'object']

/**
 * Reads a configuration: of this sync, of another one, or in the short form with fromId and customMappings, which
 * names neither model nor destination. The server judges the rest.
 */
export function parseSpec(text: string, context: Context): Parsed {
  const broken = syntaxProblem(text)
  const none = { notes: [], foreign: false }
  if (broken !== undefined) return { ...none, problems: [broken] }
  const value = JSON.parse(text) as unknown
  if (!isObject(value)) return { ...none, problems: [{ from: 0, to: Math.min(1, text.length), message: 'A configuration is a JSON object.' }] }
  const reader = new Reader(text, value, context)
  return reader.read()
}

class Reader {
  private readonly problems: TextProblem[] = []
  private readonly notes: string[] = []

  constructor(
    private readonly text: string,
    private readonly members: Members,
    private readonly context: Context,
  ) {}

  read(): Parsed {
    const spec = short.some((name) => name in this.members) ? this.shortForm() : this.longForm()
    const { current } = this.context
    const foreign = (['model', 'destination'] as const).some((name) => name in this.members && this.members[name] !== current[name])
    const kept = foreign && this.context.keep ? { model: current.model, destination: current.destination, schedule: current.schedule, disabled: current.disabled } : {}
    return { spec: this.problems.length > 0 ? undefined : { ...spec, ...kept }, problems: this.problems, notes: this.notes, foreign }
  }

  private problem(path: string, message: string): void {
    this.problems.push({ ...placeOf(this.text, path), message })
  }

  /** A configuration as the editor shows it. */
  private longForm(): SyncSpec {
    for (const name of ['model', 'destination', 'type', 'mode']) {
      if (typeof this.members[name] !== 'string') this.problem(name, name in this.members ? `“${name}” is text.` : `“${name}” is missing.`)
    }
    const { current } = this.context
    return { schedule: current.schedule, disabled: current.disabled, ...(this.members as unknown as Partial<SyncSpec>) } as SyncSpec
  }

  /** The short form: what it does not say stays as it is. */
  private shortForm(): SyncSpec {
    const { current } = this.context
    const type = this.syncType()
    const spec: SyncSpec = { ...current, type: type?.slug ?? current.type, mode: this.mode(type), mappings: this.mappings(), allColumns: undefined }
    const match = this.match()
    if (match !== undefined) this.rematch(spec, match)
    spec.settings = this.settings(type, current.settings ?? {})
    this.notes.unshift('This is the short form of a configuration. What it does not say stays as it is.')
    return spec
  }

  /** Rows that are matched by the column of an expanded array are its elements (SY-89). */
  private rematch(spec: SyncSpec, match: MatchPair[]): void {
    const { arrayExpansionSourceColumn: given } = this.members
    if (typeof given !== 'string' || given === '') {
      spec.arrayExpansionSourceColumn = undefined
      spec.match = match
      return
    }
    spec.arrayExpansionSourceColumn = given
    spec.match = match.map(({ from, to }) => ({ from: from === given ? elementColumn(given) : from, to }))
  }

  private syncType(): SyncType | undefined {
    const { current, types } = this.context
    const { type } = this.members
    const known = types.find((t) => t.slug === type) ?? types.find((t) => t.slug === current.type)
    if (type !== undefined && known !== undefined && known.slug !== type) this.notes.push(`The type “${textOf(type)}” is read as “${known.slug}”.`)
    return known
  }

  private mode(type: SyncType | undefined): SyncSpec['mode'] {
    const { mode } = this.members
    if (mode === undefined) return this.context.current.mode
    const wanted = textOf(mode).toLowerCase()
    const modes = type?.modes ?? []
    const found = modes.find((m) => m === wanted || (m === 'all' && wanted === 'mirror'))
    if (found !== undefined) return found
    const names = modes.map((m) => m).join(', ')
    this.problem('mode', wanted in modeWords ? `This destination has no mode “${wanted}”; it has ${names}.` : `There is no mode “${wanted}”; there are ${names}.`)
    return this.context.current.mode
  }

  private match(): MatchPair[] | undefined {
    const { fromId, toId, identifierMapping } = this.members
    if (identifierMapping !== undefined) return this.pairs('identifierMapping')
    if (fromId === undefined) return undefined
    const from = textOf(fromId)
    const to = toId === undefined ? (this.context.current.match?.[0]?.to ?? from) : textOf(toId)
    if (toId === undefined) this.notes.push(`Rows are matched by ${from} to ${to}.`)
    return [{ from, to }]
  }

  private mappings(): Mapping[] {
    const all = [...this.pairs('mappings'), ...this.pairs('customMappings')]
    const seen = new Set<string>()
    for (const { to } of all) {
      if (seen.has(to)) this.problem('customMappings', `The field ${to} is mapped twice.`)
      seen.add(to)
    }
    return all.map(({ to, from, ...more }): Mapping => ({ kind: 'column', ...more, to, from }))
  }

  private pairs(name: string): (MatchPair & Partial<Mapping>)[] {
    const list = this.members[name]
    if (list === undefined) return []
    if (!Array.isArray(list)) {
      this.problem(name, `“${name}” is a list.`)
      return []
    }
    return list.flatMap((item, i) => {
      const complete = isObject(item) && typeof item.to === 'string' && (typeof item.from === 'string' || typeof item.kind === 'string')
      if (complete) return [item as unknown as MatchPair & Partial<Mapping>]
      this.problem(`${name}[${i}]`, 'A mapping says from which column to which field: {"to": "…", "from": "…"}.')
      return []
    })
  }

  /** Other members are settings where the type has a field of their name; an object may be called a table. */
  private settings(type: SyncType | undefined, before: Members): Members {
    const fields = (type?.fields ?? []).map((field) => field.name)
    const settings = { ...before }
    const dropped: string[] = []
    for (const [name, value] of Object.entries(this.members)) {
      if (own.includes(name) || (short.includes(name) && name !== 'object')) continue
      const field = fields.includes(name) ? name : name === 'object' && fields.includes('table') ? 'table' : undefined
      if (field === undefined) dropped.push(name)
      else settings[field] = value
    }
    if (dropped.length > 0) this.notes.push(`Not taken over, since this destination has no such setting: ${dropped.join(', ')}.`)
    return settings
  }
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''))
