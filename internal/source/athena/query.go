package athena

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsathena "github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
)

// Query streams the rows of one statement. Several statements in one text are refused by Athena.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	t, err := s.textOf(q, func(own string) string { return s.dialect.Limit(own, q.Limit) })
	if err != nil {
		return nil, err
	}
	if q.Results != nil {
		if r, err := s.fromBucket(ctx, q); r != nil || err != nil {
			return r, err
		}
	}
	r, err := s.run(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := connector.DistinctColumns(r.names); err != nil {
		r.Close(err)
		return nil, err
	}
	return stream.NewReader(r.schema(), r), nil
}

// Describe returns the columns of a query, of which Athena runs nothing but a condition that never holds.
func (s *Source) Describe(ctx context.Context, q connector.Query) (*arrow.Schema, error) {
	r, err := s.describe(ctx, q)
	if err != nil {
		return nil, err
	}
	defer r.Close(nil)
	return r.schema(), connector.DistinctColumns(r.names)
}

// describe runs a query without its rows.
func (s *Source) describe(ctx context.Context, q connector.Query) (*rows, error) {
	q.Limit = 1
	t, err := s.textOf(q, func(own string) string {
		m := query.Statement(own).As("m")
		return s.dialect.SQL(query.From(m).Where(query.Int(1).Eq(query.Int(0))))
	})
	if err != nil {
		return nil, err
	}
	return s.run(ctx, t)
}

// textOf is the statement as it is sent, with the tag before it, where Athena's list of recent queries shows it. Where
// there is a limit, wrap puts it around.
func (s *Source) textOf(q connector.Query, wrap func(own string) string) (stream.Text, error) {
	own := query.Clean(q.SQL)
	switch stream.FirstWord(own) {
	case "SELECT", "WITH", "VALUES", "TABLE", "(":
	default:
		return stream.Text{}, fault.New(fault.CodeSourceQuery, "the statement is no query").WithSuggestion("A model reads and cannot change data: write it as a SELECT.")
	}
	text := own
	if q.Limit > 0 {
		before, after, _ := strings.Cut(wrap(own), own)
		text = strings.TrimRight(before, "\n") + own + after
	}
	return stream.Text{Sent: query.Comment(strings.ReplaceAll(q.Tag, "\n", " ")) + text, Own: own}, nil
}

// rows are those of a query that has succeeded.
type rows struct {
	source    *Source
	statement *stream.Statement
	text      stream.Text
	names     []string
	types     []trinotype.Type
	result    object
	body      io.ReadCloser
	csv       *csvReader
	removed   sync.Once
}

var _ stream.Rows = (*rows)(nil)

// run runs a query, and opens its result.
func (s *Source) run(ctx context.Context, t stream.Text) (*rows, error) {
	x, err := s.statements.Begin(ctx)
	if err != nil {
		return nil, err
	}
	r := &rows{source: s, statement: x, text: t}
	if err := r.open(); err != nil {
		err = s.client.explain(x, err, t)
		r.Close(err)
		return nil, err
	}
	return r, nil
}

func (r *rows) open() error {
	c := r.source.client
	e, err := c.start(r.statement, r.text.Sent)
	if err != nil {
		return err
	}
	ctx := r.statement.Context()
	var ok bool
	if r.result, ok = objectOf(e.output); !ok {
		return fault.New(fault.CodeSourceQuery, "Athena left no result in S3").WithSuggestion("Give the source a query output location: results that Athena manages itself are not read.")
	}
	meta, err := c.athena.GetQueryResults(ctx, &awsathena.GetQueryResultsInput{QueryExecutionId: &e.id, MaxResults: aws.Int32(1)})
	if err != nil {
		return err
	}
	if meta.ResultSet == nil || meta.ResultSet.ResultSetMetadata == nil || len(meta.ResultSet.ResultSetMetadata.ColumnInfo) == 0 {
		return fault.New(fault.CodeSourceQuery, "the statement returns no columns").WithSuggestion("Write the model as a SELECT.")
	}
	for _, info := range meta.ResultSet.ResultSetMetadata.ColumnInfo {
		r.names, r.types = append(r.names, aws.ToString(info.Name)), append(r.types, typeOf(info))
	}
	file, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.result.bucket, Key: &r.result.key})
	if err != nil {
		return err
	}
	r.body, r.csv = file.Body, newCSV(file.Body)
	if _, _, err := r.csv.row(len(r.names)); err != nil { // the names
		return err
	}
	return nil
}

func (r *rows) schema() *arrow.Schema {
	fields := make([]arrow.Field, len(r.names))
	for i, name := range r.names {
		fields[i] = r.types[i].Field(name)
	}
	return arrow.NewSchema(fields, nil)
}

// row returns the next row, or stream.ErrEnd.
func (r *rows) row() ([]cell, int, error) {
	cells, size, err := r.csv.row(len(r.names))
	switch {
	case errors.Is(err, io.EOF) && r.statement.Explain() == nil:
		return nil, 0, stream.ErrEnd
	case err != nil:
		return nil, 0, r.source.client.explain(r.statement, err, r.text)
	default:
		return cells, size, nil
	}
}

// Append adds a row to a batch.
func (r *rows) Append(columns []array.Builder) (int, error) {
	cells, size, err := r.row()
	if err != nil {
		return 0, err
	}
	for i, c := range cells {
		if err := appendCell(r.types[i], columns[i], c); err != nil {
			return 0, fault.Wrap(err, fault.CodeSourceType, "reading the column %s, of the type %s", strconv.Quote(r.names[i]), r.types[i].Text)
		}
	}
	return size, nil
}

// cleanTimeout is how long S3 may take to remove a result.
const cleanTimeout = 10 * time.Second

// Close ends the query and removes its result (S-74).
func (r *rows) Close(cause error) {
	if cause != nil {
		r.statement.Stop(cause)
	}
	if r.body != nil {
		_ = r.body.Close() //nolint:errcheck // it has been read, or is not wanted
	}
	if r.result.bucket != "" {
		r.removed.Do(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.statement.Context()), cleanTimeout)
			defer cancel()
			r.source.client.remove(ctx, r.result)
		})
	}
	r.statement.End()
	r.source.statements.Settle()
}

// each runs a query of our own.
func (s *Source) each(ctx context.Context, sql string, each func([]cell)) error {
	r, err := s.run(ctx, stream.Text{Sent: sql})
	if err != nil {
		return err
	}
	for {
		cells, _, err := r.row()
		if errors.Is(err, stream.ErrEnd) {
			r.Close(nil)
			return nil
		}
		if err != nil {
			r.Close(err)
			return err
		}
		each(cells)
	}
}
