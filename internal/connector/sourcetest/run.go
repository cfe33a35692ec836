package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// Run runs the whole suite.
func Run(t *testing.T, f Fixture) {
	w := world{Fixture: f, dir: t.TempDir()}
	t.Run("memory", func(t *testing.T) { testMemory(t, w) }) // by itself, since it measures the process
	for _, c := range []struct {
		name string
		test func(*testing.T, world)
	}{
		{"description", testDescription},
		{"open stays offline", testOpen},
		{"test succeeds", testSucceeds},
		{"test fails", testFails},
		{"introspect", testIntrospect},
		{"descriptions", testDescriptions},
		{"own schemas", testHidden},
		{"values", testValues},
		{"limit", testLimit},
		{"statements", testStatements},
		{"empty result", testEmpty},
		{"broken statements", testBroken},
		{"duplicate columns", testDuplicates},
		{"cancelled before", testCancelledBefore},
		{"cancelled", testCancelled},
		{"released early", testReleased},
		{"closed", testClosed},
		{"concurrent", testConcurrent},
		{"wide rows", testWide},
		{"load", testLoad},
		{"warehouse", testWarehouse},
		{"unload", testUnload},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, w)
		})
	}
}

func testDescription(t *testing.T, w world) {
	i := w.Info
	if i.Slug == "" || i.Name == "" || i.Category == "" || i.Summary == "" || i.Open == nil || len(i.Methods) == 0 || len(i.Engines) == 0 {
		t.Errorf("slug, name, category, summary, methods, engines and Open must be given: %+v", i)
	}
	seen := map[string]bool{}
	settings := w.Settings.WithDefaults(nil)
	for _, field := range i.Fields {
		if field.Type == connector.FieldCredential { // a document's settings have its slug, those that a source is opened with have what it says
			settings[field.Name] = "credential"
		}
		if field.Name == "" || field.Label == "" || field.Type == "" || seen[field.Name] {
			t.Errorf("field %q needs a name of its own, a label and a type", field.Name)
		}
		if field.Type == connector.FieldSecret && !field.Secret {
			t.Errorf("field %q is of type secret but would not be stored as one", field.Name)
		}
		seen[field.Name] = true
	}
	if issues := settings.Check("settings", i.Fields, nil); len(issues) > 0 {
		t.Errorf("the settings do not fit the fields: %v", issues)
	}
	if d := w.open(t, w.Settings).Dialect(); d.Name == "" || d.Quote == "" {
		t.Errorf("the dialect is %+v", d)
	}
}

// testOpen opens settings of which nothing can be reached: only Test may find that out.
func testOpen(t *testing.T, w world) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a listener
	accepted := make(chan struct{})
	go func() {
		if c, err := l.Accept(); err == nil {
			close(accepted)
			c.Close() //nolint:errcheck // it was enough that it came
		}
	}()
	settings := w.Settings.WithDefaults(nil)
	for _, field := range w.Info.Fields {
		switch field.Name {
		case "host":
			settings["host"] = "127.0.0.1"
		case "port":
			settings["port"] = l.Addr().(*net.TCPAddr).Port
		case "endpoint":
			settings["endpoint"] = "http://" + l.Addr().String()
		}
	}
	if err := w.open(t, settings).Close(); err != nil {
		t.Errorf("closing a source that was never used: %v", err)
	}
	select {
	case <-accepted:
		t.Error("opening connected")
	default:
	}
}

func testSucceeds(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	if err := s.Test(t.Context()); err != nil {
		t.Fatalf("Test: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Test(ctx); err == nil {
		t.Error("Test worked with a cancelled context")
	} else {
		w.checkError(t, w.Settings, err)
	}
}

func testFails(t *testing.T, w world) {
	for _, c := range w.Failing {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := w.open(t, c.Settings)
			w.checkFails(t, c, s.Test(t.Context()))
			_, err := s.Introspect(t.Context())
			w.checkFails(t, c, err)
			_, err = consume(t.Context(), s, connector.Query{SQL: "SELECT 1 AS id"})
			w.checkFails(t, c, err)
		})
	}
}

func (w world) checkFails(t *testing.T, c Failing, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("it did not fail")
	}
	w.checkError(t, c.Settings, err)
	if !fault.Is(err, c.Code) {
		t.Errorf("code %s, want %s: %v", fault.As(err).Code, c.Code, err)
	}
	if !strings.Contains(err.Error(), c.Says) {
		t.Errorf("the error does not say %q: %v", c.Says, err)
	}
}

func testIntrospect(t *testing.T, w world) {
	found, err := w.open(t, w.Settings).Introspect(t.Context())
	if err != nil {
		t.Fatalf("Introspect: %v", err)
	}
	sorted := slices.IsSortedFunc(found, func(a, b connector.Table) int {
		return strings.Compare(a.Ref.Schema+"\x00"+a.Ref.Name, b.Ref.Schema+"\x00"+b.Ref.Name)
	})
	if !sorted {
		t.Errorf("the tables are not sorted: %v", refs(found))
	}
	for _, want := range w.Tables {
		i := slices.IndexFunc(found, func(f connector.Table) bool { return f.Ref == want.Ref })
		if i < 0 {
			t.Errorf("%s was not found among %v", want.Ref, refs(found))
			continue
		}
		checkTable(t, found[i], want)
	}
	for _, f := range found {
		if f.Kind != "table" && f.Kind != "view" {
			t.Errorf("%s is of the kind %q", f.Ref, f.Kind)
		}
		if err := w.readable(t, f); err != nil && w.isListed(t, f.Ref) { // other tests of the suite make and drop tables meanwhile
			t.Errorf("reading %s: %v", f.Ref, err)
		}
	}
}

// isListed reports whether discovery finds the table now.
func (w world) isListed(t *testing.T, ref query.TableRef) bool {
	t.Helper()
	found, err := w.open(t, w.Settings).Introspect(t.Context())
	if err != nil {
		t.Fatalf("Introspect: %v", err)
	}
	return slices.ContainsFunc(found, func(f connector.Table) bool { return f.Ref == ref })
}

// testDescriptions is M-14: queries that people look at tell the comments of the columns that they take from a table.
func testDescriptions(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	for _, table := range w.Tables {
		said := map[string]string{}
		for _, c := range table.Columns {
			said[c.Name] = c.Description
		}
		for _, sql := range []string{s.Dialect().SelectTable(table.Ref), s.Dialect().SelectTable(table.Ref) + " AS t WHERE 1 = 1 -- all"} {
			for _, limit := range []int64{0, 1} {
				r, err := s.Query(t.Context(), connector.Query{SQL: sql, Limit: limit, Class: connector.WorkloadInteractive})
				if err != nil {
					t.Errorf("reading %s: %v", table.Ref, err)
					continue
				}
				for _, c := range schemaOf(t, r.Schema()) {
					if want := said[c.Name]; want != "" && c.Description != want {
						t.Errorf("%s.%s is described as %q, want %q (%s)", table.Ref, c.Name, c.Description, want, sql)
					}
				}
				r.Release()
			}
		}
	}
}

func refs(tables []connector.Table) []string {
	names := make([]string, len(tables))
	for i, table := range tables {
		names[i] = table.Ref.String()
	}
	return names
}

func checkTable(t *testing.T, got, want connector.Table) {
	t.Helper()
	if got.Kind != want.Kind || want.Rows != nil && (got.Rows == nil || *got.Rows != *want.Rows) {
		t.Errorf("%s is a %s with %s rows, want a %s with %s", got.Ref, got.Kind, count(got.Rows), want.Kind, count(want.Rows))
	}
	if len(got.Columns) != len(want.Columns) {
		t.Errorf("%s has the columns %v, want %v", got.Ref, got.Columns, want.Columns)
		return
	}
	for i, c := range want.Columns {
		g := got.Columns[i]
		if g.Name != c.Name || g.Type != c.Type || c.Native != "" && g.Native != c.Native || c.Description != "" && g.Description != c.Description {
			t.Errorf("column %d of %s is %+v, want %+v", i, got.Ref, g, c)
		}
	}
}

func count(n *int64) string {
	if n == nil {
		return "unknown"
	}
	return strconv.FormatInt(*n, 10)
}

// readable proves that what was found can be read by its name, and that its columns have the types that
// discovery says.
func (w world) readable(t *testing.T, table connector.Table) error {
	t.Helper()
	s := w.open(t, w.Settings)
	r, err := s.Query(t.Context(), connector.Query{SQL: s.Dialect().SelectTable(table.Ref), Limit: 1})
	if err != nil {
		return err
	}
	defer r.Release()
	schema := schemaOf(t, r.Schema())
	if !slices.Equal(schema.Names(), table.Columns.Names()) {
		return fmt.Errorf("it yields the columns %v, discovery says %v", schema.Names(), table.Columns.Names())
	}
	for i, c := range schema {
		if c.Type != table.Columns[i].Type {
			return fmt.Errorf("%s is of the type %s, discovery says %s", c.Name, c.Type, table.Columns[i].Type)
		}
	}
	_, err = drain(r)
	return err
}

// testHidden is S-04.
func testHidden(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	found, err := s.Introspect(t.Context())
	if err != nil {
		t.Fatalf("Introspect: %v", err)
	}
	for _, f := range found {
		if query.IsOwnSchema(f.Ref.Schema) {
			t.Errorf("%s is listed", f.Ref)
		}
	}
	for _, ref := range w.Hidden {
		if _, err := consume(t.Context(), s, connector.Query{SQL: s.Dialect().SelectTable(ref)}); err != nil {
			t.Errorf("%s should exist: %v", ref, err)
		}
	}
}

func testLimit(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	for _, c := range []struct{ rows, limit, want int64 }{{1000, 7, 7}, {1000, 1, 1}, {5, 10, 5}, {1000, 0, 1000}, {20_000, 15_000, 15_000}} {
		n, err := consume(t.Context(), s, connector.Query{SQL: w.Rows(c.rows), Limit: c.limit})
		if err != nil || n != c.want {
			t.Errorf("%d rows with the limit %d: got %d, %v", c.rows, c.limit, n, err)
		}
	}
}

// testStatements reads statements in the forms in which people write them.
func testStatements(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	for _, sql := range []string{
		w.Rows(3) + "\n-- the end", w.Rows(3) + " ;\n", w.Rows(3) + "\n/* ; */", "-- first\n" + w.Rows(3),
		"WITH r AS (" + w.Rows(3) + ") SELECT id, name FROM r", "  \n" + w.Rows(3) + "  \n ORDER BY id DESC",
	} {
		for _, limit := range []int64{0, 3} {
			n, err := consume(t.Context(), s, connector.Query{SQL: sql, Limit: limit, Tag: "sync 1 */ run 2", Class: connector.WorkloadBatch})
			if err != nil || n != 3 {
				t.Errorf("%q with the limit %d: got %d rows, %v", sql, limit, n, err)
			}
		}
	}
	if n, err := consume(t.Context(), s, connector.Query{SQL: w.Rows(1) + "; " + w.Rows(2)}); err == nil {
		t.Errorf("two statements in one yield %d rows", n)
	} else {
		w.checkError(t, w.Settings, err)
	}
}

func testEmpty(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	full := Read(t, w.query(t, s, connector.Query{SQL: w.Rows(1)}))
	for _, limit := range []int64{0, 10} {
		got := Read(t, w.query(t, s, connector.Query{SQL: "SELECT id, name FROM (" + w.Rows(1) + ") AS r WHERE id < 0", Limit: limit}))
		if len(got.Rows) != 0 || !slices.Equal(got.Schema, full.Schema) {
			t.Errorf("%d rows of %+v, want none of %+v", len(got.Rows), got.Schema, full.Schema)
		}
	}
}

// testBroken is M-30: the source's own words, with the place where the source says one.
func testBroken(t *testing.T, w world) {
	for _, c := range []struct{ name, sql, says, line string }{
		{"syntax", "SELECT 1 AS id,\n  FROM WHERE", w.Says.Syntax, "line 2"},
		{"missing table", "SELECT *\nFROM no_such_table", w.Says.Table, "line 2"},
		{"missing column", "SELECT\n\n no_such_column FROM (SELECT 1 AS id) AS t", w.Says.Column, "line 3"},
		{"space before", "\n  \nSELECT no_such_column FROM (SELECT 1 AS id) AS t", w.Says.Column, "line 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := w.open(t, w.Settings)
			for _, q := range []connector.Query{{SQL: c.sql}, {SQL: c.sql, Limit: 5, Tag: "preview\n1"}} {
				_, err := consume(t.Context(), s, q)
				if err == nil {
					t.Fatalf("%q worked", c.sql)
				}
				w.checkError(t, w.Settings, err)
				if !fault.Is(err, fault.CodeSourceQuery) || fault.ClassOf(err) != fault.Fatal {
					t.Errorf("code %s of the class %s: %v", fault.As(err).Code, fault.ClassOf(err), err)
				}
				if text := err.Error(); c.says == "" || !strings.Contains(text, c.says) || !strings.Contains(strings.ToLower(text), c.line) {
					t.Errorf("with the limit %d the error does not say %q at %s: %v", q.Limit, c.says, c.line, err)
				}
				if place := fault.As(err).Place; fmt.Sprint("line ", place.Line) != c.line || place.Column < 1 {
					t.Errorf("with the limit %d the error is at %+v, want %s: %v", q.Limit, place, c.line, err)
				}
			}
		})
	}
}

func testDuplicates(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	for _, sql := range []string{"SELECT 1 AS id, 2 AS twice, 3 AS twice", `SELECT 1 AS id, 2 AS twice, 3 AS "TWICE"`} {
		for _, limit := range []int64{0, 5} {
			_, err := consume(t.Context(), s, connector.Query{SQL: sql, Limit: limit})
			if err == nil {
				t.Errorf("%s: two columns of one name were read", sql)
				continue
			}
			w.checkError(t, w.Settings, err)
			if !fault.Is(err, fault.CodeSourceQuery) || !strings.Contains(strings.ToLower(err.Error()), "twice") {
				t.Errorf("%s: the error does not name the column: %v", sql, err)
			}
		}
	}
}

func testConcurrent(t *testing.T, w world) {
	const workers = 8
	s := w.open(t, w.Settings)
	results := make(chan error, workers)
	for i := range int64(workers) {
		go func() {
			want := 9000 + i
			n, err := consume(t.Context(), s, connector.Query{SQL: w.Rows(want)})
			if err == nil && n != want {
				err = fmt.Errorf("%d rows, want %d", n, want)
			}
			results <- err
		}()
	}
	var errs []error
	for range workers {
		errs = append(errs, <-results)
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}
