// Package app wires one process: it opens what the configuration names, starts the roles that it asks for,
// and stops them in order.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // schedules name time zones, which the machine need not have

	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/api"
	"github.com/millrace/millrace/internal/bi"
	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connection"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/dbt"
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
	"github.com/millrace/millrace/internal/jobs"
	"github.com/millrace/millrace/internal/quota"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
	"github.com/millrace/millrace/internal/telemetry"
	"github.com/uptrace/bun"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// Options are what a process is started with besides its configuration.
type Options struct {
	Config    *config.Config
	Version   string
	Out       io.Writer           // for people: the address, and the first admin's password
	Log       io.Writer           // for the log
	Assets    fs.FS               // the web app; without index.html, its pages say that it is not built
	Ready     func(base string)   // called when the process serves, with its base URL; may be nil
	Failpoint func(point string)  // called at each edge of the run's state machine; nil outside tests
	Registry  *connector.Registry // nil means Connectors
}

// How often the process looks for work that nothing announced.
const (
	tickEvery   = time.Second      // due schedules
	keepEvery   = 3 * time.Second  // tunnels that are not open
	reapEvery   = 5 * time.Second  // runs whose worker is gone
	expireEvery = 10 * time.Minute // logs whose time is over
	closeTime   = 10 * time.Second // what stopping may take beyond the grace of runs
	patience    = 30 * time.Second // how long a destination's limits may keep a worker waiting
	streamGrace = time.Second      // what requests under way may take when the process stops
)

// process is everything that is open.
type process struct {
	Options

	log         *slog.Logger
	clock       clock.Clock
	db          *db.DB
	bucket      *blob.Bucket
	key         *secret.Key
	storage     *storage.Engine
	access      *access.Store
	documents   *resource.Store
	state       *state.Store
	quotas      *quota.Store
	runs        *run.Store
	jobs        *jobs.Client
	engine      *run.Engine
	sequences   *sequence.Engine
	timetable   *timetable.Timetable
	alerts      *alerts
	tunnels     *connection.Set
	credentials connection.Credentials
	connections *connection.Opener
	logs        *audit.Store
	monitors    *monitor.Store
	datadog     *monitor.DatadogSender
	manifests   *dbt.Store
	bi          *bi.Resolver
	refresher   *dbt.Refresher
	audiences   *audiencesize.Reporter
	orchestra   *orchestrator.Engine
	public      string   // the address by which people reach this server
	slugs       sync.Map // of workspaces, by their numbers
	metrics     *telemetry.Metrics
	closers     []func() error
}

// Serve runs the process until ctx ends, then stops it: batches in flight finish or are journaled.
func Serve(ctx context.Context, o Options) (err error) {
	p := &process{Options: o, clock: clock.System{}, metrics: telemetry.NewMetrics()}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.open(ctx); err != nil {
		return err
	}
	if err := p.firstStart(ctx); err != nil {
		return err
	}
	return p.serve(ctx)
}

func (p *process) close() error {
	var errs []error
	for _, closing := range slices.Backward(p.closers) {
		errs = append(errs, closing())
	}
	return errors.Join(errs...)
}

// open connects to everything and migrates the database.
func (p *process) open(ctx context.Context) error {
	c := p.Config
	p.log = telemetry.Logger(p.Log, c.LogFormat, c.LogLevel)
	if err := c.MakeHome(); err != nil {
		return err
	}
	if c.DatabaseURL == "" {
		unlock, err := lockHome(c.Home)
		if err != nil {
			return err
		}
		p.closers = append(p.closers, unlock)
	}
	flush, err := telemetry.Traces(ctx, c.OTLPEndpoint)
	if err != nil {
		return err
	}
	p.closers = append(p.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		return flush(ctx)
	})
	if err := p.openStores(ctx); err != nil {
		return err
	}
	if err := p.require(ctx); err != nil {
		return err
	}
	return p.openEngine(ctx)
}

func (p *process) openStores(ctx context.Context) (err error) {
	c := p.Config
	if p.db, err = db.Open(ctx, db.Config{URL: c.DatabaseURL, Home: c.Home, MaxConns: c.DatabaseConnections}); err != nil {
		return err
	}
	p.closers = append(p.closers, p.db.Close)
	if err := p.db.Migrate(ctx); err != nil {
		return err
	}
	if p.key, err = secret.LoadKey(c.EncryptionKey, c.Home); err != nil {
		return err
	}
	if p.bucket, err = blob.Open(ctx, c.StorageURL, c.Home, p.key); err != nil {
		return err
	}
	p.closers = append(p.closers, p.bucket.Close)
	if p.Registry == nil {
		p.Registry = Connectors(c)
	}
	p.access = access.NewStore(p.db, p.clock)
	p.documents = resource.NewStore(p.db, Kinds(p.Registry, Storages(c), Credentials(c)), p.key, p.clock)
	p.state = state.NewStore(p.db, p.key, p.clock)
	p.manifests = dbt.NewStore(p.db, p.clock)
	p.bi = &bi.Resolver{Documents: p.documents, Network: p.via, Clock: p.clock}
	p.quotas = quota.NewStore(p.db, p.key, p.clock)
	p.documents.OnDelete(func(ctx context.Context, tx bun.Tx, sc resource.Scope, d resource.Document) error {
		return p.state.Forget(ctx, tx, sc.WorkspaceID, d.Kind, d.ID)
	})
	p.runs = run.NewStore(p.db, p.clock)
	p.runs.LeaseTime, p.runs.WorkspaceRuns = c.LeaseTime, c.WorkspaceRuns
	p.alerts = newAlerts(p)
	return nil
}

// requireTime is how long what the process needs may take to answer when it starts.
const requireTime = 20 * time.Second

// require refuses to start without what every run needs, so that nothing waits for a run that cannot come (FLD-21).
// The database has answered already.
func (p *process) require(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requireTime)
	defer cancel()
	if err := p.documents.CheckKey(ctx); err != nil {
		return err
	}
	if err := p.bucket.Check(ctx); err != nil {
		return fault.Wrap(err, fault.CodeConfig, "the storage does not answer").
			WithSuggestion("Correct storage-url (MILLRACE_STORAGE_URL), or start what it points to.")
	}
	return nil
}

func (p *process) openEngine(ctx context.Context) error {
	c := p.Config
	workers := 0
	if c.Has("worker") {
		workers = c.Workers
	}
	p.jobs = jobs.New(p.db, jobs.Config{Workers: workers, Dead: 2 * c.LeaseTime, Log: p.log})
	wake := queue{p.jobs}
	p.runs.Follow(p.documents, wake)
	owner := owner()
	p.openSyncLogs()
	p.openStorage(wake, owner)
	if err := p.openConnections(ctx, owner); err != nil {
		return err
	}
	p.engine = run.New(run.EngineOptions{
		Store: p.runs, Documents: p.bundles(), Sources: p.bundles(), Registry: p.Registry, Connections: p.connections, Storage: p.storage, Places: places{p.storage}, Results: p.storage, State: p.state, Quotas: p.quotas, Patience: patience,
		Planner:  plan.New(plan.Options{MemoryLimit: c.PlannerMemory, Threads: c.PlannerThreads}),
		Enqueuer: wake, Clock: p.clock, Log: p.log, Dir: p.dir(),
		Owner: owner, Retention: c.LogRetention, BaselineExpiry: c.StorageExpiry, Grace: c.ShutdownGrace, Failpoint: p.Failpoint, Observe: p.observe,
	})
	p.schedule(wake)
	p.openMonitors()
	p.openDBT()
	p.openAudienceSizes()
	p.openOrchestrators()
	jobs.Register(p.jobs, func(ctx context.Context, j runJob) error { return p.engine.Execute(ctx, j.RunID) })
	jobs.Register(p.jobs, func(ctx context.Context, j sequenceJob) error { return p.sequences.Advance(ctx, j.RunID) })
	return p.jobs.Open()
}

// bundles reads what runs execute.
func (p *process) bundles() documents {
	return documents{p.documents, dbt.Resolver{Store: p.manifests, Documents: p.documents}, p.bi}
}

// suspended tells why schedules do not start the syncs of a destination.
func (p *process) suspended(ctx context.Context, workspaceID int64, destination run.Meta) (*run.Suspension, error) {
	return run.Suspended(ctx, p.state, workspaceID, destination)
}

// schedule wires what starts syncs: sequences, and the timetable of both. The end of a run tells them.
func (p *process) schedule(wake waker) {
	p.timetable = timetable.New(timetable.Options{DB: p.db, Documents: p.documents, Clock: p.clock, Log: p.log})
	p.sequences = sequence.New(sequence.Options{
		DB: p.db, Documents: p.documents, Syncs: steps{p.runs, p.documents, wake}, Waker: wake, Clock: p.clock, Failpoint: p.Failpoint,
		Ended: func(ctx context.Context, tx bun.Tx, r sequence.Run) error {
			return p.timetable.Touch(ctx, tx, r.SequenceID)
		},
	})
	p.timetable.Runners = map[string]timetable.Runner{
		"sync":     syncRunner{p.runs, p.bundles(), p.Registry, wake, p.suspended},
		"sequence": sequenceRunner{p.sequences, p.documents},
	}
	p.sequences.Follow(p.documents) // before the timetable: its locks come first
	p.timetable.Follow(p.documents)
	p.runs.OnEnd(func(ctx context.Context, tx bun.Tx, r run.Run) error {
		if err := p.timetable.Touch(ctx, tx, r.SyncID); err != nil {
			return err
		}
		return p.sequences.SyncEnded(ctx, tx, r.ID)
	})
}

// dir is where work in progress and the connectors' private folders are.
func (p *process) dir() string { return filepath.Join(p.Config.Home, "work") }

// observe counts a run that is over.
func (p *process) observe(r run.Run) {
	of := telemetry.Sync{Workspace: p.workspaceSlug(r.WorkspaceID), Slug: r.SyncSlug}
	query, execution := r.Durations()
	p.metrics.Run(of, r.Words().Metric, query, execution)
	for outcome, n := range map[string]run.OpCounts{"succeeded": r.Counts.Succeeded, "failed": r.Counts.Failed, "aborted": r.Counts.Aborted} {
		p.metrics.Rows(of, "added", outcome, n.Added)
		p.metrics.Rows(of, "changed", outcome, n.Changed)
		p.metrics.Rows(of, "removed", outcome, n.Removed)
	}
	p.alerts.watcher.Ended(context.Background(), r)
}

// firstStart sets a new database up, and tells how to sign in.
func (p *process) firstStart(ctx context.Context) error {
	c := p.Config
	email, password, err := p.access.Bootstrap(ctx, access.First{Email: c.AdminEmail, Password: c.AdminPassword, APIKey: c.BootstrapAPIKey, Region: c.Region})
	if err != nil {
		return err
	}
	if password != "" {
		fmt.Fprintf(p.Out, "\nFirst start. Sign in with:\n\n  email     %s\n  password  %s\n\nThe password is not shown again.\n\n", email, password)
	}
	return nil
}

// serve starts the roles, waits for the end, and stops them.
func (p *process) serve(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.Config.Listen)
	if err != nil {
		return fault.Wrap(err, fault.CodeConfig, "listening on %s", p.Config.Listen)
	}
	base := strings.TrimRight(p.Config.PublicURL, "/")
	if base == "" {
		base = "http://" + advertised(p.Config.Listen, listener.Addr())
	}
	if err := p.alerts.open(base); err != nil {
		return errors.Join(err, listener.Close())
	}
	stopMonitors, err := p.startMonitors(ctx, base)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer stopMonitors()
	defer p.startDBT(ctx)()
	p.public = base
	defer p.startOrchestrators(ctx)()
	stopWork, err := p.work(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	stopTunnels, err := p.serveTunnels(ctx)
	if err != nil {
		return errors.Join(err, stopWork(), listener.Close())
	}
	stopAlerts := p.alerts.start(ctx)
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	server := &http.Server{
		Handler:           otelhttp.NewHandler(p.handler(base), "http"),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	p.ready(base)
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	p.log.Info("stopping")
	err = errors.Join(err, stopWork(), stopTunnels())
	stopAlerts()
	defer time.AfterFunc(streamGrace, cut).Stop() // streams of events would never end by themselves
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if serr := server.Shutdown(closing); serr != nil {
		err = errors.Join(err, server.Close())
	}
	return err
}

// advertised is the address that people type: the configured name, with the port that was found free
// where the configuration leaves it open.
func advertised(configured string, bound net.Addr) string {
	host, port, err := net.SplitHostPort(configured)
	if err != nil {
		return bound.String()
	}
	if tcp, ok := bound.(*net.TCPAddr); ok && port == "0" {
		port = strconv.Itoa(tcp.Port)
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

func (p *process) ready(base string) {
	p.log.Info("ready", "address", base, "version", p.Version, "roles", p.Config.Roles)
	if p.Ready != nil {
		p.Ready(base)
	}
}

// handler is what the process serves at the base URL: everything, or health and metrics only.
func (p *process) handler(base string) http.Handler {
	o := api.Options{
		DB: p.db, Access: p.access, Resources: p.documents, Registry: p.Registry, Connections: p.connections, Tunnels: p.tunnels, Credentials: p.credentials, Egress: p.Config.EgressAddresses, SSH: tunnelAddress(p.Config, base), Runs: p.runs, Engine: p.engine, Sequences: p.sequences, Timetable: p.timetable,
		Enqueuer: queue{p.jobs}, Clock: p.clock, Log: p.log, Metrics: p.metrics, Assets: p.Assets,
		Alerts: p.alerts.store, Notify: p.alerts.sender, State: p.state, Storage: p.storage, Logs: p.logs, Monitors: p.monitors, Datadog: p.datadog, DBT: p.refresher.Loader, DBTRefresher: p.refresher, Audiences: p.audiences, Orchestrators: p.orchestra, BI: p.bi, Public: base, Region: p.Config.Region, Dir: p.dir(), Version: p.Version, Secure: p.Config.Secure(),
		Checks: []telemetry.Check{
			{Name: "database", Run: p.db.PingContext},
			{Name: "storage", Run: p.bucket.Check},
		},
	}
	if !p.Config.Has("api") {
		return api.Operations(o)
	}
	return api.New(o)
}

// work starts the worker's role. What it returns stops it.
func (p *process) work(ctx context.Context) (stop func() error, err error) {
	if !p.Config.Has("worker") {
		return func() error { return nil }, nil
	}
	if err := p.recover(ctx); err != nil {
		return nil, err
	}
	alive := context.WithoutCancel(ctx)
	if err := p.jobs.Start(alive); err != nil {
		return nil, err
	}
	loops := []*jobs.Loop{
		jobs.StartLoop(alive, tickEvery, p.timetable.Tick),
		jobs.StartLoop(alive, min(reapEvery, p.Config.LeaseTime), p.reap),
		jobs.StartLoop(alive, expireEvery, p.expire),
		jobs.StartLoop(alive, tickEvery, p.advance),
	}
	loops = append(loops, p.writeLogs(alive)...)
	loops = append(loops, p.readAudiences(alive))
	return func() error {
		for _, l := range loops {
			l.Stop()
		}
		p.engine.Stop()
		grace, cancel := context.WithTimeout(alive, p.Config.ShutdownGrace+closeTime)
		defer cancel()
		return p.jobs.Stop(grace)
	}, nil
}

// recover settles what an earlier process of a database with a single process left.
func (p *process) recover(ctx context.Context) error {
	if p.db.IsPostgres() {
		return nil // leases tell; the loop takes over what they release
	}
	if err := errors.Join(p.engine.Sweep(), p.storage.Recover(ctx), p.logs.Recover(ctx), p.audiences.Recover(ctx)); err != nil {
		return err
	}
	_, err := p.engine.Reap(ctx, true)
	return err
}

func (p *process) reap(ctx context.Context) {
	if _, err := p.engine.Reap(ctx, false); err != nil && ctx.Err() == nil {
		p.log.Error("recovering runs", "error", err)
	}
	if err := p.sequences.Reap(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("moving sequences on", "error", err)
	}
}

func (p *process) expire(ctx context.Context) {
	if _, err := p.engine.Expire(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("removing old logs", "error", err)
	}
	if err := p.monitors.Expire(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("forgetting old reports", "error", err)
	}
	if err := p.logs.Expire(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("forgetting old sync logs", "error", err)
	}
	if err := p.quotas.Expire(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("forgetting old limits", "error", err)
	}
}
