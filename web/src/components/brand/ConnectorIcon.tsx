import {
  IconBrandAws,
  IconBrandAzure,
  IconCloud,
  IconColumns3,
  IconDatabase,
  IconFileTypeCsv,
  IconFileTypeXls,
  IconFlask,
  IconFolder,
  IconPlug,
  IconServer,
  IconSnowflake,
  IconStack2,
  IconTable,
  IconWebhook,
  type Icon,
} from '@tabler/icons-react'
import type { CSSProperties } from 'react'
import classes from './ConnectorIcon.module.css'

const rules: [RegExp, Icon][] = [
  [/sample/, IconFlask],
  [/http|webhook/, IconWebhook],
  [/snowflake/, IconSnowflake],
  [/^s3|aws|athena|redshift|dynamodb/, IconBrandAws],
  [/azure|synapse|fabric/, IconBrandAzure],
  [/gcs|bigquery/, IconCloud],
  [/databricks|lakebase/, IconStack2],
  [/clickhouse|trino|materialize/, IconColumns3],
  [/sftp/, IconServer],
  [/excel/, IconFileTypeXls],
  [/sheet/, IconTable],
  [/local|folder/, IconFolder],
  [/file|csv|parquet/, IconFileTypeCsv],
  [/postgres|duckdb|mysql|sql|warehouse|database/, IconDatabase],
  [/cloud/, IconCloud],
]

interface Props {
  type: string
  category?: string
  size?: number
}

/** Two letters for a vendor that has no sign: the first ones of two words, or of the only one. */
export function monogram(type: string): string {
  const words = type.split('-').filter((word) => word !== '')
  const letters = words.length > 1 ? (words[0]?.[0] ?? '') + (words[1]?.[0] ?? '') : (words[0] ?? '').slice(0, 2)
  return letters.charAt(0).toUpperCase() + letters.slice(1)
}

/** A hue that belongs to a name. */
export const hueOf = (type: string): number => [...type].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7)

/** A sign for a kind of source or destination. */
export function ConnectorIcon({ type, category = '', size = 28 }: Props) {
  const text = `${type} ${category}`.toLowerCase()
  const ConnectorSign = rules.find(([pattern]) => pattern.test(text))?.[1]
  if (ConnectorSign !== undefined || type === '') {
    const Sign = ConnectorSign ?? IconPlug
    return (
      <span className={classes.tile} style={{ width: size, height: size }} aria-hidden="true">
        <Sign size={Math.round(size * 0.6)} stroke={1.6} />
      </span>
    )
  }
  const style = { width: size, height: size, fontSize: Math.round(size * 0.42), '--hue': hueOf(type) } as CSSProperties
  return (
    <span className={`${classes.tile} ${classes.monogram}`} style={style} aria-hidden="true">
      {monogram(type)}
    </span>
  )
}
