package oracle

import (
	"cmp"
	"context"
	"database/sql/driver"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// introspectSQL lists the columns of the tables and views that the user may read, without those of Oracle's own users.
// https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/ALL_TAB_COLUMNS.html
const introspectSQL = `SELECT c.owner, c.table_name, CASE WHEN v.view_name IS NULL THEN 'table' ELSE 'view' END, c.column_name, c.data_type,
c.data_precision, c.data_scale, c.nullable, m.comments, t.num_rows
FROM all_tab_columns c
JOIN all_users u ON u.username = c.owner AND u.oracle_maintained = 'N'
LEFT JOIN all_views v ON v.owner = c.owner AND v.view_name = c.table_name
LEFT JOIN all_tables t ON t.owner = c.owner AND t.table_name = c.table_name
LEFT JOIN all_col_comments m ON m.owner = c.owner AND m.table_name = c.table_name AND m.column_name = c.column_name
WHERE c.table_name NOT LIKE 'BIN$%'
ORDER BY c.owner, c.table_name, c.column_id`

// Introspect lists tables and views.
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) {
	x, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer x.close()
	var tables []connector.Table
	err = x.all(introspectSQL, func(row []driver.Value) error {
		ref := query.TableRef{Schema: word(row[0]), Name: word(row[1])}
		if query.IsOwnSchema(ref.Schema) {
			return nil
		}
		c, err := columnFound(row)
		if err != nil {
			return err
		}
		if n := len(tables); n == 0 || tables[n-1].Ref != ref {
			tables = append(tables, connector.Table{Ref: ref, Kind: word(row[2]), Rows: count(row[9])})
		}
		last := &tables[len(tables)-1]
		last.Columns = append(last.Columns, c)
		return nil
	})
	slices.SortFunc(tables, func(a, b connector.Table) int {
		return cmp.Or(strings.Compare(a.Ref.Schema, b.Ref.Schema), strings.Compare(a.Ref.Name, b.Ref.Name))
	})
	return tables, x.explain(err, statement{})
}

// sizes are what stands in parentheses in the name of a type: TIMESTAMP(6) WITH TIME ZONE.
var sizes = regexp.MustCompile(`\(\d+(,\s*\d+)?\)`)

func columnFound(row []driver.Value) (value.Column, error) {
	k := kind{name: sizes.ReplaceAllString(word(row[4]), "")}
	precision, scale := count(row[5]), count(row[6])
	if k.name == "NUMBER" && precision != nil && scale != nil {
		k.precision, k.scale, k.sized = *precision, *scale, true
	}
	if k.name == "NUMBER" && precision == nil && scale != nil { // INTEGER is NUMBER(*, 0), which has all digits
		k.precision, k.scale, k.sized = maxPrecision, *scale, true
	}
	c := columnOf(k)
	schema, err := value.SchemaOf(arrow.NewSchema([]arrow.Field{c.field}, nil))
	if err != nil {
		return value.Column{}, err
	}
	return value.Column{
		Name: word(row[3]), Type: schema[0].Type, Native: k.native(), Nullable: word(row[7]) != "N", Description: word(row[8]),
	}, nil
}

func word(v driver.Value) string { s, _ := v.(string); return s }

// count is a number of the catalog, which the driver writes as text; nil for none.
func count(v driver.Value) *int64 {
	n, err := strconv.ParseInt(word(v), 10, 64)
	if err != nil {
		return nil
	}
	return &n
}
