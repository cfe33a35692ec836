// Package sourcetest is the conformance suite of sources. A new source calls Run with a Fixture from its own
// test; whatever passes may be read by the engine.
//
// The suite proves the contract of connector.Source on the real thing: opening stays offline, errors carry a
// code and the driver's words but no secret, discovery is sorted and hides our own schemas, values of every
// type arrive exactly, results stream in bounded batches, and a statement ends when its context does.
package sourcetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Fixture is what the suite needs to know of a source.
type Fixture struct {
	Info connector.SourceInfo

	// Settings connect to a place that Test accepts.
	Settings connector.Settings

	// Failing are settings with which Open works and Test fails.
	Failing []Failing

	// Tables must be found by Introspect: reference, kind, and the columns with name and type, in order. A
	// column's Native and Description and a table's Rows are compared where they are given.
	Tables []connector.Table

	// Hidden exist and can be queried, but Introspect must not list them: they are in query.OwnSchemas.
	Hidden []query.TableRef

	// SQL replaces the expressions of the suite's Values, by name; an empty one says that the source has no
	// such value.
	SQL map[string]string

	// Values are the source's own types.
	Values []Value

	// Lacks are the types that no value of the source has.
	Lacks []value.Type

	// Rows returns a statement that yields n rows: "id", a number from 1 to n, and "name", the text "row "
	// followed by the id.
	Rows func(n int64) string

	// Repeat is the function that repeats a text; empty means repeat.
	Repeat string

	// Endless is a statement that runs for hours before it yields a row, by itself.
	Endless string

	// Says are parts of the driver's words about broken statements.
	Says Says

	// NoDigits says that the source has no numbers of any number of digits: a Loader keeps them as text.
	NoDigits bool

	// NoObjects says that the source has no type of objects and lists: a Loader keeps them as text.
	NoObjects bool

	// FoldsNames says that tables whose names differ only in capitals are one.
	FoldsNames bool

	// NoZeros says that the source's decimals have no zeros at their end.
	NoZeros bool

	// PlainNames says that names of tables and columns hold no quotes.
	PlainNames bool

	// Running tells whether a statement with the tag runs at the source. Nil means that nobody can know.
	Running func(t *testing.T, tag string) bool
}

// Failing are settings with which Test must fail.
type Failing struct {
	Name     string
	Settings connector.Settings
	Code     fault.Code // that the error carries
	Says     string     // a part of the driver's own words
}

// Value is an expression and what it must arrive as.
type Value struct {
	Name string
	SQL  string // an expression
	Type value.Type
	Want value.Value
}

// Says are the driver's words.
type Says struct {
	Syntax string // about FROM where no FROM may be
	Table  string // about the table no_such_table
	Column string // about the column no_such_column
}

// world is one run of the suite.
type world struct {
	Fixture

	dir string
}

// open opens the source and closes it with the test.
func (w world) open(t *testing.T, s connector.Settings) connector.Source {
	t.Helper()
	source, err := w.Info.Open(connector.SourceOptions{
		Settings: s.WithDefaults(w.Info.Fields), Dir: filepath.Join(w.dir, "source"), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return source
}

// query runs a statement that must work; the rows are released with the test.
func (w world) query(t *testing.T, s connector.Source, q connector.Query) array.RecordReader {
	t.Helper()
	r, err := s.Query(t.Context(), q)
	if err != nil {
		t.Fatalf("querying %q: %v", q.SQL, err)
	}
	t.Cleanup(r.Release)
	return r
}

// Table is a result read whole.
type Table struct {
	Schema value.Schema
	Rows   [][]value.Value
}

// Read reads rows whole, for results that a test can hold.
func Read(t *testing.T, r array.RecordReader) Table {
	t.Helper()
	table := Table{Schema: schemaOf(t, r.Schema())}
	for r.Next() {
		b := r.RecordBatch()
		if !b.Schema().Equal(r.Schema()) {
			t.Fatalf("a batch has the columns %v, the reader has %v", b.Schema(), r.Schema())
		}
		table.Rows = append(table.Rows, rowsOf(t, b)...)
	}
	if err := r.Err(); err != nil {
		t.Fatalf("reading the rows: %v", err)
	}
	return table
}

func schemaOf(t *testing.T, s *arrow.Schema) value.Schema {
	t.Helper()
	schema, err := value.SchemaOf(s)
	if err != nil {
		t.Fatalf("the columns: %v", err)
	}
	return schema
}

// rowsOf copies the rows of a batch: its values would end with it.
func rowsOf(t *testing.T, b arrow.RecordBatch) [][]value.Value {
	t.Helper()
	rows := make([][]value.Value, b.NumRows())
	for i, f := range b.Schema().Fields() {
		read, err := value.NewReader(f, b.Column(i))
		if err != nil {
			t.Fatalf("column %q: %v", f.Name, err)
		}
		for n := range rows {
			rows[n] = append(rows[n], copyOf(read(n)))
		}
	}
	return rows
}

func copyOf(v value.Value) value.Value {
	switch v = v.Parsed(); v.Kind() {
	case value.Text:
		return value.OfText(strings.Clone(v.Raw()))
	case value.Decimal:
		return value.OfDecimal(strings.Clone(v.Raw()))
	case value.List:
		items := make([]value.Value, len(v.List()))
		for i, item := range v.List() {
			items[i] = copyOf(item)
		}
		return value.OfList(items)
	case value.Map:
		fields := make([]value.Field, len(v.Fields()))
		for i, f := range v.Fields() {
			fields[i] = value.Field{Name: f.Name, Value: copyOf(f.Value)}
		}
		return value.OfMap(fields)
	default:
		return v
	}
}

// same reports whether two values are one: numbers digit for digit, objects regardless of the order.
func same(a, b value.Value) bool {
	if a.Kind().String() == "number" {
		return b.Kind().String() == "number" && a.String() == b.String()
	}
	return a.Equal(b)
}

// checkError proves that an error can be shown: a code of sources, something to do, no secret.
func (w world) checkError(t *testing.T, s connector.Settings, err error) {
	t.Helper()
	e := fault.As(err)
	if !strings.HasPrefix(string(e.Code), "source.") {
		t.Errorf("the error has the code %s, not one of a source: %v", e.Code, err)
	}
	if e.Hint() == "" {
		t.Errorf("the error does not say what to do: %v", err)
	}
	for _, field := range w.Info.Fields {
		secret := s.Text(field.Name)
		if text := err.Error() + e.Suggestion; field.Secret && len(secret) > 3 && strings.Contains(text, secret) {
			t.Errorf("the secret %q appears in: %.300s", field.Name, strings.ReplaceAll(text, secret, "[the secret]"))
		}
	}
}

// drain reads rows to their end and returns how many there were.
func drain(r array.RecordReader) (int64, error) {
	var n int64
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	return n, r.Err()
}

// consume runs a statement and reads it to its end.
func consume(ctx context.Context, s connector.Source, q connector.Query) (int64, error) {
	r, err := s.Query(ctx, q)
	if err != nil {
		return 0, err
	}
	defer r.Release()
	return drain(r)
}
