package duckdb

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

const commentedTables = `CREATE TABLE people (id INTEGER, mail VARCHAR, age INTEGER); COMMENT ON COLUMN people.id IS 'Given at sign-up'; COMMENT ON COLUMN people.mail IS 'Confirmed';
CREATE SCHEMA sales; CREATE TABLE sales.orders (id INTEGER, person INTEGER); COMMENT ON COLUMN sales.orders.id IS 'Of the order'; COMMENT ON COLUMN sales.orders.person IS 'Who bought'`

// A column has its table's comment only where it is certain that it is that column.
//
// Req: M-14
func TestCommentsOfAQuery(t *testing.T) {
	t.Parallel()
	s := New(Options{Dir: t.TempDir(), Attach: makeFile(t, commentedTables)})
	for sql, want := range map[string]map[string]string{
		"SELECT * FROM people": {"id": "Given at sign-up", "mail": "Confirmed", "age": ""},
		"FROM people":          {"id": "Given at sign-up", "mail": "Confirmed"},
		"SELECT ID, mail AS email FROM main.People WHERE age > 1":           {"id": "Given at sign-up", "email": "Confirmed"},
		"SELECT p.mail, age + 1 AS id FROM people AS p -- all":              {"mail": "Confirmed", "id": ""},
		"SELECT * EXCLUDE (mail), lower(mail) AS mail FROM people":          {"id": "Given at sign-up", "mail": ""},
		"SELECT * REPLACE (age AS id) FROM people":                          {"id": "", "mail": ""},
		"SELECT people.*, o.person FROM people JOIN sales.orders o ON true": {"id": "Given at sign-up", "person": "Who bought"},
		"SELECT o.id, mail FROM people, sales.orders o":                     {"id": "Of the order", "mail": ""},
		"SELECT * FROM people AS p (a, b, c)":                               {"a": "", "b": ""},
		"SELECT id FROM (SELECT age AS id FROM people)":                     {"id": ""},
		"WITH people AS (SELECT 1 AS id) SELECT id FROM people":             {"id": ""},
		"SELECT id FROM people UNION SELECT 1":                              {"id": ""},
		"SELECT count(*) AS id FROM people":                                 {"id": ""},
		"SELECT 1 AS id":                                                    {"id": ""},
	} {
		r, err := s.Query(t.Context(), connector.Query{SQL: sql, Limit: 1, Class: connector.WorkloadInteractive})
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		schema, err := value.SchemaOf(r.Schema())
		r.Release()
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			found := false
			for _, c := range schema {
				if strings.EqualFold(c.Name, name) {
					found = true
					if c.Description != text {
						t.Errorf("%s: %s is described as %q, want %q", sql, name, c.Description, text)
					}
				}
			}
			if !found {
				t.Errorf("%s: there is no column %s among %v", sql, name, schema.Names())
			}
		}
	}
}
