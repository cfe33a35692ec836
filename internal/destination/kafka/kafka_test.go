package kafka

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// certificate is one that a broker on this machine can show, with the PEM that it is checked with.
func certificate(t *testing.T) (server *tls.Config, ca string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	block := &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: s.TLS.Certificates}, string(pem.EncodeToMemory(block))
}

func cluster(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"message.max.bytes": "30000000"})}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func plainSettings(c *kfake.Cluster) connector.Settings {
	return connector.Settings{"brokers": strings.Join(c.ListenAddrs(), ","), "auth": "none", "tls": false, "batchBytes": 20_000_000}
}

// consume reads everything that is in a cluster's topics.
func consume(t *testing.T, c *kfake.Cluster, topics ...string) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond), kgo.FetchMinBytes(0))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	want := int64(0)
	for _, name := range topics {
		for p := int32(0); c.PartitionInfo(name, p) != nil; p++ {
			want += c.PartitionInfo(name, p).HighWatermark
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all []*kgo.Record
	for int64(len(all)) < want {
		fetched := client.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		all = append(all, fetched.Records()...)
	}
	return all
}

// records are the bodies of messages.
func records(t *testing.T, c *kfake.Cluster, topic string) []destinationtest.Record {
	t.Helper()
	var all []destinationtest.Record
	for _, r := range consume(t, c, topic) {
		v, err := value.ParseJSON(string(r.Value))
		if err != nil {
			t.Fatalf("%q: %v", r.Value, err)
		}
		rec := destinationtest.Record{}
		for _, f := range v.Fields() {
			rec[f.Name] = f.Value
		}
		all = append(all, rec)
	}
	return all
}

// TestConformance runs the suite once for each way to write a message.
//
// Req: SY-24, SY-25, SY-40, SY-74, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]any
		omitted  destinationtest.Arrival
	}{
		"mapped":   {map[string]any{"body": "mapped"}, destinationtest.Arrival{Absent: true}},
		"template": {map[string]any{"body": "json", "json": `{"id": "{{ row.id }}", "value": {{ row.value | json }}}`}, destinationtest.As(value.Value{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, fixture(t, c.settings, func(col connector.TargetColumn, v value.Value) destinationtest.Arrival {
				switch {
				case v.IsNull() && col.Omit:
					return c.omitted
				case v.Kind() == value.Bytes || v.Kind() == value.Time || v.Kind() == value.Day:
					return destinationtest.Text(v)
				default:
					return destinationtest.As(v)
				}
			}))
		})
	}
}

func jobOf(columns []connector.TargetColumn, settings connector.Settings) connector.SyncJob {
	job := connector.SyncJob{SyncID: 7, RunID: 42, Type: "message", Mode: connector.ModeTrigger, Columns: columns, Settings: settings}
	for _, c := range columns {
		job.Model.Schema = append(job.Model.Schema, value.Column{Name: c.From, Type: c.Type, Nullable: true})
	}
	return job
}

func fixture(t *testing.T, added map[string]any, arrival func(connector.TargetColumn, value.Value) destinationtest.Arrival) destinationtest.Fixture {
	t.Helper()
	secured, ca := certificate(t)
	guarded := cluster(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "sender", "right-password"), kfake.TLS(secured))
	added["enabled"], added["topic"] = true, "rows"
	added["partition"] = "{% if row.value == 'refuse me' %}99{% endif %}"
	return destinationtest.Fixture{
		Info: Info(), Arrival: arrival,
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			c := cluster(t, kfake.SeedTopics(3, "rows"))
			return destinationtest.Target{
				Settings: plainSettings(c), Job: jobOf(columns, connector.Settings{"added": added}),
				Read: func(t *testing.T) []destinationtest.Record { return records(t, c, "rows") },
			}
		},
		Failing: []destinationtest.Failing{
			{Name: "no server", Settings: connector.Settings{"brokers": "127.0.0.1:1", "auth": "none", "tls": false}, Code: fault.CodeDestinationUnreachable, Says: "refused"},
			{Name: "wrong password", Settings: connector.Settings{
				"brokers": guarded.ListenAddrs()[0], "auth": authPlain, "username": "sender", "password": "wrong-password", "caCertificate": ca,
			}, Code: fault.CodeDestinationAuth, Says: "kafka://"},
			{Name: "wrong mechanism", Settings: connector.Settings{
				"brokers": guarded.ListenAddrs()[0], "auth": authIAM, "authorizationIdentity": "AIDA", "accessKeyId": "AKIA", "secretAccessKey": "secret-key", "caCertificate": ca,
			}, Code: fault.CodeDestinationAuth, Says: "UNSUPPORTED_SASL_MECHANISM"},
			{Name: "unknown authority", Settings: connector.Settings{
				"brokers": guarded.ListenAddrs()[0], "auth": authPlain, "username": "sender", "password": "right-password",
			}, Code: fault.CodeDestinationUnreachable, Says: "certificate"},
			{Name: "no port", Settings: connector.Settings{"brokers": "kafka.example.com", "auth": "none"}, Code: fault.CodeInvalid, Says: "host:port"},
			{Name: "bad certificate", Settings: connector.Settings{"brokers": "127.0.0.1:1", "auth": "none", "caCertificate": "x"}, Code: fault.CodeInvalid, Says: "PEM"},
		},
		Invalid: []destinationtest.Invalid{
			{Name: "no trigger", Edit: func(j *connector.SyncJob) { j.Settings = connector.Settings{} }, Paths: []string{"spec.settings.added"}},
			{Name: "no topic", Edit: func(j *connector.SyncJob) {
				j.Settings = connector.Settings{"changed": map[string]any{"enabled": true}}
			}, Paths: []string{"spec.settings.changed.topic"}},
			{Name: "templates", Edit: func(j *connector.SyncJob) {
				j.Settings = connector.Settings{"removed": map[string]any{
					"enabled": true, "topic": "rows", "body": "json", "json": "{{", "key": "{{", "partition": "third",
					"headers": []any{map[string]any{"name": "", "value": "x"}},
				}}
			}, Paths: []string{"spec.settings.removed.json", "spec.settings.removed.key", "spec.settings.removed.partition", "spec.settings.removed.headers"}},
			{Name: "columns", Edit: func(j *connector.SyncJob) {
				j.Settings = connector.Settings{"added": map[string]any{"enabled": true, "topicFrom": "column", "topicColumn": "nowhere", "body": "column", "column": "nothing"}}
			}, Paths: []string{"spec.settings.added.topicColumn", "spec.settings.added.column"}},
			{Name: "no mapping", Edit: func(j *connector.SyncJob) {
				j.Columns = nil
				j.Settings = connector.Settings{"added": map[string]any{"enabled": true, "topic": "rows"}}
			}, Paths: []string{"spec.mappings"}},
			{Name: "first run", Edit: func(j *connector.SyncJob) { j.Settings["initial"] = "later" }, Paths: []string{"spec.settings.initial"}},
			{Name: "no key", Edit: func(j *connector.SyncJob) {
				j.Settings = connector.Settings{"removed": map[string]any{"enabled": true, "topic": "rows", "body": "none"}}
			}, Paths: []string{"spec.settings.removed.key"}},
			{Name: "connection", Settings: connector.Settings{"brokers": "", "auth": authPlain}, Paths: []string{"spec.configuration.brokers", "spec.configuration.username", "spec.configuration.password"}},
		},
		Refused: []destinationtest.Refused{{
			Name: "partition", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString},
			Value: value.OfText("refuse me"), Says: "no partition 99",
		}},
	}
}
