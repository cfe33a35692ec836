import classes from './Code.module.css'
import { pretty, splitMatches } from './pretty'

interface Props {
  label: string
  text: string
  /** Marked wherever it occurs. */
  search?: string
  /** As high as its text. */
  tall?: boolean
}

/** Text to read, JSON laid out, with the places marked that a search finds. */
export function CodeBlock({ label, text, search = '', tall = false }: Props) {
  return (
    <pre className={classes.json} data-tall={tall || undefined} aria-label={label} tabIndex={0}>
      {splitMatches(pretty(text), search).map((part, i) => (part.match ? <mark key={i}>{part.text}</mark> : part.text))}
    </pre>
  )
}
