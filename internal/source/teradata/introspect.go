package teradata

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/teradata/odbc"
	"github.com/millrace/millrace/internal/value"
)

// introspectSQL lists the columns of the tables (T, O without a primary index, Q queues) and views (V) that the user may
// use, without those of the database's own users. %s is the view that has the columns.
// https://docs.teradata.com/r/oiS9ixs2ypIQvjTUOJfgoA/fQ8NslP6DDESV0ZiODLlIw
const introspectSQL = `SELECT c.DatabaseName, c.TableName, t.TableKind, c.ColumnName, c.ColumnType, c.DecimalTotalDigits, c.DecimalFractionalDigits, c.Nullable, c.CommentString
FROM DBC.%s c
JOIN DBC.TablesVX t ON t.DatabaseName = c.DatabaseName AND t.TableName = c.TableName
WHERE t.TableKind IN ('T', 'O', 'Q', 'V') AND c.DatabaseName NOT IN (` + ownDatabases + `)
ORDER BY c.DatabaseName, c.TableName, c.ColumnId`

// ownDatabases are those that an installation comes with.
const ownDatabases = `'All', 'Console', 'Crashdumps', 'DBC', 'dbcmngr', 'Default', 'External_AP', 'EXTUSER', 'LockLogShredder', 'PUBLIC', 'SQLJ',
'Sys_Calendar', 'SysAdmin', 'SYSBAR', 'SYSJDBC', 'SYSLIB', 'SYSSPATIAL', 'SystemFe', 'SYSUDTLIB', 'SYSUIF', 'TD_ANALYTICS_DB', 'TD_SERVER_DB', 'TD_SYSFNLIB',
'TD_SYSGPL', 'TD_SYSXML', 'TDaaS_DB', 'TDMaps', 'TDPUSER', 'TDQCD', 'TDStats', 'tdwm', 'viewpoint'`

// Where columns are listed. Types of views' columns are in the first alone, which a database has only where an
// administrator turned it on: https://docs.teradata.com/r/IjAIjoBIu15M6R4qyuP3CQ/icTlnU~ON~eF4LHHIwL5VQ
const (
	columnsWithViews = "ColumnsJQVX"
	columnsOfTables  = "ColumnsVX"
)

// Introspect lists tables and views, by database.
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) {
	x, err := s.begin(ctx, connector.Query{Tag: "discovery"})
	if err != nil {
		return nil, err
	}
	defer x.close()
	tables, err := x.tables(columnsWithViews)
	if _, refused := errors.AsType[*odbc.Error](err); refused && x.st.Context().Err() == nil {
		tables, err = x.tables(columnsOfTables)
	}
	return tables, x.explain(err, stream.Text{})
}

func (x *session) tables(columns string) ([]connector.Table, error) {
	var tables []connector.Table
	err := x.all(strings.Replace(introspectSQL, "%s", columns, 1), func(r odbc.Rows) error {
		row, err := wordsOf(r)
		if err != nil {
			return err
		}
		ref := query.TableRef{Schema: row[0], Name: row[1]}
		if query.IsOwnSchema(ref.Schema) {
			return nil
		}
		c, err := columnFound(row)
		if err != nil {
			return err
		}
		if n := len(tables); n == 0 || tables[n-1].Ref != ref {
			tables = append(tables, connector.Table{Ref: ref, Kind: tableKind(row[2])})
		}
		last := &tables[len(tables)-1]
		last.Columns = append(last.Columns, c)
		return nil
	})
	slices.SortFunc(tables, func(a, b connector.Table) int {
		return cmp.Or(strings.Compare(a.Ref.Schema, b.Ref.Schema), strings.Compare(a.Ref.Name, b.Ref.Name))
	})
	return tables, err
}

func tableKind(code string) string {
	if code == "V" {
		return "view"
	}
	return "table"
}

// wordsOf is a row of the catalog as words, without the spaces that fixed texts end with.
func wordsOf(r odbc.Rows) ([]string, error) {
	columns := r.Columns()
	row := make([]string, len(columns))
	for i, c := range columns {
		if c.Integer() {
			n, null, err := r.Integer(i)
			if err != nil {
				return nil, err
			}
			if !null {
				row[i] = strconv.FormatInt(n, 10)
			}
			continue
		}
		b, _, err := r.Text(i)
		if err != nil {
			return nil, err
		}
		row[i] = strings.TrimRight(string(b), " ")
	}
	return row, nil
}

func columnFound(row []string) (value.Column, error) {
	k := kind{name: codes[row[4]]}
	if k.name == "" {
		k.name = row[4] // of a view, where the catalog does not say it, or of a type that is newer than this
	}
	if digits, err := strconv.Atoi(row[5]); err == nil && k.name == "DECIMAL" {
		k.precision = digits
		k.scale, _ = strconv.Atoi(row[6]) //nolint:errcheck // none is 0
	}
	c := columnOf(k)
	schema, err := value.SchemaOf(arrow.NewSchema([]arrow.Field{c.field}, nil))
	if err != nil {
		return value.Column{}, err
	}
	return value.Column{Name: row[3], Type: schema[0].Type, Native: k.native(), Nullable: row[7] != "N", Description: row[8]}, nil
}
