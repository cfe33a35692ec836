package sqlserver

import (
	"context"
	"database/sql/driver"
	"net/http"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Warehouse is a Source that Millrace may write in.
type Warehouse struct {
	*Source

	schemas connector.Schemas
}

var _ connector.Warehouse = (*Warehouse)(nil)

func openWarehouse(e edition, o connector.SourceOptions, transport http.RoundTripper) (*Warehouse, error) {
	s, err := open(e, o, transport)
	if err != nil {
		return nil, err
	}
	return &Warehouse{s, connector.SchemasOf(o.Settings)}, nil
}

// Schemas returns the schemas that Millrace writes in.
func (w *Warehouse) Schemas() connector.Schemas { return w.schemas }

// Test connects, and reads the catalog as discovery does.
func (w *Warehouse) Test(ctx context.Context) error {
	_, err := w.Introspect(ctx)
	return err
}

// Introspect lists tables and views, without those in our own schemas.
func (w *Warehouse) Introspect(ctx context.Context) ([]connector.Table, error) {
	found, err := w.columns(ctx, catalogSQL+plainSQL+catalogOrder)
	if err != nil {
		return nil, err
	}
	return tablesOf(found, func(schema string) bool { return w.own(schema) || w.schemas.Own(schema) }), nil
}

// Describe lets the server compile the query, which yields no row.
func (w *Warehouse) Describe(ctx context.Context, q connector.Query) (*arrow.Schema, error) {
	own, err := ownOf(q)
	if err != nil {
		return nil, err
	}
	x, err := w.connect(ctx, w.edition.begin)
	if err != nil {
		return nil, err
	}
	defer x.close()
	columns, err := x.describe(q, own)
	if err != nil {
		return nil, err
	}
	return schemaOf(columns), nil
}

// The borders of a transaction. One that is not committed is undone with its connection.
const (
	beginWrite = "BEGIN TRANSACTION"
	endWrite   = "COMMIT TRANSACTION"
)

// Execute runs commands: in one transaction, unless there is a definition among them and the product does not allow
// that in one. Then each is whole by itself.
func (w *Warehouse) Execute(ctx context.Context, commands ...connector.Query) (rows int64, err error) {
	whole := w.edition.wholeDDL || allChanges(commands)
	begin := ""
	if whole {
		begin = beginWrite
	}
	x, err := w.connect(ctx, begin)
	if err != nil {
		return 0, err
	}
	defer x.close()
	for _, c := range commands {
		own := query.Clean(c.SQL)
		st := statement{query.Comment(c.Tag) + own, own}
		if rows, err = x.exec(st.text); err != nil {
			return 0, x.explain(err, st)
		}
	}
	if whole {
		if _, err := x.exec(endWrite); err != nil {
			return 0, x.explain(err, statement{})
		}
	}
	return rows, nil
}

// allChanges tells whether every command changes rows, and none defines anything.
func allChanges(commands []connector.Query) bool {
	for _, c := range commands {
		word, _, _ := strings.Cut(strings.TrimSpace(c.SQL), " ")
		switch strings.ToUpper(word) {
		case "INSERT", "UPDATE", "DELETE":
		default:
			return false
		}
	}
	return true
}

// Columns returns the columns of a table.
func (w *Warehouse) Columns(ctx context.Context, table query.TableRef) (value.Schema, error) {
	d := w.Dialect()
	where := " AND s.name = " + d.Text(table.Schema) + " AND o.name = " + d.Text(table.Name)
	found, err := w.columns(ctx, catalogSQL+plainSQL+where+catalogOrder)
	if err != nil {
		return nil, err
	}
	var columns value.Schema
	for _, f := range found {
		if f.table == table.Name { // a collation may take other cases of letters for the same
			columns = append(columns, f.column)
		}
	}
	return columns, nil
}

const ownTablesSQL = `SELECT o.name FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id WHERE o.type = 'U' AND s.name = `

// OwnTables lists the tables of a schema whose names begin with the prefix.
func (w *Warehouse) OwnTables(ctx context.Context, schema, prefix string) ([]string, error) {
	x, err := w.connect(ctx, "")
	if err != nil {
		return nil, err
	}
	defer x.close()
	var names []string
	err = x.all(ownTablesSQL+w.Dialect().Text(schema), func(row []driver.Value) error {
		if name, _ := row[0].(string); strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
		return nil
	})
	return names, x.explain(err, statement{})
}
