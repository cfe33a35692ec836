package redis_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/redis"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

const password = "a-password-of-redis"

// world is a database of the test's own.
type world struct {
	place  services.RedisPlace
	client *goredis.Client
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldAt(t, services.Redis(t), "")
}

func worldAt(t testing.TB, p services.RedisPlace, password string) *world {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: p.Address(), DB: p.Database, Protocol: 2, Password: password})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{place: p, client: c}
}

// settings are those of the destination, with changes.
func (w *world) settings(changes ...any) connector.Settings {
	s := connector.Settings{"host": w.place.Host, "port": float64(w.place.Port), "database": float64(w.place.Database), "sslMode": "disable"}
	for i := 0; i < len(changes); i += 2 {
		s[changes[i].(string)] = changes[i+1]
	}
	return s
}

// do sends a command as redis-cli would.
func (w *world) do(t testing.TB, args ...any) any {
	t.Helper()
	v, err := w.client.Do(t.Context(), args...).Result()
	if err != nil && err != goredis.Nil { //nolint:errorlint // the driver's own value
		t.Fatalf("%v: %v", args, err)
	}
	return v
}

func open(t testing.TB, s connector.Settings, network connector.Network) connector.Destination {
	t.Helper()
	info := redis.Info()
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

// job is a job whose first column is what rows are matched by; the others are mapped under their own names.
func job(kind, command string, mode connector.Mode, columns ...string) connector.SyncJob {
	match := "key"
	if kind == redis.TypeMembers {
		match = "member"
	}
	j := connector.SyncJob{
		SyncID: 7, SyncSlug: "customers", RunID: 42, Type: kind, Mode: mode, Delete: connector.DeleteNothing,
		Settings: connector.Settings{"command": command}, Match: []connector.MatchPair{{From: "id", To: match}},
		Model: connector.ModelInfo{ID: 3, Name: "Customers", Slug: "customers", PrimaryKey: "id"},
	}
	for _, name := range columns {
		j.Columns = append(j.Columns, connector.TargetColumn{Name: name, From: name})
	}
	return j
}

// row is a row of a job; a value of Go is read as JSON would be.
func row(id string, values ...any) connector.Row {
	r := connector.Row{Key: id, Match: []value.Value{value.OfText(id)}}
	for _, v := range values {
		r.Values = append(r.Values, value.Of(v))
	}
	return r
}

// before is what a row's values were.
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

// write sends rows and returns the reasons of the refused ones by their index.
func write(t testing.TB, s connector.Session, op connector.Operation, rows ...connector.Row) map[int]string {
	t.Helper()
	result, err := s.Write(t.Context(), batch(op, rows...))
	if err != nil {
		t.Fatalf("writing: %v", err)
	}
	refused := map[int]string{}
	for _, r := range result.Rejected {
		refused[r.Row] = r.Reason
	}
	return refused
}

// TestConformance runs the suite for hashes and for strings of JSON, with and without transactions.
//
// Req: SY-18, SY-21, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ command, format, transactions string }{
		"hashes":                      {"hset", "", "auto"},
		"hashes without transactions": {"hset", "", "off"},
		"strings of JSON":             {"set", "json", "auto"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, fixture(t, c.command, c.format, c.transactions))
		})
	}
}

func fixture(t *testing.T, command, format, transactions string) destinationtest.Fixture {
	t.Helper()
	f := destinationtest.Fixture{
		Info: redis.Info(), Invalid: invalid(), Removes: true, Arrival: hashArrival,
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			w := newWorld(t)
			j := job(redis.TypeKeys, command, connector.ModeUpsert)
			j.Columns, j.Delete = columns, connector.DeleteRecord
			if format != "" {
				j.Settings["format"] = format
			}
			return destinationtest.Target{Settings: w.settings("transactions", transactions), Job: j, Read: func(t *testing.T) []destinationtest.Record { return w.read(t, format) }}
		},
	}
	switch {
	case format != "":
		f.Arrival = jsonArrival
	case transactions == "auto":
		f.Failing = failing(t)
	}
	return f
}

// read returns a record for each key.
func (w *world) read(t *testing.T, format string) []destinationtest.Record {
	t.Helper()
	keys, err := w.client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var records []destinationtest.Record
	for _, key := range keys {
		r := destinationtest.Record{}
		if format == "" {
			for name, text := range w.client.HGetAll(t.Context(), key).Val() {
				r[name] = value.OfText(text)
			}
		} else {
			v, err := value.ParseJSON(w.client.Get(t.Context(), key).Val())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range v.Fields() {
				r[f.Name] = f.Value
			}
		}
		records = append(records, r)
	}
	return records
}

// hashArrival: a field of a hash is text, or bytes as they are; there is no null.
func hashArrival(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch {
	case v.IsNull():
		return destinationtest.Arrival{Absent: c.Omit, Refused: !c.Omit}
	case v.Kind() == value.Bytes:
		return destinationtest.As(value.OfText(v.Raw()))
	default:
		return destinationtest.Text(v)
	}
}

// jsonArrival: JSON has no bytes, instants and dates of its own.
func jsonArrival(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch v.Kind() {
	case value.Null:
		return destinationtest.Arrival{Absent: c.Omit}
	case value.Bytes, value.Time, value.Day:
		return destinationtest.Text(v)
	default:
		return destinationtest.As(v)
	}
}

func failing(t *testing.T) []destinationtest.Failing {
	t.Helper()
	w := newWorld(t)
	guarded := worldAt(t, services.RedisOfItsOwn(t, "--requirepass", password), password)
	replica := worldAt(t, services.RedisOfItsOwn(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(w.place.Port)), "")
	node := worldAt(t, services.RedisOfItsOwn(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(freePort(t))), "")
	url := func(w *world) []any { return []any{fmt.Sprintf("redis://127.0.0.1:%d", w.place.Port)} }
	return []destinationtest.Failing{
		{Name: "unreachable", Settings: w.settings("port", 1.0), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "unknown host", Settings: w.settings("host", "redis.invalid"), Code: fault.CodeDestinationUnreachable, Says: "redis.invalid"},
		{Name: "no encryption", Settings: w.settings("sslMode", "verify-full"), Code: fault.CodeDestinationUnreachable, Says: "TLS"},
		{Name: "no database", Settings: w.settings("database", 1e6), Code: fault.CodeDestinationSchema, Says: "DB index is out of range"},
		{Name: "no password", Settings: guarded.settings(), Code: fault.CodeDestinationAuth, Says: "NOAUTH"},
		{Name: "wrong password", Settings: guarded.settings("password", "not-the-password"), Code: fault.CodeDestinationAuth, Says: "WRONGPASS"},
		{Name: "no user", Settings: guarded.settings("username", "nobody", "password", password), Code: fault.CodeDestinationAuth, Says: "WRONGPASS"},
		{Name: "replica", Settings: replica.settings(), Code: fault.CodeDestinationDenied, Says: "replica"},
		{Name: "node of a cluster", Settings: node.settings(), Code: fault.CodeDestinationSchema, Says: "node of a cluster"},
		{Name: "no cluster", Settings: w.settings("deployment", "cluster", "nodes", url(w)), Code: fault.CodeDestinationSchema, Says: "cluster support disabled"},
		{Name: "unreachable cluster", Settings: w.settings("deployment", "cluster", "nodes", []any{"redis://127.0.0.1:1"}), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "bad settings", Settings: w.settings("host", "redis://x"), Code: fault.CodeInvalid, Says: "not a URL"},
	}
}

func invalid() []destinationtest.Invalid {
	edit := func(name string, edit func(*connector.SyncJob), paths ...string) destinationtest.Invalid {
		return destinationtest.Invalid{Name: name, Edit: edit, Paths: paths}
	}
	cluster := func(changes ...any) connector.Settings {
		s := connector.Settings{"deployment": "cluster", "nodes": []any{"redis://a:1"}, "sslMode": "disable"}
		for i := 0; i < len(changes); i += 2 {
			s[changes[i].(string)] = changes[i+1]
		}
		return s
	}
	return []destinationtest.Invalid{
		edit("unknown mode", func(j *connector.SyncJob) { j.Mode = connector.ModeAll }, "spec.mode"),
		edit("unknown command", func(j *connector.SyncJob) { j.Settings["command"] = "lpush" }, "spec.settings.command"),
		edit("an update of a set", func(j *connector.SyncJob) {
			j.Settings["command"], j.Mode, j.Columns = "sadd", connector.ModeUpdate, []connector.TargetColumn{{Name: "members"}}
		}, "spec.mode"),
		edit("no columns", func(j *connector.SyncJob) { j.Columns = nil }, "spec.mappings"),
		edit("a field twice", func(j *connector.SyncJob) { j.Columns[1].Name = "id" }, "spec.mappings"),
		edit("a set without members", func(j *connector.SyncJob) { j.Settings["command"] = "sadd" }, "spec.mappings"),
		edit("a string of two values", func(j *connector.SyncJob) { j.Settings["command"], j.Settings["format"] = "set", "value" }, "spec.mappings"),
		edit("no match", func(j *connector.SyncJob) { j.Match = nil }, "spec.match"),
		edit("match of another field", func(j *connector.SyncJob) { j.Match = []connector.MatchPair{{From: "id", To: "id"}} }, "spec.match"),
		edit("half a second", func(j *connector.SyncJob) { j.Settings["ttl"] = 1.5 }, "spec.settings.ttl"),
		edit("no time", func(j *connector.SyncJob) { j.Settings["ttl"] = 0.0 }, "spec.settings.ttl"),
		edit("emptied places", func(j *connector.SyncJob) {
			*j = job(redis.TypeMembers, "geoadd", connector.ModeUpsert, "key", "longitude", "latitude")
			j.Delete = connector.DeleteClear
		}, "spec.delete"),
		{Name: "connection", Settings: connector.Settings{
			"host": "https://redis.example.com", "port": 0.5, "database": -1.0, "username": "u", "sslMode": "verify-full", "caCertificate": "no certificate",
		}, Paths: []string{"spec.configuration.host", "spec.configuration.port", "spec.configuration.database", "spec.configuration.password", "spec.configuration.caCertificate"}},
		{Name: "client certificate", Settings: connector.Settings{"host": "x", "clientCertificate": "x", "clientKey": "no-key-at-all"}, Paths: []string{"spec.configuration.clientCertificate"}},
		{Name: "unknown encryption", Settings: connector.Settings{"host": "x", "sslMode": "perhaps", "transactions": "maybe"}, Paths: []string{"spec.configuration.sslMode", "spec.configuration.transactions"}},
		{Name: "unknown deployment", Settings: connector.Settings{"deployment": "x"}, Paths: []string{"spec.configuration.deployment"}},
		{Name: "cluster without nodes", Settings: cluster("nodes", []any{}), Paths: []string{"spec.configuration.nodes"}},
		{Name: "node without scheme", Settings: cluster("nodes", []any{"a:6379"}), Paths: []string{"spec.configuration.nodes"}},
		{Name: "node with password", Settings: cluster("nodes", []any{"redis://:hush-hush@a:6379"}), Paths: []string{"spec.configuration.nodes"}},
		{Name: "node with database", Settings: cluster("nodes", []any{"redis://a:6379/3"}), Paths: []string{"spec.configuration.nodes"}},
		{Name: "encrypted node", Settings: cluster("nodes", []any{"rediss://a:6379"}), Paths: []string{"spec.configuration.nodes"}},
		{Name: "half an address", Settings: cluster("nodeAddressMap", []any{"10.0.0.1:6379"}), Paths: []string{"spec.configuration.nodeAddressMap"}},
		{Name: "an address twice", Settings: cluster("nodeAddressMap", []any{"10.0.0.1:6379=a:1", "10.0.0.1:6379=b:1"}), Paths: []string{"spec.configuration.nodeAddressMap"}},
	}
}
