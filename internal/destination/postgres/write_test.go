package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// rowOf makes a row; the matched values are those of the columns of the same names.
func rowOf(j connector.SyncJob, values ...value.Value) connector.Row {
	r := connector.Row{Key: fmt.Sprintf("%x", fmt.Sprint(values)), Values: values}
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

// TestTypes sends values to columns of every type that users' tables have.
//
// Req: M-24, FLD-32
func TestTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN small AS int CHECK (value < 10); CREATE DOMAIN smaller AS small; CREATE DOMAIN doc AS jsonb; CREATE EXTENSION citext`)
	instant, day := value.OfMicros(1_700_000_000_123_456), value.OfDay(19_000)
	object := value.OfJSON(`{"a": [1, "O'B\\\"x"]}`)
	list := func(items ...value.Value) value.Value { return value.OfList(items) }
	for _, c := range []struct {
		native string
		value  value.Value
		want   string
	}{
		{"boolean", value.OfBool(true), "true"},
		{"boolean", num(0), "false"},
		{"smallint", num(-7), "-7"},
		{"integer", value.OfDecimal("12.00"), "12"},
		{"integer", value.OfFloat(3), "3"},
		{"bigint", num(9223372036854775807), "9223372036854775807"},
		{"real", value.OfFloat(0.5), "0.5"},
		{"double precision", value.OfFloat(5e-324), "5e-324"},
		{"numeric", value.OfDecimal("12345678901234567890.123456789"), "12345678901234567890.123456789"},
		{"numeric(10,2)", value.OfDecimal("1.005"), "1.01"},
		{"text", num(5), "5"},
		{"text", value.OfBool(true), "true"},
		{"text", instant, "2023-11-14T22:13:20.123456Z"},
		{"text", object, `{"a": [1, "O'B\\\"x"]}`},
		{"varchar(5)", text(`a\b`), `a\b`},
		{"char(4)", text("ab"), "ab  "},
		{"citext", text("MiXed"), "MiXed"},
		{`text COLLATE "C"`, text("ä"), "ä"},
		{"uuid", text("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"date", day, "2022-01-08"},
		{"date", instant, "2023-11-14"},
		{"date", value.OfDay(-719_163), "0001-12-31 BC"},
		{"timestamp", instant, "2023-11-14 22:13:20.123456"},
		{"timestamptz", instant, "2023-11-14 22:13:20.123456+00"},
		{"timestamptz", day, "2022-01-08 00:00:00+00"},
		{"timestamptz", text("2022-01-08 10:00"), "2022-01-08 10:00:00+00"},
		{"time", text("10:11:12.5"), "10:11:12.5"},
		{"time", instant, "22:13:20.123456"},
		{"interval", text("1 day 2 hours"), "1 day 02:00:00"},
		{"json", object, `{"a": [1, "O'B\\\"x"]}`},
		{"jsonb", object, `{"a": [1, "O'B\\\"x"]}`},
		{"jsonb", text(`{"b":1}`), `{"b": 1}`},
		{"jsonb", text("plain"), `"plain"`},
		{"jsonb", text(`{broken`), `"{broken"`},
		{"jsonb", num(3), "3"},
		{"doc", list(num(1), value.Value{}), "[1, null]"},
		{"jsonb[]", list(object, num(2), list(num(3))), `{"{\"a\": [1, \"O'B\\\\\\\"x\"]}",2,[3]}`},
		{"text[]", list(text(`a"b\c,{d}`), text("NULL"), value.Value{}, text("")), `{"a\"b\\c,{d}","NULL",NULL,""}`},
		{"int[]", list(list(num(1), num(2)), list(num(3), num(4))), "{{1,2},{3,4}}"},
		{"int[]", text("[1, 2]"), "{1,2}"},
		{"int[]", text("{3,4}"), "{3,4}"},
		{"timestamptz[]", list(instant), `{"2023-11-14 22:13:20.123456+00"}`},
		{"small[]", list(num(1)), "{1}"},
		{"bytea", value.OfBytes([]byte{0, 255, '\\'}), `\x00ff5c`},
		{"bytea", text(`a\b`), `\x615c62`},
		{"inet", text("10.0.0.0/8"), "10.0.0.0/8"},
		{"macaddr", text("08:00:2b:01:02:03"), "08:00:2b:01:02:03"},
		{"mood", text("sad"), "sad"},
		{"smaller", num(9), "9"},
		{"point", text("(1,2)"), "(1,2)"},
		{"int4range", text("[1,5)"), "[1,5)"},
		{"bit(3)", text("101"), "101"},
		{"xml", text("<a/>"), "<a/>"},
	} {
		for _, mode := range []connector.Mode{connector.ModeInsert, connector.ModeUpsert} {
			t.Run(fmt.Sprintf("%s %s %.20s", mode, c.native, c.value), func(t *testing.T) {
				t.Parallel()
				table := fmt.Sprintf("t%d", w.tables.Add(1))
				w.exec(t, "CREATE TABLE "+table+" (id int PRIMARY KEY, value "+c.native+")")
				j := job(table, mode, "", "id", "value")
				if mode == connector.ModeUpsert {
					j.Match = []connector.MatchPair{{From: "id", To: "id"}}
				}
				none(t, write(t, begin(t, w, j), connector.Added, rowOf(j, num(1), c.value)))
				var got string
				if err := w.pool.QueryRow(t.Context(), "SELECT format('%s', value) FROM "+table).Scan(&got); err != nil {
					t.Fatal(err)
				}
				if c.native == "boolean" {
					got = map[string]string{"t": "true", "f": "false"}[got]
				}
				same(t, got, c.want)
			})
		}
	}
}

// TestModes is a table of what each mode does to rows that exist and rows that do not.
//
// Req: SY-18, SY-21, SY-25
func TestModes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `CREATE COLLATION insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
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
			name: "update makes nothing", table: "id int PRIMARY KEY, a text, b text DEFAULT 'kept'", rows: "(1, 'old')",
			job: job("", connector.ModeUpdate, "id", "id", "a"), send: [][]value.Value{{num(1), text("new")}, {num(2), text("x")}},
			want: "(1,new,kept)",
		},
		{
			name: "upsert", table: "id int PRIMARY KEY, a text, b text DEFAULT 'default'", rows: "(1, 'old', 'kept')",
			job: job("", connector.ModeUpsert, "id", "id", "a"), send: [][]value.Value{{num(1), text("new")}, {num(2), text("x")}},
			want: "(1,new,kept)\n(2,x,default)",
		},
		{
			name: "upsert of the key alone", table: "id int PRIMARY KEY, a text", rows: "(1, 'kept')",
			job: job("", connector.ModeUpsert, "id", "id"), send: [][]value.Value{{num(1)}, {num(2)}},
			want: "(1,kept)\n(2,)",
		},
		{
			name: "the last of equal rows wins", table: "id int, k text PRIMARY KEY", rows: "(0, 'A')",
			job:  job("", connector.ModeUpsert, "k", "id", "k"),
			send: [][]value.Value{{num(1), text("A")}, {num(2), text("B")}, {num(3), text("A")}, {num(4), text("B")}, {num(5), text("A")}},
			want: "(4,B)\n(5,A)",
		},
		{
			name: "the last of equal rows wins without an index", table: "id int, k text", rows: "(0, 'A')",
			job:  job("", connector.ModeUpsert, "k", "id", "k"),
			send: [][]value.Value{{num(1), text("A")}, {num(2), text("B")}, {num(3), text("A")}, {num(4), text("B")}, {num(5), text("A")}},
			want: "(4,B)\n(5,A)",
		},
		{
			name: "two columns of a key, in another order", table: "a int, b int, v text, UNIQUE (a, b)", rows: "(1, 2, 'old')",
			job: job("", connector.ModeUpsert, "b a", "b", "a", "v"), send: [][]value.Value{{num(2), num(1), text("new")}, {num(1), num(2), text("x")}},
			want: "(1,2,new)\n(2,1,x)",
		},
		{
			name: "a filled column is not mapped", table: "id int PRIMARY KEY, a text, must text NOT NULL", rows: "(1, 'old', 'kept')",
			job: job("", connector.ModeUpsert, "id", "id", "a"), send: [][]value.Value{{num(1), text("new")}, {num(2), text("x")}},
			want: "(1,new,kept)", refused: map[int]string{1: `null value in column "must"`},
		},
		{
			name: "partial index is no key", table: "id int, a text", rows: "(1, 'old'); CREATE UNIQUE INDEX ON %s (id) WHERE a <> 'x'",
			job: job("", connector.ModeUpsert, "id", "id", "a"), send: [][]value.Value{{num(1), text("new")}, {num(2), text("y")}},
			want: "(1,new)\n(2,y)",
		},
		{
			name: "null is left out", table: "id int PRIMARY KEY, a text, b text DEFAULT 'default'", rows: "(1, 'kept', 'kept')",
			job: job("", connector.ModeUpsert, "id", "id", "a", "b"), send: [][]value.Value{{num(1), {}, {}}, {num(2), {}, {}}},
			edit: func(j *connector.SyncJob) { j.Columns[1].Omit, j.Columns[2].Omit = true, true },
			want: "(1,kept,kept)\n(2,,default)",
		},
		{
			name: "null is left out of an update and of a conflict", table: "id int PRIMARY KEY, a text", rows: "(1, 'kept')",
			job: job("", connector.ModeUpsert, "id", "id", "a"), send: [][]value.Value{{num(1), {}}},
			edit: func(j *connector.SyncJob) { j.Columns[1].Omit = true }, want: "(1,kept)",
		},
		{
			name: "null is left out of an insert", table: "id int PRIMARY KEY, a text, b text NOT NULL DEFAULT 'default'", rows: "(1, '', '')",
			job: job("", connector.ModeInsert, "", "id", "a", "b"), send: [][]value.Value{{num(2), {}, {}}, {num(3), text("x"), text("y")}},
			edit: func(j *connector.SyncJob) { j.Columns[2].Omit = true }, want: "(1,\"\",\"\")\n(2,,default)\n(3,x,y)",
		},
		{
			name: "null is sent", table: "id int PRIMARY KEY, a text", rows: "(1, 'old')",
			job: job("", connector.ModeUpsert, "id", "id", "a"), send: [][]value.Value{{num(1), {}}}, want: "(1,)",
		},
		{
			name: "rows without a match value", table: "id int, a text UNIQUE", rows: "(1, 'A')",
			job: job("", connector.ModeUpsert, "a", "id", "a"), send: [][]value.Value{{num(2), {}}, {num(3), text("A")}},
			want: "(3,A)", refused: map[int]string{0: `no value for "a"`},
		},
		{
			name: "identity that the server fills", table: "id int GENERATED ALWAYS AS IDENTITY, a text UNIQUE, double text GENERATED ALWAYS AS (a || a) STORED", rows: "(DEFAULT, 'A')",
			job: job("", connector.ModeUpsert, "a", "a"), send: [][]value.Value{{text("A")}, {text("B")}}, want: "(1,A,AA)\n(3,B,BB)",
		},
		{
			name: "case-insensitive match", table: "id int, k text COLLATE insensitive UNIQUE", rows: "(0, 'a')",
			job:  job("", connector.ModeUpsert, "k", "id", "k"),
			send: [][]value.Value{{num(1), text("A")}, {num(2), text("a")}, {num(3), text("b")}}, want: "(2,a)\n(3,b)",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			table := fmt.Sprintf("m%d", w.tables.Add(1))
			w.exec(t, "CREATE TABLE "+table+" ("+c.table+"); INSERT INTO "+table+" VALUES "+strings.ReplaceAll(c.rows, "%s", table))
			c.job.Settings = connector.Settings{"schema": "public", "table": table}
			if c.edit != nil {
				c.edit(&c.job)
			}
			rows := make([]connector.Row, len(c.send))
			for i, values := range c.send {
				rows[i] = rowOf(c.job, values...)
			}
			refused := write(t, begin(t, w, c.job), connector.Added, rows...)
			if len(refused) != len(c.refused) {
				t.Errorf("refused %v, want %v", refused, c.refused)
			}
			for i, says := range c.refused {
				if !strings.Contains(refused[i], says) {
					t.Errorf("row %d: %q does not say %q", i, refused[i], says)
				}
			}
			same(t, w.text(t, "SELECT * FROM "+table+" ORDER BY 1, 2"), c.want)
		})
	}
}

// TestEqualRowsAtOnce proves that a batch of equal rows takes two merges, not one for each row.
func TestEqualRowsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE equal (id int PRIMARY KEY, n int)")
	j := job("equal", connector.ModeUpsert, "id", "id", "n")
	var rows []connector.Row
	for i := range 64 {
		rows = append(rows, rowOf(j, num(1), num(int64(i))))
	}
	b := batch(connector.Added, rows...)
	if _, err := begin(t, w, j).Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if len(b.Exchanges) != 4 {
		t.Errorf("%d statements, want COPY and INSERT twice", len(b.Exchanges))
	}
	same(t, w.text(t, "SELECT * FROM equal"), "(1,63)")
}

// TestMatchedByOtherValue changes the value by which a row is found, and adds a row that is not found.
func TestMatchedByOtherValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for mode, want := range map[connector.Mode]string{
		connector.ModeUpdate: "(10,new@example.com)\n(2,kept@example.com)",
		connector.ModeUpsert: "(10,new@example.com)\n(2,kept@example.com)\n(30,newer@example.com)",
	} {
		table := "moved_" + string(mode)
		w.exec(t, "CREATE TABLE "+table+" (id int, email text UNIQUE); INSERT INTO "+table+" VALUES (1, 'old@example.com'), (2, 'kept@example.com')")
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
	w := newWorld(t)
	w.exec(t, `CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1);
		CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.note = 'raise' THEN RAISE 'not on my watch'; END IF; RETURN NEW; END $$`)
	const size = 600
	bad := map[int]string{
		0: "violates check constraint", 7: "invalid input syntax for type integer", 8: "value too long for type character varying(5)", 100: "not on my watch",
		101: "violates foreign key constraint", 333: "violates unique constraint", 334: `null value in column "note"`, size - 1: "out of range for type integer",
	}
	for _, c := range []struct {
		mode  connector.Mode
		match string
	}{{connector.ModeUpsert, "id"}, {connector.ModeInsert, ""}} {
		t.Run(string(c.mode), func(t *testing.T) {
			t.Parallel()
			table := "refused_" + string(c.mode)
			w.exec(t, "CREATE TABLE "+table+` (id int PRIMARY KEY, n int CHECK (n >= 0), note varchar(5) NOT NULL, parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED, u int UNIQUE);
				CREATE TRIGGER guard BEFORE INSERT ON `+table+` FOR EACH ROW EXECUTE FUNCTION guard()`)
			j := job(table, c.mode, c.match, "id", "n", "note", "parent", "u")
			rows := make([]connector.Row, size)
			for i := range rows {
				values := []value.Value{num(int64(i)), num(1), text("ok"), num(1), num(int64(i))}
				switch i {
				case 0:
					values[1] = num(-1)
				case 7:
					values[1] = text("seven")
				case 8:
					values[2] = text("too long")
				case 100:
					values[2] = text("raise")
				case 101:
					values[3] = num(2)
				case 333:
					values[4] = num(332)
				case 334:
					values[2] = value.Value{}
				case size - 1:
					values[1] = num(1 << 40)
				}
				rows[i] = rowOf(j, values...)
			}
			s := begin(t, w, j)
			refused := map[int]string{}
			split(t, s, rows, 0, refused)
			for i, says := range bad {
				if !strings.Contains(refused[i], says) {
					t.Errorf("row %d: %q does not say %q", i, refused[i], says)
				}
				delete(refused, i)
			}
			none(t, refused)
			same(t, w.text(t, "SELECT count(*), sum(id) FROM "+table), fmt.Sprintf("(%d,%d)", size-len(bad), size*(size-1)/2-7-8-100-101-333-334-(size-1)))
			same(t, w.text(t, "SELECT count(*) > 0 FROM millrace_receipts"), "(t)")
		})
	}
}

// split halves a batch that is refused as a whole, as the engine does.
func split(t *testing.T, s connector.Session, rows []connector.Row, first int, refused map[int]string) {
	t.Helper()
	result, err := s.Write(t.Context(), batch(connector.Added, rows...))
	switch {
	case err == nil:
		for _, r := range result.Rejected {
			refused[first+r.Row] = r.Reason
		}
	case fault.ClassOf(err) == fault.Permanent && len(rows) > 1 && s.Limits().Split:
		half := len(rows) / 2
		split(t, s, rows[:half], first, refused)
		split(t, s, rows[half:], first+half, refused)
	default:
		t.Fatal(err)
	}
}

// TestRemoved proves the delete behaviours.
//
// Req: SY-15
func TestRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		behaviour connector.DeleteBehavior
		table     string
		want      string
		refused   int
	}{
		"delete":               {connector.DeleteRecord, "id int PRIMARY KEY, a text, b text", "(3,x,x)", 0},
		"delete without index": {connector.DeleteRecord, "id int, a text, b text", "(3,x,x)", 0},
		"clear":                {connector.DeleteClear, "id int PRIMARY KEY, a text, b text", "(1,,x)\n(2,,x)\n(3,x,x)", 0},
		"clear what must be":   {connector.DeleteClear, "id int PRIMARY KEY, a text NOT NULL, b text", "(1,x,x)\n(2,x,x)\n(3,x,x)", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := fmt.Sprintf("r%d", w.tables.Add(1))
			w.exec(t, "CREATE TABLE "+table+" ("+c.table+"); INSERT INTO "+table+" SELECT g, 'x', 'x' FROM generate_series(1, 3) g")
			j := job(table, connector.ModeUpsert, "id", "id", "a")
			j.Delete = c.behaviour
			s := begin(t, w, j)
			if got := s.Limits().Operations; !slices.Equal(got, connector.Operations) {
				t.Errorf("acts on %v", got)
			}
			refused := write(t, s, connector.Removed, rowOf(j, num(1), text("x")), rowOf(j, num(2), text("x")), rowOf(j, num(9), text("x")))
			if len(refused) != c.refused {
				t.Errorf("refused %v", refused)
			}
			same(t, w.text(t, "SELECT * FROM "+table+" ORDER BY 1"), c.want)
		})
	}
}

// TestOtherRelations writes where COPY cannot: views and tables with row-level security.
func TestOtherRelations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role(t, "tenant")
	w.exec(t, `CREATE TABLE secured (id int PRIMARY KEY, tenant text); ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own ON secured USING (tenant = 'ours') WITH CHECK (tenant = 'ours'); GRANT ALL ON secured TO `+role+`;
		CREATE TABLE base (id int PRIMARY KEY, tenant text); CREATE VIEW behind AS SELECT * FROM base WHERE tenant = 'ours' WITH CHECK OPTION;
		CREATE TABLE parts (id int PRIMARY KEY, tenant text) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10)`)
	for _, mode := range []connector.Mode{connector.ModeInsert, connector.ModeUpsert} {
		for relation, behind := range map[string]string{"secured": "secured", "behind": "base", "parts": "parts"} {
			match := ""
			if mode == connector.ModeUpsert {
				match = "id"
			}
			j := job(relation, mode, match, "id", "tenant")
			s, err := w.open(t, w.settings(t, "user", map[bool]string{true: role, false: "postgres"}[relation == "secured"])).Begin(t.Context(), j)
			if err != nil {
				t.Fatalf("%s: %v", relation, err)
			}
			bad := rowOf(j, num(2), text("theirs"))
			if relation == "parts" {
				bad = rowOf(j, num(20), text("ours"))
			}
			refused := map[int]string{}
			split(t, s, []connector.Row{rowOf(j, num(1), text("ours")), bad, rowOf(j, num(3), text("ours"))}, 0, refused)
			if len(refused) != 1 || refused[1] == "" {
				t.Errorf("%s %s: refused %v, want row 1 alone", mode, relation, refused)
			}
			same(t, w.text(t, "SELECT * FROM "+behind+" ORDER BY 1"), "(1,ours)\n(3,ours)")
			w.exec(t, "DELETE FROM "+behind)
		}
	}
}

// TestMirror proves that the previous rows stay until the complete replacement, and when it fails.
//
// Req: SY-18
func TestMirror(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `CREATE TABLE mirrored (id int PRIMARY KEY, a text NOT NULL DEFAULT 'default' CHECK (a <> 'bad'), b int GENERATED ALWAYS AS IDENTITY);
		CREATE INDEX ON mirrored (a); INSERT INTO mirrored SELECT g, 'before' FROM generate_series(1, 3) g`)
	j := job("mirrored", connector.ModeAll, "", "id", "a")
	j.Columns[1].Omit = true
	s := begin(t, w, j)
	refused := write(t, s, connector.Added, rowOf(j, num(1), text("after")), rowOf(j, num(1), text("twice")), rowOf(j, num(5), text("bad")), rowOf(j, num(6), value.Value{}))
	if len(refused) != 2 || !strings.Contains(refused[1], "unique") || !strings.Contains(refused[2], "check") {
		t.Errorf("refused %v", refused)
	}
	before := "(1,before)\n(2,before)\n(3,before)"
	same(t, w.text(t, "SELECT id, a FROM mirrored ORDER BY 1"), before)

	w.exec(t, "CREATE TABLE child (id int REFERENCES mirrored); INSERT INTO child VALUES (2)")
	if err := s.Finish(t.Context()); !fault.Is(err, fault.CodeDestinationRejected) || !strings.Contains(err.Error(), "foreign key") {
		t.Errorf("replacing rows that others refer to: %v", err)
	}
	same(t, w.text(t, "SELECT id, a FROM mirrored ORDER BY 1"), before)
	w.exec(t, "DROP TABLE child")
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, w.text(t, "SELECT id, a FROM mirrored ORDER BY 1"), "(1,after)\n(6,default)")
}

// TestBegin refuses jobs that do not fit the table, before anything is written.
func TestBegin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role(t, "weak")
	w.exec(t, `CREATE TABLE begun (id int PRIMARY KEY, a text, g text GENERATED ALWAYS AS (a || 'x') STORED, i int GENERATED ALWAYS AS IDENTITY);
		GRANT SELECT, INSERT ON begun TO `+role+`; CREATE SCHEMA hidden; CREATE TABLE hidden.begun (id int)`)
	for _, c := range []struct {
		name string
		job  connector.SyncJob
		edit func(*connector.SyncJob)
		user string
		code fault.Code
		says string
	}{
		{name: "no table", job: job("nothing", connector.ModeInsert, "", "id"), code: fault.CodeDestinationSchema, says: "no table public.nothing"},
		{name: "no column", job: job("begun", connector.ModeInsert, "", "nope"), code: fault.CodeDestinationSchema, says: `no column "nope"`},
		{name: "no matched column", job: job("begun", connector.ModeUpsert, "nope", "id"), code: fault.CodeDestinationSchema, says: `no column "nope"`},
		{name: "generated", job: job("begun", connector.ModeInsert, "", "id", "g"), code: fault.CodeDestinationSchema, says: `"g"`},
		{name: "identity", job: job("begun", connector.ModeUpsert, "id", "id", "i"), code: fault.CodeDestinationSchema, says: `"i"`},
		{name: "matched by identity", job: job("begun", connector.ModeUpsert, "i", "id"), code: fault.CodeDestinationSchema, says: `"i"`},
		{name: "no UPDATE", job: job("begun", connector.ModeUpsert, "id", "id"), user: role, code: fault.CodeDestinationDenied, says: `permission UPDATE on TABLE "public"."begun"`},
		{name: "no DELETE", job: job("begun", connector.ModeAll, "", "id"), user: role, code: fault.CodeDestinationDenied, says: "permission DELETE"},
		{
			name: "no USAGE", job: job("begun", connector.ModeInsert, "", "id"), user: role, code: fault.CodeDestinationDenied, says: `USAGE on SCHEMA "hidden"`,
			edit: func(j *connector.SyncJob) { j.Settings["schema"] = "hidden" },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings := w.settings(t)
			if c.user != "" {
				settings["user"] = c.user
			}
			if c.edit != nil {
				c.edit(&c.job)
			}
			_, err := w.open(t, settings).Begin(t.Context(), c.job)
			if err == nil || fault.As(err).Code != c.code || !strings.Contains(err.Error(), c.says) || fault.As(err).Hint() == "" {
				t.Errorf("%s: %v (%s)", fault.As(err).Code, err, fault.As(err).Hint())
			}
		})
	}
}

// TestDiscovery lists schemas, tables and columns.
//
// Req: M-24, SY-21
func TestDiscovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role(t, "looker")
	w.exec(t, `CREATE SCHEMA "Sales"; CREATE SCHEMA millrace_planner; GRANT USAGE ON SCHEMA "Sales" TO `+role+`;
		CREATE TABLE "Sales".orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int NOT NULL, b text NOT NULL DEFAULT '', c date, tags text[], doc jsonb, at timestamptz, ok boolean, plain json, UNIQUE (a, c));
		COMMENT ON COLUMN "Sales".orders.b IS 'a comment'; CREATE TABLE "Sales".loose (a int, j json); CREATE TABLE "Sales".millrace_receipts (); CREATE VIEW "Sales".seen AS SELECT 1 AS one;
		GRANT SELECT ON "Sales".orders TO `+role)
	d := w.open(t, w.settings(t, "user", role))
	j := job("orders", connector.ModeUpsert, "a", "a")
	j.Settings["schema"] = "Sales"
	for list, want := range map[string]string{
		"schemas": "Sales:, public:",
		"tables":  "loose:No permission: SELECT, INSERT, UPDATE, DELETE, orders:No permission: INSERT, UPDATE, DELETE, seen:View, No permission: SELECT, INSERT, UPDATE, DELETE",
	} {
		options, err := d.(connector.OptionLister).ListOptions(t.Context(), list, j)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range options {
			got = append(got, o.Value+":"+o.Help)
		}
		same(t, strings.Join(got, ", "), want)
	}
	fields, err := d.(connector.FieldLister).TargetFields(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&got, "%s %s %q required=%t match=%t readonly=%t %q\n", f.Name, f.Type, f.Native, f.Required, f.Match, f.ReadOnly, f.Help)
	}
	same(t, got.String(), `id number "bigint" required=false match=true readonly=true "Primary key"
a number "integer" required=true match=true readonly=false "Unique together with c"
b string "text" required=false match=false readonly=false "a comment"
c date "date" required=false match=true readonly=false "Unique together with a"
tags array "text[]" required=false match=false readonly=false ""
doc object "jsonb" required=false match=false readonly=false ""
at timestamp "timestamp with time zone" required=false match=false readonly=false ""
ok boolean "boolean" required=false match=false readonly=false ""
plain object "json" required=false match=false readonly=false ""
`)
	j.Settings["table"] = "loose"
	if fields, err = d.(connector.FieldLister).TargetFields(t.Context(), j); err != nil || !fields[0].Match || fields[1].Match {
		t.Errorf("without an index: %+v, %v", fields, err)
	}
}

// The types of fields, and a column that came since they were last asked for.
//
// Req: M-24, FLD-20
func TestFieldsAreReadLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE DOMAIN amount AS numeric(9, 2); CREATE TABLE shops (id int PRIMARY KEY);
		CREATE TABLE sales (id uuid PRIMARY KEY, shop int REFERENCES shops, m mood, sum amount, raw bytea, at time, span interval, host inet, spot point, ip text[], x xml, r int4range)`)
	d := w.open(t, w.settings(t))
	j := job("sales", connector.ModeUpsert, "id", "id")
	list := func() string {
		fields, err := d.(connector.FieldLister).TargetFields(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range fields {
			got = append(got, strings.TrimSpace(f.Name+" "+f.Type+" "+f.Help))
		}
		return strings.Join(got, ", ")
	}
	const before = "id string Primary key, shop reference Refers to shops, m string, sum number, raw unknown, at string, span string, host string, spot unknown, ip array, x string, r unknown"
	same(t, list(), before)
	w.exec(t, `ALTER TABLE sales ADD COLUMN note text; COMMENT ON COLUMN sales.note IS 'Free text'`)
	same(t, list(), before+", note string Free text")
	w.exec(t, `ALTER TABLE sales DROP COLUMN note`)
	same(t, list(), before)
}

// A value of a type that the column does not take is refused in the server's words, and its neighbours arrive.
//
// Req: M-27
func TestWrongTypeIsRefusedInTheServersWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE typed (id int PRIMARY KEY, age int)")
	j := job("typed", connector.ModeUpsert, "id", "id", "age")
	s := begin(t, w, j)
	result, err := s.Write(t.Context(), batch(connector.Added, rowOf(j, num(1), num(30)), rowOf(j, num(2), text("thirty")), rowOf(j, num(3), text("31"))))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Rejected) != 1 || result.Rejected[0].Row != 1 || !strings.Contains(result.Rejected[0].Reason, `invalid input syntax for type integer: "thirty"`) {
		t.Errorf("got %+v", result.Rejected)
	}
}

// A column that was renamed at the destination stops the sync, which names it, until it is mapped anew.
//
// Req: SY-38
func TestRenamedColumn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE contacts (id int PRIMARY KEY, mail text)")
	begin := func(columns ...string) error {
		s, err := w.open(t, w.settings(t)).Begin(t.Context(), job("contacts", connector.ModeUpsert, "id", columns...))
		if err == nil {
			err = s.Close()
		}
		return err
	}
	if err := begin("id", "mail"); err != nil {
		t.Fatal(err)
	}
	w.exec(t, "ALTER TABLE contacts RENAME COLUMN mail TO email")
	if err := begin("id", "mail"); err == nil || fault.As(err).Code != fault.CodeDestinationSchema || !strings.Contains(err.Error(), `"mail"`) {
		t.Errorf("the old name: %v", err)
	}
	if err := begin("id", "email"); err != nil {
		t.Errorf("the new name: %v", err)
	}
}

// TestExchanges shows statements and counts, and none of the values.
//
// Req: SY-74
func TestExchanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE logged (id int PRIMARY KEY, a int)")
	j := job("logged", connector.ModeUpsert, "id", "id", "a")
	b := batch(connector.Added, rowOf(j, num(4711), num(1)), rowOf(j, num(4712), num(2)))
	if _, err := begin(t, w, j).Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range b.Exchanges {
		got = append(got, x.Method+" "+x.RequestBody+" -> "+x.ResponseBody)
	}
	same(t, strings.Join(got, "\n"), `SQL COPY _millrace_rows ("v0", "v1") FROM STDIN -> COPY 2
SQL INSERT INTO "public"."logged" AS t ("id", "a") SELECT r.v0, r.v1 FROM _millrace_rows r ON CONFLICT ("id") DO UPDATE SET "a" = excluded."a" -> INSERT 0 2`)
}
