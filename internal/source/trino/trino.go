// Package trino reads Trino, and what came before and after it: Starburst, and Presto with its own headers.
//
// It speaks the client protocol over HTTP itself: the library for Trino knows no Presto, and makes of an instant in a
// zone and of a nested value less than the server sends. A statement is a POST, its rows come in pages, each of which
// names the next one; a DELETE ends it.
//
//   - https://trino.io/docs/current/develop/client-protocol.html
//   - https://prestodb.github.io/docs/current/develop/client-protocol.html
package trino

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
)

// Info describes the source.
func Info() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "trino", Name: "Trino", Category: "warehouse", Summary: "Tables, views and queries of Trino, Starburst or Presto",
		Fields: append(fields(), connector.SchemaFields()...), Methods: []string{"sql", "table"},
		Engines: []string{connector.EngineBasic, connector.EngineLightning}, Grants: grants, SyncLogs: true, Open: open,
	}
}

// grants make the two schemas in the default catalogue. Who may write in them is up to the catalogue's connector.
// https://trino.io/docs/current/sql/create-schema.html
const grants = `CREATE SCHEMA IF NOT EXISTS "{planner}";
CREATE SCHEMA IF NOT EXISTS "{audit}";
-- Where the catalogue or the server has access control, let "{user}" create, read, write and drop tables in both.
-- With the PostgreSQL connector, in that database: GRANT CREATE, USAGE ON SCHEMA "{planner}", "{audit}" TO the catalogue's user;`

func open(o connector.SourceOptions) (connector.Source, error) {
	var s settings
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	c, err := s.client(o.Network)
	if err != nil {
		return nil, err
	}
	return &Source{
		client: c, catalog: s.Catalog, dialect: s.dialect(), schemas: connector.SchemasOf(o.Settings),
		statements: &stream.Statements{Idle: c.http.CloseIdleConnections},
	}, nil
}

// Source answers queries with a Trino coordinator. It is safe for concurrent use.
type Source struct {
	client     *client
	catalog    string // empty: tables are named with theirs
	dialect    query.Dialect
	schemas    connector.Schemas
	statements *stream.Statements
}

var _ connector.Warehouse = (*Source)(nil)

// Dialect is Trino's or Presto's, for tables of the chosen connector.
func (s *Source) Dialect() query.Dialect { return s.dialect }

// Test runs a statement, and reads the names of the default catalogue's schemas.
func (s *Source) Test(ctx context.Context) error {
	sql := "SELECT 1 AS n"
	if s.catalog != "" {
		sql = "SHOW SCHEMAS FROM " + s.dialect.Ident(s.catalog)
	}
	return s.each(ctx, sql, func([]string) {})
}

// Close ends every statement.
func (s *Source) Close() error {
	s.statements.Close()
	return nil
}
