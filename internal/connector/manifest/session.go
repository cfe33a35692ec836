package manifest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// session sends the rows of one run.
type session struct {
	*Destination

	job       connector.SyncJob
	kind      *SyncType
	given     []value.Field // variables of every scope
	layout    *layout
	bodies    map[*Tree]*Tree // as the run writes them
	client    *client
	rules     []*check
	scopes    sync.Pool
	resources resources
	writes    map[connector.Operation]*Write // nil for nothing
	only      map[string]bool                // classes of limits that count the requests of some steps alone

	mu    sync.Mutex
	fatal error // why the run cannot go on, found after rows of a batch were taken
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
	_ connector.Clearer          = (*session)(nil)
	_ connector.Resolver         = (*Destination)(nil)
)

const defaultConcurrency = 4

// Begin reads what the run needs. Nothing is written: what a sync needs at the vendor is made with its first rows.
func (d *Destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := d.Check(job); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	s, err := d.session(ctx, job)
	if err != nil {
		if fault.ClassOf(err) == fault.Permanent {
			err = fault.Reclass(err, fault.Fatal)
		}
		return nil, err
	}
	if begin := d.hooks.Begin[s.kind.Hook]; s.kind.Hook != "" {
		return begin(ctx, &Run{session: s})
	}
	return s, nil
}

func (d *Destination) session(ctx context.Context, job connector.SyncJob) (*session, error) {
	t, err := d.syncType(job)
	if err != nil {
		return nil, err
	}
	s := d.opened(job, t)
	if s.client, err = d.client(s.concurrency()); err != nil {
		return nil, err
	}
	s.client.outside = d.outside(t, job)
	if s.layout, err = d.layout(ctx, t, job); err != nil {
		return nil, err
	}
	s.layout.saves = t.saves()
	if s.writes, err = d.writesOf(t, job); err != nil {
		return nil, err
	}
	if s.rules, err = d.checks(t, job); err != nil {
		return nil, err
	}
	s.bind()
	s.only = d.only(t)
	s.scopes.New = func() any { return s.scope() }
	return s, nil
}

// opened is a session that knows its sync.
func (d *Destination) opened(job connector.SyncJob, t *SyncType) *session {
	return &session{Destination: d, job: job, kind: t, given: d.given(job)}
}

// scope is what the templates of the sync see.
func (s *session) scope() *scope { return scopeOf(s.given) }

// saves reports whether answers may give rows further members.
func (t *SyncType) saves() bool {
	return slices.ContainsFunc(t.Write, func(w Write) bool {
		return slices.ContainsFunc(w.Steps, func(st Step) bool {
			return slices.ContainsFunc(st.Rows, func(rd Reader) bool { return len(rd.Save) > 0 })
		})
	})
}

func (s *session) concurrency() int {
	if n := s.kind.Batch.Concurrency; n > 0 {
		return n
	}
	return defaultConcurrency
}

// writesOf returns what is sent for each operation.
func (d *Destination) writesOf(t *SyncType, job connector.SyncJob) (map[connector.Operation]*Write, error) {
	all := map[connector.Operation]*Write{}
	for _, op := range connector.Operations {
		w, err := d.write(t, job, op)
		if err != nil {
			return nil, err
		}
		all[op] = w
	}
	return all, nil
}

func (d *Destination) write(t *SyncType, job connector.SyncJob, op connector.Operation) (*Write, error) {
	scope := d.jobScope(job)
	for i := range t.Write {
		w := &t.Write[i]
		if !w.fits(job, op) {
			continue
		}
		fits, err := scope.holds(&w.When)
		if err != nil {
			return nil, err
		}
		if fits {
			return w, nil
		}
	}
	return nil, nil //nolint:nilnil // nothing is sent
}

func (w *Write) fits(job connector.SyncJob, op connector.Operation) bool {
	on := w.On
	if len(on) == 0 {
		on = []connector.Operation{connector.Added, connector.Changed}
	}
	return slices.Contains(on, op) && (len(w.Modes) == 0 || slices.Contains(w.Modes, job.Mode)) &&
		(op != connector.Removed || len(w.Delete) == 0 || slices.Contains(w.Delete, job.Delete))
}

// Limits returns what all operations can keep to together.
func (s *session) Limits() connector.Limits {
	var all connector.Limits
	for _, op := range connector.Operations {
		w := s.writes[op]
		if w == nil {
			continue
		}
		l := s.limits(w)
		if all.Rows == 0 {
			all = l
		}
		all.Rows = min(all.Rows, l.Rows)
		all.Idempotency = connector.Weaker(all.Idempotency, l.Idempotency)
		all.Operations = append(all.Operations, op)
	}
	if all.Operations == nil {
		all.Rows, all.Concurrency, all.Operations = 1, 1, []connector.Operation{}
	}
	return all
}

// LimitsOf returns the limits of one operation.
func (s *session) LimitsOf(op connector.Operation) connector.Limits {
	all := s.Limits()
	w := s.writes[op]
	if w == nil {
		return all
	}
	l := s.limits(w)
	l.Operations = all.Operations
	return l
}

func (s *session) limits(w *Write) connector.Limits {
	t := s.kind
	l := connector.Limits{
		Rows: max(t.Batch.Rows, 1), Bytes: t.Batch.Bytes, Concurrency: s.concurrency(), Split: t.Batch.Whole,
		Idempotency: connector.Idempotency(t.Idempotency),
		NeedSource:  t.Columns || len(s.layout.rendered) > 0, NeedBefore: t.Before || len(t.Identifiers) > 0,
		SkipInitial: s.skipsFirst(), OneKind: true,
	}
	if n, ok := toInt(s.job.Settings[t.Batch.Setting]); ok && n > 0 {
		if l.Rows = n; t.Batch.Rows > 0 {
			l.Rows = min(n, t.Batch.Rows) // whatever people fill in, the vendor takes no more
		}
	}
	if w.Rows > 0 {
		l.Rows = min(l.Rows, w.Rows)
	}
	if w.Idempotency != "" {
		l.Idempotency = connector.Idempotency(w.Idempotency)
	}
	l.Rates = s.Destination.rates(s.kind, s.job)
	return l
}

func toInt(x any) (int, bool) {
	switch n := x.(type) {
	case float64:
		return int(n), true
	case int:
		return n, true
	case int64:
		return int(n), true
	default:
		return 0, false
	}
}

// skipsFirst reports whether a first run only remembers the rows.
func (s *session) skipsFirst() bool {
	switch name := s.kind.FirstRun; name {
	case "", "remember":
		return name != ""
	default:
		set, _ := s.job.Settings[name].(bool)
		return set
	}
}

// everything is the class of all requests.
const everything = "all"

func (d *Destination) rates(t *SyncType, job connector.SyncJob) []connector.Rate {
	scope := d.jobScope(job)
	var rates []connector.Rate
	for _, l := range slices.Concat(d.manifest.Limits, t.Limits) {
		if fits, err := scope.holds(&l.When); err != nil || !fits {
			continue
		}
		class := l.Class
		if class == "" {
			class = everything
		}
		rates = append(rates, connector.Rate{Requests: l.Requests, Window: time.Duration(l.Per), Class: class, Only: l.Only})
	}
	return rates
}

// Write sends one batch.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	if err := s.stopped(); err != nil {
		return connector.Result{}, err
	}
	w := s.writes[b.Operation]
	if w == nil {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	made, err := s.resources.get(ctx, s, b)
	if err != nil {
		return connector.Result{}, err
	}
	a := s.attempt(b, made)
	defer s.scopes.Put(a.scope)
	if w.Hook != "" {
		return s.hooks.Write[w.Hook](ctx, &Run{session: s, attempt: a})
	}
	if err := a.groups(ctx, w); err != nil {
		return connector.Result{}, err
	}
	return a.result(), nil
}

// attempt reads a batch. Its scope is one of the session's, to be given back.
func (s *session) attempt(b *connector.Batch, made value.Value) *attempt {
	a := &attempt{session: s, batch: b, scope: s.scopes.Get().(*scope)} //nolint:forcetypeassert // New makes them
	a.prepare(made)
	a.read()
	return a
}

func (s *session) stopped() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fatal
}

func (s *session) stop(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal == nil {
		s.fatal = err
	}
}

// Finish makes the requests after the last batch.
func (s *session) Finish(ctx context.Context) error {
	if len(s.kind.Finish) == 0 {
		return nil
	}
	made, err := s.resources.get(ctx, s, nil)
	if err != nil {
		return err
	}
	a := s.bare(made)
	return a.steps(ctx, s.kind.Finish)
}

// bare is an attempt without rows.
func (s *session) bare(made value.Value) *attempt {
	a := &attempt{session: s, batch: cmp.Or(s.client.outside, &connector.Batch{Checkpoint: forgotten}), scope: s.scope(), alone: true}
	a.prepare(made)
	return a
}

// Close ends idle connections.
func (s *session) Close() error {
	s.client.Close()
	return nil
}
