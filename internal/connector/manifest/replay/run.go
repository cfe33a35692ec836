package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// began is when every run of a case began.
var began = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// Outcome is what came of a case.
type Outcome struct {
	Requests string   // what left
	Result   string   // what became of the rows, or what else was asked
	Faults   []string // what the judge found
	Unasked  int      // answers that nothing asked for
}

// Judge looks at a request and says what is wrong with it, or nothing.
type Judge interface {
	Problem(r *http.Request, body []byte) string
}

// Run does what the case is about. Nothing but this machine is reached. The judge may be nil.
func (c *Case) Run(ctx context.Context, info connector.DestinationInfo, judge Judge) Outcome {
	return c.replay(ctx, info, c.vendor(judge))
}

// RunWithin is Run for a case that may wait for ever: an error says what it was waiting for when the time was over.
func (c *Case) RunWithin(ctx context.Context, limit time.Duration, info connector.DestinationInfo, judge Judge) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	v := c.vendor(judge)
	over := make(chan Outcome, 1)
	go func() { over <- c.replay(ctx, info, v) }()
	select {
	case o := <-over:
		if ctx.Err() == nil {
			return o, nil
		}
	case <-ctx.Done():
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Outcome{}, context.Cause(ctx)
	}
	return Outcome{}, fault.New(fault.CodeInvalid, "the case was not over within %s; it was waiting %s", limit, v.waitedFor())
}

func (c *Case) vendor(judge Judge) *vendor {
	v := &vendor{answers: c.Answers, watch: c.watch}
	if c.Job.Spec == nil || *c.Job.Spec {
		v.judge = judge
	}
	return v
}

func (c *Case) replay(ctx context.Context, info connector.DestinationInfo, v *vendor) Outcome {
	server := httptest.NewServer(v)
	defer server.Close()
	result := c.run(ctx, info, server.URL)
	plain := func(text string) string { return strings.ReplaceAll(text, server.URL, vendorName) }
	return Outcome{Requests: plain(v.log.String()), Result: plain(result), Faults: v.faults, Unasked: len(v.answers)}
}

// run does what a case is about against a server, and says what came of it.
func (c *Case) run(ctx context.Context, info connector.DestinationInfo, address string) string {
	settings := connector.Settings{}
	maps.Copy(settings, c.Job.Connection)
	settings["baseUrl"] = address
	d, err := info.Open(connector.DestinationOptions{
		Settings: settings.WithDefaults(info.Fields), Clock: clock.NewManual(began), Log: slog.New(slog.DiscardHandler), State: connector.Memory(),
	})
	if err != nil {
		return "open: " + told(err)
	}
	defer d.Close() //nolint:errcheck // nothing depends on it
	job := c.job(info)
	switch {
	case c.Job.Test:
		return "test: " + told(c.watch.failed(d.Test(ctx)))
	case c.Job.Fields:
		return c.fieldsOf(ctx, d, job)
	case c.Job.List != "":
		return c.listOf(ctx, d, job)
	case c.Job.Audiences:
		return c.audiencesOf(ctx, info, d, job)
	case c.Job.Quality:
		return c.qualityOf(ctx, d, job)
	case c.Job.Check:
		return "check: " + told(d.Check(job))
	default:
		return c.send(ctx, d, job)
	}
}

// told writes an error with its class and its advice.
func told(err error) string {
	if err == nil {
		return "ok\n"
	}
	if issues, ok := errors.AsType[fault.Issues](err); ok {
		return strings.ReplaceAll(issues.Error(), "\n", "\n  ") + "\n"
	}
	e := fault.As(err)
	text := fmt.Sprintf("%s %s: %s", e.Class, e.Code, e.Error())
	if e.After > 0 {
		text += fmt.Sprintf(" (after %s)", e.After)
	}
	if e.Suggestion != "" {
		text += "\n  " + e.Suggestion
	}
	return text + "\n"
}

func (c *Case) job(info connector.DestinationInfo) connector.SyncJob {
	job := connector.SyncJob{
		SyncID: 7, SyncSlug: "people", RunID: 9, StartedAt: began, Type: c.Job.Type, Mode: c.Job.Mode, Delete: c.Job.Delete,
		FirstRun: c.Job.First, Rows: int64(len(c.Rows)),
		Model: connector.ModelInfo{ID: 3, Name: c.Job.Model.Name, Slug: "people", PrimaryKey: c.key()},
	}
	if job.Model.Name == "" {
		job.Model.Name = "People"
	}
	for _, name := range c.columns() {
		job.Model.Schema = append(job.Model.Schema, value.Column{Name: name})
	}
	if t, err := info.SyncType(c.Job.Type); err == nil {
		job.Settings = c.Job.Settings.WithDefaults(t.Fields)
	}
	for _, p := range c.Job.Match {
		job.Match = append(job.Match, connector.MatchPair{From: p.From, To: p.To})
	}
	for _, p := range c.Job.Mappings {
		job.Columns = append(job.Columns, connector.TargetColumn{Name: p.To, From: p.From, Omit: p.Omit})
	}
	return job
}

func (c *Case) key() string {
	if c.Job.Model.Key != "" {
		return c.Job.Model.Key
	}
	return "id"
}

func (c *Case) fieldsOf(ctx context.Context, d connector.Destination, job connector.SyncJob) string {
	fields, err := d.(connector.FieldLister).TargetFields(ctx, job) //nolint:forcetypeassert // every manifest's is one
	if c.watch.failed(err) != nil {
		return "fields: " + told(err)
	}
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%s (%s): %s, %s", f.Name, f.Label, f.Type, f.Native)
		for _, flag := range []struct {
			on   bool
			word string
		}{{f.Required, "required"}, {f.Match, "match"}, {f.ReadOnly, "read-only"}} {
			if flag.on {
				b.WriteString(", " + flag.word)
			}
		}
		for i, o := range f.Options {
			b.WriteString(map[bool]string{true: "; one of ", false: ", "}[i == 0] + o.Value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (c *Case) listOf(ctx context.Context, d connector.Destination, job connector.SyncJob) string {
	options, err := d.(connector.OptionLister).ListOptions(ctx, c.Job.List, job) //nolint:forcetypeassert // every manifest's is one
	if c.watch.failed(err) != nil {
		return "list: " + told(err)
	}
	var b strings.Builder
	for _, o := range options {
		fmt.Fprintf(&b, "%s: %s\n", o.Value, o.Label)
	}
	return b.String()
}

// audiencesOf lists the audiences, each with what the vendor tells of it, and the one that the sync fills.
func (c *Case) audiencesOf(ctx context.Context, info connector.DestinationInfo, d connector.Destination, job connector.SyncJob) string {
	r := d.(connector.AudienceReporter) //nolint:forcetypeassert // every manifest's is one
	var b strings.Builder
	err := r.Audiences(ctx, []connector.SyncJob{job}, func(a connector.Audience) error {
		size := "unknown"
		if a.Size != nil {
			size = strconv.FormatInt(*a.Size, 10)
		}
		fmt.Fprintf(&b, "%s/%s %s: %s", a.Account, a.ID, a.Name, size)
		for i, column := range info.Audiences.Columns {
			if !a.Values[i].IsNull() {
				fmt.Fprintf(&b, ", %s=%s", column.Name, a.Values[i])
			}
		}
		fmt.Fprintf(&b, "\n  status %q, %s\n", a.Status, a.Link)
		return nil
	})
	if c.watch.failed(err) != nil {
		return b.String() + "audiences: " + told(err)
	}
	ref, ok, err := r.AudienceOf(ctx, job)
	if c.watch.failed(err) != nil {
		return b.String() + "audience of the sync: " + told(err)
	}
	if !ok {
		return b.String() + "audience of the sync: none\n"
	}
	return fmt.Sprintf("%saudience of the sync: %s/%s\n", b.String(), ref.Account, ref.ID)
}

// qualityOf asks the vendor what it makes of events.
func (c *Case) qualityOf(ctx context.Context, d connector.Destination, job connector.SyncJob) string {
	events, err := d.(connector.QualityReporter).Quality(ctx, job) //nolint:forcetypeassert // every manifest's is one
	if c.watch.failed(err) != nil {
		return "quality: " + told(err)
	}
	number := func(n *float64) string {
		if n == nil {
			return "unknown"
		}
		return strconv.FormatFloat(*n, 'f', -1, 64)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "quality: %d events\n", len(events))
	for _, e := range events {
		fmt.Fprintf(&b, "%s: %s of 10, %s %% additional\n", e.Event, number(e.Score), number(e.Additional))
		for _, k := range e.Keys {
			fmt.Fprintf(&b, "  %s: %s %%\n", k.Key, number(k.Percent))
		}
		for _, p := range e.Diagnostics {
			fmt.Fprintf(&b, "  %s (%s %%): %s\n    %s\n", p.Name, number(p.Percent), p.Description, p.Solution)
		}
	}
	return b.String()
}

// send gives the rows to a session as the engine does, without its retries.
func (c *Case) send(ctx context.Context, d connector.Destination, job connector.SyncJob) string {
	if err := d.Check(job); err != nil {
		return "check: " + told(err)
	}
	s, err := d.Begin(ctx, job)
	if c.watch.failed(err) != nil {
		return "begin: " + told(err)
	}
	defer s.Close() //nolint:errcheck // nothing depends on it
	var b strings.Builder
	if c.Job.Clear {
		fmt.Fprintf(&b, "clear: %s", told(c.watch.failed(s.(connector.Clearer).Clear(ctx)))) //nolint:forcetypeassert // the case says so
	}
	b.WriteString(limitsOf(s))
	c.watch.limited(s.Limits())
	for _, op := range connector.Operations {
		c.sendOperation(ctx, s, job, op, &b)
	}
	if c.Job.Finish {
		fmt.Fprintf(&b, "finish: %s", told(c.watch.failed(s.Finish(ctx))))
	}
	return b.String()
}

func limitsOf(s connector.Session) string {
	l := s.Limits()
	var b strings.Builder
	fmt.Fprintf(&b, "limits: %d rows, %d at once, %s, %v", l.Rows, l.Concurrency, l.Idempotency, l.Operations)
	for _, on := range []struct {
		set  bool
		word string
	}{{l.Split, "split"}, {l.NeedBefore, "before"}, {l.NeedSource, "source"}, {l.SkipInitial, "first run silent"}, {l.Deferred, "deferred"}} {
		if on.set {
			b.WriteString(", " + on.word)
		}
	}
	for _, r := range l.Rates {
		fmt.Fprintf(&b, ", %d/%s of %s", r.Requests, r.Window, r.Class)
	}
	return b.String() + "\n"
}

func (c *Case) sendOperation(ctx context.Context, s connector.Session, job connector.SyncJob, op connector.Operation, b *strings.Builder) {
	var rows []connector.Row
	for i, r := range c.Rows {
		if r.Operation == op {
			rows = append(rows, c.row(int64(i), r, job))
		}
	}
	limits := s.Limits()
	if each, ok := s.(connector.OperationLimiter); ok {
		limits = each.LimitsOf(op)
	}
	for n := 0; len(rows) > 0; n++ {
		size := min(max(limits.Rows, 1), len(rows))
		c.batch(ctx, s, op, fmt.Sprintf("%s-%d", op, n), rows[:size], limits.Split, b)
		rows = rows[size:]
	}
}

// batch sends one batch; one that is refused as a whole is halved where the session asks for that.
func (c *Case) batch(ctx context.Context, s connector.Session, op connector.Operation, id string, rows []connector.Row, split bool, b *strings.Builder) {
	batch := &connector.Batch{ID: id, Operation: op, Rows: rows, Checkpoint: func(_ context.Context, token string) error {
		fmt.Fprintf(b, "checkpoint: %s\n", token)
		return nil
	}}
	c.watch.begin()
	result, err := s.Write(ctx, batch)
	c.watch.end(batch, result, err)
	if err != nil {
		if fault.ClassOf(err) == fault.Permanent && (split || fault.Is(err, fault.CodeDestinationTooLarge)) && len(rows) > 1 {
			half := len(rows) / 2
			c.batch(ctx, s, op, id+"a", rows[:half], split, b)
			c.batch(ctx, s, op, id+"b", rows[half:], split, b)
			return
		}
		fmt.Fprintf(b, "%s %s: %s", op, keysOf(rows), told(err))
		return
	}
	refused := map[int]connector.Rejection{}
	for _, r := range result.Rejected {
		refused[r.Row] = r
	}
	for i, row := range rows {
		r, no := refused[i]
		switch {
		case !no:
			fmt.Fprintf(b, "%s %s: taken\n", op, row.Key)
		case r.Retry:
			fmt.Fprintf(b, "%s %s: refused, to be tried again: %s\n", op, row.Key, r.Reason)
		default:
			fmt.Fprintf(b, "%s %s: refused: %s\n", op, row.Key, r.Reason)
		}
	}
	if result.Stop != nil {
		fmt.Fprintf(b, "the run ends: %s", told(result.Stop))
	}
}

func keysOf(rows []connector.Row) string {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.Key
	}
	return strings.Join(keys, ",")
}

func (c *Case) row(ordinal int64, r Row, job connector.SyncJob) connector.Row {
	key, _ := r.Row.Get(c.key())
	row := connector.Row{Ordinal: ordinal, Key: key.String()}
	for _, col := range job.Columns {
		v, _ := r.Row.Get(col.From)
		row.Values = append(row.Values, v)
		if !r.Before.IsNull() {
			v, _ := r.Before.Get(col.From)
			row.Before = append(row.Before, v)
		}
	}
	for _, m := range job.Match {
		v, _ := r.Row.Get(m.From)
		row.Match = append(row.Match, v)
		if !r.Before.IsNull() {
			v, _ := r.Before.Get(m.From)
			row.Matched = append(row.Matched, v)
		}
	}
	for _, name := range job.Model.Schema.Names() {
		v, _ := r.Row.Get(name)
		row.Source = append(row.Source, v)
	}
	return row
}
