package elasticsearch

import (
	"context"
	"net/http"
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// maxBatchBytes bounds a request. The server refuses those of more than 100 MB (http.max_content_length), and does best
// with a few. https://www.elastic.co/guide/en/elasticsearch/reference/current/tune-for-indexing-speed.html
const maxBatchBytes = 5 << 20

// conflictRetries is how often the server itself repeats an update that another writer was faster than.
const conflictRetries = 3

// session writes the rows of one run, each batch as a request of the bulk API.
type session struct {
	d        *destination
	index    string
	searched string // what documents are found by; empty where they are named
	composer composer
	mode     connector.Mode
	delete   connector.DeleteBehavior
	limits   connector.Limits
}

var _ connector.Session = (*session)(nil)

// Begin looks at the index.
func (d *destination) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	m, err := d.mapping(ctx, s.Index)
	if err != nil {
		return nil, err
	}
	n := &session{
		d: d, index: s.Index, mode: job.Mode, delete: job.Delete, composer: composer{columns: job.Columns, match: job.Match[0].To},
		limits: connector.Limits{
			Rows: max(int(s.BatchSize), 1), Bytes: maxBatchBytes, Concurrency: min(max(int(s.Parallel), 1), maxParallel),
			Operations: operations(job), Idempotency: connector.Idempotent, Split: true, NeedBefore: true,
		},
	}
	if n.composer.match != idField {
		n.limits.Rows = min(n.limits.Rows, maxLookupRows)
		if n.searched, err = m.searched(n.composer.match); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// operations returns what a job acts on; other changes are passed over (SY-75).
func operations(job connector.SyncJob) []connector.Operation {
	ops := []connector.Operation{connector.Changed, connector.Added}
	if job.Delete == connector.DeleteRecord || job.Delete == connector.DeleteClear {
		ops = append([]connector.Operation{connector.Removed}, ops...)
	}
	return ops
}

// Limits says how batches are made.
func (s *session) Limits() connector.Limits { return s.limits }

// item is what is done about one row.
type item struct {
	row   int
	match value.Value
	index string
	id    string // of the document; empty where there is none
}

// Write finds the rows' documents and sends a batch.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	var result connector.Result
	reject := func(row int, reason string, again bool) {
		result.Rejected = append(result.Rejected, connector.Rejection{Row: row, Reason: reason, Retry: again})
	}
	var items []item
	for i, row := range b.Rows {
		match, err := s.composer.matched(row)
		if err != nil {
			reject(i, err.Error(), false)
			continue
		}
		items = append(items, item{row: i, match: match, index: s.index, id: match.String()})
	}
	if s.searched != "" {
		var err error
		if items, err = s.find(ctx, b, items, reject); err != nil {
			return connector.Result{}, err
		}
	}
	if len(items) == 0 {
		return result, nil
	}
	err := s.send(ctx, b, items, reject)
	return result, err
}

// send makes the bulk request. https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
func (s *session) send(ctx context.Context, b *connector.Batch, items []item, reject rejecting) error {
	var body []byte
	for _, i := range items {
		body = s.append(body, b.Operation, i, b.Rows[i.row])
	}
	var answer bulkAnswer
	query := url.Values{"filter_path": {"items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"}}
	if err := s.d.do(ctx, request{method: http.MethodPost, path: []string{s.index, "_bulk"}, query: query, body: body, batch: b}, &answer); err != nil {
		return err
	}
	if len(answer.Items) != len(items) {
		return fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the server answered %d of %d documents", len(answer.Items), len(items)), fault.Unknown)
	}
	return s.read(answer, items, reject)
}

// append adds the lines of one row.
func (s *session) append(body []byte, op connector.Operation, i item, row connector.Row) []byte {
	removed := op == connector.Removed
	action := "update"
	if removed && s.delete == connector.DeleteRecord {
		action = "delete"
	}
	body = append(body, `{"`+action+`":{"_index":`...)
	body = value.AppendJSONString(body, i.index)
	body = append(body, `,"_id":`...)
	body = value.AppendJSONString(body, i.id)
	if action == "delete" {
		return append(body, "}}\n"...)
	}
	body = value.OfInt(conflictRetries).AppendJSON(append(body, `,"retry_on_conflict":`...))
	body = append(body, "}}\n"...)
	doc := s.composer.cleared()
	if !removed {
		doc = s.composer.document(row, i.match)
	}
	body = doc.AppendJSON(append(body, `{"doc":`...))
	if !removed && s.mode == connector.ModeUpsert {
		body = append(body, `,"doc_as_upsert":true`...)
	}
	return append(body, "}\n"...)
}

// Finish does nothing: every batch has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close does nothing: connections are the destination's.
func (s *session) Close() error { return nil }
