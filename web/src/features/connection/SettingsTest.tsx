import { Button } from '@mantine/core'
import { IconCircleCheck, IconSend } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { ApiError } from '~/services/http'
import type { Settings, TestResult } from '~/services/types'
import classes from './Connection.module.css'

interface Wanted {
  type: string
  configuration: Settings
  slug?: string
}

/** Tries settings; a test counts for the very settings that it was made with. */
export function useSettingsTest(send: (type: string, configuration: Settings, slug?: string) => Promise<TestResult>, wanted: Wanted) {
  const mutation = useMutation({
    mutationFn: async ({ type, configuration, slug }: Wanted) => {
      const result = await send(type, configuration, slug)
      if (!result.ok) throw new ApiError(422, result.error ?? { message: 'The test failed without a reason.' })
    },
  })
  const same = JSON.stringify(mutation.variables) === JSON.stringify(wanted)
  return {
    passed: same && mutation.isSuccess,
    error: same ? mutation.error : null,
    testing: mutation.isPending,
    run: () => mutation.mutate(wanted),
  }
}

interface Words {
  /** The title of a failure. */
  failed: string
  passed: string
  /** What the test does. */
  before: string
  action: string
  again: string
}

/** The row with the test of settings, and how it went. */
export function SettingsTest({ test, onTest, words }: { test: ReturnType<typeof useSettingsTest>; onTest: () => void; words: Words }) {
  if (test.error !== null) return <ErrorCard title={words.failed} error={test.error} onRetry={onTest} retryLabel={words.again} />
  return (
    <div className={classes.test} data-passed={test.passed || undefined}>
      {test.passed ? <IconCircleCheck size={18} aria-hidden /> : <IconSend size={18} aria-hidden />}
      <p role="status">{test.passed ? words.passed : <span className="muted">{words.before}</span>}</p>
      <Button size="xs" variant="default" loading={test.testing} onClick={onTest}>
        {test.passed ? words.again : words.action}
      </Button>
    </div>
  )
}
