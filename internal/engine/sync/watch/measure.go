package watch

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/alert"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/kind/alerting"
)

// longestWords is how much of a run's error a notice repeats.
const longestWords = 600

// afterRun measures what a run that is over tells about its sync.
func (w *Watcher) afterRun(ctx context.Context, x watched, r run.Run) ([]alert.Reading, error) {
	if !r.State.Telling() {
		return nil, nil
	}
	failures, err := w.Runs.FailedInRow(ctx, x.subject.WorkspaceID, x.subject.ID, r.ID)
	if err != nil {
		return nil, err
	}
	readings := []alert.Reading{{Trigger: alerting.Fatal, Value: float64(failures), Words: failureWords(r, failures), About: r.ID}}
	for _, watch := range x.policy.Watches {
		switch watch.Type.Name {
		case alerting.Rejected:
			readings = append(readings, rejected(watch, r))
		case alerting.ModelSize:
			if queried(r) {
				readings = append(readings, modelSize(r))
			}
		}
	}
	return readings, nil
}

func failureWords(r run.Run, failures int) string {
	words := "The last run finished."
	switch {
	case failures == 1:
		words = "The last run failed"
	case failures > 1:
		words = fmt.Sprintf("The last %d runs failed", failures)
	}
	if failures == 0 {
		return words
	}
	if r.Failure == nil || r.Failure.Message == "" {
		return words + "."
	}
	return words + ": " + clip(r.Failure.Message)
}

func clip(text string) string {
	runes := []rune(text)
	if len(runes) <= longestWords {
		return text
	}
	return string(runes[:longestWords-1]) + "…"
}

// rejected measures the rows of a run that were refused, whatever their operation, those whose key is not unique among
// them. A run that failed or is not over may have more of them to come: it does not say that all is well.
func rejected(watch alerting.Watch, r run.Run) alert.Reading {
	n := r.Counts.Failed.Total() + r.Counts.Duplicates
	m := alert.Reading{Trigger: alerting.Rejected, Value: float64(n), About: r.ID, Raise: r.State != run.Committed}
	m.Words = fmt.Sprintf("%s rejected, of %d that the query returned.", rows(n, "was", "were"), r.Counts.Read)
	if watch.Trigger.Measure == alerting.MeasurePercent {
		m.Value = percent(n, r.Counts.Read)
	}
	return m
}

// percent of the rows that were queried. Rejected removals of a model that returned nothing are all there was.
func percent(n, queried int64) float64 {
	switch {
	case n == 0:
		return 0
	case queried == 0:
		return 100
	default:
		return float64(n) * 100 / float64(queried)
	}
}

func rows(n int64, one, many string) string {
	if n == 1 {
		return "1 row " + one
	}
	return strconv.FormatInt(n, 10) + " rows " + many
}

// queried reports whether a run knows how many rows the model's query returned: one that failed before that read none
// that it could tell of.
func queried(r run.Run) bool {
	return r.State == run.Committed || r.Counts.Read > 0 || r.Counts.Rows.Total() > 0
}

func modelSize(r run.Run) alert.Reading {
	return alert.Reading{
		Trigger: alerting.ModelSize, Value: float64(r.Counts.Read), About: r.ID,
		Words: "The model's query returned " + rowCount(r.Counts.Read) + ".",
	}
}

func rowCount(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return strconv.FormatInt(n, 10) + " rows"
}

// present measures what changes while no run ends: how long runs take, what they refuse so far, what arrived of late.
func (w *Watcher) present(ctx context.Context, x watched) ([]alert.Reading, error) {
	open, err := w.Runs.Open(ctx, x.subject.WorkspaceID, x.subject.ID)
	if err != nil {
		return nil, err
	}
	var readings []alert.Reading
	for _, watch := range x.policy.Watches {
		if watch.Trigger.Off {
			continue
		}
		m, err := w.now(ctx, x, watch, open)
		if err != nil {
			return nil, err
		}
		if m != nil {
			readings = append(readings, *m)
		}
	}
	return readings, nil
}

func (w *Watcher) now(ctx context.Context, x watched, watch alerting.Watch, open []run.Run) (*alert.Reading, error) {
	switch watch.Type.Name {
	case alerting.Rejected:
		return rejectedSoFar(watch, open), nil
	case alerting.Duration:
		return w.duration(ctx, x, open)
	case alerting.Throughput:
		return w.throughput(ctx, x, watch)
	default:
		return nil, nil //nolint:nilnil // nothing to measure between runs
	}
}

// rejectedSoFar lets a destination that is down be known before the run has given up (FLD-14).
func rejectedSoFar(watch alerting.Watch, open []run.Run) *alert.Reading {
	for _, r := range open {
		if r.State == run.Delivering && r.Counts.Failed.Total() > 0 {
			m := rejected(watch, r)
			return &m
		}
	}
	return nil
}

// duration measures the longest of the runs that are not over, and the last that ended: from when it was asked for,
// to when it ended or to now. While a run is under way, its time can only make things worse than the last one left
// them.
func (w *Watcher) duration(ctx context.Context, x watched, open []run.Run) (*alert.Reading, error) {
	var m *alert.Reading
	last, ok, err := w.Runs.LastTelling(ctx, x.subject.WorkspaceID, x.subject.ID)
	if err != nil {
		return nil, err
	}
	if ok {
		took := last.FinishedAt.Sub(last.CreatedAt)
		m = &alert.Reading{Trigger: alerting.Duration, Value: took.Hours(), About: last.ID, Words: "The last run took " + span(took) + ", waiting included."}
	}
	for _, r := range open {
		took := w.Clock.Now().Sub(r.CreatedAt)
		if m != nil && took.Hours() <= m.Value {
			continue
		}
		words := "A run has been under way for " + span(took) + ", waiting included."
		if r.State == run.Queued {
			words = "A run has been waiting to start for " + span(took) + "."
		}
		m = &alert.Reading{Trigger: alerting.Duration, Value: took.Hours(), About: r.ID, Words: words}
	}
	return m, nil
}

// span is a time in words, to the minute.
func span(d time.Duration) string {
	minutes := int64(d / time.Minute)
	switch {
	case minutes < 1:
		return "less than a minute"
	case minutes < 60:
		return count(minutes, "minute")
	case minutes%60 == 0:
		return count(minutes/60, "hour")
	default:
		return count(minutes/60, "hour") + " and " + count(minutes%60, "minute")
	}
}

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// throughput measures the rows that arrived in the window. A sync that is younger than the window has had no chance to
// fill it: it can only be found well.
func (w *Watcher) throughput(ctx context.Context, x watched, watch alerting.Watch) (*alert.Reading, error) {
	hours := int64(watch.Trigger.WindowHours)
	since := w.Clock.Now().Add(-time.Duration(hours) * time.Hour)
	n, err := w.Runs.Arrived(ctx, x.subject.WorkspaceID, x.subject.ID, since)
	if err != nil {
		return nil, err
	}
	m := &alert.Reading{
		Trigger: alerting.Throughput, Value: float64(n),
		Words: fmt.Sprintf("%s arrived in the last %s.", rowCount(n), count(hours, "hour")),
	}
	if level, _ := watch.Level(m.Value); level != alerting.OK && x.created.After(since) {
		return nil, nil //nolint:nilnil // too young to be judged
	}
	return m, nil
}
