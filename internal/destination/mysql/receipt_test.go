package mysql_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
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
		t.Error(err)
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
	same(t, string(s.Limits().Idempotency), string(connector.Transactional))
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

	same(t, w.text(t, "SELECT count(*) FROM millrace_receipts"), "2")
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, w.text(t, "SELECT count(*) FROM millrace_receipts"), "0")
	w.exec(t, "INSERT INTO millrace_receipts VALUES ('gone', 'x', NULL, now() - interval 31 day), ('kept', 'x', NULL, now() - interval 29 day)")
	begin(t, w, j)
	same(t, w.text(t, "SELECT session FROM millrace_receipts"), "kept")
}

// TestResolveWaits proves that a transaction that is still under way is not taken for one that failed.
func TestResolveWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE waited (id int PRIMARY KEY)")
	j := job("waited", connector.ModeInsert, "", "id")
	s := begin(t, w, j)
	blocker, err := w.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blocker.ExecContext(t.Context(), "INSERT INTO waited VALUES (1)"); err != nil {
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
	w.until(t, "SELECT count(*) = 1 FROM millrace_receipts") // not committed
	resolved := make(chan connector.Resolution, 1)
	d := w.open(t, w.settings(t))
	go func() { resolved <- resolve(t, d, *token) }()
	w.until(t, "SELECT count(*) = 1 FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO LIKE 'INSERT IGNORE%'")
	if err := blocker.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	same(t, string(<-resolved), string(connector.ResolvedTaken))
}

// until asks a question until its answer is yes. What the server tells of transactions that wait is no such question:
// who asks again at once is told the same.
func (w *world) until(t *testing.T, question string) {
	t.Helper()
	c, err := w.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // it only asked
	if _, err := c.ExecContext(t.Context(), "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"); err != nil {
		t.Fatal(err)
	}
	for yes := false; !yes; {
		if err := c.QueryRowContext(t.Context(), question).Scan(&yes); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.ExecContext(t.Context(), "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"); err != nil {
		t.Fatal(err)
	}
}

// user makes a user with a password, who goes with the test. Users belong to the whole server.
func (w *world) user(t *testing.T, grants ...string) string {
	t.Helper()
	user := fmt.Sprintf("u%d_%d", w.tables.Add(1), len(w.config.DBName))
	user += "_" + w.config.DBName[len(w.config.DBName)-12:]
	w.exec(t, "CREATE USER '"+user+"'@'%' IDENTIFIED BY 'pass-word'")
	t.Cleanup(func() { w.exec(t, "DROP USER '"+user+"'@'%'") })
	for _, grant := range grants {
		w.exec(t, "GRANT "+grant+" TO '"+user+"'@'%'")
	}
	return user
}

// TestWithoutReceipts: a user who may not make a table does without receipts, and so does a table without transactions.
func TestWithoutReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE bare (id int PRIMARY KEY, a text); CREATE TABLE old (id int PRIMARY KEY, a text) ENGINE = MyISAM")
	user := w.user(t, "SELECT, INSERT, UPDATE, DELETE ON bare")
	for i, c := range []struct {
		table, user string
		mode        connector.Mode
		want        connector.Idempotency
	}{
		{"bare", user, connector.ModeUpsert, connector.Idempotent},
		{"bare", user, connector.ModeUpdate, connector.Idempotent},
		{"bare", user, connector.ModeInsert, connector.NotIdempotent},
		{"old", "", connector.ModeUpsert, connector.Idempotent},
	} {
		settings := w.settings(t)
		if c.user != "" {
			settings = w.settings(t, "user", c.user, "password", "pass-word")
		}
		j := job(c.table, c.mode, "id", "id", "a")
		s, err := w.open(t, settings).Begin(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		same(t, string(s.Limits().Idempotency), string(c.want))
		none(t, write(t, s, connector.Added, rowOf(j, num(int64(i)), text("x"))))
		if err := errors.Join(s.Finish(t.Context()), s.Close()); err != nil {
			t.Error(err)
		}
	}
	same(t, w.text(t, "SELECT count(*) FROM bare UNION ALL SELECT count(*) FROM old"), "2\n1")
}

// cutter is a proxy that cuts a connection when the client commits: after the server has answered, or before it hears
// of it.
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
		if bytes.HasSuffix(buffer[:n], []byte("\x03COMMIT")) && c.armed.CompareAndSwap(true, false) {
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
	w.exec(t, "CREATE TABLE lost (id int, a text)")
	j := job("lost", connector.ModeInsert, "", "id", "a")
	for _, after := range []bool{true, false} {
		c := &cutter{server: w.config.Addr, after: after}
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
		same(t, w.text(t, "SELECT count(*) FROM lost"), "1")
		w.exec(t, "DELETE FROM lost")
	}

	w.exec(t, "DROP TABLE millrace_receipts")
	user := w.user(t, "SELECT, INSERT ON lost")
	c := &cutter{server: w.config.Addr, after: true}
	s, err := w.open(t, w.settings(t, "port", c.serve(t), "user", user, "password", "pass-word")).Begin(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	c.armed.Store(true)
	if _, err = s.Write(t.Context(), batch(connector.Added, rowOf(j, num(1), text("x")))); fault.ClassOf(err) != fault.Unknown || !fault.Is(err, fault.CodeDestinationUnknown) {
		t.Errorf("without receipts nobody knows, and the answer is %v (%s)", err, fault.ClassOf(err))
	}
}

// TestLocks: a batch that the server gives up for another transaction's sake is sent again.
//
// Req: SY-76
func TestLocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE locked (id int PRIMARY KEY, a text); INSERT INTO locked VALUES (1, 'x'), (2, 'x')")
	j := job("locked", connector.ModeUpsert, "id", "id", "a")
	s := begin(t, w, j)
	other, err := w.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 { // the server gives up whoever has changed less
		if _, err := other.ExecContext(t.Context(), "INSERT INTO locked SELECT max(id) + 1, 'x' FROM locked"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.ExecContext(t.Context(), "UPDATE locked SET a = 'y' WHERE id = 2"); err != nil {
		t.Fatal(err)
	}
	b := batch(connector.Changed, rowOf(j, num(1), text("new")), rowOf(j, num(2), text("new")))
	written := make(chan error, 1)
	go func() {
		_, err := s.Write(t.Context(), b)
		written <- err
	}()
	w.until(t, "SELECT count(*) = 0 FROM (SELECT id FROM locked WHERE id = 1 FOR UPDATE SKIP LOCKED) AS free") // the batch holds it, and goes on to row 2
	if _, err := other.ExecContext(t.Context(), "UPDATE locked SET a = 'y' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	if err := <-written; fault.ClassOf(err) != fault.Retryable || !strings.Contains(err.Error(), "Deadlock") {
		t.Errorf("%v (%s)", err, fault.ClassOf(err))
	}
	if err := other.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), b); err != nil {
		t.Error(err)
	}
	same(t, w.text(t, "SELECT a FROM locked WHERE id < 3"), "new\nnew")
}

// TestInsertIsWhole: a batch that is added is taken whole or not at all, so that its receipt says what was added.
//
// Req: SY-39, SY-78
func TestInsertIsWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE whole (id int, n int)")
	j := job("whole", connector.ModeInsert, "", "id", "n")
	s := begin(t, w, j)
	for _, bad := range []connector.Row{rowOf(j, num(2), text("two")), rowOf(j, num(2), num(1<<40))} {
		_, err := s.Write(t.Context(), batch(connector.Added, rowOf(j, num(1), num(1)), bad))
		if !fault.Is(err, fault.CodeDestinationRejected) || fault.ClassOf(err) != fault.Permanent || strings.Contains(err.Error(), "two") || !s.Limits().Split {
			t.Errorf("%v (%s)", err, fault.ClassOf(err))
		}
	}
	same(t, w.text(t, "SELECT count(*) FROM whole"), "0")
}
