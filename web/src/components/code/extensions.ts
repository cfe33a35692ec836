import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionSource } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { lintGutter, setDiagnostics } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import type { Language, LiquidWords, TextProblem } from './CodeEditor'
import { marks } from './mark'

const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.definitionKeyword], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--code-number)' },
  { tag: [tags.comment], color: 'var(--muted)', fontStyle: 'italic' },
  { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--code-type)' },
  { tag: [tags.propertyName], color: 'var(--code-type)' },
])

interface BaseOptions {
  label: string
  readOnly: boolean
  minHeight: number
  maxHeight: number | undefined
  onChange: (value: string) => void
  onRun: () => void
}

const look = (minHeight: number, maxHeight: number | undefined): Extension =>
  EditorView.theme({
    '&': { color: 'var(--text)', backgroundColor: 'var(--surface)', fontSize: '13px' },
    '&.cm-focused': { outline: 'none' },
    '.cm-scroller': {
      fontFamily: 'var(--mono)',
      lineHeight: '1.6',
      maxHeight: maxHeight === undefined ? 'none' : `${maxHeight}px`,
      overflow: 'auto',
    },
    '.cm-content, .cm-gutter': { minHeight: `${minHeight}px` },
    '.cm-content': { padding: '10px 0', caretColor: 'var(--text)' },
    '.cm-errorLine': { backgroundColor: 'color-mix(in srgb, var(--bad) 10%, transparent)' },
    '.cm-errorMark': { textDecoration: 'underline wavy var(--bad)', textUnderlineOffset: '3px' },
    '.cm-cursor': { borderLeftColor: 'var(--text)' },
    '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--muted)', border: 'none', borderRight: '1px solid var(--line)' },
    '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--accent) 5%, transparent)' },
    '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--text)' },
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
      backgroundColor: 'color-mix(in srgb, var(--accent) 24%, transparent) !important',
    },
    '.cm-tooltip': { backgroundColor: 'var(--surface)', border: '1px solid var(--line-strong)', borderRadius: '6px', overflow: 'hidden' },
    '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12px' },
    '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--surface)' },
    '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--text)' },
    '.cm-textfield': { backgroundColor: 'var(--surface)', color: 'var(--text)' },
    '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--surface)', color: 'var(--text)' },
  })

/** What every editor has, whatever its language. */
export function baseExtensions(options: BaseOptions): Extension {
  return [
    lineNumbers(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion(),
    highlightSelectionMatches(),
    options.readOnly ? [] : highlightActiveLine(),
    syntaxHighlighting(highlight),
    marks,
    EditorView.lineWrapping,
    EditorState.readOnly.of(options.readOnly),
    // The content takes the focus anyway; axe sees it by its tabindex (scrollable-region-focusable).
    EditorView.contentAttributes.of({ 'aria-label': options.label, tabindex: '0' }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) options.onChange(update.state.doc.toString())
    }),
    keymap.of([
      { key: 'Mod-Enter', run: () => (options.onRun(), true), preventDefault: true },
      // Escape releases the Tab key, so that the keyboard can leave the editor.
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...completionKeymap,
      indentWithTab,
    ]),
    look(options.minHeight, options.maxHeight),
  ]
}

/** A margin for the signs of problems. */
export const problemMargin = (): Extension => [
  lintGutter(),
  EditorView.theme({
    '.cm-tooltip-lint': { padding: '4px 0' },
    '.cm-diagnostic': { padding: '4px 10px', borderLeft: '3px solid var(--bad)', color: 'var(--text)' },
    '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad)', textDecorationSkipInk: 'none' },
    '.cm-lint-marker-error': { content: '""', width: '10px', height: '10px', marginTop: '5px', borderRadius: '50%', backgroundColor: 'var(--bad)' },
  }),
]

/** Marks the problems; those beyond the text's end are of a text that is no longer there. */
export function showProblems(view: EditorView, problems: TextProblem[]): void {
  const { length } = view.state.doc
  const shown = problems.filter(({ to }) => to <= length)
  view.dispatch(setDiagnostics(view.state, shown.map((problem) => ({ ...problem, severity: 'error' as const }))))
}

/** Loads a language with its completions. */
export async function languageExtension(
  language: Language,
  schema: Record<string, string[]> = {},
  words: LiquidWords = { columns: [], context: [], filters: [], tags: [] },
): Promise<Extension> {
  switch (language) {
    case 'sql': {
      const { PostgreSQL, sql } = await import('@codemirror/lang-sql')
      return sql({ dialect: PostgreSQL, schema, upperCaseKeywords: true })
    }
    case 'json': {
      const { json } = await import('@codemirror/lang-json')
      return json()
    }
    case 'liquid':
      return liquidExtension(words)
  }
}

const plainName = /^[\p{L}_][\p{L}\p{N}_-]*$/u

/** Liquid with columns, filters and tags. */
async function liquidExtension({ columns, context, filters, tags: tagWords }: LiquidWords): Promise<Extension> {
  const { liquid, liquidLanguage } = await import('@codemirror/lang-liquid')
  const property = (label: string) => ({ label, type: 'property' })
  const members = columns.filter((name) => plainName.test(name)).map(property)
  const language = liquid({
    variables: [{ label: 'row', type: 'variable' }, { label: 'context', type: 'variable' }, ...members],
    properties: (path) => (path[0] === 'row' && path.length === 1 ? members : path[0] === 'context' ? context.map(property) : []),
    filters: filters.map((word) => ({ ...word, type: 'function' })),
    tags: tagWords.map((word) => ({ ...word, type: 'keyword' })),
  })
  return [language, liquidLanguage.data.of({ autocomplete: bracketed(columns) })]
}

/** Completes row['… with columns. */
function bracketed(columns: string[]): CompletionSource {
  return (context) => {
    const typed = context.matchBefore(/\brow\[(['"])[^'"\]]*/)
    if (typed === null) return null
    const at = typed.text.search(/['"]/)
    const quote = typed.text.charAt(at)
    const options = columns.map((label) => ({ label, type: 'property', apply: label.replaceAll(quote, `\\${quote}`) }))
    return { from: typed.from + at + 1, options, validFor: /^[^'"\]]*$/ }
  }
}
