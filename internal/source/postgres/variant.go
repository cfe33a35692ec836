package postgres

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

// variant is a database that speaks PostgreSQL's protocol: what it says of itself, and what it does its own way.
type variant struct {
	info    connector.SourceInfo // without fields and Open
	port    int                  // where it listens, if nobody says otherwise
	fields  []connector.Field    // besides those of every server
	dialect query.Dialect

	begin        func(o connector.Settings, class connector.Workload) string // what a session runs before it reads
	write        string                                                      // what a session runs before it writes
	transactions bool                                                        // begin opens a transaction
	comments     bool                                                        // pg_description has the comments of a result's columns
	locks        bool                                                        // there are advisory locks

	tables func(x *session) ([]foundColumn, error)                            // the tables and views, sorted
	types  func(x *session, oids []uint32) (map[uint32]typeInfo, error)       // what the catalog says of types
	load   func(x *session, table query.TableRef, r array.RecordReader) error // adds rows to a table

	// unload is the statement that writes a result into a bucket; nil where the database has none (connector.Results).
	unload func(st statement, columns []column, to *connector.Results, g connector.Grant) (string, error)

	scalars map[uint32]column         // how columns are read
	numeric func(typmod int32) column // how a numeric is
	digits  query.Type                // a column for numbers of any number of digits
}

// Info describes the source PostgreSQL.
func Info() connector.SourceInfo { return postgresql().describe() }

// Infos describe the sources.
func Infos() []connector.SourceInfo {
	all := make([]connector.SourceInfo, len(variants))
	for i, v := range variants {
		all[i] = v.describe()
	}
	return all
}

var variants = []variant{postgresql(), lakebase(), greenplum(), redshift(), materialize()}

func (v variant) describe() connector.SourceInfo {
	info := v.info
	info.Fields = append(fields(v.port), v.fields...)
	info.Category, info.Methods = cmp.Or(info.Category, "database"), []string{"sql", "table"}
	info.Engines = []string{connector.EngineBasic}
	if info.SyncLogs {
		info.Fields = append(info.Fields, connector.SchemaFields()...)
		info.Engines, info.Grants = append(info.Engines, connector.EngineLightning), grants
	}
	info.Open = v.open
	return info
}

// grants make the two schemas and let the source's user write in them.
// https://www.postgresql.org/docs/current/sql-grant.html
const grants = `CREATE SCHEMA IF NOT EXISTS "{planner}";
CREATE SCHEMA IF NOT EXISTS "{audit}";
GRANT CREATE, USAGE ON SCHEMA "{planner}" TO "{user}";
GRANT CREATE, USAGE ON SCHEMA "{audit}" TO "{user}";`

func (v variant) open(o connector.SourceOptions) (connector.Source, error) {
	var s settings
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	config, err := s.config(o.Network)
	if err != nil {
		return nil, err
	}
	source := &Source{variant: v, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), options: o.Settings, config: config, network: o.Network, schemas: connector.SchemasOf(o.Settings), sessions: map[*session]bool{}}
	if !v.info.SyncLogs {
		return reading{source}, nil
	}
	return source, nil
}

// reading is a source that Millrace never writes in.
type reading struct{ connector.Source }

// read opens a session for one statement, and write one for commands.
func (s *Source) read(ctx context.Context, class connector.Workload) (*session, error) {
	return s.connect(ctx, s.variant.begin(s.options, class))
}

func (s *Source) write(ctx context.Context) (*session, error) { return s.connect(ctx, s.variant.write) }

// postgresql is PostgreSQL itself.
func postgresql() variant {
	return variant{
		info: connector.SourceInfo{Slug: "postgresql", Name: "PostgreSQL", Summary: "Tables, views and queries of a PostgreSQL database", Verified: true, SyncLogs: true},
		port: 5432, dialect: query.Postgres, begin: beginRead, write: beginWrite, transactions: true, comments: true, locks: true,
		tables: func(x *session) ([]foundColumn, error) { return x.columns(introspectSQL) }, types: lookUp, load: (*session).copyRows,
		scalars: scalars, numeric: numericColumn, digits: query.Native("numeric"),
	}
}

// lakebase is PostgreSQL, run by Databricks: https://docs.databricks.com/aws/en/oltp/
func lakebase() variant {
	v := postgresql()
	v.info = connector.SourceInfo{Slug: "lakebase", Name: "Lakebase", Summary: "Tables, views and queries of a Lakebase database of Databricks", SyncLogs: true}
	return v
}

// greenplum is PostgreSQL 12 with tables that lie on many machines, from version 7 on.
func greenplum() variant {
	v := postgresql()
	v.info = connector.SourceInfo{Slug: "greenplum", Name: "Greenplum", Category: "warehouse", Summary: "Tables, views and queries of a Greenplum database", SyncLogs: true}
	v.dialect = query.Greenplum
	return v
}

// beginRead starts the transaction of a query, beginWrite that of a command: one that stands still, since its process
// was stopped, keeps its locks for a minute and not for ever.
func beginRead(connector.Settings, connector.Workload) string {
	return "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;" + sessionSettings
}

const beginWrite = "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL idle_in_transaction_session_timeout = '60s';" + sessionSettings

// sessionSettings fix how values that travel as text are written. The last one lets the server notice that we are
// gone, even killed, and stop the statement; a server whose system cannot do that refuses it.
const sessionSettings = `
SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1;
DO $$ BEGIN SET LOCAL client_connection_check_interval = '2s'; EXCEPTION WHEN OTHERS THEN NULL; END $$`
