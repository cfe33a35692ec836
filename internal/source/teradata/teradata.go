// Package teradata reads Teradata Vantage over the vendor's ODBC driver. It is part of builds with the tag teradata; in
// others the catalogue says what is missing.
//
// Each query has a session of its own, whose query band names the run. Values come as texts where a number of the machine
// would change them.
package teradata

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/teradata/odbc"
)

// Driver is the name under which the vendor's driver of version 20.00 registers itself in odbcinst.ini.
const Driver = "Teradata Database ODBC Driver 20.00"

// missing says what a build without ODBC lacks.
const missing = "This build has no ODBC, over which Teradata is read. Build Millrace with `make build TAGS=teradata`, or the container image with `--build-arg TAGS=teradata`, and install the vendor's ODBC driver beside it."

// Info describes the source; driver is the name of the vendor's driver in odbcinst.ini.
func Info(driver string) connector.SourceInfo {
	info := connector.SourceInfo{
		Slug: "teradata", Name: "Teradata Vantage", Category: "warehouse", Summary: "Tables, views and queries of a Teradata database, over ODBC",
		Fields: fields(), Methods: []string{"sql", "table"}, Engines: []string{connector.EngineBasic}, Tag: "teradata",
		Open: func(o connector.SourceOptions) (connector.Source, error) { return open(o, driver) },
	}
	if !odbc.Available {
		info.Missing = missing
	}
	return info
}

func open(o connector.SourceOptions, driver string) (*Source, error) {
	var s settings
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return &Source{
		settings: s, network: o.Network, connect: odbc.Open,
		connection: func(p ports) string { return s.connection(driver, p) },
	}, nil
}

// Source answers queries with a Teradata database. It is safe for concurrent use.
type Source struct {
	settings   settings
	network    connector.Network
	connect    func(ctx context.Context, connection string) (odbc.Conn, error)
	connection func(ports) string
	statements stream.Statements
}

var _ connector.Source = (*Source)(nil)

// Dialect is Teradata's.
func (s *Source) Dialect() query.Dialect { return query.Teradata }

// Test connects, and reads the catalog as discovery does.
func (s *Source) Test(ctx context.Context) error {
	_, err := s.Introspect(ctx)
	return err
}

// Close ends every session; rows that are still being read end with an error.
func (s *Source) Close() error {
	s.statements.Close()
	return nil
}

// timeout is how long a query may take; 0 means as long as it needs.
func (s settings) timeout() time.Duration {
	return time.Duration(s.RequestTimeout * float64(time.Second))
}
