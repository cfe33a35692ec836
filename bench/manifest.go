package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// vendor is a destination that is a manifest, and what a person would write in Go for one sync of it.
type vendor struct {
	slug       string
	settings   connector.Settings
	job        connector.SyncJob // without its columns
	perRequest int
	path       string // that its requests go to
	body       func(rows []connector.Row) []byte
	read       func(answer []byte) (connector.Result, error)
	answer     func(w http.ResponseWriter, r *http.Request) // of the server in this process
}

// byManifest sends users as manifests say, beside sessions in Go that make the same requests, to a server in this
// process that says yes.
func byManifest(ctx context.Context, b *bench) error {
	for _, v := range []vendor{braze, hubspot} {
		if err := v.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", v.slug, err)
		}
	}
	return nil
}

func (v vendor) run(ctx context.Context, b *bench) error {
	m, err := newManifestBench(v, b.size(1_000_000))
	if err != nil {
		return err
	}
	defer m.sink.Close()
	var sent [2]string
	s, err := pair{rounds: b.rounds, peer: m.measured(ctx, m.byHand, &sent[0]), ours: m.measured(ctx, m.declared, &sent[1])}.run()
	if err != nil {
		return err
	}
	if sent[0] != sent[1] {
		return fmt.Errorf("the manifest sent %s, and the code %s", sent[1], sent[0])
	}
	b.add(s.atMost(1.5, m.rows, "manifest", fmt.Sprintf("%s: %d users a request, 8 fields, as a manifest says", v.slug, v.perRequest)))
	return v.memory(ctx, b)
}

// memory measures what processes need that send a tenth of the rows, and all of them.
func (v vendor) memory(ctx context.Context, b *bench) error {
	rows := b.size(1_000_000)
	few, err := weigh(ctx, sendCommand, v.slug, strconv.FormatInt(rows/10, 10))
	if err != nil {
		return err
	}
	all, err := weigh(ctx, sendCommand, v.slug, strconv.FormatInt(rows, 10))
	if err != nil {
		return err
	}
	b.add(growth("manifest", v.slug, rows, few, all))
	return nil
}

// sendCommand is the first argument of a process that sends the rows of a vendor, and prints the most memory that it
// held.
const sendCommand = "send-and-weigh"

func sendAndWeigh(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: %s VENDOR ROWS", sendCommand)
	}
	rows, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return fmt.Errorf("reading the number of rows: %w", err)
	}
	v := braze
	if args[0] == hubspot.slug {
		v = hubspot
	}
	m, err := newManifestBench(v, rows)
	if err != nil {
		return err
	}
	defer m.sink.Close()
	var sent string
	if err := m.measured(ctx, m.declared, &sent)(); err != nil {
		return err
	}
	return printPeak(out)
}

type manifestBench struct {
	vendor

	info            connector.DestinationInfo
	batches         [][]connector.Row // over and over again
	rows            int64
	sink            *httptest.Server
	requests, bytes atomic.Int64 // that carry rows
}

func newManifestBench(v vendor, rows int64) (*manifestBench, error) {
	m := &manifestBench{vendor: v, batches: usersInBatches(v.perRequest), rows: rows}
	for _, info := range destination.Manifests(httpx.AnyNetwork) {
		if info.Slug == v.slug {
			m.info = info
		}
	}
	if m.info.Open == nil {
		return nil, errors.New("there is no such manifest")
	}
	for _, name := range userColumns {
		m.job.Columns = append(m.job.Columns, connector.TargetColumn{Name: name, From: name})
	}
	m.sink = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body) //nolint:errcheck // the client sees
		if r.Method == http.MethodPost {
			m.requests.Add(1)
			m.bytes.Add(n)
		}
		w.Header().Set("Content-Type", "application/json")
		v.answer(w, r)
	}))
	return m, nil
}

// userColumns are the mapped fields.
var userColumns = []string{"first_name", "last_name", "email", "country", "score", "plan", "ltv", "updated_at"}

// usersInBatches makes a thousand batches of users.
func usersInBatches(perRequest int) [][]connector.Row {
	batches := make([][]connector.Row, 1000)
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range batches {
		for j := range perRequest {
			n := i*perRequest + j
			score := value.Value{}
			if n%10 > 0 {
				score = value.OfInt(int64(n % 1000))
			}
			batches[i] = append(batches[i], connector.Row{
				Ordinal: int64(n), Key: strconv.Itoa(n), Match: []value.Value{value.OfText("user-" + strconv.Itoa(n))},
				Values: []value.Value{
					value.OfText("Name" + strconv.Itoa(n%500)), value.OfText("Family" + strconv.Itoa(n%900)),
					value.OfText("Person" + strconv.Itoa(n) + "@Example.com"), value.OfText("DE"), score,
					value.OfText([]string{"free", "pro", "team"}[n%3]), value.OfDecimal(strconv.Itoa(n%700) + ".25"),
					value.OfTime(began.Add(time.Duration(n) * time.Second)),
				},
			})
		}
	}
	return batches
}

// measured sends all rows through a session, and notes what arrived.
func (m *manifestBench) measured(ctx context.Context, open func(context.Context) (connector.Session, error), sent *string) func() error {
	return func() error {
		m.requests.Store(0)
		m.bytes.Store(0)
		s, err := open(ctx)
		if err != nil {
			return err
		}
		err = m.send(ctx, s)
		*sent = fmt.Sprintf("%d bytes in %d requests", m.bytes.Load(), m.requests.Load())
		return errors.Join(err, s.Close())
	}
}

// send writes batches from as many goroutines as the engine would.
func (m *manifestBench) send(ctx context.Context, s connector.Session) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var lanes sync.WaitGroup
	for range s.Limits().Concurrency {
		lanes.Go(func() {
			for failed.Load() == nil {
				n := next.Add(1) - 1
				if n*int64(m.perRequest) >= m.rows {
					return
				}
				rows := m.batches[n%int64(len(m.batches))]
				rows = rows[:min(int64(len(rows)), m.rows-n*int64(m.perRequest))]
				result, err := s.Write(ctx, &connector.Batch{ID: strconv.FormatInt(n, 10), Operation: connector.Added, Rows: rows})
				if err == nil && len(result.Rejected) > 0 {
					err = fmt.Errorf("a row was refused: %s", result.Rejected[0].Reason)
				}
				if err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	lanes.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// declared is the session of the manifest.
func (m *manifestBench) declared(ctx context.Context) (connector.Session, error) {
	settings := m.settings.WithDefaults(m.info.Fields)
	settings["baseUrl"] = m.sink.URL
	d, err := m.info.Open(connector.DestinationOptions{Settings: settings, Clock: clock.System{}})
	if err != nil {
		return nil, err
	}
	kind, err := m.info.SyncType(m.job.Type)
	if err != nil {
		return nil, err
	}
	job := m.job
	job.SyncID, job.Settings = benchSync, m.job.Settings.WithDefaults(kind.Fields)
	return d.Begin(ctx, job)
}

// byHand is a session that a person would write for these requests alone.
func (m *manifestBench) byHand(context.Context) (connector.Session, error) {
	u, err := url.Parse(m.sink.URL + m.path)
	if err != nil {
		return nil, fmt.Errorf("reading the address: %w", err)
	}
	client, err := httpx.New(httpx.Options{Concurrency: 4, Secrets: []string{"secret"}, Clock: clock.System{}})
	if err != nil {
		return nil, err
	}
	return &handSession{m.vendor, client, u}, nil
}

// handSession is a session by hand.
type handSession struct {
	vendor

	client *httpx.Client
	url    *url.URL
}

var _ connector.Session = (*handSession)(nil)

var handHeader = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"Millrace"}, "Authorization": {"Bearer secret"}}

func (s *handSession) Limits() connector.Limits {
	return connector.Limits{Rows: s.perRequest, Concurrency: 4, Operations: connector.Operations, Idempotency: connector.Idempotent}
}

// Write sends one batch.
func (s *handSession) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	resp, x, err := s.client.Do(ctx, &httpx.Request{Method: http.MethodPost, URL: s.url, Header: handHeader, Body: s.body(b.Rows)})
	b.Record(connector.Exchange{
		Method: x.Method, URL: x.URL, RequestHeaders: headersOf(x.RequestHeaders), RequestBody: x.RequestBody,
		Status: x.Status, ResponseHeaders: headersOf(x.ResponseHeaders), ResponseBody: x.ResponseBody, Error: x.Error,
		StartedAt: x.StartedAt, Duration: x.Duration,
	})
	if err != nil {
		return connector.Result{}, err
	}
	if e := s.client.StatusFault(resp); e != nil {
		return connector.Result{}, e
	}
	return s.read(resp.Body)
}

func (s *handSession) Finish(context.Context) error { return nil }

func (s *handSession) Close() error {
	s.client.Close()
	return nil
}

func headersOf(list []httpx.Header) []connector.Header {
	all := make([]connector.Header, len(list))
	for i, h := range list {
		all[i] = connector.Header(h)
	}
	return all
}
