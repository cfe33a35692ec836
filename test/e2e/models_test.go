package e2e

import (
	"path/filepath"
	"testing"
)

// What a change of a model's query means for its sync: each step runs the sync and counts what was sent.
//
// Req: M-09, M-10, M-18, M-20, M-21, M-22, M-26, M-32
func TestModelQueries(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, "MILLRACE_HOME="+t.TempDir())
	write(t, filepath.Join(data, "orders.csv"), "id,org,total\n1,a,10\n1,b,11\n2,a,20\n,a,5\n")
	for _, step := range []struct {
		name, sql string
		want      opCounts
		read      int64
	}{
		{
			name: "one row of each key, and none without a key",
			sql:  "SELECT id, total FROM (SELECT CAST(id AS VARCHAR) AS id, total, row_number() OVER (PARTITION BY id ORDER BY total) AS n FROM orders) WHERE n = 1 AND id IS NOT NULL",
			want: opCounts{Added: 2}, read: 2,
		},
		{
			name: "the same rows by another query",
			sql:  "WITH firsts AS (SELECT id, min(total) AS total FROM orders GROUP BY id) SELECT CAST(id AS VARCHAR) AS id, total FROM firsts WHERE id IS NOT NULL -- grouped",
			read: 2,
		},
		{
			name: "a composite key: other keys come and the old ones go",
			sql:  "SELECT concat(org, '-', id) AS id, total FROM orders WHERE id IS NOT NULL",
			want: opCounts{Added: 3, Removed: 2}, read: 3,
		},
		{
			name: "the key's type is another one: every row is sent again, and nothing is compared",
			sql:  "SELECT id, min(total) AS total FROM orders WHERE id IS NOT NULL GROUP BY id",
			want: opCounts{Added: 2}, read: 2,
		},
		{
			name: "nothing is new",
			sql:  "SELECT id, min(total) AS total FROM orders WHERE id IS NOT NULL GROUP BY id",
			read: 2,
		},
	} {
		run(t, p, shop(data, step.sql), "apply", "-f", "-").expect(t, 0)
		p.trigger("orders-to-files")
		last := p.settle("orders-to-files")[0]
		if last.Error != nil || last.Succeeded != step.want || last.RowsRead != step.read {
			t.Errorf("%s: %d rows read, %+v sent, want %d and %+v; error %+v", step.name, last.RowsRead, last.Succeeded, step.read, step.want, last.Error)
		}
	}
}
