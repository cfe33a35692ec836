package trinotest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error is a failure as a server says it.
type Error struct {
	Name    string // such as SYNTAX_ERROR
	Message string
	Line    int // 0 where there is no place
	Column  int
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

func failure(name string, line, column int, format string, args ...any) *Error {
	e := &Error{Name: name, Message: fmt.Sprintf(format, args...), Line: line, Column: column}
	if line > 0 {
		e.Message = fmt.Sprintf("line %d:%d: %s", line, column, e.Message)
	}
	return e
}

// Rewriter turns Trino's SQL into DuckDB's.
type Rewriter struct {
	Catalog string // whose name before a schema means nothing to DuckDB
}

// Rewrite returns the statement in DuckDB's words. Lines stay lines, so that places of errors do.
func (r Rewriter) Rewrite(sql string) (string, error) {
	tokens := split(sql)
	line, column := 1, 1
	for _, t := range tokens {
		if t == ";" {
			return "", failure("SYNTAX_ERROR", line, column, "mismatched input ';'. Expecting: <EOF>")
		}
		if n := strings.Count(t, "\n"); n > 0 {
			line, column = line+n, 1
			t = t[strings.LastIndexByte(t, '\n')+1:]
		}
		column += utf8.RuneCountInString(t)
	}
	return r.all(tokens), nil
}

var tokenPattern = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|\s+|'(?:[^']|'')*'|"(?:[^"]|"")*"|` + "`(?:[^`]|``)*`" + `|[\pL_][\pL\pN_$]*|[0-9]+(?:\.[0-9]+)?|.`)

func split(sql string) []string { return tokenPattern.FindAllString(sql, -1) }

func blank(t string) bool {
	return strings.TrimSpace(t) == "" || strings.HasPrefix(t, "--") || strings.HasPrefix(t, "/*")
}

// next returns the index of the first token at or after i that says something.
func next(tokens []string, i int) int {
	for i < len(tokens) && blank(tokens[i]) {
		i++
	}
	return i
}

// is reports whether the words stand at i, and returns what follows them.
func is(tokens []string, i int, words ...string) (end int, ok bool) {
	for _, w := range words {
		i = next(tokens, i)
		if i >= len(tokens) || !strings.EqualFold(tokens[i], w) {
			return 0, false
		}
		i++
	}
	return i, true
}

// partner returns the index of the parenthesis that closes the one at i.
func partner(tokens []string, i int) int {
	depth := 0
	for ; i < len(tokens); i++ {
		switch tokens[i] {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(tokens) - 1
}

// functions have other names in DuckDB.
var functions = map[string]string{"MD5": "trino_md5", "SEQUENCE": "generate_series", "TO_UTF8": "encode", "TO_BASE64": "to_base64"}

func (r Rewriter) all(tokens []string) string {
	var out strings.Builder
	for i := 0; i < len(tokens); {
		text, end := r.one(tokens, i)
		out.WriteString(text)
		i = end
	}
	return out.String()
}

// one rewrites what begins at i.
func (r Rewriter) one(tokens []string, i int) (text string, end int) {
	t := tokens[i]
	upper := strings.ToUpper(t)
	open, called := is(tokens, i+1, "(")
	switch {
	case (upper == "CAST" || upper == "TRY_CAST") && called:
		closing := partner(tokens, open-1)
		return r.cast(t, tokens[open:closing]), closing + 1
	case upper == "TIMESTAMP" || upper == "TIME":
		return instant(tokens, i)
	case upper == "JSON":
		if at := next(tokens, i+1); at < len(tokens) && tokens[at][0] == '\'' {
			return "CAST(" + tokens[at] + " AS JSON)", at + 1
		}
	case upper == "X" && i+1 < len(tokens) && tokens[i+1][0] == '\'':
		return "unhex(" + tokens[i+1] + ")", i + 2
	case upper == "VARBINARY":
		return "BLOB", i + 1
	case upper == "WITH" && called:
		if end, ok := options(tokens, open-1); ok {
			return "", end
		}
	case upper == "SYSTEM":
		if end, ok := is(tokens, i+1, ".", "jdbc", "."); ok {
			return "jdbc.jdbc_", end
		}
	case t[0] == '`':
		return `"` + strings.ReplaceAll(strings.ReplaceAll(t[1:len(t)-1], "``", "`"), `"`, `""`) + `"`, i + 1
	case called && functions[upper] != "":
		return functions[upper], i + 1
	case r.Catalog != "" && (strings.EqualFold(t, r.Catalog) || strings.EqualFold(t, `"`+r.Catalog+`"`)):
		if end, ok := is(tokens, i+1, "."); ok {
			return "", end
		}
	}
	return t, i + 1
}

// options are what stands behind the name of a new table.
func options(tokens []string, open int) (end int, ok bool) {
	first := next(tokens, open+1)
	if _, ok := is(tokens, first+1, "="); !ok {
		return 0, false
	}
	return partner(tokens, open) + 1, true
}

var zonePattern = regexp.MustCompile(`[0-9] ?(?:UTC|[A-Z][a-z]+/[A-Za-z_]+|[+-][0-9]{2}:[0-9]{2})'$`)

// instant reads a constant, or a type with its precision and its zone.
func instant(tokens []string, i int) (text string, end int) {
	name := strings.ToUpper(tokens[i])
	at := next(tokens, i+1)
	if at < len(tokens) && tokens[at][0] == '\'' {
		if zonePattern.MatchString(tokens[at]) {
			name += "TZ"
		}
		return name + " " + tokens[at], at + 1
	}
	end = i + 1
	if _, ok := is(tokens, i+1, "("); ok {
		end = partner(tokens, at) + 1
	}
	if zoned, ok := is(tokens, end, "WITH", "TIME", "ZONE"); ok {
		return name + "TZ", zoned
	}
	return name, end
}

// cast rewrites what stands between the parentheses of a cast.
func (r Rewriter) cast(word string, inside []string) string {
	as, depth := -1, 0
	for i, t := range inside {
		switch {
		case t == "(" || t == "[":
			depth++
		case t == ")" || t == "]":
			depth--
		case depth == 0 && strings.EqualFold(t, "AS"):
			as = i
		}
	}
	if as < 0 {
		return word + "(" + r.all(inside) + ")"
	}
	e, kind := inside[:as], inside[as+1:]
	to := strings.ToUpper(strings.TrimSpace(r.all(kind)))
	if to == "JSON" {
		return "to_json(" + r.all(e) + ")"
	}
	for i := range e {
		if end, ok := is(e, i, "AT", "TIME", "ZONE", "'UTC'"); ok && next(e, end) == len(e) && to == "VARCHAR" {
			return "strftime(" + r.all(e) + ", '%Y-%m-%d %H:%M:%S.%f UTC')"
		}
	}
	return word + "(" + r.all(e) + " AS " + strings.ReplaceAll(strings.TrimSpace(r.all(kind)), "ROW(", "STRUCT(") + ")"
}

// Setup are DuckDB's statements that make what servers have: their functions, and what they tell drivers of tables in
// the catalogue.
func Setup(catalog string) []string {
	const hidden = "schema_name NOT IN ('jdbc', 'pg_catalog') AND NOT internal"
	return []string{
		"CREATE MACRO trino_md5(b) AS unhex(md5(b))",
		"CREATE MACRO json_format(j) AS CAST(j AS VARCHAR)",
		"CREATE MACRO json_parse(j) AS CAST(j AS JSON)",
		"CREATE SCHEMA jdbc",
		`CREATE VIEW jdbc.jdbc_tables AS SELECT '` + catalog + `' AS table_cat, schema_name AS table_schem, table_name, 'TABLE' AS table_type FROM duckdb_tables() WHERE ` + hidden +
			` UNION ALL SELECT '` + catalog + `', schema_name, view_name, 'VIEW' FROM duckdb_views() WHERE ` + hidden,
		`CREATE VIEW jdbc.jdbc_columns AS SELECT '` + catalog + `' AS table_cat, schema_name AS table_schem, table_name, column_name, data_type AS type_name,
			CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS is_nullable, comment AS remarks, column_index AS ordinal_position FROM duckdb_columns() WHERE ` + hidden,
	}
}

// number is the value of digits.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		panic(err) // they were matched
	}
	return n
}

var duckPlace = regexp.MustCompile(`(?s)\n\nLINE (\d+): (.*)$`)

// FromDuckDB is DuckDB's error in the words of a server.
func FromDuckDB(err error) *Error {
	text, line, column := err.Error(), 0, 0
	if m := duckPlace.FindStringSubmatchIndex(text); m != nil {
		line = number(text[m[2]:m[3]])
		_, caret, _ := strings.Cut(text[m[4]:m[5]], "\n")
		column = max(1, strings.IndexByte(caret, '^')-len("LINE : ")-(m[3]-m[2])+1)
		text = text[:m[0]]
	}
	at := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	switch {
	case at(`syntax error at or near "(.*?)"`) != "":
		return failure("SYNTAX_ERROR", line, column, "mismatched input '%s'. Expecting: <expression>", at(`syntax error at or near "(.*?)"`))
	case at(`Table with name (\S+) does not exist`) != "":
		return failure("TABLE_NOT_FOUND", line, column, "Table '%s' does not exist", at(`Table with name (\S+) does not exist`))
	case at(`Referenced column "(.*?)" not found`) != "":
		return failure("COLUMN_NOT_FOUND", line, column, "Column '%s' cannot be resolved", at(`Referenced column "(.*?)" not found`))
	case at(`"(.*?)" already exists`) != "":
		return failure("TABLE_ALREADY_EXISTS", 1, 1, "Table '%s' already exists", at(`"(.*?)" already exists`))
	case strings.Contains(text, "Conversion Error"):
		return failure("INVALID_CAST_ARGUMENT", 0, 0, "%s", text)
	default:
		return failure("GENERIC_USER_ERROR", line, column, "%s", text)
	}
}
