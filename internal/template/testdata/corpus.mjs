// Writes corpus.json: what liquidjs makes of each template. Run it where liquidjs 10.30.1 is installed:
//   npm install --no-save liquidjs@10.30.1 && TZ=UTC node corpus.mjs
import { Liquid } from 'liquidjs'
import { readFileSync, writeFileSync } from 'node:fs'

const engine = new Liquid({ timezoneOffset: 0 })
const data = JSON.parse(readFileSync('data.json', 'utf8'))
const templates = readFileSync('templates.txt', 'utf8').split('\n====\n').map(t => t.replace(/\n$/, '')).filter(t => t !== '')
const cases = templates.map(template => {
  try {
    return { template, text: engine.parseAndRenderSync(template, structuredClone(data)) }
  } catch (e) {
    return { template, fails: true }
  }
})
writeFileSync('corpus.json', JSON.stringify(cases, null, 1) + '\n')
