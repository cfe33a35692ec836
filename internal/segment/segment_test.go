package segment_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/millrace/millrace/internal/condition"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/segment"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

// database executes what a dialect prints.
type database struct {
	query.Dialect

	db *sql.DB
}

func open(t *testing.T, d query.Dialect, driver, address string) database {
	t.Helper()
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) //nolint:errcheck // the test is over
	return database{d, db}
}

// databases are those that run here. Their sessions are in UTC, as those of sources are.
func databases(t *testing.T) map[string]func(t *testing.T) database {
	t.Helper()
	return map[string]func(t *testing.T) database{
		"DuckDB": func(t *testing.T) database {
			d := open(t, query.DuckDB, "duckdb", "")
			d.db.SetMaxOpenConns(1)
			d.execute(t, "SET TimeZone = 'UTC'")
			return d
		},
		"PostgreSQL": func(t *testing.T) database {
			return open(t, query.Postgres, "pgx", services.Postgres(t)+"&timezone=UTC")
		},
		"MariaDB": func(t *testing.T) database {
			c, err := mysql.ParseDSN(services.MariaDB(t))
			if err != nil {
				t.Fatal(err)
			}
			c.Params = map[string]string{"time_zone": "'+00:00'"}
			return open(t, query.MySQL, "mysql", c.FormatDSN())
		},
	}
}

func (d database) execute(t *testing.T, statement string) {
	t.Helper()
	if _, err := d.db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// ids are the values of the first column, in order.
func (d database) ids(ctx context.Context, statement string) (string, error) {
	r, err := d.db.QueryContext(ctx, statement)
	if err != nil {
		return "", err
	}
	defer r.Close() //nolint:errcheck // Err tells
	columns, err := r.Columns()
	if err != nil {
		return "", err
	}
	var ids []string
	for r.Next() {
		cells := make([]any, len(columns))
		var id string
		for i := range cells {
			cells[i] = new(any)
		}
		cells[0] = &id
		if err := r.Scan(cells...); err != nil {
			return "", err
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return strings.Join(ids, " "), r.Err()
}

var columns = []value.Column{
	{Name: "id", Type: value.TypeNumber, Native: "integer"}, {Name: "full name", Type: value.TypeString, Native: "text"},
	{Name: "age", Type: value.TypeNumber, Native: "integer"}, {Name: "active", Type: value.TypeBoolean, Native: "boolean"},
	{Name: "seen", Type: value.TypeTimestamp, Native: "timestamp with time zone"}, {Name: "born", Type: value.TypeDate, Native: "date"},
	{Name: "extra", Type: value.TypeObject, Native: "json"},
}

// people makes the table that conditions choose from.
func (d database) people(t *testing.T) segment.Rows {
	t.Helper()
	table := query.TableRef{Name: "people of the segment"}
	at := func(text string) query.Expr {
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return query.Time(when)
	}
	day := func(y int, m time.Month, d int) query.Expr {
		const secondsOfDay = 86400
		return query.Value(value.OfDay(int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay)))
	}
	text, whole := query.Text, query.Int
	d.execute(t, d.Command(query.CreateTable{Table: table, Columns: []query.NewColumn{
		{Name: "id", Type: query.TypeInteger}, {Name: "full name", Type: query.TypeText}, {Name: "age", Type: query.TypeInteger},
		{Name: "active", Type: query.TypeBoolean}, {Name: "seen", Type: query.TypeTimestamp}, {Name: "born", Type: query.TypeDate}, {Name: "extra", Type: query.TypeJSON},
	}}))
	d.execute(t, d.Command(query.Insert{Table: table, Columns: value.Schema(columns).Names(), Rows: [][]query.Expr{
		{whole(1), text("Ann 100%"), whole(20), query.Bool(true), at("2026-06-02T21:59:59Z"), day(1990, time.June, 3), text(`{"plan": "pro", "seats": 3, "tags": ["a", "b"], "vip": true}`)},
		{whole(2), text("ann 100x"), whole(30), query.Bool(false), at("2026-06-02T22:00:00Z"), day(1991, time.June, 4), text(`{"plan": null, "seats": 10, "tags": []}`)},
		{whole(3), text("O'Brien_"), whole(40), query.Null(query.TypeBoolean), at("2026-05-31T22:00:00Z"), day(2026, time.June, 3), text(`{"plan": "Pro"}`)},
		{whole(4), query.Null(query.TypeText), query.Null(query.TypeInteger), query.Bool(true), query.Null(query.TypeTimestamp), query.Null(query.TypeDate), query.Null(query.TypeJSON)},
		{whole(5), text(""), whole(50), query.Bool(false), at("2026-03-31T22:00:00Z"), day(2026, time.May, 31), text(`{"seats": 2.5, "vip": false}`)},
	}}))
	return segment.Rows{SQL: d.SelectTable(table), Columns: columns, Now: time.Date(2026, 6, 3, 10, 0, 0, 0, time.UTC), Zone: berlin(t)}
}

func berlin(t *testing.T) query.Zone {
	t.Helper()
	z, err := query.ZoneOf("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// cases are conditions with the rows that they choose, and those that they choose where operators that deny exclude
// nulls, if they are others.
var cases = []struct{ name, condition, want, excluding string }{
	{"nothing", `{}`, "1 2 3 4 5", ""},
	{"an empty group", `{"all": []}`, "1 2 3 4 5", ""},
	{"an empty group among others", `{"any": [{"all": []}, {"property": {"column": "age", "operator": "equals", "values": [20]}}]}`, "1 2 3 4 5", ""},
	{"a text", `{"property": {"column": "full name", "operator": "equals", "values": ["Ann 100%"]}}`, "1", ""},
	{"the empty text", `{"property": {"column": "full name", "operator": "equals", "values": [""]}}`, "5", ""},
	{"one of several texts", `{"property": {"column": "full name", "operator": "equals", "values": ["Ann 100%", "O'Brien_", "ANN 100X"]}}`, "1 3", ""},
	{"another text", `{"property": {"column": "full name", "operator": "notEquals", "values": ["Ann 100%"]}}`, "2 3 4 5", "2 3 5"},
	{"none of several texts", `{"property": {"column": "full name", "operator": "notEquals", "values": ["Ann 100%", ""]}}`, "2 3 4", "2 3"},
	{"a part", `{"property": {"column": "full name", "operator": "contains", "values": ["%", "_"]}}`, "1 3", ""},
	{"no part", `{"property": {"column": "full name", "operator": "notContains", "values": ["100"]}}`, "3 4 5", "3 5"},
	{"a beginning", `{"property": {"column": "full name", "operator": "startsWith", "values": ["Ann"]}}`, "1", ""},
	{"an end", `{"property": {"column": "full name", "operator": "endsWith", "values": ["_"]}}`, "3", ""},
	{"a value", `{"property": {"column": "full name", "operator": "exists"}}`, "1 2 3 5", ""},
	{"no value", `{"property": {"column": "full name", "operator": "notExists"}}`, "4", ""},
	{"a number", `{"property": {"column": "age", "operator": "equals", "values": [30]}}`, "2", ""},
	{"other numbers", `{"property": {"column": "age", "operator": "notEquals", "values": [30, 40]}}`, "1 4 5", "1 5"},
	{"more", `{"property": {"column": "age", "operator": "greater", "values": [30]}}`, "3 5", ""},
	{"less", `{"property": {"column": "age", "operator": "less", "values": [30.5]}}`, "1 2", ""},
	{"as much or more", `{"property": {"column": "age", "operator": "greaterOrEqual", "values": [40]}}`, "3 5", ""},
	{"as much or less", `{"property": {"column": "age", "operator": "lessOrEqual", "values": [20]}}`, "1", ""},
	{"above the median", `{"property": {"column": "age", "operator": "greater", "percentile": 50}}`, "3 5", ""},
	{"up to the first third, and above the tenth", `{"all": [{"property": {"column": "age", "operator": "lessOrEqual", "percentile": 34}}, {"property": {"column": "age", "operator": "greater", "percentile": 10}}]}`, "2", ""},
	{"true", `{"property": {"column": "active", "operator": "equals", "values": [true]}}`, "1 4", ""},
	{"not true", `{"property": {"column": "active", "operator": "notEquals", "values": [true]}}`, "2 3 5", "2 5"},
	{"a day of the time zone", `{"property": {"column": "seen", "operator": "equals", "from": {"at": "2026-06-03"}}}`, "2", ""},
	{"an instant", `{"property": {"column": "seen", "operator": "equals", "from": {"at": "2026-06-02T23:59:59+02:00"}}}`, "1", ""},
	{"before a day", `{"property": {"column": "seen", "operator": "before", "from": {"at": "2026-06-03"}}}`, "1 3 5", ""},
	{"after a day", `{"property": {"column": "seen", "operator": "after", "from": {"at": "2026-06-02"}}}`, "2", ""},
	{"after an instant", `{"property": {"column": "seen", "operator": "after", "from": {"at": "2026-06-02T22:00:00Z"}}}`, "", ""},
	{"before so long ago", `{"property": {"column": "seen", "operator": "before", "from": {"ago": {"n": 2, "unit": "day"}}}}`, "3 5", ""},
	{"between days", `{"property": {"column": "seen", "operator": "between", "from": {"at": "2026-06-01"}, "to": {"at": "2026-06-02"}}}`, "1 3", ""},
	{"between an instant and another", `{"property": {"column": "seen", "operator": "between", "from": {"at": "2026-05-31T22:00:00Z"}, "to": {"at": "2026-06-02T22:00:00Z"}}}`, "1 2 3", ""},
	{"the last day", `{"property": {"column": "seen", "operator": "within", "period": {"n": 24, "unit": "hour"}}}`, "1 2", ""},
	{"not the last day", `{"property": {"column": "seen", "operator": "notWithin", "period": {"n": 24, "unit": "hour"}}}`, "3 4 5", "3 5"},
	{"two months of the calendar", `{"property": {"column": "seen", "operator": "within", "period": {"n": 2, "unit": "month", "calendar": true}}}`, "5", ""},
	{"two months", `{"property": {"column": "seen", "operator": "within", "period": {"n": 2, "unit": "month"}}}`, "1 2 3", ""},
	{"the anniversary of an instant", `{"property": {"column": "seen", "operator": "anniversary"}}`, "2", ""},
	{"a date", `{"property": {"column": "born", "operator": "equals", "from": {"at": "2026-06-03"}}}`, "3", ""},
	{"the date of an instant", `{"property": {"column": "born", "operator": "equals", "from": {"at": "2026-06-02T23:00:00Z"}}}`, "3", ""},
	{"before a date", `{"property": {"column": "born", "operator": "before", "from": {"at": "2026-06-03"}}}`, "1 2 5", ""},
	{"after a date", `{"property": {"column": "born", "operator": "after", "from": {"at": "1991-06-04"}}}`, "3 5", ""},
	{"between dates", `{"property": {"column": "born", "operator": "between", "from": {"at": "1990-06-03"}, "to": {"at": "1991-06-04"}}}`, "1 2", ""},
	{"dates of the last three days", `{"property": {"column": "born", "operator": "within", "period": {"n": 3, "unit": "day"}}}`, "3 5", ""},
	{"no date of the calendar's last month", `{"property": {"column": "born", "operator": "notWithin", "period": {"n": 1, "unit": "month", "calendar": true}}}`, "1 2 3 4", "1 2 3"},
	{"birthdays", `{"property": {"column": "born", "operator": "anniversary"}}`, "1 3", ""},
	{"JSON", `{"property": {"column": "extra", "operator": "exists"}}`, "1 2 3 5", ""},
	{"something in JSON", `{"property": {"column": "extra", "path": "plan", "operator": "exists"}}`, "1 3", ""},
	{"nothing in JSON", `{"property": {"column": "extra", "path": "tags.1", "operator": "notExists"}}`, "2 3 4 5", ""},
	{"a text in JSON", `{"property": {"column": "extra", "path": "plan", "type": "string", "operator": "equals", "values": ["pro"]}}`, "1", ""},
	{"another text in JSON", `{"property": {"column": "extra", "path": "plan", "type": "string", "operator": "notEquals", "values": ["pro"]}}`, "2 3 4 5", "3"},
	{"an element in JSON", `{"property": {"column": "extra", "path": "tags.1", "type": "string", "operator": "equals", "values": ["b"]}}`, "1", ""},
	{"a number in JSON", `{"property": {"column": "extra", "path": "seats", "type": "number", "operator": "greater", "values": [2]}}`, "1 2 5", ""},
	{"a boolean in JSON", `{"property": {"column": "extra", "path": "vip", "type": "boolean", "operator": "equals", "values": [false]}}`, "5", ""},
	{"groups in groups", `{"any": [{"property": {"column": "age", "operator": "less", "values": [25]}},
		{"all": [{"property": {"column": "active", "operator": "equals", "values": [false]}}, {"property": {"column": "full name", "operator": "contains", "values": ["ann"]}}]}]}`, "1 2", ""},
}

// Conditions choose the same rows in every database, with both readings of null.
//
// Req: AUD-2, AUD-4, AUD-5, AUD-6, AUD-7, AUD-8, AUD-9, AUD-12
func TestConditionsChooseRows(t *testing.T) {
	t.Parallel()
	for name, open := range databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			rows := d.people(t)
			for _, c := range cases {
				wants := []string{c.want, c.want}
				if c.excluding != "" {
					wants[1] = c.excluding
				}
				for i, want := range wants {
					rows.ExcludeNulls = i == 1
					statement := d.SQL(rows.Choose(parsed(t, c.condition)))
					if got, err := d.ids(t.Context(), statement); err != nil || got != want {
						t.Errorf("%s (nulls are excluded: %v): the rows %q, want %q; %v\n%s", c.name, rows.ExcludeNulls, got, want, err, statement)
					}
				}
			}
		})
	}
}

// A long list of values finds its rows, and stands in groups of at most a hundred beside each other.
//
// Req: AUD-13
func TestLongLists(t *testing.T) {
	t.Parallel()
	var texts, numbers []value.Value
	for i := range int64(5000) {
		texts, numbers = append(texts, value.OfText(strings.Repeat("x", int(i%50))+value.OfInt(i).String())), append(numbers, value.OfInt(i+1))
	}
	texts[4000] = value.OfText("O'Brien_")
	for name, open := range databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			rows := d.people(t)
			for want, p := range map[string]condition.Property{
				"3":       {Column: "full name", Operator: condition.Equals, Values: texts},
				"1 2 4 5": {Column: "full name", Operator: condition.NotEquals, Values: texts},
				"1 2 3 5": {Column: "age", Operator: condition.Equals, Values: numbers},
			} {
				statement := d.SQL(rows.Choose(condition.Condition{Property: &p}))
				if got, err := d.ids(t.Context(), statement); err != nil || got != want {
					t.Errorf("%s %s: the rows %q, want %q; %v", p.Column, p.Operator, got, want, err)
				}
				for group := range strings.SplitSeq(statement, ") OR (") {
					if n := strings.Count(group, " OR "); n >= 100 {
						t.Errorf("%s %s: %d conditions beside each other", p.Column, p.Operator, n+1)
					}
				}
			}
		})
	}
}

// Every dialect can say every condition, or lacks what it says it lacks.
//
// Req: AUD-4
func TestEveryDialectSaysConditions(t *testing.T) {
	t.Parallel()
	for _, d := range query.Dialects {
		rows := segment.Rows{SQL: "SELECT 1", Columns: columns, Now: time.Date(2026, 6, 3, 10, 0, 0, 0, time.UTC), Zone: berlin(t)}
		for _, c := range cases {
			if _, err := d.Build(rows.Choose(parsed(t, c.condition))); err != nil && (d.Lacks(query.ConstructJSON) == "" || !strings.Contains(c.name, "JSON")) {
				t.Errorf("%s: %s: %v", d.Name, c.name, err)
			}
		}
	}
}

func parsed(t *testing.T, text string) condition.Condition {
	t.Helper()
	var c condition.Condition
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(columns); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}
