package postgres

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
	"github.com/millrace/millrace/internal/source/unload"
	"github.com/millrace/millrace/internal/value"
)

// written says how Redshift writes a type into files, by the type's name: as it is, or as its text, which is that of the
// wire. Types that are missing here are not written: their form in files is not documented.
// https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html
var written = map[string]struct {
	arrow arrow.Type // in files
	text  bool
}{
	"boolean": {arrow.BOOL, false}, "integer": {arrow.INT32, false}, "bigint": {arrow.INT64, false}, "double precision": {arrow.FLOAT64, false},
	"text": {arrow.STRING, false}, "character varying": {arrow.STRING, false},
	"smallint": {arrow.STRING, true}, "real": {arrow.STRING, true}, "numeric": {arrow.STRING, true}, "date": {arrow.STRING, true},
	"timestamp": {arrow.STRING, true}, "timestamptz": {arrow.STRING, true},
}

var (
	errElsewhere = errors.New("the storage is no bucket of Amazon S3")
	errWritten   = errors.New("a column's form in files is not known")
)

// nativeOf is the name of a column's type.
func nativeOf(c column) string {
	native, _ := c.field.Metadata.GetValue(value.MetaNative)
	return sizes.ReplaceAllString(native, "")
}

// redshiftUnload writes Parquet files. Columns get names of ours, since files do not tell capitals apart. The credentials are
// those of one folder for an hour.
func redshiftUnload(st statement, columns []column, to *connector.Results, g connector.Grant) (string, error) {
	names, selected := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		w, ok := written[nativeOf(c)]
		if !ok {
			return "", fmt.Errorf("%w: %s", errWritten, nativeOf(c))
		}
		names[i] = "c" + strconv.Itoa(i)
		selected[i] = names[i]
		if w.text {
			selected[i] = "CAST(" + names[i] + " AS varchar) AS " + names[i]
		}
	}
	text := query.Redshift.Text
	inner := "SELECT " + strings.Join(selected, ", ") + " FROM (" + st.text + "\n) AS t (" + strings.Join(names, ", ") + ")"
	return "UNLOAD (" + text(inner) + ") TO " + text(to.URL("s3")) + " ACCESS_KEY_ID " + text(g.AccessKeyID) + " SECRET_ACCESS_KEY " + text(g.SecretAccessKey) +
		" SESSION_TOKEN " + text(g.SessionToken) + " FORMAT PARQUET MAXFILESIZE 256 MB REGION " + text(to.Region), nil
}

// fromBucket lets the server write the rows into a bucket, and reads them from there (S-80). Where it cannot, whatever the
// reason, it sends them.
func (s *Source) fromBucket(ctx context.Context, x *session, st statement, columns []column, q connector.Query) (array.RecordReader, error) {
	files, err := x.unload(st, columns, q)
	if err == nil {
		return unload.NewReader(schemaOf(columns), &writtenRows{session: x, files: files}), nil
	}
	ended := x.ctx.Err() != nil
	err = explain(x.ctx, err, st)
	x.close()
	if ended {
		return nil, err
	}
	s.log.Info("rows are sent instead of written into the storage", "code", fault.As(err).Code, "tag", q.Tag) // the server's words may hold credentials
	q.Results = nil
	return s.Query(ctx, q)
}

func (x *session) unload(st statement, columns []column, q connector.Query) (*unload.Rows, error) {
	if q.Results.Provider != blob.ProviderS3 || q.Results.Endpoint != "" {
		return nil, errElsewhere
	}
	grant, err := q.Results.Grant(x.ctx)
	if err != nil {
		return nil, err
	}
	st.text = strings.TrimPrefix(st.text, query.Comment(q.Tag)) // which stands before the whole statement
	sql, err := x.owner.variant.unload(st, columns, q.Results, grant)
	if err != nil {
		return nil, err
	}
	if _, err := x.conn.PgConn().Exec(x.ctx, query.Comment(q.Tag)+sql).ReadAll(); err != nil {
		return nil, err
	}
	if _, err := x.conn.PgConn().Exec(x.ctx, "COMMIT").ReadAll(); err != nil {
		return nil, err
	}
	schema := schemaOf(columns)
	accepts := func(i int, t arrow.DataType) bool { return t.ID() == written[nativeOf(columns[i])].arrow }
	return unload.Open(x.ctx, q.Results, len(columns), accepts, func(in arrow.RecordBatch) (arrow.RecordBatch, error) {
		return unload.Texts(in, schema, func(i int, b array.Builder) func(string) error {
			put := columns[i].into(b)
			return func(text string) error { return put([]byte(text)) }
		})
	})
}

// writtenRows are the rows that the server wrote.
type writtenRows struct {
	session *session
	files   *unload.Rows
}

var _ unload.Source = (*writtenRows)(nil)

// Next reads a batch.
func (w *writtenRows) Next() (arrow.RecordBatch, error) {
	b, err := w.files.Next(w.session.ctx)
	if err != nil && !errors.Is(err, io.EOF) {
		err = explain(w.session.ctx, err, statement{})
	}
	return b, err
}

// Close ends the connection.
func (w *writtenRows) Close(error) {
	w.files.Close()
	w.session.close()
}
