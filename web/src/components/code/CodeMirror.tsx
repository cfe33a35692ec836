import { useEffect, useRef } from 'react'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import type { CodeEditorProps, EditorHandle } from './CodeEditor'
import { baseExtensions, languageExtension, problemMargin, showProblems } from './extensions'
import { markPlace } from './mark'

interface Editor {
  view: EditorView
  language: Compartment
}

type Live = React.RefObject<Pick<CodeEditorProps, 'onChange' | 'onRun'>>

/**
 * Makes an editor inside a shadow root. There CodeMirror's styles are constructed style sheets; in the
 * document they would be style elements, which the content security policy forbids.
 */
function createEditor(host: HTMLElement, props: CodeEditorProps, live: Live, language: Extension): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const compartment = new Compartment()
  const state = EditorState.create({
    doc: props.value,
    extensions: [
      baseExtensions({
        label: props.label,
        readOnly: props.readOnly === true,
        minHeight: props.minHeight ?? 120,
        maxHeight: props.maxHeight,
        onChange: (value) => live.current.onChange?.(value),
        onRun: () => live.current.onRun?.(),
      }),
      props.problems === undefined ? [] : problemMargin(),
      compartment.of(language),
    ],
  })
  return { view: new EditorView({ state, parent: root, root }), language: compartment }
}

const edit = (view: EditorView, change: Parameters<EditorHandle['edit']>[0]): void => {
  const { from, to } = view.state.selection.main
  const { cursor, ...changes } = change(view.state.doc.toString(), from, to)
  view.dispatch({ changes, selection: { anchor: cursor }, scrollIntoView: true })
  view.focus()
}

/** CodeMirror as a controlled input. */
export default function CodeMirror(props: CodeEditorProps) {
  const { value, language, schema, words, handle: handleRef, place, problems, onChange, onRun } = props
  const host = useRef<HTMLDivElement>(null)
  const editor = useRef<Editor | null>(null)
  const live = useRef<Pick<CodeEditorProps, 'onChange' | 'onRun'>>({})
  const first = useRef(props)
  // What was typed and has not come back as the value yet. Typing may be ahead of React: such a value is older than
  // what stands in the editor, and must not replace it.
  const typed = useRef<string[]>([])

  useEffect(() => {
    live.current = {
      onChange: (text) => {
        typed.current.push(text)
        onChange?.(text)
      },
      onRun,
    }
  }, [onChange, onRun])

  useEffect(() => {
    if (host.current === null) return
    const made = createEditor(host.current, first.current, live, [])
    editor.current = made
    return () => made.view.destroy()
  }, [])

  useEffect(() => {
    let stale = false
    void languageExtension(language, schema, words).then((extension) => {
      const current = editor.current
      if (!stale) current?.view.dispatch({ effects: current.language.reconfigure(extension) })
    })
    return () => {
      stale = true
    }
  }, [language, schema, words])

  useEffect(() => {
    if (handleRef === undefined) return
    handleRef.current = { edit: (change) => editor.current !== null && edit(editor.current.view, change) }
    return () => {
      handleRef.current = null
    }
  }, [handleRef])

  useEffect(() => {
    const view = editor.current?.view
    const echo = typed.current.lastIndexOf(value)
    typed.current.splice(0, echo < 0 ? typed.current.length : echo + 1)
    if (view === undefined || echo >= 0 || view.state.doc.toString() === value) return
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } })
    typed.current = [] // the change came from outside
  }, [value])

  useEffect(() => {
    if (editor.current !== null) markPlace(editor.current.view, place)
  }, [place])

  useEffect(() => {
    const view = editor.current?.view
    if (view !== undefined && problems !== undefined) showProblems(view, problems)
  }, [problems, value])

  return <div ref={host} data-editor={props.label} />
}
