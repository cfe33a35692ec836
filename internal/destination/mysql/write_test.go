package mysql_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// batch makes a batch whose checkpoints go nowhere.
func batch(op connector.Operation, rows ...connector.Row) *connector.Batch {
	return &connector.Batch{ID: string(op) + "-" + rows[0].Key, Operation: op, Rows: rows, Checkpoint: func(context.Context, string) error { return nil }}
}

// rowOf makes a row; the matched values are those of the columns of the same names.
func rowOf(j connector.SyncJob, values ...value.Value) connector.Row {
	r := connector.Row{Key: fmt.Sprintf("%.40x", fmt.Sprint(values)), Values: values}
	for _, m := range j.Match {
		i := slices.IndexFunc(j.Columns, func(c connector.TargetColumn) bool { return c.From == m.From })
		r.Match = append(r.Match, values[i])
	}
	return r
}

func begin(t *testing.T, w *world, j connector.SyncJob) connector.Session {
	t.Helper()
	s, err := w.open(t, w.settings(t)).Begin(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func text(s string) value.Value { return value.OfText(s) }
func num(n int64) value.Value   { return value.OfInt(n) }

// write sends a batch and returns the reasons of its refused rows by their index.
func write(t *testing.T, s connector.Session, op connector.Operation, rows ...connector.Row) map[int]string {
	t.Helper()
	result, err := s.Write(t.Context(), batch(op, rows...))
	if err != nil {
		t.Fatalf("writing: %v", err)
	}
	refused := map[int]string{}
	for _, r := range result.Rejected {
		refused[r.Row] = r.Reason
	}
	return refused
}

func none(t *testing.T, refused map[int]string) {
	t.Helper()
	if len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
}

func same(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// says compares refused rows with parts of their reasons.
func says(t *testing.T, refused, want map[int]string) {
	t.Helper()
	if len(refused) != len(want) {
		t.Errorf("refused %v, want %v", refused, want)
	}
	for i, part := range want {
		if !strings.Contains(refused[i], part) {
			t.Errorf("row %d: %q does not say %q", i, refused[i], part)
		}
	}
}

// ways are the ways in which rows are written.
var ways = map[string]connector.Settings{"insert": nil, "load": {"statement": "load"}}

// TestTypes sends values to columns of every type that users' tables have, in both ways of writing and with the
// database's leave to adapt them.
//
// Req: M-24, FLD-32
func TestTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	instant, second, day := value.OfMicros(1_700_000_000_123_456), value.OfMicros(1_700_000_000_000_000), value.OfDay(19_000)
	object := value.OfJSON(`{"a": [1, "O'B\\\"x"]}`)
	for _, c := range []struct {
		native  string
		value   value.Value
		want    string
		refused string // why it is, unless the database may adapt it
	}{
		{native: "boolean", value: value.OfBool(true), want: "1"},
		{native: "tinyint", value: num(-7), want: "-7"},
		{native: "tinyint", value: num(128), refused: "!Out of range value for column 'value'"},
		{native: "smallint unsigned", value: num(-1), refused: "!Out of range value"},
		{native: "int", value: value.OfDecimal("12.00"), want: "12"},
		{native: "int", value: value.OfFloat(3), want: "3"},
		{native: "int", value: value.OfFloat(1.5), want: "2", refused: "round the digits"},
		{native: "int", value: text("1.5"), want: "2", refused: "round the digits"},
		{native: "int", value: text("12"), want: "12"},
		{native: "int", value: text("12x"), refused: "!Data truncated for column 'value'"},
		{native: "int", value: text(""), refused: "!Incorrect integer value: ''"},
		{native: "int", value: day, refused: "!Data truncated"},
		{native: "int", value: value.OfBytes([]byte{1}), refused: "!bytes are no number"},
		{native: "bigint", value: num(-9223372036854775808), want: "-9223372036854775808"},
		{native: "bigint unsigned", value: value.OfDecimal("18446744073709551615"), want: "18446744073709551615"},
		{native: "bigint", value: value.OfDecimal("9223372036854775808"), refused: "!Out of range"},
		{native: "decimal(65,30)", value: value.OfDecimal("12345678901234567890123456789012345.123456789012345678901234567891"), want: "12345678901234567890123456789012345.123456789012345678901234567891"},
		{native: "decimal(10,2)", value: value.OfDecimal("1.005"), want: "1.01", refused: "round the digits"},
		{native: "decimal(10,2)", value: value.OfDecimal("1.5e2"), want: "150.00"},
		{native: "decimal(10,2)", value: value.OfFloat(19.99), want: "19.99"},
		{native: "decimal(10,2)", value: value.OfBool(true), want: "1.00"},
		{native: "decimal(4,2)", value: num(100), refused: "!Out of range"},
		{native: "double", value: value.OfFloat(0.1), want: "0.1"},
		{native: "double", value: value.OfFloat(2.2250738585072014e-308), want: "2.2250738585072014e-308"},
		{native: "double", value: value.OfFloat(-1e300), want: "-1e+300"},
		{native: "double", value: text("NaN"), refused: "!'NaN' for column"},
		{native: "float", value: value.OfFloat(0.5), want: "0.5"},
		{native: "float", value: value.OfFloat(1e300), refused: "!Out of range"},
		{native: "bit(9)", value: num(257), want: "\x01\x01"},
		{native: "bit(1)", value: value.OfBool(true), want: "\x01"},
		{native: "bit(8)", value: text("65"), want: "A"},
		{native: "bit(8)", value: value.OfBytes([]byte("B")), want: "B"},
		{native: "bit(8)", value: num(256), refused: "!Data too long for column 'value'"},
		{native: "bit(64)", value: num(-1), refused: "!not negative"},
		{native: "year", value: num(2024), want: "2024"},
		{native: "year", value: num(24), refused: "!guess the century"},
		{native: "date", value: day, want: "2022-01-08"},
		{native: "date", value: text("2022-01-08"), want: "2022-01-08"},
		{native: "date", value: text("2022-01-08 10:00"), want: "2022-01-08", refused: "Data truncated for column 'value'"},
		{native: "date", value: instant, want: "2023-11-14", refused: "leave the time of day out"},
		{native: "date", value: text("2023-11-14T00:00:00Z"), want: "2023-11-14"},
		{native: "date", value: value.OfDay(-800_000), refused: "!the year -221 is none"},
		{native: "date", value: text("0000-00-00"), refused: "!Incorrect date value"},
		{native: "datetime(6)", value: instant, want: "2023-11-14 22:13:20.123456"},
		{native: "datetime", value: second, want: "2023-11-14 22:13:20"},
		{native: "datetime", value: value.OfMicros(1_700_000_000_400_000), want: "2023-11-14 22:13:20", refused: "round or cut the fraction"},
		{native: "datetime(3)", value: instant, want: "2023-11-14 22:13:20.123", refused: "round or cut the fraction"},
		{native: "datetime", value: text("2023-11-14T23:13:20+01:00"), want: "2023-11-14 22:13:20"},
		{native: "datetime", value: day, want: "2022-01-08 00:00:00"},
		{native: "timestamp", value: second, want: "2023-11-14 22:13:20"},
		{native: "timestamp", value: value.OfMicros(-1_000_000), refused: "!Incorrect datetime value"},
		{native: "time", value: text("-800:10:11"), want: "-800:10:11"},
		{native: "time(1)", value: text("10:11:12.5"), want: "10:11:12.5"},
		{native: "time", value: text("10:11:12.4"), want: "10:11:12", refused: "round or cut the fraction"},
		{native: "time", value: text("1970-01-01T10:11:12Z"), want: "10:11:12"},
		{native: "time", value: second, want: "22:13:20", refused: "leave the date out"},
		{native: "time", value: num(12), refused: "!takes a text such as"},
		{native: "text", value: num(5), want: "5"},
		{native: "text", value: value.OfBool(true), want: "true"},
		{native: "text", value: instant, want: "2023-11-14T22:13:20.123456Z"},
		{native: "text", value: object, want: `{"a": [1, "O'B\\\"x"]}`},
		{native: "varchar(5)", value: text(`a\b'"`), want: `a\b'"`},
		{native: "varchar(2)", value: text("äöü"), refused: "!Data too long for column 'value'"},
		{native: "varchar(2)", value: text("ab  "), want: "ab", refused: "lose spaces"},
		{native: "char(4)", value: text("ab "), want: "ab", refused: "lose spaces"},
		{native: "varchar(9) CHARACTER SET latin1", value: text("ü"), want: "ü"},
		{native: "varchar(9) CHARACTER SET latin1", value: text("日"), refused: "!Incorrect string value"},
		{native: "varchar(9) CHARACTER SET utf8mb3", value: text("😀"), refused: "!Incorrect string value"},
		{native: "longtext", value: text("a\xff"), refused: "!not valid UTF-8"},
		{native: "enum('a','B','it''s','7')", value: text("it's"), want: "it's"},
		{native: "enum('a','B','it''s','7')", value: text("b"), want: "B"},
		{native: "enum('a','B','it''s','7')", value: num(7), want: "7"},
		{native: "enum('a','B')", value: num(2), refused: "!none of enum('a','B')"},
		{native: "enum('a','B')", value: text("c"), refused: "!Data truncated"},
		{native: "set('a','b')", value: text("a,b"), want: "a,b"},
		{native: "set('a','b')", value: num(3), refused: "!none of set"},
		{native: "json", value: object, want: `{"a": [1, "O'B\\\"x"]}`},
		{native: "json", value: text(`{"b":1}`), want: `{"b":1}`},
		{native: "json", value: text("plain"), want: `"plain"`},
		{native: "json", value: text("a\xff"), refused: "!not valid UTF-8"},
		{native: "json", value: num(3), want: "3"},
		{native: "binary(3)", value: text("YWJj"), want: "abc"},
		{native: "binary(3)", value: text("YQ=="), want: "a\x00\x00", refused: "fill the value up"},
		{native: "varbinary(9)", value: value.OfBytes([]byte{0, 255, '\\', '\'', '\n', 9, 26}), want: "\x00\xff\\'\n\t\x1a"},
		{native: "varbinary(9)", value: text("AP9c"), want: "\x00\xff\\"},
		{native: "varbinary(9)", value: text("AP9"), refused: "!text in base64, and this text is not"},
		{native: "varbinary(2)", value: text("YWJj"), refused: "!Data too long"},
		{native: "blob", value: text("not base64"), refused: "!text in base64"},
		{native: "blob", value: num(1), refused: "!takes bytes"},
		{native: "uuid", value: text("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), want: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{native: "uuid", value: text("none"), refused: "!Incorrect uuid value"},
		{native: "inet6", value: text("::1"), want: "::1"},
		{native: "point", value: value.OfBytes([]byte("\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x40")), want: "\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x40"},
		{native: "point", value: value.OfBytes([]byte("nowhere")), refused: "!geometry"},
	} {
		for way, settings := range ways {
			for _, fit := range []string{"refuse", "adapt"} {
				t.Run(fmt.Sprintf("%s %s %s %.20q", way, fit, c.native, c.value), func(t *testing.T) {
					t.Parallel()
					table := fmt.Sprintf("t%d", w.tables.Add(1))
					w.exec(t, "CREATE TABLE "+table+" (id int PRIMARY KEY, value "+c.native+")")
					j := job(table, connector.ModeUpsert, "id", "id", "value")
					maps.Copy(j.Settings, settings)
					j.Settings["fit"] = fit
					refused := write(t, begin(t, w, j), connector.Added, rowOf(j, num(1), value.Value{}), rowOf(j, num(2), c.value), rowOf(j, num(3), value.Value{}))
					reason, always := strings.CutPrefix(c.refused, "!")
					if always || fit == "refuse" && reason != "" {
						says(t, refused, map[int]string{1: reason})
						same(t, w.text(t, "SELECT id FROM "+table), "1\n3")
						return
					}
					none(t, refused)
					same(t, w.text(t, "SELECT value FROM "+table+" WHERE id = 2"), c.want)
				})
			}
		}
	}
}

// TestModes is a table of what each mode does to rows that exist and rows that do not.
//
// Req: SY-18, SY-21, SY-25
func TestModes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name    string
		table   string
		rows    string
		job     connector.SyncJob
		edit    func(*connector.SyncJob)
		send    [][]value.Value
		want    string
		refused map[int]string
	}{
		{
			name: "update makes nothing", table: "id int PRIMARY KEY, a text, b varchar(9) DEFAULT 'kept'", rows: "(1, 'old', 'kept')",
			job: job("", connector.ModeUpdate, "id", "id", "a"), send: [][]value.Value{{num(1), text("new")}, {num(2), text("x")}},
			want: "1,new,kept",
		},
		{
			name: "upsert", table: "id int PRIMARY KEY, a text, b varchar(9) DEFAULT 'default'", rows: "(1, 'old', 'kept')",
			job: job("", connector.ModeUpsert, "id", "id", "a"), send: [][]value.Value{{num(1), text("new")}, {num(2), text("x")}},
			want: "1,new,kept\n2,x,default",
		},
		{
			name: "upsert that replaces", table: "id int PRIMARY KEY, a text, b varchar(9) DEFAULT 'default', c text", rows: "(1, 'old', 'lost', 'lost')",
			job: job("", connector.ModeUpsert, "id", "id", "a"), send: [][]value.Value{{num(1), text("new")}, {num(2), text("x")}},
			edit: func(j *connector.SyncJob) { j.Settings["statement"] = "load" },
			want: "1,new,default,NULL\n2,x,default,NULL",
		},
		{
			name: "upsert of the key alone", table: "id int PRIMARY KEY, a text", rows: "(1, 'kept')",
			job: job("", connector.ModeUpsert, "id", "id"), send: [][]value.Value{{num(1)}, {num(2)}},
			want: "1,kept\n2,NULL",
		},
		{
			name: "zero is a number", table: "id int PRIMARY KEY AUTO_INCREMENT, a text", rows: "(7, 'kept')",
			job: job("", connector.ModeUpsert, "id", "id", "a"), send: [][]value.Value{{num(0), text("zero")}},
			want: "0,zero\n7,kept",
		},
		{
			name: "the last of equal rows wins, whatever the case", table: "id int, k varchar(9) PRIMARY KEY", rows: "(0, 'A')",
			job:  job("", connector.ModeUpsert, "k", "id", "k"),
			send: [][]value.Value{{num(1), text("A")}, {num(2), text("B")}, {num(3), text("a")}, {num(4), text("b")}, {num(5), text("A")}},
			want: "4,B\n5,A",
		},
		{
			name: "two columns of a key, in another order", table: "a int, b int, v text, UNIQUE (a, b)", rows: "(1, 2, 'old')",
			job: job("", connector.ModeUpsert, "b a", "b", "a", "v"), send: [][]value.Value{{num(2), num(1), text("new")}, {num(1), num(2), text("x")}},
			want: "1,2,new\n2,1,x",
		},
		{
			name: "a filled column is not mapped", table: "id int PRIMARY KEY, a text, must int NOT NULL", rows: "(1, 'old', 5)",
			job: job("", connector.ModeUpsert, "id", "id", "a"), send: [][]value.Value{{num(1), text("new")}, {num(2), text("x")}},
			want: "1,new,5", refused: map[int]string{1: `Field 'must' doesn't have a default value`},
		},
		{
			name: "the key that numbers itself stays", table: "id int PRIMARY KEY AUTO_INCREMENT, k varchar(9) UNIQUE, a text", rows: "(7, 'A', 'old')",
			job: job("", connector.ModeUpsert, "k", "k", "a"), send: [][]value.Value{{text("A"), text("new")}, {text("B"), text("x")}},
			want: "7,A,new\n8,B,x",
		},
		{
			name: "another key in the way", table: "id int PRIMARY KEY, k varchar(9) UNIQUE, a text", rows: "(1, 'A', 'one'), (2, 'B', 'two')",
			job:  job("", connector.ModeUpsert, "k", "id", "k", "a"),
			send: [][]value.Value{{num(1), text("A"), text("new")}, {num(1), text("C"), text("stolen")}, {num(2), text("A"), text("moved")}, {num(3), text("B"), text("renumbered")}, {num(4), text("D"), text("added")}},
			want: "1,A,new\n3,B,renumbered\n4,D,added", refused: map[int]string{1: "Duplicate entry '1' for key 'PRIMARY'", 2: "Duplicate entry '2' for key 'PRIMARY'"},
		},
		{
			name: "a part of a column is another key", table: "id int PRIMARY KEY, k varchar(9), UNIQUE (k(1))", rows: "(1, 'Ab')",
			job: job("", connector.ModeUpsert, "id", "id", "k"), send: [][]value.Value{{num(1), text("Ac")}, {num(2), text("Ad")}},
			want: "1,Ac", refused: map[int]string{1: "Duplicate entry 'A' for key 'k'"},
		},
		{
			name: "null is left out", table: "id int PRIMARY KEY, a text, b varchar(9) DEFAULT 'default'", rows: "(1, 'kept', 'kept')",
			job:  job("", connector.ModeUpsert, "id", "id", "a", "b"),
			send: [][]value.Value{{num(1), {}, {}}, {num(2), {}, {}}, {num(3), text("x"), {}}, {num(4), {}, text("y")}, {num(1), {}, text("new")}},
			edit: func(j *connector.SyncJob) { j.Columns[1].Omit, j.Columns[2].Omit = true, true },
			want: "1,kept,new\n2,NULL,default\n3,x,default\n4,NULL,y",
		},
		{
			name: "null is left out of an insert", table: "id int PRIMARY KEY, a varchar(9) NOT NULL DEFAULT 'default'", rows: "(1, 'x')",
			job: job("", connector.ModeInsert, "", "id", "a"), send: [][]value.Value{{num(2), {}}, {num(3), text("y")}},
			edit: func(j *connector.SyncJob) { j.Columns[1].Omit = true }, want: "1,x\n2,default\n3,y",
		},
		{
			name: "names that need quotes", table: "`i``d` int PRIMARY KEY, `a, \"b' \\ %s` text, `select` varchar(9) UNIQUE", rows: "(1, 'old', 'kept')",
			job: job("", connector.ModeUpsert, "i`d", "i`d", "a, \"b' \\ %s", "select"), send: [][]value.Value{{num(1), text("new"), text("x")}, {num(2), {}, text("y")}},
			want: "1,new,x\n2,NULL,y",
		},
		{
			name: "names that need quotes, row by row", table: "`i``d` int PRIMARY KEY, `a, \"b' \\ %s` text, must int NOT NULL", rows: "(1, 'old', 3)",
			job: job("", connector.ModeUpsert, "i`d", "i`d", "a, \"b' \\ %s"), send: [][]value.Value{{num(1), text("new")}}, want: "1,new,3",
		},
		{
			name: "names that need quotes, replaced", table: "`i``d` int PRIMARY KEY, `a, \"b' \\ %s` text", rows: "(1, 'old')",
			job: job("", connector.ModeUpsert, "i`d", "i`d", "a, \"b' \\ %s"), send: [][]value.Value{{num(1), text("new")}},
			edit: func(j *connector.SyncJob) { j.Settings["statement"] = "load" }, want: "1,new",
		},
		{
			name: "null is sent", table: "id int PRIMARY KEY, a text", rows: "(1, 'old')",
			job: job("", connector.ModeUpsert, "id", "id", "a"), send: [][]value.Value{{num(1), {}}}, want: "1,NULL",
		},
		{
			name: "rows without a match value", table: "id int, a varchar(9) UNIQUE", rows: "(1, 'A')",
			job: job("", connector.ModeUpsert, "a", "id", "a"), send: [][]value.Value{{num(2), {}}, {num(3), text("A")}},
			want: "3,A", refused: map[int]string{0: "no value for `a`"},
		},
		{
			name: "what the server fills", table: "a varchar(9) UNIQUE, twice varchar(20) AS (concat(a, a)) STORED, made timestamp NOT NULL DEFAULT '2020-01-01 00:00:00'", rows: "('A', DEFAULT, DEFAULT)",
			job: job("", connector.ModeUpsert, "a", "a"), send: [][]value.Value{{text("A")}, {text("B")}}, want: "A,AA,2020-01-01 00:00:00\nB,BB,2020-01-01 00:00:00",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			table := fmt.Sprintf("m%d", w.tables.Add(1))
			w.exec(t, "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; CREATE TABLE "+table+" ("+c.table+"); INSERT INTO "+table+" VALUES "+c.rows)
			c.job.Settings = connector.Settings{"table": table}
			if c.edit != nil {
				c.edit(&c.job)
			}
			rows := make([]connector.Row, len(c.send))
			for i, values := range c.send {
				rows[i] = rowOf(c.job, values...)
			}
			says(t, write(t, begin(t, w, c.job), connector.Added, rows...), c.refused)
			same(t, w.text(t, "SELECT * FROM "+table+" ORDER BY 1, 2"), c.want)
		})
	}
}

// TestMatchedByOtherValue changes the value by which a row is found, and adds a row that is not found.
func TestMatchedByOtherValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for mode, want := range map[connector.Mode]string{
		connector.ModeUpdate: "10,new@example.com\n2,kept@example.com",
		connector.ModeUpsert: "10,new@example.com\n2,kept@example.com\n30,newer@example.com",
	} {
		table := "moved_" + string(mode)
		w.exec(t, "CREATE TABLE "+table+" (id int, email varchar(99) UNIQUE); INSERT INTO "+table+" VALUES (1, 'old@example.com'), (2, 'kept@example.com')")
		j := job(table, mode, "", "id")
		j.Columns = append(j.Columns, connector.TargetColumn{Name: "email", From: "new"})
		j.Match = []connector.MatchPair{{From: "old", To: "email"}}
		none(t, write(t, begin(t, w, j), connector.Changed,
			connector.Row{Key: "1", Values: []value.Value{num(10), text("new@example.com")}, Match: []value.Value{text("old@example.com")}},
			connector.Row{Key: "3", Values: []value.Value{num(30), text("newer@example.com")}, Match: []value.Value{text("none@example.com")}}))
		same(t, w.text(t, "SELECT * FROM "+table+" ORDER BY email = 'newer@example.com', email DESC"), want)
	}
}

// TestRefusedAlone sends many rows with some that constraints, triggers and types refuse.
//
// Req: SY-78
func TestRefusedAlone(t *testing.T) {
	t.Parallel()
	const size = 600
	bad := map[int]string{
		0: "a foreign key constraint fails", 7: "Incorrect integer value: 'seven' for column", 8: "Data too long for column 'note'", 100: "CONSTRAINT `positive` failed",
		101: "not on my watch", 350: "Column 'note' cannot be null", size - 1: "Out of range value for column 'n'",
	}
	for way, settings := range ways {
		for _, mode := range []connector.Mode{connector.ModeUpsert, connector.ModeInsert} {
			if mode == connector.ModeInsert && settings != nil {
				continue
			}
			t.Run(way+" "+string(mode), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.exec(t, `CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);
					CREATE TABLE child (id int PRIMARY KEY, n int, note varchar(9) NOT NULL, parent int REFERENCES parent (id), CONSTRAINT positive CHECK (n > 0))`)
				w.exec(t, `CREATE TRIGGER guard BEFORE INSERT ON child FOR EACH ROW BEGIN IF NEW.note = 'raise' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not on my watch'; END IF; END`)
				j := job("child", mode, "id", "id", "n", "note", "parent")
				maps.Copy(j.Settings, settings)
				rows := make([]connector.Row, size)
				for i := range rows {
					n, note, parent := num(int64(i+1)), text("fine"), num(1)
					switch i {
					case 0:
						parent = num(9)
					case 7:
						n = text("seven")
					case 8:
						note = text("much too long")
					case 100:
						n = num(-1)
					case 101:
						note = text("raise")
					case 350:
						note = value.Value{}
					case size - 1:
						n = num(1 << 40)
					}
					rows[i] = rowOf(j, num(int64(i)), n, note, parent)
				}
				refused := map[int]string{}
				halve(t, begin(t, w, j), rows, 0, refused)
				says(t, refused, bad)
				same(t, w.text(t, "SELECT count(*) FROM child"), strconv.Itoa(size-len(bad)))
			})
		}
	}
}

// halve sends rows as the engine does: a batch that is refused as a whole is halved.
func halve(t *testing.T, s connector.Session, rows []connector.Row, from int, refused map[int]string) {
	t.Helper()
	result, err := s.Write(t.Context(), batch(connector.Added, rows...))
	switch {
	case err == nil:
		for _, r := range result.Rejected {
			refused[from+r.Row] = r.Reason
		}
	case fault.ClassOf(err) == fault.Permanent && len(rows) > 1:
		halve(t, s, rows[:len(rows)/2], from, refused)
		halve(t, s, rows[len(rows)/2:], from+len(rows)/2, refused)
	default:
		t.Fatal(err)
	}
}

// TestRemoved removes rows, or clears what the sync had filled.
//
// Req: SY-15
func TestRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		behavior connector.DeleteBehavior
		match    string
		table    string
		want     string
		refused  map[int]string
	}{
		"delete":             {connector.DeleteRecord, "id", "id bigint PRIMARY KEY, k varchar(9), a text, own text", "0,zero,x,own", map[int]string{2: "no number"}},
		"delete by a text":   {connector.DeleteRecord, "k", "id bigint, k varchar(9) PRIMARY KEY, a text, own text", "0,zero,x,own", nil},
		"delete by two":      {connector.DeleteRecord, "id k", "id bigint, k varchar(9), a text, own text, UNIQUE (k, id)", "0,zero,x,own", map[int]string{2: "no number"}},
		"clear":              {connector.DeleteClear, "id", "id bigint PRIMARY KEY, k varchar(9), a text, own text", "0,zero,x,own\n1,NULL,NULL,own\n9007199254740993,NULL,NULL,own", map[int]string{2: "no number"}},
		"clear what must be": {connector.DeleteClear, "id", "id bigint PRIMARY KEY, k varchar(9), a varchar(9) NOT NULL, own text", "0,zero,x,own\n1,one,x,own\n9007199254740993,big,x,own", map[int]string{0: "Column 'a' cannot be null", 1: "Column 'a' cannot be null", 2: "no number"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := fmt.Sprintf("r%d", w.tables.Add(1))
			w.exec(t, "CREATE TABLE "+table+" ("+c.table+"); INSERT INTO "+table+" VALUES (0, 'zero', 'x', 'own'), (1, 'one', 'x', 'own'), (9007199254740993, 'big', 'x', 'own')")
			j := job(table, connector.ModeUpsert, c.match, "id", "k", "a")
			j.Delete = c.behavior
			says(t, write(t, begin(t, w, j), connector.Removed,
				rowOf(j, num(1), text("one"), text("x")), rowOf(j, num(9007199254740993), text("big"), text("x")),
				rowOf(j, text("none"), text("no such"), text("x")), rowOf(j, num(5), text("5"), text("x"))), c.refused)
			same(t, w.text(t, "SELECT * FROM "+table+" ORDER BY id"), c.want)
		})
	}
}

// TestLarge sends a text of 10 MB, and a row that the server cannot take in one statement.
//
// Req: FLD-32, SY-78
func TestLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for way, settings := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			w.exec(t, "CREATE TABLE large_"+way+" (id int PRIMARY KEY, a longtext, b longblob)")
			j := job("large_"+way, connector.ModeUpsert, "id", "id", "a", "b")
			maps.Copy(j.Settings, settings)
			ten := strings.Repeat("ü'\\\n0", 10<<20/6)
			refused := write(t, begin(t, w, j), connector.Added,
				rowOf(j, num(1), text(ten), value.Value{}), rowOf(j, num(2), value.Value{}, value.OfBytes([]byte(strings.Repeat("\x00\xffab", 2<<20)))),
				rowOf(j, num(3), text(strings.Repeat("x", 40<<20)), value.Value{}), rowOf(j, num(4), text("x"), value.Value{}))
			says(t, refused, map[int]string{2: "max_allowed_packet"})
			same(t, w.text(t, "SELECT id, length(a), length(b) FROM large_"+way), fmt.Sprintf("1,%d,NULL\n2,NULL,8388608\n4,1,NULL", len(ten)))
			var got string
			if err := w.db.QueryRowContext(t.Context(), "SELECT a FROM large_"+way+" WHERE id = 1").Scan(&got); err != nil || got != ten {
				t.Errorf("the text of 10 MB arrived in another form (%v)", err)
			}
		})
	}
}

// FuzzText sends any text to text columns and to JSON, in both ways of writing.
func FuzzText(f *testing.F) {
	w := newWorld(f)
	var sessions []connector.Session
	for way, settings := range ways {
		w.exec(f, "CREATE TABLE fuzz_"+way+" (id int PRIMARY KEY, a longtext, b varbinary(60000), c json)")
		j := job("fuzz_"+way, connector.ModeUpsert, "id", "id", "a", "b", "c")
		maps.Copy(j.Settings, settings)
		s, err := w.open(f, w.settings(f)).Begin(f.Context(), j)
		if err != nil {
			f.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	for _, seed := range []string{"", `\N`, `\.`, "a\tb\nc\\", `{"a":"\u00e9"}`, "[1", `"`, "{}", "\v\b\f\r\x00\x1a%_", "'; --", "\xff\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		for _, s := range sessions {
			row := connector.Row{
				Key:    strconv.FormatInt(w.tables.Add(1), 10), // makes the batch another one than that of an earlier equal text
				Values: []value.Value{num(1), text(sent), value.OfBytes([]byte(sent)), value.OfList([]value.Value{text(sent)})},
				Match:  []value.Value{num(1)},
			}
			refused := write(t, s, connector.Changed, row)
			if len(refused) > 0 {
				if sent == strings.ToValidUTF8(sent, "") {
					t.Errorf("%q was refused: %v", sent, refused)
				}
				return
			}
		}
		for way := range ways {
			var a, b, c string
			if err := w.db.QueryRowContext(t.Context(), "SELECT a, b, JSON_VALUE(c, '$[0]') FROM fuzz_"+way).Scan(&a, &b, &c); err != nil {
				t.Fatal(err)
			}
			if a != sent || b != sent || c != sent && !strings.Contains(sent, "\x00") {
				t.Errorf("%s: sent %q, got %q, %q, %q", way, sent, a, b, c)
			}
		}
	})
}
