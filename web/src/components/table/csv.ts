/** A column of a file of values. */
export interface CsvColumn<T> {
  header: string
  text: (row: T) => string
}

/** A spreadsheet takes a text that begins so for a formula, and would compute it. */
const formula = /^[=+\-@\t\r]/
const number = /^-?\d+(\.\d+)?$/

/** A value as a CSV file has it: quoted where it must be, and never a formula. */
export function csvCell(text: string): string {
  const safe = formula.test(text) && !number.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Rows as a CSV file (RFC 4180). */
export function csvOf<T>(columns: CsvColumn<T>[], rows: T[]): string {
  const lines = [columns.map(({ header }) => csvCell(header)), ...rows.map((row) => columns.map(({ text }) => csvCell(text(row))))]
  return lines.map((cells) => cells.join(',') + '\r\n').join('')
}

/** Lets the browser keep a text as a file. The mark at its beginning tells spreadsheets that it is UTF-8. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob(['\ufeff', text], { type: 'text/csv;charset=utf-8' }))
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  URL.revokeObjectURL(url)
}
