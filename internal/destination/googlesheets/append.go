package googlesheets

import (
	"context"
	"errors"
	gosync "sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// adding is a run that adds rows after those of a sheet. Google knows no way to tell whether rows whose answer was
// lost were added: it is not idempotent.
type adding struct {
	plan

	first  *spreadsheet
	folder string

	mu     gosync.Mutex
	id     string // of the spreadsheet that is added to
	number int    // how many further ones are before it, with itself
	places []int  // of the columns in a row
	width  int
	empty  bool // there is no header yet
	unsure bool // the header row must be read again
}

var _ connector.Session = (*adding)(nil)

func beginAppend(ctx context.Context, p plan) (connector.Session, error) {
	s, err := p.api.read(ctx, p.sync.Spreadsheet)
	if err != nil {
		return nil, err
	}
	if _, err := s.target(p.sync.Sheet); err != nil {
		return nil, err
	}
	a := &adding{plan: p, first: s, id: s.ID}
	if p.sync.Overflow {
		if err := a.last(ctx); err != nil {
			return nil, err
		}
	}
	return a, a.arrange(ctx)
}

// last finds the last of the further spreadsheets.
func (a *adding) last(ctx context.Context) (err error) {
	if a.folder, err = a.api.folder(ctx, a.first); err != nil {
		return err
	}
	for n := 1; ; n++ {
		id, err := a.api.further(ctx, a.first, a.folder, n)
		if err != nil || id == "" {
			return err
		}
		a.id, a.number = id, n
	}
}

// arrange finds the place of each column in the header row, or that there is none yet.
func (a *adding) arrange(ctx context.Context) error {
	a.width, a.places, a.empty = len(a.job.Columns), make([]int, len(a.job.Columns)), false
	for i := range a.places {
		a.places[i] = i
	}
	if !a.sync.Header {
		return nil
	}
	names, err := a.api.row(ctx, a.id, a.sync.Sheet, a.at)
	if err != nil {
		return err
	}
	a.unsure = false
	if a.empty = len(names) == 0; a.empty {
		return nil
	}
	a.width = len(names)
	at := map[string]int{}
	for i, name := range names {
		if _, twice := at[name]; !twice {
			at[name] = i
		}
	}
	for i, c := range a.job.Columns {
		place, found := at[c.Name]
		if !found {
			return fault.Reclass(fault.New(fault.CodeDestinationSchema, "the header row of the sheet %q has no column %q", a.sync.Sheet, c.Name).WithPath("spec.mappings").
				WithSuggestion("Write the name into the header row, map the column to one of its names, or say that the sheet has no header row."), fault.Fatal)
		}
		a.places[i] = place
	}
	return nil
}

// Limits says how batches are made.
func (a *adding) Limits() connector.Limits {
	l := limits()
	l.Idempotency = connector.NotIdempotent
	return l
}

// Write adds a batch.
func (a *adding) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.api.within(b)()
	if a.unsure {
		if err := a.arrange(ctx); err != nil {
			return connector.Result{}, err
		}
	}
	t := tableOf(b, a.job.Columns, a.places, a.width, a.sync.Input)
	if len(t.rows) == 0 {
		return connector.Result{Rejected: t.rejected}, nil
	}
	err := a.add(ctx, t.rows, b.Record)
	for isFull(err) && a.sync.Overflow {
		if err := a.proceed(ctx, b.Record); err != nil {
			return connector.Result{}, err
		}
		t = tableOf(b, a.job.Columns, a.places, a.width, a.sync.Input)
		if err = a.add(ctx, t.rows, b.Record); isFull(err) {
			break // an empty spreadsheet has no room for them
		}
	}
	return connector.Result{Rejected: t.rejected}, err
}

// add appends rows, after the header where there is none yet.
func (a *adding) add(ctx context.Context, rows [][]any, record func(connector.Exchange)) error {
	table := cell(a.sync.Sheet, a.at.row, a.at.column)
	if a.empty {
		if err := a.api.add(ctx, a.id, table, inputRaw, replacing, [][]any{headerOf(a.job.Columns)}, record); err != nil {
			a.unsure = true
			return gatherFault(err) // whatever became of the header, none of the rows was added
		}
		a.empty = false
	}
	err := a.api.add(ctx, a.id, table, a.sync.Input, pushing, rows, record)
	if _, failed := errors.AsType[*serverError](err); failed {
		return fault.Reclass(err, fault.Unknown) // an error within Google says nothing about the rows
	}
	return err
}

// proceed makes the next spreadsheet.
func (a *adding) proceed(ctx context.Context, record func(connector.Exchange)) error {
	s, err := a.openFurther(ctx, a.first, a.folder, a.number+1, record)
	if err != nil {
		return err
	}
	a.id, a.number = s.ID, a.number+1
	return a.arrange(ctx)
}

// Finish has nothing to complete: every batch has its answer.
func (a *adding) Finish(context.Context) error { return nil }

// Close holds nothing.
func (a *adding) Close() error { return nil }
