package httprequest

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// session sends the requests of one run.
type session struct {
	*destination

	client    *httpx.Client
	triggers  map[connector.Operation]*trigger
	skip      bool
	scratches sync.Pool
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
)

// Limits returns what all triggers can keep to together, for whoever asks once.
func (s *session) Limits() connector.Limits {
	var all connector.Limits
	for _, op := range connector.Operations {
		t := s.triggers[op]
		switch {
		case t == nil:
		case all.Rows == 0:
			all = t.limits
		default:
			all.Rows = min(all.Rows, t.limits.Rows)
			all.Concurrency = min(all.Concurrency, t.limits.Concurrency)
			all.Rates = append(slices.Clip(all.Rates), t.limits.Rates...)
			all.Split = all.Split && t.limits.Split
			all.Idempotency = weaker(all.Idempotency, t.limits.Idempotency)
			all.Retry.Attempts = min(all.Retry.Attempts, t.limits.Retry.Attempts)
		}
	}
	return all
}

// weaker returns the lesser promise of two.
func weaker(a, b connector.Idempotency) connector.Idempotency {
	for _, i := range []connector.Idempotency{connector.NotIdempotent, connector.Keyed} {
		if a == i || b == i {
			return i
		}
	}
	return connector.Idempotent
}

// LimitsOf returns the limits of one trigger.
func (s *session) LimitsOf(op connector.Operation) connector.Limits {
	if t := s.triggers[op]; t != nil {
		return t.limits
	}
	return s.Limits()
}

// Write sends one request.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	t := s.triggers[b.Operation]
	if t == nil {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	sc := s.scratches.Get().(*scratch) //nolint:forcetypeassert // New makes them
	defer s.release(sc)
	sc.bind(t, b)
	r, err := t.request(sc, b.ID)
	if err != nil {
		return connector.Result{}, fault.Reclass(err, fault.Permanent)
	}
	if err := t.body.write(sc, b.Rows); err != nil {
		return connector.Result{}, fault.Reclass(err, fault.Permanent)
	}
	if len(sc.refused) == len(b.Rows) {
		return connector.Result{Rejected: sc.refused}, nil
	}
	r.Body = sc.body
	resp, err := s.send(ctx, b, r)
	if err != nil {
		return connector.Result{}, err
	}
	return s.judge(t, sc, b, r, resp)
}

// send makes the exchange, with an access token where there is one, and records it.
func (s *session) send(ctx context.Context, b *connector.Batch, r *httpx.Request) (*httpx.Response, error) {
	return httpx.Authorized(ctx, s.authorizer(s.client), r, func() (*httpx.Response, error) { return s.exchange(ctx, b, r) })
}

func (s *session) exchange(ctx context.Context, b *connector.Batch, r *httpx.Request) (*httpx.Response, error) {
	resp, x, err := s.client.Do(ctx, r)
	b.Record(connector.Exchange{
		Method: x.Method, URL: x.URL, RequestHeaders: headers(x.RequestHeaders), RequestBody: x.RequestBody,
		Status: x.Status, ResponseHeaders: headers(x.ResponseHeaders), ResponseBody: x.ResponseBody,
		Error: x.Error, StartedAt: x.StartedAt, Duration: x.Duration,
	})
	return resp, err
}

func headers(list []httpx.Header) []connector.Header {
	out := make([]connector.Header, len(list))
	for i, h := range list {
		out[i] = connector.Header(h)
	}
	return out
}

// Finish has nothing to complete: every request has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close ends idle connections.
func (s *session) Close() error {
	s.client.Close()
	return nil
}

// scratch is what one Write works with; it is reused.
type scratch struct {
	scope   *template.Scope
	row     columns
	fields  []value.Field // of the rows of a batch, one row after another
	items   []value.Value // the rows of a batch
	names   []string
	context []value.Field
	text    []byte
	body    []byte
	refused []connector.Rejection
}

// templateLimits are made for a batch rather than for a row.
var templateLimits = template.Limits{Steps: 20_000_000, Output: 2 * maxBytes, Time: template.DefaultLimits.Time * 10}

func newScratch(job connector.SyncJob) *scratch {
	sc := &scratch{
		scope: template.NewScope(templateLimits),
		row:   columns{places: map[string]int{}},
		names: job.Model.Schema.Names(),
		context: []value.Field{
			{Name: "model_id", Value: value.OfText(strconv.FormatInt(job.Model.ID, 10))},
			{Name: "model_name", Value: value.OfText(job.Model.Name)},
			{Name: "sync_id", Value: value.OfText(strconv.FormatInt(job.SyncID, 10))},
			{Name: "sync_run_id", Value: value.OfText(strconv.FormatInt(job.RunID, 10))},
			{Name: "current_timestamp", Value: value.OfTime(job.StartedAt)},
		},
	}
	for i, name := range sc.names {
		sc.row.places[name] = i
	}
	return sc
}

// keepBytes is how large a buffer may be that is kept for the next request.
const keepBytes = 1 << 20

func (s *session) release(sc *scratch) {
	if cap(sc.body) > keepBytes || cap(sc.text) > keepBytes {
		return
	}
	sc.row.values, sc.refused = nil, nil // the engine keeps what was refused
	clear(sc.fields)
	clear(sc.items)
	s.scratches.Put(sc)
}

// bind gives the rows of a batch to the trigger's templates.
func (sc *scratch) bind(t *trigger, b *connector.Batch) {
	sc.body, sc.text, sc.refused = sc.body[:0], sc.text[:0], nil
	if !t.source {
		return
	}
	sc.scope.Reset()
	operation := value.Field{Name: "operation", Value: value.OfText(string(b.Operation))}
	sc.scope.Set("context", value.OfMap(append(slices.Clip(sc.context), operation)))
	if t.batched {
		sc.scope.Set("rows", sc.rows(b.Rows))
		return
	}
	sc.row.values = b.Rows[0].Source
	sc.scope.SetRow("row", &sc.row)
	sc.scope.SetColumns(&sc.row)
}

// rows makes a list of objects of the rows.
func (sc *scratch) rows(rows []connector.Row) value.Value {
	if need := len(rows) * len(sc.names); cap(sc.fields) < need {
		sc.fields = make([]value.Field, 0, need)
	}
	sc.fields, sc.items = sc.fields[:0], sc.items[:0]
	for i := range rows {
		start := len(sc.fields)
		for c, v := range rows[i].Source {
			if c < len(sc.names) {
				sc.fields = append(sc.fields, value.Field{Name: sc.names[c], Value: v})
			}
		}
		sc.items = append(sc.items, value.OfMap(sc.fields[start:len(sc.fields):len(sc.fields)]))
	}
	return value.OfList(sc.items)
}

// refuse notes a row that is not sent.
func (sc *scratch) refuse(row int, reason string) {
	sc.refused = append(sc.refused, connector.Rejection{Row: row, Reason: reason})
}

// columns is the row of a request, by the names of its columns.
type columns struct {
	places map[string]int
	values []value.Value
}

var _ template.Row = (*columns)(nil)

// Get returns a column's value.
func (c *columns) Get(name string) (value.Value, bool) {
	i, ok := c.places[name]
	if !ok || i >= len(c.values) {
		return value.Value{}, false
	}
	return c.values[i], true
}
