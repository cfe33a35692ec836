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
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// byManifest sends users to Braze as its manifest says, beside a session in Go that makes the same requests, to a server
// in this process that says yes.
func byManifest(ctx context.Context, b *bench) error {
	m := &manifestBench{batches: usersInBatches(), rows: b.size(1_000_000)}
	m.sink = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body) //nolint:errcheck // the client sees
		m.requests.Add(1)
		m.bytes.Add(n)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		w.Write([]byte(`{"message":"success","attributes_processed":75}`)) //nolint:errcheck // the client sees
	}))
	defer m.sink.Close()
	var sent [2]string
	s, err := pair{rounds: b.rounds, peer: m.measured(ctx, m.byHand, &sent[0]), ours: m.measured(ctx, m.declared, &sent[1])}.run()
	if err != nil {
		return err
	}
	if sent[0] != sent[1] {
		return fmt.Errorf("the manifest sent %s, and the code %s", sent[1], sent[0])
	}
	b.add(s.atMost(1.5, m.rows, "manifest", fmt.Sprintf("%d users a request, 8 fields, as a manifest says", perTrack)))
	return nil
}

// perTrack is how many users a request has.
const perTrack = 75

type manifestBench struct {
	batches         [][]connector.Row // over and over again
	rows            int64
	sink            *httptest.Server
	requests, bytes atomic.Int64
}

// userColumns are the mapped fields.
var userColumns = []string{"first_name", "last_name", "email", "country", "score", "plan", "ltv", "updated_at"}

// usersInBatches makes a thousand batches of users.
func usersInBatches() [][]connector.Row {
	batches := make([][]connector.Row, 1000)
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range batches {
		for j := range perTrack {
			n := i*perTrack + j
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
				if n*perTrack >= m.rows {
					return
				}
				rows := m.batches[n%int64(len(m.batches))]
				rows = rows[:min(int64(len(rows)), m.rows-n*perTrack)]
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
	for _, info := range destination.Manifests(httpx.AnyNetwork) {
		if info.Slug != "braze" {
			continue
		}
		settings := connector.Settings{"apiKey": "key", "region": "iad-01.braze.com", "baseUrl": m.sink.URL}
		d, err := info.Open(connector.DestinationOptions{Settings: settings.WithDefaults(info.Fields), Clock: clock.System{}})
		if err != nil {
			return nil, err
		}
		kind, err := info.SyncType("user")
		if err != nil {
			return nil, err
		}
		job := connector.SyncJob{
			SyncID: benchSync, Type: "user", Mode: connector.ModeUpsert, Match: []connector.MatchPair{{From: "id", To: "external_id"}},
			Settings: connector.Settings{"onlyChanges": false}.WithDefaults(kind.Fields), Model: connector.ModelInfo{PrimaryKey: "id"},
		}
		for _, name := range userColumns {
			job.Columns = append(job.Columns, connector.TargetColumn{Name: name, From: name})
		}
		return d.Begin(ctx, job)
	}
	return nil, errors.New("there is no manifest of Braze")
}

// byHand is a session that a person would write for these requests alone.
func (m *manifestBench) byHand(context.Context) (connector.Session, error) {
	u, err := url.Parse(m.sink.URL + "/users/track")
	if err != nil {
		return nil, fmt.Errorf("reading the address: %w", err)
	}
	client, err := httpx.New(httpx.Options{Concurrency: 4, Secrets: []string{"key"}, Clock: clock.System{}})
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"Millrace"}, "Authorization": {"Bearer key"}}
	return &trackSession{client: client, url: u, header: header}, nil
}

type trackSession struct {
	client *httpx.Client
	url    *url.URL
	header http.Header
}

func (s *trackSession) Limits() connector.Limits {
	return connector.Limits{Rows: perTrack, Concurrency: 4, Operations: connector.Operations, Idempotency: connector.Idempotent}
}

func (s *trackSession) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	body := []byte(`{"attributes":[`)
	for i, row := range b.Rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendUser(body, row)
	}
	r := &httpx.Request{Method: http.MethodPost, URL: s.url, Header: s.header, Body: append(body, "]}"...)}
	resp, x, err := s.client.Do(ctx, r)
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
	answer, err := value.ParseJSON(string(resp.Body))
	if err != nil {
		return connector.Result{}, fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer")
	}
	var result connector.Result
	refused, _ := answer.Get("errors")
	for _, e := range refused.List() {
		index, _ := e.Get("index")
		reason, _ := e.Get("type")
		result.Rejected = append(result.Rejected, connector.Rejection{Row: int(index.Int()), Reason: reason.String()})
	}
	return result, nil
}

func headersOf(list []httpx.Header) []connector.Header {
	all := make([]connector.Header, len(list))
	for i, h := range list {
		all[i] = connector.Header(h)
	}
	return all
}

func appendUser(dst []byte, row connector.Row) []byte {
	dst = append(dst, '{')
	for i, v := range row.Values {
		dst = append(value.AppendJSONString(dst, userColumns[i]), ':')
		if userColumns[i] == "email" {
			v = value.OfText(strings.TrimSpace(strings.ToLower(v.Raw())))
		}
		dst = append(v.AppendJSON(dst), ',')
	}
	dst = append(dst, `"external_id":`...)
	return append(value.AppendJSONString(dst, row.Match[0].Raw()), '}')
}

func (s *trackSession) Finish(context.Context) error { return nil }

func (s *trackSession) Close() error {
	s.client.Close()
	return nil
}
