// Renders the templates of standard input with liquidjs, which is found from the working folder, and prints the results:
// an array of { text } or { fails }.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const { Liquid } = createRequire(`${process.cwd()}/`)('liquidjs')
const engine = new Liquid({ timezoneOffset: 0 })
const { data, templates } = JSON.parse(readFileSync(0, 'utf8'))
const results = templates.map((template) => {
  try {
    return { text: engine.parseAndRenderSync(template, structuredClone(data)) }
  } catch {
    return { fails: true }
  }
})
process.stdout.write(JSON.stringify(results))
