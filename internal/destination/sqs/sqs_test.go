package sqs

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/aws/awstest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// message is what a queue holds.
type message struct {
	ID         string `json:"Id"`
	Body       string `json:"MessageBody"`
	Delay      *int   `json:"DelaySeconds"`
	Dedupe     string `json:"MessageDeduplicationId"`
	Group      string `json:"MessageGroupId"`
	Attributes map[string]struct {
		Type  string `json:"DataType"`
		Text  string `json:"StringValue"`
		Bytes []byte `json:"BinaryValue"`
	} `json:"MessageAttributes"`
}

// account is a stand-in of SQS with the rules of its API: at most ten messages in a request, different IDs, groups and
// deduplication in FIFO queues. A message whose body holds "refuse me" is the sender's fault, "later" is its own.
type account struct {
	*httptest.Server

	mu       sync.Mutex
	queues   map[string][]message
	seen     map[string]bool
	requests []int // messages of each request
	status   int   // of every further request for messages, with nothing done
}

func newAccount(t *testing.T, queues ...string) *account {
	t.Helper()
	a := &account{queues: map[string][]message{}, seen: map[string]bool{}}
	for _, q := range queues {
		a.queues[q] = nil
	}
	a.Server = awstest.New(t, "sqs", a)
	return a
}

func (a *account) url(queue string) string { return "https://sqs.test/123456789012/" + queue }

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("Content-Type") != "application/x-amz-json-1.0" {
		awstest.Refuse(w, http.StatusBadRequest, "UnsupportedOperation", "no such request")
		return
	}
	switch r.Header.Get("X-Amz-Target") {
	case "AmazonSQS.ListQueues":
		a.list(w, r)
	case "AmazonSQS.SendMessageBatch":
		a.take(w, r)
	default:
		awstest.Refuse(w, http.StatusBadRequest, "UnsupportedOperation", "no such operation")
	}
}

// list pages by two.
func (a *account) list(w http.ResponseWriter, r *http.Request) {
	var request struct{ QueueNamePrefix, NextToken string }
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		awstest.Refuse(w, http.StatusBadRequest, "InvalidParameterValue", err.Error())
		return
	}
	var urls []string
	next := ""
	for _, name := range slices.Sorted(maps.Keys(a.queues)) {
		if !strings.HasPrefix(name, request.QueueNamePrefix) || name <= request.NextToken {
			continue
		}
		if len(urls) == 2 {
			next = nameOf(urls[1])
			break
		}
		urls = append(urls, a.url(name))
	}
	json.NewEncoder(w).Encode(map[string]any{"QueueUrls": urls, "NextToken": next}) //nolint:errcheck // the client sees
}

func (a *account) take(w http.ResponseWriter, r *http.Request) {
	var request struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []message
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		awstest.Refuse(w, http.StatusBadRequest, "InvalidParameterValue", err.Error())
		return
	}
	name := nameOf(request.QueueURL)
	if _, known := a.queues[name]; !known || request.QueueURL != a.url(name) {
		awstest.Refuse(w, http.StatusBadRequest, "QueueDoesNotExist", "The specified queue does not exist.")
		return
	}
	if a.status != 0 {
		awstest.Refuse(w, a.status, "InternalFailure", "out of order")
		return
	}
	a.requests = append(a.requests, len(request.Entries))
	ids, size := map[string]bool{}, 0
	for _, m := range request.Entries {
		ids[m.ID] = true
		size += len(m.Body)
	}
	if len(ids) != len(request.Entries) || len(ids) > 10 || size > 1<<20 {
		awstest.Refuse(w, http.StatusBadRequest, "BatchEntryIdsNotDistinct", "ids, number or size")
		return
	}
	a.answer(w, name, request.Entries)
}

func (a *account) answer(w http.ResponseWriter, queue string, entries []message) {
	var good, bad []map[string]any
	for _, m := range entries {
		problem, own := a.problem(queue, m)
		switch {
		case problem != "":
			bad = append(bad, map[string]any{"Id": m.ID, "SenderFault": !own, "Code": "InvalidParameterValue", "Message": problem})
			continue
		case strings.HasSuffix(queue, ".fifo") && m.Dedupe != "" && a.seen[queue+m.Dedupe]:
		default:
			a.queues[queue] = append(a.queues[queue], m)
			a.seen[queue+m.Dedupe] = true
		}
		if !strings.Contains(m.Body, "say nothing") {
			good = append(good, map[string]any{"Id": m.ID, "MessageId": "m-" + m.ID})
		}
	}
	json.NewEncoder(w).Encode(map[string]any{"Successful": good, "Failed": bad}) //nolint:errcheck // the client sees
}

func (a *account) problem(queue string, m message) (problem string, own bool) {
	switch isFIFO := strings.HasSuffix(queue, ".fifo"); {
	case strings.Contains(m.Body, "refuse me"):
		return "the message is not wanted here", false
	case strings.Contains(m.Body, "later"):
		return "try again", true
	case isFIFO && (m.Group == "" || m.Delay != nil), !isFIFO && m.Dedupe != "":
		return "not of this kind of queue", false
	default:
		return "", false
	}
}

func (a *account) records(t *testing.T, queue string) []destinationtest.Record {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []destinationtest.Record
	for _, m := range a.queues[queue] {
		v, err := value.ParseJSON(m.Body)
		if err != nil {
			t.Fatalf("%q: %v", m.Body, err)
		}
		rec := destinationtest.Record{}
		for _, f := range v.Fields() {
			rec[f.Name] = f.Value
		}
		all = append(all, rec)
	}
	return all
}

// TestConformance runs the suite with a standard queue and with a FIFO queue that knows messages again.
//
// Req: SY-24, SY-25, SY-40, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	for queue, settings := range map[string]map[string]any{
		"rows":      {},
		"rows.fifo": {"messageGroupId": "all", "messageDeduplicationId": "{{ row.id }}"},
	} {
		t.Run(queue, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, fixture(t, queue, settings))
		})
	}
}

func arrival(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch {
	case v.IsNull() && c.Omit:
		return destinationtest.Arrival{Absent: true}
	case v.Kind() == value.Text && len(v.Raw()) > 400_000:
		return destinationtest.Arrival{Skip: true} // a message has a megabyte
	case v.Kind() == value.Bytes || v.Kind() == value.Time || v.Kind() == value.Day:
		return destinationtest.Text(v)
	default:
		return destinationtest.As(v)
	}
}

func fixture(t *testing.T, queue string, added map[string]any) destinationtest.Fixture {
	t.Helper()
	shared := newAccount(t, queue)
	added["enabled"], added["queue"] = true, queue
	wrong := awstest.Settings(shared.Server)
	wrong["accessKeyId"] = "AKIAWRONG"
	return destinationtest.Fixture{
		Info: Info(), Arrival: arrival,
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			a := newAccount(t, queue)
			job := connector.SyncJob{SyncID: 7, RunID: 42, Type: "message", Mode: connector.ModeTrigger, Columns: columns, Settings: connector.Settings{"added": added}}
			for _, c := range columns {
				job.Model.Schema = append(job.Model.Schema, value.Column{Name: c.From, Type: c.Type, Nullable: true})
			}
			return destinationtest.Target{
				Settings: awstest.Settings(a.Server), Job: job,
				Read: func(t *testing.T) []destinationtest.Record { return a.records(t, queue) },
			}
		},
		Failing: []destinationtest.Failing{
			{Name: "no server", Settings: connector.Settings{"auth": "keys", "accessKeyId": "AKIA", "secretAccessKey": "secret", "region": "eu-central-1", "endpoint": "http://127.0.0.1:1"}, Code: fault.CodeDestinationUnreachable, Says: "refused"},
			{Name: "wrong key", Settings: wrong, Code: fault.CodeDestinationAuth, Says: "AKIAWRONG is not known"},
			{Name: "no key", Settings: connector.Settings{"region": "eu-central-1"}, Code: fault.CodeRequired, Says: "credential"},
		},
		Invalid: []destinationtest.Invalid{
			{Name: "no trigger", Edit: func(j *connector.SyncJob) { j.Settings = connector.Settings{} }, Paths: []string{"spec.settings.added"}},
			{Name: "FIFO", Edit: func(j *connector.SyncJob) {
				j.Settings = connector.Settings{"added": map[string]any{"enabled": true, "queue": "x.fifo"}, "changed": map[string]any{"enabled": true, "queue": "x.fifo", "messageGroupId": "g", "delaySeconds": "5"}}
			}, Paths: []string{"spec.settings.added.messageGroupId", "spec.settings.changed.delaySeconds"}},
			{Name: "standard", Edit: func(j *connector.SyncJob) {
				j.Settings = connector.Settings{"added": map[string]any{
					"enabled": true, "queue": "x", "messageDeduplicationId": "d", "delaySeconds": "901", "messageId": "nowhere",
					"messageAttributes": []any{map[string]any{"name": "AWS.trace", "value": "x"}},
				}}
			}, Paths: []string{"spec.settings.added.messageDeduplicationId", "spec.settings.added.delaySeconds", "spec.settings.added.messageId", "spec.settings.added.messageAttributes"}},
			{Name: "connection", Settings: connector.Settings{"auth": "keys", "region": "here", "endpoint": "sqs", "externalId": "e"}, Paths: []string{
				"spec.configuration.accessKeyId", "spec.configuration.region", "spec.configuration.endpoint", "spec.configuration.externalId",
			}},
		},
		Refused: []destinationtest.Refused{{
			Name: "unwanted", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString},
			Value: value.OfText("refuse me"), Says: "not wanted here",
		}},
	}
}

var schema = value.Schema{{Name: "id"}, {Name: "queue"}, {Name: "group"}, {Name: "delay"}, {Name: "blob"}}

func row(id string, values ...value.Value) connector.Row {
	source := append([]value.Value{value.OfText(id)}, values...)
	for len(source) < len(schema) {
		source = append(source, value.Value{})
	}
	return connector.Row{Key: id, Values: source[:1], Source: source}
}

func begin(t *testing.T, a *account, settings connector.Settings) connector.Session {
	t.Helper()
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: awstest.Settings(a.Server).WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Begin(t.Context(), connector.SyncJob{
		Type: "message", Mode: connector.ModeTrigger, Settings: settings, RunID: 3,
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

// TestProperties: a column names the queue, by name or URL; each queue gets requests of its own, of ten messages; what
// belongs to a kind of queue is sent to it alone.
//
// Req: SY-24, SY-27
func TestProperties(t *testing.T) {
	t.Parallel()
	a := newAccount(t, "plain", "ordered.fifo", "other", "plain-too")
	s := begin(t, a, connector.Settings{"changed": map[string]any{
		"enabled": true, "queueFrom": "column", "queueColumn": "queue", "messageId": "id", "messageGroupId": "{{ row.group }}", "messageDeduplicationId": "{{ row.id }}", "delaySeconds": "{{ row.delay }}",
		"messageAttributes": []any{map[string]any{"name": "kind", "value": "{{ context.operation }}"}, map[string]any{"name": "blob", "value": "{{ row.blob }}"}},
	}})
	none := value.Value{}
	rows := []connector.Row{
		row("a", value.OfText("plain"), none, value.OfText("900"), value.OfBytes([]byte{0, 255})),
		row("b", value.OfText("ordered.fifo"), value.OfInt(5), value.OfInt(9)),
		row("c", value.OfText(a.url("other"))),
		row("d", value.OfText("ordered.fifo")),
		row("e", value.OfText("nowhere")),
		row("f", value.OfText("plain"), none, value.OfInt(901)),
		row("g!", value.OfText("plain")),
	}
	for i := range 21 {
		rows = append(rows, row(fmt.Sprintf("p%d", i), value.OfText("plain")))
	}
	rows = append(rows, row("p0", value.OfText("plain")))
	result, err := s.Write(t.Context(), &connector.Batch{Operation: connector.Changed, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]string{3: "message group ID is empty", 4: `no queue "nowhere"`, 5: "0 to 900", 6: "message ID"}
	for _, r := range result.Rejected {
		if says := want[r.Row]; says == "" || !strings.Contains(r.Reason, says) {
			t.Errorf("row %d was refused: %s", r.Row, r.Reason)
		}
		delete(want, r.Row)
	}
	if len(want) > 0 {
		t.Errorf("not refused: %v", want)
	}
	if n := len(a.queues["plain"]); n != 23 || len(a.queues["other"]) != 1 || len(a.queues["ordered.fifo"]) != 1 || len(a.queues["plain-too"]) != 0 {
		t.Fatalf("the queues hold %d: %v", n, a.queues)
	}
	first, ordered := a.queues["plain"][0], a.queues["ordered.fifo"][0]
	if first.ID != "a" || *first.Delay != 900 || first.Attributes["kind"].Text != "changed" || string(first.Attributes["blob"].Bytes) != "\x00\xff" || first.Attributes["blob"].Type != "Binary" || first.Group != "" {
		t.Errorf("the first message is %+v", first)
	}
	if ordered.Group != "5" || ordered.Dedupe != "b" || ordered.Delay != nil || len(ordered.Attributes) != 1 {
		t.Errorf("the ordered message is %+v", ordered)
	}
}

// TestSize: a request has at most a megabyte, and a message that has more is refused alone.
//
// Req: SY-78
func TestSize(t *testing.T) {
	t.Parallel()
	a := newAccount(t, "q")
	s := begin(t, a, connector.Settings{"added": map[string]any{"enabled": true, "queue": "q"}})
	large := strings.Repeat("x", 600_000)
	b := &connector.Batch{Operation: connector.Added, Rows: []connector.Row{row(large), row(large), row("y"), row(large + large)}}
	result, err := s.Write(t.Context(), b)
	if err != nil || len(result.Rejected) != 1 || result.Rejected[0].Row != 3 {
		t.Errorf("%v %v", result.Rejected, err)
	}
	if !slices.Equal(a.requests, []int{1, 2}) || len(b.Exchanges) != 2 {
		t.Errorf("the requests had %v messages, %d are logged", a.requests, len(b.Exchanges))
	}
}

// TestIDs: messages with the same ID are sent in different requests.
func TestIDs(t *testing.T) {
	t.Parallel()
	a := newAccount(t, "q")
	s := begin(t, a, connector.Settings{"added": map[string]any{"enabled": true, "queue": "q", "messageId": "id"}})
	result, err := s.Write(t.Context(), &connector.Batch{Operation: connector.Added, Rows: []connector.Row{row("x"), row("x"), row("y")}})
	if err != nil || len(result.Rejected) != 0 || !slices.Equal(a.requests, []int{1, 2}) {
		t.Errorf("%v %v: the requests had %v messages", result.Rejected, err, a.requests)
	}
}

// TestAnswers: the answer of each message counts, one that is missing leaves the request in doubt, and what was not carried
// out at all is tried again.
//
// Req: SY-74, SY-76, SY-78
func TestAnswers(t *testing.T) {
	t.Parallel()
	a := newAccount(t, "q", "other")
	s := begin(t, a, connector.Settings{
		"added":   map[string]any{"enabled": true, "queue": "q"},
		"removed": map[string]any{"enabled": true, "queueFrom": "column", "queueColumn": "queue"},
		"changed": map[string]any{"enabled": true, "queue": "gone"},
	})
	write := func(op connector.Operation, rows ...connector.Row) (connector.Result, error) {
		return s.Write(t.Context(), &connector.Batch{Operation: op, Rows: rows})
	}
	result, err := write(connector.Added, row("1"), row("refuse me"), row("later"))
	if err != nil || len(result.Rejected) != 2 || result.Rejected[0].Retry || !result.Rejected[1].Retry {
		t.Errorf("%+v %v", result.Rejected, err)
	}
	if _, err = write(connector.Added, row("1"), row("say nothing")); fault.ClassOf(err) != fault.Unknown {
		t.Errorf("a missing answer: %v", err)
	}
	if _, err = write(connector.Changed, row("1")); fault.ClassOf(err) != fault.Fatal || !fault.Is(err, fault.CodeDestinationSchema) {
		t.Errorf("a queue that is not there: %v", err)
	}
	a.mu.Lock()
	a.status = http.StatusServiceUnavailable
	a.mu.Unlock()
	if _, err = write(connector.Added, row("1")); fault.ClassOf(err) != fault.Retryable {
		t.Errorf("out of order: %v", err)
	}
}

// TestPromises: only a FIFO queue whose messages have the same deduplication ID in every attempt knows them again.
//
// Req: SY-76
func TestPromises(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for _, c := range []struct {
		settings map[string]any
		want     connector.Idempotency
		at       int
	}{
		{map[string]any{"queue": "q"}, connector.NotIdempotent, standardConcurrency},
		{map[string]any{"queue": "q.fifo", "messageGroupId": "g"}, connector.NotIdempotent, 1},
		{map[string]any{"queue": "q.fifo", "messageGroupId": "g", "messageDeduplicationId": "{{ row.id }}"}, connector.Keyed, 1},
		{map[string]any{"queue": "q.fifo", "messageGroupId": "g", "messageDeduplicationId": "{{ row.id }}-{{ context.sync_run_id }}"}, connector.NotIdempotent, 1},
		{map[string]any{"queueFrom": "column", "queueColumn": "queue", "messageGroupId": "g", "messageDeduplicationId": "{{ row.id }}"}, connector.NotIdempotent, 1},
	} {
		c.settings["enabled"] = true
		s := begin(t, a, connector.Settings{"added": c.settings, "initial": "skip"})
		l := s.(connector.OperationLimiter).LimitsOf(connector.Added)
		if l.Idempotency != c.want || l.Concurrency != c.at || !l.SkipInitial {
			t.Errorf("%v: %+v", c.settings, l)
		}
	}
}

// TestLists lists all queues by their names.
func TestLists(t *testing.T) {
	t.Parallel()
	a := newAccount(t, "c", "a.fifo", "b")
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: awstest.Settings(a.Server).WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.(connector.OptionLister).ListOptions(t.Context(), "queues", connector.SyncJob{})
	if err != nil || len(got) != 3 || got[0].Label != "a.fifo" || got[2].Value != a.url("c") {
		t.Errorf("%v %v", got, err)
	}
}
