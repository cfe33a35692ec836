package httprequest

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// session sends the requests of one run.
type session struct {
	*destination
	trigger.Feed

	client    *httpx.Client
	actions   map[connector.Operation]*action
	scratches *trigger.Pool
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
)

// Write sends one request.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	t := s.actions[b.Operation]
	if t == nil {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	sc := s.scratches.Get()
	defer s.scratches.Put(sc)
	t.bind(sc, b)
	r, err := t.request(sc, b.ID)
	if err != nil {
		return connector.Result{}, fault.Reclass(err, fault.Permanent)
	}
	if err := t.body.Write(sc, b.Rows); err != nil {
		return connector.Result{}, fault.Reclass(err, fault.Permanent)
	}
	if len(sc.Refused) == len(b.Rows) {
		return connector.Result{Rejected: sc.Refused}, nil
	}
	r.Body = sc.Body
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

// bind gives the rows of a batch to the templates that read them.
func (t *action) bind(sc *trigger.Scratch, b *connector.Batch) {
	sc.Begin()
	switch {
	case !t.source:
	case t.batched:
		sc.BindBatch(b.Operation, b.Rows)
	default:
		sc.BindRow(b.Operation, &b.Rows[0])
	}
}
