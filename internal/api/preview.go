package api

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/condition"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/segment"
	"github.com/millrace/millrace/internal/value"
)

type previewInput struct {
	Body struct {
		Source  string           `json:"source"`
		Method  model.Method     `json:"method"`
		SQL     string           `json:"sql,omitempty"`
		Table   *query.TableRef  `json:"table,omitempty"`
		File    *connector.File  `json:"file,omitempty"`
		Sheet   *connector.Sheet `json:"sheet,omitempty"`
		DBT     *model.DBT       `json:"dbt,omitempty"`
		BI      *model.BI        `json:"bi,omitempty"`
		Limit   *int64           `json:"limit,omitempty" doc:"rows; 0 means all; 100 when absent"`
		Count   bool             `json:"count,omitempty" doc:"also count the rows"`
		Columns []model.Column   `json:"columns,omitempty" doc:"casts to apply, and the columns that a filter may ask about"`

		Filter *condition.Condition `json:"filter,omitempty" doc:"only the rows for which it holds: it is asked of the source, of the values as they are there"`
		Zone   string               `json:"zone,omitempty" doc:"the time zone of the days that a filter names; UTC when absent"`
	}
}

// PreviewBody is the result of a model's query (M-13).
type PreviewBody struct {
	Columns     []value.Column    `json:"columns" nullable:"false"`
	Rows        [][]value.Value   `json:"rows" nullable:"false"`
	RowCount    *int64            `json:"rowCount" doc:"null where rows were not counted: not asked for, or the source does not count such a query"`
	Truncated   bool              `json:"truncated"`
	CastFailed  []CastFailureBody `json:"castFailed" nullable:"false"`
	DurationMs  int64             `json:"durationMs"`
	approximate int               // bytes of the rows
}

// CastFailureBody says that values of a column do not cast to the type that was chosen for it: a sync rejects those
// rows.
type CastFailureBody struct {
	Column     string     `json:"column"`
	To         value.Type `json:"to"`
	Rows       []int      `json:"rows" nullable:"false" doc:"their places among the rows shown, counted from 0; at most 1000"`
	Count      int        `json:"count"`
	Message    string     `json:"message" doc:"of the first one"`
	Suggestion string     `json:"suggestion"`
}

// previewLimit is how many rows a preview shows, and maxPreview how many it shows when it is asked for all. Wide rows
// end it earlier, at about maxPreviewBytes.
const (
	previewLimit    = 100
	maxPreview      = 100_000
	maxPreviewBytes = 64 << 20
	maxFailedRows   = 1000
)

func (s *Server) preview(ctx context.Context, in *previewInput) (PreviewBody, error) {
	start := time.Now()
	src, _, err := s.sourceBySlug(ctx, in.Body.Source)
	if err != nil {
		return PreviewBody{}, err
	}
	defer src.Close() //nolint:errcheck // reading is done
	spec, err := s.resolved(ctx, in.spec())
	if err != nil {
		return PreviewBody{}, err
	}
	q, err := spec.Query(src.Dialect())
	if err != nil && foreign(spec) && (spec.DBT != nil || spec.BI != nil) {
		return PreviewBody{}, err
	}
	if err != nil {
		return PreviewBody{}, fault.As(err).WithSuggestion("Write a query, or choose a table, a file or a sheet.")
	}
	if q, err = s.filtered(q, src.Dialect(), in); err != nil {
		return PreviewBody{}, err
	}
	limit := int64(previewLimit)
	if in.Body.Limit != nil {
		limit = *in.Body.Limit
	}
	if limit <= 0 || limit > maxPreview {
		limit = maxPreview
	}
	b, err := readPreview(ctx, src, q, limit, in.Body.Columns)
	if err != nil {
		return b, err
	}
	if err := s.describePreview(ctx, spec, b.Columns); err != nil {
		return b, err
	}
	if in.Body.Count && src.Dialect().Counts(q.SQL) {
		if b.RowCount, err = countRows(ctx, src, q); err != nil {
			return b, err
		}
	}
	b.DurationMs = time.Since(start).Milliseconds()
	return b, nil
}

// spec is the model whose rows are asked for. One without a method has a query.
func (in *previewInput) spec() model.Spec {
	b := in.Body
	return model.Spec{Method: cmp.Or(b.Method, model.MethodSQL), SQL: b.SQL, Table: b.Table, File: b.File, Sheet: b.Sheet, DBT: b.DBT, BI: b.BI}
}

// filtered is a query for those rows that the filter chooses.
func (s *Server) filtered(q connector.Query, d query.Dialect, in *previewInput) (connector.Query, error) {
	if in.Body.Filter == nil {
		return q, nil
	}
	zone, err := zoneOf(in.Body.Zone)
	if err != nil {
		return q, err
	}
	rows := segment.Rows{SQL: q.SQL, Columns: make([]value.Column, len(in.Body.Columns)), Now: s.Clock.Now(), Zone: zone}
	for i, c := range in.Body.Columns {
		rows.Columns[i] = value.Column{Name: c.Name, Type: c.Type, Native: c.Native}
	}
	if err := in.Body.Filter.Check(rows.Columns); err != nil {
		return q, under("filter", err)
	}
	q.SQL, err = d.Build(rows.Choose(*in.Body.Filter))
	return q, err
}

// under is the issues of a part of what was sent.
func under(name string, err error) error {
	var issues fault.Issues
	if !errors.As(err, &issues) {
		return err
	}
	for _, e := range issues {
		e.Path = strings.TrimSuffix(name+"."+e.Path, ".")
	}
	return issues
}

func readPreview(ctx context.Context, src connector.Source, q connector.Query, limit int64, casts []model.Column) (PreviewBody, error) {
	b := PreviewBody{Columns: []value.Column{}, Rows: [][]value.Value{}, CastFailed: []CastFailureBody{}}
	q.Limit, q.Class, q.Tag = limit+1, connector.WorkloadInteractive, "millrace preview"
	r, err := src.Query(ctx, q)
	if err != nil {
		return b, err
	}
	defer r.Release()
	if b.Columns, err = value.SchemaOf(r.Schema()); err != nil {
		return b, fault.Wrap(err, fault.CodeSourceType, "reading the columns")
	}
	for r.Next() && !b.Truncated {
		if err := appendRows(&b, r, limit, casts); err != nil {
			return b, err
		}
	}
	return b, r.Err()
}

func appendRows(b *PreviewBody, r array.RecordReader, limit int64, casts []model.Column) error {
	batch := r.RecordBatch()
	readers := make([]value.Reader, batch.NumCols())
	for i, f := range batch.Schema().Fields() {
		read, err := value.NewReader(f, batch.Column(i))
		if err != nil {
			return fault.Wrap(err, fault.CodeSourceType, "reading the columns")
		}
		readers[i] = read
	}
	for n := range int(batch.NumRows()) {
		if int64(len(b.Rows)) >= limit || b.approximate >= maxPreviewBytes {
			b.Truncated = true
			return nil
		}
		row := make([]value.Value, len(readers))
		for i, read := range readers {
			row[i] = b.cast(read(n), b.Columns[i].Name, casts)
			b.approximate += sizeOf(row[i])
		}
		b.Rows = append(b.Rows, row)
	}
	return nil
}

// sizeOf is roughly how much memory a value takes.
func sizeOf(v value.Value) int {
	const base = 32
	if k := v.Kind(); k == value.Text || k == value.JSON {
		return base + len(v.Raw())
	}
	return base
}

// cast returns what a cast makes of a value of the next row, and the value as it is where it does not cast, which is
// noted: a sync rejects that row (M-25).
func (b *PreviewBody) cast(v value.Value, column string, casts []model.Column) value.Value {
	for _, c := range casts {
		if c.Name != column || c.Cast == "" {
			continue
		}
		cast, err := mapping.Cast(v, c.Cast)
		if err != nil {
			b.noteFailed(column, c.Cast, err)
			continue
		}
		v = cast
	}
	return copied(v)
}

func (b *PreviewBody) noteFailed(column string, to value.Type, err error) {
	i := slices.IndexFunc(b.CastFailed, func(f CastFailureBody) bool { return f.Column == column })
	if i < 0 {
		e := fault.As(err)
		b.CastFailed = append(b.CastFailed, CastFailureBody{Column: column, To: to, Rows: []int{}, Message: e.Error(), Suggestion: e.Hint()})
		i = len(b.CastFailed) - 1
	}
	f := &b.CastFailed[i]
	f.Count++
	if len(f.Rows) < maxFailedRows {
		f.Rows = append(f.Rows, len(b.Rows))
	}
}

// copied keeps a text value beyond the life of its batch.
func copied(v value.Value) value.Value {
	if v.Kind() == value.Text {
		return value.OfText(strings.Clone(v.Raw()))
	}
	return v
}

func countRows(ctx context.Context, src connector.Source, q connector.Query) (*int64, error) {
	q.SQL, q.Class, q.Tag = src.Dialect().Count(q.SQL), connector.WorkloadInteractive, "millrace count"
	r, err := src.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	if !r.Next() {
		return nil, r.Err()
	}
	read, err := value.NewReader(r.Schema().Field(0), r.RecordBatch().Column(0))
	if err != nil {
		return nil, err
	}
	n := read(0).Int()
	return &n, nil
}
