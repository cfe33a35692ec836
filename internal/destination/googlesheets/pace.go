package googlesheets

import (
	"context"
	"net/http"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Classes of limits: what Google counts apart. Requests to Drive count in none: its limits are thousands in a minute.
// https://developers.google.com/workspace/drive/api/guides/limits
const (
	writings = "writings"
	readings = "readings"
)

// perMinute is how many requests of a class runs make: Google allows a user 60, and the rest is for forms, tests of the
// connection and what ends a run that failed. https://developers.google.com/workspace/sheets/api/limits
const perMinute = 50

// rates are the limits that all runs of an account share. One batch is under way at a time.
func rates() []connector.Rate {
	return []connector.Rate{
		{Requests: perMinute, Window: time.Minute, Class: writings}, {Requests: 1, Class: writings},
		{Requests: perMinute, Window: time.Minute, Class: readings, Only: true},
	}
}

// pace lets requests through, of a batch or of a run besides its batches. Nil: nobody paces.
type pace struct {
	next func(context.Context, connector.Turn) error
	hold func(context.Context, time.Duration)
}

// outside paces what a run asks besides batches.
func outside(job connector.SyncJob) *pace {
	if job.Pace == nil {
		return nil
	}
	return &pace{
		next: func(ctx context.Context, t connector.Turn) error { return job.Pace.Next(ctx, rates(), t) },
		hold: func(ctx context.Context, after time.Duration) { job.Pace.Hold(ctx, rates(), after) },
	}
}

// ofBatch paces the requests of a batch.
func ofBatch(b *connector.Batch) *pace {
	if b.Next == nil || b.Hold == nil {
		return nil
	}
	return &pace{b.Next, b.Hold}
}

// paced is the API for one run, which is the only one to use it.
func (a *api) paced(p *pace) *api {
	own := *a
	own.pace = p
	return &own
}

// within counts requests to a batch until the function that it returns is called. One batch at a time.
func (a *api) within(b *connector.Batch) (end func()) {
	run := a.pace
	a.pace = ofBatch(b)
	return func() { a.pace = run }
}

// wait waits until the limits allow the request. The error is an *unsent.
func (p *pace) wait(ctx context.Context, c call) error {
	class := c.class()
	if p == nil || class == "" {
		return nil
	}
	if err := p.next(ctx, connector.Turn{Counts: func(limit string) bool { return limit == class }}); err != nil {
		return &unsent{err}
	}
	return nil
}

// asked tells everybody with the account that Google asks to wait.
func (p *pace) asked(ctx context.Context, c call, err error) {
	if e := fault.As(err); p != nil && c.class() != "" && e.Class == fault.Throttled {
		p.hold(ctx, e.After)
	}
}

// class is what Google counts a request in.
func (c call) class() string {
	switch {
	case c.api != sheetsAPI:
		return ""
	case c.method == http.MethodGet:
		return readings
	default:
		return writings
	}
}

// unsent is the error of a request that the limits did not allow: nothing was asked of Google.
type unsent struct{ error }

// Unwrap returns what the limits said.
func (u *unsent) Unwrap() error { return u.error }
