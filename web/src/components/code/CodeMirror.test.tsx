import { act, render } from '@testing-library/react'
import { EditorView } from '@codemirror/view'
import { expect, it } from 'vitest'
import CodeMirror from './CodeMirror'

/** The editor that a drawn CodeMirror holds. */
function viewOf(container: HTMLElement): EditorView {
  const content = container.querySelector('[data-editor]')?.shadowRoot?.querySelector<HTMLElement>('.cm-editor')
  const view = content == null ? null : EditorView.findFromDOM(content)
  if (view === null) throw new Error('there is no editor')
  return view
}

const replace = (view: EditorView, insert: string) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert } })

const marked = (container: HTMLElement) => container.querySelector('[data-editor]')?.shadowRoot?.querySelector('.cm-errorMark')?.textContent

// Req: M-30
it('marks the place of an error until the text changes', () => {
  const sql = 'SELECT 1,\n  nam FROM t'
  const editor = (place?: { line: number; column: number }) => <CodeMirror label="SQL query" language="sql" value={sql} place={place} />
  const { container, rerender } = render(editor())
  const view = viewOf(container)
  rerender(editor({ line: 2, column: 3 }))
  expect(marked(container)).toBe('nam')
  rerender(editor({ line: 9, column: 3 }))
  expect(marked(container)).toBeUndefined()
  rerender(editor({ line: 1, column: 1 }))
  expect(marked(container)).toBe('SELECT')
  act(() => view.dispatch({ changes: { from: 0, insert: ' ' } }))
  expect(marked(container)).toBeUndefined()
})

it('keeps what was typed when an older value comes back late', () => {
  const seen: string[] = []
  const editor = (value: string) => <CodeMirror label="SQL query" language="sql" value={value} onChange={(text) => seen.push(text)} />
  const { container, rerender } = render(editor('SELECT 1'))
  const view = viewOf(container)
  act(() => {
    replace(view, '')
    replace(view, 'SELECT 2')
  })
  expect(seen).toEqual(['', 'SELECT 2'])
  rerender(editor(''))
  expect(view.state.doc.toString()).toBe('SELECT 2')
  rerender(editor('SELECT 2'))
  expect(view.state.doc.toString()).toBe('SELECT 2')
  rerender(editor(''))
  expect(view.state.doc.toString()).toBe('')
  rerender(editor('SELECT 3'))
  expect(view.state.doc.toString()).toBe('SELECT 3')
})
