// Package clickhouse reads ClickHouse, version 20 and newer, over its HTTP interface.
//
// Rows come as lines of JSON with names and types first (JSONCompactEachRowWithNamesAndTypes): of the formats with types
// it is the one in which an exception in the middle of a result cannot be taken for rows, and numbers keep their digits.
// Each query has an id, by which it is killed when nobody wants it any more.
//
// https://clickhouse.com/docs/interfaces/http
package clickhouse

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
)

// Info describes the source.
func Info() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "clickhouse", Name: "ClickHouse", Category: "warehouse", Summary: "Tables, views and queries of a ClickHouse server",
		Fields: fields(), Methods: []string{"sql", "table"}, Engines: []string{connector.EngineBasic}, Open: open,
	}
}

func open(o connector.SourceOptions) (connector.Source, error) {
	var s settings
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	place, err := s.place()
	if err != nil {
		return nil, err
	}
	c, err := newClient(place, o.Network)
	if err != nil {
		return nil, err
	}
	return &Source{client: c, statements: &stream.Statements{Idle: c.http.CloseIdleConnections}}, nil
}

// Source answers queries with a ClickHouse server. It is safe for concurrent use.
type Source struct {
	client     *client
	statements *stream.Statements
}

var _ connector.Source = (*Source)(nil)

// Dialect is ClickHouse's.
func (s *Source) Dialect() query.Dialect { return query.ClickHouse }

// Test runs a statement in the database.
func (s *Source) Test(ctx context.Context) error {
	return s.each(ctx, "SELECT 1 AS n", func([]string) {})
}

// Close ends every statement.
func (s *Source) Close() error {
	s.statements.Close()
	return nil
}
