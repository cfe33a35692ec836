package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Warehouse is a database file that the Lightning engine plans in. While commands run, nothing else can read the file.
type Warehouse struct {
	*Source

	writer *writer
}

var (
	_ connector.Warehouse = (*Warehouse)(nil)
	_ connector.Unloader  = (*Warehouse)(nil)
)

// Schemas returns the schemas that Millrace writes in.
func (w *Warehouse) Schemas() connector.Schemas { return w.options.Schemas }

// Close ends the database that the last command left open.
func (w *Warehouse) Close() error { return w.writer.close() }

// read runs f with a database that can read the file.
func (w *Warehouse) read(ctx context.Context, statement string, f func(d *database) error) error {
	err := w.writer.use(ctx, false, func() (*database, error) { return w.connect(ctx, statement) }, f)
	return explain(ctx, err)
}

// write runs f with a database that can write the file.
func (w *Warehouse) write(ctx context.Context, f func(d *database) error) error {
	err := w.writer.use(ctx, true, func() (*database, error) { return w.open(ctx, "", toWrite) }, f)
	return explain(ctx, err)
}

// Query reads from the database that is open, if one is.
func (w *Warehouse) Query(ctx context.Context, q connector.Query) (r array.RecordReader, err error) {
	if !w.writer.busy() {
		return w.Source.Query(ctx, q)
	}
	err = w.read(ctx, q.SQL, func(d *database) (err error) {
		r, err = d.result(ctx, q)
		return err
	})
	return r, err
}

// result unloads the rows to a file of its own and streams that.
func (d *database) result(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	own, err := d.sub()
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "making the source's folder")
	}
	path := filepath.Join(own.dir, "result.parquet")
	_, columns, err := d.unload(ctx, q, path)
	if err != nil {
		return nil, errors.Join(err, own.close())
	}
	r, err := openResult(path, columns, own)
	if err != nil {
		return nil, errors.Join(fault.Wrap(err, fault.CodeInternal, "reading a result"), own.close())
	}
	return r, nil
}

// Describe returns the columns that the query would have.
func (w *Warehouse) Describe(ctx context.Context, q connector.Query) (schema *arrow.Schema, err error) {
	err = w.read(ctx, q.SQL, func(d *database) (err error) {
		schema, err = d.describeResult(ctx, q)
		return err
	})
	return schema, err
}

func (d *database) describeResult(ctx context.Context, q connector.Query) (*arrow.Schema, error) {
	statement, columns, err := d.selection(ctx, q)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(d.dir, "described.parquet")
	if _, err := d.conn.ExecContext(ctx, "COPY (SELECT * FROM ("+statement+") LIMIT 0) TO "+query.DuckDB.Text(path)+" (FORMAT parquet)"); err != nil { //nolint:gosec // the model's own statement and a quoted path
		return nil, err
	}
	r, err := openResult(path, columns, &database{})
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInternal, "reading a result")
	}
	defer r.Release()
	return r.Schema(), nil
}

// Execute runs commands in one transaction.
func (w *Warehouse) Execute(ctx context.Context, commands ...connector.Query) (rows int64, err error) {
	err = w.write(ctx, func(d *database) error {
		if _, err := d.conn.ExecContext(ctx, "BEGIN"); err != nil {
			return err
		}
		for _, c := range commands {
			done, err := d.conn.ExecContext(ctx, query.Comment(c.Tag)+query.Clean(c.SQL))
			if err != nil {
				return err
			}
			if rows, err = done.RowsAffected(); err != nil {
				return err
			}
		}
		_, err := d.conn.ExecContext(ctx, "COMMIT")
		return err
	})
	return rows, err
}

// Load creates or replaces a table.
func (w *Warehouse) Load(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	return w.copy(ctx, r, func(rows query.Query) []query.Command {
		own := table
		own.Database = attached
		var commands []query.Command
		if table.Schema != "" {
			commands = append(commands, query.CreateSchema{Name: table.Schema})
		}
		return append(commands, query.DropTable{Table: own}, query.CreateTableAs{Table: own, Query: rows})
	})
}

// Append adds rows to a table.
func (w *Warehouse) Append(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	table.Database = attached
	names := make([]string, r.Schema().NumFields())
	for i, f := range r.Schema().Fields() {
		names[i] = f.Name
	}
	return w.copy(ctx, r, func(rows query.Query) []query.Command {
		return []query.Command{query.InsertQuery{Table: table, Columns: names, Query: rows}}
	})
}

// attached is the name of the file's database.
const attached = "source"

// copy makes the rows readable as a query, and runs the commands that take them in one transaction.
func (w *Warehouse) copy(ctx context.Context, r array.RecordReader, commands func(rows query.Query) []query.Command) error {
	return w.write(ctx, func(d *database) (err error) {
		if _, err := d.conn.ExecContext(ctx, "USE memory.main"); err != nil { // where the view is made
			return err
		}
		release, err := d.view(r)
		if err != nil {
			return err
		}
		defer func() {
			err = errors.Join(err, d.unview(context.WithoutCancel(ctx), err != nil))
			release()
		}()
		statements := []string{"USE " + attached, "BEGIN"}
		for _, c := range commands(loaded(r.Schema())) {
			statements = append(statements, query.DuckDB.Command(c))
		}
		for _, s := range append(statements, "COMMIT") {
			if _, err := d.conn.ExecContext(ctx, s); err != nil {
				return errors.Join(r.Err(), err)
			}
		}
		return r.Err()
	})
}

const loading = "_millrace_rows"

// view makes r readable once as a table.
func (d *database) view(r array.RecordReader) (release func(), err error) {
	err = d.conn.Raw(func(c any) error {
		a, err := duckdb.NewArrowFromConn(c.(driver.Conn)) //nolint:forcetypeassert // database/sql's contract
		if err != nil {
			return err
		}
		release, err = a.RegisterView(r, loading)
		return err
	})
	return release, err
}

// unview forgets the view. It comes before the release: a query that failed may hold on to the rows until the connection's
// next one.
func (d *database) unview(ctx context.Context, failed bool) error {
	if failed {
		_, _ = d.conn.ExecContext(ctx, "ROLLBACK") //nolint:errcheck // where nothing was begun there is nothing to end
	}
	_, err := d.conn.ExecContext(ctx, "DROP VIEW IF EXISTS memory.main."+loading)
	return err
}

// loaded is the query of the rows with text that holds JSON as JSON.
func loaded(s *arrow.Schema) query.Query {
	rows := query.Table(query.TableRef{Database: "memory", Schema: "main", Name: loading}).As("r")
	columns := make([]query.Expr, s.NumFields())
	for i, f := range s.Fields() {
		columns[i] = rows.Col(f.Name)
		if kind, _ := f.Metadata.GetValue(value.MetaType); value.Type(kind) == value.TypeObject {
			columns[i] = query.Cast(columns[i], query.TypeJSON).As(f.Name)
		}
	}
	return query.From(rows).Select(columns...)
}

// Columns returns the columns of a table.
func (w *Warehouse) Columns(ctx context.Context, table query.TableRef) (columns value.Schema, err error) {
	err = w.rows(ctx, `SELECT column_name, data_type, is_nullable FROM duckdb_columns()
		WHERE database_name = current_database() AND schema_name = ? AND table_name = ? ORDER BY column_index`,
		[]any{table.Schema, table.Name}, func(scan func(...any) error) error {
			var c value.Column
			if err := scan(&c.Name, &c.Native, &c.Nullable); err != nil {
				return err
			}
			c.Type = TypeOf(c.Native)
			columns = append(columns, c)
			return nil
		})
	return columns, err
}

// OwnTables lists the tables of a schema whose names begin with the prefix.
func (w *Warehouse) OwnTables(ctx context.Context, schema, prefix string) (names []string, err error) {
	err = w.rows(ctx, "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = ? AND starts_with(table_name, ?)",
		[]any{schema, prefix}, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			names = append(names, name)
			return err
		})
	return names, err
}

// rows calls each with every row of a query of the catalogue.
func (w *Warehouse) rows(ctx context.Context, sql string, args []any, each func(scan func(...any) error) error) error {
	return w.read(ctx, "", func(d *database) (err error) {
		rows, err := d.conn.QueryContext(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			if err := each(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}
