// How long people wait for the web app to answer them, with many syncs: Event Timing of Chromium, from an input to the
// next frame that shows its effect, as INP counts it, the longest task that an interaction causes, and what it costs the
// page's main thread in time of the processor, which a busy machine does not lengthen.
// Flags: --syncs 5000, --rounds 5, --url (a server that is already there, with an email and a password).
import { chromium } from '@playwright/test'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values: flags } = parseArgs({
  options: {
    syncs: { type: 'string', default: '5000' }, rounds: { type: 'string', default: '5' }, port: { type: 'string', default: '8489' }, url: { type: 'string' },
    email: { type: 'string', default: 'admin@example.com' }, password: { type: 'string', default: 'millrace' },
  },
})
const base = flags.url ?? `http://127.0.0.1:${flags.port}`

/** Keeps every input that took a frame or longer, and every task that blocked. */
function observe() {
  window.bench = { events: [], tasks: [] }
  new PerformanceObserver((list) => window.bench.events.push(...list.getEntries().filter((e) => e.interactionId > 0))).observe({ type: 'event', durationThreshold: 16, buffered: true })
  new PerformanceObserver((list) => window.bench.tasks.push(...list.getEntries())).observe({ type: 'longtask', buffered: true })
}

async function serve() {
  if (flags.url !== undefined) return undefined
  const server = spawn('node', [fileURLToPath(new URL('../mock/server.mjs', import.meta.url)), '--port', flags.port], { stdio: ['ignore', 'ignore', 'inherit'] })
  for (;;) {
    const answer = await fetch(`${base}/mock/reset?more=${flags.syncs}`).catch(() => undefined)
    if (answer?.ok) return server
    if (server.exitCode !== null) throw new Error('the stand-in server does not start')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const button = (page, name) => page.getByRole('button', { name, exact: true }).first()
const row = (page) => page.getByRole('table', { name: 'Syncs' }).getByRole('row').nth(3)

/** The list of syncs, quiet. */
async function list(page) {
  await page.goto(`${base}/syncs`)
  await row(page).getByRole('link').first().waitFor()
  await page.waitForLoadState('networkidle').catch(() => undefined)
}

const everything = async (page) => {
  await list(page)
  await page.getByRole('checkbox', { name: 'Select all', exact: true }).click()
  await page.getByRole('region', { name: 'Selection' }).waitFor()
}

/** What a person does: what comes before, and what is measured. */
const interactions = [
  { name: 'typing a letter in the search', before: list, act: (page) => page.getByRole('textbox', { name: 'Search syncs' }).pressSequentially('bulk 4', { delay: 120 }) },
  { name: 'opening a filter', before: list, act: (page) => button(page, 'Status').click() },
  {
    name: 'choosing a value of a filter',
    before: async (page) => (await list(page), await button(page, 'Destination').click()),
    act: (page) => page.getByRole('checkbox', { name: 'CRM database' }).click(),
  },
  { name: 'sorting', before: list, act: (page) => button(page, 'Sync').click() },
  { name: 'selecting all', before: list, act: async (page) => (await page.getByRole('checkbox', { name: 'Select all', exact: true }).click(), await page.getByRole('region', { name: 'Selection' }).waitFor()) },
  { name: 'leaving one out of all', before: everything, act: (page) => row(page).getByRole('checkbox').click() },
  { name: 'opening the actions of all', before: everything, act: (page) => button(page, 'Actions').click() },
  { name: 'choosing a column', before: async (page) => (await list(page), await button(page, 'Choose columns').click()), act: (page) => page.getByRole('checkbox', { name: 'Labels' }).click() },
  { name: 'showing folders', before: list, act: (page) => page.getByRole('button', { name: /^(Show|Hide) folders$/ }).click() },
  { name: 'opening a sync', before: list, act: async (page) => (await row(page).getByRole('link').first().click(), await page.getByRole('tab', { name: 'Runs' }).waitFor()) },
  { name: 'Ctrl-K', before: list, act: (page) => page.keyboard.press('Control+k') },
  {
    name: 'typing a letter into Ctrl-K',
    before: async (page) => (await list(page), await page.keyboard.press('Control+k')),
    act: (page) => page.getByRole('combobox', { name: 'Search for anything' }).pressSequentially('bulk', { delay: 150 }),
  },
]

/** Milliseconds that the page's main thread has worked. */
async function worked(devtools) {
  const { metrics } = await devtools.send('Performance.getMetrics')
  return metrics.find(({ name }) => name === 'TaskDuration').value * 1000
}

async function measure(page, devtools, { before, act }) {
  await before(page)
  await page.waitForTimeout(300)
  const began = await worked(devtools)
  await page.evaluate(() => ((window.bench.events.length = 0), (window.bench.tasks.length = 0)))
  await act(page)
  await page.waitForTimeout(700)
  const work = (await worked(devtools)) - began
  const found = await page.evaluate(() => ({
    input: Math.max(0, ...window.bench.events.map((e) => e.duration)),
    task: Math.max(0, ...window.bench.tasks.map((e) => e.duration)),
  }))
  return { ...found, work }
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]

const server = await serve()
const browser = await chromium.launch({ executablePath: process.env.MILLRACE_CHROMIUM ?? '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu'] })
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  await page.addInitScript(observe)
  const answer = await page.request.post(`${base}/api/session`, { data: { email: flags.email, password: flags.password } })
  if (!answer.ok()) throw new Error(`signing in: ${await answer.text()}`)
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  process.stdout.write(`${`with ${flags.syncs} syncs, in ms`.padEnd(32)}  input, median    worst  longest task  processor, median\n`)
  for (const interaction of interactions) {
    const found = []
    for (let i = 0; i < Number(flags.rounds); i++) found.push(await measure(page, devtools, interaction))
    const worst = (name) => Math.max(...found.map((one) => one[name]))
    const shown = [[median(found.map(({ input }) => input)), 15], [worst('input'), 9], [worst('task'), 14], [median(found.map(({ work }) => work)), 19]]
    process.stdout.write(`${interaction.name.padEnd(32)}${shown.map(([ms, width]) => String(Math.round(ms)).padStart(width)).join('')}\n`)
  }
} finally {
  await browser.close()
  server?.kill()
}
