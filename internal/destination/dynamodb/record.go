package dynamodb

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/httpx"
)

// shownHeaders are those that the request log gets: no other says anything, and some are secrets.
var shownHeaders = []string{"Content-Type", "X-Amz-Target", "X-Amzn-Requestid"}

// exchanges are the requests of one batch.
type exchanges struct {
	mu  sync.Mutex
	all []connector.Exchange
}

type exchangesKey struct{}

func (e *exchanges) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangesKey{}, e)
}

func (e *exchanges) add(x connector.Exchange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, x)
}

// recorder notes the requests to DynamoDB for the batch in their context. Requests for the credential are not noted.
type recorder struct {
	next  http.RoundTripper
	clock clock.Clock
}

// RoundTrip sends a request and notes it with its answer.
func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	log, _ := q.Context().Value(exchangesKey{}).(*exchanges)
	if log == nil || q.Header.Get("X-Amz-Target") == "" {
		return r.next.RoundTrip(q)
	}
	x := connector.Exchange{Method: q.Method, URL: q.URL.String(), RequestHeaders: shown(q.Header), StartedAt: r.clock.Now()}
	sent, err := io.ReadAll(q.Body) // small: what a batch takes
	q.Body.Close()                  //nolint:errcheck // it was read
	if err != nil {
		return nil, err
	}
	x.RequestBody = beginning(sent)
	q = q.Clone(q.Context())
	q.Body = io.NopCloser(bytes.NewReader(sent))
	began := time.Now()
	defer func() {
		x.Duration = time.Since(began)
		log.add(x)
	}()
	resp, err := r.next.RoundTrip(q)
	if err != nil {
		x.Error = err.Error()
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close() //nolint:errcheck // it was read
	x.Status, x.ResponseHeaders, x.ResponseBody = resp.StatusCode, shown(resp.Header), beginning(body)
	if err != nil {
		x.Error = err.Error()
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// beginning is as much of a body as the request log takes.
func beginning(body []byte) string { return string(body[:min(len(body), httpx.KeepBody)]) }

func shown(h http.Header) []connector.Header {
	var all []connector.Header
	for name := range h {
		if slices.Contains(shownHeaders, name) {
			all = append(all, connector.Header{Name: name, Value: h.Get(name)})
		}
	}
	slices.SortFunc(all, func(a, b connector.Header) int { return strings.Compare(a.Name, b.Name) })
	return all
}
