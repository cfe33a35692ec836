// Package sqlserver reads Microsoft SQL Server (2016 and newer) and Azure SQL Database, dedicated SQL pools of Azure
// Synapse Analytics, and warehouses of Microsoft Fabric. All three speak the same protocol (TDS) and dialects of one SQL.
//
// Each query has a connection of its own: nothing is left behind at the server, and its statement ends when its context
// does. A model is compiled in parentheses before it runs, where only a query can stand, so that it changes nothing.
package sqlserver

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

// edition is one of the three products.
type edition struct {
	dialect query.Dialect

	// ordered says that a query in parentheses may have an order with OFFSET.
	ordered bool
	// commented says that columns have comments, and tables a count of rows.
	commented bool
	// bulk says that rows can be written with the protocol's bulk load.
	bulk bool
	// wholeDDL says that a transaction may make and drop tables.
	wholeDDL bool
	// begin runs first on each connection that reads.
	begin string
}

// beginRead asks for one snapshot where the database can give one (S-15); elsewhere the database's own level applies.
// https://learn.microsoft.com/en-us/sql/t-sql/statements/set-transaction-isolation-level-transact-sql
const beginRead = `IF EXISTS (SELECT 1 FROM sys.databases WHERE database_id = DB_ID() AND snapshot_isolation_state = 1)
SET TRANSACTION ISOLATION LEVEL SNAPSHOT`

var (
	serverEdition = edition{dialect: query.SQLServer, ordered: true, commented: true, begin: beginRead}
	// https://learn.microsoft.com/en-us/azure/synapse-analytics/sql-data-warehouse/sql-data-warehouse-develop-transactions
	synapseEdition = edition{dialect: query.Synapse, bulk: true}
	// The bulk load is said to be in preview: https://learn.microsoft.com/en-us/fabric/data-warehouse/ingest-data-bulk-copy
	fabricEdition = edition{dialect: query.Fabric, wholeDDL: true}
)

// Infos describe the three sources.
func Infos() []connector.SourceInfo { return []connector.SourceInfo{Server(), Synapse(), Fabric()} }

// Server describes SQL Server and Azure SQL Database.
func Server() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "sqlserver", Name: "SQL Server", Category: "database", Summary: "Tables, views and queries of Microsoft SQL Server or Azure SQL Database",
		Fields: serverFields(), Methods: methods(), Engines: []string{connector.EngineBasic},
		Open: func(o connector.SourceOptions) (connector.Source, error) { return open(serverEdition, o, nil) },
	}
}

// Synapse describes dedicated SQL pools of Azure Synapse Analytics.
func Synapse() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "synapse", Name: "Azure Synapse", Category: "warehouse", Summary: "Tables, views and queries of an Azure Synapse SQL pool",
		Fields: append(synapseFields(), connector.SchemaFields()...), Methods: methods(), Engines: engines(), Grants: grants, SyncLogs: true,
		Open: func(o connector.SourceOptions) (connector.Source, error) {
			return openWarehouse(synapseEdition, o, nil)
		},
	}
}

// Fabric describes warehouses of Microsoft Fabric.
func Fabric() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "fabric", Name: "Microsoft Fabric", Category: "warehouse", Summary: "Tables, views and queries of a Microsoft Fabric warehouse",
		Fields: append(fabricFields(), connector.SchemaFields()...), Methods: methods(), Engines: engines(), Grants: grants, SyncLogs: true,
		Open: func(o connector.SourceOptions) (connector.Source, error) { return openWarehouse(fabricEdition, o, nil) },
	}
}

func methods() []string { return []string{"sql", "table"} }

func engines() []string { return []string{connector.EngineBasic, connector.EngineLightning} }

// grants make the two schemas and give them to the source's user.
// https://learn.microsoft.com/en-us/sql/t-sql/statements/grant-schema-permissions-transact-sql
const grants = `SET QUOTED_IDENTIFIER ON;
IF SCHEMA_ID(N'{planner}') IS NULL EXEC(N'CREATE SCHEMA "{planner}"');
IF SCHEMA_ID(N'{audit}') IS NULL EXEC(N'CREATE SCHEMA "{audit}"');
GRANT CREATE TABLE TO "{user}";
GRANT CONTROL ON SCHEMA::"{planner}" TO "{user}";
GRANT CONTROL ON SCHEMA::"{audit}" TO "{user}";`

// open reads the settings; transport reaches the token service, nil meaning over the source's network.
func open(e edition, o connector.SourceOptions, transport http.RoundTripper) (*Source, error) {
	var s settings
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	place, err := s.place()
	if err != nil {
		return nil, err
	}
	if transport == nil {
		transport = o.Network.Transport()
	}
	if place.token, err = s.tokens(transport); err != nil {
		return nil, err
	}
	return &Source{edition: e, place: place, network: o.Network, sessions: map[*session]bool{}}, nil
}

// Source answers queries with a server. It is safe for concurrent use.
type Source struct {
	edition edition
	place   place
	network connector.Network

	mu       sync.Mutex
	sessions map[*session]bool
	closed   bool
}

var _ connector.Source = (*Source)(nil)

// Dialect is that of the product.
func (s *Source) Dialect() query.Dialect { return s.edition.dialect }

// Test connects, and reads the catalog as discovery does.
func (s *Source) Test(ctx context.Context) error {
	_, err := s.Introspect(ctx)
	return err
}

var (
	errClosed   = errors.New("the source was closed")
	errReleased = errors.New("the rows were released")
	errTimeout  = errors.New("the request timeout of the source is over")
)

func (s *Source) register(x *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.sessions[x] = true
	}
	return !s.closed
}

func (s *Source) forget(x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, x)
}

// Close ends every connection; rows that are still being read end with an error.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	open := maps.Clone(s.sessions)
	s.mu.Unlock()
	for x := range open {
		x.kill()
	}
	return nil
}
