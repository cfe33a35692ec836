package httprequest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldenJob is the file job.json of a case.
type goldenJob struct {
	Connection connector.Settings `json:"connection"`
	Settings   connector.Settings `json:"settings"`
	Schema     value.Schema       `json:"schema"`
	Mappings   []struct {
		To, From string
		Omit     bool
	} `json:"mappings"`
	Answers []struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"answers"`
	Check bool `json:"check"` // the case is about what Check says
}

// goldenRow is one line of rows.ndjson.
type goldenRow struct {
	Operation connector.Operation `json:"op"`
	Row       value.Value         `json:"row"`
}

// TestGolden sends the rows of each case to a server and compares the requests, byte for byte, and what became
// of the rows.
//
// Req: SY-24, SY-25, SY-27, SY-28, SY-74, SY-75, FLD-32
func TestGolden(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) < 25 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			golden(t, path)
		})
	}
}

func golden(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	got := runGolden(t, files)
	if *update {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "exchange" })
		archive.Files = append(archive.Files, txtar.File{Name: "exchange", Data: got})
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := files["exchange"]; !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// transcript writes down what a server was asked.
type transcript struct {
	mu  sync.Mutex
	out bytes.Buffer
	job goldenJob
	at  int
}

func (s *transcript) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fmt.Fprintf(&s.out, "the body: %v\n", err)
	}
	fmt.Fprintf(&s.out, "%s %s\n", r.Method, r.RequestURI)
	r.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	r.Header.Del("Accept-Encoding")
	if err := r.Header.Write(&s.out); err != nil {
		fmt.Fprintf(&s.out, "the header: %v\n", err)
	}
	fmt.Fprintf(&s.out, "\n%s", body)
	if len(body) > 0 {
		s.out.WriteString("\n")
	}
	if s.at >= len(s.job.Answers) {
		return
	}
	a := s.job.Answers[s.at]
	s.at++
	for name, v := range a.Headers {
		w.Header().Set(name, v)
	}
	w.WriteHeader(a.Status)
	w.Write(a.Body) //nolint:errcheck // the client sees
}

func runGolden(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	record := &transcript{}
	server := httptest.NewServer(record)
	defer server.Close()
	text := strings.ReplaceAll(string(files["job.json"]), "http://api", server.URL)
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&record.job); err != nil {
		t.Fatal(err)
	}
	g := record.job
	info := Info(httpx.AnyNetwork)
	if g.Connection["baseUrl"] == nil {
		g.Connection = connector.Settings{"baseUrl": server.URL + "/v1"}
	}
	d, err := info.Open(connector.DestinationOptions{Settings: g.Connection.WithDefaults(info.Fields), Dir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	job := g.syncJob(info)
	if g.Check {
		if err := d.Check(job); err != nil {
			fmt.Fprintln(&record.out, err)
		}
		return record.out.Bytes()
	}
	s, err := d.Begin(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	rows := g.rows(t, files["rows.ndjson"])
	for _, op := range connector.Operations {
		if slices.Contains(s.Limits().Operations, op) {
			writeAll(t, record, s, op, rows[op])
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(record.out.Bytes(), []byte(server.URL), []byte("http://api"))
}

func (g goldenJob) syncJob(info connector.DestinationInfo) connector.SyncJob {
	job := connector.SyncJob{
		SyncID: 67890, RunID: 1234567890, StartedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Type: "request", Mode: connector.ModeTrigger,
		Settings: g.Settings.WithDefaults(info.SyncTypes[0].Fields),
		Model:    connector.ModelInfo{ID: 12345, Name: "VIP Customers", PrimaryKey: "id", Schema: g.Schema},
	}
	for _, m := range g.Mappings {
		job.Columns = append(job.Columns, connector.TargetColumn{Name: m.To, From: m.From, Omit: m.Omit})
	}
	return job
}

func (g goldenJob) rows(t *testing.T, text []byte) map[connector.Operation][]connector.Row {
	t.Helper()
	rows := map[connector.Operation][]connector.Row{}
	for line := range strings.Lines(string(text)) {
		var r goldenRow
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		row := connector.Row{}
		for _, c := range g.Schema {
			v, _ := r.Row.Get(c.Name)
			row.Source = append(row.Source, v)
		}
		for _, m := range g.Mappings {
			v, _ := r.Row.Get(m.From)
			row.Values = append(row.Values, v)
		}
		id, _ := r.Row.Get("id")
		row.Key = id.String()
		rows[r.Operation] = append(rows[r.Operation], row)
	}
	return rows
}

// writeAll sends rows in batches and notes what became of them.
func writeAll(t *testing.T, record *transcript, s connector.Session, op connector.Operation, rows []connector.Row) {
	t.Helper()
	size := s.(connector.OperationLimiter).LimitsOf(op).Rows
	for n, batch := range slices.Collect(slices.Chunk(rows, size)) {
		b := &connector.Batch{ID: fmt.Sprintf("plan-%s-%d", op, n), Operation: op, Rows: batch}
		result, err := s.Write(t.Context(), b)
		if err != nil {
			fmt.Fprintf(&record.out, "=> %s %s: %v\n", fault.As(err).Class, fault.As(err).Code, err)
		}
		for _, r := range result.Rejected {
			fmt.Fprintf(&record.out, "=> row %d refused (retry %v): %s\n", r.Row, r.Retry, r.Reason)
		}
		record.out.WriteString("\n")
	}
}
