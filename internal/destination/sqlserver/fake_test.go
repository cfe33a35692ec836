package sqlserver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	mssql "github.com/microsoft/go-mssqldb"
	"modernc.org/sqlite"
)

// fake stands in for a server beneath database/sql. It keeps rows in SQLite, and reads the statements that this package
// writes: those it does not know it refuses. It proves what batches, transactions, receipts and refusals come to; whether
// a real server takes the statements it cannot prove.
type fake struct {
	db *sql.DB

	mu     sync.Mutex
	tables map[string]*fakeTable
	log    []string
	lose   string // the next statement of this text is carried out ("after") or not, and its answer is lost
	after  bool
	deny   string // statements that contain it are not permitted
}

type fakeTable struct {
	id      int64
	columns []column
	keys    []key
	links   map[string]string
}

func init() { //nolint:gochecknoinits // the driver registers functions for all connections
	sqlite.MustRegisterDeterministicScalarFunction("code_page", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		text, ok := args[0].(string)
		if !ok {
			return args[0], nil
		}
		return codePage(text), nil
	})
}

// codePage is what a text becomes in a code page of Western Europe.
func codePage(text string) string {
	return strings.Map(func(r rune) rune {
		if r > 0xff {
			return '?'
		}
		return r
	}, text)
}

func newFake(t testing.TB) *fake {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "fake.db")+"?_pragma=busy_timeout(60000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &fake{db: db, tables: map[string]*fakeTable{}}
}

// create makes a table; checks are SQLite's.
func (f *fake) create(t testing.TB, name string, columns []column, keys []key, checks ...string) {
	t.Helper()
	var parts []string
	for _, c := range columns {
		part := "[" + c.name + "]"
		if strings.HasSuffix(c.base, "char") {
			part += " COLLATE NOCASE"
		}
		if c.notNull {
			part += " NOT NULL"
		}
		if c.identity {
			part = "[" + c.name + "] INTEGER PRIMARY KEY AUTOINCREMENT"
		}
		if c.fallback != "" {
			part += " DEFAULT " + c.fallback
		}
		if n := c.length; n > 0 && strings.HasSuffix(c.base, "char") {
			if c.base[0] == 'n' {
				n /= 2
			}
			part += fmt.Sprintf(" CONSTRAINT [truncated %s] CHECK (length(rtrim([%s])) <= %d)", c.name, c.name, n)
		}
		parts = append(parts, part)
	}
	for _, k := range keys {
		if c := columns[slices.IndexFunc(columns, func(c column) bool { return c.name == k.columns[0] })]; !c.identity {
			parts = append(parts, "UNIQUE (["+strings.Join(k.columns, "], [")+"])")
		}
	}
	if _, err := f.db.ExecContext(t.Context(), "CREATE TABLE ["+name+"] ("+strings.Join(append(parts, checks...), ", ")+")"); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tables[name] = &fakeTable{id: int64(len(f.tables) + 1), columns: columns, keys: keys}
}

func (f *fake) byID(id int64) *fakeTable {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.tables {
		if t.id == id {
			return t
		}
	}
	return &fakeTable{}
}

// Connect opens a connection.
func (f *fake) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := f.db.Conn(ctx)
	return &fakeConn{f: f, c: c}, err
}

// Driver is not asked for anything.
func (f *fake) Driver() driver.Driver { return &mssql.Driver{} }

type fakeConn struct {
	f    *fake
	c    *sql.Conn
	open bool // a transaction is
	dead bool
}

func (c *fakeConn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("nothing is prepared")
}
func (c *fakeConn) Begin() (driver.Tx, error) { return nil, errors.New("transactions are statements") }
func (c *fakeConn) IsValid() bool             { return !c.dead }

func (c *fakeConn) Close() error {
	if c.open {
		c.plain("ROLLBACK")
	}
	c.plain("DROP TABLE IF EXISTS temp.[@rows]")
	return c.c.Close()
}

func (c *fakeConn) plain(statement string) {
	_, _ = c.c.ExecContext(context.Background(), statement) //nolint:errcheck // it undoes what may be undone already
}

var errCut = errors.New("the connection was cut")

// ExecContext carries a batch out.
func (c *fakeConn) ExecContext(ctx context.Context, batch string, args []driver.NamedValue) (driver.Result, error) {
	if c.dead {
		return nil, errCut
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.f.mu.Lock()
	c.f.log = append(c.f.log, batch)
	lost, after := c.f.lose != "" && c.f.lose == batch, c.f.after
	if lost {
		c.f.lose = ""
	}
	deny := c.f.deny
	c.f.mu.Unlock()
	if lost && !after {
		c.cut()
		return nil, errCut
	}
	var n int64
	err := error(mssql.Error{Number: 229, Class: 14, Message: "The INSERT permission was denied on the object"})
	if deny == "" || !strings.Contains(batch, deny) {
		n, err = c.batch(ctx, batch, args)
	}
	if err != nil && c.open { // XACT_ABORT
		c.plain("ROLLBACK")
		c.open = false
	}
	if lost {
		c.cut()
		return nil, errCut
	}
	return driver.RowsAffected(n), serverError(err)
}

func (c *fakeConn) cut() {
	if c.open {
		c.plain("ROLLBACK")
	}
	c.open, c.dead = false, true
}

func (c *fakeConn) batch(ctx context.Context, batch string, args []driver.NamedValue) (n int64, err error) {
	switch batch {
	case "BEGIN TRANSACTION":
		_, err = c.c.ExecContext(ctx, "BEGIN IMMEDIATE")
		c.open = err == nil
		return 0, err
	case "COMMIT TRANSACTION":
		c.open = false
		_, err = c.c.ExecContext(context.WithoutCancel(ctx), "COMMIT")
		return 0, err
	case "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION":
		if c.open {
			c.plain("ROLLBACK")
		}
		c.open = false
		return 0, nil
	}
	for step := range strings.SplitSeq(strings.TrimSuffix(batch, ";"), ";\n") {
		if n, err = c.step(ctx, step, args); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// rewritten are words that have another form in SQLite.
var rewritten = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(` WITH \((UPDLOCK, SERIALIZABLE|READPAST)\)`), ""},
	{regexp.MustCompile(`CONVERT\(VARCHAR\(\d+\), (@p\d)\)`), "$1"},
	{regexp.MustCompile(`CONVERT\(VARCHAR\(MAX\), (c\d+)\)`), "code_page($1)"},
	{regexp.MustCompile(`CONVERT\(NVARCHAR\(MAX\), (k\d+|code_page\(c\d+\))\)`), "$1"},
	{regexp.MustCompile(` COLLATE Latin1_General_100_BIN2`), " COLLATE BINARY"},
	{regexp.MustCompile(`DATEADD\(DAY, -30, SYSUTCDATETIME\(\)\)`), "datetime('now', '-30 days')"},
	{regexp.MustCompile(`\[dbo\]\.`), ""},
	{regexp.MustCompile(`@rows\b`), "temp.[@rows]"},
	{regexp.MustCompile(`@p(\d)`), "?$1"},
	{regexp.MustCompile(`^WITH ranked AS \(SELECT (.*) FROM (.*)\)\nDELETE FROM ranked WHERE place > 1$`), "DELETE FROM temp.[@rows] WHERE i IN (SELECT i FROM (SELECT r.i, $1 FROM $2) WHERE place > 1)"},
	{regexp.MustCompile(`^UPDATE r SET found = 1 FROM temp\.\[@rows\] AS r`), "UPDATE temp.[@rows] AS r SET found = 1"},
	{regexp.MustCompile(`^UPDATE t SET (.*) FROM (\S.*) AS t JOIN temp\.\[@rows\] AS r ON (.*?)(?: WHERE (r\.found = 1))?$`), "UPDATE $2 AS t SET $1 FROM temp.[@rows] AS r WHERE $3 /*$4*/"},
	{regexp.MustCompile(`/\*(r.found = 1)\*/$`), "AND $1"},
	{regexp.MustCompile(`^DELETE t FROM (.*) AS t JOIN temp\.\[@rows\] AS r ON (.*)$`), "DELETE FROM $1 AS t WHERE EXISTS (SELECT 1 FROM temp.[@rows] AS r WHERE $2)"},
}

// assigned is a column that is set, by its table's name.
var assigned = regexp.MustCompile(`((?:SET |, ))t\.(\[[^\]]*\] = )`)

var throws = regexp.MustCompile(`(?s)^IF EXISTS \((.*)\)\nBEGIN$`)

// step carries one statement out.
func (c *fakeConn) step(ctx context.Context, statement string, args []driver.NamedValue) (int64, error) {
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a.Value
	}
	switch {
	case statement == "SET NOCOUNT ON", statement == "END":
		return 0, nil
	case strings.HasPrefix(statement, "THROW 50001, N'"):
		return 0, nil // with its condition, which names it
	case strings.HasPrefix(statement, "DECLARE @rows TABLE ("):
		return 0, c.declare(ctx, strings.TrimSuffix(strings.TrimPrefix(statement, "DECLARE @rows TABLE ("), ")"))
	case strings.HasPrefix(statement, "CREATE TABLE [dbo].[millrace_receipts] ("):
		_, err := c.c.ExecContext(ctx, "CREATE TABLE millrace_receipts (session TEXT NOT NULL, batch TEXT NOT NULL, refused INT NOT NULL, written_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (session, batch))")
		return 0, err
	case strings.Contains(statement, " FROM OPENJSON(@p1) WITH ("):
		return 0, c.stage(ctx, statement, args[0].Value.(string))
	}
	text := statement
	for _, r := range rewritten {
		text = r.from.ReplaceAllString(text, r.to)
	}
	if strings.HasPrefix(text, "UPDATE ") {
		text = assigned.ReplaceAllString(text, "$1$2")
	}
	if m := throws.FindStringSubmatch(text); m != nil {
		var there bool
		err := c.c.QueryRowContext(ctx, "SELECT EXISTS ("+m[1]+")").Scan(&there)
		if err == nil && there {
			err = mssql.Error{Number: 50001, Class: 16, Message: "column: cannot hold every character of the value"}
		}
		return 0, err
	}
	if !strings.Contains(text, "?") {
		values = nil
	}
	result, err := c.c.ExecContext(ctx, text, values...)
	if err != nil {
		return 0, fmt.Errorf("%w in: %s", err, text)
	}
	return result.RowsAffected()
}

// declare makes the table variable, which ends with its batch.
func (c *fakeConn) declare(ctx context.Context, columns string) error {
	var names []string
	for _, part := range apart(columns) {
		name, native, _ := strings.Cut(part, " ")
		switch {
		case name == "found":
			name += " NOT NULL DEFAULT 0"
		case strings.Contains(native, "CHAR"):
			name += " COLLATE NOCASE"
		}
		names = append(names, name)
	}
	c.plain("DROP TABLE IF EXISTS temp.[@rows]")
	_, err := c.c.ExecContext(ctx, "CREATE TEMP TABLE [@rows] ("+strings.Join(names, ", ")+")")
	return err
}

// apart splits a list at commas that stand in no parentheses.
func apart(list string) []string {
	var parts []string
	depth, from := 0, 0
	for i, r := range list {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			parts, from = append(parts, strings.TrimSpace(list[from:i])), i+1
		}
	}
	return append(parts, strings.TrimSpace(list[from:]))
}

var staging = regexp.MustCompile(`^INSERT INTO @rows \((.*)\) SELECT (.*) FROM OPENJSON\(@p1\) WITH \((.*)\)$`)

// stage reads the rows as the server would.
func (c *fakeConn) stage(ctx context.Context, statement, text string) error {
	m := staging.FindStringSubmatch(statement)
	if m == nil {
		return errors.New("not understood: " + statement)
	}
	var rows [][]any
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		return err
	}
	paths := map[string]int{}
	for _, part := range apart(m[3]) {
		name, rest, _ := strings.Cut(part, " ")
		at, err := strconv.Atoi(strings.TrimSuffix(rest[strings.Index(rest, "$[")+2:], "]'"))
		if err != nil {
			return err
		}
		paths[name] = at
	}
	expressions := apart(m[2])
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(expressions)), ", ")
	for _, row := range rows {
		values := make([]any, len(expressions))
		for i, e := range expressions {
			var err error
			if values[i], err = convert(e, row, paths); err != nil {
				return err
			}
		}
		if _, err := c.c.ExecContext(ctx, "INSERT INTO temp.[@rows] ("+m[1]+") VALUES ("+marks+")", values...); err != nil {
			return err
		}
	}
	return nil
}

var conversion = regexp.MustCompile(`^CONVERT\((.*), (t\d+)(?: COLLATE \w+)?(, 2)?\)$`)

// convert does what the server does with a text, in its words.
func convert(expression string, row []any, paths map[string]int) (any, error) {
	m := conversion.FindStringSubmatch(expression)
	if m == nil {
		return row[paths[expression]], nil
	}
	text, ok := row[paths[m[2]]].(string)
	if !ok {
		return nil, nil
	}
	kind, size, _ := strings.Cut(strings.ToLower(strings.TrimSuffix(m[1], ")")), "(")
	failed := mssql.Error{Number: 245, Class: 16, Message: "Conversion failed when converting the nvarchar value '" + text + "' to data type " + kind + "."}
	switch kind {
	case "bit":
		n, found := map[string]int64{"true": 1, "false": 0, "1": 1, "0": 0}[strings.ToLower(text)]
		if !found {
			return nil, failed
		}
		return n, nil
	case "tinyint", "smallint", "int", "bigint":
		n, err := strconv.ParseInt(text, 10, 64)
		if errors.Is(err, strconv.ErrRange) || err == nil && kind == "int" && n != int64(int32(n)) {
			return nil, mssql.Error{Number: 248, Class: 16, Message: "The conversion of the nvarchar value '" + text + "' overflowed an int column."}
		}
		if err != nil {
			return nil, failed
		}
		return n, nil
	case "float", "real":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || strings.Contains(strings.ToLower(text), "n") {
			return nil, mssql.Error{Number: 8114, Class: 16, Message: "Error converting data type nvarchar to float."}
		}
		return n, nil
	case "decimal", "numeric", "money":
		return decimal(text, size)
	case "date", "datetime", "datetime2", "smalldatetime", "datetimeoffset", "time":
		return moment(kind, text)
	case "uniqueidentifier":
		if len(text) != uuidLength {
			return nil, mssql.Error{Number: 8169, Class: 16, Message: "Conversion failed when converting from a character string to uniqueidentifier."}
		}
		return strings.ToUpper(text), nil
	case "varbinary":
		return hex.DecodeString(text)
	case "nvarchar", "varchar", "nchar", "char":
		n, err := strconv.Atoi(size)
		if kind[0] != 'n' {
			text = codePage(text)
		}
		units := utf16.Encode([]rune(text))
		return string(utf16.Decode(units[:min(n, len(units))])), err
	default:
		return nil, errors.New("no conversion to " + kind)
	}
}

func decimal(text, size string) (any, error) {
	failed := mssql.Error{Number: 8114, Class: 16, Message: "Error converting data type nvarchar to numeric."}
	r, ok := new(big.Rat).SetString(text)
	if !ok || strings.ContainsAny(text, "eE/") {
		return nil, failed
	}
	precision, scale := 19, 4
	if p, s, found := strings.Cut(size, ","); found {
		precision, _ = strconv.Atoi(p) //nolint:errcheck // the catalogue's number
		scale, _ = strconv.Atoi(s)     //nolint:errcheck // the catalogue's number
	}
	out := r.FloatString(scale)
	if whole, _, _ := strings.Cut(strings.TrimPrefix(out, "-"), "."); len(whole) > precision-scale && whole != "0" {
		return nil, mssql.Error{Number: 8115, Class: 16, Message: "Arithmetic overflow error converting nvarchar to data type numeric."}
	}
	return out, nil
}

func moment(kind, text string) (any, error) {
	layouts := map[string][]string{
		"date": {time.DateOnly}, "time": {"15:04:05.9999999"}, "datetime": {"2006-01-02T15:04:05.000", time.DateTime}, "smalldatetime": {"2006-01-02T15:04:05.000"},
		"datetime2": {"2006-01-02T15:04:05.9999999"}, "datetimeoffset": {"2006-01-02T15:04:05.9999999Z07:00"},
	}
	for _, layout := range layouts[kind] {
		if _, err := time.Parse(layout, text); err == nil {
			return text, nil
		}
	}
	return nil, mssql.Error{Number: 241, Class: 16, Message: "Conversion failed when converting date and/or time from character string."}
}

// QueryContext answers questions about the catalogue and about receipts.
func (c *fakeConn) QueryContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	if c.dead {
		return nil, errCut
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	text := func(i int) string { return args[i].Value.(string) }
	rows := &fakeRows{}
	switch statement {
	case aboutQuery:
		rows.add(int64(160), "READ_WRITE")
	case schemasQuery:
		rows.add("dbo")
	case tablesQuery:
		for name := range c.f.tables {
			rows.add(name)
		}
	case tableQuery:
		c.f.mu.Lock()
		t, found := c.f.tables[text(1)]
		c.f.mu.Unlock()
		if found && text(0) == "dbo" {
			rows.add(t.id)
		}
	case columnsQuery:
		for _, k := range c.f.byID(args[0].Value.(int64)).columns {
			rows.add(k.name, k.base, int64(k.length), int64(k.precision), int64(k.scale), k.collation, !k.notNull, k.fallback, k.defaults || k.fallback != "", k.identity, k.generated, k.comment)
		}
	case keysQuery:
		for i, k := range c.f.byID(args[0].Value.(int64)).keys {
			for _, name := range k.columns {
				rows.add(int64(i), k.primary, name)
			}
		}
	case linksQuery:
		for name, to := range c.f.byID(args[0].Value.(int64)).links {
			rows.add(name, to)
		}
	default:
		if !strings.HasPrefix(statement, "SELECT refused FROM [dbo].[millrace_receipts]") {
			return nil, errors.New("not understood: " + statement)
		}
		var refused int64
		err := c.c.QueryRowContext(ctx, "SELECT refused FROM millrace_receipts WHERE session = ? AND batch = ?", text(0), text(1)).Scan(&refused)
		if err == nil {
			rows.add(refused)
		} else if !errors.Is(err, sql.ErrNoRows) {
			return nil, serverError(err)
		}
	}
	return rows, nil
}

type fakeRows struct{ rows [][]driver.Value }

func (r *fakeRows) add(values ...driver.Value) { r.rows = append(r.rows, values) }
func (r *fakeRows) Close() error               { return nil }

func (r *fakeRows) Columns() []string {
	if len(r.rows) == 0 {
		return []string{"c"}
	}
	return make([]string, len(r.rows[0]))
}

func (r *fakeRows) Next(into []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(into, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}

// said by SQLite, and what the server would say instead.
var saidBySQLite = []struct {
	words   string
	number  int32
	message string
}{
	{"no such table: millrace_receipts", 208, "Invalid object name 'dbo.millrace_receipts'."},
	{"table millrace_receipts already exists", 2714, "There is already an object named 'millrace_receipts' in the database."},
	{"UNIQUE constraint failed", 2627, "Violation of UNIQUE KEY constraint. Cannot insert duplicate key."},
	{"NOT NULL constraint failed", 515, "Cannot insert the value NULL into column; column does not allow nulls."},
	{"CHECK constraint failed: truncated", 2628, "String or binary data would be truncated."},
	{"CHECK constraint failed", 547, "The INSERT statement conflicted with the CHECK constraint."},
}

func serverError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	for _, s := range saidBySQLite {
		if strings.Contains(err.Error(), s.words) {
			return mssql.Error{Number: s.number, Class: 16, Message: s.message}
		}
	}
	return err
}
