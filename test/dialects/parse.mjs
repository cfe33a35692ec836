// Reads statements as JSON ([{ id, dialect, sql }]) and writes what the parsers of their dialects say
// ([{ id, parser, error }], error being null where the parser reads it).
import { register } from "node:module";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

register("./hooks.mjs", import.meta.url);
const require = createRequire(import.meta.url);

const rust = await import("@guanmingchiu/sqlparser-ts");
await rust.init();
const { Parser } = require("node-sql-parser");
const cst = await import("sql-parser-cst");
const postgres = await import("pgsql-parser");
const dt = await import("dt-sql-parser");

const sqlparser = (dialect) => ["sqlparser-rs", (sql) => rust.parse(sql, dialect)];
const node = (database) => ["node-sql-parser", (sql) => new Parser().parse(sql, { database })];
const real = ["libpg-query", (sql) => postgres.parse(sql)];
const google = ["sql-parser-cst", (sql) => cst.parse(sql, { dialect: "bigquery", includeSpaces: false })];
const antlr = (Language) => [
  "dt-sql-parser",
  (sql) => {
    const [first] = new Language().validate(sql + ";");
    if (first) throw new Error(first.message);
  },
];

// Each dialect's parsers, the strictest first.
const parsers = {
  duckdb: [sqlparser("duckdb")],
  postgres: [real, sqlparser("postgresql")],
  greenplum: [real, sqlparser("postgresql")],
  materialize: [real, sqlparser("postgresql")],
  redshift: [sqlparser("redshift"), node("Redshift")],
  mysql: [antlr(dt.MySQL), node("MariaDB"), sqlparser("mysql")],
  singlestore: [antlr(dt.MySQL), node("MySQL"), sqlparser("mysql")],
  sqlserver: [sqlparser("mssql"), node("TransactSQL")],
  synapse: [sqlparser("mssql"), node("TransactSQL")],
  fabric: [sqlparser("mssql"), node("TransactSQL")],
  snowflake: [sqlparser("snowflake"), node("Snowflake")],
  snowflake_iceberg: [sqlparser("snowflake"), node("Snowflake")],
  bigquery: [google, sqlparser("bigquery"), node("BigQuery")],
  databricks: [antlr(dt.SparkSQL), sqlparser("databricks")],
  databricks_ansi: [sqlparser("ansi"), sqlparser("generic")],
  trino: [antlr(dt.TrinoSQL), node("Trino")],
  trino_hive: [antlr(dt.TrinoSQL), node("Trino")],
  trino_iceberg: [antlr(dt.TrinoSQL), node("Trino")],
  trino_postgres: [antlr(dt.TrinoSQL), node("Trino")],
  presto: [antlr(dt.TrinoSQL), node("Trino")],
  presto_hive: [antlr(dt.TrinoSQL), node("Trino")],
  presto_iceberg: [antlr(dt.TrinoSQL), node("Trino")],
  presto_postgres: [antlr(dt.TrinoSQL), node("Trino")],
  athena: [antlr(dt.TrinoSQL), node("Athena"), antlr(dt.HiveSQL)],
  clickhouse: [sqlparser("clickhouse")],
  oracle: [sqlparser("oracle")],
  teradata: [sqlparser("teradata")],
};

const results = [];
for (const { id, dialect, sql } of JSON.parse(readFileSync(0, "utf8"))) {
  for (const [parser, parse] of parsers[dialect] ?? []) {
    let error = null;
    try {
      await parse(sql);
    } catch (e) {
      error = String(e.message ?? e).split("\n")[0].slice(0, 300);
    }
    results.push({ id, parser, error });
    if (!error) break;
  }
}
process.stdout.write(JSON.stringify(results));
