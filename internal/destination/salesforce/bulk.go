package salesforce

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// empties is what empties a field in a job's table, where an empty cell leaves it alone.
const empties = "#N/A"

// job is an asynchronous job (Bulk API 2.0).
type job struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Message string `json:"errorMessage"`
	Failed  int    `json:"numberRecordsFailed"`
}

// job sends some records as a job, waits for it, and reads what became of each.
func (w *batch) job(ctx context.Context, k work) error {
	table, names := k.table()
	j, err := w.open(ctx, k, table)
	if err != nil {
		return w.lost(err, k.items)
	}
	w.wrote = true
	if j, err = w.await(ctx, j.ID); err != nil {
		return err
	}
	if j.State == "JobComplete" && j.Failed == 0 {
		return nil
	}
	left := k.lines(names)
	if err := w.failures(ctx, k, j, left); err != nil {
		return err
	}
	if j.State != "JobComplete" {
		return w.unfinished(ctx, k, j, left)
	}
	return nil
}

// open makes the job, uploads its table, and starts it.
func (w *batch) open(ctx context.Context, k work, table []byte) (*job, error) {
	ask := map[string]string{"object": k.object.Name, "operation": k.op, "contentType": "CSV", "lineEnding": "LF"}
	if k.external != nil {
		ask["externalIdFieldName"] = k.external.Name
	}
	j := &job{}
	if err := call(ctx, w.run, "POST", "/jobs/ingest", ask, j); err != nil {
		return nil, harmless(err) // nothing is done before the upload is complete
	}
	path := "/jobs/ingest/" + segment(j.ID)
	_, err := w.run.Ask(ctx, "PUT", rest+path+"/batches", table, map[string]string{"Content-Type": "text/csv"})
	if err != nil {
		return nil, harmless(err)
	}
	return j, call(ctx, w.run, "PATCH", path, map[string]string{"state": "UploadComplete"}, nil)
}

// How a job is waited for.
const (
	firstWait = time.Second
	mostWait  = 20 * time.Second
	patience  = 2 * time.Hour
)

// await waits until a job is over.
func (w *batch) await(ctx context.Context, id string) (j *job, err error) {
	err = poll(ctx, w.run, "the job "+id, func() (bool, error) {
		j = &job{}
		err := read(ctx, w.run, "/jobs/ingest/"+segment(id), j)
		return slices.Contains([]string{"JobComplete", "Failed", "Aborted"}, j.State), err
	})
	return j, err
}

// poll waits until what works on its own is over.
func poll(ctx context.Context, run *manifest.Run, what string, over func() (bool, error)) error {
	wait := firstWait
	for waited := time.Duration(0); waited < patience; waited += wait {
		done, err := over()
		class := fault.ClassOf(err)
		switch {
		case err == nil && done:
			return nil
		case err != nil && class != fault.Retryable && class != fault.Throttled:
			return fault.Reclass(err, fault.Unknown)
		}
		if err := run.Wait(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, mostWait)
	}
	return fault.Reclass(fault.New(fault.CodeDestinationTimeout, "%s was not done within %s", what, patience), fault.Unknown)
}

// table is the records as a job takes them, and the names of its columns.
func (k work) table() ([]byte, []string) {
	names := k.names()
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	c.Write(names) //nolint:errcheck // a buffer takes everything
	for _, it := range k.items {
		c.Write(k.line(it, names)) //nolint:errcheck // a buffer takes everything
	}
	c.Flush()
	return b.Bytes(), names
}

// names are the job's columns: what finds the record comes first.
func (k work) names() []string {
	var names []string
	switch {
	case k.external != nil:
		names = append(names, k.external.Name)
	case k.op != opInsert:
		names = append(names, "Id")
	}
	if k.op == opDelete {
		return names
	}
	for _, it := range k.items {
		for _, c := range it.fields {
			if !slices.Contains(names, c.field.Name) {
				names = append(names, c.field.Name)
			}
		}
	}
	return names
}

func (k work) line(it *item, names []string) []string {
	line := make([]string, len(names))
	for i, name := range names {
		switch {
		case i == 0 && k.external != nil:
			line[i] = it.match
		case i == 0 && k.op != opInsert:
			line[i] = it.id
		default:
			for _, c := range it.fields {
				if c.field.Name == name {
					line[i] = cellText(c.value)
				}
			}
		}
	}
	return line
}

// cellText is a value in a job's table. An empty text is nothing to Salesforce, and so it empties the field too.
func cellText(v value.Value) string {
	if written := text(v); written != "" {
		return written
	}
	return empties
}

// lines are the items by what their lines begin with where that finds their records, and by whole lines otherwise. A
// job's results have no order.
func (k work) lines(names []string) map[string][]*item {
	all := map[string][]*item{}
	for _, it := range k.items {
		key := k.key(k.line(it, names))
		all[key] = append(all[key], it)
	}
	return all
}

func (k work) key(line []string) string {
	if k.op != opInsert {
		return line[0]
	}
	return strings.Join(line, "\x00")
}

// failures refuses the rows that a job says failed.
func (w *batch) failures(ctx context.Context, k work, j *job, left map[string][]*item) error {
	return w.results(ctx, k, j, "failedResults", left, func(it *item, words string) {
		w.refuse(k, it, []refusal{refusalOf(words)})
	})
}

// refusalOf reads why a record was refused: a code, a message, and the fields that it is about.
func refusalOf(words string) refusal {
	code, message, told := strings.Cut(words, ":")
	if !told {
		code, message = "", words
	}
	return refusal{Code: code, Message: strings.TrimRight(message, ": -")}
}

// unfinished refuses what a job that was stopped did not work on.
func (w *batch) unfinished(ctx context.Context, k work, j *job, left map[string][]*item) error {
	reason := "Salesforce stopped the job"
	if j.Message != "" {
		reason += ": " + j.Message
	}
	return w.results(ctx, k, j, "unprocessedrecords", left, func(it *item, _ string) { w.drop(it, reason, false) })
}

// results reads one of a job's tables of results.
func (w *batch) results(ctx context.Context, k work, j *job, table string, left map[string][]*item, each func(it *item, words string)) error {
	resp, err := w.run.Ask(ctx, "GET", rest+"/jobs/ingest/"+segment(j.ID)+"/"+table, nil, map[string]string{"Accept": "text/csv"})
	if err != nil {
		return fault.Reclass(err, fault.Unknown)
	}
	if resp.Truncated {
		return fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the results of the job are too long to be read"), fault.Unknown)
	}
	c := csv.NewReader(bytes.NewReader(resp.Body))
	c.FieldsPerRecord = -1
	head, err := c.Read()
	if err != nil {
		return nil //nolint:nilerr // there are no results
	}
	names := k.names()
	for {
		line, err := c.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fault.Reclass(fault.Wrap(err, fault.CodeDestinationAnswer, "reading the results of the job"), fault.Unknown)
		}
		key := k.key(pick(head, line, names))
		if items := left[key]; len(items) > 0 {
			left[key] = items[1:]
			each(items[0], pick(head, line, []string{"sf__Error"})[0])
		}
	}
}

// pick returns the cells of a line that have the names.
func pick(head, line, names []string) []string {
	cells := make([]string, len(names))
	for i, name := range names {
		if at := slices.Index(head, name); at >= 0 && at < len(line) {
			cells[i] = line[at]
		}
	}
	return cells
}
