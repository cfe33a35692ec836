package postgres

import (
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
)

// A column has its table's comment as long as the server knows that it is that column.
//
// Req: M-14
func TestCommentsOfAQuery(t *testing.T) {
	t.Parallel()
	settings, _ := place(t, `CREATE TABLE people (id integer, mail text, tags text[]); COMMENT ON COLUMN people.id IS 'Given at sign-up'; COMMENT ON COLUMN people.tags IS 'Words';
		COMMENT ON TABLE people IS 'A table'; COMMENT ON COLUMN people.mail IS 'Isn''t "shared"
with others'; CREATE TABLE orders (id bigint, person integer); COMMENT ON COLUMN orders.id IS 'Of the order';
		CREATE VIEW buyers AS SELECT id, mail FROM people; COMMENT ON COLUMN buyers.mail IS 'Of a buyer'; INSERT INTO people VALUES (1, 'a', '{x}')`)
	s := openAt(t, settings)
	const mail = "Isn't \"shared\"\nwith others"
	for sql, want := range map[string]map[string]string{
		"SELECT * FROM people":                                                      {"id": "Given at sign-up", "mail": mail, "tags": "Words"},
		"SELECT mail AS email, id + 1 AS id FROM people -- all":                     {"email": mail, "id": ""},
		"WITH p AS (SELECT * FROM people) SELECT o.id, p.mail FROM p, orders o":     {"id": "Of the order", "mail": mail},
		"SELECT x.id, x.m FROM (SELECT id, mail AS m FROM people ORDER BY id) AS x": {"id": "Given at sign-up", "m": mail},
		"SELECT * FROM buyers":                                                      {"id": "", "mail": "Of a buyer"},
		"SELECT id FROM people UNION SELECT id FROM orders":                         {"id": ""},
		"SELECT 1 AS id": {"id": ""},
		"SELECT tags, 'x'::name AS n FROM people": {"tags": "Words", "n": ""},
	} {
		for _, limit := range []int64{0, 1} {
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
	r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT * FROM people", Class: connector.WorkloadBatch})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if got := sourcetest.Read(t, r); got.Schema[0].Description != "" || len(got.Rows) != 1 {
		t.Errorf("a run asks for comments, or reads no rows: %+v", got)
	}
}
