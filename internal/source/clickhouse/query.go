package clickhouse

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
)

// Query streams the rows of one statement. Several statements in one text are refused by the server.
func (s *Source) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	t, err := textOf(q)
	if err != nil {
		return nil, err
	}
	r, err := s.run(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := connector.DistinctColumns(r.names); err != nil {
		r.Close(err)
		return nil, err
	}
	fields := make([]arrow.Field, len(r.names))
	for i, name := range r.names {
		fields[i] = r.types[i].Field(name)
	}
	return stream.NewReader(arrow.NewSchema(fields, nil), r), nil
}

// textOf is the statement as it is sent, with the tag before it, where the server's own lists of queries show it.
func textOf(q connector.Query) (stream.Text, error) {
	own := query.Clean(q.SQL)
	switch stream.FirstWord(own) {
	case "SELECT", "WITH", "(":
	case "SHOW", "DESCRIBE", "DESC", "EXISTS":
		return stream.Text{Sent: query.Comment(q.Tag) + own, Own: own}, nil
	default:
		return stream.Text{}, fault.New(fault.CodeSourceQuery, "the statement is no query").WithSuggestion("A model reads and cannot change data: write it as a SELECT.")
	}
	text := own
	if q.Limit > 0 {
		before, after, _ := strings.Cut(query.ClickHouse.Limit(own, q.Limit), own)
		// The dialect's own settings would change what a join of the model yields.
		after, _, _ = strings.Cut(after, " SETTINGS ")
		text = strings.TrimRight(before, "\n") + own + after
	}
	return stream.Text{Sent: query.Comment(strings.ReplaceAll(q.Tag, "\n", " ")) + text, Own: own}, nil
}

// rows are those of a running query.
type rows struct {
	source    *Source
	statement *stream.Statement
	text      stream.Text
	response  *http.Response
	lines     *bufio.Reader
	names     []string
	types     []trinotype.Type
}

var _ stream.Rows = (*rows)(nil)

// run begins a query and reads the names and types of its columns.
func (s *Source) run(ctx context.Context, t stream.Text) (*rows, error) {
	x, err := s.statements.Begin(ctx)
	if err != nil {
		return nil, err
	}
	id := "millrace-" + rand.Text()
	x.OnStop(func(ctx context.Context) { s.client.kill(ctx, id) })
	r := &rows{source: s, statement: x, text: t}
	if r.response, err = s.client.start(x.Context(), id, t.Sent); err == nil { //nolint:bodyclose // Close does
		r.lines = bufio.NewReaderSize(r.response.Body, 1<<16)
		err = r.head()
	}
	if err != nil {
		return nil, r.fail(err)
	}
	return r, nil
}

// fail ends the query with an error of the server, or of the way to it.
func (r *rows) fail(err error) error {
	err = r.source.client.explain(r.statement, err, r.text)
	r.Close(err)
	return err
}

func (r *rows) head() error {
	if got := r.response.Header.Get("X-ClickHouse-Format"); got != "" && got != format {
		return fault.New(fault.CodeSourceQuery, "the rows come as %s", got).WithSuggestion("Leave FORMAT out of the query.")
	}
	var natives []string
	for _, into := range []*[]string{&r.names, &natives} {
		line, err := r.line()
		if errors.Is(err, stream.ErrEnd) {
			return fault.New(fault.CodeSourceQuery, "the statement returns no columns").WithSuggestion("Write the model as a SELECT.")
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal(line, into); err != nil {
			return r.broken(line)
		}
	}
	zone := r.response.Header.Get("X-ClickHouse-Timezone")
	for _, native := range natives {
		r.types = append(r.types, typeOf(native, zone))
	}
	if len(r.types) != len(r.names) {
		return errors.New("the server sent other numbers of names and types")
	}
	return nil
}

// line returns the next line, without what ends it. A row is one line; what is none is the beginning of an exception.
func (r *rows) line() ([]byte, error) {
	line, err := r.lines.ReadBytes('\n')
	line = bytes.TrimRight(line, "\r\n")
	switch {
	case err == nil && len(line) > 0 && line[0] == '[':
		return line, nil
	case err == nil:
		return nil, r.broken(line)
	case errors.Is(err, io.EOF) && len(line) == 0:
		return nil, stream.ErrEnd
	case len(line) > 0:
		return nil, r.broken(line)
	default:
		return nil, bare(err)
	}
}

// beginning is how an exception begins.
var beginning = regexp.MustCompile(`Code: \d+[.,] (?:e\.displayText\(\) = )?DB::`)

// broken reads the exception that ends a result, which may begin in the middle of a row.
// https://clickhouse.com/docs/interfaces/http#http_response_codes_caveats
func (r *rows) broken(line []byte) error {
	rest, err := io.ReadAll(io.LimitReader(r.lines, maxWords))
	if err != nil && len(rest) == 0 && len(line) == 0 {
		return bare(err)
	}
	text := strings.ToValidUTF8(string(line)+"\n"+string(rest), "?")
	all := beginning.FindAllStringIndex(text, -1)
	if len(all) == 0 {
		return io.ErrUnexpectedEOF // never a part of a row
	}
	text = text[all[len(all)-1][0]:]
	if end := strings.Index(text, "__exception__"); end >= 0 { // newer servers put the text between two of these
		text = text[:end]
		if last := strings.LastIndex(strings.TrimSpace(text), "\n"); last >= 0 { // and the text's length before the second one
			text = text[:last]
		}
	}
	return r.source.client.exception(strings.TrimSpace(text))
}

// row returns the next row.
func (r *rows) row() (cells []json.RawMessage, size int, err error) {
	line, err := r.line()
	if err != nil {
		return nil, 0, err
	}
	if err := json.Unmarshal(line, &cells); err != nil || len(cells) != len(r.types) {
		return nil, 0, r.broken(line)
	}
	return cells, len(line), nil
}

// Append adds a row to a batch.
func (r *rows) Append(columns []array.Builder) (int, error) {
	cells, size, err := r.row()
	switch {
	case errors.Is(err, stream.ErrEnd) && r.statement.Explain() == nil:
		return 0, err
	case err != nil:
		return 0, r.fail(err)
	}
	for i, raw := range cells {
		if err := r.types[i].AppendJSON(columns[i], raw); err != nil {
			return 0, fault.Wrap(err, fault.CodeSourceType, "reading the column %s, of the type %s", strconv.Quote(r.names[i]), r.types[i].Text).
				WithSuggestion("Convert the column in the query: base64Encode for bytes, toString for other values.")
		}
	}
	return size, nil
}

// Close ends the query.
func (r *rows) Close(cause error) {
	if cause != nil {
		r.statement.Stop(cause)
	}
	if r.response != nil {
		_ = r.response.Body.Close() //nolint:errcheck // it has been read, or is not wanted
	}
	r.statement.End()
}

// each runs a query of our own, whose rows are texts.
func (s *Source) each(ctx context.Context, sql string, each func(cells []string)) error {
	r, err := s.run(ctx, stream.Text{Sent: sql})
	if err != nil {
		return err
	}
	for {
		cells, _, err := r.row()
		if errors.Is(err, stream.ErrEnd) && r.statement.Explain() == nil {
			r.Close(nil)
			return nil
		}
		if err != nil {
			return r.fail(err)
		}
		texts := make([]string, len(cells))
		for i, raw := range cells {
			if err := json.Unmarshal(raw, &texts[i]); err != nil {
				texts[i] = string(raw) // a number
			}
		}
		each(texts)
	}
}
