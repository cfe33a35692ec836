package zendesk

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// How a job is waited for.
const (
	jobEvery   = 2 * time.Second
	jobTimeout = 10 * time.Minute
)

// jobs writes items, as many in a job as Zendesk allows.
func (b *batch) jobs(ctx context.Context, method, verb string, items []*item) error {
	for chunk := range slices.Chunk(items, perPage) {
		if err := b.lost(b.job(ctx, method, verb, chunk), chunk); err != nil {
			return err
		}
		b.wrote = true
	}
	return nil
}

// lost decides what an error means for the rows of a request: for the batch, as long as nothing of it was written or
// where nobody knows; otherwise for these rows alone.
func (b *batch) lost(err error, items []*item) error {
	class := fault.ClassOf(err)
	if err == nil || !b.wrote || class == fault.Unknown {
		return err
	}
	if class == fault.Fatal {
		b.run.Stop(err)
	}
	for _, it := range items {
		b.run.Reject(it.row, manifest.Reason(err), class == fault.Retryable || class == fault.Throttled)
	}
	return nil
}

// job submits a job and waits for its end.
func (b *batch) job(ctx context.Context, method, verb string, items []*item) error {
	bodies := make([]any, len(items))
	for i, it := range items {
		bodies[i] = it.body
	}
	answer, _, err := b.run.Send(ctx, method, "api/v2/"+b.object+"/"+verb, map[string]any{b.object: bodies})
	if err != nil {
		return err
	}
	id := manifest.TextAt(answer, "job_status", "id")
	if id == "" {
		return fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the answer names no job"), fault.Unknown)
	}
	for range int(jobTimeout / jobEvery) {
		answer, _, err = b.run.Fetch(ctx, "GET", "api/v2/job_statuses/"+url.PathEscape(id), nil)
		class := fault.ClassOf(err)
		switch status := manifest.TextAt(answer, "job_status", "status"); {
		case err != nil && class != fault.Retryable && class != fault.Throttled:
			return fault.Reclass(err, fault.Unknown)
		case err != nil: // it is asked for again
		case status == "completed":
			b.outcomes(items, manifest.At(answer, "job_status", "results"))
			return nil
		case status == "failed", status == "killed":
			return fault.Reclass(fault.New(fault.CodeDestinationRejected, "the job failed: %s", manifest.TextAt(answer, "job_status", "message")), fault.Unknown)
		}
		if err := b.run.Wait(ctx, jobEvery); err != nil {
			return err
		}
	}
	return fault.Reclass(fault.New(fault.CodeDestinationTimeout, "the job was not done within %s", jobTimeout), fault.Unknown)
}

// outcomes reads what became of the items: a result names its item by the place in the request, or by the record's id,
// and is otherwise about the item in its own place.
func (b *batch) outcomes(items []*item, results value.Value) {
	for i, res := range results.List() {
		words := strings.TrimSpace(manifest.TextAt(res, "error") + " " + manifest.TextAt(res, "details") + " " + manifest.TextAt(res, "errors"))
		success := manifest.At(res, "success")
		if words == "" && (success.IsNull() || success.Bool()) {
			continue
		}
		at := i
		if index := manifest.At(res, "index"); index.Kind() == value.Int {
			at = int(index.Int())
		} else if id := manifest.TextAt(res, "id"); id != "" {
			if known := slices.IndexFunc(items, func(it *item) bool { return it.id == id }); known >= 0 {
				at = known
			}
		}
		if at < 0 || at >= len(items) {
			continue
		}
		if words == "" {
			words = "Zendesk refused the record: " + manifest.TextAt(res, "status")
		}
		b.run.Reject(items[at].row, words, false)
	}
}
