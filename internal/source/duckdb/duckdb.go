// Package duckdb reads DuckDB files, and gives the file and sample sources their engine.
//
// Every query runs in a DuckDB of its own that may read only what the source is about: a model's SQL cannot
// reach other files of the server.
package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Info describes the source of DuckDB files.
func Info() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "duckdb", Name: "DuckDB", Category: "warehouse", Summary: "A DuckDB file on the server",
		Fields: []connector.Field{{
			Name: "path", Label: "File", Type: connector.FieldString, Required: true, Example: "/data/warehouse.duckdb",
			Help: "Path of the database file on the server. It is opened for reading only.",
		}},
		Methods: []string{"sql", "table"}, Engines: []string{"basic"}, Verified: true,
		Open: open,
	}
}

func open(o connector.SourceOptions) (connector.Source, error) {
	path := o.Settings.Text("path")
	return New(Options{Dir: o.Dir, Attach: path, Check: func() error { return readable(path) }}), nil
}

// readable says why a database file cannot be read.
func readable(path string) error {
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
	Dir    string                                       // private folder, for results and spilling
	Attach string                                       // database file, read-only; empty means none
	Allow  []string                                     // files and folders that queries may read besides
	Views  func(ctx context.Context, c *sql.Conn) error // makes views before access is locked
	Check  func() error                                 // what must hold before DuckDB is asked; may be nil
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
	pool *sql.DB
	conn *sql.Conn
	dir  string // for its results; removed with it
}

func (s *Source) connect(ctx context.Context) (_ *database, err error) {
	if s.options.Check != nil {
		if err := s.options.Check(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(s.options.Dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "making the source's folder")
	}
	d := &database{}
	if d.dir, err = os.MkdirTemp(s.options.Dir, "query-*"); err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "making the source's folder")
	}
	c, err := duckdb.NewConnector("", func(e driver.ExecerContext) error { return configure(ctx, e, d.dir) })
	if err != nil {
		return nil, errors.Join(explain(ctx, err), os.RemoveAll(d.dir))
	}
	d.pool = sql.OpenDB(c)
	d.pool.SetMaxOpenConns(1)
	if d.conn, err = d.pool.Conn(ctx); err == nil {
		err = s.prepare(ctx, d)
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
func (s *Source) prepare(ctx context.Context, d *database) error {
	if s.options.Attach != "" {
		attach := "ATTACH " + query.DuckDB.Text(s.options.Attach) + " AS source (READ_ONLY)"
		if _, err := d.conn.ExecContext(ctx, attach); err != nil {
			return err
		}
		if _, err := d.conn.ExecContext(ctx, "USE source"); err != nil {
			return err
		}
	}
	if s.options.Views != nil {
		if err := s.options.Views(ctx, d.conn); err != nil {
			return err
		}
	}
	allowed := append([]string{d.dir}, s.options.Allow...)
	if s.options.Attach != "" {
		allowed = append(allowed, filepath.Dir(s.options.Attach)+"/.duckdb-wal")
	}
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = query.DuckDB.Text(a)
	}
	for _, setting := range []string{
		"allowed_directories=[" + strings.Join(quoted, ", ") + "]", "enable_external_access=false", "lock_configuration=true",
	} {
		if _, err := d.conn.ExecContext(ctx, "SET "+setting); err != nil {
			return err
		}
	}
	return nil
}

func (d *database) close() error {
	var errs []error
	if d.conn != nil {
		errs = append(errs, d.conn.Close())
	}
	return errors.Join(append(errs, d.pool.Close(), os.RemoveAll(d.dir))...)
}

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
	d, err := s.connect(ctx)
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
		if query.IsOwnSchema(schema) {
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
	d, err := s.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	part := filepath.Join(d.dir, "result.parquet")
	if n, err = d.unload(ctx, q, part); err != nil {
		return 0, err
	}
	return n, move(part, path)
}

// move renames a file, or copies it where the folders are on different disks.
func move(from, to string) error {
	if err := os.Rename(from, to); err == nil {
		return nil
	}
	b, err := os.ReadFile(from) //nolint:gosec // a result of our own
	if err != nil {
		return fault.Wrap(err, fault.CodeStorage, "moving a result")
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		return fault.Wrap(err, fault.CodeStorage, "moving a result")
	}
	return nil
}

func (d *database) unload(ctx context.Context, q connector.Query, path string) (int64, error) {
	statement, err := d.selection(ctx, q)
	if err != nil {
		return 0, err
	}
	res, err := d.conn.ExecContext(ctx, "COPY ("+statement+") TO "+query.DuckDB.Text(path)+" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)")
	if err != nil {
		return 0, explain(ctx, err)
	}
	return res.RowsAffected()
}

// selection returns the query with its columns in types that survive Parquet: nested values as JSON, huge
// integers as decimals, and times of day, intervals and the like as text.
func (d *database) selection(ctx context.Context, q connector.Query) (string, error) {
	inner := query.Clean(q.SQL)
	rows, err := d.conn.QueryContext(ctx, "DESCRIBE (\n"+inner+"\n)")
	if err != nil {
		return "", explain(ctx, err)
	}
	columns, err := describe(rows)
	if err != nil {
		return "", err
	}
	limit := ""
	if q.Limit > 0 {
		limit = fmt.Sprintf(" LIMIT %d", q.Limit)
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM (\n" + inner + "\n) AS _millrace_model" + limit, nil
}

// describe returns the expressions that read each column.
func describe(rows *sql.Rows) (_ []string, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	var columns []string
	seen := map[string]bool{}
	for rows.Next() {
		var name, native string
		var rest [4]any
		if err := rows.Scan(&name, &native, &rest[0], &rest[1], &rest[2], &rest[3]); err != nil {
			return nil, fmt.Errorf("reading the columns: %w", err)
		}
		if seen[strings.ToLower(name)] {
			return nil, fault.New(fault.CodeSourceQuery, "the query has two columns %q", name).WithSuggestion("Give each column a name of its own with AS.")
		}
		seen[strings.ToLower(name)] = true
		columns = append(columns, portable(name, native))
	}
	return columns, rows.Err()
}

func portable(name, native string) string {
	ident := query.DuckDB.Ident(name)
	switch kind := baseType(native); {
	case isNested(native):
		return "to_json(" + ident + ") AS " + ident
	case kind == "HUGEINT" || kind == "UHUGEINT" || kind == "BIGNUM" || kind == "VARINT":
		return "CAST(" + ident + " AS DECIMAL(38, 0)) AS " + ident
	case strings.HasPrefix(native, "TIMESTAMP") && native != "TIMESTAMP" && native != "TIMESTAMP WITH TIME ZONE":
		return "CAST(" + ident + " AS TIMESTAMP) AS " + ident
	case TypeOf(native) == value.TypeString && kind != "VARCHAR" && kind != "BLOB":
		return "CAST(" + ident + " AS VARCHAR) AS " + ident
	default:
		return ident
	}
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
	d, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(d.dir, "result.parquet")
	if _, err := d.unload(ctx, q, path); err != nil {
		return nil, errors.Join(err, d.close())
	}
	r, err := openResult(path, d)
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
	case e.Type == duckdb.ErrorTypeBinder && strings.Contains(e.Msg, "not found"):
		return f.WithSuggestion("Check the column's name; the message lists what there is.")
	case e.Type == duckdb.ErrorTypeCatalog:
		return f.WithSuggestion("Check the name of the table and its schema; the source's tables are listed on its page.")
	default:
		return f
	}
}

// SortTables puts tables in the order of discovery.
func SortTables(t []connector.Table) {
	sort.Slice(t, func(i, j int) bool { return t[i].Ref.String() < t[j].Ref.String() })
}
