package chat

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Gather is a run whose rows go into one message when it is over. Until then nothing is sent, so that gathering twice
// does no harm; a run that dies while it posts may have posted, and the next one posts again.
type Gather struct {
	connector.Session // the manifest's own

	run     *manifest.Run
	most    int    // bytes of the rows' texts
	advice  string // what to do where they are too many
	columns []int  // of the model's schema
	post    func(ctx context.Context, t Table) error

	mu    sync.Mutex
	table Table
	size  int
	seen  map[string]bool
}

// Table is rows as texts.
type Table struct {
	Names []string
	Rows  [][]string
}

// Columns is the setting with the names of the columns that a table has; all where it is empty.
const Columns = "columns"

// NewGather returns a session that posts all rows at the end. Rows of more than most bytes end the run with an advice.
func NewGather(r *manifest.Run, most int, advice string, post func(ctx context.Context, t Table) error) (*Gather, error) {
	g := &Gather{Session: r.Session(), run: r, most: most, advice: advice, post: post, seen: map[string]bool{}}
	schema := r.Job().Model.Schema
	names := r.Job().Settings.List(Columns)
	if len(names) == 0 {
		names = schema.Names()
	}
	for _, name := range names {
		at := schema.Index(name)
		if at < 0 {
			return nil, fault.Reclass(fault.New(fault.CodeMappingColumn, "the model has no column %q", name).WithPath("spec.settings."+Columns).
				WithSuggestion("Take it out of the sync's columns, or add it to the model."), fault.Fatal)
		}
		g.columns, g.table.Names = append(g.columns, at), append(g.table.Names, name)
	}
	return g, nil
}

// Limits says how batches are made.
func (g *Gather) Limits() connector.Limits {
	l := g.Session.Limits()
	l.Deferred, l.Idempotency, l.Concurrency, l.Rates = true, connector.Idempotent, 1, nil
	return l
}

// Write gathers a batch.
func (g *Gather) Write(_ context.Context, b *connector.Batch) (connector.Result, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen[b.ID] {
		return connector.Result{}, nil
	}
	for i := range b.Rows {
		row := make([]string, len(g.columns))
		for c, at := range g.columns {
			row[c] = text(b.Rows[i].Source[at])
			g.size += len(row[c]) + 1
		}
		if g.size > g.most {
			return connector.Result{}, g.tooMuch()
		}
		g.table.Rows = append(g.table.Rows, row)
	}
	g.seen[b.ID] = true
	b.Record(connector.Exchange{Method: "GATHER", StartedAt: time.Now(), RequestHeaders: []connector.Header{{Name: "Rows", Value: strconv.Itoa(len(b.Rows))}}})
	return connector.Result{}, nil
}

func text(v value.Value) string {
	if v.IsNull() {
		return ""
	}
	return v.String()
}

func (g *Gather) tooMuch() error { return TooMuch(g.most, g.advice) }

// TooMuch is the error of rows that do not fit into a message.
func TooMuch(most int, advice string) error {
	return fault.Reclass(fault.New(fault.CodeDestinationRejected, "the rows need more than the %d bytes that one message takes", most).
		WithSuggestion("%s", advice), fault.Fatal)
}

// Finish posts the rows. A run without rows posts nothing.
func (g *Gather) Finish(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.table.Rows) == 0 {
		return nil
	}
	return g.post(ctx, g.table)
}

// attempts is how often a request after the last batch is made, where nothing came of it.
const attempts = 5

// Patiently does something again while nothing came of it, after the wait that the vendor asks for. The engine does that
// for batches only.
func Patiently(ctx context.Context, r *manifest.Run, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		class := fault.ClassOf(err)
		if err == nil || n == attempts || class != fault.Throttled && class != fault.Retryable {
			return err
		}
		if waited := r.Wait(ctx, max(fault.As(err).After, time.Second)); waited != nil {
			return fault.Reclass(waited, fault.Retryable)
		}
	}
}
