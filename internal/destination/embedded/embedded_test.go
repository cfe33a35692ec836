package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/signature"
	"github.com/millrace/millrace/internal/value"
)

const secret = "a-signing-secret"

// stand is a connector: it keeps the rows that it gets, removes those of removals, and refuses the value "refuse me". Its
// methods can be replaced by what they return, and taken away.
type stand struct {
	*httptest.Server

	mu      sync.Mutex
	rows    []destinationtest.Record
	asked   []string // method and parameters
	returns map[string]string
	broken  func(w http.ResponseWriter)
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{returns: map[string]string{
		"behavior": `{"batchSize": 7, "operations": {"add": true, "change": true, "remove": true}}`,
	}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *stand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("webhook-signature") != signature.Webhook(secret, r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body) {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	var request struct {
		Version, ID, Method string
		Params              json.RawMessage
	}
	if err := json.Unmarshal([]byte(strings.Replace(string(body), `"jsonrpc"`, `"version"`, 1)), &request); err != nil || request.Version != "2.0" || request.ID != r.Header.Get("webhook-id") {
		http.Error(w, "no JSON-RPC", http.StatusBadRequest)
		return
	}
	s.asked = append(s.asked, request.Method+" "+string(request.Params))
	if s.broken != nil && methods[connector.Added] == request.Method {
		s.broken(w)
		return
	}
	result, known := s.returns[request.Method]
	switch {
	case known:
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%q,"result":%s}`, request.ID, result)
	case slices.Contains([]string{"add", "change", "remove"}, request.Method):
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%q,"result":{"rejectedRows":%s}}`, request.ID, s.take(request.Method, request.Params))
	default:
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%q,"error":{"code":-32601,"message":"Method not found"}}`, request.ID)
	}
}

// take keeps rows and returns those that it refuses.
func (s *stand) take(method string, params json.RawMessage) string {
	v, err := value.ParseJSON(string(params))
	if err != nil {
		return `[{"reason":"no parameters"}]`
	}
	column, _ := v.Get("idColumn")
	rows, _ := v.Get("rows")
	refused := []map[string]string{}
	for _, row := range rows.List() {
		id, _ := row.Get(column.String())
		s.rows = slices.DeleteFunc(s.rows, func(r destinationtest.Record) bool { return r["id"].Equal(id) })
		if content, _ := row.Get("value"); content.String() == "refuse me" {
			refused = append(refused, map[string]string{"id": id.String(), "reason": "not wanted here"})
			continue
		}
		if method == "remove" {
			continue
		}
		rec := destinationtest.Record{}
		for _, f := range row.Fields() {
			rec[f.Name] = f.Value
		}
		s.rows = append(s.rows, rec)
	}
	text, _ := json.Marshal(refused) //nolint:errcheck // texts
	return string(text)
}

func (s *stand) read(*testing.T) []destinationtest.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rows)
}

func (s *stand) settings() connector.Settings {
	return connector.Settings{"url": s.URL, "signingSecret": secret, "headers": []any{map[string]any{"name": "X-Tenant", "value": "tenant-secret", "secret": true}}}
}

// TestConformance runs the suite.
//
// Req: SY-40, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	shared := newStand(t)
	wrong := shared.settings()
	wrong["signingSecret"] = "another-secret"
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	t.Cleanup(page.Close)
	destinationtest.Run(t, destinationtest.Fixture{
		Info: Info(httpx.AnyNetwork), Removes: true, Arrival: func(_ connector.TargetColumn, v value.Value) destinationtest.Arrival {
			if v.Kind() == value.Bytes || v.Kind() == value.Time || v.Kind() == value.Day {
				return destinationtest.Text(v)
			}
			return destinationtest.As(v)
		},
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			s := newStand(t)
			job := connector.SyncJob{Type: "rows", Mode: connector.ModeTrigger, Columns: columns, Settings: connector.Settings{"idempotent": true, "concurrency": 4}}
			job.Model.PrimaryKey = "id"
			for _, c := range columns {
				job.Model.Schema = append(job.Model.Schema, value.Column{Name: c.From, Type: c.Type, Nullable: true})
			}
			return destinationtest.Target{Settings: s.settings(), Job: job, Read: s.read}
		},
		Failing: []destinationtest.Failing{
			{Name: "no server", Settings: connector.Settings{"url": "http://127.0.0.1:1"}, Code: fault.CodeDestinationUnreachable, Says: "refused"},
			{Name: "wrong secret", Settings: wrong, Code: fault.CodeDestinationAuth, Says: "who are you?"},
			{Name: "a page", Settings: connector.Settings{"url": page.URL}, Code: fault.CodeDestinationAnswer, Says: "JSON-RPC"},
			{Name: "no URL", Settings: connector.Settings{"url": "connector"}, Code: fault.CodeInvalid, Says: "https://"},
		},
		Invalid: []destinationtest.Invalid{
			{Name: "options", Edit: func(j *connector.SyncJob) { j.Settings["options"] = "[1]" }, Paths: []string{"spec.settings.options"}},
			{Name: "reserved", Edit: func(j *connector.SyncJob) { j.Settings["options"] = `{"mode": 1}` }, Paths: []string{"spec.settings.options"}},
			{Name: "static", Edit: func(j *connector.SyncJob) { j.Columns = []connector.TargetColumn{{Name: "x"}} }, Paths: []string{"spec.mappings"}},
			{Name: "numbers", Edit: func(j *connector.SyncJob) { j.Settings["concurrency"] = 0 }, Paths: []string{"spec.settings.concurrency"}},
			{Name: "connection", Settings: connector.Settings{"url": "x", "caCertificate": "x", "headers": []any{map[string]any{"name": "Content-Type", "value": "x"}}}, Paths: []string{
				"spec.configuration.url", "spec.configuration.caCertificate", "spec.configuration.headers",
			}},
		},
		Refused: []destinationtest.Refused{{
			Name: "unwanted", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString},
			Value: value.OfText("refuse me"), Says: "not wanted here",
		}},
	})
}

func opened(t *testing.T, s *stand) *destination {
	t.Helper()
	info := Info(httpx.AnyNetwork)
	d, err := info.Open(connector.DestinationOptions{Settings: s.settings().WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	return d.(*destination)
}

func jobOf(settings connector.Settings) connector.SyncJob {
	return connector.SyncJob{
		Type: "rows", Mode: connector.ModeTrigger, Settings: settings,
		Columns: []connector.TargetColumn{{Name: "email", From: "user_email"}, {Name: "first_name", From: "user_fn"}, {Name: "ltv", From: "user_ltv"}},
		Model:   connector.ModelInfo{PrimaryKey: "user_email", Schema: value.Schema{{Name: "user_email"}, {Name: "user_fn"}, {Name: "user_ltv"}}},
	}
}

// full are the methods of a connector that has all of them.
func full() map[string]string {
	return map[string]string{
		"list_objects": `{"objects": [{"id": "user", "label": "User", "description": "A user."}, {"id": "organization"}]}`,
		"list_modes":   `{"modes": [{"id": "upsert", "label": "Upsert"}]}`,
		"list_fields":  `{"fields": [{"id": "email", "label": "Email Address", "type": "EMAIL", "identifier": true}, {"id": "first_name", "type": "STRING", "required": true}, {"id": "odd", "type": "ODD"}]}`,
		"list_options": `{"options": {"schema": {"type": "object", "required": ["channel"], "properties": {"channel": {"type": "number"}, "message": {"default": "Hi"}}}}}`,
		"validate":     `{"errors": []}`,
		"behavior":     `{"batchSize": 100, "operations": {"add": true, "change": false, "remove": false}, "skipInitialRun": true}`,
	}
}

// TestDiscovery lists objects, then modes of one, then fields of both; a connector without these methods lists nothing.
//
// Req: FLD-03
func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	d := opened(t, s)
	if got, err := d.ListOptions(t.Context(), "objects", connector.SyncJob{}); err != nil || len(got) != 0 {
		t.Errorf("without methods: %v %v", got, err)
	}
	s.returns = full()
	job := connector.SyncJob{Settings: connector.Settings{"object": "user", "mode": "upsert"}}
	objects, err := d.ListOptions(t.Context(), "objects", job)
	if err != nil || len(objects) != 2 || objects[0] != (connector.Option{Value: "user", Label: "User", Help: "A user."}) || objects[1].Label != "organization" {
		t.Errorf("objects: %v %v", objects, err)
	}
	modes, err := d.ListOptions(t.Context(), "modes", job)
	if err != nil || len(modes) != 1 || modes[0].Value != "upsert" {
		t.Errorf("modes: %v %v", modes, err)
	}
	fields, err := d.TargetFields(t.Context(), job)
	want := []connector.TargetField{
		{Name: "email", Label: "Email Address", Type: "string", Native: "EMAIL", Match: true}, {Name: "first_name", Label: "first_name", Type: "string", Native: "STRING", Required: true},
		{Name: "odd", Label: "odd", Type: "unknown", Native: "ODD"},
	}
	if err != nil || !reflect.DeepEqual(fields, want) {
		t.Errorf("fields: %+v %v", fields, err)
	}
	if !slices.Equal(s.asked, []string{"list_objects {}", "list_objects {}", `list_modes {"object":"user"}`, `list_fields {"object":"user","mode":"upsert"}`}) {
		t.Errorf("asked %q", s.asked)
	}
}

// TestConfiguration: the connector gets whole rows and the names of their columns, divided as its fields are, with its
// options among them.
//
// Req: SY-24
func TestConfiguration(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.returns = full()
	run, err := opened(t, s).Begin(t.Context(), jobOf(connector.Settings{"object": "user", "mode": "upsert", "options": `{"channel": 3}`}))
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close() //nolint:errcheck // nothing depends on it
	if l := run.Limits(); l.Rows != 100 || !l.SkipInitial || !slices.Equal(l.Operations, []connector.Operation{connector.Added}) || l.Concurrency != 1 || l.Idempotency != connector.NotIdempotent {
		t.Errorf("the limits are %+v", l)
	}
	b := &connector.Batch{ID: "plan-1", Operation: connector.Added, Rows: []connector.Row{{Key: "a@x", Source: []value.Value{value.OfText("a@x"), value.OfText("Alice"), value.OfInt(0)}}}}
	if _, err := run.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	const want = `add {"idColumn":"user_email","configuration":{"channel":3,"customMappings":[{"from":"user_ltv","to":"ltv"}],"identifierMapping":[{"from":"user_email","to":"email"}],` +
		`"mappings":[{"from":"user_fn","to":"first_name"}],"message":"Hi","mode":"upsert","object":"user"},"rows":[{"user_email":"a@x","user_fn":"Alice","user_ltv":0}]}`
	if got := s.asked[len(s.asked)-1]; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, h := range b.Exchanges[0].RequestHeaders {
		if h.Name == "X-Tenant" && h.Value != httpx.Hidden || h.Name == headerID && h.Value != "plan-1" {
			t.Errorf("the request log says %v", h)
		}
	}
	if _, err := run.Write(t.Context(), &connector.Batch{Operation: connector.Removed, Rows: b.Rows}); err == nil {
		t.Error("a removal was sent")
	}
}

// TestRefusedSettings: what the connector does not take ends the run before rows are sent.
func TestRefusedSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, returns string
		options         string
		says            string
	}{
		"validate":   {"validate", `{"errors": ["If first name is mapped, last name must also be mapped."]}`, `{"channel": 1}`, "last name must also be mapped"},
		"option":     {"validate", `{"errors": []}`, `{}`, `option "channel"`},
		"field":      {"list_fields", `{"fields": [{"id": "phone", "required": true}]}`, `{"channel": 1}`, `field "phone"`},
		"operations": {"behavior", `{"operations": {}}`, `{"channel": 1}`, "no operation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.returns = full()
			maps.Copy(s.returns, map[string]string{c.method: c.returns})
			_, err := opened(t, s).Begin(t.Context(), jobOf(connector.Settings{"options": c.options}))
			if err == nil || !strings.Contains(err.Error(), c.says) || fault.ClassOf(err) != fault.Fatal {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestReview: before a sync is saved, the connector says what is wrong with it, and where; that changes nothing, and rows
// are not spoken of. Whatever else it answers is no refusal.
//
// Req: FLD-03
func TestReview(t *testing.T) {
	t.Parallel()
	const options = `{"channel": 3, "nested": {"a": 1}}`
	for name, c := range map[string]struct {
		method, returns string
		options         string
		says            []string // path: message
	}{
		"taken":  {"validate", `{"errors": []}`, options, nil},
		"texts":  {"validate", `{"errors": ["no organization", ""]}`, options, []string{"spec.settings: no organization", "spec.settings: refused without a reason"}},
		"fields": {"validate", `{"errors": [{"field": "channel", "message": "archived"}, {"field": "nested.a", "message": "too small"}, {"field": "mode", "message": "gone"}, {"field": "ltv", "message": "no number"}, {"field": "what", "message": "odd"}]}`, options, []string{"spec.settings.options.channel: archived", "spec.settings.options.nested.a: too small", "spec.settings.mode: gone", "spec.mappings: no number", "spec.settings: odd"}},
		"descriptions": {"list_fields", `{"fields": [{"id": "phone", "required": true}]}`, `{}`, []string{
			`spec.settings.options.channel: the connector needs the option "channel"`, `spec.mappings: the connector needs the field "phone"`,
		}},
		"secrets": {"validate", `{"errors": ["tenant-secret is not one of ours"]}`, options, []string{"spec.settings: " + httpx.Hidden + " is not one of ours"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.returns = full()
			s.returns[c.method] = c.returns
			err := opened(t, s).Review(t.Context(), jobOf(connector.Settings{"object": "user", "mode": "upsert", "options": c.options}))
			issues, refused := errors.AsType[fault.Issues](err)
			var says []string
			for _, e := range issues {
				says = append(says, e.Path+": "+e.Message)
			}
			if refused != (c.says != nil) || !slices.Equal(says, c.says) {
				t.Errorf("%v, %q", err, says)
			}
			if i := slices.IndexFunc(s.asked, func(q string) bool {
				return !slices.Contains([]string{"list_options", "list_fields", "validate"}, strings.Fields(q)[0])
			}); i >= 0 {
				t.Errorf("asked %q", s.asked[i])
			}
		})
	}
}

// TestReviewUnasked: a connector that has no such method has nothing against a sync, and one that does not answer, or in
// a form that it should not have, has not refused it.
func TestReviewUnasked(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	if err := opened(t, s).Review(t.Context(), jobOf(connector.Settings{})); err != nil {
		t.Errorf("without methods: %v", err)
	}
	s.returns["validate"] = `{"errors": 3}`
	s2 := newStand(t)
	s2.Close()
	for name, s := range map[string]*stand{"another form": s, "gone": s2} {
		err := opened(t, s).Review(t.Context(), jobOf(connector.Settings{}))
		if _, refused := errors.AsType[fault.Issues](err); err == nil || refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnswers: what the connector says of a batch.
//
// Req: SY-74, SY-76
func TestAnswers(t *testing.T) {
	t.Parallel()
	says := func(status int, text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}
	}
	for name, c := range map[string]struct {
		answer  func(http.ResponseWriter)
		refused int
		class   fault.Class
		code    fault.Code
	}{
		"null":        {answer: says(200, `{"jsonrpc":"2.0","id":"x","result":null}`)},
		"empty":       {answer: says(200, `{"jsonrpc":"2.0","id":"x","result":{}}`)},
		"one":         {answer: says(200, `{"jsonrpc":"2.0","id":"x","result":{"rejectedRows":[{"id":2}]}}`), refused: 1},
		"another's":   {answer: says(200, `{"jsonrpc":"2.0","id":"x","result":{"rejectedRows":[{"id":9}]}}`), class: fault.Unknown, code: fault.CodeDestinationAnswer},
		"no form":     {answer: says(200, `{"jsonrpc":"2.0","id":"x","result":[]}`), class: fault.Unknown, code: fault.CodeDestinationAnswer},
		"no JSON-RPC": {answer: says(200, `ok`), class: fault.Unknown, code: fault.CodeDestinationAnswer},
		"error":       {answer: says(200, `{"jsonrpc":"2.0","id":"x","error":{"code":-32000,"message":"out of order"}}`), class: fault.Permanent, code: fault.CodeDestinationRejected},
		"error, 500":  {answer: says(500, `{"jsonrpc":"2.0","id":"x","error":{"code":-32603,"message":"out of order"}}`), class: fault.Permanent, code: fault.CodeDestinationRejected},
		"no method":   {answer: says(200, `{"jsonrpc":"2.0","id":"x","error":{"code":-32601,"message":"Method not found"}}`), class: fault.Fatal, code: fault.CodeDestinationRejected},
		"status":      {answer: says(503, `down`), class: fault.Retryable, code: fault.CodeDestinationRejected},
		"gateway":     {answer: says(502, `{"error":{"code":1,"message":"lost"}}`), class: fault.Unknown, code: fault.CodeDestinationUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.broken = c.answer
			run, err := opened(t, s).Begin(t.Context(), jobOf(connector.Settings{}))
			if err != nil {
				t.Fatal(err)
			}
			defer run.Close() //nolint:errcheck // nothing depends on it
			b := &connector.Batch{ID: "b", Operation: connector.Added, Rows: []connector.Row{{Key: "1"}, {Key: "2"}}}
			result, err := run.Write(t.Context(), b)
			if e := fault.As(err); c.code == "" && (e != nil || len(result.Rejected) != c.refused) || c.code != "" && (e == nil || e.Code != c.code || e.Class != c.class) {
				t.Errorf("%v %v", result.Rejected, err)
			}
			if len(b.Exchanges) != 1 {
				t.Errorf("%d exchanges", len(b.Exchanges))
			}
		})
	}
}
