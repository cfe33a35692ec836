package manifest

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// Hooks are Go code beside a manifest, for what the language cannot say. Every name is one that the manifest has.
type Hooks struct {
	// Begin replaces the session of a sync type (SyncType.Hook).
	Begin map[string]func(ctx context.Context, r *Run) (connector.Session, error)
	// Write sends the rows of a batch instead of steps (Write.Hook). Its contract is that of connector.Session.
	Write map[string]func(ctx context.Context, r *Run) (connector.Result, error)
	// Lists loads a pick-list, by its name.
	Lists map[string]func(ctx context.Context, r *Run) ([]connector.Option, error)
	// Fields lists further fields of a sync type, by its slug. Native is looked up in Forms for the form of values.
	Fields map[string]func(ctx context.Context, r *Run) ([]Discovered, error)
	// Formless are sync types whose Fields name no forms: a run does not list them.
	Formless map[string]bool
	// Check reports further errors of a sync's settings, by the slug of the sync type. It does not connect.
	Check map[string]func(d *Destination, job connector.SyncJob) fault.Issues
	// Test tries what the connection reaches besides the vendor's API, after the requests of the manifest. It changes
	// nothing.
	Test func(ctx context.Context, r *Run) error
	// Quality asks what the vendor makes of events, by the slug of the sync type (connector.QualityReporter).
	Quality map[string]func(ctx context.Context, r *Run) ([]connector.EventQuality, error)
}

// Discovered is a field that a hook found, and the form that its values take (Pipeline.As).
type Discovered struct {
	connector.TargetField
	Form string
}

// Run is what a hook works with: a connection, a sync, and in Write a batch.
type Run struct {
	session *session
	attempt *attempt
	class   string // of limits that its requests count in
}

// Class returns a Run whose requests count in a class of limits with only (Limit.Only), besides those of all requests.
func (r *Run) Class(name string) *Run {
	return &Run{session: r.session, attempt: r.attempt, class: name}
}

// Job is what the run asks of the destination.
func (r *Run) Job() connector.SyncJob { return r.session.job }

// Settings are the connection's settings.
func (r *Run) Settings() connector.Settings { return r.session.settings }

// Limits are what the manifest says of the sync type.
func (r *Run) Limits() connector.Limits { return r.session.Limits() }

// Session is the session that the manifest makes alone: a session of a hook's own passes on to it what it does not do
// otherwise.
func (r *Run) Session() connector.Session { return r.session }

// LimitsOf are what the manifest says of one operation.
func (r *Run) LimitsOf(op connector.Operation) connector.Limits { return r.session.LimitsOf(op) }

// With reads a batch, for a session of a hook's own: the Run that it returns has its rows, without those that the rules
// refuse.
func (r *Run) With(ctx context.Context, b *connector.Batch) (*Run, error) {
	if err := r.session.stopped(); err != nil {
		return nil, err
	}
	made, err := r.session.resources.get(ctx, r.session, b)
	if err != nil {
		return nil, err
	}
	a := r.session.attempt(b, made)
	return &Run{session: r.session, attempt: a}, nil
}

// Done gives back the room of With's rows, which nothing may look at any more.
func (r *Run) Done() { r.session.scopes.Put(r.attempt.scope) }

// Token is the connection's OAuth access token, for an API that wants it in a body. Requests are authorized with it
// anyway, and so no log has it.
func (r *Run) Token(ctx context.Context) (string, error) {
	tokens := r.session.auth.tokens
	if tokens == nil {
		return "", fault.New(fault.CodeInvalid, "this connection has no access token")
	}
	t, err := tokens.Get(ctx, r.session.client.Client)
	return t.Access, err
}

// Open returns another destination that the connection writes to as well, such as a bucket that the vendor reads. It is
// reached as the vendor is, and keeps what it must in a folder of that name inside the connection's own.
func (r *Run) Open(info connector.DestinationInfo, folder string, settings connector.Settings) (connector.Destination, error) {
	d := r.session.Destination
	return info.Open(connector.DestinationOptions{
		Settings: settings.WithDefaults(info.Fields), Dir: filepath.Join(d.dir, folder), Network: d.reach, State: d.state, Clock: d.clock, Log: d.log,
	})
}

// Network is how the connection reaches other places.
func (r *Run) Network() connector.Network { return r.session.reach }

// State is what the connection remembers.
func (r *Run) State() connector.State { return r.session.state }

// Batch is the batch of Write.
func (r *Run) Batch() *connector.Batch { return r.attempt.batch }

// Row is a row of the batch that the rules allow.
type Row struct{ record *record }

// Index is the row's place in the batch.
func (w Row) Index() int { return w.record.index }

// Key is the row's primary key.
func (w Row) Key() string { return w.record.row.Key }

// Get returns what templates know as row.NAME.
func (w Row) Get(name string) value.Value {
	v, _ := w.record.Get(name)
	return v
}

// Value returns the value of a mapped field as it is sent.
func (w Row) Value(field string) value.Value { return w.record.value(field) }

// Column is a mapped field of a section, by its place.
type Column struct {
	Name string // in the section

	at int
}

// Columns are the mapped fields of a section that has no objects in objects.
func (r *Run) Columns(section string) []Column {
	var all []Column
	for i := range r.session.layout.columns {
		if c := &r.session.layout.columns[i]; c.section == section {
			all = append(all, Column{c.path[0], i})
		}
	}
	return all
}

// Sent returns what the row sends of a column; false where it sends nothing.
func (w Row) Sent(c Column) (v value.Value, sends bool) {
	v = w.record.values[c.at]
	return v, !v.IsNull() || !w.record.layout.columns[c.at].omit || w.record.clears()
}

// Match returns the value that the row is matched by.
func (w Row) Match() value.Value { return w.Get("match") }

// Before returns an earlier value of a mapped field, where the sync type asks for them.
func (w Row) Before(field string) value.Value {
	for i := range w.record.layout.columns {
		if w.record.layout.columns[i].name == field && i < len(w.record.row.Before) {
			return w.record.row.Before[i]
		}
	}
	return value.Value{}
}

// Moved reports whether a changed row is matched by another value than before, where the sync type asks for earlier
// values: it is about another record at the vendor.
func (w Row) Moved() bool {
	then, now := w.record.row.Matched, w.record.row.Match
	return len(then) > 0 && !slices.EqualFunc(then, now, value.Value.Equal)
}

// Rows are the rows of the batch that were not refused yet.
func (r *Run) Rows() []Row {
	rows := make([]Row, len(r.attempt.records))
	for i, rec := range r.attempt.records {
		rows[i] = Row{rec}
	}
	return rows
}

// Reject refuses a row.
func (r *Run) Reject(w Row, reason string, retry bool) {
	r.attempt.drop([]*record{w.record}, r.session.client.Redact(reason), retry)
}

// Result is the answer to the batch.
func (r *Run) Result() connector.Result { return r.attempt.result() }

// Stop ends the run with the answer to the batch: rows of it were taken, and the others find what is wrong.
func (r *Run) Stop(err error) { r.attempt.stop(err) }

// Resource returns the value of a resource of the sync.
func (r *Run) Resource(ctx context.Context, name string) (value.Value, error) {
	var b *connector.Batch
	if r.attempt != nil {
		b = r.attempt.batch
	}
	all, err := r.session.resources.get(ctx, r.session, b)
	if err != nil {
		return value.Value{}, err
	}
	v, _ := all.Get(name)
	return v, nil
}

// Steps makes requests that are written in the manifest, for the rows of the batch.
func (r *Run) Steps(ctx context.Context, steps []Step) error { return r.attempt.steps(ctx, steps) }

// Ask makes a request: its path is put behind the connection's base, and it is authorized and recorded. An answer that
// is no success, by the manifest's rules and those of HTTP, is an error.
func (r *Run) Ask(ctx context.Context, method, path string, body []byte, header map[string]string) (*Answered, error) {
	s := r.session.scope()
	if err := r.session.client.tell(ctx, s); err != nil {
		return nil, err
	}
	u, err := r.session.client.address(s, parts{call: &Call{Method: method, Path: plainPath(path)}})
	if err != nil {
		return nil, err
	}
	return r.Do(ctx, &httpx.Request{Method: method, URL: u, Body: body, Header: httpHeader(header, body != nil), Keep: discoverBytes})
}

// Do makes a request of a hook's own making. It is authorized and recorded as others are.
func (r *Run) Do(ctx context.Context, q *httpx.Request) (*Answered, error) {
	s := r.session.scope()
	if err := r.session.client.tell(ctx, s); err != nil {
		return nil, err
	}
	if err := headers(s, q.Header, r.session.manifest.Connection.Headers); err != nil {
		return nil, err
	}
	c := r.session.client
	b := c.outside
	if r.attempt != nil {
		b = r.attempt.batch
	}
	for attempt := 1; ; attempt++ {
		resp, err := c.send(ctx, q, b, connector.Turn{Counts: r.session.counts(r.class)})
		if err != nil {
			return nil, err
		}
		c.see(s, resp)
		e := c.verdict(s, resp, q.Secrets, r.session.kind.Answers)
		if e == nil {
			return &Answered{resp}, nil
		}
		if !c.hold(ctx, b, e, attempt) {
			return &Answered{resp}, e
		}
	}
}

// Wait waits, for what the vendor does on its own.
func (r *Run) Wait(ctx context.Context, d time.Duration) error { return r.session.wait(ctx, d) }

// Answered is an answer.
type Answered struct{ *httpx.Response }

// Value is the body, parsed where it is JSON.
func (a *Answered) Value() value.Value { return content(a.Response) }

func plainPath(text string) path {
	return path{Text: Text{source{text: text, path: "request", fix: value.OfText(text)}}}
}

func httpHeader(set map[string]string, body bool) map[string][]string {
	h := map[string][]string{"User-Agent": {"Millrace"}, "Accept": {"application/json"}}
	if body {
		h["Content-Type"] = []string{"application/json"}
	}
	for name, v := range set {
		h[name] = []string{v}
	}
	return h
}

func (d *Destination) hooked(job connector.SyncJob) (*Run, error) {
	t, err := d.syncType(job)
	if err != nil {
		return nil, err
	}
	s := d.opened(job, t)
	if s.client, err = d.client(1); err != nil {
		return nil, err
	}
	s.client.outside = d.outside(t, job)
	return &Run{session: s}, nil
}

func (d *Destination) hookedList(ctx context.Context, hook func(context.Context, *Run) ([]connector.Option, error), job connector.SyncJob) ([]connector.Option, error) {
	r, err := d.hooked(job)
	if err != nil {
		return nil, err
	}
	defer r.session.client.Close()
	return hook(ctx, r)
}

func (d *Destination) hookedFields(ctx context.Context, hook func(context.Context, *Run) ([]Discovered, error), job connector.SyncJob) ([]found, error) {
	r, err := d.hooked(job)
	if err != nil {
		return nil, err
	}
	defer r.session.client.Close()
	list, err := hook(ctx, r)
	all := make([]found, len(list))
	for i, f := range list {
		all[i] = found{f.TargetField, f.Form}
	}
	return all, err
}

// Quality asks the hook of the job's sync type.
func (d *Destination) Quality(ctx context.Context, job connector.SyncJob) ([]connector.EventQuality, error) {
	hook := d.hooks.Quality[job.Type]
	if hook == nil {
		return nil, fault.New(fault.CodeInvalid, "%s does not tell the quality of events", d.manifest.Name)
	}
	r, err := d.hooked(job)
	if err != nil {
		return nil, err
	}
	defer r.session.client.Close()
	return hook(ctx, r)
}
