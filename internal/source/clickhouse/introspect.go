package clickhouse

import (
	"context"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// introspectSQL lists what the user may see. Tables that hold a materialized view's rows are the server's own.
// https://clickhouse.com/docs/operations/system-tables/columns
const introspectSQL = "SELECT c.database, c.table, t.engine, toString(t.total_rows), c.name, c.type, c.comment FROM system.columns AS c" +
	" LEFT JOIN system.tables AS t ON t.database = c.database AND t.name = c.table" +
	" WHERE c.database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA') AND c.table NOT LIKE '.inner%'" +
	" ORDER BY c.database, c.table, c.position"

// Introspect lists tables and views. A list that would be empty is an error that says why (S-70).
func (s *Source) Introspect(ctx context.Context) ([]connector.Table, error) {
	var tables []connector.Table
	err := s.each(ctx, introspectSQL, func(c []string) {
		if query.IsOwnSchema(c[0]) {
			return
		}
		ref := query.TableRef{Schema: c[0], Name: c[1]}
		if n := len(tables); n == 0 || tables[n-1].Ref != ref {
			tables = append(tables, connector.Table{Ref: ref, Kind: kindOf(c[2]), Rows: count(c[3])})
		}
		last := &tables[len(tables)-1]
		last.Columns = append(last.Columns, value.Column{
			Name: c[4], Type: typeOf(c[5], "").Value(), Native: c[5], Description: c[6],
			Nullable: strings.HasPrefix(c[5], "Nullable(") || strings.HasPrefix(c[5], "LowCardinality(Nullable("),
		})
	})
	if err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		user := query.ClickHouse.Ident(s.client.place.user)
		return nil, fault.New(fault.CodeSourceDenied, "the server shows no table to the user %s", strconv.Quote(s.client.place.user)).
			WithSuggestion("Either there is none, or the user may not see any. Let an administrator run: GRANT SELECT ON %s.* TO %s; GRANT SHOW TABLES, SHOW COLUMNS ON *.* TO %s; GRANT SELECT ON INFORMATION_SCHEMA.COLUMNS TO %s",
				query.ClickHouse.Ident(s.client.place.database), user, user, user)
	}
	return tables, nil
}

func kindOf(engine string) string {
	if strings.HasSuffix(engine, "View") {
		return "view"
	}
	return "table"
}

func count(text string) *int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}
