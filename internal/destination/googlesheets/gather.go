package googlesheets

import (
	"context"
	gosync "sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// gather is a run that replaces a sheet, or makes a new one.
//
// It is idempotent: a batch that comes again within the run is not gathered twice, and a run that follows a crashed
// one gathers everything anew. A snapshot whose answer was lost may have been made; the next run then makes another.
type gather struct {
	plan

	first  *spreadsheet
	folder string // of the further spreadsheets, once it is known

	mu      gosync.Mutex
	books   []*book
	last    int // the number of the last of them: 0 is the first spreadsheet, then come further ones
	answers map[string]connector.Result
	closed  bool
}

var _ connector.Session = (*gather)(nil)

func beginGather(ctx context.Context, p plan) (connector.Session, error) {
	g := &gather{plan: p, answers: map[string]connector.Result{}}
	err := p.api.patiently(ctx, func() error {
		s, err := p.api.read(ctx, p.sync.Spreadsheet) // again each time: what was made before a failure is there
		if err != nil {
			return err
		}
		g.first, g.books, g.last = s, nil, 0
		b, err := openBook(ctx, p, s)
		if isFull(err) && p.sync.Overflow && p.job.Mode == connector.ModeSnapshot {
			return gatherFault(g.proceed(ctx, nil))
		}
		g.books = []*book{b}
		return gatherFault(err)
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Limits of batches. Google recommends at most 2 MB for a request.
// https://developers.google.com/workspace/sheets/api/limits
const (
	batchRows   = 5000
	batchBytes  = 1_500_000
	maxAttempts = 5
)

func limits() connector.Limits {
	return connector.Limits{
		Rows: batchRows, Bytes: batchBytes, Concurrency: 1,
		Rates:      rates(),
		Operations: []connector.Operation{connector.Added},
		Split:      true, OneKind: true,
		Retry: connector.RetryPolicy{Attempts: maxAttempts},
	}
}

// Limits says how batches are made.
func (g *gather) Limits() connector.Limits {
	l := limits()
	l.Deferred, l.Idempotency = true, connector.Idempotent
	return l
}

// Write gathers a batch.
func (g *gather) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if answer, again := g.answers[b.ID]; again {
		b.Record(connector.Exchange{Method: "PUT", URL: sheetsAPI, StartedAt: time.Now(), RequestHeaders: []connector.Header{{Name: "Rows", Value: "0"}}})
		return answer, nil
	}
	places := make([]int, len(g.job.Columns))
	for i := range places {
		places[i] = i
	}
	t := tableOf(b, g.job.Columns, places, len(places), g.sync.Input)
	defer g.api.within(b)()
	begun, at, last := len(g.books), g.books[len(g.books)-1].next, g.last
	if err := g.add(ctx, t.rows, b.Record); err != nil {
		g.forget(begun, at)
		g.last = last
		return connector.Result{}, gatherFault(err)
	}
	g.answers[b.ID] = connector.Result{Rejected: t.rejected}
	return g.answers[b.ID], nil
}

// gatherFault says that nothing was taken where that is not known: what may have been gathered is overwritten.
func gatherFault(err error) error {
	if err != nil && fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable)
	}
	return err
}

// add writes rows to the last spreadsheet, and to further ones when it is full.
func (g *gather) add(ctx context.Context, rows [][]any, record func(connector.Exchange)) error {
	for len(rows) > 0 {
		b := g.books[len(g.books)-1]
		n := min(len(rows), b.end-b.next)
		if n == 0 {
			if err := g.proceed(ctx, record); err != nil {
				return err
			}
			continue
		}
		if err := b.write(ctx, rows[:n], g.sync.Input, record); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// forget takes back what a batch gathered that is not taken. A further spreadsheet that was begun with it is found
// again when the batch comes again.
func (g *gather) forget(books, next int) {
	g.books = g.books[:books]
	last := g.books[books-1]
	last.next, last.dirty = next, true
}

// proceed begins another spreadsheet.
func (g *gather) proceed(ctx context.Context, record func(connector.Exchange)) error {
	if len(g.books) > 0 && g.at.height > 0 && g.books[len(g.books)-1].end == g.at.row+g.at.height {
		return fault.Reclass(fault.New(fault.CodeDestinationRejected, "the range %s has no room for more rows", g.sync.Range).WithPath("spec.settings.range").
			WithSuggestion("Give it more rows, or leave its last row away, as in A1:Z."), fault.Fatal)
	}
	if !g.sync.Overflow {
		return fault.Reclass(fault.Wrap(&fullError{"the rows need more cells than a spreadsheet has"}, fault.CodeDestinationRejected, "gathering rows").WithSuggestion("%s", fullAdvice), fault.Fatal)
	}
	for n := g.last + 1; ; n++ {
		s, err := g.openFurther(ctx, n, record)
		if err != nil {
			return err
		}
		b, err := openBook(ctx, g.plan, s)
		if isFull(err) && g.job.Mode == connector.ModeSnapshot {
			continue // earlier snapshots fill it
		}
		if err == nil {
			g.books, g.last = append(g.books, b), n
		}
		return err
	}
}

// openFurther finds or makes the n-th further spreadsheet, and the sheet in it.
func (g *gather) openFurther(ctx context.Context, n int, record func(connector.Exchange)) (*spreadsheet, error) {
	if g.folder == "" {
		var err error
		if g.folder, err = g.api.folder(ctx, g.first); err != nil {
			return nil, err
		}
	}
	return g.plan.openFurther(ctx, g.first, g.folder, n, record)
}

// openFurther finds or makes the n-th further spreadsheet of one, and the sheet in it.
func (p plan) openFurther(ctx context.Context, first *spreadsheet, folder string, n int, record func(connector.Exchange)) (*spreadsheet, error) {
	id, err := p.api.further(ctx, first, folder, n)
	if err != nil {
		return nil, err
	}
	made := id == ""
	if made {
		if id, err = p.api.makeFurther(ctx, first, folder, n, record); err != nil {
			return nil, err
		}
	}
	s, err := p.api.read(ctx, id)
	if err != nil || p.job.Mode == connector.ModeSnapshot {
		return s, err
	}
	if _, found := s.find(p.sync.Sheet); found {
		return s, nil
	}
	name := edit{"addSheet": map[string]any{"properties": map[string]any{"title": p.sync.Sheet}}}
	if made && len(s.Sheets) == 1 {
		name = setProperties(map[string]any{"sheetId": s.Sheets[0].Properties.ID, "title": p.sync.Sheet}, "title")
	}
	if _, err := p.api.change(ctx, id, "naming the sheet of the spreadsheet "+furtherName(first, n), record, name); err != nil {
		return nil, err
	}
	return p.api.read(ctx, id)
}

// Finish puts the rows in their place, in one step for each spreadsheet, and empties further spreadsheets that an
// earlier run filled.
func (g *gather) Finish(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range g.books {
		if b.done {
			continue
		}
		if err := b.publish(ctx); err != nil {
			return g.unfinished(err)
		}
	}
	if !g.sync.Overflow || g.job.Mode != connector.ModeAll {
		return nil
	}
	return g.emptyRest(ctx)
}

// unfinished says what a reader of the spreadsheets finds when not all of them have the new rows.
func (g *gather) unfinished(err error) error {
	done := 0
	for _, b := range g.books {
		if b.done {
			done++
		}
	}
	if done == 0 {
		return err
	}
	e := fault.As(err)
	return fault.Reclass(fault.Wrap(err, e.Code, "%d of %d spreadsheets have the new rows, the others still the previous ones", done, len(g.books)).WithSuggestion("%s", e.Hint()), e.Class)
}

func (g *gather) emptyRest(ctx context.Context) error {
	if g.folder == "" {
		var err error
		if g.folder, err = g.api.folder(ctx, g.first); err != nil {
			return err
		}
	}
	for n := g.last + 1; ; n++ {
		id, err := g.api.further(ctx, g.first, g.folder, n)
		if err != nil || id == "" {
			return err
		}
		s, err := g.api.read(ctx, id)
		if err != nil {
			return err
		}
		target, found := s.find(g.sync.Sheet)
		if old := g.at.on(target.ID, target.Grid); found && old.StartRow < old.EndRow && old.StartColumn < old.EndColumn {
			err = g.api.patiently(ctx, func() error {
				_, err := g.api.change(ctx, id, "emptying the spreadsheet "+furtherName(g.first, n), nil, clearValues(old))
				return err
			})
		}
		if err != nil {
			return err
		}
	}
}

// closeTime is how long the deletion of hidden sheets may take.
const closeTime = 20 * time.Second

// Close deletes what was gathered and is not in its place.
func (g *gather) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	g.api.pace = nil // a run that was stopped waits for nothing
	for _, b := range g.books {
		b.discard(ctx)
	}
	return nil
}
