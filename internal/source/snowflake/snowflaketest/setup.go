package snowflaketest

// setup are DuckDB's statements that make Snowflake's functions and catalog.
func setup() []string {
	return []string{
		`CREATE MACRO sf_parse_json(x) AS CAST(x AS JSON)`,
		`CREATE MACRO sf_to_variant(x) AS to_json(x)`,
		`CREATE MACRO sf_to_json(x) AS CAST(x AS VARCHAR)`,
		`CREATE MACRO sf_convert_timezone(zone, x) AS CASE WHEN zone = 'UTC' THEN x ELSE error('the stand-in knows UTC only') END`,
		`CREATE MACRO sf_to_binary(x, f) AS CASE WHEN f = 'HEX' THEN unhex(x) ELSE error('the stand-in knows HEX only') END`,
		`CREATE MACRO sf_to_date(x, f) AS CASE WHEN f = 'YYYY-MM-DD' THEN CAST(x AS DATE) ELSE error('the stand-in knows one format of dates') END`,
		`CREATE MACRO sf_to_timestamp_tz(x, f) AS CASE WHEN f = 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM' THEN CAST(replace(x, ' +', '+') AS TIMESTAMPTZ) ELSE error('the stand-in knows one format of instants') END`,
		`CREATE MACRO sf_char_day(x) AS strftime(x, '%Y-%m-%d')`,
		`CREATE MACRO sf_char_micros(x) AS strftime(CAST(x AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')`,
		`CREATE MACRO sf_char_nanos(x) AS strftime(CAST(x AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%f000Z')`,
		`CREATE MACRO sf_char_float(x) AS CAST(x AS VARCHAR)`,
		`CREATE MACRO sf_hex_encode(x) AS hex(x)`,
		`CREATE MACRO sf_base64_encode(x) AS base64(x)`,
		`CREATE MACRO sf_octet_length(x) AS strlen(x)`,
		`CREATE SCHEMA sf_information_schema`,
		`CREATE VIEW sf_information_schema.tables AS
			SELECT schema_name AS TABLE_SCHEMA, table_name AS TABLE_NAME, 'BASE TABLE' AS TABLE_TYPE, estimated_size::BIGINT AS ROW_COUNT FROM duckdb_tables() WHERE NOT internal AND database_name = 'memory'
			UNION ALL SELECT schema_name, view_name, 'VIEW', NULL FROM duckdb_views() WHERE NOT internal AND database_name = 'memory' AND schema_name <> 'sf_information_schema'`,
		`CREATE VIEW sf_information_schema.schemata AS SELECT schema_name AS SCHEMA_NAME FROM duckdb_schemas() WHERE database_name = 'memory'`,
		`CREATE VIEW sf_information_schema.columns AS
			SELECT schema_name AS TABLE_SCHEMA, table_name AS TABLE_NAME, column_name AS COLUMN_NAME, column_index AS ORDINAL_POSITION,
				CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS IS_NULLABLE,
				CASE WHEN data_type IN ('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT', 'HUGEINT') OR data_type LIKE 'DECIMAL%' THEN 'NUMBER'
					WHEN data_type IN ('DOUBLE', 'FLOAT') THEN 'FLOAT' WHEN data_type = 'VARCHAR' THEN 'TEXT' WHEN data_type = 'BLOB' THEN 'BINARY'
					WHEN data_type = 'JSON' THEN 'VARIANT' WHEN data_type = 'TIMESTAMP' THEN 'TIMESTAMP_NTZ'
					WHEN data_type = 'TIMESTAMP WITH TIME ZONE' THEN 'TIMESTAMP_TZ' ELSE data_type END AS DATA_TYPE,
				CASE data_type WHEN 'VARCHAR' THEN 16777216 WHEN 'BLOB' THEN 8388608 END AS CHARACTER_MAXIMUM_LENGTH,
				CASE WHEN data_type LIKE 'DECIMAL%' THEN numeric_precision WHEN data_type IN ('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT', 'HUGEINT') THEN 38 END AS NUMERIC_PRECISION,
				CASE WHEN data_type LIKE 'DECIMAL%' THEN numeric_scale WHEN data_type IN ('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT', 'HUGEINT') THEN 0 END AS NUMERIC_SCALE,
				CASE WHEN data_type LIKE 'TIME%' THEN 9 END AS DATETIME_PRECISION, comment AS COMMENT
			FROM duckdb_columns() WHERE NOT internal AND database_name = 'memory' AND schema_name <> 'sf_information_schema'`,
	}
}
