package trigger

import (
	"slices"
	"time"

	"github.com/millrace/millrace/internal/connector"
)

// When what failed is sent again.
const (
	RetryNow  = "now"
	RetryNext = "next_run"
)

// The windows of rate limits.
const (
	PerSecond = "second"
	PerMinute = "minute"
	PerHour   = "hour"
)

var windows = map[string]time.Duration{PerSecond: time.Second, PerMinute: time.Minute, PerHour: time.Hour}

// safeShare is how much of a rate limit is used: network delays bunch requests together.
const safeShare = 0.98

// Pace is how fast requests are made, and what becomes of those that fail.
type Pace struct {
	RateLimit   int    `json:"rateLimit"`
	RateWindow  string `json:"rateWindow"`
	Concurrency int    `json:"concurrency"`
	Retry       string `json:"retry"`
	Retries     int    `json:"retries"`
}

// Limits returns the limits of a run: batches of one row, in the given kind of idempotency.
func (p Pace) Limits(job connector.SyncJob, i connector.Idempotency) connector.Limits {
	l := connector.Limits{
		Rows: 1, Bytes: MaxBytes, Concurrency: p.Concurrency, WaitOut: true, OneKind: true, Idempotency: i,
		Retry: connector.RetryPolicy{Attempts: 1}, SkipInitial: SkipsInitial(job),
	}
	if p.RateLimit > 0 {
		safe := max(1, int(float64(p.RateLimit)*safeShare))
		l.Rates = []connector.Rate{{Requests: safe, Window: windows[p.RateWindow]}}
	}
	if p.Retry == RetryNow {
		l.Retry.Attempts = 1 + p.Retries
	}
	return l
}

// Feed is how a session is fed: each operation with limits of its own. It is a connector.OperationLimiter.
type Feed map[connector.Operation]connector.Limits

// Share makes what is about the whole run the same in every operation's limits. source says that rows are read by their
// columns.
func (f Feed) Share(source bool) {
	var ops []connector.Operation
	for _, op := range connector.Operations {
		if _, fed := f[op]; fed {
			ops = append(ops, op)
		}
	}
	for op, l := range f {
		l.Operations, l.NeedSource = ops, source
		f[op] = l
	}
}

// Concurrency is the most that any operation has in flight.
func (f Feed) Concurrency() int {
	n := 1
	for _, l := range f {
		n = max(n, l.Concurrency)
	}
	return n
}

// Limits returns what all operations can keep to together, for whoever asks once.
func (f Feed) Limits() connector.Limits {
	var all connector.Limits
	for _, op := range connector.Operations {
		l, fed := f[op]
		switch {
		case !fed:
		case all.Rows == 0:
			all = l
		default:
			all.Rows = min(all.Rows, l.Rows)
			all.Concurrency = min(all.Concurrency, l.Concurrency)
			all.Rates = append(slices.Clip(all.Rates), l.Rates...)
			all.Split = all.Split && l.Split
			all.Idempotency = connector.Weaker(all.Idempotency, l.Idempotency)
			all.Retry.Attempts = min(all.Retry.Attempts, l.Retry.Attempts)
		}
	}
	return all
}

// LimitsOf returns the limits of one operation.
func (f Feed) LimitsOf(op connector.Operation) connector.Limits {
	if l, fed := f[op]; fed {
		return l
	}
	return f.Limits()
}
