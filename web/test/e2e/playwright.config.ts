import { fileURLToPath } from 'node:url'
import { defineConfig } from '@playwright/test'

// The tests in real run against a server that is already there (MILLRACE_E2E_URL), those in mock against the mock.
const given = process.env.MILLRACE_E2E_URL
const port = Number(process.env.MILLRACE_MOCK_PORT ?? 8486)
const baseURL = given ?? `http://127.0.0.1:${port}`

export const chromium = {
  executablePath: process.env.MILLRACE_CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
}

export default defineConfig({
  testDir: given === undefined ? 'mock' : 'real',
  outputDir: '../../test-results',
  workers: 1,
  // A way through several forms and a run takes a while on a small machine that does other work too.
  timeout: given === undefined ? 60_000 : 150_000,
  expect: { timeout: 10_000 },
  retries: 0,
  reporter: [['list']],
  use: { baseURL, launchOptions: chromium, viewport: { width: 1280, height: 860 }, trace: 'retain-on-failure' },
  webServer:
    given === undefined
      ? {
          command: `node ../mock/server.mjs --port ${port} --step 250`,
          cwd: fileURLToPath(new URL('.', import.meta.url)),
          url: `${baseURL}/favicon.svg`,
          reuseExistingServer: false,
        }
      : undefined,
})
