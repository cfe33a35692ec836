package file

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // writes Parquet files
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/value"
	"github.com/xuri/excelize/v2"
)

// folderOf makes a folder of files.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func openAt(t *testing.T, s connector.Settings) connector.Source {
	t.Helper()
	source, err := Info(duckdb.Reach{}).Open(connector.SourceOptions{Settings: s.WithDefaults(Info(duckdb.Reach{}).Fields), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) //nolint:errcheck // the test is over
	return source
}

// read returns the rows of a statement, each as the texts of its values joined by "|"; null is "∅".
func read(t *testing.T, s connector.Source, statement string) (value.Schema, []string) {
	t.Helper()
	r, err := s.Query(t.Context(), connector.Query{SQL: statement})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer r.Release()
	table := sourcetest.Read(t, r)
	var rows []string
	for _, row := range table.Rows {
		texts := make([]string, len(row))
		for i, v := range row {
			if texts[i] = v.String(); v.IsNull() {
				texts[i] = "∅"
			}
		}
		rows = append(rows, strings.Join(texts, "|"))
	}
	return table.Schema, rows
}

func found(name string, t value.Type) value.Column { return value.Column{Name: name, Type: t} }

// Req: S-04, S-75, S-76, S-77, M-23, M-30
func TestConformance(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{
		"customers.csv": "id,email,born\n1,a@example.com,2000-01-02\n2,b@example.com,\n", "tabs.tsv": "id\tname\n1\ta\n",
		"orders.json": `[{"id": 1, "lines": [{"sku": "x"}]}]`, "events.ndjson": "{\"at\": \"2024-01-02 03:04:05\", \"n\": 1.5}\n",
		"notes.txt": "not a table", "Mixed Case.csv": "a\nx\n",
	})
	main := func(name string, columns ...value.Column) connector.Table {
		return connector.Table{Ref: query.TableRef{Schema: "main", Name: name}, Kind: "view", Columns: columns}
	}
	sourcetest.Run(t, sourcetest.Fixture{
		Info: Info(duckdb.Reach{}), Settings: connector.Settings{"path": dir},
		Tables: []connector.Table{
			main("customers", found("id", value.TypeNumber), found("email", value.TypeString), found("born", value.TypeDate)),
			main("tabs", found("id", value.TypeNumber), found("name", value.TypeString)),
			main("orders", found("id", value.TypeNumber), found("lines", value.TypeObject)),
			main("events", found("at", value.TypeTimestamp), found("n", value.TypeNumber)),
			main("Mixed Case", found("a", value.TypeString)),
		},
		Failing: []sourcetest.Failing{
			{Name: "missing", Settings: connector.Settings{"path": filepath.Join(dir, "missing")}, Code: fault.CodeSourceUnreachable, Says: "no such file"},
			{Name: "relative", Settings: connector.Settings{"path": "data"}, Code: fault.CodeSourceUnreachable, Says: "not an absolute path"},
			{Name: "bad file", Settings: connector.Settings{"path": folderOf(t, map[string]string{"bad.json": "{"})}, Code: fault.CodeSourceFile, Says: "bad.json"},
		},
		Rows: func(n int64) string {
			return fmt.Sprintf("SELECT i AS id, 'row ' || i AS name FROM range(1, %d) r(i)", n+1)
		},
		Endless: "SELECT sum(hash(a.range + b.range)) AS n FROM range(10000000) a, range(10000000) b",
		Says: sourcetest.Says{
			Syntax: `Parser Error: syntax error at or near "WHERE"`, Table: "Catalog Error: Table with name no_such_table does not exist!",
			Column: `Binder Error: Referenced column "no_such_column" not found in FROM clause!`,
		},
	})
}

// Req: S-76
func TestCSV(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, content string
		settings            connector.Settings
		columns             string
		rows                []string
	}{
		{"quotes", "t.csv", "a,b\n\"x, y\",\"say \"\"hi\"\"\"\n", nil, "a,b", []string{`x, y|say "hi"`}},
		{"lines in quotes", "t.csv", "a,b\n\"line\nfeed\",2\n", nil, "a,b", []string{"line\nfeed|2"}},
		{"carriage returns", "t.csv", "a,b\r\nx,1\r\ny,2\r\n", nil, "a,b", []string{"x|1", "y|2"}},
		{"byte order mark", "t.csv", "\ufeffa,b\nx,1\n", nil, "a,b", []string{"x|1"}},
		{"no final line feed", "t.csv", "a,b\nx,1", nil, "a,b", []string{"x|1"}},
		{"empty is null", "t.csv", "a,b\n,1\nx,\n", nil, "a,b", []string{"∅|1", "x|∅"}},
		{"only a header", "t.csv", "a,b\n", nil, "a,b", nil},
		{"a header of numbers", "t.csv", "1,2\n3,4\n", nil, "1,2", []string{"3|4"}},
		{"texts only", "t.csv", "name,city\nx,y\n", nil, "name,city", []string{"x|y"}},
		{"names with capitals and spaces", "t.csv", "First Name,E-Mail\nx,y\n", nil, "First Name,E-Mail", []string{"x|y"}},
		{"semicolons are no delimiters", "t.csv", "a;b\n1;2\n", nil, "a;b", []string{"1;2"}},
		{"semicolons if said", "t.csv", "a;b\n1;\"2;3\"\n", connector.Settings{"delimiter": "semicolon"}, "a,b", []string{"1|2;3"}},
		{"pipes", "t.csv", "a|b\n1|x,y\n", connector.Settings{"delimiter": "pipe"}, "a,b", []string{"1|x,y"}},
		{"tabs", "t.csv", "a\tb\n1\tx\n", connector.Settings{"delimiter": "tab"}, "a,b", []string{"1|x"}},
		{"tab-separated file", "t.tsv", "a\tb\n\"x\ty\"\tz\n", nil, "a,b", []string{"x\ty|z"}},
		{"leading zeros", "t.csv", "zip,n\n01234,1\n98765,2\n", nil, "zip,n", []string{"01234|1", "98765|2"}},
		{"leading plus", "t.csv", "phone,n\n+4912345,1\n+4998765,2\n", nil, "phone,n", []string{"+4912345|1", "+4998765|2"}},
		{"more digits than a number has", "t.csv", "id,n\n12345678901234567890,1\n", nil, "id,n", []string{"12345678901234567890|1"}},
		{"more digits than a number holds after the point", "t.csv", "amount,n\n1.10,1\n12345678.123456789,2\n", nil, "amount,n", []string{"1.10|1", "12345678.123456789|2"}},
		{"zeros at the end", "t.csv", "amount,n\n1.10,1\n2,2\n", nil, "amount,n", []string{"1.1|1", "2|2"}},
		{"numbers", "t.csv", "a,b\n0,-1.5\n7,0.25\n", nil, "a,b", []string{"0|-1.5", "7|0.25"}},
		{"emoji", "t.csv", "a,b\n😀,é\n", nil, "a,b", []string{"😀|é"}},
		{"texts after many numbers", "t.csv", "a,b\n" + strings.Repeat("1,2\n", 30_000) + "x,007\n", nil, "a,b", append(slices.Repeat([]string{"1|2"}, 30_000), "x|007")},
		{"types", "t.csv", "a,b,c,d,e\ntrue,1,2024-02-29,2024-02-29 01:02:03,2024-02-29T01:02:03+01:00\nFALSE,,,,\n", nil, "a,b,c,d,e", []string{
			"true|1|2024-02-29|2024-02-29T01:02:03.000Z|2024-02-29T00:02:03.000Z", "false|∅|∅|∅|∅",
		}},
		{"almost types", "t.csv", "a,b,c,d\ntrue,1e5,2024-02-30,NaN\nyes,1,2024-02-28,1\n", nil, "a,b,c,d", []string{"true|1e5|2024-02-30|NaN", "yes|1|2024-02-28|1"}},
		{"a name like the table's", "t.csv", "t,select\n1,2\n", nil, "t,select", []string{"1|2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings := connector.Settings{"path": folderOf(t, map[string]string{c.file: c.content})}
			maps.Copy(settings, c.settings)
			schema, rows := read(t, openAt(t, settings), "SELECT * FROM t")
			slices.Sort(rows) // the source keeps no order
			slices.Sort(c.rows)
			if got := strings.Join(schema.Names(), ","); got != c.columns {
				t.Errorf("the columns are %q, want %q", got, c.columns)
			}
			if c.rows != nil && strings.Join(rows, "\n") != strings.Join(c.rows, "\n") {
				t.Errorf("the rows are %q, want %q", rows, c.rows)
			}
		})
	}
}

// Req: S-77
func TestJSONAndParquet(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{
		"list.json":   `[{"id": 1, "name": "O'Brien", "tags": ["a", null], "home": {"no": 4}}, {"id": 2, "name": null, "tags": [], "home": null}]`,
		"lines.jsonl": "{\"id\": 1, \"ok\": true}\n{\"id\": 2, \"ok\": false}\n", "both.csv": "a\n1\n", "both.json": `[{"b": 2}]`, "empty.csv": "",
	})
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	if _, err := db.ExecContext(t.Context(), "COPY (SELECT 1 AS id, 0.10::DECIMAL(10, 2) AS amount, [1, NULL] AS items, 'x' AS name) TO '"+filepath.Join(dir, "file.parquet")+"'"); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, connector.Settings{"path": dir})
	for statement, want := range map[string]string{
		"SELECT id, name, tags, home FROM list ORDER BY id":          "1|O'Brien|[\"a\",null]|{\"no\":4}\n2|∅|[]|∅",
		"SELECT id, ok FROM lines ORDER BY id":                       "1|true\n2|false",
		"SELECT id, amount, items, name FROM file":                   "1|0.10|[1,null]|x",
		`SELECT a, b FROM "both.csv", "both.json"`:                   "1|2",
		`SELECT l.id FROM LIST l JOIN "Lines" USING (id) ORDER BY 1`: "1\n2",
	} {
		if _, rows := read(t, s, statement); strings.Join(rows, "\n") != want {
			t.Errorf("%s: %q, want %q", statement, rows, want)
		}
	}
	tables, err := s.Introspect(t.Context())
	if err != nil || len(tables) != 5 {
		t.Errorf("%v: %v", tables, err)
	}
}

// A single file is a source too, and its neighbours are none of its business.
func TestOneFile(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{"one.csv": "a\nx\n", "two.csv": "a\ny\n"})
	s := openAt(t, connector.Settings{"path": filepath.Join(dir, "one.csv")})
	if tables, err := s.Introspect(t.Context()); err != nil || len(tables) != 1 || tables[0].Ref.Name != "one" {
		t.Errorf("%v: %v", tables, err)
	}
	if r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT * FROM read_csv('" + filepath.Join(dir, "two.csv") + "')"}); err == nil {
		r.Release()
		t.Error("the neighbour was read")
	}
	for _, path := range []string{filepath.Join(dir, "one.txt"), dir + "/two.xls"} {
		if err := os.WriteFile(path, []byte("a\nx\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := openAt(t, connector.Settings{"path": path}).Test(t.Context())
		if !fault.Is(err, fault.CodeSourceFile) || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Req: S-77, S-79
func TestBadFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, content, says, hint string }{
		{"latin-1", "latin.csv", "id,name\n1,caf\xe9\n", "latin.csv", "UTF-8"},
		{"latin-1 late", "late.csv", "id,name\n" + strings.Repeat("1,abc\n", 300_000) + "2,caf\xe9\n", "late.csv", "UTF-8"},
		{"latin-1 JSON", "latin.json", "[{\"a\": \"caf\xe9\"}]", "latin.json", "UTF-8"},
		{"no list", "object.json", `{"a": 1}`, "object.json", ""},
		{"half a list", "half.json", `[{"a": 1}, {"a": `, "half.json", ""},
		{"too many values", "ragged.csv", "a,b\n1,2\n1,2,3\n", "ragged.csv", ""},
		{"no Parquet", "bad.parquet", "PAR1 nothing", "bad.parquet", ""},
		{"open quote", "open.csv", "a,b\n\"1,2\n", "open.csv", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openAt(t, connector.Settings{"path": folderOf(t, map[string]string{c.file: c.content, "good.csv": "a\n1\n"})})
			table := strings.TrimSuffix(c.file, filepath.Ext(c.file))
			err := consume(t.Context(), s, `SELECT * FROM "`+table+`"`)
			if err == nil {
				t.Fatal("it was read")
			}
			if !fault.Is(err, fault.CodeSourceFile) || !strings.Contains(err.Error(), c.says) || !strings.Contains(fault.As(err).Hint(), c.hint) {
				t.Errorf("code %s: %v\n%s", fault.As(err).Code, err, fault.As(err).Hint())
			}
			if _, rows := read(t, s, "SELECT a FROM good"); len(rows) != 1 {
				t.Errorf("the good file has the rows %q", rows)
			}
		})
	}
}

func consume(ctx context.Context, s connector.Source, statement string) error {
	r, err := s.Query(ctx, connector.Query{SQL: statement})
	if err != nil {
		return err
	}
	defer r.Release()
	for r.Next() {
	}
	return r.Err()
}

// A model cannot write into the folder, or read another one through it.
//
// Req: S-05
func TestAccess(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{"t.csv": "a\n1\n"})
	outside := folderOf(t, map[string]string{"secret.csv": "a\nsecret\n"})
	s := openAt(t, connector.Settings{"path": dir})
	written := filepath.Join(dir, "written.csv")
	for _, statement := range []string{
		"COPY (SELECT 1) TO '" + written + "'", "SELECT 1); COPY (SELECT 1) TO '" + written + "'; SELECT (1", "SELECT 1; COPY (SELECT 1 AS a) TO '" + written + "'",
		"SELECT * FROM read_csv('" + outside + "/secret.csv')", "SELECT * FROM read_csv('" + dir + "/../" + filepath.Base(outside) + "/secret.csv')",
	} {
		if err := consume(t.Context(), s, statement); err == nil {
			t.Errorf("%s: it worked", statement)
		}
	}
	if _, err := os.Stat(written); err == nil {
		t.Error("a file was written")
	}
}

// A text of a JSON file arrives as it stands: one that looks like a UUID keeps its capitals.
//
// Req: S-77, FLD-32
func TestTextsOfJSON(t *testing.T) {
	t.Parallel()
	const id = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
	s := openAt(t, connector.Settings{"path": folderOf(t, map[string]string{
		"plain.json":  `[{"id": "` + id + `", "n": 1}, {"id": "` + id + `", "n": 2}]`,
		"lines.jsonl": `{"id": "` + id + `", "tags": ["` + id + `"], "home": {"uuid": "` + id + `", "UUID x": 1}}` + "\n",
		"codes.json":  `[{"zip": "0012", "phone": "+49", "big": "12345678901234567890", "yes": "true"}]`,
	})})
	for statement, want := range map[string]string{
		"SELECT id, n FROM plain ORDER BY n":     id + "|1\n" + id + "|2",
		"SELECT id, tags, home FROM lines":       id + `|["` + id + `"]|{"uuid":"` + id + `","UUID x":1}`,
		"SELECT zip, phone, big, yes FROM codes": "0012|+49|12345678901234567890|true",
	} {
		if _, rows := read(t, s, statement); strings.Join(rows, "\n") != want {
			t.Errorf("%s: %q, want %q", statement, rows, want)
		}
	}
}

func TestUUIDsAsText(t *testing.T) {
	t.Parallel()
	for native, want := range map[string]string{
		"UUID": "VARCHAR", "UUID[]": "VARCHAR[]", "STRUCT(a UUID, \"UUID\" BIGINT, \"x \"\" UUID\" UUID)": "STRUCT(a VARCHAR, \"UUID\" BIGINT, \"x \"\" UUID\" VARCHAR)",
		"MAP(VARCHAR, UUID)": "MAP(VARCHAR, VARCHAR)", "STRUCT(UUID UUID, my_UUID UUID)": "STRUCT(UUID VARCHAR, my_UUID VARCHAR)", "BIGINT": "BIGINT",
	} {
		if got := uuidsAsText(native); got != want {
			t.Errorf("%s: %s, want %s", native, got, want)
		}
	}
}

// Whatever a file holds, it is read or refused with a code of sources.
//
// Req: S-77, S-79
func FuzzFiles(f *testing.F) {
	for _, seed := range [][2]string{
		{"csv", "a,b\n1,2\n"}, {"csv", "a;b\n\"x\ny\";2\n"}, {"csv", "\ufeffa,,a\n"}, {"csv", "\xff\n\x00"}, {"tsv", "a\tb\n"}, {"csv", "a\n2024-02-30\n"},
		{"json", `[{"a":1}]`}, {"json", `[{"a":{"b":[1,"x",null]}},{"a":"6F9619FF-8B86-D011-B42D-00CF4FC964FF"}]`}, {"json", `{}`}, {"json", `[1,2]`}, {"json", `[{"":1,"A":2,"a":3}]`},
		{"jsonl", "{\"a\":1}\n{\"b\":2}\n"}, {"ndjson", "{\"a\":1e999}\n"}, {"json", `[{"a":"\ud800"}]`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, kind, content string) {
		if content == "" || !readable("x."+kind) || extension("x."+kind) == ".parquet" {
			return
		}
		s := openAt(t, connector.Settings{"path": folderOf(t, map[string]string{"x." + kind: content})})
		err := consume(t.Context(), s, "SELECT * FROM x")
		if code := fault.As(err); err != nil && !strings.HasPrefix(string(code.Code), "source.") {
			t.Errorf("%s %q: %s %v", kind, content, code.Code, err)
		}
	})
}

// The sheets of a workbook are tables: one is called as the file, several as the file and the sheet.
//
// Req: S-84
func TestWorkbooks(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{"other.csv": "a\n1\n", "broken.xlsx": "no workbook"})
	for name, sheets := range map[string][]string{"one": {"Sheet1"}, "two": {"Sheet1", "People 2"}} {
		f := excelize.NewFile()
		for _, s := range sheets {
			if _, err := f.NewSheet(s); err != nil {
				t.Fatal(err)
			}
			for cell, v := range map[string]any{"A1": "id", "B1": "code", "A2": 1, "B2": "0012", "D2": "beside", "A4": "below"} {
				if err := f.SetCellValue(s, cell, v); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := f.SaveAs(filepath.Join(dir, name+".xlsx")); err != nil {
			t.Fatal(err)
		}
	}
	s := openAt(t, connector.Settings{"path": dir})
	for _, table := range []string{`one`, `"two.Sheet1"`, `"two.People 2"`} {
		if schema, rows := read(t, s, "SELECT * FROM "+table); strings.Join(rows, "\n") != "1|0012" || schema[0].Type != value.TypeNumber || schema[1].Type != value.TypeString {
			t.Errorf("%s: %q of %v", table, rows, schema)
		}
	}
	if _, rows := read(t, s, "SELECT a FROM other"); len(rows) != 1 {
		t.Errorf("beside a broken workbook: %q", rows)
	}
	if err := consume(t.Context(), s, "SELECT * FROM broken"); !fault.Is(err, fault.CodeSourceFile) || !strings.Contains(err.Error(), "broken.xlsx") || !strings.Contains(fault.As(err).Hint(), ".xlsx") {
		t.Errorf("a broken workbook: %v\n%s", err, fault.As(err).Hint())
	}
}
