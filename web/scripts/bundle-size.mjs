// Fails the build when the JavaScript that the first page needs passes its budget (gzip).
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const budget = 300 * 1024
const manifest = JSON.parse(readFileSync('dist/.vite/manifest.json', 'utf8'))

/** Collects the files that the entry imports statically. */
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen
  seen.add(key)
  for (const next of manifest[key].imports ?? []) closure(next, seen)
  return seen
}

const size = (file) => gzipSync(readFileSync(`dist/${file}`)).length
const first = [...closure('index.html')].map((key) => manifest[key].file).filter((f) => f.endsWith('.js'))
const total = first.reduce((sum, file) => sum + size(file), 0)
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`

const chunks = Object.values(manifest).map((c) => c.file).filter((f) => f.endsWith('.js') && !first.includes(f))
for (const file of [...new Set(chunks)].map((f) => [f, size(f)]).sort((a, b) => b[1] - a[1]).slice(0, 6)) {
  console.log(`later  ${kb(file[1]).padStart(9)}  ${file[0]}`)
}
console.log(`first load: ${kb(total)} of JavaScript (gzip) in ${first.length} files; budget ${kb(budget)}`)
if (total > budget) {
  console.error('The first load is over its budget.')
  process.exit(1)
}
