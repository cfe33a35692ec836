import { fileURLToPath } from 'node:url'
import { defineConfig } from '@playwright/test'

// The tests run against a server that is already there (MILLRACE_URL), or against the mock.
const given = process.env.MILLRACE_URL
const port = Number(process.env.MILLRACE_MOCK_PORT ?? 8486)
const baseURL = given ?? `http://127.0.0.1:${port}`

export const chromium = {
  executablePath: process.env.MILLRACE_CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
}

export default defineConfig({
  testDir: '.',
  outputDir: '../../test-results',
  // Tests that need the mock's data are left out where a real server is given.
  testIgnore: given === undefined ? [] : ['**/mock/**'],
  workers: 1,
  timeout: 60_000,
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
