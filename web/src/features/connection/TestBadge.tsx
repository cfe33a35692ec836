import { Tooltip } from '@mantine/core'
import { StatusBadge } from '~/components/status/StatusBadge'
import type { LastTest } from '~/services/types'
import { testWords } from './words'

interface Props {
  test: LastTest | null
  sample?: boolean
}

/** What the last connection test said. */
export function TestBadge({ test, sample = false }: Props) {
  if (sample) return <StatusBadge label="Built in" tone="idle" />
  if (test === null) return <StatusBadge label={testWords(test)} tone="idle" />
  if (test.ok) return <StatusBadge label={testWords(test)} tone="good" />
  return (
    <Tooltip label={test.error} multiline maw={420}>
      <span>
        <StatusBadge label={testWords(test)} tone="bad" />
      </span>
    </Tooltip>
  )
}
