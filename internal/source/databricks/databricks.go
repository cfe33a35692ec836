// Package databricks reads Databricks SQL warehouses through the Statement Execution API, and plans in them.
//
// Each call has a session of its own, in UTC and in the catalog and schema of the settings, and each statement an
// identifier before it begins, so that it can be stopped for certain. Results come as Arrow streams from the
// storage of the workspace, one chunk after the other.
package databricks

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// Info describes the source.
func Info() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "databricks", Name: "Databricks", Category: "warehouse", Summary: "Tables, views and queries of a Databricks SQL warehouse",
		Fields: append(fields(), connector.SchemaFields()...), Methods: []string{"sql", "table"},
		Engines: []string{connector.EngineBasic, connector.EngineLightning}, Grants: grants, SyncLogs: true, Open: open,
	}
}

// grants make the two schemas and let the service principal write in them (S-56). Which warehouse it may use is set on
// the warehouse's page.
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/privileges; managed storage (S-60):
// https://docs.databricks.com/aws/en/connect/unity-catalog/cloud-storage/managed-storage
const grants = "-- In the source's catalog (USE CATALOG …). Put in the application id of the service principal, or the user of the token,\n" +
	"-- and give it Can use on the SQL warehouse.\n" +
	"-- Where the catalog has no managed storage, or the schemas shall have their own, give each of them a place: make an external\n" +
	"-- location over a storage credential first, and write behind the schema's name MANAGED LOCATION 's3://<bucket>/millrace/planner'\n" +
	"-- and '…/audit', below the location. Then also:\n" +
	"--   GRANT BROWSE, CREATE EXTERNAL TABLE, READ FILES, WRITE FILES ON EXTERNAL LOCATION `<location>` TO `<application id>`;\n" +
	"--   GRANT CREATE EXTERNAL TABLE, READ FILES, WRITE FILES ON STORAGE CREDENTIAL `<credential>` TO `<application id>`;\n" +
	"CREATE SCHEMA IF NOT EXISTS `{planner}`;\n" +
	"CREATE SCHEMA IF NOT EXISTS `{audit}`;\n" +
	"GRANT USE CATALOG ON CATALOG `<catalog>` TO `<application id>`;\n" +
	"GRANT USE SCHEMA, EXECUTE, READ VOLUME, SELECT ON SCHEMA `<schema of the data>` TO `<application id>`;\n" +
	"GRANT USE SCHEMA, EXECUTE, READ VOLUME, SELECT, MODIFY, CREATE TABLE ON SCHEMA `{planner}` TO `<application id>`;\n" +
	"GRANT USE SCHEMA, EXECUTE, READ VOLUME, SELECT, MODIFY, CREATE TABLE ON SCHEMA `{audit}` TO `<application id>`;"

func open(o connector.SourceOptions) (connector.Source, error) {
	var s settings
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	c, err := newClient(s, o.Network)
	if err != nil {
		return nil, err
	}
	return &Source{settings: s, client: c, dir: o.Dir, schemas: connector.SchemasOf(o.Settings), sessions: map[*session]bool{}}, nil
}

// Source answers queries with a SQL warehouse. It is safe for concurrent use.
type Source struct {
	settings settings
	client   *client
	dir      string
	schemas  connector.Schemas

	mu       sync.Mutex
	sessions map[*session]bool
	closed   bool
}

var _ connector.Warehouse = (*Source)(nil)

// errClosed ends what still runs when the source is closed.
var errClosed = errors.New("the source was closed")

// Dialect is that of Databricks, in the quotes that the settings ask for.
func (s *Source) Dialect() query.Dialect {
	if s.settings.Dialect == dialectANSI {
		return query.DatabricksANSI
	}
	return query.Databricks
}

// Test connects to each warehouse of the settings and reads the catalog as discovery does.
func (s *Source) Test(ctx context.Context) error {
	if s.settings.warehouse(connector.WorkloadBatch) != s.settings.warehouse(connector.WorkloadInteractive) {
		if err := s.touch(ctx, connector.WorkloadBatch); err != nil {
			return err
		}
	}
	if err := s.touch(ctx, connector.WorkloadInteractive); err != nil {
		return err
	}
	_, err := s.Introspect(ctx)
	return err
}

// touch runs the smallest query on the warehouse of a class.
func (s *Source) touch(ctx context.Context, class connector.Workload) error {
	r, err := s.Query(ctx, connector.Query{SQL: "SELECT 1 AS one", Class: class, Tag: "test"})
	if err != nil {
		return err
	}
	defer r.Release()
	for r.Next() {
		_ = r.RecordBatch() // it says nothing
	}
	return r.Err()
}

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

// Close ends every statement and every connection; rows that are still being read end with an error.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	running := make(map[*session]bool, len(s.sessions))
	maps.Copy(running, s.sessions)
	s.mu.Unlock()
	for x := range running {
		x.end(errClosed)
	}
	s.client.close()
	return nil
}

// errSourceClosed is what a closed source answers.
func errSourceClosed() error { return fault.Wrap(errClosed, fault.CodeSourceUnreachable, "") }
