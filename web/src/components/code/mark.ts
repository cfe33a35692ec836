import { StateEffect, StateField, type EditorState, type Extension, type Range } from '@codemirror/state'
import { Decoration, EditorView, type DecorationSet } from '@codemirror/view'
import type { CodePlace } from './CodeEditor'

const setPlace = StateEffect.define<CodePlace | undefined>()

/** The word that begins at a place, or one character where there is none. */
export function wordAt(text: string, from: number): string {
  const rest = text.slice(from)
  return /^(?:"(?:[^"]|"")*"|[\p{L}\p{N}_$.]+)/u.exec(rest)?.[0] ?? rest.slice(0, 1)
}

function decorate(state: EditorState, { line, column }: CodePlace): DecorationSet {
  if (line < 1 || line > state.doc.lines) return Decoration.none
  const at = state.doc.line(line)
  // Columns count characters, of which some take two places in the text.
  const from = Math.min(at.from + [...at.text].slice(0, column - 1).join('').length, at.to)
  const to = from + wordAt(at.text, from - at.from).length
  const found: Range<Decoration>[] = [Decoration.line({ class: 'cm-errorLine' }).range(at.from)]
  if (to > from) found.push(Decoration.mark({ class: 'cm-errorMark', attributes: { title: `Line ${line}, column ${column}` } }).range(from, to))
  return Decoration.set(found)
}

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (marked, transaction) => {
    let next = transaction.docChanged ? Decoration.none : marked
    for (const effect of transaction.effects) {
      if (effect.is(setPlace)) next = effect.value === undefined ? Decoration.none : decorate(transaction.state, effect.value)
    }
    return next
  },
  provide: (from) => EditorView.decorations.from(from),
})

/** Shows where an error is, until the text changes. */
export const marks: Extension = field

/** Marks a place and brings it into sight; nothing unmarks. */
export function markPlace(view: EditorView, place: CodePlace | undefined): void {
  const effects: StateEffect<unknown>[] = [setPlace.of(place)]
  if (place !== undefined && place.line >= 1 && place.line <= view.state.doc.lines) {
    effects.push(EditorView.scrollIntoView(view.state.doc.line(place.line).from, { y: 'nearest', yMargin: 40 }))
  }
  view.dispatch({ effects })
}
