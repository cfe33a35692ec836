package mysql

import (
	"context"
	"strings"
	"unicode"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
)

// Query streams the rows of one statement. Several statements in one text are refused by the server.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	st := s.statementOf(q)
	if err := st.reads(); err != nil {
		return nil, err
	}
	x, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	r, err := x.query(st, q.Class == connector.WorkloadInteractive)
	if err != nil {
		err = s.explain(x.ctx, err, st)
		x.close()
		return nil, err
	}
	return r, nil
}

// query runs the statement. People see the comments of its columns, for which the server is asked once more; runs have
// no use for them.
func (x *session) query(st statement, comments bool) (*stream.Reader, error) {
	if err := x.begin(); err != nil {
		return nil, err
	}
	var said map[string]string
	if comments && x.owner.product.explains {
		var err error
		if said, err = x.comments(st.own); err != nil {
			return nil, err
		}
	}
	rows, err := x.run(st.text)
	if err != nil {
		return nil, err
	}
	names := rows.Columns()
	if len(names) == 0 {
		x.running.Store(false)
		return nil, errNoColumns()
	}
	if err := connector.DistinctColumns(names); err != nil {
		return nil, err
	}
	columns, err := x.owner.columnsOf(rows, said)
	if err != nil {
		return nil, err
	}
	return newReader(x, st, rows, columns), nil
}

func errNoColumns() *fault.Error {
	return fault.New(fault.CodeSourceQuery, "the statement returns no columns").WithSuggestion("Write the model as a SELECT.")
}

// statement is a query as it is sent, and where the user's own text stands in it.
type statement struct {
	text  string // what is sent
	own   string // what the user wrote
	shift int    // where the user's text begins in what is sent; less than 0 where its beginning is left out
}

// statementOf puts the tag before the query, where the server's process list shows it. The server leaves out space at
// the beginning, and does not count its lines: it is not sent.
func (s *Source) statementOf(q connector.Query) statement {
	own := query.Clean(q.SQL)
	text := own
	if q.Limit > 0 {
		text = s.product.dialect.Limit(own, q.Limit)
	}
	before, _, _ := strings.Cut(text, own)
	text = query.Comment(q.Tag) + text
	sent := strings.TrimLeftFunc(text, unicode.IsSpace)
	return statement{text: sent, own: own, shift: len(query.Comment(q.Tag)) + len(before) - (len(text) - len(sent))}
}

// reads refuses a statement that is no query. Where the server has read-only transactions it refuses to change data by
// itself; but not everywhere it has, and not what is outside of them: files, settings, other connections.
func (st statement) reads() error {
	all := tokens(st.own)
	for len(all) > 0 && all[0].is("(") {
		all = all[1:]
	}
	if len(all) == 0 {
		return errNoColumns()
	}
	switch first := all[0]; {
	case first.is("SELECT", "TABLE", "VALUES", "SHOW", "DESC", "DESCRIBE", "EXPLAIN"):
	case first.is("WITH") && !changes(all):
	default:
		return errNoColumns()
	}
	for i, t := range all[1:] {
		if t.is("OUTFILE", "DUMPFILE") && all[i].is("INTO") {
			return fault.New(fault.CodeSourceQuery, "the statement writes a file").WithSuggestion("A model reads and cannot write files: leave INTO %s out.", strings.ToUpper(t.text))
		}
	}
	return nil
}

// changes reports whether what follows the common table expressions changes data.
func changes(all []token) bool {
	depth := 0
	for _, t := range all {
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case depth == 0 && t.is("SELECT", "TABLE", "VALUES"):
			return false
		case depth == 0 && t.is("DELETE", "UPDATE", "INSERT", "REPLACE"):
			return true
		}
	}
	return false
}

func schemaOf(columns []column) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = c.field
	}
	return arrow.NewSchema(fields, nil)
}
