package query_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/query/dialecttest"
)

// spoken puts functions of a warehouse into DuckDB's words.
type spoken struct {
	dialect query.Dialect
	macros  []string
	words   []string // old and new, in turn
	forms   [][2]string
}

var speakers = map[string]spoken{
	"Trino": {
		dialect: query.Trino,
		macros:  []string{"try_json(x) AS CASE WHEN json_valid(x) THEN CAST(x AS JSON) END", "json_format(x) AS CAST(json(x) AS VARCHAR)"},
		words: []string{
			"CROSS JOIN UNNEST(", "CROSS JOIN LATERAL (SELECT unnest(", `) AS "e"(`, `, recursive := true)) AS "e"(`, "try(json_parse(", "try_json((", "transform(", "list_transform(",
			"sequence(", "generate_series(", "cardinality(", "len(", "filter(", "list_filter(", "slice(", "list_slice(", "none_match(", "0 = len(list_filter(", "IN ('[', '{'))", "IN ('[', '{')))",
			"ARRAY(ROW(element VARCHAR, occurrence BIGINT))", "STRUCT(element VARCHAR, occurrence BIGINT)[]", "AS ROW(element", "AS STRUCT(element", "json_extract_scalar(", "json_extract_string(", "regexp_like(", "regexp_matches(",
		},
		forms: [][2]string{{`try\(CAST\((.*?) AS ARRAY\(JSON\)\)\)`, "TRY_CAST($1 AS JSON[])"}},
	},
	"BigQuery": {
		dialect: query.BigQuery,
		macros: []string{
			"try_json(x) AS CASE WHEN json_valid(x) THEN CAST(x AS JSON) END", "kind_of(x) AS CASE json_type(x) WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'object' WHEN 'NULL' THEN 'null' ELSE 'plain' END",
			"JSON_QUERY_ARRAY(x) AS TRY_CAST(x AS JSON[])", "the_value(x) AS json_extract_string(x, '$')",
		},
		words: []string{
			"`", `"`, `\\`, `\`, `\'`, "''", `\n`, "\n", "EXISTS (SELECT 1 FROM UNNEST(", "0 < len(list_filter(", ") AS x WHERE JSON_TYPE(x) IN ('array', 'object'))", ", x -> kind_of(x) IN ('array', 'object')))", "JSON_TYPE(", "kind_of(",
			"SAFE.PARSE_JSON(", "try_json(", ", wide_number_mode => 'round')", ")", "JSON_VALUE(", "the_value(", "REGEXP_CONTAINS(", "regexp_matches(",
			"ARRAY<STRUCT<`element` STRING, `occurrence` INT64>>[]", "CAST([] AS STRUCT(element VARCHAR, occurrence BIGINT)[])",
			"[STRUCT(CAST(NULL AS STRING) AS `element`, 0 AS `occurrence`)]", "[struct_pack(element := CAST(NULL AS VARCHAR), occurrence := CAST(0 AS BIGINT))]",
		},
		forms: [][2]string{
			{`SELECT AS STRUCT v AS "element", (CASE WHEN v IS NULL .*? END) AS "occurrence" FROM`, "SELECT struct_pack(element := v, occurrence := $1) FROM"},
			{`FROM UNNEST\(((?:[^()]|\([^()]*\)|\((?:[^()]|\([^()]*\))*\))*)\) AS x WITH OFFSET AS n`, "FROM (SELECT unnest($1) AS x, generate_subscripts($1, 1) AS n)"},
			{`(?s)CROSS JOIN UNNEST\((.*)\) AS "e"`, `CROSS JOIN LATERAL (SELECT unnest($1, recursive := true)) AS "e"`},
		},
	},
	"Snowflake": {
		dialect: query.Snowflake,
		macros: []string{
			"TRY_PARSE_JSON(x) AS CASE WHEN json_valid(x) THEN CAST(x AS JSON) END", "IS_ARRAY(x) AS json_type(x) = 'ARRAY'", "AS_ARRAY(x) AS TRY_CAST(x AS JSON[])", "TO_VARIANT(x) AS CAST(x AS JSON)",
			"IS_NULL_VALUE(x) AS json_type(x) = 'NULL'", "AS_VARCHAR(x) AS nullif(x, 'no array')", "ARRAY_POSITION(v, a) AS list_position(a, v) - 1",
		},
		words: []string{
			`"e".VALUE`, `"e"."value"`, `"e".THIS`, `"e"."this"`, `"e".INDEX`, `"e"."index"`, "IS_OBJECT(x)", "json_type(x) = 'OBJECT'", "ARRAY_CONSTRUCT(OBJECT_CONSTRUCT('none', TRUE))", "['no array']", "ARRAY_CONSTRUCT(", "list_value(",
			`\\`, `\`, " AS VARIANT)", " AS JSON)", "TRANSFORM(", "list_transform(", "FILTER(", "list_filter(", "ARRAY_SIZE(", "len(", "REGEXP_LIKE(", "regexp_full_match(",
		},
		forms: [][2]string{
			{`x -> CAST\(x AS VARCHAR\)\) WHEN|x -> CAST\(x AS VARCHAR\)\) ELSE`, "x -> json_extract_string(x, '$$')) ELSE"},
			{`IS_OBJECT\(("e"."value")\)`, "$1 = 'no array'"},
			{`(?s)LATERAL FLATTEN\(INPUT => (.*)\) AS "e"`, `LATERAL (SELECT unnest(list_transform(range(len($1)), i -> struct_pack("value" := $1[i + 1], "index" := i, "this" := $1)), recursive := true)) AS "e"("value", "index", "this")`},
		},
	},
	"Databricks": {
		dialect: query.DatabricksANSI,
		macros: []string{
			"try_parse_json(x) AS CASE WHEN json_valid(x) THEN CAST(x AS JSON) END", "schema_of_variant(x) AS json_type(x) || '<'", "try_variant_get(x, a, b) AS TRY_CAST(x AS JSON[])",
			"is_variant_null(x) AS COALESCE(json_type(x) = 'NULL', FALSE)",
		},
		words: []string{
			"LATERAL inline(", "LATERAL (SELECT unnest(", `) AS "e"(`, `, recursive := true)) AS "e"(`, "x -> CAST(x AS STRING)", "x -> json_extract_string(x, '$')", "transform(", "list_transform(", "i + 1", "i",
			"named_struct('element', ", "struct_pack(element := ", ", 'occurrence', ", ", occurrence := ", "size(", "len(", "filter(", "list_filter(", "slice(", "list_slice(", "array(", "list_value(", " RLIKE ", " ~ ",
		},
	},
}

// The elements of arrays are told apart by what warehouses compute for each array: put into DuckDB's words, that yields the
// same rows as everywhere.
//
// Req: SY-89, SY-91
func TestElementsInOtherWords(t *testing.T) {
	t.Parallel()
	for name, s := range speakers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := database(t, openDuckDB(t), query.DuckDB)
			for _, m := range s.macros {
				if err := d.Execute(t.Context(), "CREATE MACRO "+m); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range dialecttest.Arrays() {
				sql := strings.NewReplacer(s.words...).Replace(s.dialect.SQL(c.Query))
				for _, f := range s.forms {
					sql = regexp.MustCompile(f[0]).ReplaceAllString(sql, f[1])
				}
				rows, err := d.Query(t.Context(), sql)
				if err != nil {
					t.Errorf("%s: %s: %v", c.Name, sql, err)
					continue
				}
				if want := slices.SortedFunc(slices.Values(c.Want), slices.Compare); !slices.EqualFunc(slices.SortedFunc(slices.Values(rows), slices.Compare), want, slices.Equal[[]string]) {
					t.Errorf("%s: %v, want %v", c.Name, rows, want)
				}
			}
		})
	}
}
