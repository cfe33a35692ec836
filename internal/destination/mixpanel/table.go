package mixpanel

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// tableBytes is the size of the largest lookup table that Mixpanel takes.
// https://developer.mixpanel.com/reference/replace-lookup-table
const tableBytes = 100 << 20

// table gathers the rows of a run, and replaces the lookup table by them at its end.
type table struct {
	run  *manifest.Run
	text bytes.Buffer
	csv  *csv.Writer
	ids  map[string]bool
}

func beginTable(_ context.Context, r *manifest.Run) (connector.Session, error) {
	t := &table{run: r, ids: map[string]bool{}}
	t.csv = csv.NewWriter(&t.text)
	header := []string{r.Job().Settings.Text("idColumn")}
	for _, c := range r.Job().Columns {
		header = append(header, c.Name)
	}
	return t, t.line(header)
}

// Limits are those of the manifest. Rows count once the table is replaced.
func (t *table) Limits() connector.Limits {
	l := t.run.Limits()
	l.Deferred = true
	return l
}

// Write adds rows to the file.
func (t *table) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	r, err := t.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	for _, w := range r.Rows() {
		id := w.Match().String()
		if t.ids[id] {
			r.Reject(w, "another row of the model has the same ID, and a lookup table has each ID once", false)
			continue
		}
		t.ids[id] = true
		cells := []string{id}
		for _, c := range t.run.Job().Columns {
			cells = append(cells, cell(w.Value(c.Name)))
		}
		if err := t.line(cells); err != nil {
			return connector.Result{}, err
		}
	}
	return r.Result(), nil
}

// cell writes a value as Mixpanel reads it: lists as JSON, and nothing for a null.
func cell(v value.Value) string {
	if v.IsNull() {
		return ""
	}
	return v.String()
}

func (t *table) line(cells []string) error {
	if err := t.csv.Write(cells); err != nil {
		return fault.Wrap(err, fault.CodeInternal, "writing the lookup table")
	}
	t.csv.Flush()
	if t.text.Len() > tableBytes {
		err := fault.New(fault.CodeTooLarge, "the lookup table would have more than 100 MB, and Mixpanel takes none that is larger")
		return fault.Reclass(err.WithSuggestion("map fewer columns, or leave out rows in the model"), fault.Fatal)
	}
	return nil
}

// Finish replaces the lookup table.
func (t *table) Finish(ctx context.Context) error {
	s := t.run.Job().Settings
	path := fmt.Sprintf("/lookup-tables/%s?project_id=%s", url.PathEscape(s.Text("table")), url.QueryEscape(t.run.Settings().Text("projectId")))
	_, err := t.run.Ask(ctx, http.MethodPut, path, t.text.Bytes(), map[string]string{"Content-Type": "text/csv"})
	return err //nolint:wrapcheck // it says what Mixpanel answered
}

// Close discards what was gathered.
func (t *table) Close() error {
	t.text, t.ids = bytes.Buffer{}, nil
	return t.run.Session().Close() //nolint:wrapcheck // it is this session's own
}

// checkTable refuses a table that would have two columns of one name.
func checkTable(_ *manifest.Destination, job connector.SyncJob) (issues fault.Issues) {
	for _, c := range job.Columns {
		if c.Name == job.Settings.Text("idColumn") {
			issues.Add("mappings", fault.CodeInvalid, "the lookup table would have two columns %q: the IDs are in the first one already", c.Name)
		}
	}
	return issues
}
