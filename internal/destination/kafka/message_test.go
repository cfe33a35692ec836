package kafka

import (
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var schema = value.Schema{{Name: "id"}, {Name: "topic"}, {Name: "shard"}, {Name: "doc"}, {Name: "blob"}}

// row is one row of the schema.
func row(id string, values ...value.Value) connector.Row {
	source := append([]value.Value{value.OfText(id)}, values...)
	for len(source) < len(schema) {
		source = append(source, value.Value{})
	}
	return connector.Row{Key: id, Values: source[:1], Source: source}
}

func begin(t *testing.T, configuration, settings connector.Settings) connector.Session {
	t.Helper()
	return beginWithin(t, patience, configuration, settings)
}

// beginWithin begins a run that gives up soon.
func beginWithin(t *testing.T, patience time.Duration, configuration, settings connector.Settings) connector.Session {
	t.Helper()
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: configuration.WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	d.(*destination).patience = patience
	job := connector.SyncJob{
		Type: "message", Mode: connector.ModeTrigger, Settings: settings,
		Columns: []connector.TargetColumn{{Name: "customer_id", From: "id"}}, Model: connector.ModelInfo{Schema: schema},
	}
	s, err := d.Begin(t.Context(), job)
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

func write(t *testing.T, s connector.Session, op connector.Operation, rows ...connector.Row) connector.Result {
	t.Helper()
	b := &connector.Batch{ID: "b", Operation: op, Rows: rows}
	result, err := s.Write(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func enabled(more map[string]any) map[string]any {
	all := map[string]any{"enabled": true, "topic": "rows"}
	maps.Copy(all, more)
	return all
}

// TestMessage: a partition of the row's own comes before the key, what is no number leaves the choice to the key, keys
// choose as those of Kafka's own clients do, and headers hold texts and bytes.
//
// Req: SY-24, SY-27
func TestMessage(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(7, "rows"))
	s := begin(t, plainSettings(c), connector.Settings{"added": enabled(map[string]any{
		"partition": "{{ row.shard }}", "key": "{{ row.id }}",
		"headers": []any{
			map[string]any{"name": "kind", "value": "{{ context.operation }}"}, map[string]any{"name": "blob", "value": "{{ row.blob }}"},
		},
	})})
	none := value.Value{}
	result := write(t, s, connector.Added,
		row("21", none, value.OfInt(5)), row("foobar", none, value.OfText("6")), row("21", none, value.OfText("east")),
		row("foobar", none, none, none, value.OfBytes([]byte{0, 0xff})), row("abc", none, value.OfFloat(1.5)), row("late", none, value.OfInt(7)),
	)
	if len(result.Rejected) != 1 || result.Rejected[0].Row != 5 || !strings.Contains(result.Rejected[0].Reason, "no partition 7") {
		t.Errorf("refused %v", result.Rejected)
	}
	// The hashes are those of the tests of Kafka's own Utils.murmur2: 21, foobar and abc are -973932308, -790332482 and 479470107.
	hash := func(h int32) int32 { return (h & 0x7fffffff) % 7 }
	want := map[string]int{
		key("21", 5): 1, key("foobar", 6): 1, key("21", hash(-973932308)): 1, key("foobar", hash(-790332482)): 1, key("abc", hash(479470107)): 1,
	}
	for _, r := range consume(t, c, "rows") {
		want[key(string(r.Key), r.Partition)]--
		if string(r.Value) != `{"customer_id":"`+string(r.Key)+`"}` {
			t.Errorf("the message is %s", r.Value)
		}
		checkHeaders(t, r)
	}
	for k, n := range want {
		if n != 0 {
			t.Errorf("%s: %d too few", k, n)
		}
	}
}

func key(k string, partition int32) string { return k + "@" + strconv.Itoa(int(partition)) }

func checkHeaders(t *testing.T, r *kgo.Record) {
	t.Helper()
	if len(r.Headers) == 0 || r.Headers[0].Key != "kind" || string(r.Headers[0].Value) != "added" {
		t.Errorf("the headers are %v", r.Headers)
	}
	for _, h := range r.Headers[1:] {
		if h.Key != "blob" || string(h.Value) != "\x00\xff" {
			t.Errorf("the header is %s: %q", h.Key, h.Value)
		}
	}
}

// TestTurns: without a partition and a key, partitions take turns.
func TestTurns(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(3, "rows"))
	s := begin(t, plainSettings(c), connector.Settings{"added": enabled(nil)})
	write(t, s, connector.Added, row("1"), row("2"), row("3"), row("4"), row("5"), row("6"))
	got := map[int32]int{}
	for _, r := range consume(t, c, "rows") {
		got[r.Partition]++
		if r.Key != nil {
			t.Errorf("a key: %q", r.Key)
		}
	}
	if got[0] != 2 || got[1] != 2 || got[2] != 2 {
		t.Errorf("the partitions got %v", got)
	}
}

// TestTopics: each operation has a topic and a message of its own, a column names the topic of each row, and only the rows
// whose topic is not there are refused.
//
// Req: SY-24, SY-40
func TestTopics(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "a", "b", "gone"))
	s := begin(t, plainSettings(c), connector.Settings{
		"added":   map[string]any{"enabled": true, "topicFrom": "column", "topicColumn": "topic", "body": "column", "column": "doc"},
		"removed": map[string]any{"enabled": true, "topic": "gone", "body": "none", "key": "{{ row.id }}"},
		"changed": map[string]any{"enabled": true, "topic": "nowhere"},
	})
	none := value.Value{}
	result := write(t, s, connector.Added,
		row("1", value.OfText("a"), none, value.OfText(`{"n": 1}`)), row("2", value.OfText("nowhere"), none, value.OfText(`{}`)),
		row("3", none, none, value.OfText(`{}`)), row("4", value.OfText("b"), none, value.OfText(`no json`)), row("5", value.OfText("b"), none, value.OfJSON(`[5]`)),
	)
	reasons := map[int]string{1: "UNKNOWN_TOPIC_OR_PARTITION", 2: "the column topic", 3: "does not hold JSON"}
	for _, r := range result.Rejected {
		if want := reasons[r.Row]; want == "" || !strings.Contains(r.Reason, want) {
			t.Errorf("row %d was refused: %s", r.Row, r.Reason)
		}
		delete(reasons, r.Row)
	}
	if len(reasons) > 0 {
		t.Errorf("not refused: %v", reasons)
	}
	write(t, s, connector.Removed, row("1"))
	got := map[string]string{}
	for _, r := range consume(t, c, "a", "b", "gone") {
		got[r.Topic] += string(r.Key) + "=" + string(r.Value)
		if r.Topic == "gone" && r.Value != nil {
			t.Errorf("a removal has a value: %q", r.Value)
		}
	}
	if got["a"] != `={"n": 1}` || got["b"] != "=[5]" || got["gone"] != "1=" {
		t.Errorf("got %q", got)
	}
	_, err := s.Write(t.Context(), &connector.Batch{Operation: connector.Changed, Rows: []connector.Row{row("1")}})
	if !fault.Is(err, fault.CodeDestinationSchema) || fault.ClassOf(err) != fault.Fatal {
		t.Errorf("the one topic of all rows is not there: %v", err)
	}
}

// TestOutcome: only what the cluster says for good is a refusal.
//
// Req: SY-76
func TestOutcome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err     error
		refused bool
		unsure  bool
	}{
		{nil, false, false}, {kerr.MessageTooLarge, true, false}, {kerr.InvalidRecord, true, false}, {kerr.TopicAuthorizationFailed, true, false},
		{kerr.NotEnoughReplicasAfterAppend, false, true}, {kerr.RequestTimedOut, false, true}, {kerr.NotLeaderForPartition, false, true}, {kgo.ErrRecordTimeout, false, true}, {errors.New("cut"), false, true},
	} {
		o := outcome{offsets: make([]string, 1)}
		o.add(kgo.ProduceResult{Record: &kgo.Record{Topic: "rows"}, Err: c.err}, 0)
		if (len(o.refused) == 1) != c.refused || (o.unsure != nil) != c.unsure || o.offsets[0] == "" {
			t.Errorf("%v: %+v", c.err, o)
		}
	}
}

// TestFirstRun: the first run sends all rows unless the sync says that it only remembers them.
//
// Req: SY-40
func TestFirstRun(t *testing.T) {
	t.Parallel()
	for initial, skip := range map[string]bool{"backfill": false, "skip": true} {
		s := begin(t, connector.Settings{"brokers": "127.0.0.1:1", "auth": "none", "tls": false}, connector.Settings{"added": enabled(nil), "initial": initial})
		l := s.(connector.OperationLimiter).LimitsOf(connector.Added)
		if l.SkipInitial != skip || len(l.Operations) != 1 || l.Idempotency != connector.NotIdempotent || l.NeedSource {
			t.Errorf("%s: %+v", initial, l)
		}
	}
}

// TestAuthentication signs in in every way that the stand-in of a cluster knows, over TLS with a certificate authority of
// one's own.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	secured, ca := certificate(t)
	for auth, method := range map[string]string{authPlain: "PLAIN", authSCRAM256: "SCRAM-SHA-256", authSCRAM512: "SCRAM-SHA-512"} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.EnableSASL(), kfake.Superuser(method, "sender", "right-password"), kfake.TLS(secured), kfake.SeedTopics(1, "rows"))
			configuration := connector.Settings{"brokers": c.ListenAddrs()[0], "auth": auth, "username": "sender", "password": "right-password", "caCertificate": ca}
			s := begin(t, configuration, connector.Settings{"added": enabled(nil)})
			write(t, s, connector.Added, row("1"))
			if got := c.PartitionInfo("rows", 0).HighWatermark; got != 1 {
				t.Errorf("%d messages arrived", got)
			}
			configuration["password"] = "wrong-password"
			s = begin(t, configuration, connector.Settings{"added": enabled(nil)})
			_, err := s.Write(t.Context(), &connector.Batch{Operation: connector.Added, Rows: []connector.Row{row("1")}})
			if !fault.Is(err, fault.CodeDestinationAuth) || fault.ClassOf(err) != fault.Fatal {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
}

// TestIdentity: STACK's login module gets the identity and its keys in one message, and Amazon MSK a signature of the
// credential's keys.
func TestIdentity(t *testing.T) {
	t.Parallel()
	d := &destination{settings: settings{Auth: authIAM, Identity: "AIDA", AccessKeyID: "AKIA", SecretAccessKey: "hidden", SessionToken: "token"}}
	m, err := d.mechanism()
	if err != nil {
		t.Fatal(err)
	}
	session, first, err := m.Authenticate(t.Context(), "kafka:9092")
	if err != nil || m.Name() != "AWS" || string(first) != "AIDA\x00AKIA\x00hidden\x00token" {
		t.Errorf("%s %q %v", m.Name(), first, err)
	}
	if done, _, err := session.Challenge(nil); !done || err != nil {
		t.Errorf("the exchange goes on: %v", err)
	}
	d.settings = settings{Auth: authMSK, Region: "eu-central-1"}
	d.settings.Credential.Auth, d.settings.Credential.AccessKeyID, d.settings.Credential.SecretAccessKey = "keys", "AKIA", "hidden"
	if m, err = d.mechanism(); err != nil {
		t.Fatal(err)
	}
	_, first, err = m.Authenticate(t.Context(), "b-1.cluster.abc.kafka.eu-central-1.amazonaws.com:9098")
	if err != nil || m.Name() != "AWS_MSK_IAM" || !strings.Contains(string(first), "AKIA/") || strings.Contains(string(first), "hidden") || !strings.Contains(string(first), "/eu-central-1/kafka-cluster/aws4_request") {
		t.Errorf("%s %s %v", m.Name(), first, err)
	}
}

// TestLost: messages whose answer is lost may have arrived, those that were never sent have not, and those that the
// cluster refuses for good are refused one by one.
//
// Req: SY-76
func TestLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(kmsg.Request) (kmsg.Response, error)
		class  fault.Class
	}{
		"cut": {func(kmsg.Request) (kmsg.Response, error) { return nil, errors.New("cut") }, fault.Unknown},
		"appended": {func(r kmsg.Request) (kmsg.Response, error) {
			return produced(r, kerr.NotEnoughReplicasAfterAppend.Code), nil
		}, fault.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := cluster(t, kfake.SeedTopics(1, "rows"))
			fake.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
				fake.KeepControl()
				answer, err := c.answer(r)
				return answer, err, true
			})
			s := beginWithin(t, 2*time.Second, plainSettings(fake), connector.Settings{"added": enabled(nil)})
			b := &connector.Batch{Operation: connector.Added, Rows: []connector.Row{row("1")}}
			if _, err := s.Write(t.Context(), b); fault.ClassOf(err) != c.class {
				t.Errorf("%v: %v", fault.ClassOf(err), err)
			}
			if len(b.Exchanges) != 1 || b.Exchanges[0].Error == "" {
				t.Errorf("the request log says %+v", b.Exchanges)
			}
		})
	}
}

// produced answers a request with messages.
func produced(r kmsg.Request, code int16) kmsg.Response {
	request := r.(*kmsg.ProduceRequest)
	answer := request.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range request.Topics {
		t := kmsg.NewProduceResponseTopic()
		t.Topic, t.TopicID = topic.Topic, topic.TopicID
		for _, partition := range topic.Partitions {
			p := kmsg.NewProduceResponseTopicPartition()
			p.Partition, p.ErrorCode = partition.Partition, code
			t.Partitions = append(t.Partitions, p)
		}
		answer.Topics = append(answer.Topics, t)
	}
	return answer
}

// TestRefused: what the cluster refuses for good is refused by row.
//
// Req: SY-78
func TestRefused(t *testing.T) {
	t.Parallel()
	fake := cluster(t, kfake.SeedTopics(2, "rows"))
	fake.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		for _, topic := range r.(*kmsg.ProduceRequest).Topics {
			for _, p := range topic.Partitions {
				if p.Partition != 1 {
					return nil, nil, false
				}
			}
		}
		return produced(r, kerr.PolicyViolation.Code), nil, true
	})
	s := begin(t, plainSettings(fake), connector.Settings{"added": enabled(map[string]any{"partition": "{{ row.shard }}"})})
	none := value.Value{}
	result := write(t, s, connector.Added, row("1", none, value.OfInt(1)))
	if len(result.Rejected) != 1 || !strings.Contains(result.Rejected[0].Reason, "POLICY_VIOLATION") {
		t.Errorf("refused %v", result.Rejected)
	}
	if result = write(t, s, connector.Added, row("1", none, value.OfInt(0))); len(result.Rejected) != 0 {
		t.Errorf("refused %v", result.Rejected)
	}
}

// TestUnreachable: nothing has been sent where there is no cluster.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := begin(t, connector.Settings{"brokers": "127.0.0.1:1", "auth": "none", "tls": false}, connector.Settings{"added": enabled(nil)})
	_, err := s.Write(t.Context(), &connector.Batch{Operation: connector.Added, Rows: []connector.Row{row("1")}})
	if !fault.Is(err, fault.CodeDestinationUnreachable) || fault.ClassOf(err) != fault.Retryable {
		t.Errorf("%v: %v", fault.ClassOf(err), err)
	}
}

// TestLists lists topics, without those of Kafka's own, and columns.
func TestLists(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "b", "a"))
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: plainSettings(c).WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	lister := d.(connector.OptionLister)
	got, err := lister.ListOptions(t.Context(), "topics", connector.SyncJob{})
	if err != nil || len(got) != 2 || got[0].Value != "a" {
		t.Errorf("topics: %v %v", got, err)
	}
	got, err = lister.ListOptions(t.Context(), "columns", connector.SyncJob{Model: connector.ModelInfo{Schema: schema}})
	if err != nil || len(got) != len(schema) {
		t.Errorf("columns: %v %v", got, err)
	}
	if _, err := lister.ListOptions(t.Context(), "queues", connector.SyncJob{}); err == nil {
		t.Error("there is another list")
	}
}
