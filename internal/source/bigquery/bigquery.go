// Package bigquery reads Google BigQuery, and through it the Apache Iceberg tables of BigLake.
//
// A statement is first checked by a dry run, which costs nothing and tells its columns; then it runs as a job whose
// rows come as Arrow from the Storage Read API or, where that is not to be had or not worth while, in pages of JSON.
// Both ways give the same rows.
package bigquery

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// Info describes the source.
func Info() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "bigquery", Name: "BigQuery", Category: "warehouse", Summary: "Tables, views and queries of a Google BigQuery project",
		Fields: fields(), Methods: []string{"sql", "table"}, Engines: []string{connector.EngineBasic, connector.EngineLightning},
		Grants: grants, SyncLogs: true, Results: true, Open: open,
	}
}

// grants let the service account read, and make the two datasets that it writes in. Datasets must lie where the
// source's queries run: https://cloud.google.com/bigquery/docs/locations
// Roles: https://cloud.google.com/bigquery/docs/access-control
const grants = `# In Cloud Shell. PROJECT_ID and LOCATION are those of the source, ACCOUNT is the service account's address.
gcloud services enable bigquery.googleapis.com --project=PROJECT_ID
gcloud projects add-iam-policy-binding PROJECT_ID --member=serviceAccount:ACCOUNT --role=roles/bigquery.user
gcloud projects add-iam-policy-binding PROJECT_ID --member=serviceAccount:ACCOUNT --role=roles/bigquery.dataViewer
bq --location=LOCATION mk --force --dataset 'PROJECT_ID:{planner}'
bq --location=LOCATION mk --force --dataset 'PROJECT_ID:{audit}'
bq query --location=LOCATION --project_id=PROJECT_ID --nouse_legacy_sql 'GRANT ` + "`roles/bigquery.dataEditor` ON SCHEMA `{planner}`" + ` TO "serviceAccount:ACCOUNT"'
bq query --location=LOCATION --project_id=PROJECT_ID --nouse_legacy_sql 'GRANT ` + "`roles/bigquery.dataEditor` ON SCHEMA `{audit}`" + ` TO "serviceAccount:ACCOUNT"'`

func open(o connector.SourceOptions) (connector.Source, error) {
	s, err := decode(o.Settings)
	if err != nil {
		return nil, err
	}
	return newSource(s, o)
}

// Source answers queries with BigQuery. It is safe for concurrent use.
type Source struct {
	settings settings
	schemas  connector.Schemas
	client   *client
	backoff  time.Duration // before something is tried again the first time
	log      *slog.Logger

	always   bool        // the Storage Read API is asked even for what fits in one page
	unstored atomic.Bool // the Storage Read API has refused us

	life  context.Context // ends with Close
	end   context.CancelCauseFunc
	mu    sync.Mutex
	done  bool
	calls sync.WaitGroup
}

var _ connector.Warehouse = (*Source)(nil)

func newSource(s settings, o connector.SourceOptions) (*Source, error) {
	c, err := newClient(s, o.Network)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancelCause(context.Background())
	return &Source{settings: s, schemas: connector.SchemasOf(o.Settings), client: c, backoff: time.Second, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), life: life, end: end}, nil
}

// Dialect is BigQuery's.
func (*Source) Dialect() query.Dialect { return query.BigQuery }

var (
	errClosed   = errors.New("the source was closed")
	errReleased = errors.New("the rows were released")
)

// enter counts a call that Close waits for; leave ends it.
func (s *Source) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return fault.Wrap(errClosed, fault.CodeSourceUnreachable, "")
	}
	s.calls.Add(1)
	return nil
}

func (s *Source) leave() { s.calls.Done() }

// scope returns a context that ends with the source too.
func (s *Source) scope(parent context.Context) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(parent)
	stop := context.AfterFunc(s.life, func() { cancel(errClosed) })
	return ctx, func() {
		stop()
		cancel(errReleased)
	}
}

// within runs a call that ends with the source, and explains its error.
func (s *Source) within(parent context.Context, sql string, call func(ctx context.Context) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	ctx, end := s.scope(parent)
	defer end()
	return s.explain(ctx, call(ctx), sql)
}

// Close ends every call; rows that are still being read end with an error.
func (s *Source) Close() error {
	s.mu.Lock()
	again := s.done
	s.done = true
	s.mu.Unlock()
	s.end(errClosed)
	s.calls.Wait()
	if again {
		return nil
	}
	return s.client.close()
}

// jobProject is the project that queries run in.
func (s *Source) jobProject() string {
	if s.settings.CacheProject != "" {
		return s.settings.CacheProject
	}
	return s.settings.Project
}
