package httprequest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// newSink is a server that reads requests and says yes.
func newSink() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)    //nolint:errcheck // the client sees
		w.Write([]byte(`{"ok":true}`)) //nolint:errcheck // the client sees
	}))
}

// BenchmarkRequests measures a bare client, which sends a body that is ready, and Session.Write, which makes the
// body of the rows, reads the answer and records the exchange, each with 8 requests in flight.
func BenchmarkRequests(b *testing.B) {
	sink := newSink()
	defer sink.Close()
	template := map[string]any{"body": "json", "json": `[{% for row in rows %}{"id": "{{ row.id }}", "name": "{{ row.name }}", "email": "{{ row.email }}", "city": "{{ row.city }}", "score": {{ row.score }}, "ratio": {{ row.ratio }}, "vip": {{ row.vip }}},{% endfor %}]`}
	for _, size := range []int{10, 100} {
		rows, columns := benchRows(size)
		for _, c := range []struct {
			name string
			make func() (func() error, func())
		}{
			{"bare", func() (func() error, func()) { return bareSender(sink.URL, rows, columns) }},
			{"write", func() (func() error, func()) { return writeSender(b, sink.URL, rows, columns, nil) }},
			{"template", func() (func() error, func()) { return writeSender(b, sink.URL, rows, columns, template) }},
		} {
			b.Run(fmt.Sprintf("%s/%d", c.name, size), func(b *testing.B) {
				send, done := c.make()
				defer done()
				b.ReportAllocs()
				b.ResetTimer()
				concurrently(b, b.N, send)
				b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

const inFlight = 8

func benchRows(n int) ([]connector.Row, []connector.TargetColumn) {
	names := []string{"id", "name", "email", "city", "score", "ratio", "vip"}
	columns := make([]connector.TargetColumn, len(names))
	for i, name := range names {
		columns[i] = connector.TargetColumn{Name: name, From: name}
	}
	rows := make([]connector.Row, n)
	for i := range rows {
		v := []value.Value{
			value.OfText(fmt.Sprintf("customer-%08d", i)), value.OfText("Ada Lovelace"), value.OfText(fmt.Sprintf("ada%d@example.com", i)),
			value.OfText("Zürich"), value.OfInt(int64(i)), value.OfFloat(0.25), value.OfBool(true),
		}
		rows[i] = connector.Row{Key: v[0].Raw(), Values: v, Source: v}
	}
	return rows, columns
}

// concurrently sends n requests, some of them at once.
func concurrently(b *testing.B, n int, send func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var lanes sync.WaitGroup
	for range inFlight {
		lanes.Go(func() {
			for left.Add(-1) >= 0 {
				if err := send(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	lanes.Wait()
}

// encodeSender is a bare client that writes its rows with encoding/json.
func encodeSender(url string, rows []connector.Row) (send func() error, done func()) {
	type customer struct {
		ID    string  `json:"id"`
		Name  string  `json:"name"`
		Email string  `json:"email"`
		City  string  `json:"city"`
		Score int64   `json:"score"`
		Ratio float64 `json:"ratio"`
		VIP   bool    `json:"vip"`
	}
	all := make([]customer, len(rows))
	for i, r := range rows {
		v := r.Values
		all[i] = customer{v[0].Raw(), v[1].Raw(), v[2].Raw(), v[3].Raw(), v[4].Int(), v[5].Float(), v[6].Bool()}
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	return func() error {
		body, err := json.Marshal(all)
		if err != nil {
			return err
		}
		return post(client, url, body)
	}, client.CloseIdleConnections
}

func post(client *http.Client, url string, body []byte) error {
	resp, err := client.Post(url+"/rows", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	return resp.Body.Close()
}

func bareSender(url string, rows []connector.Row, columns []connector.TargetColumn) (send func() error, done func()) {
	sc := &trigger.Scratch{}
	m := trigger.Mapped(columns, trigger.ArrayOf(true, ""))
	m.Write(sc, rows) //nolint:errcheck // never fails
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	return func() error { return post(client, url, sc.Body) }, client.CloseIdleConnections
}

func writeSender(b *testing.B, url string, rows []connector.Row, columns []connector.TargetColumn, more map[string]any) (send func() error, done func()) {
	b.Helper()
	added := map[string]any{"enabled": true, "url": "/rows", "rows": "batch", "batchSize": len(rows), "rateLimit": 0, "concurrency": inFlight}
	maps.Copy(added, more)
	info := Info(httpx.AnyNetwork)
	d, err := info.Open(connector.DestinationOptions{Settings: connector.Settings{"baseUrl": url, "auth": "bearer", "token": "a-secret-token"}})
	if err != nil {
		b.Fatal(err)
	}
	job := connector.SyncJob{Type: "request", Mode: connector.ModeTrigger, Settings: connector.Settings{"added": added}, Columns: columns}
	for _, c := range columns {
		job.Model.Schema = append(job.Model.Schema, value.Column{Name: c.Name})
	}
	s, err := d.Begin(b.Context(), job)
	if err != nil {
		b.Fatal(err)
	}
	return func() error {
		_, err := s.Write(b.Context(), &connector.Batch{ID: "b", Operation: connector.Added, Rows: rows})
		return err
	}, func() { s.Close() } //nolint:errcheck // nothing depends on it
}

// BenchmarkRatio sends by turns with a bare client whose body is ready, with a bare client that encodes its
// rows, and with Session.Write, so that whatever else the machine does slows all of them, and reports how fast
// the last is compared with the others.
func BenchmarkRatio(b *testing.B) {
	sink := newSink()
	defer sink.Close()
	for _, size := range []int{10, 100} {
		rows, columns := benchRows(size)
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			bare, closeBare := bareSender(sink.URL, rows, columns)
			defer closeBare()
			write, closeWrite := writeSender(b, sink.URL, rows, columns, nil)
			defer closeWrite()
			encode, closeEncode := encodeSender(sink.URL, rows)
			defer closeEncode()
			var limit, encoded, ours spent
			for b.Loop() {
				limit.turn(b, bare)
				encoded.turn(b, encode)
				ours.turn(b, write)
			}
			b.ReportMetric(encoded.cpu.Seconds()/ours.cpu.Seconds(), "of-encoding-cpu")
			b.ReportMetric(limit.time.Seconds()/ours.time.Seconds(), "of-bare")
			b.ReportMetric(limit.cpu.Seconds()/ours.cpu.Seconds(), "of-bare-cpu")
			b.ReportMetric(float64(b.N*turnRequests*size)/ours.time.Seconds(), "rows/s")
		})
	}
}

// turnRequests is how many requests one of the two sends before the other does.
const turnRequests = 400

// spent is what the turns of one of the two took. The processor's time, which has the server's part in it, is
// the better measure on a machine with other work.
type spent struct{ time, cpu time.Duration }

func (s *spent) turn(b *testing.B, send func() error) {
	b.Helper()
	began, used := time.Now(), cpuTime(b)
	concurrently(b, turnRequests, send)
	s.time += time.Since(began)
	s.cpu += cpuTime(b) - used
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
