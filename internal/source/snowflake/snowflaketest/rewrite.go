package snowflaketest

import (
	"fmt"
	"strings"
	"unicode"
)

// token is a piece of a statement.
type token struct {
	kind byte // 's' space and comments, 'w' word, 'q' quoted name, 't' text, 'n' number, 'p' anything else
	text string
	word string // a word in capitals; a text's value
}

// tokens splits a statement. Texts have Snowflake's escapes.
func tokens(sql string) ([]token, error) {
	var all []token
	for rest := sql; rest != ""; {
		t, size, err := next(rest)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
		rest = rest[size:]
	}
	return all, nil
}

func next(rest string) (token, int, error) {
	until := func(end string, from int) int {
		if at := strings.Index(rest[from:], end); at >= 0 {
			return from + at + len(end)
		}
		return len(rest)
	}
	c := rune(rest[0])
	switch {
	case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "//"):
		n := until("\n", 0)
		return token{'s', rest[:n], ""}, n, nil
	case strings.HasPrefix(rest, "/*"):
		n := until("*/", 2)
		return token{'s', rest[:n], ""}, n, nil
	case strings.HasPrefix(rest, "$$"):
		n := until("$$", 2)
		return token{'t', rest[:n], rest[2 : n-2]}, n, nil
	case c == '\'':
		return text(rest)
	case c == '"':
		n := 1
		for n < len(rest) && (rest[n] != '"' || strings.HasPrefix(rest[n:], `""`)) {
			n += 1 + strings.Count(rest[n:min(n+2, len(rest))], `""`)
		}
		n = min(n+1, len(rest))
		return token{'q', rest[:n], ""}, n, nil
	case unicode.IsSpace(c):
		n := len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
		return token{'s', rest[:n], ""}, n, nil
	case c == '_' || unicode.IsLetter(c):
		n := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if n < 0 {
			n = len(rest)
		}
		return token{'w', rest[:n], strings.ToUpper(rest[:n])}, n, nil
	case unicode.IsDigit(c):
		n := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && !unicode.IsDigit(r) })
		if n < 0 {
			n = len(rest)
		}
		return token{'n', rest[:n], ""}, n, nil
	default:
		return token{'p', rest[:1], ""}, 1, nil
	}
}

// text reads a text in quotes.
func text(rest string) (token, int, error) {
	var value strings.Builder
	for n := 1; n < len(rest); n++ {
		switch {
		case rest[n] == '\\' && n+1 < len(rest):
			n++
			value.WriteByte(escaped(rest[n]))
		case strings.HasPrefix(rest[n:], "''"):
			n++
			value.WriteByte('\'')
		case rest[n] == '\'':
			return token{'t', rest[:n+1], value.String()}, n + 1, nil
		default:
			value.WriteByte(rest[n])
		}
	}
	return token{}, 0, &failure{"001003", "42000", "SQL compilation error:\nparse error line 1 at position 0 near '<EOF>'."}
}

func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case '0':
		return 0
	default:
		return c
	}
}

// countStatements counts what semicolons separate.
func countStatements(sql string) int {
	all, err := tokens(sql)
	if err != nil {
		return 1
	}
	n, something := 0, false
	for _, t := range all {
		switch {
		case t.text == ";":
			something = false
		case t.kind != 's' && !something:
			n, something = n+1, true
		}
	}
	return n
}

// firstWord says what a statement does.
func firstWord(sql string) string {
	all, err := tokens(sql)
	if err != nil {
		return "SELECT" // which will say what is wrong
	}
	for _, t := range all {
		switch t.kind {
		case 's':
		case 'w':
			return t.word
		default:
			return t.text
		}
	}
	return ""
}

// words are Snowflake's, with DuckDB's. A type that ends with an asterisk loses its length.
var words = map[string]string{
	"NUMBER": "DECIMAL", "FLOAT": "DOUBLE", "REAL": "DOUBLE", "STRING": "VARCHAR", "BINARY": "BLOB*", "VARIANT": "JSON", "OBJECT": "JSON", "ARRAY": "JSON",
	"TIMESTAMP_TZ": "TIMESTAMPTZ*", "TIMESTAMP_LTZ": "TIMESTAMPTZ*", "TIMESTAMP_NTZ": "TIMESTAMP*", "DATETIME": "TIMESTAMP*",
	"PARSE_JSON": "sf_parse_json", "TO_VARIANT": "sf_to_variant", "TO_JSON": "sf_to_json", "CONVERT_TIMEZONE": "sf_convert_timezone", "TO_BINARY": "sf_to_binary",
	"TO_DATE": "sf_to_date", "TO_TIMESTAMP_TZ": "sf_to_timestamp_tz", "HEX_ENCODE": "sf_hex_encode", "BASE64_ENCODE": "sf_base64_encode", "OCTET_LENGTH": "sf_octet_length",
	"STARTSWITH": "starts_with", "ARRAY_CONSTRUCT": "json_array", "OBJECT_CONSTRUCT": "json_object", "INFORMATION_SCHEMA": "sf_information_schema",
}

// formats are what TO_CHAR may write.
var formats = map[string]string{
	"YYYY-MM-DD": "sf_char_day", `YYYY-MM-DD"T"HH24:MI:SS.FF6"Z"`: "sf_char_micros", `YYYY-MM-DD"T"HH24:MI:SS.FF9"Z"`: "sf_char_nanos", "TME": "sf_char_float",
}

// rewriter turns tokens into DuckDB's SQL.
type rewriter struct {
	all []token
	out strings.Builder
}

// rewrite turns a statement of Snowflake into one of DuckDB with the same lines.
func rewrite(sql string) (string, error) {
	if strings.Contains(sql, "FROM read_csv(") { // the stand-in's own
		return sql, nil
	}
	all, err := tokens(sql)
	if err != nil {
		return "", err
	}
	r := rewriter{all: all}
	for i := 0; i < len(r.all); {
		size, err := r.take(i)
		if err != nil {
			return "", err
		}
		i += size
	}
	return r.out.String(), nil
}

// at returns the next token from i on that is no space, and where it is.
func (r *rewriter) at(i int) (token, int) {
	for ; i < len(r.all); i++ {
		if r.all[i].kind != 's' {
			return r.all[i], i
		}
	}
	return token{}, i
}

// take rewrites what begins at i and returns how many tokens that is.
func (r *rewriter) take(i int) (int, error) {
	t := r.all[i]
	following, at := r.at(i + 1)
	switch {
	case t.kind == 't':
		r.out.WriteString("'" + strings.ReplaceAll(t.word, "'", "''") + "'")
		return 1, nil
	case (t.text == `"`+Database+`"` || t.word == Database) && following.text == ".":
		return at + 1 - i, nil
	case t.kind != 'w' || i > 0 && r.all[i-1].text == "." && t.word != "INFORMATION_SCHEMA":
		r.out.WriteString(t.text)
		return 1, nil
	case t.word == "ICEBERG":
		return 1, r.iceberg()
	case t.word == "CATALOG" && following.text == "=":
		return r.options(i)
	case t.word == "SEQ8" || t.word == "SEQ4":
		r.out.WriteString("sf_seq")
		return r.close(at) + 1 - i, nil
	case t.word == "TABLE" && following.text == "(":
		return r.generator(i, at)
	case t.word == "TO_CHAR":
		return r.toChar(i, at)
	default:
		return r.word(i, t, following, at), nil
	}
}

func (r *rewriter) word(i int, t, following token, at int) int {
	to, known := words[t.word]
	function := strings.HasPrefix(to, "sf_") || strings.HasPrefix(to, "json_")
	if !known || function && following.text != "(" && t.word != "INFORMATION_SCHEMA" {
		r.out.WriteString(t.text)
		return 1
	}
	name, plain := strings.CutSuffix(to, "*")
	r.out.WriteString(name)
	if t.word == "NUMBER" && following.text != "(" {
		r.out.WriteString("(38, 0)")
	}
	if plain && following.text == "(" {
		return r.close(at) + 1 - i
	}
	return 1
}

// close finds the parenthesis that ends the one at i.
func (r *rewriter) close(i int) int {
	depth := 0
	for ; i < len(r.all); i++ {
		switch r.all[i].text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(r.all) - 1
}

// generator rewrites TABLE(GENERATOR(ROWCOUNT => n)).
func (r *rewriter) generator(i, open int) (int, error) {
	end := r.close(open)
	for _, t := range r.all[open:end] {
		if t.kind == 'n' {
			fmt.Fprintf(&r.out, "range(%s) AS sf_generator(sf_seq)", t.text)
			return end + 1 - i, nil
		}
	}
	return 0, &failure{"001003", "42000", "SQL compilation error:\nthe stand-in knows TABLE(GENERATOR(ROWCOUNT => n)) only"}
}

// toChar rewrites TO_CHAR(x, format).
func (r *rewriter) toChar(i, open int) (int, error) {
	end := r.close(open)
	last := end - 1
	name := formats[r.all[last].word]
	if r.all[last].kind != 't' || name == "" {
		return 0, &failure{"001007", "22023", "SQL compilation error:\nthe stand-in does not know this format of TO_CHAR"}
	}
	comma := last
	for r.all[comma].text != "," {
		comma--
	}
	inner := rewriter{all: r.all[open+1 : comma]}
	for j := 0; j < len(inner.all); {
		size, err := inner.take(j)
		if err != nil {
			return 0, err
		}
		j += size
	}
	r.out.WriteString(name + "(" + inner.out.String() + ")")
	return end + 1 - i, nil
}

// iceberg proves that a table of this kind says where its files are.
func (r *rewriter) iceberg() error {
	var all strings.Builder
	for _, t := range r.all {
		all.WriteString(t.text)
	}
	for _, option := range []string{"CATALOG = 'SNOWFLAKE'", "EXTERNAL_VOLUME = '" + Volume + "'", "BASE_LOCATION = '"} {
		if !strings.Contains(all.String(), option) {
			return &failure{"091017", "0A000", "SQL compilation error:\nan Iceberg table needs " + option}
		}
	}
	return nil
}

// options leaves out those of an Iceberg table: name, equals and text, three times.
func (r *rewriter) options(i int) (int, error) {
	end := i
	for range 3 {
		for _, want := range []byte("wpt") {
			t, at := r.at(end)
			if t.kind != want {
				return 0, &failure{"001003", "42000", "SQL compilation error:\nunexpected '" + t.text + "'."}
			}
			end = at + 1
		}
	}
	return end - i, nil
}
