package trino

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
	"github.com/millrace/millrace/internal/value"
)

// Query streams the rows of one statement. Several statements in one text are refused by the server.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	t, err := s.textOf(q)
	if err != nil {
		return nil, err
	}
	var said map[string]string
	if q.Class == connector.WorkloadInteractive {
		if said, err = s.comments(ctx, q, t); err != nil {
			return nil, err
		}
	}
	rows, err := s.run(ctx, t, request{sql: t.Sent, tag: q.Tag, class: q.Class})
	if err != nil {
		return nil, err
	}
	schema, err := schemaOf(rows.columns, said)
	if err != nil {
		rows.Close(err)
		return nil, err
	}
	return stream.NewReader(schema, rows), nil
}

// textOf is the statement as it is sent. Its lines are those that its author wrote.
func (s *Source) textOf(q connector.Query) (stream.Text, error) {
	own := query.Clean(q.SQL)
	if err := reads(own); err != nil {
		return stream.Text{}, err
	}
	if q.Limit <= 0 || !wrappable(own) {
		return stream.Text{Sent: own, Own: own}, nil
	}
	before, after, _ := strings.Cut(s.dialect.Limit(own, q.Limit), own)
	return stream.Text{Sent: strings.TrimRight(before, "\n") + own + after, Own: own}, nil
}

// reads refuses what is no query: the server would do it.
func reads(sql string) error {
	switch stream.FirstWord(sql) {
	case "SELECT", "WITH", "VALUES", "TABLE", "(", "SHOW", "DESCRIBE", "DESC":
		return nil
	default:
		return fault.New(fault.CodeSourceQuery, "the statement is no query").WithSuggestion("A model reads and cannot change data: write it as a SELECT.")
	}
}

// wrappable tells a query, which another one can read from, from a statement about tables.
func wrappable(sql string) bool {
	switch stream.FirstWord(sql) {
	case "SHOW", "DESCRIBE", "DESC":
		return false
	default:
		return true
	}
}

// schemaOf is the columns of a result; said are the comments by the columns' names.
func schemaOf(columns []pageColumn, said map[string]string) (*arrow.Schema, error) {
	if len(columns) == 0 {
		return nil, fault.New(fault.CodeSourceQuery, "the statement returns no columns").WithSuggestion("Write the model as a SELECT.")
	}
	all := make([]string, len(columns))
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		all[i], fields[i] = c.Name, c.parsed().Field(c.Name)
		if text := said[c.Name]; text != "" {
			m := fields[i].Metadata
			fields[i].Metadata = arrow.NewMetadata(append(m.Keys(), value.MetaDescription), append(m.Values(), text))
		}
	}
	return arrow.NewSchema(fields, nil), connector.DistinctColumns(all)
}

// rows are those of a running statement.
type rows struct {
	source    *Source
	statement *stream.Statement
	text      stream.Text
	columns   []pageColumn
	types     []trinotype.Type
	page      *page
	at        int
	updated   int64
	prepared  string
}

var _ stream.Rows = (*rows)(nil)

// run begins a statement, and waits until its columns are known or it has ended.
func (s *Source) run(ctx context.Context, t stream.Text, r request) (*rows, error) {
	x, err := s.statements.Begin(ctx)
	if err != nil {
		return nil, err
	}
	rows := &rows{source: s, statement: x, text: t}
	p, err := s.post(x, r)
	for err = rows.turn(p, err); err == nil && rows.columns == nil && rows.page.NextURI != ""; {
		err = rows.next()
	}
	if err != nil {
		rows.Close(err)
		return nil, err
	}
	return rows, nil
}

// postTimeout is how long the server may take to say that it has a statement, which is all that its first answer says.
const postTimeout = 2 * time.Minute

// post begins a statement.
func (s *Source) post(x *stream.Statement, r request) (*page, error) {
	return stream.Call(x, postTimeout, func(ctx context.Context) (*page, error) { return s.client.post(ctx, r) }, func(p *page) {
		if p.NextURI != "" {
			x.OnStop(func(ctx context.Context) { s.client.cancel(ctx, p.NextURI) })
		}
	})
}

// next reads the next page.
func (r *rows) next() error {
	return r.turn(r.source.client.get(r.statement.Context(), r.page.NextURI))
}

// turn goes on to a page.
func (r *rows) turn(p *page, err error) error {
	if err != nil {
		return r.source.client.explain(r.statement, err, r.text)
	}
	if p.Error != nil {
		defer r.statement.End()
		return r.source.client.explain(r.statement, p.Error, r.text)
	}
	r.page, r.at = p, 0
	if r.columns == nil && p.Columns != nil {
		r.columns = p.Columns
		for _, c := range p.Columns {
			r.types = append(r.types, c.parsed())
		}
	}
	if p.UpdateCount != nil {
		r.updated = *p.UpdateCount
	}
	if p.prepared != "" {
		r.prepared = p.prepared
	}
	if p.NextURI == "" {
		r.statement.End()
	} else {
		r.statement.OnStop(func(ctx context.Context) { r.source.client.cancel(ctx, p.NextURI) })
	}
	return nil
}

// row returns the next row, or stream.ErrEnd.
func (r *rows) row() ([]json.RawMessage, error) {
	for r.at >= len(r.page.Data) {
		if r.page.NextURI == "" {
			return nil, stream.ErrEnd
		}
		if err := r.next(); err != nil {
			return nil, err
		}
	}
	row := r.page.Data[r.at]
	r.page.Data[r.at] = nil
	r.at++
	return row, nil
}

// Append adds a row to a batch.
func (r *rows) Append(columns []array.Builder) (size int, err error) {
	row, err := r.row()
	if err != nil {
		return 0, err
	}
	if len(row) != len(columns) {
		return 0, fault.New(fault.CodeSourceUnreachable, "the server sent a row of %d values for %d columns", len(row), len(columns))
	}
	for i, raw := range row {
		if err := r.types[i].AppendJSON(columns[i], raw); err != nil {
			return 0, fault.Wrap(err, fault.CodeSourceType, "reading the column %s, of the type %s", strconv.Quote(r.columns[i].Name), r.columns[i].Type)
		}
		size += len(raw)
	}
	return size, nil
}

// Close ends the statement.
func (r *rows) Close(cause error) {
	if cause != nil {
		r.statement.Stop(cause)
	}
	r.statement.End()
}

// finish reads a statement to its end. each gets its rows as texts, where null is empty.
func (r *rows) finish(each func(cells []string)) error {
	for {
		row, err := r.row()
		if errors.Is(err, stream.ErrEnd) {
			r.Close(nil)
			return nil
		}
		if err != nil {
			r.Close(err)
			return err
		}
		cells := make([]string, len(row))
		for i, raw := range row {
			if err := json.Unmarshal(raw, &cells[i]); err != nil {
				cells[i] = string(raw) // a number
			}
		}
		each(cells)
	}
}

// each runs a statement of our own.
func (s *Source) each(ctx context.Context, sql string, each func(cells []string)) error {
	rows, err := s.run(ctx, stream.Text{Sent: sql}, request{sql: sql})
	if err != nil {
		return err
	}
	return rows.finish(each)
}
