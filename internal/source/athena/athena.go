// Package athena reads Amazon Athena.
//
// A query runs at Athena and leaves its rows in S3, as a file of CSV that is streamed from there and removed. Athena says
// the columns' types beside it.
//
// https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html
package athena

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
)

// Info describes the source.
func Info() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "athena", Name: "Amazon Athena", Category: "warehouse", Summary: "Tables, views and queries of Amazon Athena",
		Fields: append(fields(), connector.SchemaFields()...), Methods: []string{"sql", "table"},
		Engines: []string{connector.EngineBasic, connector.EngineLightning}, Grants: grants, SyncLogs: true, Results: true, Open: open,
	}
}

// grants make the two schemas. https://docs.aws.amazon.com/athena/latest/ug/create-database.html
const grants = `CREATE SCHEMA IF NOT EXISTS "{planner}";
CREATE SCHEMA IF NOT EXISTS "{audit}";
-- In Athena's own editor, write the names in backticks. The credential needs glue:CreateTable, glue:UpdateTable,
-- glue:DeleteTable, glue:GetTable and glue:GetDatabase on both, and s3:PutObject, s3:GetObject and s3:DeleteObject
-- below the location of tables. Where Lake Formation rules, grant it the same there.`

func open(o connector.SourceOptions) (connector.Source, error) {
	var s settings
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	c, err := newClient(s, o.Network)
	if err != nil {
		return nil, err
	}
	return &Source{
		client: c, dialect: query.AthenaAt(s.tables()), schemas: connector.SchemasOf(o.Settings), hasLocation: s.tables() != "",
		log:        cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		statements: &stream.Statements{Idle: c.http.CloseIdleConnections},
	}, nil
}

// Source answers queries with Athena. It is safe for concurrent use.
type Source struct {
	client      *client
	dialect     query.Dialect
	schemas     connector.Schemas
	hasLocation bool // that tables of ours can be made in
	log         *slog.Logger
	statements  *stream.Statements
}

var (
	_ connector.Warehouse          = (*Source)(nil)
	_ connector.SourceOptionLister = (*Source)(nil)
)

// Dialect is Athena's, with our tables below a location in S3.
func (s *Source) Dialect() query.Dialect { return s.dialect }

// Test runs a statement and reads its result.
func (s *Source) Test(ctx context.Context) error {
	return s.each(ctx, "SELECT 1 AS n", func([]cell) {})
}

// Close ends every statement.
func (s *Source) Close() error {
	s.statements.Close()
	return nil
}
