package elasticsearch_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/elasticsearch"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

const password = "a-password-of-elastic"

func (s *server) settings(changes ...any) connector.Settings {
	port, err := strconv.ParseFloat(s.URL.Port(), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	all := connector.Settings{"method": "server", "protocol": s.URL.Scheme, "host": s.URL.Hostname(), "port": port}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i].(string)] = changes[i+1]
	}
	return all
}

func open(t testing.TB, s connector.Settings, network connector.Network) connector.Destination {
	t.Helper()
	info := elasticsearch.Info()
	d, err := info.Open(connector.DestinationOptions{Settings: s.WithDefaults(info.Fields), Dir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Network: network})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func job(index string, mode connector.Mode, match string, columns ...string) connector.SyncJob {
	j := connector.SyncJob{
		SyncID: 7, SyncSlug: "customers", RunID: 42, Type: elasticsearch.SyncTypeSlug, Mode: mode, Delete: connector.DeleteNothing,
		Settings: connector.Settings{"index": index}, Match: []connector.MatchPair{{From: "id", To: match}},
		Model: connector.ModelInfo{ID: 3, Name: "Customers", Slug: "customers", PrimaryKey: "id"},
	}
	for _, name := range columns {
		j.Columns = append(j.Columns, connector.TargetColumn{Name: name, From: name})
	}
	return j
}

// row is a row of a job; a value of Go is read as JSON would be.
func row(id any, values ...any) connector.Row {
	r := connector.Row{Key: fmt.Sprint(id), Match: []value.Value{value.Of(id)}}
	for _, v := range values {
		r.Values = append(r.Values, value.Of(v))
	}
	return r
}

func before(r connector.Row, values ...any) connector.Row {
	for _, v := range values {
		r.Before = append(r.Before, value.Of(v))
	}
	return r
}

func begin(t testing.TB, d connector.Destination, j connector.SyncJob) connector.Session {
	t.Helper()
	if err := d.Check(j); err != nil {
		t.Fatalf("checking: %v", err)
	}
	s, err := d.Begin(t.Context(), j)
	if err != nil {
		t.Fatalf("beginning: %v", err)
	}
	return s
}

func batch(op connector.Operation, rows ...connector.Row) *connector.Batch {
	return &connector.Batch{ID: "b", Operation: op, Rows: rows, Checkpoint: func(context.Context, string) error { return nil }}
}

// write sends rows and returns the refused ones by their index.
func write(t testing.TB, s connector.Session, op connector.Operation, rows ...connector.Row) map[int]connector.Rejection {
	t.Helper()
	result, err := s.Write(t.Context(), batch(op, rows...))
	if err != nil {
		t.Fatalf("writing: %v", err)
	}
	refused := map[int]connector.Rejection{}
	for _, r := range result.Rejected {
		refused[r.Row] = r
	}
	return refused
}

func none(t *testing.T, refused map[int]connector.Rejection) {
	t.Helper()
	if len(refused) > 0 {
		t.Errorf("refused %v", refused)
	}
}

// natives are the field types that take the values of each type.
var natives = map[value.Type]string{
	value.TypeBoolean: "boolean", value.TypeNumber: "double", value.TypeString: "text", value.TypeTimestamp: "date", value.TypeDate: "date", value.TypeObject: "disabled",
}

// TestConformance runs the suite for documents that are named and for documents that are found.
//
// Req: SY-18, SY-21, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, match := range map[string]string{"by _id": "_id", "by a field": "id"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, fixture(t, match))
		})
	}
}

func fixture(t *testing.T, match string) destinationtest.Fixture {
	t.Helper()
	var n atomic.Int64
	s := newServer(t)
	return destinationtest.Fixture{
		Info: elasticsearch.Info(), Failing: failing(t), Invalid: invalid(), Removes: true,
		Target: func(_ *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			index := fmt.Sprintf("Täble %d", n.Add(1))
			index = strings.ReplaceAll(index, " ", "+")
			s.create(index, "id:keyword", "value:"+natives[columns[1].Type])
			j := job(index, connector.ModeUpsert, match)
			j.Columns, j.Delete = columns, connector.DeleteRecord
			return destinationtest.Target{Settings: s.settings(), Job: j, Read: func(t *testing.T) []destinationtest.Record {
				s.refresh(index)
				return read(t, s.sources(index))
			}}
		},
		Arrival: func(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
			switch v.Kind() {
			case value.Null:
				return destinationtest.Arrival{Absent: c.Omit}
			case value.Bytes, value.Time, value.Day:
				return destinationtest.Text(v)
			default:
				return destinationtest.As(v)
			}
		},
		Refused: []destinationtest.Refused{
			{Name: "text in a number", Column: column(value.TypeNumber), Value: value.OfText("twelve"), Says: `For input string: "twelve"`},
			{Name: "text in a boolean", Column: column(value.TypeBoolean), Value: value.OfText("perhaps"), Says: "only [true] or [false]"},
			{Name: "text in a date", Column: column(value.TypeDate), Value: value.OfText("soon"), Says: "failed to parse date field"},
			{Name: "object in a text", Column: column(value.TypeString), Value: value.OfJSON(`{"a":1}`), Says: "failed to parse field [value]"},
		},
	}
}

func column(t value.Type) connector.TargetColumn {
	return connector.TargetColumn{Name: "value", From: "value", Type: t}
}

func read(t *testing.T, sources map[string]string) []destinationtest.Record {
	t.Helper()
	var records []destinationtest.Record
	for _, text := range sources {
		v, err := value.ParseJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		r := destinationtest.Record{}
		for _, f := range v.Fields() {
			r[f.Name] = f.Value
		}
		records = append(records, r)
	}
	return records
}

func failing(t *testing.T) []destinationtest.Failing {
	t.Helper()
	with := func(edit func(*server)) *server {
		s := newServer(t)
		edit(s)
		return s
	}
	answering := func(status int, body string) connector.Settings {
		return with(func(s *server) {
			s.intrude = func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(status)
				fmt.Fprint(w, body)
				return true
			}
		}).settings()
	}
	guarded := with(func(s *server) {
		s.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte("elastic:"+password))
	})
	good := newServer(t)
	secure := httptest.NewTLSServer(good)
	t.Cleanup(secure.Close)
	secured := &server{t: t, URL: address(t, secure.URL)}
	return []destinationtest.Failing{
		{Name: "unreachable", Settings: good.settings("port", 1.0), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "unknown host", Settings: good.settings("host", "search.invalid"), Code: fault.CodeDestinationUnreachable, Says: "search.invalid"},
		{Name: "no encryption", Settings: good.settings("protocol", "https"), Code: fault.CodeDestinationUnreachable, Says: "TLS handshake"},
		{Name: "unknown authority", Settings: secured.settings(), Code: fault.CodeDestinationUnreachable, Says: "x509"},
		{Name: "no password", Settings: guarded.settings(), Code: fault.CodeDestinationAuth, Says: "missing authentication credentials"},
		{Name: "wrong password", Settings: guarded.settings("username", "elastic", "password", "not-the-password"), Code: fault.CodeDestinationAuth, Says: "missing authentication credentials"},
		{Name: "wrong key", Settings: guarded.settings("apiKey", "not-the-right-key"), Code: fault.CodeDestinationAuth, Says: "missing authentication credentials"},
		{Name: "denied", Settings: answering(403, `{"error":{"type":"security_exception","reason":"action [cluster:monitor/main] is unauthorized for user [elastic]"},"status":403}`), Code: fault.CodeDestinationDenied, Says: "is unauthorized"},
		{Name: "OpenSearch", Settings: answering(200, `{"version":{"distribution":"opensearch","number":"2.19.1"}}`), Code: fault.CodeDestinationSchema, Says: "OpenSearch"},
		{Name: "old", Settings: answering(200, `{"version":{"number":"6.8.23"}}`), Code: fault.CodeDestinationSchema, Says: "6.8.23"},
		{Name: "something else", Settings: answering(200, `{"hello":"world"}`), Code: fault.CodeDestinationAnswer, Says: "does not say which version"},
		{Name: "a page", Settings: answering(200, `<html>Kibana</html>`), Code: fault.CodeDestinationAnswer, Says: "not Elasticsearch's"},
		{Name: "busy", Settings: answering(429, `{"error":{"type":"circuit_breaking_exception","reason":"Data too large"},"status":429}`), Code: fault.CodeDestinationThrottled, Says: "Data too large"},
		{Name: "bad settings", Settings: good.settings("host", "https://x"), Code: fault.CodeInvalid, Says: "not a URL"},
		{Name: "bad Cloud ID", Settings: connector.Settings{"cloudId": "prod:bm90aGluZw==", "apiKey": "some-key-of-ours"}, Code: fault.CodeInvalid, Says: "no Cloud ID"},
	}
}

func invalid() []destinationtest.Invalid {
	edit := func(name string, edit func(*connector.SyncJob), paths ...string) destinationtest.Invalid {
		return destinationtest.Invalid{Name: name, Edit: edit, Paths: paths}
	}
	config := func(name string, s connector.Settings, fields ...string) destinationtest.Invalid {
		i := destinationtest.Invalid{Name: name, Settings: s}
		for _, f := range fields {
			i.Paths = append(i.Paths, "spec.configuration."+f)
		}
		return i
	}
	return []destinationtest.Invalid{
		edit("unknown mode", func(j *connector.SyncJob) { j.Mode = connector.ModeInsert }, "spec.mode"),
		edit("no index", func(j *connector.SyncJob) { delete(j.Settings, "index") }, "spec.settings.index"),
		edit("several indices", func(j *connector.SyncJob) { j.Settings["index"] = "logs-*" }, "spec.settings.index"),
		edit("half a row", func(j *connector.SyncJob) { j.Settings["batchSize"] = 1.5 }, "spec.settings.batchSize"),
		edit("no match", func(j *connector.SyncJob) { j.Match = nil }, "spec.match"),
		edit("no columns", func(j *connector.SyncJob) { j.Columns = nil }, "spec.mappings"),
		edit("a field twice", func(j *connector.SyncJob) { j.Columns[1].Name = "id" }, "spec.mappings"),
		edit("a field of the server's own", func(j *connector.SyncJob) { j.Columns[1].Name = "_source" }, "spec.mappings"),
		edit("a dot at the end", func(j *connector.SyncJob) { j.Columns[1].Name = "a." }, "spec.mappings"),
		edit("a part of another", func(j *connector.SyncJob) { j.Columns[0].Name, j.Columns[1].Name = "a", "a.b" }, "spec.mappings"),
		edit("an update of nothing", func(j *connector.SyncJob) {
			j.Mode, j.Match, j.Columns = connector.ModeUpdate, []connector.MatchPair{{From: "id", To: "id"}}, j.Columns[:1]
		}, "spec.mappings"),
		edit("clearing nothing", func(j *connector.SyncJob) {
			j.Delete, j.Match, j.Columns = connector.DeleteClear, []connector.MatchPair{{From: "id", To: "id"}}, j.Columns[:1]
		}, "spec.delete"),
		config("server", connector.Settings{"method": "server", "protocol": "ftp", "host": "http://x", "port": 0.5, "username": "u", "caCertificate": "no certificate"}, "protocol", "host", "port", "password", "caCertificate"),
		config("two ways in", connector.Settings{"method": "server", "host": "x", "username": "u", "password": "p", "apiKey": "k"}, "apiKey"),
		config("password without user", connector.Settings{"method": "server", "host": "x", "password": "p"}, "username"),
		config("cloud", connector.Settings{"cloudId": "x:%%%"}, "cloudId", "apiKey"),
		config("method", connector.Settings{"method": "pigeon"}, "method"),
	}
}

// TestCloud: a Cloud ID leads to Elasticsearch's host, and the API key is shown in each form that people have it in.
//
// Req: X-22
func TestCloud(t *testing.T) {
	t.Parallel()
	encoded := base64.StdEncoding.EncodeToString([]byte("key-id:key-secret"))
	for name, c := range map[string]struct{ decoded, dialled string }{
		"with three parts": {"example.com$es$kibana", "es.example.com:443"},
		"with two parts":   {"example.com$es", "es.example.com:443"},
		"with a port":      {"example.com:9243$es$kibana", "es.example.com:9243"},
		"with two ports":   {"example.com:9243$es:9244$kibana:9245", "es.example.com:9244"},
		"without Kibana":   {"example.com$es$", "es.example.com:443"},
	} {
		for _, key := range []string{encoded, "key-id:key-secret"} {
			s := newServer(t)
			s.auth = "ApiKey " + encoded
			secure := httptest.NewTLSServer(s)
			defer secure.Close()
			ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
			dial := func(ctx context.Context, network, address string) (net.Conn, error) {
				if address != c.dialled {
					t.Errorf("%s: connected to %s, want %s", name, address, c.dialled)
				}
				return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(secure.URL, "https://"))
			}
			id := "production:" + base64.StdEncoding.EncodeToString([]byte(c.decoded))
			if err := open(t, connector.Settings{"cloudId": id, "apiKey": key, "caCertificate": ca}, connector.Network{Dial: dial}).Test(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestLimitedKey: a key that may only write to its index need not see the cluster.
func TestLimitedKey(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/", "":
			refuse(w, http.StatusForbidden, "security_exception", "action [cluster:monitor/main] is unauthorized for API key id [x]")
		case "/_security/_authenticate":
			fmt.Fprint(w, `{"username":"x"}`)
		default:
			return false
		}
		return true
	}
	if err := open(t, s.settings("apiKey", "key-id:key-secret"), connector.Network{}).Test(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestModes: what upsert and update, clear and delete leave of documents.
//
// Req: SY-15, SY-18, SY-25
func TestModes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, match := range []string{"_id", "code"} {
		s.create("m-"+match, "code:keyword")
		s.put("m-"+match, "1", `{"code":"1","name":"Ann","other":true,"plan":{"a":1,"b":{"c":2}}}`)
		d := open(t, s.settings(), connector.Network{})
		up := begin(t, d, job("m-"+match, connector.ModeUpdate, match, "name"))
		none(t, write(t, up, connector.Added, row("1", "Bea"), row("2", "Nobody")))
		want := map[string]string{"1": `{"code":"1","name":"Bea","other":true,"plan":{"a":1,"b":{"c":2}}}`}
		if got := s.sources("m-" + match); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: after the update: %v", match, got)
		}
		j := job("m-"+match, connector.ModeUpsert, match, "name", "plan", "address.city")
		j.Columns[0].Omit = true
		ups := begin(t, d, j)
		none(t, write(t, ups, connector.Changed, before(row("1", nil, map[string]any{"b": map[string]any{"d": 3}}, "Ulm"), "Bea", map[string]any{"a": 1, "b": map[string]any{"c": 2}}, nil)))
		want["1"] = `{"code":"1","name":"Bea","other":true,"plan":{"a":null,"b":{"c":null,"d":3}},"address":{"city":"Ulm"}}`
		if got := s.sources("m-" + match); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: after the change: %v", match, got)
		}
		j.Delete = connector.DeleteClear
		none(t, write(t, begin(t, d, j), connector.Removed, row("1", "Bea", nil, "Ulm"), row("gone", nil, nil, nil)))
		want["1"] = `{"code":"1","name":null,"other":true,"plan":null,"address":{"city":null}}`
		if got := s.sources("m-" + match); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: after clearing: %v", match, got)
		}
		j.Delete = connector.DeleteRecord
		none(t, write(t, begin(t, d, j), connector.Removed, row("1", nil, nil, nil), row("gone", nil, nil, nil)))
		if got := s.sources("m-" + match); len(got) > 0 {
			t.Errorf("%s: after deleting: %v", match, got)
		}
	}
}

// TestFound: a document is found by the whole value of any field, also one that was made a moment ago; several are
// refused, and sending again adds nothing.
//
// Req: SY-21
func TestFound(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.create("people", "email:text+keyword", "note:text+english", "n:long")
	s.put("people", "a", `{"email":"Ann@example.com","n":1}`)
	s.put("people", "b", `{"email":"twice@example.com"}`)
	s.put("people", "c", `{"email":"twice@example.com"}`)
	d := open(t, s.settings(), connector.Network{})
	ups := begin(t, d, job("people", connector.ModeUpsert, "email", "n"))
	rows := []connector.Row{row("Ann@example.com", 2), row("twice@example.com", 2), row("new@example.com", 2), row(nil, 2), row([]any{"x"}, 2)}
	for range 2 {
		refused := write(t, ups, connector.Added, rows...)
		if len(refused) != 3 || !strings.Contains(refused[1].Reason, "several documents") || refused[3].Reason == "" || !strings.Contains(refused[4].Reason, "array") {
			t.Errorf("refused %v", refused)
		}
		got := s.sources("people")
		if len(got) != 4 || got["a"] != `{"email":"Ann@example.com","n":2}` {
			t.Errorf("documents %v", got)
		}
	}
	none(t, write(t, begin(t, d, job("people", connector.ModeUpdate, "email", "n")), connector.Changed, row("new@example.com", 3)))
	s.refresh("people")
	none(t, write(t, ups, connector.Changed, row("new@example.com", 4)))
	added := 0
	for _, text := range s.sources("people") {
		if strings.Contains(text, "new@") {
			added++
			if text != `{"n":4,"email":"new@example.com"}` {
				t.Errorf("added %s", text)
			}
		}
	}
	if added != 1 {
		t.Errorf("added %d documents", added)
	}
	if n := ups.Limits().Rows; n > 500 {
		t.Errorf("%d searches in one request", n)
	}
	_, err := d.Begin(t.Context(), job("people", connector.ModeUpsert, "note", "n"))
	if !fault.Is(err, fault.CodeDestinationSchema) || fault.As(err).Path != "spec.match" {
		t.Errorf("a field of words: %v", err)
	}
}

// TestAnswers: what each kind of answer means for its row and for the batch.
//
// Req: SY-76, SY-78
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail  func(action, id string) (int, string, string)
		class fault.Class
		code  fault.Code
		again bool // the row is refused, and worth another attempt
	}{
		"conflict":         {fail: once("1", 409, "version_conflict_engine_exception"), again: true},
		"queue full":       {fail: once("1", 429, "es_rejected_execution_exception"), again: true},
		"shards away":      {fail: once("1", 503, "unavailable_shards_exception"), again: true},
		"strict":           {fail: once("1", 400, "strict_dynamic_mapping_exception")},
		"all queues full":  {fail: always(429, "es_rejected_execution_exception"), class: fault.Throttled, code: fault.CodeDestinationThrottled},
		"index gone":       {fail: always(404, "index_not_found_exception"), class: fault.Fatal, code: fault.CodeDestinationSchema},
		"index closed":     {fail: always(400, "index_closed_exception"), class: fault.Fatal, code: fault.CodeDestinationSchema},
		"disk full":        {fail: always(403, "cluster_block_exception"), class: fault.Fatal, code: fault.CodeDestinationDenied},
		"not allowed":      {fail: always(403, "security_exception"), class: fault.Fatal, code: fault.CodeDestinationDenied},
		"blocked for now":  {fail: once("1", 503, "cluster_block_exception"), again: true},
		"unknown document": {fail: nil},
	} {
		s := newServer(t)
		s.create("i", "code:keyword")
		n := begin(t, open(t, s.settings(), connector.Network{}), job("i", connector.ModeUpsert, "_id", "name"))
		s.fail = c.fail
		result, err := n.Write(t.Context(), batch(connector.Added, row("0", "x"), row("1", "x"), row("2", "x")))
		switch {
		case c.code != "":
			if !fault.Is(err, c.code) || fault.ClassOf(err) != c.class || fault.As(err).Hint() == "" {
				t.Errorf("%s: %v (%s)", name, err, fault.ClassOf(err))
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case c.fail != nil && (len(result.Rejected) != 1 || result.Rejected[0].Row != 1 || result.Rejected[0].Retry != c.again || !strings.Contains(result.Rejected[0].Reason, "because")):
			t.Errorf("%s: %+v", name, result.Rejected)
		}
	}
}

func once(id string, status int, kind string) func(string, string) (int, string, string) {
	return func(_, got string) (int, string, string) {
		if got != id {
			return 0, "", ""
		}
		return status, kind, "because"
	}
}

func always(status int, kind string) func(string, string) (int, string, string) {
	return func(string, string) (int, string, string) { return status, kind, "because" }
}

// TestSearchFails: a row whose document could not be searched for is not added as a new one.
func TestSearchFails(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.create("i", "code:keyword")
	n := begin(t, open(t, s.settings(), connector.Network{}), job("i", connector.ModeUpsert, "code", "name"))
	s.fail = func(action, id string) (int, string, string) {
		if action == "search" && id == "1" {
			return 503, "search_phase_execution_exception", "all shards failed"
		}
		return 0, "", ""
	}
	refused := write(t, n, connector.Added, row("0", "x"), row("1", "x"))
	if len(refused) != 1 || !refused[1].Retry || !strings.Contains(refused[1].Reason, "all shards failed") {
		t.Errorf("refused %v", refused)
	}
	if got := s.sources("i"); len(got) != 1 {
		t.Errorf("documents %v", got)
	}
}

// TestStatuses: what a status of the whole request means.
//
// Req: SY-76
func TestStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]fault.Class{401: fault.Fatal, 403: fault.Fatal, 404: fault.Fatal, 413: fault.Permanent, 429: fault.Throttled, 500: fault.Retryable, 502: fault.Unknown, 503: fault.Retryable} {
		s := newServer(t)
		s.create("i")
		n := begin(t, open(t, s.settings(), connector.Network{}), job("i", connector.ModeUpsert, "_id", "name"))
		s.intrude = func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, status, "some_exception", "because")
			return true
		}
		_, err := n.Write(t.Context(), batch(connector.Added, row("0", "x")))
		if fault.ClassOf(err) != want || !strings.Contains(fmt.Sprint(err), "because") {
			t.Errorf("%d: %v (%s)", status, err, fault.ClassOf(err))
		}
	}
}

// TestDiscovery: indices, aliases and fields are offered, without those of the server itself; what is missing is named.
//
// Req: M-24
func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.create("people", "email:text+keyword", "note:text", "age:long", "address.city:keyword", "seen:date", "place:geo_point")
	s.create(".kibana")
	s.aliases["customers"] = "people"
	d := open(t, s.settings(), connector.Network{})
	options, err := d.(connector.OptionLister).ListOptions(t.Context(), "indices", connector.SyncJob{})
	if err != nil || len(options) != 2 || options[0].Value != "people" || options[1].Value != "customers" || options[1].Help != "Alias of people" {
		t.Errorf("options %+v, %v", options, err)
	}
	fields, err := d.(connector.FieldLister).TargetFields(t.Context(), job("customers", connector.ModeUpsert, "_id"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range fields {
		got = append(got, fmt.Sprintf("%s %s %s %v", f.Name, f.Type, f.Native, f.Match))
	}
	want := []string{
		"_id string _id true", "address object object false", "address.city string keyword true", "age number long true", "email string text true",
		"note string text false", "place unknown geo_point false", "seen timestamp date true",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("fields %q", got)
	}
	if _, err := d.Begin(t.Context(), job("nowhere", connector.ModeUpsert, "_id", "x")); !fault.Is(err, fault.CodeDestinationSchema) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("no index: %v", err)
	}
}
