package bigquerytest

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// macros are functions of BigQuery that DuckDB has otherwise.
var macros = []string{
	"CREATE MACRO bq_to_hex(b) AS lower(hex(b))",
	"CREATE MACRO bq_md5(t) AS unhex(md5(t))",
	"CREATE MACRO bq_to_json_string(v) AS CAST(to_json(v) AS VARCHAR)",
	"CREATE MACRO bq_parse_json(t) AS CAST(t AS JSON)",
	"CREATE MACRO bq_format_timestamp(f, t, z) AS strftime(timezone(z, t), replace(f, '%E6S', '%S.%f'))",
}

// words are those of GoogleSQL that are others in DuckDB's.
var words = map[string]string{
	"STRING": "VARCHAR", "INT64": "BIGINT", "FLOAT64": "DOUBLE", "BYTES": "BLOB", "TIMESTAMP": "TIMESTAMPTZ", "DATETIME": "TIMESTAMP", "BOOL": "BOOLEAN",
	"BIGNUMERIC": "DECIMAL(38, 19)", "NUMERIC": "DECIMAL(38, 9)", "SAFE_CAST": "TRY_CAST", "BYTE_LENGTH": "strlen", "TO_HEX": "bq_to_hex", "MD5": "bq_md5", "FROM_HEX": "unhex",
	"TO_JSON_STRING": "bq_to_json_string", "PARSE_JSON": "bq_parse_json", "FORMAT_TIMESTAMP": "bq_format_timestamp", "GENERATE_ARRAY": "generate_series",
}

// literals are the types that may stand before a text.
var literals = map[string]bool{"NUMERIC": true, "BIGNUMERIC": true, "JSON": true, "DATE": true, "TIMESTAMP": true, "DATETIME": true, "TIME": true}

// token is a part of a statement.
type token struct {
	kind  byte   // w a word, n a quoted name, t a text, s a sign, ' ' space and comments
	text  string // as it stands there
	value string // of names and texts
	at    int
}

// tokens cuts a statement: https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical
func tokens(sql string) ([]token, error) {
	var all []token
	for at := 0; at < len(sql); {
		t := next(sql[at:])
		if t.text == "" {
			return nil, failure(http.StatusBadRequest, "invalidQuery", "Syntax error: Unclosed string literal %s", where(sql, at))
		}
		t.at = at
		all = append(all, t)
		at += len(t.text)
	}
	return all, nil
}

var (
	spaces   = regexp.MustCompile(`^(?:\s+|--[^\n]*|#[^\n]*|(?s:/\*.*?\*/))`)
	wordly   = regexp.MustCompile(`^@*[A-Za-z_][A-Za-z_0-9]*`)
	numbers  = regexp.MustCompile(`^[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?`)
	texts    = regexp.MustCompile(`^(?:'(?s:[^'\\]|\\.)*'|"(?s:[^"\\]|\\.)*")`)
	nameText = regexp.MustCompile("^`(?:[^`\\\\]|\\\\.)*`")
)

func next(sql string) token {
	if s := spaces.FindString(sql); s != "" {
		return token{kind: ' ', text: s}
	}
	if s := wordly.FindString(sql); s != "" {
		return token{kind: 'w', text: s}
	}
	if s := numbers.FindString(sql); s != "" {
		return token{kind: 's', text: s}
	}
	switch sql[0] {
	case '\'', '"':
		s := texts.FindString(sql)
		return token{kind: 't', text: s, value: unescape(s)}
	case '`':
		s := nameText.FindString(sql)
		return token{kind: 'n', text: s, value: unescape(s)}
	default:
		return token{kind: 's', text: sql[:1]}
	}
}

var escapes = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|(?s:.))`)

func unescape(quoted string) string {
	if quoted == "" {
		return ""
	}
	return escapes.ReplaceAllStringFunc(quoted[1:len(quoted)-1], func(e string) string {
		switch e[1] {
		case 'n':
			return "\n"
		case 'r':
			return "\r"
		case 't':
			return "\t"
		case 'u', 'x':
			var r rune
			_, _ = fmt.Sscanf(e[2:], "%x", &r) //nolint:errcheck // digits
			return string(r)
		default:
			return e[1:]
		}
	})
}

// where says a place as BigQuery does.
func where(sql string, at int) string {
	before := sql[:at]
	return fmt.Sprintf("at [%d:%d]", strings.Count(before, "\n")+1, len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))+1)
}

var (
	rounding = regexp.MustCompile(`,\s*wide_number_mode\s*=>\s*'round'`)
	series   = regexp.MustCompile(`(?i)UNNEST\((generate_series\([^()]*\))\) AS "?(\w+)"?`)
)

// rewrite makes DuckDB's SQL of BigQuery's.
func rewrite(sql string) (string, error) {
	if own, ok := strings.CutPrefix(sql, raw); ok {
		return own, nil
	}
	all, err := tokens(sql)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for i := 0; i < len(all); i++ {
		switch t := all[i]; t.kind {
		case ' ':
			out.WriteString(" " + strings.Repeat("\n", strings.Count(t.text, "\n")))
		case 't':
			if before := word(all, i, -1); before == "AS" {
				return "", failure(http.StatusBadRequest, "invalidQuery", "Syntax error: Unexpected string literal %s %s", t.text, where(sql, t.at))
			}
			out.WriteString(literal(t.value))
		case 'n':
			out.WriteString(name(t.value, symbol(all, i, 1) == "."))
			if t.value == Project { // and the point
				i++
			}
		case 'w':
			i += writeWord(&out, all, i)
		default:
			out.WriteString(t.text)
		}
	}
	text := rounding.ReplaceAllString(out.String(), "")
	return series.ReplaceAllString(text, `$1 AS "${2}_"("$2")`), nil
}

// writeWord writes a word and returns how many tokens after it are written as well.
func writeWord(out *strings.Builder, all []token, i int) int {
	upper := strings.ToUpper(all[i].text)
	if literals[upper] {
		for n := i + 1; n < len(all) && n <= i+2; n++ {
			if all[n].kind == 't' {
				fmt.Fprintf(out, "CAST(%s AS %s)", literal(all[n].value), literalType(upper, all[n].value))
				return n - i
			}
			if all[n].kind != ' ' {
				break
			}
		}
	}
	switch replaced, ok := words[upper]; {
	case (upper == "NUMERIC" || upper == "BIGNUMERIC") && symbol(all, i, 1) == "(":
		out.WriteString("DECIMAL")
	case ok && symbol(all, i, -1) != ".":
		out.WriteString(replaced)
	default:
		out.WriteString(all[i].text)
	}
	return 0
}

// literalType is the type of a literal; BIGNUMERIC has as many digits as are written.
func literalType(upper, text string) string {
	if upper == "BIGNUMERIC" {
		_, behind, _ := strings.Cut(text, ".")
		return fmt.Sprintf("DECIMAL(38, %d)", len(behind))
	}
	if replaced, ok := words[upper]; ok {
		return replaced
	}
	return upper
}

// name writes a quoted name, which may be a whole path; the project is left out.
func name(text string, more bool) string {
	if text == Project && more {
		return ""
	}
	parts := strings.Split(text, ".")
	if len(parts) > 1 && parts[0] == Project {
		parts = parts[1:]
	}
	for i, p := range parts {
		parts[i] = quote(p)
	}
	return strings.Join(parts, ".")
}

// symbol is the sign right before or after a token.
func symbol(all []token, i, step int) string {
	if i += step; i >= 0 && i < len(all) && all[i].kind == 's' {
		return all[i].text
	}
	return ""
}

// word is the word before a token, over spaces.
func word(all []token, i, step int) string {
	for i += step; i >= 0 && i < len(all); i += step {
		if all[i].kind != ' ' {
			if all[i].kind == 'w' {
				return strings.ToUpper(all[i].text)
			}
			return ""
		}
	}
	return ""
}

// statements cuts a script at its semicolons.
func statements(sql string) []string {
	all, err := tokens(sql)
	if err != nil {
		return []string{sql}
	}
	var parts []string
	var part strings.Builder
	meaning := false
	flush := func() {
		if meaning {
			parts = append(parts, strings.TrimSpace(part.String()))
		}
		part.Reset()
		meaning = false
	}
	for _, t := range all {
		if t.kind == 's' && t.text == ";" {
			flush()
			continue
		}
		meaning = meaning || t.kind != ' '
		part.WriteString(t.text)
	}
	flush()
	return parts
}

// statementType: https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2.FIELDS.statement_type
func statementType(sql string) string {
	parts := statements(sql)
	if len(parts) > 1 {
		return "SCRIPT"
	}
	all, err := tokens(sql)
	if err != nil {
		return "SELECT"
	}
	first := word(all, -1, 1)
	switch first {
	case "INSERT", "UPDATE", "DELETE", "MERGE":
		return first
	case "CREATE", "DROP", "ALTER":
		for i, t := range all {
			if t.kind == 'w' && strings.EqualFold(t.text, first) {
				return first + "_" + word(all, i, 1)
			}
		}
	}
	return "SELECT"
}

// path is a table that a statement names.
type path struct{ project, name, table string }

// beforeTables are the words that names of tables follow.
var beforeTables = map[string]bool{"FROM": true, "JOIN": true, "INTO": true, "UPDATE": true, "TABLE": true, "EXISTS": true}

// pathPart are the parts of a path that a token is, none where it ends the path.
func pathPart(t token) []string {
	switch {
	case t.kind == 'n':
		return strings.Split(t.value, ".")
	case t.kind == 'w' && !strings.EqualFold(t.text, "IF"):
		return []string{t.text}
	default:
		return nil
	}
}

// datasetsIn are the tables with a dataset that a statement names.
func datasetsIn(sql string) []path {
	all, err := tokens(sql)
	if err != nil {
		return nil
	}
	var found []path
	for i, t := range all {
		if t.kind != 'w' || !beforeTables[strings.ToUpper(t.text)] {
			continue
		}
		var parts []string
		for n := i + 1; n < len(all); n++ {
			if all[n].kind == ' ' && len(parts) == 0 || all[n].text == "." {
				continue
			}
			part := pathPart(all[n])
			if part == nil {
				break
			}
			parts = append(parts, part...)
		}
		switch len(parts) {
		case 2:
			found = append(found, path{name: parts[0], table: parts[1]})
		case 3:
			found = append(found, path{project: parts[0], name: parts[1], table: parts[2]})
		case 4: // project, catalogue, namespace, table
			found = append(found, path{project: parts[0], name: parts[1] + "." + parts[2], table: parts[3]})
		}
	}
	return found
}
