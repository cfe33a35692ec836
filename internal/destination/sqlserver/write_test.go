package sqlserver

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	mssql "github.com/microsoft/go-mssqldb"

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

func text(s string) value.Value { return value.OfText(s) }
func num(n int64) value.Value   { return value.OfInt(n) }

func same(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func (f *fake) begin(t *testing.T, j connector.SyncJob) connector.Session {
	t.Helper()
	s, err := f.open(t).Begin(t.Context(), j)
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

// text returns the rows of a query as lines of text.
func (f *fake) text(t *testing.T, statement string) string {
	t.Helper()
	rows, err := f.db.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		cells := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(cells))
		for i, c := range cells {
			line[i] = c.String
			if !c.Valid {
				line[i] = "NULL"
			}
		}
		lines = append(lines, strings.Join(line, ","))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// halve sends rows as the engine does: a batch that is refused as a whole is halved.
func halve(t *testing.T, s connector.Session, op connector.Operation, rows []connector.Row, from int, refused map[int]string) {
	t.Helper()
	result, err := s.Write(t.Context(), batch(op, rows...))
	switch {
	case err == nil:
		for _, r := range result.Rejected {
			refused[from+r.Row] = r.Reason
		}
	case fault.ClassOf(err) == fault.Permanent && len(rows) > 1:
		halve(t, s, op, rows[:len(rows)/2], from, refused)
		halve(t, s, op, rows[len(rows)/2:], from+len(rows)/2, refused)
	case fault.ClassOf(err) == fault.Permanent:
		refused[from] = err.Error()
	default:
		t.Fatal(err)
	}
}

// TestValues writes values for columns of every type that users' tables have. What is read is the server's business.
//
// Req: M-24, FLD-32
func TestValues(t *testing.T) {
	t.Parallel()
	instant, second, day := value.OfMicros(1_700_000_000_123_456), value.OfMicros(1_700_000_000_000_000), value.OfDay(19_000)
	for _, c := range []struct {
		column  column
		value   value.Value
		want    string
		refused string // why it is, unless the database may adapt it
	}{
		{column: column{base: "bit"}, value: value.OfBool(true), want: "1"},
		{column: column{base: "bit"}, value: value.OfDecimal("0.0"), want: "0"},
		{column: column{base: "bit"}, value: text("true"), want: "true"},
		{column: column{base: "bit"}, value: num(10), refused: "!every other number a 1"},
		{column: column{base: "bit"}, value: text(""), refused: "!the value is no number"},
		{column: column{base: "int"}, value: value.OfDecimal("12.00"), want: "12"},
		{column: column{base: "int"}, value: value.OfFloat(3), want: "3"},
		{column: column{base: "int"}, value: value.OfBool(false), want: "0"},
		{column: column{base: "int"}, value: value.OfFloat(2.5), want: "3", refused: "round the digits"},
		{column: column{base: "int"}, value: value.OfDecimal("-0.4"), want: "0", refused: "round the digits"},
		{column: column{base: "bigint"}, value: num(-9223372036854775808), want: "-9223372036854775808"},
		{column: column{base: "int"}, value: text("12x"), want: "12x"},
		{column: column{base: "int"}, value: text(" "), refused: "!the value is no number"},
		{column: column{base: "int"}, value: value.OfBytes([]byte("1")), refused: "!the value is no number"},
		{column: column{base: "decimal", precision: 10, scale: 2}, value: value.OfDecimal("1.5e2"), want: "150"},
		{column: column{base: "decimal", precision: 10, scale: 2}, value: value.OfFloat(19.99), want: "19.99"},
		{column: column{base: "decimal", precision: 10, scale: 2}, value: value.OfDecimal("1.005"), want: "1.005", refused: "round the digits"},
		{column: column{base: "money"}, value: value.OfDecimal("1.2345"), want: "1.2345"},
		{column: column{base: "money"}, value: value.OfDecimal("1.23456"), want: "1.23456", refused: "MONEY would round"},
		{column: column{base: "float"}, value: value.OfFloat(1e300), want: "1e+300"},
		{column: column{base: "float"}, value: value.OfBool(true), want: "1"},
		{column: column{base: "float"}, value: text("NaN"), want: "NaN"},
		{column: column{base: "float"}, value: text(""), refused: "!the value is no number"},
		{column: column{base: "date"}, value: day, want: "2022-01-08"},
		{column: column{base: "date"}, value: text("2023-11-14T00:00:00Z"), want: "2023-11-14"},
		{column: column{base: "date"}, value: instant, want: "2023-11-14", refused: "leave the time of day out"},
		{column: column{base: "date"}, value: text("2022-01-08 10:00"), want: "2022-01-08 10:00", refused: "leave the time of day out"},
		{column: column{base: "date"}, value: text("8 Jan 2022"), want: "8 Jan 2022"},
		{column: column{base: "date"}, value: value.OfDay(-719_163), refused: "!the years 1 to 9999"},
		{column: column{base: "date"}, value: text(""), refused: "!the value is no date"},
		{column: column{base: "date"}, value: num(5), refused: "!the value is no date"},
		{column: column{base: "datetime2", scale: 6}, value: instant, want: "2023-11-14T22:13:20.123456"},
		{column: column{base: "datetime2", scale: 3}, value: instant, want: "2023-11-14T22:13:20.123456", refused: "round the time"},
		{column: column{base: "datetime2"}, value: text("2023-11-14T23:13:20+01:00"), want: "2023-11-14T22:13:20"},
		{column: column{base: "datetimeoffset", scale: 7}, value: instant, want: "2023-11-14T22:13:20.123456+00:00"},
		{column: column{base: "datetime"}, value: value.OfMicros(1_700_000_000_123_000), want: "2023-11-14T22:13:20.123"},
		{column: column{base: "datetime"}, value: value.OfMicros(1_700_000_000_124_000), want: "2023-11-14T22:13:20.124", refused: "round the time"},
		{column: column{base: "datetime"}, value: day, want: "2022-01-08T00:00:00.000"},
		{column: column{base: "smalldatetime"}, value: second, want: "2023-11-14T22:13:20.000", refused: "round the time"},
		{column: column{base: "time", scale: 7}, value: text("10:11:12.5"), want: "10:11:12.5"},
		{column: column{base: "time"}, value: text("10:11:12.5"), want: "10:11:12.5", refused: "round the fraction"},
		{column: column{base: "time", scale: 7}, value: text("1970-01-01T10:11:12Z"), want: "10:11:12"},
		{column: column{base: "time", scale: 7}, value: second, want: "22:13:20", refused: "leave the date out"},
		{column: column{base: "time", scale: 7}, value: num(12), refused: "!takes a text such as"},
		{column: column{base: "uniqueidentifier"}, value: text("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), want: "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"},
		{column: column{base: "uniqueidentifier"}, value: text("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11-and-more"), refused: "!longer than a UUID"},
		{column: column{base: "nvarchar", length: 4}, value: text("too long"), want: "too long"},
		{column: column{base: "nvarchar", length: 4}, value: text("ab "), want: "ab ", refused: "leave spaces at the end out"},
		{column: column{base: "varchar", length: 4}, value: text("ab "), want: "ab "},
		{column: column{base: "nvarchar", length: -1}, value: instant, want: "2023-11-14T22:13:20.123456Z"},
		{column: column{base: "nvarchar", length: -1}, value: value.OfList([]value.Value{num(1)}), want: "[1]"},
		{column: column{base: "nvarchar", length: -1}, value: text("a\xff"), refused: "!not valid UTF-8"},
		{column: column{base: "varbinary", length: -1}, value: value.OfBytes([]byte{0, 255}), want: "00ff"},
		{column: column{base: "varbinary", length: 9}, value: text("AP8="), want: "00ff"},
		{column: column{base: "varbinary", length: 9}, value: text("not base64"), refused: "!text in base64"},
		{column: column{base: "varbinary", length: 9}, value: num(1), refused: "!takes bytes"},
		{column: column{base: "binary", length: 3}, value: text("AP8="), want: "00ff", refused: "fill the value up"},
		{column: column{base: "json"}, value: text(`{"a":1}`), want: `{"a":1}`},
		{column: column{base: "json"}, value: text("plain"), want: `"plain"`},
		{column: column{base: "xml"}, value: text("<a/>"), want: "<a/>"},
	} {
		for _, exact := range []bool{true, false} {
			w := newWriter(c.column, exact)
			got, reason := w.write(c.value)
			says, always := strings.CutPrefix(c.refused, "!")
			switch {
			case always || exact && says != "":
				if says == "" || !strings.Contains(reason, says) {
					t.Errorf("%s %q: %q does not say %q", c.column.base, c.value, reason, says)
				}
			case reason != "" || got != c.want:
				t.Errorf("%s %q: %q, %q; want %q", c.column.base, c.value, got, reason, c.want)
			}
		}
	}
}

// peopleColumns are those of the table that most tests write to.
func peopleColumns() ([]column, []key) {
	return []column{
			{name: "id", base: "int", notNull: true},
			{name: "email", base: "varchar", length: 20, collation: collation},
			{name: "name", base: "nvarchar", length: 20, collation: collation},
			{name: "points", base: "int", fallback: "((7))"},
		}, []key{
			{columns: []string{"id"}, primary: true}, {columns: []string{"email"}},
		}
}

// TestModes is a table of what each mode does to rows that exist and rows that do not, as the fake reads the statements.
//
// Req: SY-15, SY-18, SY-21, SY-25, SY-78
func TestModes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		job     connector.SyncJob
		edit    func(*connector.SyncJob)
		op      connector.Operation
		send    [][]value.Value
		want    string
		refused map[int]string
	}{
		{
			name: "upsert", job: job("", connector.ModeUpsert, "id", "id", "name"), send: [][]value.Value{{num(1), text("new")}, {num(3), text("x")}},
			want: "1,a@x,new,1\n2,b@x,two,2\n3,NULL,x,7",
		},
		{
			name: "update makes nothing", job: job("", connector.ModeUpdate, "id", "id", "name"), send: [][]value.Value{{num(1), text("new")}, {num(3), text("x")}},
			want: "1,a@x,new,1\n2,b@x,two,2",
		},
		{
			name: "upsert of the key alone", job: job("", connector.ModeUpsert, "id", "id"), send: [][]value.Value{{num(1)}, {num(3)}},
			want: "1,a@x,one,1\n2,b@x,two,2\n3,NULL,NULL,7",
		},
		{
			name: "the last of equal rows wins, whatever the case", job: job("", connector.ModeUpsert, "email", "id", "email", "name"),
			send: [][]value.Value{{num(5), text("c@x"), text("first")}, {num(6), text("A@X"), text("changed")}, {num(7), text("C@x"), text("last")}},
			want: "2,b@x,two,2\n6,a@x,changed,1\n7,C@x,last,7",
		},
		{
			name: "another key in the way", job: job("", connector.ModeUpsert, "email", "id", "email", "name"),
			send: [][]value.Value{{num(1), text("c@x"), text("stolen")}, {num(3), text("d@x"), text("fine")}},
			want: "1,a@x,one,1\n2,b@x,two,2\n3,d@x,fine,7", refused: map[int]string{0: "Violation of UNIQUE KEY constraint"},
		},
		{
			name: "null is left out", job: job("", connector.ModeUpsert, "id", "id", "name", "points"), send: [][]value.Value{{num(1), {}, {}}, {num(3), {}, {}}, {num(4), text("x"), num(0)}},
			edit: func(j *connector.SyncJob) { j.Columns[1].Omit, j.Columns[2].Omit = true, true },
			want: "1,a@x,one,1\n2,b@x,two,2\n3,NULL,NULL,7\n4,NULL,x,0",
		},
		{
			name: "null is sent", job: job("", connector.ModeUpsert, "id", "id", "points"), send: [][]value.Value{{num(1), {}}}, want: "1,a@x,one,NULL\n2,b@x,two,2",
		},
		{
			name: "matched by another value", job: job("", connector.ModeUpsert, "", "id"), send: [][]value.Value{{num(10), text("new@x"), text("a@x")}, {num(11), text("c@x"), text("none@x")}},
			edit: func(j *connector.SyncJob) {
				j.Columns = append(j.Columns, connector.TargetColumn{Name: "email", From: "new"}, connector.TargetColumn{Name: "name", From: "old"})
				j.Match = []connector.MatchPair{{From: "old", To: "email"}}
			},
			want: "2,b@x,two,2\n10,new@x,a@x,1\n11,c@x,none@x,7",
		},
		{
			name: "insert", job: job("", connector.ModeInsert, "", "id", "name"), send: [][]value.Value{{num(3), text("x")}, {num(1), text("again")}},
			want: "1,a@x,one,1\n2,b@x,two,2\n3,NULL,x,7", refused: map[int]string{1: "Violation of UNIQUE KEY constraint"},
		},
		{
			name: "bad rows alone", job: job("", connector.ModeUpsert, "email", "id", "email", "name", "points"),
			send: [][]value.Value{
				{num(3), text("c@x"), text("x"), num(1)}, {text("four"), text("d@x"), text("x"), num(1)}, {num(5), text("e@x"), text("much longer than ten"), num(1)},
				{num(6), text("日@x"), text("x"), num(1)}, {num(7), {}, text("x"), num(1)}, {{}, text("h@x"), text("x"), num(1)}, {num(9), text("i@x"), text("x"), num(-1)},
				{num(10), text("longer than the twenty characters of the column"), text("x"), num(1)}, {num(11), text("k@x"), text("x"), num(1)},
			},
			want: "1,a@x,one,1\n2,b@x,two,2\n3,c@x,x,1\n11,k@x,x,1",
			refused: map[int]string{
				1: "Conversion failed when converting the nvarchar value 'four' to data type int", 2: "would be truncated", 3: "cannot hold every character", 4: "no value for [email]",
				5: "Cannot insert the value NULL", 6: "CHECK constraint", 7: "cannot hold every character",
			},
		},
		{
			name: "delete", op: connector.Removed, job: job("", connector.ModeUpsert, "id", "id", "name"), send: [][]value.Value{{num(1), text("one")}, {num(9), text("x")}},
			edit: func(j *connector.SyncJob) { j.Delete = connector.DeleteRecord }, want: "2,b@x,two,2",
		},
		{
			name: "clear", op: connector.Removed, job: job("", connector.ModeUpsert, "email", "email", "name"), send: [][]value.Value{{text("A@x"), text("one")}, {text("z@x"), text("x")}},
			edit: func(j *connector.SyncJob) { j.Delete = connector.DeleteClear }, want: "1,a@x,NULL,1\n2,b@x,two,2",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			columns, keys := peopleColumns()
			f.create(t, "people", columns, keys, "CHECK (points >= 0)")
			if _, err := f.db.ExecContext(t.Context(), "INSERT INTO people VALUES (1, 'a@x', 'one', 1), (2, 'b@x', 'two', 2)"); err != nil {
				t.Fatal(err)
			}
			c.job.Settings = connector.Settings{"schema": "dbo", "table": "people"}
			if c.edit != nil {
				c.edit(&c.job)
			}
			rows := make([]connector.Row, len(c.send))
			for i, values := range c.send {
				rows[i] = rowOf(c.job, values...)
			}
			op := c.op
			if op == "" {
				op = connector.Added
			}
			refused := map[int]string{}
			halve(t, f.begin(t, c.job), op, rows, 0, refused)
			if len(refused) != len(c.refused) {
				t.Errorf("refused %v, want %v", refused, c.refused)
			}
			for i, part := range c.refused {
				if !strings.Contains(refused[i], part) {
					t.Errorf("row %d: %q does not say %q", i, refused[i], part)
				}
			}
			same(t, f.text(t, "SELECT * FROM people ORDER BY id"), c.want)
		})
	}
}

// TestResolve asks what became of batches.
//
// Req: SY-39
func TestResolve(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	columns, keys := peopleColumns()
	f.create(t, "people", columns, keys)
	j := job("people", connector.ModeUpsert, "id", "id", "name")
	s := f.begin(t, j)
	same(t, string(s.Limits().Idempotency), string(connector.Transactional))
	d := f.open(t)
	resolve := func(token string) string {
		r, err := d.(connector.Resolver).Resolve(t.Context(), j, token)
		if err != nil {
			t.Fatal(err)
		}
		return string(r)
	}
	var token string
	noted := func(b *connector.Batch) *connector.Batch {
		b.Checkpoint = func(_ context.Context, s string) error {
			token = s
			return nil
		}
		return b
	}
	if _, err := s.Write(t.Context(), noted(batch(connector.Added, rowOf(j, num(1), text("x"))))); err != nil {
		t.Fatal(err)
	}
	same(t, resolve(token), string(connector.ResolvedTaken))
	same(t, resolve(strings.Replace(token, "added-", "never-", 1)), string(connector.ResolvedNotTaken))
	same(t, resolve("of somebody else"), string(connector.ResolvedUnknown))

	part := noted(batch(connector.Added, rowOf(j, num(2), text("x")), rowOf(j, num(3), text("\xff"))))
	for range 2 {
		result, err := s.Write(t.Context(), part)
		if err != nil || len(result.Rejected) != 1 || result.Rejected[0].Row != 1 {
			t.Fatalf("%v, %v", result, err)
		}
	}
	same(t, resolve(token), string(connector.ResolvedUnknown))
	same(t, f.text(t, "SELECT count(*) FROM millrace_receipts"), "2")
	if _, err := f.db.ExecContext(t.Context(), "INSERT INTO millrace_receipts VALUES ('gone', 'x', 0, datetime('now', '-31 days')), ('kept', 'x', 0, datetime('now', '-29 days'))"); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.begin(t, j)
	same(t, f.text(t, "SELECT session FROM millrace_receipts"), "kept")
	same(t, f.text(t, "SELECT count(*) FROM people"), "2")
}

// TestLostCommit loses the answer to the commit: the session finds out what became of the batch.
//
// Req: SY-76
func TestLostCommit(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{true, false} {
		for _, receipts := range []bool{true, false} {
			f := newFake(t)
			columns, keys := peopleColumns()
			f.create(t, "people", columns, keys)
			if !receipts {
				f.deny = "millrace_receipts"
			}
			j := job("people", connector.ModeInsert, "", "id", "name")
			s := f.begin(t, j)
			want := connector.NotIdempotent
			if receipts {
				want = connector.Transactional
			}
			same(t, string(s.Limits().Idempotency), string(want))
			f.lose, f.after = "COMMIT TRANSACTION", after
			b := batch(connector.Added, rowOf(j, num(1), text("x")))
			_, err := s.Write(t.Context(), b)
			switch {
			case !receipts && fault.ClassOf(err) != fault.Unknown:
				t.Errorf("without receipts nobody knows, and the answer is %v (%s)", err, fault.ClassOf(err))
			case receipts && after && err != nil:
				t.Errorf("the batch was taken, and the answer is %v", err)
			case receipts && !after && fault.ClassOf(err) != fault.Retryable:
				t.Errorf("the batch was not taken, and the answer is %v (%s)", err, fault.ClassOf(err))
			}
			if receipts {
				if _, err := s.Write(t.Context(), b); err != nil {
					t.Error(err)
				}
				same(t, f.text(t, "SELECT count(*) FROM people"), "1")
			}
		}
	}
}

// TestBegin refuses jobs that do not fit the table, before anything is written.
//
// Req: SY-21, SY-38
func TestBegin(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.create(t, "begun", []column{
		{name: "id", base: "int", identity: true}, {name: "a", base: "nvarchar", length: 40}, {name: "g", base: "int", generated: true}, {name: "f", base: "real"},
		{name: "v", base: "sql_variant"}, {name: "s", base: "int", fallback: "(0 /* NEXT VALUE FOR [dbo].[s] */)"}, {name: "u", base: "int"}, {name: "version", base: "timestamp", length: 8},
	}, []key{{columns: []string{"id"}, primary: true}, {columns: []string{"u", "a"}}, {columns: []string{"f"}}})
	for _, c := range []struct {
		name string
		job  connector.SyncJob
		edit func(*connector.SyncJob)
		path string
		says string
	}{
		{name: "no table", job: job("nothing", connector.ModeInsert, "", "a"), path: "spec.settings.table", says: "there is no table dbo.nothing"},
		{name: "no column", job: job("begun", connector.ModeInsert, "", "nope"), path: "spec.mappings", says: `no column "nope"`},
		{name: "no matched column", job: job("begun", connector.ModeUpsert, "nope", "a"), path: "spec.match", says: `no column "nope"`},
		{name: "matched by no key", job: job("begun", connector.ModeUpsert, "a", "a"), path: "spec.match", says: "what is: (id), (u, a), (f)"},
		{name: "matched by identity", job: job("begun", connector.ModeUpsert, "id", "a"), path: "spec.match", says: "filled by the server alone"},
		{name: "matched by real", job: job("begun", connector.ModeUpsert, "f", "a"), path: "spec.match", says: "REAL"},
		{name: "identity", job: job("begun", connector.ModeInsert, "", "id", "a"), path: "spec.mappings", says: `"id"`},
		{name: "computed", job: job("begun", connector.ModeInsert, "", "g"), path: "spec.mappings", says: `"g"`},
		{name: "rowversion", job: job("begun", connector.ModeInsert, "", "version"), path: "spec.mappings", says: `"version"`},
		{name: "variant", job: job("begun", connector.ModeInsert, "", "v"), path: "spec.mappings", says: "SQL_VARIANT"},
		{name: "a sequence that is left out", job: job("begun", connector.ModeInsert, "", "s"), path: "spec.mappings", says: "sequence", edit: func(j *connector.SyncJob) { j.Columns[0].Omit = true }},
	} {
		if c.edit != nil {
			c.edit(&c.job)
		}
		_, err := f.open(t).Begin(t.Context(), c.job)
		if err == nil || fault.As(err).Code != fault.CodeDestinationSchema || fault.As(err).Path != c.path || !strings.Contains(err.Error(), c.says) || fault.As(err).Hint() == "" {
			t.Errorf("%s: %s at %s: %v", c.name, fault.As(err).Code, fault.As(err).Path, err)
		}
	}
	f.begin(t, job("begun", connector.ModeUpdate, "id", "id", "a")) // an update may find rows by their identity
	f.begin(t, job("begun", connector.ModeUpsert, "a u", "u", "a", "s"))
}

// TestDiscovery lists schemas, tables and columns. What the server numbers cannot be matched by.
//
// Req: M-24, SY-21
func TestDiscovery(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.create(t, "orders", []column{
		{name: "id", base: "bigint", identity: true}, {name: "code", base: "varchar", length: 10, notNull: true}, {name: "shop", base: "int", comment: "Where"}, {name: "name", base: "nvarchar", length: 40},
		{name: "total", base: "decimal", precision: 12, scale: 2, notNull: true, fallback: "((0))"}, {name: "ok", base: "bit"}, {name: "at", base: "datetime2", scale: 3}, {name: "day", base: "date"},
		{name: "raw", base: "varbinary", length: -1}, {name: "place", base: "geography", length: -1}, {name: "double", base: "int", generated: true}, {name: "x", base: "xml"},
	}, []key{{columns: []string{"id"}, primary: true}, {columns: []string{"code"}}, {columns: []string{"shop", "name"}}})
	f.tables["orders"].links = map[string]string{"shop": "shops"}
	d := f.open(t)
	j := job("orders", connector.ModeUpsert, "code", "code")
	for list, want := range map[string]string{"schemas": "dbo", "tables": "orders"} {
		options, err := d.(connector.OptionLister).ListOptions(t.Context(), list, j)
		if err != nil || len(options) != 1 || options[0].Value != want {
			t.Errorf("%s: %v, %v", list, options, err)
		}
	}
	if _, err := d.(connector.OptionLister).ListOptions(t.Context(), "other", j); !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("no list: %v", err)
	}
	fields, err := d.(connector.FieldLister).TargetFields(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&got, "%s %s %s required=%t match=%t readonly=%t %q\n", f.Name, f.Type, f.Native, f.Required, f.Match, f.ReadOnly, f.Help)
	}
	same(t, got.String(), `id number BIGINT required=false match=false readonly=true "Primary key"
code string VARCHAR(10) required=true match=true readonly=false "Unique"
shop reference INT required=false match=true readonly=false "Where; Refers to shops; Unique together with name"
name string NVARCHAR(20) required=false match=true readonly=false "Unique together with shop"
total number DECIMAL(12,2) required=false match=false readonly=false ""
ok boolean BIT required=false match=false readonly=false ""
at timestamp DATETIME2(3) required=false match=false readonly=false ""
day date DATE required=false match=false readonly=false ""
raw string VARBINARY(MAX) required=false match=false readonly=false "Takes bytes, or a text in base64"
place unknown GEOGRAPHY required=false match=false readonly=false ""
double number INT required=false match=false readonly=true ""
x string XML required=false match=false readonly=false ""
`)
}

// TestFaults judges what servers answer.
//
// Req: SY-76, SY-78, X-19
func TestFaults(t *testing.T) {
	t.Parallel()
	d := &destination{network: connector.Network{Egress: []string{"192.0.2.7"}}}
	for _, c := range []struct {
		err   error
		code  fault.Code
		class fault.Class
		hint  string
	}{
		{mssql.Error{Number: 40615, Class: 14, Message: "Cannot open server 'x' requested by the login. Client with IP address '192.0.2.7' is not allowed to access the server."}, fault.CodeDestinationUnreachable, fault.Fatal, "five minutes. This server connects from 192.0.2.7"},
		{mssql.Error{Number: 18456, Class: 14, Message: "Login failed for user 'x'."}, fault.CodeDestinationAuth, fault.Fatal, "password"},
		{mssql.Error{Number: 229, Class: 14, Message: "The INSERT permission was denied"}, fault.CodeDestinationDenied, fault.Fatal, "Grant"},
		{mssql.Error{Number: 1205, Class: 13, Message: "deadlocked"}, fault.CodeDestinationRejected, fault.Retryable, "sent again"},
		{mssql.Error{Number: 1222, Class: 16, Message: "Lock request time out"}, fault.CodeDestinationRejected, fault.Retryable, "sent again"},
		{mssql.Error{Number: 10928, Class: 20, Message: "Resource ID : 1"}, fault.CodeDestinationThrottled, fault.Throttled, "fewer"},
		{mssql.Error{Number: 208, Class: 16, Message: "Invalid object name"}, fault.CodeDestinationSchema, fault.Fatal, "Create the table"},
		{mssql.Error{Number: 241, Class: 16, Message: "Conversion failed"}, fault.CodeDestinationRejected, fault.Permanent, ""},
		{mssql.Error{Number: 50000, Class: 16, Message: "a trigger's own"}, fault.CodeDestinationRejected, fault.Permanent, ""},
		{mssql.Error{Number: 3609, Class: 16, Message: "The transaction ended in the trigger", All: []mssql.Error{{Number: 50000, Class: 16, Message: "a trigger's own"}, {Number: 3609, Class: 16}}}, fault.CodeDestinationRejected, fault.Permanent, ""},
		{mssql.Error{Number: 823, Class: 24, Message: "I/O error"}, fault.CodeDestinationUnreachable, fault.Retryable, ""},
		{errors.New("read tcp: connection reset"), fault.CodeDestinationUnreachable, fault.Retryable, "firewall"},
		{context.DeadlineExceeded, fault.CodeDestinationUnreachable, fault.Retryable, "firewall"},
	} {
		got := d.translate(t.Context(), c.err, "doing")
		if got.Code != c.code || got.Class != c.class || !strings.Contains(got.Hint(), c.hint) || !strings.Contains(got.Error(), "doing: ") {
			t.Errorf("%v: %s %s %q (%s)", c.err, got.Code, got.Class, got.Error(), got.Hint())
		}
	}
}

// TestExchanges shows statements and no values.
//
// Req: SY-74
func TestExchanges(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	columns, keys := peopleColumns()
	f.create(t, "people", columns, keys)
	j := job("people", connector.ModeUpsert, "id", "id", "name")
	b := batch(connector.Added, rowOf(j, num(4711), text("Grace")), rowOf(j, num(4712), text("\xff")))
	if _, err := f.begin(t, j).Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if len(b.Exchanges) != 1 || b.Exchanges[0].ResponseBody != "1 rows written" || b.Exchanges[0].URL != "sqlserver://fake:1433/app" || strings.Contains(b.Exchanges[0].RequestBody, "Grace") || !strings.Contains(b.Exchanges[0].RequestBody, "INSERT INTO [dbo].[people]") {
		t.Errorf("%+v", b.Exchanges)
	}
}

// TestWhole: a batch with a bad row is not taken at all, so that the engine halves it. What the server says of one row
// quotes its value, and is kept for that row.
//
// Req: SY-78
func TestWhole(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	columns, keys := peopleColumns()
	f.create(t, "people", columns, keys)
	j := job("people", connector.ModeUpsert, "id", "id", "points")
	s := f.begin(t, j)
	_, err := s.Write(t.Context(), batch(connector.Added, rowOf(j, num(1), num(1)), rowOf(j, num(2), text("a-secret-word"))))
	if !fault.Is(err, fault.CodeDestinationRejected) || fault.ClassOf(err) != fault.Permanent || strings.Contains(err.Error(), "a-secret-word") || !s.Limits().Split {
		t.Errorf("%v (%s)", err, fault.ClassOf(err))
	}
	same(t, f.text(t, "SELECT count(*) FROM people"), "0")
	if n := len(f.log); f.log[n-1] != "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION" {
		t.Errorf("the transaction is left with %s", f.log[n-1])
	}
}

// FuzzSheet sends any text: it is read from the parameter as it was sent, or its row is refused.
func FuzzSheet(f *testing.F) {
	for _, seed := range []string{"", `"`, `\`, "\x00\x1f\u2028", "😀 日本語", "\xff", "]],[1"} {
		f.Add(seed)
	}
	p := &program{cells: []cell{{column: column{name: "a", base: "nvarchar", length: -1}, writer: newWriter(column{name: "a", base: "nvarchar", length: -1}, true)}}}
	f.Fuzz(func(t *testing.T, sent string) {
		parameter, refused := p.sheet(&connector.Batch{Rows: []connector.Row{{Values: []value.Value{text(sent)}}, {Values: []value.Value{{}}}}})
		var rows [][]any
		if err := json.Unmarshal([]byte(parameter), &rows); err != nil {
			t.Fatalf("%q: %v", parameter, err)
		}
		switch {
		case len(refused) > 0 && utf8.ValidString(sent):
			t.Errorf("%q is refused: %v", sent, refused)
		case len(refused) == 0 && (len(rows) != 2 || rows[0][1] != sent || rows[1][1] != nil):
			t.Errorf("%q arrives as %v", sent, rows)
		case len(refused) > 0 && len(rows) != 1:
			t.Errorf("%d rows", len(rows))
		}
	})
}
