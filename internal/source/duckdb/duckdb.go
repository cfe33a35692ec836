// Package duckdb reads DuckDB files, and gives the file and sample sources their engine.
//
// Every query runs in a DuckDB of its own that may read only what the source is about: a model's SQL cannot
// reach other files of the server.
package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Info describes the source of DuckDB files.
func Info(reach Reach) connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "duckdb", Name: "DuckDB", Category: "warehouse", Summary: "A DuckDB file on the server",
		Fields: append([]connector.Field{{
			Name: "path", Label: "File", Type: connector.FieldString, Required: true, Example: "/data/warehouse.duckdb",
			Help: "Path of the database file on the server. Only the Lightning engine writes to it.",
		}}, connector.SchemaFields()...),
		Methods: []string{"sql", "table"}, Engines: []string{connector.EngineBasic, connector.EngineLightning}, Verified: true,
		Grants: grants, SyncLogs: true,
		Open: func(o connector.SourceOptions) (connector.Source, error) {
			path := o.Settings.Text("path")
			s := New(Options{
				Dir: o.Dir, Attach: path, Check: func() error { return readable(path, reach) }, Schemas: connector.SchemasOf(o.Settings),
			})
			return &Warehouse{Source: s, writer: newWriter()}, nil
		},
	}
}

// grants make the two schemas; who may write the file may write in them.
const grants = `CREATE SCHEMA IF NOT EXISTS "{planner}";
CREATE SCHEMA IF NOT EXISTS "{audit}";`

// readable says why a database file cannot be read.
func readable(path string, reach Reach) error {
	if err := reach.Check(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fault.Wrap(err, fault.CodeSourceUnreachable, "opening the DuckDB file")
	case info.IsDir():
		return fault.New(fault.CodeSourceUnreachable, "%s is a folder, not a DuckDB file", path)
	default:
		return nil
	}
}

// Options say what a Source reads.
type Options struct {
	Dir     string            // private folder, for results and spilling
	Attach  string            // database file, read-only; empty means none
	Allow   []string          // folders that queries may read besides
	Files   []string          // single files that queries may read besides
	Check   func() error      // what must hold before DuckDB is asked; may be nil
	Schemas connector.Schemas // what discovery hides besides query.OwnSchemas

	// Views makes views before access is locked: those that the statement may need, or all for discovery,
	// whose statement is empty. It may be nil.
	Views func(ctx context.Context, c *sql.Conn, statement string) error
}

// Source answers queries with DuckDB. It is safe for concurrent use.
type Source struct {
	options Options
}

// New returns a source.
func New(o Options) *Source { return &Source{options: o} }

var (
	_ connector.Source   = (*Source)(nil)
	_ connector.Unloader = (*Source)(nil)
)

// database is one DuckDB for one query.
type database struct {
	pool   *sql.DB
	conn   *sql.Conn
	dir    string // for its results; removed with it
	access string // how it opens the attached file
	unlock func() // of that file
}

// How a database opens the attached file.
const (
	toRead  = "READ_ONLY"
	toWrite = "READ_WRITE"
)

// connect opens a database for a statement that reads; discovery has none.
func (s *Source) connect(ctx context.Context, statement string) (*database, error) {
	return s.open(ctx, statement, toRead)
}

func (s *Source) open(ctx context.Context, statement, access string) (_ *database, err error) {
	if s.options.Check != nil {
		if err := s.options.Check(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(s.options.Dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "making the source's folder")
	}
	d := &database{access: access, unlock: func() {}}
	if s.options.Attach != "" {
		if d.unlock, err = lock(ctx, s.options.Attach, access); err != nil {
			return nil, explain(ctx, err)
		}
	}
	if d.dir, err = os.MkdirTemp(s.options.Dir, "query-*"); err != nil {
		d.unlock()
		return nil, fault.Wrap(err, fault.CodeStorage, "making the source's folder")
	}
	c, err := duckdb.NewConnector("", func(e driver.ExecerContext) error { return configure(ctx, e, d.dir) })
	if err != nil {
		d.unlock()
		return nil, errors.Join(explain(ctx, err), os.RemoveAll(d.dir))
	}
	d.pool = sql.OpenDB(c)
	d.pool.SetMaxOpenConns(1)
	if d.conn, err = d.pool.Conn(ctx); err == nil {
		err = s.prepare(ctx, d, statement)
	}
	if err != nil {
		return nil, errors.Join(explain(ctx, err), d.close())
	}
	return d, nil
}

func configure(ctx context.Context, e driver.ExecerContext, dir string) error {
	for _, setting := range []string{
		"autoinstall_known_extensions=false", "autoload_known_extensions=false", "memory_limit='1GB'", "threads=2",
		"preserve_insertion_order=false", "TimeZone='UTC'", "temp_directory=" + query.DuckDB.Text(filepath.Join(dir, "spill")),
	} {
		if _, err := e.ExecContext(ctx, "SET "+setting, nil); err != nil {
			return err
		}
	}
	return nil
}

// prepare attaches the database, makes the views, and locks everything else out.
func (s *Source) prepare(ctx context.Context, d *database, statement string) error {
	if s.options.Attach != "" {
		attach := "ATTACH " + query.DuckDB.Text(s.options.Attach) + " AS source (" + d.access + ")" //nolint:gosec // quoted
		if _, err := d.conn.ExecContext(ctx, attach); err != nil {
			return err
		}
		if _, err := d.conn.ExecContext(ctx, "USE source"); err != nil {
			return err
		}
	}
	if s.options.Views != nil {
		if err := s.options.Views(ctx, d.conn, statement); err != nil {
			return err
		}
	}
	allowed := append([]string{d.dir}, s.options.Allow...)
	if s.options.Attach != "" {
		allowed = append(allowed, filepath.Dir(s.options.Attach)+"/.duckdb-wal")
	}
	for _, setting := range []string{
		"allowed_directories=" + list(allowed), "allowed_paths=" + list(s.options.Files), "enable_external_access=false", "lock_configuration=true",
	} {
		if _, err := d.conn.ExecContext(ctx, "SET "+setting); err != nil {
			return err
		}
	}
	return nil
}

// list is a SQL list of texts.
func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = query.DuckDB.Text(t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// detach ends the database; its results stay until it is closed.
func (d *database) detach() error {
	if d.pool == nil {
		return nil
	}
	var errs []error
	if d.conn != nil {
		errs = append(errs, d.conn.Close())
	}
	errs = append(errs, d.pool.Close())
	d.pool = nil
	d.unlock()
	return errors.Join(errs...)
}

func (d *database) close() error { return errors.Join(d.detach(), os.RemoveAll(d.dir)) }

// Test connects and reads.
func (s *Source) Test(ctx context.Context) error {
	_, err := s.Introspect(ctx)
	return err
}

// Dialect is DuckDB's.
func (s *Source) Dialect() query.Dialect { return query.DuckDB }

// Close has nothing to end: queries have databases of their own.
func (s *Source) Close() error { return nil }

// Introspect lists tables and views.
func (s *Source) Introspect(ctx context.Context) (_ []connector.Table, err error) {
	d, err := s.connect(ctx, "")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	rows, err := d.conn.QueryContext(ctx, `
		SELECT c.schema_name, c.table_name, c.column_name, c.data_type, c.is_nullable, coalesce(c.comment, ''),
		       t.table_name IS NULL AS is_view, t.estimated_size
		FROM duckdb_columns() c
		LEFT JOIN duckdb_tables() t ON t.table_oid = c.table_oid AND t.database_oid = c.database_oid
		WHERE c.database_name = current_database() AND NOT c.internal
		ORDER BY c.schema_name, c.table_name, c.column_index`)
	if err != nil {
		return nil, explain(ctx, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var tables []connector.Table
	for rows.Next() {
		var schema, table, comment string
		var c value.Column
		var view bool
		var size sql.NullInt64
		if err := rows.Scan(&schema, &table, &c.Name, &c.Native, &c.Nullable, &comment, &view, &size); err != nil {
			return nil, explain(ctx, err)
		}
		if s.options.Schemas.Own(schema) {
			continue
		}
		c.Type, c.Description = TypeOf(c.Native), comment
		tables = addColumn(tables, query.TableRef{Schema: schema, Name: table}, view, size, c)
	}
	return tables, explain(ctx, rows.Err())
}

func addColumn(tables []connector.Table, ref query.TableRef, view bool, size sql.NullInt64, c value.Column) []connector.Table {
	if n := len(tables); n == 0 || tables[n-1].Ref != ref {
		t := connector.Table{Ref: ref, Kind: "table"}
		if view {
			t.Kind = "view"
		} else if size.Valid {
			t.Rows = &size.Int64
		}
		tables = append(tables, t)
	}
	last := &tables[len(tables)-1]
	last.Columns = append(last.Columns, c)
	return tables
}

// Unload writes a query's rows to a Parquet file.
func (s *Source) Unload(ctx context.Context, q connector.Query, path string) (n int64, err error) {
	d, err := s.connect(ctx, q.SQL)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	part := filepath.Join(d.dir, "result.parquet")
	if n, _, err = d.unload(ctx, q, part); err != nil {
		return 0, err
	}
	return n, move(part, path)
}

// move renames a file, or copies it where the folders are on different disks.
func move(from, to string) error {
	if err := os.Rename(from, to); err == nil {
		return nil
	}
	if err := copyFile(from, to); err != nil {
		return fault.Wrap(err, fault.CodeStorage, "moving a result")
	}
	return nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from) //nolint:gosec // a result of our own
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the caller says where
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// The size of a row group of a result: whichever is reached first.
const (
	groupRows  = 100_000
	groupBytes = "32MB"
)

func (d *database) unload(ctx context.Context, q connector.Query, path string) (int64, []described, error) {
	statement, columns, err := d.selection(ctx, q)
	if err != nil {
		return 0, nil, err
	}
	res, err := d.conn.ExecContext(ctx, fmt.Sprintf("COPY (%s) TO %s (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE %d, ROW_GROUP_SIZE_BYTES '%s')",
		statement, query.DuckDB.Text(path), groupRows, groupBytes))
	if err != nil {
		return 0, nil, explain(ctx, err)
	}
	n, err := res.RowsAffected()
	return n, columns, err
}

// described is a column of a query.
type described struct {
	name, native, comment string
}

// selection returns the query with its columns in types that survive Parquet: nested values as JSON, huge
// integers as decimals, and times of day, intervals and the like as text.
func (d *database) selection(ctx context.Context, q connector.Query) (string, []described, error) {
	inner := query.Clean(q.SQL)
	parsed, err := d.parse(ctx, inner)
	if err != nil {
		return "", nil, err
	}
	columns, err := d.describe(ctx, inner)
	if err != nil {
		return "", nil, err
	}
	if q.Class == connector.WorkloadInteractive { // runs have no use for comments
		if err := d.comment(ctx, parsed, columns); err != nil {
			return "", nil, err
		}
	}
	names, expressions := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], expressions[i] = c.name, portable(c)
	}
	if err := connector.DistinctColumns(names); err != nil {
		return "", nil, err
	}
	limit := ""
	if q.Limit > 0 {
		limit = fmt.Sprintf(" LIMIT %d", q.Limit)
	}
	return "SELECT " + strings.Join(expressions, ", ") + " FROM (\n" + inner + "\n) AS _millrace_model" + limit, columns, nil
}

// parse lets DuckDB's own parser say that the text is one SELECT: it is put into other statements, and what is more
// than one would run beside them. It returns what the parser made of it.
func (d *database) parse(ctx context.Context, text string) (json.RawMessage, error) {
	var parsed struct {
		Error      bool   `json:"error"`
		Kind       string `json:"error_type"`
		Statements []struct {
			Node json.RawMessage `json:"node"`
		} `json:"statements"`
	}
	var answer string
	if err := d.conn.QueryRowContext(ctx, "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", text).Scan(&answer); err != nil {
		return nil, explain(ctx, err)
	}
	if err := json.Unmarshal([]byte(answer), &parsed); err != nil {
		return nil, fault.Wrap(err, fault.CodeInternal, "reading what the parser says")
	}
	switch {
	case parsed.Error && parsed.Kind == "parser":
		return nil, d.original(ctx, text, fault.New(fault.CodeSourceQuery, "the query cannot be read"))
	case parsed.Error || len(parsed.Statements) != 1:
		return nil, fault.New(fault.CodeSourceQuery, "a model's query must be one SELECT statement").WithSuggestion("Remove everything but one SELECT.")
	default:
		return parsed.Statements[0].Node, nil
	}
}

// original returns what DuckDB says of the text by itself, where lines count as its author counts them; err is
// what it said of the text inside a statement of ours. The text must be one SELECT, or no SQL at all: preparing
// several statements would run all but the last.
func (d *database) original(ctx context.Context, text string, err error) error {
	statement, own := d.conn.PrepareContext(ctx, text)
	if own != nil {
		e := fault.As(explain(ctx, own))
		return e.At(placeIn(text, e.Error()))
	}
	return errors.Join(explain(ctx, err), statement.Close()) //nolint:sqlclosecheck // nothing comes between
}

// describe returns the columns of a query.
func (d *database) describe(ctx context.Context, inner string) (_ []described, err error) {
	rows, err := d.conn.QueryContext(ctx, "DESCRIBE (\n"+inner+"\n)")
	if err != nil {
		return nil, d.original(ctx, inner, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var columns []described
	for rows.Next() {
		var c described
		var rest [4]any
		if err := rows.Scan(&c.name, &c.native, &rest[0], &rest[1], &rest[2], &rest[3]); err != nil {
			return nil, fmt.Errorf("reading the columns: %w", err)
		}
		columns = append(columns, c)
	}
	return columns, explain(ctx, rows.Err())
}

// portable returns the expression that reads a column. Infinite dates and timestamps, which Parquet has no form
// for, become null.
func portable(c described) string {
	ident := query.DuckDB.Ident(c.name)
	expression := ident
	switch kind := baseType(c.native); {
	case c.native == "JSON": // as it is: reading and writing it would round its numbers
	case isNested(c.native):
		expression = "to_json(" + ident + ")"
	case kind == "HUGEINT" || kind == "UHUGEINT" || kind == "BIGNUM" || kind == "VARINT":
		expression = "CAST(" + ident + " AS DECIMAL(38, 0))"
	case kind == "DATE" || c.native == "TIMESTAMP WITH TIME ZONE":
		expression = "CASE WHEN isfinite(" + ident + ") THEN " + ident + " END"
	case strings.HasPrefix(c.native, "TIMESTAMP"):
		expression = "CAST(" + ident + " AS TIMESTAMP)"
		expression = "CASE WHEN isfinite(" + expression + ") THEN " + expression + " END"
	case TypeOf(c.native) == value.TypeString && kind != "VARCHAR" && kind != "BLOB":
		expression = "CAST(" + ident + " AS VARCHAR)"
	}
	return expression + " AS " + ident
}

func baseType(native string) string {
	base, _, _ := strings.Cut(native, "(")
	return strings.TrimSpace(base)
}

func isNested(native string) bool {
	return strings.HasSuffix(native, "]") || strings.HasPrefix(native, "STRUCT(") || strings.HasPrefix(native, "MAP(") || strings.HasPrefix(native, "UNION(") || native == "JSON"
}

// TypeOf returns the column type of a DuckDB type.
func TypeOf(native string) value.Type {
	switch base := baseType(native); {
	case isNested(native):
		return value.TypeObject
	case base == "BOOLEAN":
		return value.TypeBoolean
	case base == "DATE":
		return value.TypeDate
	case strings.HasPrefix(base, "TIMESTAMP"):
		return value.TypeTimestamp
	case strings.HasSuffix(base, "INT") || base == "INTEGER" || base == "DECIMAL" || base == "DOUBLE" || base == "FLOAT" || base == "UINTEGER" || base == "BIGNUM":
		return value.TypeNumber
	default:
		return value.TypeString
	}
}

// Query unloads the rows to a file and streams that: the driver would hold a whole result in memory.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	d, err := s.connect(ctx, q.SQL)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(d.dir, "result.parquet")
	_, columns, err := d.unload(ctx, q, path)
	if err = errors.Join(err, d.detach()); err != nil {
		return nil, errors.Join(err, d.close())
	}
	r, err := openResult(path, columns, d)
	if err != nil {
		return nil, errors.Join(fault.Wrap(err, fault.CodeInternal, "reading a result"), d.close())
	}
	return r, nil
}

// explain gives a DuckDB error its code, in its own words (M-30).
func explain(ctx context.Context, err error) error {
	var known *fault.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return fault.Wrap(context.Cause(ctx), fault.CodeSourceTimeout, "the query was stopped")
	}
	var e *duckdb.Error
	if !errors.As(err, &e) {
		return fault.Wrap(err, fault.CodeSourceQuery, "")
	}
	f := fault.Wrap(errors.New(e.Msg), fault.CodeSourceQuery, "")
	switch {
	case strings.Contains(e.Msg, "No space left on device"):
		return fault.Wrap(errors.New(e.Msg), fault.CodeDiskFull, "")
	case e.Type == duckdb.ErrorTypePermission || strings.Contains(e.Msg, "file system operations are disabled"):
		return f.WithSuggestion("A model reads only what its source is about.")
	case e.Type == duckdb.ErrorTypeIO || strings.Contains(e.Msg, "CSV Error") || strings.Contains(e.Msg, " in file \""):
		return BadFile(errors.New(e.Msg), "")
	case e.Type == duckdb.ErrorTypeBinder && strings.Contains(e.Msg, "Ambiguous reference"):
		return f.WithSuggestion("Several tables of the query have this column: write it as table.column, and give it a name of its own with AS.")
	case e.Type == duckdb.ErrorTypeBinder && (strings.Contains(e.Msg, "Cannot compare values of type") || strings.Contains(e.Msg, "No function matches")):
		return f.WithSuggestion("Bring both sides to one type with CAST. The name of a function may also be wrong.")
	case e.Type == duckdb.ErrorTypeConversion:
		return f.WithSuggestion("The query casts a value that is none of that type: TRY_CAST gives null instead, and WHERE leaves such rows out.")
	case strings.Contains(e.Msg, "Contents of view were altered"):
		return f.WithSuggestion("The tables below a view have changed since it was made: make the view again, with its columns listed.")
	case e.Type == duckdb.ErrorTypeBinder && strings.Contains(e.Msg, "not found"):
		return f.WithSuggestion("Check the column's name; the message lists what there is.")
	case e.Type == duckdb.ErrorTypeCatalog:
		return f.WithSuggestion("Check the name of the table and its schema; the source's tables are listed on its page.")
	default:
		return f
	}
}

// BadFile returns an error about a file that cannot be read (S-79).
func BadFile(err error, format string, args ...any) *fault.Error {
	f := fault.Wrap(err, fault.CodeSourceFile, format, args...)
	for _, words := range []string{"not utf-8", "Invalid unicode", "invalid UTF-8"} {
		if strings.Contains(err.Error(), words) {
			return f.WithSuggestion("Save the file in UTF-8.")
		}
	}
	return f
}
