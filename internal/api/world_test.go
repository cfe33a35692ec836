package api_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/alert"
	"github.com/millrace/millrace/internal/api"
	"github.com/millrace/millrace/internal/bi"
	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connection"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/dbt"
	"github.com/millrace/millrace/internal/destination/embedded"
	httprequest "github.com/millrace/millrace/internal/destination/http"
	"github.com/millrace/millrace/internal/engine/audiencesize"
	"github.com/millrace/millrace/internal/engine/monitor"
	"github.com/millrace/millrace/internal/engine/orchestrator"
	"github.com/millrace/millrace/internal/engine/sequence"
	"github.com/millrace/millrace/internal/engine/storage"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/engine/timetable"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/bitool"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	kindmonitor "github.com/millrace/millrace/internal/kind/monitor"
	kindorchestrator "github.com/millrace/millrace/internal/kind/orchestrator"
	kindsequence "github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/kind/source"
	kindstorage "github.com/millrace/millrace/internal/kind/storage"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	kindtunnel "github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/source/excel"
	"github.com/millrace/millrace/internal/telemetry"
	"github.com/millrace/millrace/internal/tunnel"
	"github.com/millrace/millrace/internal/value"
	"github.com/uptrace/bun"
	"golang.org/x/crypto/bcrypt"
)

const (
	adminEmail    = "ada@example.com"
	adminPassword = "correct horse battery staple"
	bootstrapKey  = "a-key-from-the-environment"
	public        = "https://millrace.example.com"
)

// world is the real API over real stores, with a source and a destination that live in the test.
type world struct {
	t         *testing.T
	db        *db.DB
	clock     *clock.Manual
	access    *access.Store
	docs      *resource.Store
	state     *state.Store
	runs      *run.Store
	engine    *run.Engine
	seqs      *sequence.Engine
	times     *timetable.Timetable
	storage   *storage.Engine
	tunnels   *connection.Set
	queue     *queue
	alerts    *alert.Store
	logs      *audit.Store
	dbt       *dbt.Refresher
	sizes     *audiencesize.Reporter
	origin    *dbtOrigin
	orchestra *orchestrator.Engine
	noticed   []channel.Spec // the channels that test notices were sent to
	refuse    error          // of whoever takes test notices
	log       *lockedBuffer
	options   api.Options
	handler   http.Handler
	source    *memorySource
	target    *memoryTarget
	rate      func(context.Context, connector.SyncJob) ([]connector.EventQuality, error) // what is told of the quality of events
	key       string                                                                     // of the request to come; an admin's of workspace 1
}

// each runs a test on both databases.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d)) })
}

// credentialPolicy is what the operator allows.
var credentialPolicy = credential.Policy{AWSAccount: "123456789012"}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{
		t: t, db: d, clock: clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)), queue: &queue{}, origin: &dbtOrigin{}, log: &lockedBuffer{},
		source: &memorySource{columns: []string{"id", "name", "email"}}, target: &memoryTarget{have: map[string]string{}}, key: bootstrapKey,
	}
	home := t.TempDir()
	master, err := secret.LoadKey("", home)
	w.must(err)
	bucket, err := blob.Open(t.Context(), "", home, master)
	w.must(err)
	t.Cleanup(func() { w.must(bucket.Close()) })
	registry := w.registry()
	w.access = access.NewStore(d, w.clock)
	w.access.PasswordCost = bcrypt.MinCost
	w.docs = resource.NewStore(d, resource.NewRegistry(credential.Kind(credential.Types(credentialPolicy)), kindtunnel.Kind(), kindstorage.Kind(kindstorage.Types(false)), channel.Kind(), kindmonitor.Kind(), kindorchestrator.Kind(), bitool.Kind(), source.Kind(registry), dbtproject.Kind(registry), destination.Kind(registry), model.Kind(registry), kindsync.Kind(registry), kindsequence.Kind()), master, w.clock)
	w.state = state.NewStore(d, master, w.clock)
	w.docs.OnDelete(func(ctx context.Context, tx bun.Tx, sc resource.Scope, doc resource.Document) error {
		return w.state.Forget(ctx, tx, sc.WorkspaceID, doc.Kind, doc.ID)
	})
	w.runs, w.alerts = run.NewStore(d, w.clock), alert.NewStore(d, w.clock)
	w.logs = audit.NewStore(d, w.clock)
	w.runs.OnEnd(w.logs.Note)
	w.runs.Follow(w.docs, w.queue)
	log := slog.New(slog.NewTextHandler(w.log, nil))
	dir := filepath.Join(home, "work")
	w.storage = storage.New(storage.Options{
		DB: d, Documents: w.docs, Types: kindstorage.Types(false), Key: master, Server: storage.Server{Bucket: bucket, Label: "This server's"},
		Syncs: pausable{w.runs, w.logs, w.queue}, Clock: w.clock, Log: log, Owner: "test",
	})
	w.storage.Follow(w.docs)
	t.Cleanup(func() { w.must(w.storage.Close()) })
	tunnels := tunnel.NewStore(d, master, w.clock)
	sshd, err := tunnel.NewServer(t.Context(), tunnel.ServerOptions{Store: tunnels, Key: master, Process: "test", Clock: w.clock, Log: log})
	w.must(err)
	w.tunnels = &connection.Set{Store: tunnels, Server: sshd, Documents: w.docs, Clients: tunnel.NewClients(tunnel.ClientOptions{Store: tunnels, Clock: w.clock, Log: log})}
	w.tunnels.Follow(w.docs)
	t.Cleanup(func() { w.must(errors.Join(w.tunnels.Clients.Close(), sshd.Close())) })
	credentials := connection.Credentials{Types: credential.Types(credentialPolicy), Key: master}
	manifests := dbt.NewStore(d, w.clock)
	connections := connection.New(connection.Options{Registry: registry, Documents: w.docs, Tunnels: w.tunnels, Credentials: credentials})
	w.engine = run.New(run.EngineOptions{
		Connections: connections,
		Store:       w.runs, Documents: bundles{w.docs, dbt.Resolver{Store: manifests, Documents: w.docs}, &bi.Resolver{Documents: w.docs, Clock: w.clock}}, Registry: registry, Storage: w.storage, Places: places{w.storage}, State: w.state, Planner: plan.New(plan.Options{Threads: 1}),
		Enqueuer: w.queue, Clock: w.clock, Log: log, Dir: dir, Owner: "test", Retention: 7 * 24 * time.Hour,
	})
	w.dbt = &dbt.Refresher{DB: d, Documents: w.docs, Loader: dbt.Loader{Store: manifests, Documents: w.docs}, Fetcher: w.origin, Clock: w.clock, Log: log}
	w.dbt.Follow()
	w.sizes = &audiencesize.Reporter{DB: d, Documents: w.docs, Registry: registry, Destinations: adAccounts{w}, Warehouses: noWarehouse{}, Runs: w.runs, Clock: w.clock, Log: log}
	w.sizes.Follow()
	w.schedule()
	w.orchestra = orchestrator.New(orchestrator.Options{
		DB: d, Documents: w.docs, Timetable: w.times, Clock: w.clock, Log: log, Public: func() string { return public },
		State: func(workspaceID, id int64) connector.State {
			return w.state.Of(workspaceID, kindorchestrator.KindName, id)
		},
	})
	w.options = api.Options{
		Connections: connections, Tunnels: w.tunnels, Credentials: credentials, Egress: []string{"203.0.113.7"}, SSH: "tunnel.example.com:2222",
		DB: d, Access: w.access, Resources: w.docs, Registry: registry, Runs: w.runs, Engine: w.engine, Sequences: w.seqs, Timetable: w.times, Enqueuer: w.queue, State: w.state, Storage: w.storage, Logs: w.logs, Alerts: w.alerts, Notify: w, Monitors: monitor.NewStore(d, w.clock), Datadog: datadogSender(t, w.clock), DBT: dbt.Loader{Store: manifests, Documents: w.docs}, DBTRefresher: w.dbt, Audiences: w.sizes, Orchestrators: w.orchestra, BI: &bi.Resolver{Documents: w.docs, Clock: w.clock}, Public: public,
		Clock: w.clock, Log: log, Metrics: telemetry.NewMetrics(), Dir: dir, Version: "test", Secure: true,
		Assets: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}},
	}
	w.handler = api.New(w.options)
	_, _, err = w.access.Bootstrap(t.Context(), access.First{Email: adminEmail, Password: adminPassword, APIKey: bootstrapKey})
	w.must(err)
	return w
}

// schedule wires sequences and schedules as the program does.
func (w *world) schedule() {
	w.times = timetable.New(timetable.Options{DB: w.db, Documents: w.docs, Clock: w.clock, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Runners: map[string]timetable.Runner{"sync": syncRunner{w}}})
	w.seqs = sequence.New(sequence.Options{DB: w.db, Documents: w.docs, Syncs: steps{w}, Waker: w.queue, Clock: w.clock})
	w.runs.OnEnd(func(ctx context.Context, tx bun.Tx, r run.Run) error { return w.seqs.SyncEnded(ctx, tx, r.ID) })
}

// Test takes test notices.
func (w *world) Test(_ context.Context, c channel.Spec) error {
	w.noticed = append(w.noticed, c)
	return w.refuse
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) registry() *connector.Registry {
	secretField := connector.Field{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Required: true}
	return connector.New(
		[]connector.SourceInfo{{
			Slug: "memory", Name: "Memory", Methods: []string{"sql", "table"}, Engines: []string{"basic"},
			Fields: []connector.Field{
				{Name: "host", Label: "Host", Type: connector.FieldString, Required: true},
				{Name: "port", Label: "Port", Type: connector.FieldNumber, Default: 5432.0}, secretField,
				{Name: "token", Label: "Token", Type: connector.FieldSecret, Secret: true},
				{Name: "headers", Label: "Headers", Type: connector.FieldHeaders},
				{Name: "cloud", Label: "Credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderAWS, cloud.ProviderGCP}},
			},
			Open: func(o connector.SourceOptions) (connector.Source, error) { return w.source.open(o), nil },
		}, {
			Slug: "house", Name: "House", Methods: []string{"sql"}, Engines: []string{"basic", "lightning"}, SyncLogs: true,
			Fields: []connector.Field{{Name: connector.FieldAuditSchema, Label: "Audit schema", Type: connector.FieldString}},
			Open:   func(o connector.SourceOptions) (connector.Source, error) { return w.source.open(o), nil },
		}, warehouseInfo(), boxInfo(w), booksInfo()},
		[]connector.DestinationInfo{{
			Slug: "memory", Name: "Memory",
			Fields: []connector.Field{{Name: "place", Label: "Place", Type: connector.FieldString, Required: true, Target: true}, secretField, {Name: "region", Label: "Region", Type: connector.FieldSelect, OptionsFrom: "objects"}},
			SyncTypes: []connector.SyncType{{
				Slug: "record", Name: "Records", Modes: []connector.Mode{connector.ModeUpsert, connector.ModeInsert}, Deletes: []connector.DeleteBehavior{connector.DeleteRecord},
				Fields:  []connector.Field{{Name: "object", Label: "Object", Type: connector.FieldString}},
				Match:   connector.MatchRule{Modes: []connector.Mode{connector.ModeUpsert}},
				Mapping: connector.MappingRule{Enabled: true, Required: true, Advanced: true, AllByName: true},
			}},
			Open: func(o connector.DestinationOptions) (connector.Destination, error) { return w.target.open(o), nil },
		}, adsInfo(w), conversionsInfo(w), httprequest.Info(httpx.AnyNetwork), embedded.Info(httpx.AnyNetwork)})
}

// warehouseInfo is DuckDB, without the words of its fields, which the test of isolation looks for in answers.
func warehouseInfo() connector.SourceInfo {
	info := duckdb.Info(duckdb.Reach{})
	info.Fields = []connector.Field{{Name: "path", Label: "File", Type: connector.FieldString, Required: true}}
	return info
}

// booksInfo is Excel, without its examples, which the test of isolation looks for in answers.
func booksInfo() connector.SourceInfo {
	info := excel.Info()
	for i := range info.Fields {
		info.Fields[i].Example = ""
	}
	return info
}

// second makes another workspace with an admin of its own, and returns a key of it.
func (w *world) second() string {
	w.t.Helper()
	now := w.clock.Now().UnixMilli()
	for _, st := range []struct {
		sql  string
		args []any
	}{
		{"INSERT INTO workspaces (id, organization_id, slug, name, created_at) VALUES (2, 1, 'other', 'Other', ?)", []any{now}},
		{"INSERT INTO users (id, email, name, password, created_at) VALUES (2, 'bob@example.com', 'Bob', '', ?)", []any{now}},
		{"INSERT INTO members (workspace_id, user_id, role) VALUES (2, 2, 'admin')", nil},
	} {
		_, err := w.db.NewRaw(st.sql, st.args...).Exec(w.t.Context())
		w.must(err)
	}
	_, key, err := w.access.MakeKey(w.t.Context(), access.Identity{UserID: 2, WorkspaceID: 2, Email: "bob@example.com", Role: access.RoleAdmin}, "Other")
	w.must(err)
	return key
}

// answer is what a request got.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   string
}

// send makes a request. A body that is text goes as it is, everything else as JSON.
func (w *world) send(method, path string, body any, headers ...string) answer {
	w.t.Helper()
	var in io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	case url.Values:
		in = strings.NewReader(b.Encode())
		headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
	default:
		text, err := json.Marshal(b)
		w.must(err)
		in = bytes.NewReader(text)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, in)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if w.key != "" {
		r.Header.Set("Authorization", "Bearer "+w.key)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return answer{w.t, method + " " + path, rec.Code, rec.Header(), rec.Body.String()}
}

// ok makes a request that must succeed.
func (w *world) ok(method, path string, body any, headers ...string) answer {
	w.t.Helper()
	a := w.send(method, path, body, headers...)
	if a.status < 200 || a.status > 299 {
		w.t.Fatalf("%s: %d %s", a.what, a.status, a.body)
	}
	w.clock.Advance(200 * time.Millisecond) // below the limit of requests
	return a
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("%s: %d, want %d: %s", a.what, a.status, status, a.body)
	}
	return a
}

// at returns what is at a dotted path of the answer's JSON; nil when there is nothing.
func (a answer) at(path string) any {
	a.t.Helper()
	var node any
	if err := json.Unmarshal([]byte(a.body), &node); err != nil {
		a.t.Fatalf("%s: %v: %s", a.what, err, a.body)
	}
	for part := range strings.SplitSeq(path, ".") {
		switch n := node.(type) {
		case map[string]any:
			node = n[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(n) {
				return nil
			}
			node = n[i]
		default:
			return nil
		}
	}
	return node
}

// text returns a text at a path.
func (a answer) text(path string) string {
	a.t.Helper()
	text, ok := a.at(path).(string)
	if !ok {
		a.t.Fatalf("%s has no text at %s: %s", a.what, path, a.body)
	}
	return text
}

// has checks what is at a path; numbers are compared as text.
func (a answer) has(path string, want any) answer {
	a.t.Helper()
	if got := a.at(path); fmt.Sprint(got) != fmt.Sprint(want) {
		a.t.Errorf("%s: %s is %v, want %v: %s", a.what, path, got, want, a.body)
	}
	return a
}

// id returns a number at a path.
func (a answer) id(path string) int64 {
	a.t.Helper()
	n, ok := a.at(path).(float64)
	if !ok {
		a.t.Fatalf("%s has no number at %s: %s", a.what, path, a.body)
	}
	return int64(n)
}

// list returns one member of every item of a list.
func (a answer) list(path, member string) []string {
	a.t.Helper()
	items, ok := a.at(path).([]any)
	if !ok {
		a.t.Fatalf("%s has no list at %s: %s", a.what, path, a.body)
	}
	all := []string{}
	for _, item := range items {
		b, err := json.Marshal(item)
		if err != nil {
			a.t.Fatal(err)
		}
		all = append(all, fmt.Sprint(answer{a.t, a.what, a.status, a.header, string(b)}.at(member)))
	}
	return all
}

func (a answer) lists(path, member string, want ...string) answer {
	a.t.Helper()
	if got := a.list(path, member); !slices.Equal(got, want) {
		a.t.Errorf("%s: %s are %v, want %v", a.what, member, got, want)
	}
	return a
}

type object = map[string]any

func document(slug, name string, spec object) object {
	return object{"metadata": object{"slug": slug, "name": name}, "spec": spec}
}

func sourceSpec() object {
	return object{"type": "memory", "configuration": object{"host": "db.example.com", "password": "hunter2-secret"}}
}

func modelSpec() object {
	return object{"source": "shop", "method": "sql", "sql": "SELECT 1", "primaryKey": "id"}
}

func destinationSpec() object {
	return object{"type": "memory", "configuration": object{"place": "here", "password": "s3same-secret"}}
}

func syncSpec() object {
	return object{
		"model": "people", "destination": "crm", "type": "record", "mode": "upsert", "delete": "delete", "disabled": false, "schedule": object{"type": "manual"},
		"match":    []object{{"from": "id", "to": "id"}},
		"mappings": []object{{"to": "id", "from": "id"}, {"to": "name", "from": "name"}},
	}
}

func sequenceSpec() object {
	return object{"steps": []object{{"sync": "people-to-crm", "terminate": "rejected"}, {"sync": "people-to-crm", "terminate": "never"}}, "schedule": object{"type": "manual"}, "disabled": false}
}

// furnish makes one document of each kind: on-call, shop, people, crm and people-to-crm.
func (w *world) furnish() {
	w.t.Helper()
	w.ok("POST", "/api/alert-channels", document("on-call", "On call", channelSpec()))
	w.ok("POST", "/api/sources", document("shop", "Shop", sourceSpec()))
	w.ok("POST", "/api/models", document("people", "People", modelSpec()))
	w.ok("POST", "/api/destinations", document("crm", "CRM", destinationSpec()))
	w.ok("POST", "/api/syncs", document("people-to-crm", "People to CRM", syncSpec()))
}

// work executes the runs that wait, one after another. Unlike the real queue, the test's remembers runs whose
// transaction was undone.
func (w *world) work() {
	w.t.Helper()
	for _, id := range w.queue.take() {
		if err := w.engine.Execute(w.t.Context(), id); !errors.Is(err, sql.ErrNoRows) {
			w.must(err)
		}
	}
}

// steps runs syncs for sequences.
type steps struct{ *world }

func (s steps) Start(ctx context.Context, tx bun.Tx, workspaceID int64, slug string) (sequence.Started, error) {
	d, err := s.docs.GetIn(ctx, tx, resource.Scope{WorkspaceID: workspaceID}, "sync", slug)
	if err != nil {
		return sequence.Started{}, err
	}
	r, err := s.runs.TriggerIn(ctx, tx, run.Request{WorkspaceID: workspaceID, SyncID: d.ID, SyncSlug: slug, Trigger: run.TriggerSequence}, s.queue)
	return sequence.Started{SyncID: d.ID, RunID: r.ID, Own: true}, err
}

func (s steps) Look(ctx context.Context, tx bun.Tx, workspaceID, runID int64) (sequence.Outcome, error) {
	r, err := s.runs.GetIn(ctx, tx, workspaceID, runID)
	states := map[run.State]sequence.StepState{run.Committed: sequence.StepSuccess, run.Failed: sequence.StepFailed, run.Cancelled: sequence.StepCancelled}
	o := sequence.Outcome{RunID: r.ID, State: sequence.StepRunning, Rejected: r.Counts.Failed.Total(), Queried: r.Counts.Read, Finished: r.FinishedAt}
	if ended, over := states[r.State]; over {
		o.State = ended
	}
	if o.State == sequence.StepSuccess && r.Counts.Trouble() {
		o.State = sequence.StepWarning
	}
	if r.Failure != nil {
		o.Error = r.Failure.Message
	}
	return o, err
}

func (s steps) Cancel(ctx context.Context, tx bun.Tx, workspaceID, runID int64) error {
	_, err := s.runs.CancelIn(ctx, tx, workspaceID, runID)
	return err
}

// syncRunner runs syncs for schedules.
type syncRunner struct{ *world }

func (s syncRunner) Standing(ctx context.Context, tx bun.Tx, workspaceID, syncID int64) (timetable.Standing, error) {
	st, err := s.runs.Standing(ctx, tx, workspaceID, syncID)
	return timetable.Standing(st), err
}

func (s syncRunner) Missing(context.Context, int64, resource.Document) (string, error) {
	return "", nil
}

func (s syncRunner) Start(ctx context.Context, tx bun.Tx, workspaceID int64, d resource.Document) error {
	_, err := s.runs.TriggerIn(ctx, tx, run.Request{WorkspaceID: workspaceID, SyncID: d.ID, SyncSlug: d.Slug, Trigger: run.TriggerSchedule}, s.queue)
	return err
}

// sequenced moves on the sequences that wait for a worker, and executes the runs that they started, to the end.
func (w *world) sequenced() {
	w.t.Helper()
	for {
		w.queue.mu.Lock()
		ids := w.queue.sequences
		w.queue.sequences = nil
		w.queue.mu.Unlock()
		if len(ids) == 0 {
			return
		}
		for _, id := range ids {
			w.must(w.seqs.Advance(w.t.Context(), id))
		}
		w.work()
	}
}

// bundles reads what runs execute.
type bundles struct {
	docs *resource.Store
	dbt  dbt.Resolver
	bi   *bi.Resolver
}

func (b bundles) Bundle(ctx context.Context, workspaceID, syncID int64) (out run.Bundle, err error) {
	sc := resource.Scope{WorkspaceID: workspaceID, Actor: "test"}
	meta := func(d resource.Document) run.Meta {
		return run.Meta{ID: d.ID, Slug: d.Slug, Name: d.Name, Revision: d.Revision}
	}
	d, err := b.docs.GetByID(ctx, sc, "sync", syncID)
	if err != nil {
		return out, err
	}
	out.Sync, out.SyncSpec = meta(d), *d.Spec.(*kindsync.Spec)
	if d, err = b.docs.Resolve(ctx, sc, "model", out.SyncSpec.Model); err != nil {
		return out, err
	}
	out.Model, out.ModelSpec = meta(d), *d.Spec.(*model.Spec)
	if out.ModelSpec, err = b.dbt.Resolve(ctx, sc, out.ModelSpec); err != nil {
		return out, err
	}
	if out.ModelSpec, err = b.bi.Resolve(ctx, sc, out.ModelSpec); err != nil {
		return out, err
	}
	if d, err = b.docs.Resolve(ctx, sc, "source", out.ModelSpec.Source); err != nil {
		return out, err
	}
	out.Source, out.SourceSpec = meta(d), *d.Spec.(*source.Spec)
	if d, err = b.docs.Resolve(ctx, sc, "destination", out.SyncSpec.Destination); err != nil {
		return out, err
	}
	out.Destination, out.DestinationSpec = meta(d), *d.Spec.(*destination.Spec)
	return out, nil
}

// queue remembers which runs wait for a worker.
type queue struct {
	mu        sync.Mutex
	ids       []int64
	sequences []int64
}

func (q *queue) Wake(_ context.Context, _ bun.Tx, id, _ int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sequences = append(q.sequences, id)
	return nil
}

func (q *queue) Enqueue(_ context.Context, _ bun.Tx, id int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !slices.Contains(q.ids, id) {
		q.ids = append(q.ids, id)
	}
	return nil
}

func (q *queue) take() []int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	ids := q.ids
	q.ids = nil
	return ids
}

// lockedBuffer is a log that many goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// memorySource yields rows of text columns.
type memorySource struct {
	mu      sync.Mutex
	columns []string
	rows    [][]string
	fail    error
	said    map[string]string // comments on columns, which it tells with a query
	refuse  string            // a query that has this text is refused
	during  func(context.Context)
	asked   int                // how many queries it got
	last    string             // the SQL of the last one
	class   connector.Workload // and its class
	opened  connector.Settings // the settings that it was last opened with
	network connector.Network  // and the network
}

func (s *memorySource) open(o connector.SourceOptions) connector.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened, s.network = o.Settings, o.Network
	return s
}

func (s *memorySource) Test(context.Context) error { return s.fail }
func (s *memorySource) Dialect() query.Dialect     { return query.DuckDB }
func (s *memorySource) Close() error               { return nil }

func (s *memorySource) Introspect(context.Context) ([]connector.Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return []connector.Table{{Ref: query.TableRef{Schema: "main", Name: "people"}, Kind: "table", Columns: value.Schema{{Name: "id", Type: value.TypeString, Description: "Found by discovery"}}}}, nil
}

// ListOptions has one list, which tells by which settings it was loaded.
func (s *memorySource) ListOptions(_ context.Context, list string) ([]connector.Option, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list != "objects" {
		return nil, fault.New(fault.CodeNotFound, "there is no list %q", list)
	}
	return []connector.Option{{Value: "of " + s.opened.Text("host"), Label: "secret is there: " + strconv.FormatBool(s.opened.Text("password") != "")}}, nil
}

func (s *memorySource) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	if s.during != nil {
		s.during(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	s.last, s.class = q.SQL, q.Class
	if s.fail != nil {
		return nil, s.fail
	}
	if s.refuse != "" && strings.Contains(q.SQL, s.refuse) {
		return nil, queryFailed("it is " + s.refuse)
	}
	fields := make([]arrow.Field, len(s.columns))
	for i, c := range s.columns {
		fields[i] = arrow.Field{Name: c, Type: arrow.BinaryTypes.String, Nullable: true}
		if s.said[c] != "" {
			fields[i].Metadata = arrow.NewMetadata([]string{value.MetaDescription}, []string{s.said[c]})
		}
	}
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for n, r := range s.rows {
		if q.Limit > 0 && int64(n) >= q.Limit {
			break
		}
		for i := range s.columns {
			b.Field(i).(*array.StringBuilder).Append(r[i])
		}
	}
	return array.NewRecordReader(schema, []arrow.RecordBatch{b.NewRecordBatch()})
}

// memoryTarget keeps records by their match value.
type memoryTarget struct {
	mu     sync.Mutex
	have   map[string]string
	writes int
	refuse string              // the match value of a row that it refuses
	before func(n int64) error // called before a batch is taken
	check  error               // what is wrong with every sync
	opened connector.Settings  // the settings that it was last opened with
	listed int                 // how often its pick-list was loaded
}

func (d *memoryTarget) open(o connector.DestinationOptions) connector.Destination {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened = o.Settings
	return d
}

// ListOptions has lists, which tell by which settings they were loaded.
func (d *memoryTarget) ListOptions(context.Context, string, connector.SyncJob) ([]connector.Option, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listed++
	return []connector.Option{{Value: "of " + d.opened.Text("place"), Label: "secret is there: " + strconv.FormatBool(d.opened.Text("password") != "")}}, nil
}

func (d *memoryTarget) Test(context.Context) error    { return nil }
func (d *memoryTarget) Check(connector.SyncJob) error { return d.check }
func (d *memoryTarget) Close() error                  { return nil }
func (d *memoryTarget) Finish(context.Context) error  { return nil }
func (d *memoryTarget) Limits() connector.Limits {
	return connector.Limits{Rows: 2, Concurrency: 1, Idempotency: connector.Idempotent, Retry: connector.RetryPolicy{Attempts: 1}}
}

func (d *memoryTarget) Begin(context.Context, connector.SyncJob) (connector.Session, error) {
	return d, nil
}

func (d *memoryTarget) Write(_ context.Context, b *connector.Batch) (connector.Result, error) {
	if d.before != nil {
		if err := d.before(int64(len(b.Rows))); err != nil {
			return connector.Result{}, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes += len(b.Rows)
	var result connector.Result
	for i, row := range b.Rows {
		match := row.Match[0].String()
		switch {
		case match == d.refuse && d.refuse != "":
			result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: "no such person"})
		case b.Operation == connector.Removed:
			delete(d.have, match)
		default:
			d.have[match] = row.Values[1].String()
		}
	}
	return result, nil
}

// queryFailed is what a source says against a query.
func queryFailed(words string) error { return fault.New(fault.CodeSourceQuery, "%s", words) }

// places tells runs where objects lie, as the server's wiring does.
type places struct{ storage *storage.Engine }

func (p places) Place(ctx context.Context, workspaceID int64) (run.Place, error) {
	id, expiry, err := p.storage.Place(ctx, workspaceID)
	return run.Place{ID: id, Expiry: expiry}, err
}

func (p places) Earlier(ctx context.Context, workspaceID, placeID int64) (run.Stored, error) {
	return p.storage.Earlier(ctx, workspaceID, placeID)
}

// pausable are the syncs, as the server's wiring has them.
type pausable struct {
	*run.Store

	logs *audit.Store
	wake run.Enqueuer
}

func (s pausable) Unread(ctx context.Context, workspaceID int64, at time.Time) (bool, error) {
	return s.logs.Unread(ctx, workspaceID, at)
}

func (s pausable) Resume(ctx context.Context, tx bun.Tx, workspaceID int64) error {
	return s.Store.Resume(ctx, tx, workspaceID, s.wake)
}

// storageSpec is a bucket that nobody reaches.
func storageSpec() object {
	return object{"type": "s3", "configuration": object{"bucket": "lake", "accessKeyId": "AKIATEST", "secretAccessKey": "s3same-secret", "endpoint": "http://127.0.0.1:1", "pathStyle": true}}
}
