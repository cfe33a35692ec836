import { Skeleton } from '@mantine/core'
import { lazy, Suspense } from 'react'
import classes from './Code.module.css'

export type Language = 'sql' | 'json' | 'liquid'

/** A position in a text, counted from 1. */
export interface CodePlace {
  line: number
  column: number
}

/** Something that is wrong with a part of a text, by positions of characters. */
export interface TextProblem {
  from: number
  to: number
  message: string
}

/** Acts on an editor from outside. */
export interface EditorHandle {
  /** Changes the text by what is selected in it, and puts the cursor there. */
  edit: (change: (text: string, from: number, to: number) => { from: number; to: number; insert: string; cursor: number }) => void
}

/** A word that is completed as it is typed. */
export interface Word {
  label: string
  detail?: string
  info?: string
}

/** What is completed in a template. */
export interface LiquidWords {
  columns: string[]
  context: string[]
  filters: Word[]
  tags: Word[]
}

export interface CodeEditorProps {
  label: string
  language: Language
  value: string
  onChange?: (value: string) => void
  readOnly?: boolean
  /** For SQL: columns by table, completed as they are typed. */
  schema?: Record<string, string[]>
  /** For Liquid: what is completed. */
  words?: LiquidWords
  /** Filled in with what acts on the editor. */
  handle?: React.RefObject<EditorHandle | null>
  /** Where an error is: marked until the text changes. */
  place?: CodePlace
  /** What is wrong where, marked in the text and at its margin. */
  problems?: TextProblem[]
  /** Called on Ctrl-Enter. */
  onRun?: () => void
  minHeight?: number
  maxHeight?: number
}

const CodeMirror = lazy(() => import('./CodeMirror'))

/** A code editor that is loaded when it is first shown. */
export function CodeEditor(props: CodeEditorProps) {
  const minHeight = props.minHeight ?? 120
  return (
    <div className={classes.frame} data-readonly={props.readOnly}>
      <Suspense fallback={<Skeleton height={minHeight} />}>
        <CodeMirror {...props} minHeight={minHeight} />
      </Suspense>
    </div>
  )
}
