import { createContext, useContext } from 'react'
import type { LiquidWords } from '~/components/code/CodeEditor'
import type { Json, ModelColumn, Property, TemplateFunction } from '~/services/types'

/** What the parts of a mapping editor know of the model, the templates and the destination. */
export interface MappingContextValue {
  /** The model's slug; templates are tried on its rows. */
  model: string
  /** The slug of a saved sync. */
  sync: string | undefined
  /** The column whose elements are the rows. */
  array: string | undefined
  columns: ModelColumn[]
  /** The columns that hold objects and lists, as the first rows show. */
  properties: Property[]
  functions: TemplateFunction[]
  groups: string[]
  words: LiquidWords
  /** What empties a field, where it is not null. */
  clear: Json | undefined
  checked: boolean
}

export const MappingContext = createContext<MappingContextValue | undefined>(undefined)

export function useMappingContext(): MappingContextValue {
  const value = useContext(MappingContext)
  if (value === undefined) throw new Error('this is a part of a MappingEditor')
  return value
}
