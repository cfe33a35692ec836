package run_test

import (
	"context"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sync/run"
)

// rowsEnv names the environment variable that says how many rows the model of TestMemory has.
const rowsEnv = "MILLRACE_TEST_ROWS"

// maxHeap is what the process may hold of its own, whatever the model's size.
const maxHeap = 512 << 20

// A run holds neither the model nor the plan in memory: not when every row is added, refused or changed, and not
// when one row is huge. It is not parallel, since it looks at the process.
//
// Req: FLD-17
func TestMemory(t *testing.T) { //nolint:paralleltest // see above
	rows := 150_000
	if text := os.Getenv(rowsEnv); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		rows = n
	}
	w := newWorld(t, dbtest.SQLite(t))
	var taken atomic.Int64
	w.target.limits.Rows = 1000
	refusing := 0 // every how many rows
	w.target.count = func(b *connector.Batch) connector.Result {
		taken.Add(int64(len(b.Rows)))
		var r connector.Result
		for i, row := range b.Rows {
			if refusing > 0 && i%refusing == 0 {
				r.Rejected = append(r.Rejected, connector.Rejection{Row: i, Reason: "row " + row.Key + " is refused: " + strings.Repeat("why ", 20)})
			}
		}
		return r
	}
	peak := watchHeap(t)
	for version, every := range []int{0, 1, 2, 0} {
		refusing = every
		w.query = func(context.Context) (array.RecordReader, error) {
			return &generated{rows: rows, version: version}, nil
		}
		before := taken.Load()
		got := w.run(run.Options{})
		want := int64(0)
		if every > 0 {
			want = int64(rows / every)
		}
		if got.State != run.Committed || taken.Load()-before != int64(rows) || got.Counts.Failed.Total() != want {
			t.Fatalf("version %d: %s %+v, %+v", version, got.State, got.Failure, got.Counts)
		}
	}
	t.Logf("%d rows, the heap had %d MiB at most", rows, peak()>>20)
	if peak() > maxHeap {
		t.Errorf("the heap grew to %d MiB", peak()>>20)
	}
}

// watchHeap samples the heap until the test ends.
func watchHeap(t *testing.T) (peak func() uint64) {
	var most atomic.Uint64
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				metrics.Read(sample)
				most.Store(max(most.Load(), sample[0].Value.Uint64()))
			}
		}
	}()
	return most.Load
}

// generated is a model of three columns that is made as it is read. One of its rows has a text of 20 MB.
type generated struct {
	rows, version int
	next          int
	batch         arrow.RecordBatch
}

var generatedSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "name", Type: arrow.BinaryTypes.String}, {Name: "score", Type: arrow.PrimitiveTypes.Int64},
}, nil)

func (g *generated) Schema() *arrow.Schema { return generatedSchema }

func (g *generated) Next() bool {
	g.Release()
	if g.next >= g.rows {
		return false
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, generatedSchema)
	defer b.Release()
	for range min(8192, g.rows-g.next) {
		name := "name " + strconv.Itoa(g.next) + " version " + strconv.Itoa(g.version)
		if g.next == g.rows/2 {
			name += strings.Repeat("x", 20<<20)
		}
		b.Field(0).(*array.Int64Builder).Append(int64(g.next))
		b.Field(1).(*array.StringBuilder).Append(name)
		b.Field(2).(*array.Int64Builder).Append(1)
		g.next++
	}
	g.batch = b.NewRecordBatch()
	return true
}

func (g *generated) RecordBatch() arrow.RecordBatch { return g.batch }
func (g *generated) Record() arrow.RecordBatch      { return g.batch }
func (g *generated) Err() error                     { return nil }
func (g *generated) Retain()                        {}

func (g *generated) Release() {
	if g.batch != nil {
		g.batch.Release()
		g.batch = nil
	}
}
