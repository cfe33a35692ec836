package athena

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
	"github.com/millrace/millrace/internal/source/unload"
)

// written says how a column is written into files: as it is, or as the text that Athena's results have. Timestamps are
// texts since Parquet files of Athena's hold few years of them (INT96); types that are missing here are not written.
// https://docs.aws.amazon.com/athena/latest/ug/unload.html
var written = map[string]struct {
	arrow arrow.Type // in files
	text  string     // the expression, with the column for %s; empty where it is written as it is
}{
	"boolean": {arrow: arrow.BOOL}, "integer": {arrow: arrow.INT32}, "double": {arrow: arrow.FLOAT64}, "varchar": {arrow: arrow.STRING}, "varbinary": {arrow: arrow.BINARY},
	"tinyint": asVarchar, "smallint": asVarchar, "bigint": asVarchar, "real": asVarchar, "decimal": asVarchar, "date": asVarchar, "timestamp": asVarchar,
	"timestamp with time zone": {arrow.STRING, "CAST(CAST(%s AT TIME ZONE 'UTC' AS timestamp(6)) AS varchar) || ' UTC'"},
}

var asVarchar = struct {
	arrow arrow.Type
	text  string
}{arrow.STRING, "CAST(%s AS varchar)"}

var (
	errElsewhere = errors.New("the storage is no bucket of the source's S3")
	errWritten   = errors.New("a column's form in files is not known")
)

// fromBucket lets Athena write the rows into a bucket, and reads them from there (S-80). Neither rows nor an error means that
// it cannot, whatever the reason: rows are to be had in the other way, and errors too.
func (s *Source) fromBucket(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	r, err := s.unload(ctx, q)
	if err == nil {
		return r, nil
	}
	if ctx.Err() != nil {
		return nil, err
	}
	s.log.Info("rows are sent instead of written into the storage", "reason", err, "tag", q.Tag)
	return nil, nil //nolint:nilnil // there is another way
}

func (s *Source) unload(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	if q.Results.Provider != blob.ProviderS3 || q.Results.Endpoint != "" && s.client.settings.StorageEndpoint == "" {
		return nil, errElsewhere
	}
	d, err := s.describe(ctx, q)
	if err != nil {
		return nil, err
	}
	d.Close(nil)
	if err := connector.DistinctColumns(d.names); err != nil {
		return nil, err
	}
	t, err := s.unloading(q, d.types)
	if err != nil {
		return nil, err
	}
	x, err := s.statements.Begin(ctx)
	if err != nil {
		return nil, err
	}
	w := &writtenRows{source: s, statement: x, types: d.types, names: d.names}
	if err := w.open(t, q.Results); err != nil {
		err = s.client.explain(x, err, t)
		w.Close(err)
		return nil, err
	}
	return unload.NewReader(d.schema(), w), nil
}

// unloading is the statement that writes the rows. Columns get names of ours: a query's may have none, and files do not tell
// capitals apart.
func (s *Source) unloading(q connector.Query, types []trinotype.Type) (stream.Text, error) {
	own := query.Clean(q.SQL)
	names, columns := make([]string, len(types)), make([]string, len(types))
	for i, t := range types {
		w, ok := written[trinotype.Parse(t.Text).Base]
		if !ok {
			return stream.Text{}, fmt.Errorf("%w: %s", errWritten, t.Text)
		}
		names[i] = "c" + strconv.Itoa(i)
		columns[i] = names[i]
		if w.text != "" {
			columns[i] = fmt.Sprintf(w.text, names[i]) + " AS " + names[i]
		}
	}
	limit := ""
	if q.Limit > 0 {
		limit = " LIMIT " + strconv.FormatInt(q.Limit, 10)
	}
	sent := query.Comment(strings.ReplaceAll(q.Tag, "\n", " ")) + "UNLOAD (SELECT " + strings.Join(columns, ", ") + " FROM (" + own + "\n) AS t (" +
		strings.Join(names, ", ") + ")" + limit + ") TO " + s.dialect.Text(q.Results.URL("s3")) + " WITH (format = 'PARQUET')"
	return stream.Text{Sent: sent, Own: own}, nil
}

// writtenRows are the rows that Athena wrote.
type writtenRows struct {
	source    *Source
	statement *stream.Statement
	names     []string
	types     []trinotype.Type
	files     *unload.Rows
}

var _ unload.Source = (*writtenRows)(nil)

func (w *writtenRows) open(t stream.Text, to *connector.Results) error {
	e, err := w.source.client.start(w.statement, t.Sent)
	if err != nil {
		return err
	}
	ctx := w.statement.Context()
	if o, ok := objectOf(e.output); ok { // what Athena notes of the files
		w.source.client.remove(ctx, o)
		w.source.client.remove(ctx, object{o.bucket, o.key + "-manifest.csv"})
	}
	accepts := func(column int, t arrow.DataType) bool {
		return t.ID() == written[trinotype.Parse(w.types[column].Text).Base].arrow
	}
	schema := (&rows{names: w.names, types: w.types}).schema()
	w.files, err = unload.Open(ctx, to, len(w.types), accepts, func(in arrow.RecordBatch) (arrow.RecordBatch, error) {
		return unload.Texts(in, schema, func(column int, b array.Builder) func(string) error {
			return func(text string) error { return w.types[column].AppendText(b, text) }
		})
	})
	return err
}

// Next reads a batch.
func (w *writtenRows) Next() (arrow.RecordBatch, error) {
	b, err := w.files.Next(w.statement.Context())
	if err != nil && !errors.Is(err, io.EOF) {
		err = w.explain(err)
	}
	return b, err
}

func (w *writtenRows) explain(err error) error {
	if cause := w.statement.Explain(); cause != nil {
		return cause
	}
	return fault.Wrap(err, fault.CodeSourceUnreachable, "reading what Athena wrote into the storage")
}

// Close ends the statement.
func (w *writtenRows) Close(cause error) {
	if cause != nil {
		w.statement.Stop(cause)
	}
	if w.files != nil {
		w.files.Close()
	}
	w.statement.End()
	w.source.statements.Settle()
}
