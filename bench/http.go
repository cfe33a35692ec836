package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	httprequest "github.com/millrace/millrace/internal/destination/http"
	"github.com/millrace/millrace/internal/engine/sync/log"
	"github.com/millrace/millrace/internal/httpx"
)

// inFlight is how many requests are under way at a time.
const inFlight = 8

// overHTTP delivers rows to a server that reads them and says yes, beside a bare client that encodes its rows.
// The server is in this process, so that its work counts on both sides.
func overHTTP(ctx context.Context, b *bench) error {
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)    //nolint:errcheck // the client sees
		w.Write([]byte(`{"ok":true}`)) //nolint:errcheck // the client sees
	}))
	defer sink.Close()
	h := &httpBench{dir: filepath.Join(b.dir, "http"), url: sink.URL}
	for _, size := range []load{{1, 200_000, 0}, {10, 2_000_000, 0.5}, {100, 4_000_000, 0.7}} {
		size.rows = b.size(size.rows)
		if err := h.compare(ctx, b, size); err != nil {
			return err
		}
	}
	return nil
}

// load is how rows are sent.
type load struct {
	perRequest int
	rows       int64
	goal       float64 // share of a bare client's speed; 0 is none
}

type httpBench struct{ dir, url string }

func (h *httpBench) compare(ctx context.Context, b *bench, size load) (err error) {
	perRequest, n, goal := size.perRequest, size.rows, size.goal
	m, err := makeModel(ctx, h.dir, n)
	if err != nil {
		return err
	}
	all, err := loadRows(ctx, m.after, "id", nil)
	if err != nil {
		return err
	}
	defer all.release()
	persons, err := personsOf(all)
	if err != nil {
		return err
	}
	j, err := openJournal(ctx, filepath.Join(h.dir, strconv.Itoa(perRequest)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.close()) }()
	peer := func() error { return h.bare(ctx, persons, perRequest) }
	for _, way := range []struct {
		what string
		goal float64
		ours func() error
	}{
		{"with mapping and journal", goal, func() error { return h.deliver(ctx, all, j, http.MethodPut, perRequest, nil) }},
		{"where sending twice is not safe (POST)", 0, func() error { return h.deliver(ctx, all, j, http.MethodPost, perRequest, nil) }},
		{"and the request log", 0, func() error { return h.logged(ctx, all, j, perRequest) }},
	} {
		s, err := pair{rounds: b.rounds, peer: peer, ours: way.ours}.run()
		if err != nil {
			return err
		}
		r := s.atLeast(way.goal, n, "http", fmt.Sprintf("%d rows a request, %s", perRequest, way.what))
		if way.goal == 0 {
			r = r.unjudged()
		}
		b.add(r)
	}
	return nil
}

// deliver sends all rows through the destination.
func (h *httpBench) deliver(ctx context.Context, all *rows, j *journal, method string, perRequest int, requests delivery.Exchanges) (err error) {
	info := httprequest.Info(httpx.AnyNetwork)
	d, err := info.Open(connector.DestinationOptions{
		Settings: connector.Settings{"baseUrl": h.url, "auth": "none"}, Dir: h.dir, Clock: clock.System{},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	added := map[string]any{"enabled": true, "method": method, "url": "/rows", "body": "mapped", "rows": "batch", "batchSize": perRequest, "rateLimit": 0, "concurrency": inFlight}
	settings := connector.Settings{"added": added}.WithDefaults(info.SyncTypes[0].Fields)
	job := connector.SyncJob{SyncID: benchSync, Type: "request", Mode: connector.ModeTrigger, Settings: settings, Model: connector.ModelInfo{PrimaryKey: "id", Schema: all.schema}}
	return all.deliver(ctx, j, d, job, requests)
}

// logged sends all rows and keeps every request and answer, as most syncs do.
func (h *httpBench) logged(ctx context.Context, all *rows, j *journal, perRequest int) error {
	w := log.NewWriter(ctx, discarded{}, h.dir, "requests")
	return errors.Join(h.deliver(ctx, all, j, http.MethodPut, perRequest, w), w.Close())
}

// discarded is storage that keeps nothing.
type discarded struct{}

// Seal leaves the file to its writer, which removes it.
func (discarded) Seal(context.Context, log.Segment, string) error { return nil }

// person is a row as a program without a mapping has it.
type person struct {
	ID        string      `json:"id"`
	Email     string      `json:"email"`
	FirstName string      `json:"first_name"`
	LastName  string      `json:"last_name"`
	Score     *int64      `json:"score"`
	Plan      string      `json:"plan"`
	LTV       json.Number `json:"ltv"`
	UpdatedAt time.Time   `json:"updated_at"`
}

func personsOf(r *rows) ([]person, error) {
	all := make([]person, 0, r.total)
	for _, batch := range r.batches {
		binding, err := r.bind(batch)
		if err != nil {
			return nil, err
		}
		for i := range int(batch.NumRows()) {
			binding.Row(i, connector.Added)
			v, err := binding.Values(nil)
			if err != nil {
				return nil, err
			}
			p := person{v[0].Raw(), v[1].Raw(), v[2].Raw(), v[3].Raw(), nil, v[5].Raw(), json.Number(v[6].String()), v[7].Time()}
			if !v[4].IsNull() {
				score := v[4].Int()
				p.Score = &score
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// bare sends all rows with the standard library alone.
func (h *httpBench) bare(ctx context.Context, all []person, perRequest int) error {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var lanes sync.WaitGroup
	for range inFlight {
		lanes.Go(func() {
			for failed.Load() == nil {
				from := int(next.Add(int64(perRequest))) - perRequest
				if from >= len(all) {
					return
				}
				if err := post(ctx, client, h.url, all[from:min(from+perRequest, len(all))]); err != nil {
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

func post(ctx context.Context, client *http.Client, url string, part []person) error {
	body, err := json.Marshal(part)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/rows", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", answer.Status)
	}
	return nil
}
