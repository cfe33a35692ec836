package lambda

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/aws/awstest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

const arn = "arn:aws:lambda:eu-central-1:123456789012:function:sync-contacts"

// service is a stand-in of Lambda with one function, which keeps the rows that it is called with, removes those of removals,
// and refuses the value "refuse me".
type service struct {
	*httptest.Server

	mu       sync.Mutex
	rows     []destinationtest.Record
	payloads []string
	paths    []string
	answer   func(w http.ResponseWriter) // instead of the function's
}

// tokens is a stand-in of the token service.
func tokens(t *testing.T) string {
	t.Helper()
	s := awstest.New(t, "sts", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/sender</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	}))
	return s.URL
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{}
	s.Server = awstest.New(t, "lambda", s)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths = append(s.paths, r.RequestURI)
	if !strings.HasPrefix(r.URL.Path, "/2015-03-31/functions/"+arn+"/invocations") || r.Header.Get("X-Amz-Invocation-Type") != "RequestResponse" {
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException:http://internal.amazon.com/")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"Message":"Function not found"}`)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		awstest.Refuse(w, http.StatusBadRequest, "InvalidRequestContentException", err.Error())
		return
	}
	s.payloads = append(s.payloads, string(body))
	if s.answer != nil {
		s.answer(w)
		return
	}
	s.run(w, body)
}

func (s *service) run(w http.ResponseWriter, body []byte) {
	v, err := value.ParseJSON(string(body))
	if err != nil {
		awstest.Refuse(w, http.StatusBadRequest, "InvalidRequestContentException", err.Error())
		return
	}
	operation, _ := v.Get("operation")
	column, _ := v.Get("primary_key_column")
	rows, _ := v.Get("rows")
	refused := []map[string]any{}
	for _, row := range rows.List() {
		id, _ := row.Get(column.String())
		if content, _ := row.Get("value"); content.String() == "refuse me" {
			refused = append(refused, map[string]any{"primary_key_value": id.String(), "reason": "not wanted here"})
			continue
		}
		s.keep(operation.String(), id, row)
	}
	json.NewEncoder(w).Encode(map[string]any{"errors": refused}) //nolint:errcheck // the client sees
}

func (s *service) keep(operation string, id, row value.Value) {
	if operation == "remove" {
		for i, r := range s.rows {
			if r["id"].Equal(id) {
				s.rows = append(s.rows[:i], s.rows[i+1:]...)
				return
			}
		}
		return
	}
	rec := destinationtest.Record{}
	for _, f := range row.Fields() {
		rec[f.Name] = f.Value
	}
	for i, r := range s.rows {
		if r["id"].Equal(id) {
			s.rows[i] = rec
			return
		}
	}
	s.rows = append(s.rows, rec)
}

func (s *service) read(*testing.T) []destinationtest.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]destinationtest.Record(nil), s.rows...)
}

func settingsOf(s *service, sts string) connector.Settings {
	settings := awstest.Settings(s.Server)
	settings["stsEndpoint"] = sts
	return settings
}

// TestConformance runs the suite with single rows and with batches of a function that may see rows twice.
//
// Req: SY-40, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	sts := tokens(t)
	for name, settings := range map[string]connector.Settings{
		"single": {}, "batch": {"batchSize": 10, "idempotent": true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared := newService(t)
			wrong := settingsOf(shared, sts)
			wrong["accessKeyId"] = "AKIAWRONG"
			lost := settingsOf(shared, "http://127.0.0.1:1")
			destinationtest.Run(t, destinationtest.Fixture{
				Info: Info(), Removes: true, Arrival: func(_ connector.TargetColumn, v value.Value) destinationtest.Arrival {
					if v.Kind() == value.Bytes || v.Kind() == value.Time || v.Kind() == value.Day {
						return destinationtest.Text(v)
					}
					return destinationtest.As(v)
				},
				Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
					s := newService(t)
					job := connector.SyncJob{SyncID: 7, RunID: 42, Type: "function", Mode: connector.ModeTrigger, Columns: columns, Settings: connector.Settings{"function": arn, "added": true, "removed": true}}
					maps.Copy(job.Settings, settings)
					job.Model.PrimaryKey = "id"
					for _, c := range columns {
						job.Model.Schema = append(job.Model.Schema, value.Column{Name: c.From, Type: c.Type, Nullable: true})
					}
					return destinationtest.Target{Settings: settingsOf(s, sts), Job: job, Read: s.read}
				},
				Failing: []destinationtest.Failing{
					{Name: "wrong key", Settings: wrong, Code: fault.CodeDestinationAuth, Says: "AWS"},
					{Name: "no server", Settings: lost, Code: fault.CodeDestinationUnreachable, Says: "refused"},
					{Name: "no key", Settings: connector.Settings{"auth": "keys"}, Code: fault.CodeInvalid, Says: "access key"},
				},
				Invalid: []destinationtest.Invalid{
					{Name: "nothing", Edit: func(j *connector.SyncJob) { j.Settings = connector.Settings{"function": arn} }, Paths: []string{"spec.settings.added"}},
					{Name: "function", Edit: func(j *connector.SyncJob) { j.Settings["function"] = "sync-contacts" }, Paths: []string{"spec.settings.function"}},
					{Name: "no function", Edit: func(j *connector.SyncJob) { delete(j.Settings, "function") }, Paths: []string{"spec.settings.function"}},
					{Name: "numbers", Edit: func(j *connector.SyncJob) {
						j.Settings["batchSize"], j.Settings["concurrency"], j.Settings["initial"] = 1001, 0, "later"
					}, Paths: []string{"spec.settings.batchSize", "spec.settings.concurrency", "spec.settings.initial"}},
					{Name: "connection", Settings: connector.Settings{"auth": "card", "endpoint": "lambda"}, Paths: []string{"spec.configuration.auth", "spec.configuration.endpoint"}},
				},
				Refused: []destinationtest.Refused{{
					Name: "unwanted", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString},
					Value: value.OfText("refuse me"), Says: "not wanted here",
				}},
			})
		})
	}
}

func begin(t *testing.T, s *service, settings connector.Settings) connector.Session {
	t.Helper()
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: awstest.Settings(s.Server).WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	run, err := d.Begin(t.Context(), connector.SyncJob{
		SyncID: 12, RunID: 345, Type: "function", Mode: connector.ModeTrigger, Settings: settings,
		Model: connector.ModelInfo{PrimaryKey: "customer_id", Schema: value.Schema{{Name: "customer_id"}, {Name: "first_name"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	return run
}

func batch(op connector.Operation, names ...string) *connector.Batch {
	b := &connector.Batch{Operation: op}
	for i, name := range names {
		b.Rows = append(b.Rows, connector.Row{Key: strconv.Itoa(i + 1), Source: []value.Value{value.OfInt(int64(i + 1)), value.OfText(name)}})
	}
	return b
}

// TestPayload: the function gets the operation, the key's column, whole rows and the run, in the version of its ARN.
//
// Req: SY-40
func TestPayload(t *testing.T) {
	t.Parallel()
	s := newService(t)
	run := begin(t, s, connector.Settings{"function": arn + ":42", "changed": true, "batchSize": 2})
	if _, err := run.Write(t.Context(), batch(connector.Changed, "Alice", `B"b`)); err != nil {
		t.Fatal(err)
	}
	want := `{"operation":"change","primary_key_column":"customer_id","rows":[{"customer_id":1,"first_name":"Alice"},{"customer_id":2,"first_name":"B\"b"}],"metadata":{"api_version":1,"sync_id":12,"sync_run_id":345}}`
	if s.payloads[0] != want {
		t.Errorf("the payload is %s", s.payloads[0])
	}
	if !strings.HasSuffix(s.paths[0], "/functions/arn%3Aaws%3Alambda%3Aeu-central-1%3A123456789012%3Afunction%3Async-contacts/invocations?Qualifier=42") {
		t.Errorf("the address is %s", s.paths[0])
	}
	if _, err := run.Write(t.Context(), batch(connector.Added, "Alice")); err == nil {
		t.Error("an addition was sent")
	}
}

// TestAnswers: what the function, and Lambda itself, say of rows.
//
// Req: SY-74, SY-76
func TestAnswers(t *testing.T) {
	t.Parallel()
	status := func(status int, name string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("X-Amzn-Errortype", name)
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"Message":"so it is"}`)
		}
	}
	says := func(text string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { fmt.Fprint(w, text) }
	}
	failed := func(w http.ResponseWriter) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		fmt.Fprint(w, `{"errorMessage":"division by zero","errorType":"ZeroDivisionError"}`)
	}
	for name, c := range map[string]struct {
		answer  func(w http.ResponseWriter)
		retry   string
		refused int
		again   bool
		class   fault.Class
		code    fault.Code
	}{
		"nothing":        {answer: says(""), retry: "now"},
		"null":           {answer: says("null"), retry: "now"},
		"empty":          {answer: says("{}"), retry: "now"},
		"no errors":      {answer: says(`{"errors": null}`), retry: "now"},
		"one":            {answer: says(`{"errors": [{"primary_key_value": 2}]}`), retry: "now", refused: 1, again: true},
		"one, next run":  {answer: says(`{"errors": [{"primary_key_value": "2", "reason": "no"}]}`), retry: "next_run", refused: 1},
		"another's":      {answer: says(`{"errors": [{"primary_key_value": 9}]}`), retry: "now", class: fault.Unknown, code: fault.CodeDestinationAnswer},
		"nobody's":       {answer: says(`{"errors": [{"reason": "x"}]}`), retry: "now", class: fault.Unknown, code: fault.CodeDestinationAnswer},
		"no list":        {answer: says(`{"errors": "x"}`), retry: "now", class: fault.Unknown, code: fault.CodeDestinationAnswer},
		"failed":         {answer: failed, retry: "now", refused: 2, again: true},
		"failed, later":  {answer: failed, retry: "next_run", refused: 2},
		"throttled":      {answer: status(http.StatusTooManyRequests, "TooManyRequestsException"), retry: "now", class: fault.Throttled, code: fault.CodeDestinationThrottled},
		"throttled next": {answer: status(http.StatusTooManyRequests, "TooManyRequestsException"), retry: "next_run", class: fault.Retryable, code: fault.CodeDestinationThrottled},
		"not started":    {answer: status(http.StatusBadGateway, "ENILimitReachedException"), retry: "now", class: fault.Retryable, code: fault.CodeDestinationUnknown},
		"gateway":        {answer: status(http.StatusBadGateway, ""), retry: "now", class: fault.Unknown, code: fault.CodeDestinationUnknown},
		"service":        {answer: status(http.StatusInternalServerError, "ServiceException"), retry: "now", class: fault.Retryable, code: fault.CodeDestinationRejected},
		"denied":         {answer: status(http.StatusForbidden, "AccessDeniedException"), retry: "now", class: fault.Fatal, code: fault.CodeDestinationDenied},
		"content":        {answer: status(http.StatusBadRequest, "InvalidRequestContentException"), retry: "now", class: fault.Permanent, code: fault.CodeDestinationRejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.answer = c.answer
			b := batch(connector.Added, "Alice", "Bob")
			result, err := begin(t, s, connector.Settings{"function": arn, "added": true, "batchSize": 2, "retry": c.retry}).Write(t.Context(), b)
			if c.code != "" {
				if e := fault.As(err); e == nil || e.Code != c.code || e.Class != c.class {
					t.Errorf("%v", err)
				}
			} else if err != nil || len(result.Rejected) != c.refused {
				t.Errorf("%v %v", result.Rejected, err)
			}
			for _, r := range result.Rejected {
				if r.Retry != c.again || r.Reason == "" || c.refused == 2 && r.Reason != "the function failed (Unhandled): ZeroDivisionError: division by zero" {
					t.Errorf("%+v", r)
				}
			}
			if len(b.Exchanges) != 1 {
				t.Errorf("%d exchanges", len(b.Exchanges))
			}
		})
	}
}

// TestTooLarge: a payload that no function takes is refused before it is sent.
//
// Req: SY-78
func TestTooLarge(t *testing.T) {
	t.Parallel()
	s := newService(t)
	run := begin(t, s, connector.Settings{"function": arn, "added": true, "batchSize": 2})
	b := batch(connector.Added, strings.Repeat("x", maxPayload/2), strings.Repeat("y", maxPayload/2))
	if _, err := run.Write(t.Context(), b); fault.ClassOf(err) != fault.Permanent || len(b.Exchanges) != 0 || len(s.payloads) != 0 {
		t.Errorf("%v after %d calls", err, len(s.payloads))
	}
}

// TestLimits: one row in a call unless the sync says more, and the rate, the concurrency and the retries that it says.
//
// Req: SY-75, SY-76
func TestLimits(t *testing.T) {
	t.Parallel()
	s := newService(t)
	l := begin(t, s, connector.Settings{"function": arn, "added": true, "removed": true}).Limits()
	if l.Rows != 1 || l.Split || len(l.Rates) != 0 || l.Concurrency != 10 || l.Retry.Attempts != 4 || l.Idempotency != connector.NotIdempotent || !l.NeedSource || l.SkipInitial || len(l.Operations) != 2 {
		t.Errorf("by default: %+v", l)
	}
	l = begin(t, s, connector.Settings{
		"function": arn, "changed": true, "batchSize": 1000, "rateLimit": 100, "rateWindow": "minute", "concurrency": 3, "retry": "next_run", "idempotent": true, "initial": "skip",
	}).Limits()
	if l.Rows != 1000 || !l.Split || len(l.Rates) != 1 || l.Rates[0] != (connector.Rate{Requests: 98, Window: time.Minute}) || l.Concurrency != 3 || l.Retry.Attempts != 1 || l.Idempotency != connector.Idempotent || !l.SkipInitial {
		t.Errorf("as it was said: %+v", l)
	}
}
