import { path, post } from './http'
import type { Settings, TestResult } from './types'

/** Asks the monitoring system about the key. The slug of a saved monitor fills in the secrets that were left unchanged. */
export const testMonitor = (type: string, configuration: Settings, slug?: string): Promise<TestResult> =>
  post<TestResult>(path('monitors', 'test'), { type, configuration, slug })
