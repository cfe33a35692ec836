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
