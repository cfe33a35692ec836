package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/fault"
)

// made are rows that end with an error.
type made struct {
	left   int
	end    error
	closed []error
}

func (m *made) Append(columns []array.Builder) (int, error) {
	if m.left == 0 {
		return 0, m.end
	}
	m.left--
	columns[0].(*array.Int64Builder).Append(int64(m.left))
	return 8, nil
}

func (m *made) Close(cause error) { m.closed = append(m.closed, cause) }

// A connection that ends is not the end of the rows.
func TestReader(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	for _, c := range []struct {
		end  error
		rows int64
	}{{ErrEnd, 10_000}, {fmt.Errorf("reading: %w", io.EOF), batchRows}, {io.ErrUnexpectedEOF, batchRows}} {
		m := &made{left: 10_000, end: c.end}
		r := NewReader(schema, m)
		var n int64
		for r.Next() {
			n += r.RecordBatch().NumRows()
		}
		if failed := r.Err() != nil; n != c.rows || failed != !errors.Is(c.end, ErrEnd) {
			t.Errorf("%v: %d rows, %v", c.end, n, r.Err())
		}
		r.Release()
		if len(m.closed) != 1 || !errors.Is(m.closed[0], r.Err()) && r.Err() != nil {
			t.Errorf("%v: closed with %v", c.end, m.closed)
		}
	}
}

// A statement is stopped once, at the server too, whoever ends it; one that has ended is not.
func TestStatements(t *testing.T) {
	t.Parallel()
	var idle, stopped atomic.Int64
	s := &Statements{Idle: func() { idle.Add(1) }}
	begin := func(ctx context.Context) *Statement {
		x, err := s.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		x.OnStop(func(ctx context.Context) {
			if ctx.Err() != nil {
				t.Error("the server cannot be told")
			}
			stopped.Add(1)
		})
		return x
	}
	ended := begin(t.Context())
	ended.End()
	ended.Stop(ErrReleased)
	released := begin(t.Context())
	released.Stop(ErrReleased)
	released.Stop(ErrReleased)
	if n := stopped.Load(); n != 1 || !fault.Is(released.Explain(), fault.CodeSourceTimeout) {
		t.Errorf("stopped %d times: %v", n, released.Explain())
	}
	open := begin(t.Context())
	s.Close()
	if n := stopped.Load(); n != 2 || idle.Load() == 0 || !fault.Is(open.Explain(), fault.CodeSourceUnreachable) {
		t.Errorf("stopped %d times, idle %d: %v", n, idle.Load(), open.Explain())
	}
	if _, err := s.Begin(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed source begins: %v", err)
	}
}

// A statement that nobody wants any more is stopped as soon as its name is known.
func TestCall(t *testing.T) {
	t.Parallel()
	s := &Statements{}
	ctx, cancel := context.WithCancel(t.Context())
	x, err := s.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	answer, stopped := make(chan string), make(chan string)
	asked := make(chan struct{})
	go func() {
		<-asked
		cancel()
	}()
	_, err = Call(x, time.Minute, func(context.Context) (string, error) {
		close(asked)
		return <-answer, nil
	}, func(name string) { x.OnStop(func(context.Context) { stopped <- name }) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it waited: %v", err)
	}
	answer <- "query 1"
	if got := <-stopped; got != "query 1" {
		t.Errorf("stopped was %q", got)
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	x := Text{Sent: "/* é */ SELECT * FROM (SELECT é,\n  x\n) AS m", Own: "SELECT é,\n  x"}
	for _, c := range []struct {
		line, column int
		want         fault.Place
	}{{1, 24, fault.Place{Line: 1, Column: 1}}, {2, 3, fault.Place{Line: 2, Column: 3}}, {1, 3, fault.Place{}}, {3, 1, fault.Place{}}, {0, 0, fault.Place{}}} {
		if got := x.Place(c.line, c.column); got != c.want {
			t.Errorf("%d:%d is %+v, want %+v", c.line, c.column, got, c.want)
		}
	}
	if got := x.At(36); got != (fault.Place{Line: 2, Column: 3}) {
		t.Errorf("character 36 is at %+v", got)
	}
	if got := x.At(999); got != (fault.Place{}) {
		t.Errorf("a character behind the end is at %+v", got)
	}
}

func TestFirstWord(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"select 1": "SELECT", " -- DELETE\n/* x */WITH a": "WITH", "(SELECT 1)": "(", "": "", "-- all": "", "/* open": "", "DROP": "DROP", "1": "",
	} {
		if got := FirstWord(sql); got != want {
			t.Errorf("%q begins with %q, want %q", sql, got, want)
		}
	}
}
