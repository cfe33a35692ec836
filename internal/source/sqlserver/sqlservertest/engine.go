package sqlservertest

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// catalog is the system catalog as far as it is asked for, each view of it as a column of one relation.
var catalog = []string{
	"SET threads = 1", // tests are parallel themselves
	"CREATE SCHEMA standin",
	`CREATE VIEW standin.catalog AS SELECT
{'name': c.schema_name} AS s, {'name': c.table_name, 'type': CASE WHEN v.view_name IS NULL THEN 'U' ELSE 'V' END, 'is_ms_shipped': 0} AS o,
{'name': c.column_name, 'column_id': c.column_index, 'max_length': -1, 'precision': coalesce(c.numeric_precision, 0),
 'scale': CASE WHEN c.data_type LIKE 'TIME%' THEN 7 ELSE coalesce(c.numeric_scale, 0) END, 'is_nullable': c.is_nullable} AS c,
{'name': CASE regexp_replace(c.data_type, '\(.*', '') WHEN 'BOOLEAN' THEN 'bit' WHEN 'DOUBLE' THEN 'float' WHEN 'FLOAT' THEN 'real' WHEN 'INTEGER' THEN 'int'
 WHEN 'VARCHAR' THEN 'nvarchar' WHEN 'BLOB' THEN 'varbinary' WHEN 'TIMESTAMP' THEN 'datetime2' WHEN 'TIMESTAMP WITH TIME ZONE' THEN 'datetimeoffset'
 WHEN 'UUID' THEN 'uniqueidentifier' ELSE lower(regexp_replace(c.data_type, '\(.*', '')) END} AS b,
{'name': NULL::VARCHAR} AS t, {'value': c.comment} AS p, {'rows': r.estimated_size} AS r
FROM duckdb_columns() c LEFT JOIN duckdb_views() v ON v.schema_name = c.schema_name AND v.view_name = c.table_name
LEFT JOIN duckdb_tables() r ON r.schema_name = c.schema_name AND r.table_name = c.table_name
WHERE c.database_name = 'memory' AND NOT c.internal AND c.schema_name <> 'standin' AND c.table_name NOT LIKE 'incoming%'`,
}

// whole are statements that have another form in DuckDB.
var whole = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`(?s)^IF EXISTS \(SELECT 1 FROM sys\.databases.*$`), "SELECT 1 WHERE false"},
	{regexp.MustCompile(`^SET XACT_ABORT ON;.*$`), "SELECT 1 WHERE false"},
	{regexp.MustCompile(`^SELECT compatibility_level, .* FROM sys\.databases WHERE database_id = DB_ID\(\)$`), "SELECT CAST(160 AS INTEGER), 'READ_WRITE'"},
	{regexp.MustCompile(`(?s)^(?:/\*.*?\*/ )?IF OBJECT_ID\(.*\) IS NOT NULL DROP TABLE (.*)$`), "DROP TABLE IF EXISTS $1"},
	{regexp.MustCompile(`(?s)^(?:/\*.*?\*/ )?IF SCHEMA_ID\(.*\) IS NULL EXEC\('CREATE SCHEMA \[(.*)\]'\)$`), `CREATE SCHEMA IF NOT EXISTS "$1"`},
	{regexp.MustCompile(`(?s)\nFROM sys\.objects AS o\n.*?\nWHERE `), "\nFROM standin.catalog WHERE "},
	{regexp.MustCompile(`FROM sys\.objects AS o JOIN .*? WHERE `), "FROM (SELECT DISTINCT s, o FROM standin.catalog) WHERE "},
	{regexp.MustCompile(` WITH \(DISTRIBUTION = ROUND_ROBIN, HEAP\)`), ""},
	{regexp.MustCompile(`(?s)^((?:/\*.*?\*/ )?(?:WITH .*?\s)?)SELECT TOP \((\d+)\) (\* FROM .*)$`), "${1}SELECT $3 LIMIT $2"},
}

// words are types and functions outside of texts and names.
var words = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\bNVARCHAR\b`), "VARCHAR"},
	{regexp.MustCompile(`\(MAX\)`), ""},
	{regexp.MustCompile(`\bDATETIMEOFFSET(\(\d\))?`), "TIMESTAMPTZ"},
	{regexp.MustCompile(`\bDATETIME2(\(\d\))?`), "TIMESTAMP"},
	{regexp.MustCompile(`\bVARBINARY\b`), "BLOB"},
	{regexp.MustCompile(`\bBIT\b`), "BOOLEAN"},
	{regexp.MustCompile(`\bFLOAT\b`), "DOUBLE"},
	{regexp.MustCompile(`\b0x([0-9A-Fa-f]*)`), "from_hex('$1')"},
	{regexp.MustCompile(`\bCOUNT_BIG\b`), "count"},
	{regexp.MustCompile(` COLLATE Latin1_General_100_BIN2`), ""},
}

// part is a text, a quoted name, a comment, or what stands between them.
var part = regexp.MustCompile(`(?s)N?'(?:[^']|'')*'|"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\]|/\*.*?\*/|--[^\n]*`)

// rewrite turns what is asked in T-SQL into DuckDB's SQL.
func rewrite(sql string) (string, error) {
	var b strings.Builder
	between := func(code string) {
		for _, w := range words {
			code = w.from.ReplaceAllString(code, w.to)
		}
		b.WriteString(code)
	}
	at := 0
	for _, p := range part.FindAllStringIndex(sql, -1) {
		between(sql[at:p[0]])
		at = p[1]
		switch text := sql[p[0]:p[1]]; text[0] {
		case 'N':
			b.WriteString(text[1:])
		case '[':
			name := strings.ReplaceAll(text[1:len(text)-1], "]]", "]")
			b.WriteString(`"` + strings.ReplaceAll(name, `"`, `""`) + `"`)
		default:
			b.WriteString(text)
		}
	}
	between(sql[at:])
	text := b.String()
	for _, w := range whole {
		text = w.from.ReplaceAllString(text, w.to)
	}
	return text, nil
}

var yielding = regexp.MustCompile(`(?is)^(\s|/\*.*?\*/|--[^\n]*\n)*(SELECT|WITH)\b`)

// yields tells whether a statement yields rows.
func yields(sql string) bool { return yielding.MatchString(sql) }

// wrapper is what a statement of a person is put into.
var wrapper = regexp.MustCompile(`(?s)SELECT TOP \(0\) \* FROM \((.*)\) AS \[_millrace_model\]$`)

// query answers with a result.
func (x *client) query(ctx context.Context, sql string, r *reply) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if m := wrapper.FindStringSubmatch(sql); m != nil {
		if err := distinct(m[1]); err != nil {
			return err
		}
	}
	rows, err := x.server.engine.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Release()
	head, wires, err := columnsToken(rows.Schema())
	if err != nil {
		return err
	}
	r.add(head)
	var count uint64
	var row []byte
	for rows.Next() {
		b := rows.RecordBatch()
		for n := range int(b.NumRows()) {
			if ctx.Err() != nil || r.err != nil {
				return errors.Join(ctx.Err(), r.err)
			}
			row = append(row[:0], 0xd1)
			for i, w := range wires {
				row = w.add(row, b.Column(i), n)
			}
			r.add(row)
			count++
		}
	}
	if rows.Err() != nil {
		return rows.Err()
	}
	r.add(doneToken(doneCount, count))
	return nil
}

// alias is the name of a result's column.
var alias = regexp.MustCompile(`AS "?(\w+)"?\s*(?:,|$)`)

// distinct refuses two columns of one name in a derived table, which DuckDB would rename. It sees those of constants.
func distinct(inner string) error {
	if strings.Contains(inner, "FROM") || strings.Contains(inner, "UNION") {
		return nil
	}
	seen := map[string]bool{}
	for _, m := range alias.FindAllStringSubmatch(inner, -1) {
		name := strings.ToLower(m[1])
		if seen[name] {
			return &Error{8156, 1, 16, "The column '" + name + "' was specified multiple times for '_millrace_model'.", 1}
		}
		seen[name] = true
	}
	return nil
}

var asked = regexp.MustCompile(`(?s)first_result_set\(N'(.*)', NULL, 1\)`)

// comments answers what columns of a statement say of themselves.
func (x *client) comments(ctx context.Context, sql string, r *reply) error {
	m := asked.FindStringSubmatch(sql)
	if m == nil {
		return errors.New("the stand-in does not understand the question")
	}
	rows, err := x.server.engine.Query(ctx, "SELECT TOP (0) * FROM ("+strings.ReplaceAll(m[1], "''", "'")+"\n) AS x")
	if err != nil {
		return err
	}
	var lines []string
	for i, f := range rows.Schema().Fields() {
		if comment := x.server.o.Comments[f.Name]; comment != "" {
			lines = append(lines, "SELECT CAST("+strconv.Itoa(i+1)+" AS INTEGER), '"+strings.ReplaceAll(comment, "'", "''")+"'")
		}
	}
	rows.Release()
	if len(lines) == 0 {
		lines = []string{"SELECT 1, '' WHERE false"}
	}
	return x.query(ctx, strings.Join(lines, " UNION ALL "), r)
}

var (
	atLine    = regexp.MustCompile(`LINE (\d+):`)
	nearToken = regexp.MustCompile(`syntax error at or near "(.*?)"`)
	noTable   = regexp.MustCompile(`Table with name (\S+) does not exist`)
	noColumn  = regexp.MustCompile(`Referenced column "(.*?)" not found`)
	exists    = regexp.MustCompile(`Table with name "(.*?)" already exists`)
)

// errorOf gives an error of DuckDB's the number and the words that the server would use.
func errorOf(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	text, line := err.Error(), int32(1)
	if m := atLine.FindStringSubmatch(text); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 32) //nolint:errcheck // digits
		line = int32(n)
	}
	for _, c := range []struct {
		is     *regexp.Regexp
		number int32
		class  uint8
		says   string
	}{
		{nearToken, 102, 15, "Incorrect syntax near '%s'."},
		{noTable, 208, 16, "Invalid object name '%s'."},
		{noColumn, 207, 16, "Invalid column name '%s'."},
		{exists, 2714, 16, "There is already an object named '%s' in the database."},
	} {
		if m := c.is.FindStringSubmatch(text); m != nil {
			return &Error{c.number, 1, c.class, strings.Replace(c.says, "%s", m[1], 1), line}
		}
	}
	return &Error{50000, 1, 16, text, line}
}
