package mysql

import (
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/fault"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT a.b, 'it''s' FROM `x``y`": "SELECT|a|.|b|,|'it's|FROM|`x`y",
		`SELECT "a\"b" -- rest`:           `SELECT|'a"b`,
		"a -- x\nb # y\nc /* z */ d":      "a|b|c|d",
		"a--b":                            "a|-|-|b",
		"--":                              "",
		"/*! STRAIGHT_JOIN */ a":          "STRAIGHT_JOIN|a",
		"/*!50110 b */":                   "b",
		"/*M!100100 c */":                 "c",
		"'open":                           "'open",
		"`open":                           "`open",
		"/* open":                         "",
		"été 1.5 @x":                      "été|1|.|5|@x",
		`'a\`:                             `'a\`,
	} {
		var got []string
		for _, k := range tokens(sql) {
			text := k.text
			switch k.kind {
			case kindString:
				text = "'" + text
			case kindName:
				text = "`" + text
			case kindWord, kindSign:
			}
			got = append(got, text)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: %q, want %q", sql, strings.Join(got, "|"), want)
		}
	}
}

// No text stops the reader of statements, and tokens stand where they say.
func FuzzTokens(f *testing.F) {
	for _, sql := range []string{"SELECT `a`, 'b' FROM c -- d", "/*!1 x */ /* y", "'\\", "\"", "--", "WITH a AS (SELECT 1) SELECT * FROM a INTO OUTFILE 'x'"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		last := -1
		for _, k := range tokens(sql) {
			if k.at <= last || k.at >= len(sql) {
				t.Fatalf("a token at %d behind %d", k.at, last)
			}
			last = k.at
		}
		st := (&Source{product: mysqlProduct}).statementOf(connector.Query{SQL: sql, Tag: "tag", Limit: 1})
		if err := st.reads(); err != nil && !fault.Is(err, fault.CodeSourceQuery) {
			t.Error(err)
		}
		for _, e := range []*driver.MySQLError{{Number: numberSyntax, Message: "near '" + sql + "' at line 2"}, {Number: numberNoColumn, Message: "Unknown column '" + sql + "' in x"}} {
			st.place(e)
		}
		origins(sql)
	})
}

// MySQL writes what it resolved in another way than MariaDB.
//
// Req: M-14
func TestOrigins(t *testing.T) {
	t.Parallel()
	for resolved, want := range map[string]map[string]origin{
		"/* select#1 */ select `shop`.`p`.`id` AS `id`,`shop`.`p`.`mail` AS `e``mail`,(`shop`.`p`.`id` + 1) AS `n` from `shop`.`p`": {
			"id": {"shop", "p", "id"}, "e`mail": {"shop", "p", "mail"},
		},
		"/* select#1 */ select `x`.`id` AS `id`,`o`.`id` AS `other` from `shop`.`people` `x` join `shop`.`orders` `o` where (`x`.`id` = `o`.`person`)": {
			"id": {"shop", "people", "id"}, "other": {"shop", "orders", "id"},
		},
		"select `shop`.`x`.`id` AS `id` from `shop`.`people` `x` where 1": {"id": {"shop", "people", "id"}},
		"with `c` as (/* select#2 */ select `shop`.`p`.`id` AS `id` from `shop`.`p`) /* select#1 */ select `c`.`id` AS `id`,`shop`.`q`.`a` AS `a` from `c` join `shop`.`q`": {
			"a": {"shop", "q", "a"},
		},
		"select `x`.`id` AS `id` from (select max(`x`.`id`) AS `id` from `shop`.`people` `x`) `x`":            {},
		"select `shop`.`p`.`id` AS `id` from `shop`.`p` union select `shop`.`q`.`id` AS `id` from `shop`.`q`": {},
		"select 1 AS `id`": {},
		"":                 {},
	} {
		got := origins(resolved)
		if len(got) != len(want) {
			t.Errorf("%s: %v", resolved, got)
		}
		for name, from := range want {
			if got[name] != from {
				t.Errorf("%s: %s is from %v, want %v", resolved, name, got[name], from)
			}
		}
	}
}

// Places are those in the text that its author sees, whatever stands around it.
//
// Req: M-30
func TestPlaces(t *testing.T) {
	t.Parallel()
	const sql = "\n\nSELECT a,\n  é, b b c FROM t"
	for _, c := range []struct {
		number       uint16
		says         func(sent string) string
		line, column int
	}{
		{numberSyntax, func(sent string) string {
			at := strings.Index(sent, "b c FROM")
			return "near '" + sent[at:min(len(sent), at+12)] + "' at line " + string(rune('1'+strings.Count(sent[:at], "\n")))
		}, 4, 8},
		{numberNoColumn, func(string) string { return "Unknown column 't.é' in 'field list'" }, 4, 3},
		{numberNoTable, func(string) string { return "Table 'shop.t' doesn't exist" }, 4, 17},
		{numberNoTable, func(string) string { return "Table 'shop.elsewhere' doesn't exist" }, 0, 0},
		{numberSyntax, func(string) string { return "something else" }, 0, 0},
		{numberSyntax, func(string) string { return "near '' at line 900" }, 4, 18},
		{numberSyntax, func(string) string { return "near 'x' at line 99999999999999999999" }, 0, 0},
		{numberReadOnly, func(string) string { return "'a'" }, 0, 0},
	} {
		for _, q := range []connector.Query{{SQL: sql}, {SQL: sql, Limit: 5}, {SQL: sql, Tag: "two\nlines"}, {SQL: sql + "\n;", Limit: 5, Tag: "tag"}} {
			st := (&Source{product: mysqlProduct}).statementOf(q)
			message := c.says(st.text)
			got, _ := st.place(&driver.MySQLError{Number: c.number, Message: message})
			if got != (fault.Place{Line: c.line, Column: c.column}) {
				t.Errorf("%q in %q: %+v, want %d, %d", message, st.text, got, c.line, c.column)
			}
		}
	}
}

// A column has its table's comment as long as the server knows that it is that column.
//
// Req: M-14
func TestCommentsOfAQuery(t *testing.T) {
	t.Parallel()
	settings, _ := place(t, "CREATE TABLE people (id int COMMENT 'Given at sign-up', mail varchar(50) COMMENT 'Isn''t \"shared\"\nwith others', words text COMMENT 'Words') COMMENT 'A table'",
		"CREATE TABLE orders (id bigint COMMENT 'Of the order', person int)", "INSERT INTO people VALUES (1, 'a', 'x'), (2, 'b', 'y')", "INSERT INTO orders VALUES (1, 1), (2, 2)",
		"CREATE VIEW buyers AS SELECT id, mail FROM people")
	s := openAt(t, settings)
	const mail = "Isn't \"shared\"\nwith others"
	for sql, want := range map[string]map[string]string{
		"SELECT * FROM people":                                                       {"id": "Given at sign-up", "mail": mail, "words": "Words"},
		"SELECT mail AS email, id + 1 AS id FROM people -- all":                      {"email": mail, "id": ""},
		"WITH p AS (SELECT * FROM people) SELECT o.id, p.mail FROM p, orders o":      {"id": "Of the order", "mail": mail},
		"SELECT x.id, x.m FROM (SELECT id, mail AS m FROM people) AS x":              {"id": "Given at sign-up", "m": mail},
		"SELECT o.id, p.id AS person FROM people p JOIN orders o ON o.person = p.id": {"id": "Of the order", "person": "Given at sign-up"},
		"SELECT id FROM people UNION SELECT id FROM orders":                          {"id": ""},
		"SELECT 1 AS id":                   {"id": ""},
		"SELECT max(id) AS id FROM people": {"id": ""},
		"SHOW TABLES":                      {},
	} {
		for _, limit := range []int64{0, 1} {
			if strings.HasPrefix(sql, "SHOW") && limit > 0 {
				continue
			}
			r, err := s.Query(t.Context(), connector.Query{SQL: sql, Limit: limit, Class: connector.WorkloadInteractive})
			if err != nil {
				t.Errorf("%s: %v", sql, err)
				continue
			}
			got := sourcetest.Read(t, r)
			r.Release()
			for name, text := range want {
				if i := got.Schema.Index(name); i < 0 || got.Schema[i].Description != text {
					t.Errorf("%s: %s in %+v, want %q", sql, name, got.Schema, text)
				}
			}
		}
	}
	if got := read(t, s, "SELECT * FROM people"); got.Schema[0].Description != "" || len(got.Rows) != 2 {
		t.Errorf("a run asks for comments, or reads no rows: %+v", got)
	}
}
