import {
  IconBrandAws,
  IconCloud,
  IconDatabase,
  IconFileTypeCsv,
  IconFlask,
  IconFolder,
  IconPlug,
  IconWebhook,
  type Icon,
} from '@tabler/icons-react'
import classes from './ConnectorIcon.module.css'

const rules: [RegExp, Icon][] = [
  [/sample/, IconFlask],
  [/http|webhook/, IconWebhook],
  [/^s3|aws/, IconBrandAws],
  [/local|folder/, IconFolder],
  [/file|csv|parquet/, IconFileTypeCsv],
  [/postgres|duckdb|mysql|sql|warehouse|database/, IconDatabase],
  [/snowflake|bigquery|gcs|azure|cloud/, IconCloud],
]

interface Props {
  type: string
  category?: string
  size?: number
}

/** A sign for a kind of source or destination. */
export function ConnectorIcon({ type, category = '', size = 28 }: Props) {
  const text = `${type} ${category}`.toLowerCase()
  const ConnectorSign = rules.find(([pattern]) => pattern.test(text))?.[1] ?? IconPlug
  return (
    <span className={classes.tile} style={{ width: size, height: size }} aria-hidden="true">
      <ConnectorSign size={Math.round(size * 0.6)} stroke={1.6} />
    </span>
  )
}
