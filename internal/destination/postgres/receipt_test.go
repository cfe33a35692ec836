package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// noted is a batch that keeps its checkpoint's token.
func noted(b *connector.Batch) (*connector.Batch, *string) {
	var token string
	b.Checkpoint = func(_ context.Context, s string) error {
		token = s
		return nil
	}
	return b, &token
}

func resolve(t *testing.T, d connector.Destination, token string) connector.Resolution {
	t.Helper()
	r, err := d.(connector.Resolver).Resolve(t.Context(), connector.SyncJob{}, token)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestResolve asks what became of batches.
//
// Req: SY-39
func TestResolve(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE resolved (id int PRIMARY KEY, n int CHECK (n > 0))")
	j := job("resolved", connector.ModeUpsert, "id", "id", "n")
	s := begin(t, w, j)
	if got := s.Limits().Idempotency; got != connector.Transactional {
		t.Fatalf("idempotency %s", got)
	}
	d := w.open(t, w.settings(t))

	whole, token := noted(batch(connector.Added, rowOf(j, num(1), num(1))))
	if _, err := s.Write(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	same(t, string(resolve(t, d, *token)), string(connector.ResolvedTaken))
	never := strings.Replace(*token, "added-", "never-", 1)
	same(t, string(resolve(t, d, never)), string(connector.ResolvedNotTaken))
	same(t, string(resolve(t, d, never)), string(connector.ResolvedNotTaken))
	same(t, string(resolve(t, d, "of somebody else")), string(connector.ResolvedUnknown))

	part, token := noted(batch(connector.Added, rowOf(j, num(2), num(1)), rowOf(j, num(3), num(-1))))
	first, err := s.Write(t.Context(), part)
	if err != nil || len(first.Rejected) != 1 {
		t.Fatalf("%v, %v", first, err)
	}
	same(t, string(resolve(t, d, *token)), string(connector.ResolvedUnknown))
	again, err := s.Write(t.Context(), part)
	if err != nil || len(again.Rejected) != 1 || again.Rejected[0] != first.Rejected[0] {
		t.Errorf("sent again, the batch has the answer %v, %v; it had %v", again, err, first)
	}

	same(t, w.text(t, "SELECT count(*) FROM millrace_receipts"), "(2)")
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, w.text(t, "SELECT count(*) FROM millrace_receipts"), "(0)")
	w.exec(t, "INSERT INTO millrace_receipts VALUES ('gone', 'x', NULL, now() - interval '31 days'), ('kept', 'x', NULL, now() - interval '29 days')")
	begin(t, w, j)
	same(t, w.text(t, "SELECT session FROM millrace_receipts"), "(kept)")
}

// TestResolveWaits proves that a transaction that is still under way is not taken for one that failed.
func TestResolveWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE waited (id int PRIMARY KEY)")
	j := job("waited", connector.ModeInsert, "", "id")
	s := begin(t, w, j)
	blocker, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blocker.Exec(t.Context(), "INSERT INTO waited VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	b, token := noted(batch(connector.Added, rowOf(j, num(1))))
	begun := make(chan struct{})
	note := b.Checkpoint
	b.Checkpoint = func(ctx context.Context, s string) error {
		defer close(begun)
		return note(ctx, s)
	}
	written := make(chan error, 1)
	go func() {
		_, err := s.Write(t.Context(), b)
		written <- err
	}()
	<-begun
	waitFor(t, w, 1)
	resolved := make(chan connector.Resolution, 1)
	go func() { resolved <- resolve(t, w.open(t, w.settings(t)), *token) }()
	waitFor(t, w, 2)
	if err := blocker.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	same(t, string(<-resolved), string(connector.ResolvedTaken))
}

// waitFor returns when so many connections of the destination wait for a lock.
func waitFor(t *testing.T, w *world, n int) {
	t.Helper()
	for {
		var waiting int
		err := w.pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'millrace' AND wait_event_type = 'Lock'").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		if waiting >= n {
			return
		}
	}
}

// TestWithoutReceipts: a role that may not make a table does without receipts.
func TestWithoutReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role(t, "plain")
	w.exec(t, "CREATE TABLE bare (id int PRIMARY KEY, a text); GRANT SELECT, INSERT, UPDATE, DELETE ON bare TO "+role)
	for mode, want := range map[connector.Mode]connector.Idempotency{
		connector.ModeUpsert: connector.Idempotent, connector.ModeUpdate: connector.Idempotent, connector.ModeInsert: connector.NotIdempotent, connector.ModeAll: connector.Idempotent,
	} {
		j := job("bare", mode, "id", "id", "a")
		s, err := w.open(t, w.settings(t, "user", role)).Begin(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		same(t, string(s.Limits().Idempotency), string(want))
		if mode == connector.ModeInsert {
			none(t, write(t, s, connector.Added, rowOf(j, num(1), text("x"))))
		}
		if err := errors.Join(s.Finish(t.Context()), s.Close()); err != nil {
			t.Error(err)
		}
	}
}

// cutter is a proxy that cuts a connection when the client commits: after the server has answered, or before it
// hears of it.
type cutter struct {
	server string
	after  bool
	armed  atomic.Bool
}

func (c *cutter) serve(t *testing.T) (port float64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) //nolint:errcheck // a listener
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.pipe(client)
		}
	}()
	return float64(l.Addr().(*net.TCPAddr).Port)
}

func (c *cutter) pipe(client net.Conn) {
	defer client.Close() //nolint:errcheck // it may be cut already
	server, err := net.Dial("tcp", c.server)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // nothing is written any more
	var deaf atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil || deaf.Load() {
				client.Close() //nolint:errcheck // the cut is what is tested
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if bytes.Contains(buffer[:n], []byte("COMMIT\x00")) && c.armed.CompareAndSwap(true, false) {
			if !c.after {
				return
			}
			deaf.Store(true)
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
		if deaf.Load() {
			<-done
			return
		}
	}
}

// TestLostCommit cuts the connection at the commit: the session finds out what became of the batch.
//
// Req: SY-76
func TestLostCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	settings := w.settings(t)
	address := net.JoinHostPort(settings.Text("host"), strings.TrimSuffix(settings.Text("port"), ".0"))
	w.exec(t, "CREATE TABLE lost (id int, a text)")
	j := job("lost", connector.ModeInsert, "", "id", "a")
	for _, after := range []bool{true, false} {
		c := &cutter{server: address, after: after}
		s, err := w.open(t, w.settings(t, "port", c.serve(t))).Begin(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		c.armed.Store(true)
		b := batch(connector.Added, rowOf(j, num(1), text("x")))
		_, err = s.Write(t.Context(), b)
		switch {
		case after && err != nil:
			t.Errorf("the batch was taken, and the answer is %v", err)
		case !after && fault.ClassOf(err) != fault.Retryable:
			t.Errorf("the batch was not taken, and the answer is %v (%s)", err, fault.ClassOf(err))
		}
		if _, err := s.Write(t.Context(), b); err != nil {
			t.Error(err)
		}
		same(t, w.text(t, "SELECT count(*) FROM lost"), "(1)")
		w.exec(t, "DELETE FROM lost")
	}

	role := w.role(t, "unsure")
	w.exec(t, "DROP TABLE millrace_receipts; GRANT SELECT, INSERT ON lost TO "+role)
	c := &cutter{server: address, after: true}
	s, err := w.open(t, w.settings(t, "port", c.serve(t), "user", role)).Begin(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	c.armed.Store(true)
	if _, err = s.Write(t.Context(), batch(connector.Added, rowOf(j, num(1), text("x")))); fault.ClassOf(err) != fault.Unknown || !fault.Is(err, fault.CodeDestinationUnknown) {
		t.Errorf("without receipts nobody knows, and the answer is %v (%s)", err, fault.ClassOf(err))
	}
}

// TestPassword asks for a password as a server does that was told another one. The server of the tests asks for
// none, so a few messages of the protocol stand in for it.
func TestPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) //nolint:errcheck // a listener
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			refusePassword(c)
		}
	}()
	err = w.open(t, w.settings(t, "port", float64(l.Addr().(*net.TCPAddr).Port))).Test(t.Context())
	if !fault.Is(err, fault.CodeDestinationAuth) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "password authentication failed") || strings.Contains(err.Error(), "nobody-asks-for") {
		t.Errorf("%v", err)
	}
}

func refusePassword(c net.Conn) {
	defer c.Close() //nolint:errcheck // the client sees
	b := pgproto3.NewBackend(c, c)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	b.Send(&pgproto3.AuthenticationCleartextPassword{})
	if b.Flush() != nil {
		return
	}
	if _, err := b.Receive(); err != nil && !errors.Is(err, io.EOF) {
		return
	}
	b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: `password authentication failed for user "postgres"`})
	_ = b.Flush() //nolint:errcheck // the client sees
}

// TestStatementTimeout: a batch that takes the server too long is refused as a whole, so that the engine halves it.
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `CREATE TABLE slow (id int PRIMARY KEY);
		CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
		CREATE TRIGGER nap BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION nap()`)
	j := job("slow", connector.ModeInsert, "", "id")
	s, err := w.open(t, w.settings(t, "statementTimeout", 1.0)).Begin(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Write(t.Context(), batch(connector.Added, rowOf(j, num(1)), rowOf(j, num(2))))
	if !fault.Is(err, fault.CodeDestinationTimeout) || fault.ClassOf(err) != fault.Permanent || !strings.Contains(err.Error(), "statement timeout") {
		t.Errorf("%v", err)
	}
	if !s.Limits().Split {
		t.Error("the engine would not halve the batch")
	}
}

// FuzzText sends any text to a text column and to JSON.
func FuzzText(f *testing.F) {
	w := newWorld(f)
	w.exec(f, "CREATE TABLE fuzzed (id int PRIMARY KEY, a text, b text[], c jsonb)")
	j := job("fuzzed", connector.ModeUpsert, "id", "id", "a", "b", "c")
	s, err := w.open(f, w.settings(f)).Begin(f.Context(), j)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", `\N`, `\.`, "a\tb\nc\\", `{"a":"\u00e9"}`, "[1", `"`, "{}", "\v\b\f\r"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		row := rowOf(j, num(1), text(sent), value.OfList([]value.Value{text(sent)}), value.OfList([]value.Value{text(sent)}))
		row.Key = strconv.FormatInt(w.tables.Add(1), 10) // makes the batch another one than that of an earlier equal text
		refused := write(t, s, connector.Changed, row)
		if len(refused) > 0 {
			if sent == strings.ToValidUTF8(sent, "") && !strings.Contains(sent, "\x00") {
				t.Errorf("%q was refused: %v", sent, refused)
			}
			return
		}
		var a, b, c string
		if err := w.pool.QueryRow(t.Context(), "SELECT a, b[1], c->>0 FROM fuzzed").Scan(&a, &b, &c); err != nil {
			t.Fatal(err)
		}
		if a != sent || b != sent || c != sent {
			t.Errorf("sent %q, got %q, %q, %q", sent, a, b, c)
		}
	})
}
