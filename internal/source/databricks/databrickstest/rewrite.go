package databrickstest

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
)

// setup is what Databricks has and DuckDB has not.
var setup = []string{
	"CREATE TYPE interval_ym AS VARCHAR",
	"CREATE MACRO spark_parse_json(x) AS CAST(x AS JSON)",
	"CREATE MACRO spark_octet_length(x) AS strlen(x)",
	"CREATE MACRO spark_to_json(x) AS CAST(to_json(x) AS VARCHAR)",
	"CREATE MACRO spark_date_format(x, f) AS strftime(x AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')",
	"CREATE MACRO spark_range(a, b) AS TABLE SELECT range AS id FROM range(a, b)",
	"CREATE SCHEMA uc",
	"CREATE MACRO uc.native(t) AS CASE WHEN t LIKE '%[]' THEN 'array<' || lower(t[:-3]) || '>' WHEN t LIKE 'STRUCT%' THEN 'struct<…>' WHEN t LIKE 'MAP%' THEN 'map<…>' " +
		"WHEN t LIKE 'ENUM%' THEN 'string' ELSE coalesce(map([" + quotedAll(duckTypes) + "], [" + quotedAll(sparkTypes) + "])[t], lower(t)) END",
	"CREATE VIEW uc.tables AS SELECT table_schema, table_name, CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'MANAGED' END AS table_type FROM information_schema.tables WHERE table_schema <> 'uc'",
	"CREATE VIEW uc.columns AS SELECT schema_name AS table_schema, table_name, column_name, uc.native(data_type) AS full_data_type, " +
		"CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS is_nullable, comment, column_index AS ordinal_position FROM duckdb_columns() WHERE NOT internal",
	"CREATE VIEW uc.schemata AS SELECT DISTINCT schema_name FROM information_schema.schemata",
}

// The names of types, DuckDB's and those of Databricks.
var (
	duckTypes  = []string{"VARCHAR", "INTEGER", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "BLOB", "JSON", "INTERVAL", "HUGEINT", "interval_ym", `"NULL"`}
	sparkTypes = []string{"string", "int", "timestamp", "timestamp_ntz", "binary", "variant", "interval day to second", "bigint", "interval year to month", "void"}
)

func quotedAll(names []string) string {
	return "'" + strings.Join(names, "', '") + "'"
}

// sparkType is the name of a type of DuckDB in Databricks.
func sparkType(duck string) string {
	at := slices.Index(duckTypes, duck)
	switch {
	case at >= 0:
		return sparkTypes[at]
	case strings.HasSuffix(duck, "[]"):
		return "array<" + sparkType(strings.TrimSuffix(duck, "[]")) + ">"
	case strings.HasPrefix(duck, "STRUCT"):
		return "struct<" + strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(duck, "STRUCT("), ")")) + ">"
	case strings.HasPrefix(duck, "MAP"):
		return "map<" + strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(duck, "MAP("), ")")) + ">"
	default:
		return strings.ToLower(duck)
	}
}

// plain are words that DuckDB spells otherwise, wherever they stand.
var plain = map[string]string{
	"STRING": "VARCHAR", "TIMESTAMP": "TIMESTAMPTZ", "TIMESTAMP_NTZ": "TIMESTAMP", "VARIANT": "JSON", "BINARY": "BLOB", "VOID": `"NULL"`,
}

// functions are those that DuckDB calls otherwise.
var functions = map[string]string{
	"OCTET_LENGTH": "spark_octet_length", "TO_JSON": "spark_to_json", "DATE_FORMAT": "spark_date_format", "RANGE": "spark_range",
	"STARTSWITH": "starts_with", "RAISE_ERROR": "error", "PARSE_JSON": "spark_parse_json", "ARRAY": "list_value", "READ_FILES": "read_parquet",
}

// refused are words of DuckDB's that Databricks does not know.
var refused = []string{"ILIKE_REGEXP", "PRAGMA", "ATTACH", "MACRO", "TIMESTAMPTZ", "HUGEINT", "LIST_VALUE"}

// rewrite turns a statement of Databricks into one of DuckDB. Files of volumes are in the folder.
func rewrite(sql, folder string) (string, error) {
	all, err := tokens(sql)
	if err != nil {
		return "", err
	}
	for i, t := range all {
		if t.is(";") && words(all[i+1:], 1)[0] != "" {
			return "", errors.New("[PARSE_SYNTAX_ERROR] Syntax error at or near '" + words(all[i+1:], 1)[0] + "': extra input. SQLSTATE: 42601")
		}
	}
	w := &rewriter{in: all, folder: folder}
	for w.at < len(all) {
		if err := w.one(); err != nil {
			return "", err
		}
	}
	return w.out.String(), nil
}

type rewriter struct {
	in     []token
	at     int
	out    strings.Builder
	folder string
}

// one writes the next token, or what begins with it.
func (w *rewriter) one() error {
	t := w.in[w.at]
	switch upper := strings.ToUpper(t.text); {
	case t.kind == space || t.kind == mark || t.kind == text || t.kind == ident:
		w.plainly(t)
	case slices.Contains(refused, upper):
		return errors.New("[PARSE_SYNTAX_ERROR] Syntax error at or near '" + t.text + "'. SQLSTATE: 42601")
	case upper == "TBLPROPERTIES" && w.follows("("):
		w.skipParentheses()
	case upper == "INFORMATION_SCHEMA" && w.follows("."):
		w.put("uc")
	case upper == "X" && w.at+1 < len(w.in) && w.in[w.at+1].kind == text:
		w.put("from_hex('" + w.in[w.at+1].text + "')")
		w.at++
	case upper == "INTERVAL" && w.yearMonth():
	case upper == "ARRAY" && w.follows("<"):
		return w.arrayType()
	case (upper == "NAMED_STRUCT" || upper == "MAP") && w.follows("("):
		return w.pairs(upper)
	case functions[upper] != "" && w.follows("("):
		w.put(functions[upper])
	case plain[upper] != "":
		w.put(plain[upper])
	default:
		w.put(t.text)
	}
	return nil
}

// put writes what stands for the token.
func (w *rewriter) put(s string) {
	w.out.WriteString(s)
	w.at++
}

func (w *rewriter) plainly(t token) {
	switch {
	case t.kind == text && strings.HasPrefix(t.text, "/Volumes/"):
		w.put("'" + strings.ReplaceAll(filepath.Join(w.folder, t.text), "'", "''") + "/*.parquet'")
	case t.kind == text:
		w.put("'" + strings.ReplaceAll(t.text, "'", "''") + "'")
	case t.kind == ident:
		w.put(`"` + strings.ReplaceAll(t.text, `"`, `""`) + `"`)
	case t.is(",") && words(w.in[w.at+1:], 3)[0] == "FORMAT" && words(w.in[w.at+1:], 3)[1] == "=":
		for !w.in[w.at].is(")") { // what read_files is told of the files
			w.at++
		}
	case t.is(";"):
		w.at++ // at the end
	default:
		w.put(t.text)
	}
}

// follows reports whether the next token that is no space is the mark.
func (w *rewriter) follows(s string) bool { return words(w.in[w.at+1:], 1)[0] == s }

func (w *rewriter) skipParentheses() {
	for depth := 0; w.at < len(w.in); w.at++ {
		if t := w.in[w.at]; t.is("(") {
			depth++
		} else if t.is(")") {
			if depth--; depth == 0 {
				w.at++
				return
			}
		}
	}
}

// yearMonth writes INTERVAL '1-2' YEAR TO MONTH.
func (w *rewriter) yearMonth() bool {
	var rest []token
	for _, t := range w.in[w.at+1:] {
		if t.kind != space {
			rest = append(rest, t)
		}
	}
	if len(rest) < 4 || rest[0].kind != text || !rest[1].is("YEAR") || !rest[2].is("TO") || !rest[3].is("MONTH") {
		return false
	}
	for !w.in[w.at].is("MONTH") {
		w.at++
	}
	w.put("CAST('" + rest[0].text + "' AS interval_ym)")
	return true
}

// arrayType writes ARRAY<T>.
func (w *rewriter) arrayType() error {
	for !w.in[w.at].is("<") {
		w.at++
	}
	w.at++
	for w.at < len(w.in) && !w.in[w.at].is(">") {
		if err := w.one(); err != nil {
			return err
		}
	}
	if w.at == len(w.in) {
		return errors.New("[PARSE_SYNTAX_ERROR] Syntax error at or near end of input. SQLSTATE: 42601")
	}
	w.put("[]")
	return nil
}

// pairs writes functions of names and values: named_struct('a', 1), map('a', 1).
func (w *rewriter) pairs(function string) error {
	if function == "MAP" {
		w.out.WriteString("MAP ")
	}
	for !w.in[w.at].is("(") {
		w.at++
	}
	w.put("{")
	for depth, commas := 1, 0; w.at < len(w.in); {
		t := w.in[w.at]
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		}
		switch {
		case depth == 0:
			w.put("}")
			return nil
		case depth == 1 && t.is(","):
			w.put([]string{":", ","}[commas%2])
			commas++
		default:
			before := w.at
			if err := w.one(); err != nil {
				return err
			}
			depth += balance(w.in[before:w.at], t)
		}
	}
	return errors.New("[PARSE_SYNTAX_ERROR] Syntax error at or near end of input. SQLSTATE: 42601")
}

// balance is how deep what one token wrote has left the parentheses open, besides the token itself.
func balance(all []token, first token) int {
	n := 0
	for i, t := range all {
		if i == 0 && (first.is("(") || first.is(")")) {
			continue
		}
		if t.is("(") {
			n++
		} else if t.is(")") {
			n--
		}
	}
	return n
}
