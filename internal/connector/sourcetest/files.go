package sourcetest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Files is what the suite needs to know of a source whose models choose a file.
type Files struct {
	Info connector.SourceInfo

	// Settings connect to a place that Test accepts.
	Settings connector.Settings

	// Put makes or replaces a file there.
	Put func(t *testing.T, path string, content []byte)

	// Newer puts a file that is newer than all that were put before, by the clock of the place. Nil where Put does.
	Newer func(t *testing.T, path string, content []byte)

	// Failing are settings with which Open works and Test and Query fail.
	Failing []Failing

	// Odd are paths that the place takes besides those that every place takes.
	Odd []string
}

// files is one run of the suite of files.
type files struct {
	world

	Files
}

// RunFiles runs the suite of sources whose models choose a file: the rules of the files' content (S-75 to S-79), of
// choosing one, and what of the suite of sources does not depend on SQL. It measures the memory of the process, so that
// no other test may run beside it.
func RunFiles(t *testing.T, f Files) {
	w := files{world{Fixture: Fixture{Info: f.Info, Settings: f.Settings, Failing: f.Failing}, dir: t.TempDir()}, f}
	t.Run("memory", func(t *testing.T) { testFileMemory(t, w) }) // by itself, since it measures the process
	for _, c := range []struct {
		name string
		test func(*testing.T, files)
	}{
		{"description", testFilesDescription},
		{"open stays offline", func(t *testing.T, w files) { testOpen(t, w.world) }},
		{"test succeeds", func(t *testing.T, w files) { testSucceeds(t, w.world) }},
		{"test fails", testFilesFail},
		{"content", testFileContent},
		{"bad content", testBadContent},
		{"choice", testFileChoice},
		{"newest", testNewest},
		{"list", testFileList},
		{"odd names", testOddNames},
		{"one state", testOneState},
		{"cancelled", testFileCancelled},
		{"concurrent", testFilesConcurrent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, w)
		})
	}
}

func (w files) has(extension string) bool {
	return slices.Contains(w.Files.Info.Files.Extensions, extension)
}

// rowsOf is the query of a file's rows.
func (w files) rowsOf(t *testing.T, s connector.Source, f connector.File) connector.Query {
	t.Helper()
	return connector.Query{SQL: s.Dialect().SelectTable(connector.RowsTable), File: &f}
}

// texts reads a file's rows, each as its values joined by "|", in order; the columns come first.
func (w files) texts(t *testing.T, s connector.Source, q connector.Query) []string {
	t.Helper()
	table := Read(t, w.query(t, s, q))
	all := []string{strings.Join(table.Schema.Names(), "|")}
	for _, row := range table.Rows {
		values := make([]string, len(row))
		for i, v := range row {
			if values[i] = v.String(); v.IsNull() {
				values[i] = "∅"
			}
		}
		all = append(all, strings.Join(values, "|"))
	}
	slices.Sort(all[1:])
	return all
}

func testFilesDescription(t *testing.T, w files) {
	i := w.Files.Info
	if !slices.Contains(i.Methods, "file") || i.Files == nil || len(i.Files.Extensions) == 0 || !slices.Equal(i.Engines, []string{connector.EngineBasic}) || i.Category != "file" {
		t.Errorf("a source of files has the method file, the engine basic and extensions: %+v", i)
	}
	settings := w.Files.Settings.WithDefaults(nil)
	for _, f := range i.Fields {
		if f.Type == connector.FieldCredential {
			settings[f.Name] = "the-slug" // what people write; Open gets the credential itself
		}
	}
	if issues := settings.Check("settings", i.Fields, nil); len(issues) > 0 {
		t.Errorf("the settings do not fit the fields: %v", issues)
	}
}

func testFilesFail(t *testing.T, w files) {
	for _, c := range w.Files.Failing {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := w.open(t, c.Settings)
			w.checkFails(t, c, s.Test(t.Context()))
			_, err := consume(t.Context(), s, w.rowsOf(t, s, connector.File{Path: "any.csv"}))
			w.checkFails(t, c, err)
		})
	}
}

// testFileContent is S-75 to S-77.
func testFileContent(t *testing.T, w files) {
	for _, c := range []struct{ name, content, want string }{
		{"plain.csv", "id,name\n1,a\n2,\"b, \"\"c\"\"\"\n", "id|name\n1|a\n2|b, \"c\""},
		{"mark.CSV", "\ufeffid,name\r\n1,\"two\nlines\"\r\n", "id|name\n1|two\nlines"},
		{"codes.csv", "zip,n\n0012,\n+49,2.50\n", "zip|n\n+49|2.5\n0012|∅"},
		{"semicolons.csv", "a;b\n1;2\n", "a;b\n1;2"},
		{"header.csv", "a,b\n", "a|b"},
		{"long.csv", "a,b\n" + strings.Repeat("é", 5<<20) + ",1\n", "a|b\n" + strings.Repeat("é", 5<<20) + "|1"},
		{"list.json", `[{"id": 1, "tags": ["x", null]}, {"tags": [], "id": 2}]`, "id|tags\n1|[\"x\",null]\n2|[]"},
		{"file.parquet", string(parquetFile(t)), "id|name\n1|a\n2|∅"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !w.has(strings.ToLower(path.Ext(c.name))) {
				t.Skipf("this source has no files such as %s", c.name)
			}
			w.Put(t, "content/"+c.name, []byte(c.content))
			s := w.open(t, w.Files.Settings)
			q := w.rowsOf(t, s, connector.File{Path: "content/" + c.name})
			got := w.texts(t, s, q)
			if strings.Join(got, "\n") != c.want {
				t.Fatalf("got %.200q, want %.200q", got, c.want)
			}
			w.checkShapes(t, s, q, len(got)-1)
		})
	}
}

// checkShapes reads the rows as previews, counts and runs do.
func (w files) checkShapes(t *testing.T, s connector.Source, q connector.Query, rows int) {
	t.Helper()
	limited := q
	limited.Limit, limited.Class = 1, connector.WorkloadInteractive
	if n, err := consume(t.Context(), s, limited); err != nil || n != int64(min(rows, 1)) {
		t.Errorf("with the limit 1 there are %d rows: %v", n, err)
	}
	counted := q
	counted.SQL = s.Dialect().Count(q.SQL)
	if got := w.texts(t, s, counted); got[1] != strconv.Itoa(rows) {
		t.Errorf("counted %s rows, want %d", got[1], rows)
	}
	out := filepath.Join(t.TempDir(), "out.parquet")
	u, ok := s.(connector.Unloader)
	if !ok {
		t.Fatal("a source of files is an Unloader")
	}
	if n, err := u.Unload(t.Context(), q, out); err != nil || n != int64(rows) {
		t.Errorf("unloaded %d rows, want %d: %v", n, rows, err)
	}
}

func parquetFile(t *testing.T) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "name", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 2}, nil)
	b.Field(1).(*array.StringBuilder).AppendValues([]string{"a", ""}, []bool{true, false})
	var out bytes.Buffer
	f, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	rows := b.NewRecordBatch()
	defer rows.Release()
	if err := f.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// testBadContent is S-76, S-77 and S-79: what breaks the rules is an error that names the file and what is wrong.
func testBadContent(t *testing.T, w files) {
	for _, c := range []struct{ name, content, says, hint string }{
		{"latin.csv", "id,name\n1,abc\n2,caf\xe9\n", "line 3, byte 6 (0xE9)", "UTF-8"},
		{"late.csv", "id,name\n" + strings.Repeat("1,abc\n", 300_000) + "2,caf\xe9\n", "line 300002", "UTF-8"},
		{"wide.csv", "\xff\xfei\x00d\x00", "UTF-16", "UTF-8"},
		{"cut.csv", "id\ncaf\xc3", "line 2, byte 4", "UTF-8"},
		{"latin.json", "[{\"a\": \"caf\xe9\"}]", "line 1", "UTF-8"},
		{"ragged.csv", "a,b\n1,2\n1,2,3\n", "ragged.csv", ""},
		{"open.csv", "a,b\n\"1,2\n", "open.csv", ""},
		{"twice.csv", "a,A\n1,2\n", "two columns alike", ""},
		{"empty.csv", "", "is empty", "header"},
		{"object.json", `{"a": 1}`, "object.json", ""},
		{"numbers.json", `[1, {"a": 1}]`, "1 of the 2 elements are no objects", "list of objects"},
		{"keys.json", `[{"a": 1, "b": 2}, {"a": 1}]`, "same keys", "null"},
		{"twice.json", `[{"a": 1, "a": 2}]`, "key twice", ""},
		{"half.json", `[{"a": 1}, {"a": `, "half.json", ""},
		{"bad.parquet", "PAR1 nothing", "bad.parquet", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !w.has(path.Ext(c.name)) {
				t.Skipf("this source has no files such as %s", c.name)
			}
			w.Put(t, "bad/"+c.name, []byte(c.content))
			s := w.open(t, w.Files.Settings)
			_, err := consume(t.Context(), s, w.rowsOf(t, s, connector.File{Path: "bad/" + c.name}))
			w.checkFileError(t, err, "bad/"+c.name, c.says, c.hint)
		})
	}
}

func (w files) checkFileError(t *testing.T, err error, name, says, hint string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was read")
	}
	w.checkError(t, w.Files.Settings, err)
	if e := fault.As(err); !strings.HasPrefix(string(e.Code), "source.") || fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), says) ||
		!strings.Contains(err.Error(), name) || !strings.Contains(e.Hint(), hint) || strings.Contains(err.Error(), w.dir) {
		t.Errorf("code %s: %v\n%s", e.Code, err, e.Hint())
	}
}

// testFileChoice is S-75 and S-78.
func testFileChoice(t *testing.T, w files) {
	w.Put(t, "choice/there.csv", []byte("a\n1\n"))
	w.Put(t, "choice/table.tsv", []byte("a\tb\n1\t2\n"))
	s := w.open(t, w.Files.Settings)
	for _, c := range []struct{ path, says string }{
		{"choice/absent.csv", "choice/absent.csv"}, {"choice", "extensions"}, {"choice/table.tsv", "extensions"}, {"", "no file"},
		{"s3://bucket/choice/there.csv", "address"},
	} {
		_, err := consume(t.Context(), s, w.rowsOf(t, s, connector.File{Path: c.path}))
		w.checkFileError(t, err, c.path, c.says, "")
	}
	if _, err := consume(t.Context(), s, connector.Query{SQL: "SELECT 1"}); err == nil || !fault.Is(err, fault.CodeSourceQuery) {
		t.Errorf("without a file: %v", err)
	}
	reach := w.rowsOf(t, s, connector.File{Path: "choice/there.csv"})
	reach.SQL = "SELECT * FROM read_csv('/etc/passwd')"
	if _, err := consume(t.Context(), s, reach); err == nil {
		t.Error("a file of this machine was read")
	}
	if got := w.texts(t, s, w.rowsOf(t, s, connector.File{Path: "choice/there.csv"})); got[1] != "1" {
		t.Errorf("the file that is there: %q", got)
	}
}

// testNewest is S-78: the newest file is looked for at every run.
func testNewest(t *testing.T, w files) {
	newest := connector.File{Path: "newest/day-", Newest: true}
	if !w.Files.Info.Files.Newest {
		s := w.open(t, w.Files.Settings)
		if _, err := consume(t.Context(), s, w.rowsOf(t, s, newest)); err == nil || !fault.Is(err, fault.CodeSourceFile) {
			t.Errorf("a newest file where there is none: %v", err)
		}
		return
	}
	newer := w.Newer
	if newer == nil {
		newer = w.Put
	}
	none := w.open(t, w.Files.Settings)
	_, err := consume(t.Context(), none, w.rowsOf(t, none, connector.File{Path: "newest/none-", Newest: true}))
	w.checkFileError(t, err, "newest/none-", "no file to read", "prefix")
	for _, step := range []struct{ name, content string }{
		{"newest/day-2.csv", "a\n2\n"}, {"newest/day-1.csv", "a\n1\n"}, {"newest/other.csv", "a\nother\n"}, {"newest/day-1.txt", "no table"}, {"newest/day-3.json", `[{"a": 3}]`},
	} {
		newer(t, step.name, []byte(step.content))
		want := strings.Trim(step.content, "a[]{}\": \n")
		if !strings.HasPrefix(step.name, newest.Path) || path.Ext(step.name) == ".txt" {
			want = "1"
		}
		s := w.open(t, w.Files.Settings)
		if got := w.texts(t, s, w.rowsOf(t, s, newest)); got[1] != want {
			t.Errorf("after %s: %q, want %s", step.name, got, want)
		}
	}
}

func testFileList(t *testing.T, w files) {
	for _, name := range []string{"list/b.csv", "list/sub/c.csv", "list/a.csv", "list/d.txt", "lists.csv"} {
		w.Put(t, name, []byte("a\n1\n"))
	}
	lister, ok := w.open(t, w.Files.Settings).(connector.FileLister)
	if !ok {
		t.Fatal("a source of files is a FileLister")
	}
	for _, c := range []struct {
		prefix string
		limit  int
		more   bool
		want   string
	}{
		{"list/", 10, false, "list/a.csv list/b.csv list/sub/c.csv"}, {"list", 10, false, "list/a.csv list/b.csv list/sub/c.csv lists.csv"},
		{"list/", 2, true, "list/a.csv list/b.csv"}, {"list/s", 10, false, "list/sub/c.csv"}, {"list/b.csv", 10, false, "list/b.csv"}, {"list/x", 10, false, ""},
	} {
		found, more, err := lister.ListFiles(t.Context(), c.prefix, c.limit)
		paths := make([]string, len(found))
		for i, f := range found {
			if paths[i] = f.Path; f.Size != 4 || f.Modified.IsZero() {
				t.Errorf("%+v", f)
			}
		}
		if err != nil || more != c.more || strings.Join(paths, " ") != c.want {
			t.Errorf("%q: %q, more is %v: %v", c.prefix, paths, more, err)
		}
	}
}

func testOddNames(t *testing.T, w files) {
	for _, name := range append([]string{"odd/a b.csv", "odd/a+b%20c.csv", "odd/grün & 'ok'.csv", "odd/#?.csv"}, w.Odd...) {
		w.Put(t, name, []byte("a\n1\n"))
		s := w.open(t, w.Files.Settings)
		if n, err := consume(t.Context(), s, w.rowsOf(t, s, connector.File{Path: name})); n != 1 || err != nil {
			t.Errorf("%q: %d rows, %v", name, n, err)
		}
		found, _, err := s.(connector.FileLister).ListFiles(t.Context(), name, 10)
		if err != nil || len(found) != 1 || found[0].Path != name {
			t.Errorf("%q is listed as %+v: %v", name, found, err)
		}
	}
}

// testOneState proves that all queries of one run see one state of a file, and that nothing stays on this machine.
func testOneState(t *testing.T, w files) {
	w.Put(t, "state/s.csv", []byte("a\n1\n"))
	s := w.open(t, w.Files.Settings)
	q := w.rowsOf(t, s, connector.File{Path: "state/s.csv"})
	for _, content := range []string{"a\n1\n", "a\n2\n3\n"} {
		w.Put(t, "state/s.csv", []byte(content))
		if got := w.texts(t, s, q); strings.Join(got, " ") != "a 1" {
			t.Errorf("%q", got)
		}
	}
	dir := t.TempDir()
	own, err := w.Files.Info.Open(connector.SourceOptions{Settings: w.Files.Settings.WithDefaults(w.Files.Info.Fields), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := Read(t, w.query(t, own, q)); len(got.Rows) != 2 {
		t.Errorf("opened anew, it reads %d rows", len(got.Rows))
	}
	t.Cleanup(func() {
		if err := own.Close(); err != nil {
			t.Error(err)
		}
	})
	released := w.open(t, w.Files.Settings)
	if _, err := consume(t.Context(), released, q); err != nil {
		t.Error(err)
	}
	if err := released.Close(); err != nil {
		t.Error(err)
	}
}

func testFileCancelled(t *testing.T, w files) {
	w.Put(t, "cancelled/c.csv", []byte("a\n1\n"))
	s := w.open(t, w.Files.Settings)
	w.leavesNothing(t, func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		_, err := consume(ctx, s, w.rowsOf(t, s, connector.File{Path: "cancelled/c.csv"}))
		w.checkStopped(t, err)
		_, _, err = s.(connector.FileLister).ListFiles(ctx, "cancelled/", 10)
		w.checkStopped(t, err)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func testFilesConcurrent(t *testing.T, w files) {
	const workers = 8
	w.Put(t, "concurrent/c.csv", []byte("a\n1\n2\n3\n"))
	s := w.open(t, w.Files.Settings)
	results := make(chan error, workers)
	for range workers {
		go func() {
			n, err := consume(t.Context(), s, w.rowsOf(t, s, connector.File{Path: "concurrent/c.csv"}))
			if err == nil && n != 3 {
				err = fmt.Errorf("%d rows, want 3", n)
			}
			results <- err
		}()
	}
	for range workers {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// testFileMemory proves that the memory of this process does not grow with the file, which has 48 MB.
func testFileMemory(t *testing.T, w files) {
	const rows, most = 400_000, 24 << 20
	w.Put(t, "memory/large.csv", []byte("id,name\n"+strings.Repeat("1,"+strings.Repeat("x", 118)+"\n", rows)))
	dir := filepath.Join(w.dir, "memory")
	s, err := w.Files.Info.Open(connector.SourceOptions{Settings: w.Files.Settings.WithDefaults(w.Files.Info.Fields), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	r, err := s.Query(t.Context(), w.rowsOf(t, s, connector.File{Path: "memory/large.csv"}))
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for batch := 0; r.Next(); batch++ {
		n += r.RecordBatch().NumRows()
		if batch%8 != 0 {
			continue
		}
		if grown := heap() - before; grown > most {
			t.Fatalf("after %d rows the process holds %d MB more", n, grown>>20)
		}
	}
	if r.Err() != nil || n != rows {
		t.Errorf("%d rows, want %d: %v", n, rows, r.Err())
	}
	r.Release()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left on this machine: %v, %v", left, err)
	}
}
