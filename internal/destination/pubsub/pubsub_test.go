package pubsub

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

const project = "acme-prod"

func server(t *testing.T, topics []string, options ...pstest.ServerReactorOption) *pstest.Server {
	t.Helper()
	s := pstest.NewServer(options...)
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // nothing depends on it
	for _, name := range topics {
		if _, err := s.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: full(name)}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func full(topic string) string { return "projects/" + project + "/topics/" + topic }

func settingsOf(s *pstest.Server) connector.Settings {
	return connector.Settings{"projectId": project, "endpoint": "http://" + s.Addr}
}

// picky refuses requests with a message that holds a word, as a topic's schema does.
type picky struct{ word string }

// React refuses a request.
func (p picky) React(r any) (handled bool, ret any, err error) {
	for _, m := range r.(*pubsubpb.PublishRequest).GetMessages() {
		if strings.Contains(string(m.GetData()), p.word) {
			return true, &pubsubpb.PublishResponse{}, status.Error(codes.InvalidArgument, "the message does not match the schema")
		}
	}
	return false, nil, nil
}

func refusing(word string) pstest.ServerReactorOption {
	return pstest.ServerReactorOption{FuncName: "Publish", Reactor: picky{word}}
}

func recordsOf(t *testing.T, s *pstest.Server) []destinationtest.Record {
	t.Helper()
	var all []destinationtest.Record
	for _, m := range s.Messages() {
		v, err := value.ParseJSON(string(m.Data))
		if err != nil {
			t.Fatalf("%q: %v", m.Data, err)
		}
		rec := destinationtest.Record{}
		for _, f := range v.Fields() {
			rec[f.Name] = f.Value
		}
		all = append(all, rec)
	}
	return all
}

// TestConformance runs the suite.
//
// Req: SY-24, SY-25, SY-40, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	added := map[string]any{"enabled": true, "topic": "rows"}
	destinationtest.Run(t, destinationtest.Fixture{
		Info: Info(), Arrival: func(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
			switch {
			case v.IsNull() && c.Omit:
				return destinationtest.Arrival{Absent: true}
			case v.Kind() == value.Bytes || v.Kind() == value.Time || v.Kind() == value.Day:
				return destinationtest.Text(v)
			default:
				return destinationtest.As(v)
			}
		},
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			s := server(t, []string{"rows"}, refusing("refuse me"))
			job := connector.SyncJob{Type: "message", Mode: connector.ModeTrigger, Columns: columns, Settings: connector.Settings{"added": added}}
			for _, c := range columns {
				job.Model.Schema = append(job.Model.Schema, value.Column{Name: c.From, Type: c.Type, Nullable: true})
			}
			return destinationtest.Target{
				Settings: settingsOf(s), Job: job, Read: func(t *testing.T) []destinationtest.Record { return recordsOf(t, s) },
			}
		},
		Failing: []destinationtest.Failing{
			{Name: "no server", Settings: connector.Settings{"projectId": project, "endpoint": "http://127.0.0.1:1"}, Code: fault.CodeDestinationUnreachable, Says: "refused"},
			{Name: "no credential", Settings: connector.Settings{"projectId": project}, Code: fault.CodeRequired, Says: "credential"},
			{Name: "no key", Settings: connector.Settings{"projectId": project, "credential": map[string]any{"auth": "key", "serviceAccountKey": "{}"}}, Code: fault.CodeInvalid, Says: "service account"},
		},
		Invalid: []destinationtest.Invalid{
			{Name: "no trigger", Edit: func(j *connector.SyncJob) { j.Settings = connector.Settings{} }, Paths: []string{"spec.settings.added"}},
			{Name: "settings", Edit: func(j *connector.SyncJob) {
				j.Settings = connector.Settings{"changed": map[string]any{
					"enabled": true, "topicFrom": "column", "topicColumn": "nowhere", "body": "json", "json": "{{", "orderingKey": "{{",
					"attributes": []any{map[string]any{"name": "google", "value": "x"}},
				}}
			}, Paths: []string{"spec.settings.changed.topicColumn", "spec.settings.changed.json", "spec.settings.changed.orderingKey", "spec.settings.changed.attributes"}},
			{Name: "connection", Settings: connector.Settings{"projectId": "Acme", "endpoint": "ftp://x"}, Paths: []string{"spec.configuration.projectId", "spec.configuration.endpoint"}},
		},
		Refused: []destinationtest.Refused{{
			Name: "schema", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString},
			Value: value.OfText("refuse me"), Says: "does not match the schema",
		}},
	})
}

var schema = value.Schema{{Name: "id"}, {Name: "topic"}, {Name: "order"}, {Name: "doc"}, {Name: "blob"}}

func row(id string, values ...value.Value) connector.Row {
	source := append([]value.Value{value.OfText(id)}, values...)
	for len(source) < len(schema) {
		source = append(source, value.Value{})
	}
	return connector.Row{Key: id, Values: source[:1], Source: source}
}

func begin(t *testing.T, configuration, settings connector.Settings) connector.Session {
	t.Helper()
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: configuration.WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Begin(t.Context(), connector.SyncJob{
		Type: "message", Mode: connector.ModeTrigger, Settings: settings,
		Columns: []connector.TargetColumn{{Name: "id", From: "id"}}, Model: connector.ModelInfo{Schema: schema},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestProperties: each operation has a topic and a message of its own, a column names the topic of each row, the ordering
// key is a text or none, and attributes are texts.
//
// Req: SY-24, SY-27, SY-40
func TestProperties(t *testing.T) {
	t.Parallel()
	fake := server(t, []string{"a", "b", "gone"})
	s := begin(t, settingsOf(fake), connector.Settings{
		"added": map[string]any{
			"enabled": true, "topicFrom": "column", "topicColumn": "topic", "body": "column", "column": "doc", "orderingKey": "{{ row.order }}",
			"attributes": []any{map[string]any{"name": "kind", "value": "{{ context.operation }}"}, map[string]any{"name": "blob", "value": "{{ row.blob }}"}},
		},
		"removed": map[string]any{"enabled": true, "topic": "gone", "body": "json", "json": `{"gone": "{{ row.id }}",}`},
		"initial": "skip",
	})
	if l := s.(connector.OperationLimiter).LimitsOf(connector.Added); l.Concurrency != 1 || !l.SkipInitial || l.Idempotency != connector.NotIdempotent {
		t.Errorf("the limits are %+v", l)
	}
	none, doc := value.Value{}, value.OfText(`{"n":1}`)
	result, err := s.Write(t.Context(), &connector.Batch{Operation: connector.Added, Rows: []connector.Row{
		row("1", value.OfText("a"), value.OfInt(7), doc, value.OfBytes([]byte{0xff})), row("2", value.OfText(full("b")), none, doc), row("3", value.OfText("nowhere"), none, doc),
		row("4", value.OfText("a"), value.OfText("x"), value.OfText("no json")), row("5", value.OfText("b"), value.OfText(strings.Repeat("k", 1025)), doc),
		row("6", none, none, doc), row("7", value.OfText("b"), value.OfBool(true), doc), row("8", value.OfText("b"), none, doc, value.OfText(strings.Repeat("v", 1025))),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]string{2: "NotFound", 3: "does not hold JSON", 4: "ordering key", 5: "column topic", 7: "attribute blob"}
	for _, r := range result.Rejected {
		if says := want[r.Row]; says == "" || !strings.Contains(r.Reason, says) {
			t.Errorf("row %d was refused: %s", r.Row, r.Reason)
		}
		delete(want, r.Row)
	}
	if len(want) > 0 {
		t.Errorf("not refused: %v", want)
	}
	if _, err := s.Write(t.Context(), &connector.Batch{Operation: connector.Removed, Rows: []connector.Row{row("1")}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range fake.Messages() {
		got = append(got, fmt.Sprintf("%s %s %s %q", m.Topic, m.OrderingKey, m.Data, m.Attributes))
	}
	all := strings.Join(got, "\n")
	for _, m := range []string{
		full("a") + ` 7 {"n":1} map["blob":"/w==" "kind":"added"]`, full("b") + `  {"n":1} map["kind":"added"]`, full("b") + ` true {"n":1} map["kind":"added"]`, full("gone") + `  {"gone":"1"} map[]`,
	} {
		if !strings.Contains(all, m) {
			t.Errorf("%s is not among\n%s", m, all)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d messages arrived", len(got))
	}
}

// TestSize: a request has at most ten megabytes, and a message that has more is refused alone.
//
// Req: SY-78
func TestSize(t *testing.T) {
	t.Parallel()
	fake := server(t, []string{"rows"})
	s := begin(t, settingsOf(fake), connector.Settings{"added": map[string]any{"enabled": true, "topic": "rows"}})
	b := &connector.Batch{Operation: connector.Added, Rows: []connector.Row{row("y"), row(strings.Repeat("x", maxBytes))}}
	result, err := s.Write(t.Context(), b)
	if err != nil || len(result.Rejected) != 1 || result.Rejected[0].Row != 1 || len(fake.Messages()) != 1 {
		t.Errorf("%d refused, %v", len(result.Rejected), err)
	}
	large := make([]byte, 6_000_000)
	got := parts([]*message{
		{&pubsubpb.PubsubMessage{Data: large}, "a"}, {&pubsubpb.PubsubMessage{Data: large}, "a"}, nil, {&pubsubpb.PubsubMessage{Data: large}, "b"}, {&pubsubpb.PubsubMessage{}, "a"},
	})
	if fmt.Sprint(got) != "[[0] [1 4] [3]]" {
		t.Errorf("the requests have %v", got)
	}
	got = parts(slices.Repeat([]*message{{&pubsubpb.PubsubMessage{}, "a"}}, maxMessages+1))
	if len(got) != 2 || len(got[0]) != maxMessages {
		t.Errorf("%d requests", len(got))
	}
}

// TestErrors: what the service clearly says no to was not taken, and everything else leaves it open.
//
// Req: SY-76
func TestErrors(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]struct {
		code  fault.Code
		class fault.Class
	}{
		codes.Unavailable:       {fault.CodeDestinationUnreachable, fault.Unknown},
		codes.Internal:          {fault.CodeDestinationUnreachable, fault.Unknown},
		codes.DeadlineExceeded:  {fault.CodeDestinationTimeout, fault.Unknown},
		codes.ResourceExhausted: {fault.CodeDestinationThrottled, fault.Throttled},
		codes.Unauthenticated:   {fault.CodeDestinationAuth, fault.Fatal},
		codes.PermissionDenied:  {fault.CodeDestinationDenied, fault.Fatal},
		codes.NotFound:          {fault.CodeDestinationSchema, fault.Fatal},
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			fake := server(t, []string{"rows"}, pstest.WithErrorInjection("Publish", code, "so it is"))
			s := begin(t, settingsOf(fake), connector.Settings{"added": map[string]any{"enabled": true, "topic": "rows"}})
			b := &connector.Batch{Operation: connector.Added, Rows: []connector.Row{row("1")}}
			_, err := s.Write(t.Context(), b)
			if e := fault.As(err); e == nil || e.Code != want.code || e.Class != want.class || !strings.Contains(e.Error(), "so it is") {
				t.Errorf("%v", err)
			}
			if len(b.Exchanges) != 1 || b.Exchanges[0].Error == "" {
				t.Errorf("the request log says %+v", b.Exchanges)
			}
		})
	}
	s := begin(t, connector.Settings{"projectId": project, "endpoint": "http://127.0.0.1:1"}, connector.Settings{"added": map[string]any{"enabled": true, "topic": "rows"}})
	_, err := s.Write(t.Context(), &connector.Batch{Operation: connector.Added, Rows: []connector.Row{row("1")}})
	if fault.ClassOf(err) != fault.Retryable {
		t.Errorf("nothing was sent: %v", err)
	}
}

// TestToken: a key that Google no longer knows ends the run, an answer that did not come does not, and no token is got for an
// address without TLS.
func TestToken(t *testing.T) {
	t.Parallel()
	status := http.StatusBadRequest
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
	}))
	defer issuer.Close()
	d := &destination{settings: settings{ProjectID: project, Endpoint: "127.0.0.1:1"}}
	d.settings.Credential.Auth, d.settings.Credential.ServiceAccountKey = "key", key(t, issuer.URL)
	err := d.Test(context.Background())
	if !fault.Is(err, fault.CodeDestinationAuth) || fault.ClassOf(err) != fault.Fatal {
		t.Errorf("%v: %v", fault.ClassOf(err), err)
	}
	status = http.StatusServiceUnavailable
	if err = d.Test(context.Background()); fault.ClassOf(err) != fault.Retryable {
		t.Errorf("%v: %v", fault.ClassOf(err), err)
	}
	d.settings.Endpoint = "http://127.0.0.1:1"
	if err = d.Test(context.Background()); !fault.Is(err, fault.CodeDestinationUnreachable) {
		t.Error(err)
	}
}

func key(t *testing.T, issuer string) string {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "sender@acme-prod.iam.gserviceaccount.com", "token_uri": issuer,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLists lists the names of topics.
func TestLists(t *testing.T) {
	t.Parallel()
	fake := server(t, []string{"a", "b"})
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: settingsOf(fake).WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.(connector.OptionLister).ListOptions(t.Context(), "topics", connector.SyncJob{})
	if err != nil || len(got) != 2 || got[0].Value != "a" {
		t.Errorf("%v %v", got, err)
	}
}
