package redis_test

import (
	"maps"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/redis"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

// step is one batch of a run and what the server holds afterwards, as redis-cli would be asked.
type step struct {
	op      connector.Operation
	rows    []connector.Row
	refused map[int]string // a part of each reason
	holds   map[string]any // the answer to each command
}

func list(items ...any) []any { return items }

// TestCommands: what each command leaves at the server, added, changed and removed.
//
// Req: SY-15, SY-18, SY-21, SY-25
func TestCommands(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		job      connector.SyncJob
		settings connector.Settings
		delete   connector.DeleteBehavior
		before   [][]any // commands
		steps    []step
	}{
		"SET": {
			job: job(redis.TypeKeys, "set", connector.ModeUpsert, "value"), delete: connector.DeleteRecord,
			steps: []step{
				{op: connector.Added, rows: []connector.Row{row("a", "x"), row("b", value.OfDecimal("1.10")), row("c", map[string]any{"n": 1})},
					holds: map[string]any{"GET a": "x", "GET b": "1.10", "GET c": `{"n":1}`, "TTL a": int64(-1)}},
				{op: connector.Changed, rows: []connector.Row{row("a", "y")}, holds: map[string]any{"GET a": "y"}},
				{op: connector.Removed, rows: []connector.Row{row("b", "1.10")}, holds: map[string]any{"EXISTS b": int64(0), "EXISTS a": int64(1)}},
			},
		},
		"SET with a time to live": {
			job: job(redis.TypeKeys, "set", connector.ModeUpsert, "value"), settings: connector.Settings{"ttl": 500.0}, delete: connector.DeleteClear,
			steps: []step{
				{op: connector.Added, rows: []connector.Row{row("a", "x")}, holds: map[string]any{"GET a": "x", "TTL a": int64(500)}},
				{op: connector.Removed, rows: []connector.Row{row("a", "x"), row("gone", "x")}, holds: map[string]any{"GET a": "", "TTL a": int64(500), "EXISTS gone": int64(0)}},
			},
		},
		"SET of what exists": {
			job: job(redis.TypeKeys, "set", connector.ModeUpdate, "value"), before: [][]any{{"SET", "a", "old"}},
			steps: []step{{op: connector.Added, rows: []connector.Row{row("a", "new"), row("b", "new")}, holds: map[string]any{"GET a": "new", "EXISTS b": int64(0)}}},
		},
		"SET as JSON, emptied": {
			job: job(redis.TypeKeys, "set", connector.ModeUpsert, "n", "tags"), settings: connector.Settings{"format": "json"}, delete: connector.DeleteClear,
			steps: []step{
				{op: connector.Added, rows: []connector.Row{row("a", value.OfDecimal("12345678901234567890.10"), []any{"x", nil})}, holds: map[string]any{"GET a": `{"n":12345678901234567890.10,"tags":["x",null]}`}},
				{op: connector.Removed, rows: []connector.Row{row("a", 1, nil)}, holds: map[string]any{"GET a": `{"n":null,"tags":null}`}},
			},
		},
		"HSET": {
			job: job(redis.TypeKeys, "hset", connector.ModeUpsert, "name", "plan"), settings: connector.Settings{"ttl": 60.0}, delete: connector.DeleteClear,
			before: [][]any{{"HSET", "a", "other", "kept", "name", "old"}, {"SET", "text", "x"}},
			steps: []step{
				{op: connector.Added, rows: []connector.Row{row("a", "Ann", true), row("text", "Bob", false), row("", "Nobody", false), row("null", "Cid", nil)},
					refused: map[int]string{1: "WRONGTYPE", 2: "no key", 3: `"plan" is null`},
					holds:   map[string]any{"HMGET a name plan other": list("Ann", "true", "kept"), "TTL a": int64(60), "GET text": "x", "EXISTS null": int64(0)}},
				{op: connector.Removed, rows: []connector.Row{row("a", "Ann", true), row("gone", "x", true)}, holds: map[string]any{"HMGET a name plan other": list("", "", "kept"), "EXISTS gone": int64(0)}},
			},
		},
		"HSET of what exists": {
			job: job(redis.TypeKeys, "hset", connector.ModeUpdate, "name"), settings: connector.Settings{"ttl": 60.0}, delete: connector.DeleteRecord,
			before: [][]any{{"HSET", "a", "name", "old"}},
			steps: []step{
				{op: connector.Added, rows: []connector.Row{row("a", "new"), row("b", "new")}, holds: map[string]any{"HGET a name": "new", "TTL a": int64(60), "EXISTS b": int64(0)}},
				{op: connector.Removed, rows: []connector.Row{row("a", "new")}, holds: map[string]any{"EXISTS a": int64(0)}},
			},
		},
		"SADD": {
			job: job(redis.TypeKeys, "sadd", connector.ModeUpsert, "members"), settings: connector.Settings{"ttl": 60.0}, delete: connector.DeleteClear,
			before: [][]any{{"SADD", "a", "theirs"}},
			steps: []step{
				{op: connector.Added, rows: []connector.Row{row("a", []any{"x", "y"}), row("b", "single"), row("c", []any{"x", nil})}, refused: map[int]string{2: "null"},
					holds: map[string]any{"SMISMEMBER a x y theirs": list(int64(1), int64(1), int64(1)), "SMEMBERS b": list("single"), "TTL a": int64(60)}},
				{op: connector.Changed, rows: []connector.Row{before(row("a", []any{"y", "z"}), []any{"x", "y"})}, holds: map[string]any{"SMISMEMBER a x y z theirs": list(int64(0), int64(1), int64(1), int64(1))}},
				{op: connector.Removed, rows: []connector.Row{row("a", []any{"y", "z"}), row("b", "single")}, holds: map[string]any{"SMEMBERS a": list("theirs"), "EXISTS b": int64(0)}},
			},
		},
		"GEOADD of keys": {
			job: job(redis.TypeKeys, "geoadd", connector.ModeUpsert, "longitude", "latitude", "name"), delete: connector.DeleteClear,
			steps: []step{
				{op: connector.Added, rows: []connector.Row{row("shops", 13.361389, 38.115556, "Palermo"), row("shops", 200, 38, "Nowhere"), row("shops", "east", 38, "Nowhere"), row("shops", true, 38, "Nowhere")},
					refused: map[int]string{1: "invalid longitude,latitude pair", 2: "not a valid float", 3: "type boolean"},
					holds:   map[string]any{"ZRANGE shops 0 -1": list("Palermo"), "GEOHASH shops Palermo": list("sqc8b49rny0")}},
				{op: connector.Changed, rows: []connector.Row{before(row("shops", 15.087269, 37.502669, "Catania"), 13.361389, 38.115556, "Palermo")}, holds: map[string]any{"ZRANGE shops 0 -1": list("Catania")}},
				{op: connector.Removed, rows: []connector.Row{row("shops", 15.087269, 37.502669, "Catania")}, holds: map[string]any{"EXISTS shops": int64(0)}},
			},
		},
		"ZADD": {
			job: job(redis.TypeMembers, "zadd", connector.ModeUpsert, "key", "score"), delete: connector.DeleteRecord,
			steps: []step{
				{op: connector.Added, rows: []connector.Row{row("ann", "top", 3), row("bob", "top", 2.5), row("cid", "top", "high"), row("dan", nil, 1), row("eve", "top", int64(9007199254740993))},
					refused: map[int]string{2: "not a valid float", 3: `"key" is null`, 4: "too large"}, holds: map[string]any{"ZRANGE top 0 -1 WITHSCORES": list("bob", "2.5", "ann", "3")}},
				{op: connector.Changed, rows: []connector.Row{before(row("ann", "best", 9), "top", 3)}, holds: map[string]any{"ZRANGE top 0 -1": list("bob"), "ZSCORE best ann": "9"}},
				{op: connector.Removed, rows: []connector.Row{row("ann", "best", 9)}, holds: map[string]any{"EXISTS best": int64(0), "ZRANGE top 0 -1": list("bob")}},
			},
		},
		"ZADD of what exists, emptied": {
			job: job(redis.TypeMembers, "zadd", connector.ModeUpdate, "key", "score"), delete: connector.DeleteClear, before: [][]any{{"ZADD", "top", "1", "ann"}},
			steps: []step{
				{op: connector.Added, rows: []connector.Row{row("ann", "top", 3), row("bob", "top", 3)}, holds: map[string]any{"ZRANGE top 0 -1 WITHSCORES": list("ann", "3")}},
				{op: connector.Removed, rows: []connector.Row{row("ann", "top", 3), row("bob", "top", 3)}, holds: map[string]any{"ZRANGE top 0 -1 WITHSCORES": list("ann", "0")}},
			},
		},
		"GEOADD of members": {
			job: job(redis.TypeMembers, "geoadd", connector.ModeUpsert, "key", "longitude", "latitude"), delete: connector.DeleteRecord,
			steps: []step{
				{op: connector.Added, rows: []connector.Row{row("Palermo", "it", 13.361389, 38.115556), row("Berlin", "de", 13.4, 52.5)}, holds: map[string]any{"GEOHASH it Palermo": list("sqc8b49rny0"), "ZRANGE de 0 -1": list("Berlin")}},
				{op: connector.Removed, rows: []connector.Row{row("Palermo", "it", 13.361389, 38.115556)}, holds: map[string]any{"EXISTS it": int64(0), "EXISTS de": int64(1)}},
			},
		},
	} {
		for _, transactions := range []string{"on", "off"} {
			t.Run(name+", transactions "+transactions, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				for _, args := range c.before {
					w.do(t, args...)
				}
				j := c.job
				j.Delete, j.Settings = c.delete, j.Settings.WithDefaults(nil)
				maps.Copy(j.Settings, c.settings)
				s := begin(t, open(t, w.settings("transactions", transactions), connector.Network{}), j)
				if needs := len(c.steps) > 1 && len(c.steps[1].rows[0].Before) > 0; needs && !s.Limits().NeedBefore {
					t.Error("what a row had before is not asked for")
				}
				for i, step := range c.steps {
					for range 2 { // sending again changes nothing
						w.checkRefused(t, i, write(t, s, step.op, step.rows...), step.refused)
						w.checkHolds(t, i, step.holds)
					}
				}
			})
		}
	}
}

func (w *world) checkRefused(t *testing.T, step int, got, want map[int]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("step %d: refused %v, want %v", step, got, want)
	}
	for i, part := range want {
		if !strings.Contains(got[i], part) {
			t.Errorf("step %d, row %d: refused with %q, want %q", step, i, got[i], part)
		}
	}
}

func (w *world) checkHolds(t *testing.T, step int, holds map[string]any) {
	t.Helper()
	for command, want := range holds {
		var args []any
		for word := range strings.FieldsSeq(command) {
			args = append(args, word)
		}
		if got := w.do(t, args...); !reflect.DeepEqual(got, want) {
			t.Errorf("step %d: %s answers %v, want %v", step, command, got, want)
		}
	}
}

// TestLeftOut: a null that is left out changes nothing, and an emptied mapping sends an empty text (SY-25, FLD-19).
//
// Req: SY-25, FLD-19
func TestLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, command := range []string{"set", "hset", "sadd"} {
		j := job(redis.TypeKeys, command, connector.ModeUpsert, map[string]string{"set": "value", "hset": "name", "sadd": "members"}[command])
		j.Columns[0].Omit = true
		s := begin(t, open(t, w.settings(), connector.Network{}), j)
		if refused := write(t, s, connector.Added, row("x", nil)); len(refused) > 0 || w.do(t, "EXISTS", "x") != int64(0) {
			t.Errorf("%s: refused %v", command, refused)
		}
	}
	if c := redis.Info().SyncTypes[0].Mapping.Clear; c.Kind() != value.Text || c.String() != "" {
		t.Errorf("a mapping that empties sends %v", c)
	}
}

// TestTransaction: the commands of a batch are executed together, or none of them.
func TestTransaction(t *testing.T) {
	t.Parallel()
	own := worldAt(t, services.RedisOfItsOwn(t, "--enable-debug-command", "yes"), "")
	for transactions, want := range map[string]bool{"on": true, "off": false, "auto": true} {
		own.do(t, "CONFIG", "RESETSTAT")
		s := begin(t, open(t, own.settings("transactions", transactions), connector.Network{}), job(redis.TypeKeys, "set", connector.ModeUpsert, "value"))
		write(t, s, connector.Added, row("a", "1"), row("b", "2"))
		if text := own.client.Info(t.Context(), "commandstats").Val(); strings.Contains(text, "cmdstat_exec") != want {
			t.Errorf("transactions %s: %s", transactions, text)
		}
	}
}

// TestWholeBatch: what is no single row's fault is told of the batch, with what may be done about it.
//
// Req: SY-76, SY-78
func TestWholeBatch(t *testing.T) {
	t.Parallel()
	own := worldAt(t, services.RedisOfItsOwn(t), "")
	own.do(t, "ACL", "SETUSER", "reader", "on", ">"+password, "~*", "+ping", "+info", "+get", "+select")
	own.do(t, "ACL", "SETUSER", "partly", "on", ">"+password, "~mine:*", "+@all")
	full := worldAt(t, services.RedisOfItsOwn(t, "--maxmemory", "1kb"), "")
	replica := worldAt(t, services.RedisOfItsOwn(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(own.place.Port)), "")
	for name, c := range map[string]struct {
		settings connector.Settings
		code     fault.Code
		class    fault.Class
		hint     string
	}{
		"command not allowed": {own.settings("username", "reader", "password", password), fault.CodeDestinationDenied, fault.Fatal, "ACL SETUSER reader"},
		"memory is full":      {full.settings(), fault.CodeDestinationRejected, fault.Retryable, "maxmemory"},
		"replica":             {replica.settings(), fault.CodeDestinationDenied, fault.Fatal, "primary"},
	} {
		for _, transactions := range []string{"on", "off"} {
			c.settings["transactions"] = transactions
			s := begin(t, open(t, c.settings, connector.Network{}), job(redis.TypeKeys, "hset", connector.ModeUpsert, "name"))
			_, err := s.Write(t.Context(), batch(connector.Added, row("a", "x"), row("b", "x")))
			if err == nil {
				t.Errorf("%s, transactions %s: it was taken", name, transactions)
				continue
			}
			if !fault.Is(err, c.code) || fault.ClassOf(err) != c.class || !strings.Contains(fault.As(err).Hint(), c.hint) {
				t.Errorf("%s, transactions %s: %v (%s): %s", name, transactions, err, fault.ClassOf(err), fault.As(err).Hint())
			}
		}
	}
	off := begin(t, open(t, own.settings("username", "partly", "password", password, "transactions", "off"), connector.Network{}), job(redis.TypeKeys, "hset", connector.ModeUpsert, "name"))
	if got := write(t, off, connector.Added, row("mine:a", "x"), row("theirs", "x")); len(got) != 1 || !strings.Contains(got[1], "NOPERM") {
		t.Errorf("a key that is not allowed: refused %v", got)
	}
	on := begin(t, open(t, own.settings("username", "partly", "password", password), connector.Network{}), job(redis.TypeKeys, "hset", connector.ModeUpsert, "name"))
	if _, err := on.Write(t.Context(), batch(connector.Added, row("mine:a", "x"), row("theirs", "x"))); !on.Limits().Split || fault.ClassOf(err) != fault.Permanent {
		t.Errorf("a transaction with a key that is not allowed: %v", err)
	}
	if got := write(t, on, connector.Added, row("mine:b", "x")); len(got) > 0 || own.do(t, "EXISTS", "mine:b") != int64(1) {
		t.Errorf("the half without the bad row: %v", got)
	}
}

// TestLostAnswer: a connection that ends without an answer leaves the outcome unknown, and one that was never made does
// not.
//
// Req: SY-76
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	own := worldAt(t, services.RedisOfItsOwn(t), "")
	d := open(t, own.settings(), connector.Network{Dial: cutting(t, "HSET")})
	s := begin(t, d, job(redis.TypeKeys, "hset", connector.ModeUpsert, "name"))
	if _, err := s.Write(t.Context(), batch(connector.Added, row("a", "x"))); fault.ClassOf(err) != fault.Unknown {
		t.Errorf("a cut connection: %v (%s)", err, fault.ClassOf(err))
	}
	if s.Limits().Idempotency != connector.Idempotent {
		t.Errorf("limits: %+v", s.Limits())
	}
	if err := own.place.Kill(); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, own.settings(), connector.Network{}).Begin(t.Context(), job(redis.TypeKeys, "hset", connector.ModeUpsert, "name"))
	if fault.ClassOf(err) != fault.Retryable || !fault.Is(err, fault.CodeDestinationUnreachable) {
		t.Errorf("a server that is gone: %v (%s)", err, fault.ClassOf(err))
	}
}
