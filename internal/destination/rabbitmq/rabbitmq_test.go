package rabbitmq

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

func settingsOf(s *services.RabbitMQServer) connector.Settings {
	return connector.Settings{
		"protocol": "amqp", "host": s.Host, "port": s.Port, "vhost": s.VHost, "username": s.User, "password": s.Password, "managementUrl": s.Management,
	}
}

// broker is a virtual host with queues.
type broker struct {
	*services.RabbitMQServer

	ch *amqp.Channel
}

func newBroker(t *testing.T, queues ...string) *broker {
	t.Helper()
	b := &broker{RabbitMQServer: services.RabbitMQ(t)}
	conn, err := amqp.Dial(amqp.URI{Scheme: "amqp", Host: b.Host, Port: b.Port, Username: b.User, Password: b.Password, Vhost: b.VHost}.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() }) //nolint:errcheck // nothing depends on it
	if b.ch, err = conn.Channel(); err != nil {
		t.Fatal(err)
	}
	for _, q := range queues {
		b.queue(t, q, nil)
	}
	return b
}

func (b *broker) queue(t *testing.T, name string, arguments amqp.Table) {
	t.Helper()
	if _, err := b.ch.QueueDeclare(name, true, false, false, false, arguments); err != nil {
		t.Fatal(err)
	}
}

// peek returns what a queue holds and leaves it there.
func (b *broker) peek(t *testing.T, queue string) []amqp.Delivery {
	t.Helper()
	var all []amqp.Delivery
	for {
		d, more, err := b.ch.Get(queue, false)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		all = append(all, d)
	}
	if len(all) > 0 {
		if err := b.ch.Nack(all[len(all)-1].DeliveryTag, true, true); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (b *broker) records(t *testing.T, queue string) []destinationtest.Record {
	t.Helper()
	var all []destinationtest.Record
	for _, d := range b.peek(t, queue) {
		v, err := value.ParseJSON(string(d.Body))
		if err != nil {
			t.Fatalf("%q: %v", d.Body, err)
		}
		rec := destinationtest.Record{}
		for _, f := range v.Fields() {
			rec[f.Name] = f.Value
		}
		all = append(all, rec)
	}
	return all
}

// TestConformance runs the suite on a real server.
//
// Req: SY-24, SY-25, SY-40, SY-74, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	shared := services.RabbitMQ(t)
	with := func(changes connector.Settings) connector.Settings {
		s := settingsOf(shared)
		maps.Copy(s, changes)
		return s
	}
	added := map[string]any{"enabled": true, "queueFrom": "column", "queueColumn": "to", "body": "mapped"}
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
			b := newBroker(t, "rows")
			settings := map[string]any{"enabled": true, "queue": "rows", "body": "mapped"}
			if len(columns) > 1 && columns[1].Name == "to" {
				settings = added
			}
			job := connector.SyncJob{Type: "message", Mode: connector.ModeTrigger, Columns: columns, Settings: connector.Settings{"added": settings}}
			for _, c := range columns {
				job.Model.Schema = append(job.Model.Schema, value.Column{Name: c.From, Type: c.Type, Nullable: true})
			}
			return destinationtest.Target{
				Settings: settingsOf(b.RabbitMQServer), Job: job, Read: func(t *testing.T) []destinationtest.Record { return b.records(t, "rows") },
			}
		},
		Failing: []destinationtest.Failing{
			{Name: "no server", Settings: with(connector.Settings{"port": 1}), Code: fault.CodeDestinationUnreachable, Says: "refused"},
			{Name: "wrong password", Settings: with(connector.Settings{"password": "wrong-password"}), Code: fault.CodeDestinationAuth, Says: "username or password"},
			{Name: "no virtual host", Settings: with(connector.Settings{"vhost": "nowhere"}), Code: fault.CodeDestinationSchema, Says: "vhost"},
			{Name: "no TLS", Settings: with(connector.Settings{"protocol": "amqps"}), Code: fault.CodeDestinationUnreachable, Says: "tls"},
			{Name: "wrong portal", Settings: with(connector.Settings{"managementUrl": shared.Management + "/elsewhere"}), Code: fault.CodeDestinationRejected, Says: "404"},
			{Name: "no host", Settings: connector.Settings{"username": "u", "password": "pass-word"}, Code: fault.CodeRequired, Says: "host"},
		},
		Invalid: []destinationtest.Invalid{
			{Name: "no trigger", Edit: func(j *connector.SyncJob) { j.Settings = connector.Settings{} }, Paths: []string{"spec.settings.added"}},
			{Name: "settings", Edit: func(j *connector.SyncJob) {
				j.Settings = connector.Settings{"changed": map[string]any{"enabled": true, "queueFrom": "column", "queueColumn": "nowhere", "body": "json", "json": "{{"}}
			}, Paths: []string{"spec.settings.changed.queueColumn", "spec.settings.changed.json"}},
			{Name: "long", Edit: func(j *connector.SyncJob) {
				j.Settings = connector.Settings{"removed": map[string]any{"enabled": true, "queue": strings.Repeat("q", 256)}}
			}, Paths: []string{"spec.settings.removed.queue"}},
			{Name: "connection", Settings: connector.Settings{"protocol": "mqtt", "managementUrl": "portal", "caCertificate": "x"}, Paths: []string{
				"spec.configuration.protocol", "spec.configuration.host", "spec.configuration.username", "spec.configuration.password", "spec.configuration.managementUrl", "spec.configuration.caCertificate",
			}},
		},
	})
}

var schema = value.Schema{{Name: "id"}, {Name: "to"}, {Name: "doc"}}

func row(id string, values ...value.Value) connector.Row {
	source := append([]value.Value{value.OfText(id)}, values...)
	for len(source) < len(schema) {
		source = append(source, value.Value{})
	}
	return connector.Row{Key: id, Values: source[:1], Source: source}
}

func begin(t *testing.T, configuration, settings connector.Settings, network connector.Network) connector.Session {
	t.Helper()
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: configuration.WithDefaults(info.Fields), Network: network})
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

func write(t *testing.T, s connector.Session, op connector.Operation, rows ...connector.Row) connector.Result {
	t.Helper()
	result, err := s.Write(t.Context(), &connector.Batch{ID: "plan-1", Operation: op, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestQueues: each operation has a queue and a message of its own, a column names the queue of each row, only the rows whose
// queue is not there are refused, and messages are durable.
//
// Req: SY-24, SY-40
func TestQueues(t *testing.T) {
	t.Parallel()
	b := newBroker(t, "a", "b", "gone")
	s := begin(t, settingsOf(b.RabbitMQServer), connector.Settings{
		"added":   map[string]any{"enabled": true, "queueFrom": "column", "queueColumn": "to", "body": "column", "column": "doc"},
		"removed": map[string]any{"enabled": true, "queue": "gone", "body": "json", "json": `{"gone": {{ row.id }},}`},
		"initial": "skip",
	}, connector.Network{})
	if l := s.Limits(); !l.SkipInitial || l.Concurrency != 1 || l.Idempotency != connector.NotIdempotent {
		t.Errorf("the limits are %+v", l)
	}
	doc := value.OfText(`{"n":1}`)
	result := write(t, s, connector.Added,
		row("1", value.OfText("a"), doc), row("2", value.OfText("nowhere"), doc), row("3", value.Value{}, doc), row("4", value.OfText("b"), value.OfText("x")),
		row("5", value.OfText("b"), doc), row("6", value.OfText("elsewhere"), doc), row("7", value.OfText(strings.Repeat("q", 256)), doc),
	)
	want := map[int]string{1: `NO_ROUTE: no queue for "nowhere"`, 2: "column to", 3: "does not hold JSON", 5: "NO_ROUTE", 6: "255 bytes"}
	for _, r := range result.Rejected {
		if says := want[r.Row]; says == "" || !strings.Contains(r.Reason, says) || r.Retry {
			t.Errorf("row %d was refused: %s", r.Row, r.Reason)
		}
		delete(want, r.Row)
	}
	if len(want) > 0 {
		t.Errorf("not refused: %v", want)
	}
	write(t, s, connector.Removed, row("17"))
	first, gone := b.peek(t, "a"), b.peek(t, "gone")
	if len(first) != 1 || string(first[0].Body) != `{"n":1}` || first[0].ContentType != "application/json" || first[0].DeliveryMode != amqp.Persistent || first[0].MessageId != "plan-1-0" {
		t.Errorf("a holds %+v", first)
	}
	if len(gone) != 1 || string(gone[0].Body) != `{"gone":17}` || len(b.peek(t, "b")) != 1 {
		t.Errorf("gone holds %+v", gone)
	}
}

// TestExchange: an exchange routes by the key, and one that is not there ends the run with nothing sent.
func TestExchange(t *testing.T) {
	t.Parallel()
	b := newBroker(t, "all", "some")
	if err := b.ch.ExchangeDeclare("events", "topic", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	for queue, key := range map[string]string{"all": "row.#", "some": "row.changed"} {
		if err := b.ch.QueueBind(queue, key, "events", false, nil); err != nil {
			t.Fatal(err)
		}
	}
	s := begin(t, settingsOf(b.RabbitMQServer), connector.Settings{
		"changed": map[string]any{"enabled": true, "queue": "row.changed", "exchange": "events"}, "removed": map[string]any{"enabled": true, "queue": "lost", "exchange": "events"},
		"added": map[string]any{"enabled": true, "queue": "all", "exchange": "nowhere"},
	}, connector.Network{})
	write(t, s, connector.Changed, row("1"))
	if result := write(t, s, connector.Removed, row("1")); len(result.Rejected) != 1 {
		t.Errorf("a message without a queue: %v", result.Rejected)
	}
	batch := &connector.Batch{ID: "x", Operation: connector.Added, Rows: []connector.Row{row("1")}}
	if _, err := s.Write(t.Context(), batch); !fault.Is(err, fault.CodeDestinationSchema) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "NOT_FOUND") {
		t.Errorf("an exchange that is not there: %v", err)
	}
	write(t, s, connector.Changed, row("2")) // on a new connection
	if len(b.peek(t, "all")) != 2 || len(b.peek(t, "some")) != 2 {
		t.Error("not all messages arrived")
	}
}

// TestNack: a message that the broker cannot take now is worth another attempt.
//
// Req: SY-76
func TestNack(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.queue(t, "short", amqp.Table{"x-max-length": 2, "x-overflow": "reject-publish"})
	s := begin(t, settingsOf(b.RabbitMQServer), connector.Settings{"added": map[string]any{"enabled": true, "queue": "short"}}, connector.Network{})
	write(t, s, connector.Added, row("1"), row("2"))
	result := write(t, s, connector.Added, row("3"))
	if len(result.Rejected) != 1 || !result.Rejected[0].Retry || !strings.Contains(result.Rejected[0].Reason, "nack") {
		t.Errorf("%+v", result.Rejected)
	}
}

// severed is a network whose connections can be cut, and which then keep what is written.
type severed struct {
	mu    sync.Mutex
	conns []*half
	mute  bool
}

// half is a connection of which the answers can be lost.
type half struct {
	net.Conn

	owner *severed
}

// Read ends the connection where answers are lost.
func (h *half) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.owner.mu.Lock()
	defer h.owner.mu.Unlock()
	if h.owner.mute {
		h.Conn.Close() //nolint:errcheck // it is cut
		return 0, net.ErrClosed
	}
	return n, err
}

func (s *severed) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &half{conn, s}
	s.conns = append(s.conns, h)
	return h, nil
}

// TestLost: messages on which the broker's word was lost may have arrived, and the next batch gets a new connection.
//
// Req: SY-76
func TestLost(t *testing.T) {
	t.Parallel()
	b := newBroker(t, "rows")
	way := &severed{}
	s := begin(t, settingsOf(b.RabbitMQServer), connector.Settings{"added": map[string]any{"enabled": true, "queue": "rows"}}, connector.Network{Dial: way.dial})
	write(t, s, connector.Added, row("1"))
	way.mu.Lock()
	way.mute = true
	way.mu.Unlock()
	batch := &connector.Batch{ID: "x", Operation: connector.Added, Rows: []connector.Row{row("2"), row("3")}}
	if _, err := s.Write(t.Context(), batch); fault.ClassOf(err) != fault.Unknown {
		t.Errorf("%v: %v", fault.ClassOf(err), err)
	}
	if len(batch.Exchanges) != 1 || batch.Exchanges[0].Error == "" {
		t.Errorf("the request log says %+v", batch.Exchanges)
	}
	way.mu.Lock()
	way.mute = false
	way.mu.Unlock()
	write(t, s, connector.Added, row("4"))
	if len(way.conns) != 2 {
		t.Errorf("%d connections were made", len(way.conns))
	}
	refusing := begin(t, connector.Settings{"protocol": "amqp", "host": "127.0.0.1", "port": 1, "username": "u", "password": "pass-word"}, connector.Settings{"added": map[string]any{"enabled": true, "queue": "rows"}}, connector.Network{})
	if _, err := refusing.Write(t.Context(), batch); fault.ClassOf(err) != fault.Retryable {
		t.Errorf("nothing was sent: %v", err)
	}
}

// TestDenied: a user who may not write ends the run.
func TestDenied(t *testing.T) {
	t.Parallel()
	b := newBroker(t, "rows")
	for path, body := range map[string]string{
		"/api/users/" + b.VHost: `{"password": "reader-password", "tags": ""}`,
	} {
		if err := b.Manage(http.MethodPut, path, body); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { b.Manage(http.MethodDelete, "/api/users/"+b.VHost, "") }) //nolint:errcheck // nothing depends on it
	if err := b.Manage(http.MethodPut, fmt.Sprintf("/api/permissions/%s/%s", b.VHost, b.VHost), `{"configure": "^$", "write": "^$", "read": ".*"}`); err != nil {
		t.Fatal(err)
	}
	configuration := settingsOf(b.RabbitMQServer)
	configuration["username"], configuration["password"] = b.VHost, "reader-password"
	s := begin(t, configuration, connector.Settings{"added": map[string]any{"enabled": true, "queue": "rows"}}, connector.Network{})
	_, err := s.Write(t.Context(), &connector.Batch{ID: "x", Operation: connector.Added, Rows: []connector.Row{row("1")}})
	if !fault.Is(err, fault.CodeDestinationDenied) || fault.ClassOf(err) != fault.Fatal {
		t.Errorf("%v", err)
	}
	if len(b.peek(t, "rows")) != 0 {
		t.Error("a message arrived")
	}
}

// TestSecure: connections are encrypted, to a server whose authority is known.
func TestSecure(t *testing.T) {
	t.Parallel()
	b := newBroker(t, "rows")
	if b.SecurePort == 0 {
		t.Skip("the server that the environment names has no port for TLS")
	}
	configuration := settingsOf(b.RabbitMQServer)
	configuration["protocol"], configuration["port"], configuration["caCertificate"] = "amqps", b.SecurePort, b.CA
	s := begin(t, configuration, connector.Settings{"added": map[string]any{"enabled": true, "queue": "rows"}}, connector.Network{})
	write(t, s, connector.Added, row("1"))
	if len(b.peek(t, "rows")) != 1 {
		t.Error("no message arrived")
	}
	delete(configuration, "caCertificate")
	s = begin(t, configuration, connector.Settings{"added": map[string]any{"enabled": true, "queue": "rows"}}, connector.Network{})
	_, err := s.Write(t.Context(), &connector.Batch{ID: "x", Operation: connector.Added, Rows: []connector.Row{row("1")}})
	if !fault.Is(err, fault.CodeDestinationUnreachable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an authority that nobody knows: %v", err)
	}
}

// TestLists lists the queues of the virtual host.
func TestLists(t *testing.T) {
	t.Parallel()
	b := newBroker(t, "b", "a")
	info := Info()
	d, err := info.Open(connector.DestinationOptions{Settings: settingsOf(b.RabbitMQServer).WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.(connector.OptionLister).ListOptions(t.Context(), "queues", connector.SyncJob{})
	names := []string{}
	for _, o := range got {
		names = append(names, o.Value)
	}
	slices.Sort(names)
	if err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("%v %v", names, err)
	}
}
