import { IconBraces, IconBrackets, IconCalendar, IconCircleOff, IconClock, IconHash, IconLetterCase, IconLink, IconQuestionMark, IconToggleLeft, type Icon } from '@tabler/icons-react'
import type { FieldType } from '~/services/types'
import { fieldTypeWords } from './types'

const icons: Record<FieldType, Icon> = {
  boolean: IconToggleLeft,
  number: IconHash,
  string: IconLetterCase,
  timestamp: IconClock,
  date: IconCalendar,
  object: IconBraces,
  array: IconBrackets,
  reference: IconLink,
  null: IconCircleOff,
  unknown: IconQuestionMark,
}

/** A sign for the type of a destination's field (M-24). */
export function FieldIcon({ type, size = 15 }: { type: FieldType; size?: number }) {
  const Sign = icons[type]
  return <Sign size={size} stroke={1.7} role="img" aria-label={fieldTypeWords[type]} color="var(--muted)" style={{ flex: 'none' }} />
}
