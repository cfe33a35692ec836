import {
  IconBraces,
  IconCalendar,
  IconClock,
  IconHash,
  IconLetterCase,
  IconQuestionMark,
  IconToggleLeft,
  type Icon,
} from '@tabler/icons-react'
import type { ColumnType } from '~/services/types'
import { typeWords } from './types'

const icons: Record<ColumnType, Icon> = {
  boolean: IconToggleLeft,
  number: IconHash,
  string: IconLetterCase,
  timestamp: IconClock,
  date: IconCalendar,
  object: IconBraces,
}

/** A sign for a column's type. */
export function TypeIcon({ type, size = 15 }: { type: string; size?: number }) {
  const Sign = icons[type as ColumnType] ?? IconQuestionMark
  const label = typeWords[type as ColumnType] ?? type
  return <Sign size={size} stroke={1.7} role="img" aria-label={label} color="var(--muted)" style={{ flex: 'none' }} />
}
