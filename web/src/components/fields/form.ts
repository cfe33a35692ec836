import type { QueryFunctionContext } from '@tanstack/react-query'
import { createContext } from 'react'
import type { Field } from '~/services/types'

/** The query that loads a form which only the connector knows, of a setting. */
export type LoadForm = (form: string, setting: string) => {
  queryKey: unknown[]
  queryFn: (context: QueryFunctionContext) => Promise<Field[]>
  staleTime: number
  retry: false
}

/** How such forms are loaded; undefined where nothing can be asked yet. */
export const FormLoader = createContext<LoadForm | undefined>(undefined)
