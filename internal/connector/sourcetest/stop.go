package sourcetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// patience is how long the suite waits for what must happen soon. No test passes or fails by how much of it is
// used, except that a source that never stops fails.
const patience = time.Minute

// blindly is how long a statement gets to begin where nobody can see whether it has. The test holds either way;
// only later does it prove more.
const blindly = 300 * time.Millisecond

var tags atomic.Int64

func newTag() string { return fmt.Sprintf("conformance %d", tags.Add(1)) }

// testCancelledBefore proves that nothing begins with an ended context.
func testCancelledBefore(t *testing.T, w world) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := w.open(t, w.Settings)
	if _, err := consume(ctx, s, connector.Query{SQL: w.Rows(1)}); err == nil {
		t.Error("a query worked with a cancelled context")
	} else {
		w.checkError(t, w.Settings, err)
	}
	if _, err := s.Introspect(ctx); err == nil {
		t.Error("discovery worked with a cancelled context")
	}
}

// testCancelled proves that a statement that would run for hours ends, here and at the source, and that
// nothing of it is left.
func testCancelled(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	w.leavesNothing(t, func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		tag, ended := newTag(), make(chan error, 1)
		go func() {
			_, err := consume(ctx, s, connector.Query{SQL: w.Endless, Tag: tag})
			ended <- err
		}()
		if w.Running == nil {
			<-time.After(blindly)
		}
		w.awaitRunning(t, tag, true)
		cancel()
		select {
		case err := <-ended:
			w.checkStopped(t, err)
		case <-time.After(patience):
			t.Fatal("the query did not end with its context")
		}
		w.awaitRunning(t, tag, false)
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	after := w.open(t, w.Settings)
	if n, err := consume(t.Context(), after, connector.Query{SQL: w.Rows(3)}); n != 3 || err != nil {
		t.Errorf("after it, a query yields %d rows: %v", n, err)
	}
}

func (w world) checkStopped(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("the statement ended by itself: it is not endless")
	}
	w.checkError(t, w.Settings, err)
	if !fault.Is(err, fault.CodeSourceTimeout) {
		t.Errorf("code %s, want %s: %v", fault.As(err).Code, fault.CodeSourceTimeout, err)
	}
}

// awaitRunning waits until the source says that the statement runs, or that it does not any more. Where a
// source cannot say, it waits for nothing.
func (w world) awaitRunning(t *testing.T, tag string, want bool) {
	t.Helper()
	if w.Running == nil {
		return
	}
	await(t, fmt.Sprintf("the statement %q: running is %v", tag, want), func() bool { return w.Running(t, tag) == want })
}

// await polls; each look takes as long as the source needs to answer.
func await(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !reached(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("this did not happen: %s", what)
		}
	}
}

// leavesNothing runs f and proves that every goroutine that it started has ended.
func (w world) leavesNothing(t *testing.T, f func(ctx context.Context)) {
	t.Helper()
	label := newTag()
	pprof.Do(t.Context(), pprof.Labels("sourcetest", label), f)
	mark := fmt.Sprintf("%q:%q", "sourcetest", label)
	var left string
	await(t, "every goroutine ended", func() bool {
		var profile bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
			t.Fatal(err)
		}
		left = profile.String()
		return !strings.Contains(left, mark)
	})
}

// testReleased proves that rows that nobody wants any more end at the source.
func testReleased(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	w.leavesNothing(t, func(ctx context.Context) {
		tag := newTag()
		r, err := s.Query(ctx, connector.Query{SQL: w.Rows(3_000_000), Tag: tag})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Next() {
			t.Fatalf("no batch: %v", r.Err())
		}
		r.Retain()
		r.Release()
		if !r.Next() {
			t.Errorf("a retained reader ended: %v", r.Err())
		}
		r.Release()
		w.awaitRunning(t, tag, false)
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
}

// testClosed proves that a closed source has no rows for anybody, and can be closed again.
func testClosed(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	w.leavesNothing(t, func(ctx context.Context) {
		r, err := s.Query(ctx, connector.Query{SQL: w.Rows(3_000_000)})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Errorf("closing: %v", err)
			}
		}
		if n, err := drain(r); err == nil && n != 3_000_000 {
			t.Errorf("after closing, %d of the rows look like all of them", n)
		}
		r.Release()
	})
}

// testMemory proves that the memory of this process does not grow with the result, which is 400 MB here.
func testMemory(t *testing.T, w world) {
	const rows, most = 400_000, 160 << 20
	s := w.open(t, w.Settings)
	before := heap()
	r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT id, " + cmp.Or(w.Repeat, "repeat") + "(name, 100) AS name FROM (" + w.Rows(rows) + ") AS r"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var n int64
	for batch := 0; r.Next(); batch++ {
		n += r.RecordBatch().NumRows()
		if batch%8 != 0 {
			continue
		}
		if grown := heap() - before; grown > most {
			t.Fatalf("after %d rows the process holds %d MB more", n, grown>>20)
		}
	}
	if r.Err() != nil || n != rows {
		t.Errorf("%d rows, want %d: %v", n, rows, r.Err())
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// testWide reads rows of about 17 kB: batches are bounded by bytes, not only by rows.
func testWide(t *testing.T, w world) {
	const rows, most = 20_000, 64 << 20
	s := w.open(t, w.Settings)
	r := w.query(t, s, connector.Query{SQL: "SELECT id, " + cmp.Or(w.Repeat, "repeat") + "(name, 2000) AS name FROM (" + w.Rows(rows) + ") AS r"})
	var n int64
	for r.Next() {
		b := r.RecordBatch()
		n += b.NumRows()
		var size uint64
		for _, column := range b.Columns() {
			size += column.Data().SizeInBytes()
		}
		if size > most {
			t.Errorf("a batch of %d rows takes %d MB", b.NumRows(), size>>20)
		}
	}
	if r.Err() != nil || n != rows {
		t.Errorf("%d rows, want %d: %v", n, rows, r.Err())
	}
}
