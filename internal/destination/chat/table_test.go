package chat

import "testing"

var table = Table{Names: []string{"id", "name"}, Rows: [][]string{{"1", "Ann\tand\nBö"}, {"20", "<b>\"x\""}, {"3", ""}}}

// A table is drawn, and written as HTML and CSV, so that no value becomes markup or another cell.
//
// Req: SY-17
func TestTable(t *testing.T) {
	t.Parallel()
	written, err := table.CSV()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, got, want string }{
		{"plain", table.Plain(), "id | name\n-- | ----------\n1  | Ann and Bö\n20 | <b>\"x\"\n3  |"},
		{"html", table.HTML(), "<table><tr><th>id</th><th>name</th></tr><tr><td>1</td><td>Ann\tand\nBö</td></tr><tr><td>20</td><td>&lt;b&gt;&#34;x&#34;</td></tr><tr><td>3</td><td></td></tr></table>"},
		{"csv", string(written), "id,name\n1,\"Ann\tand\nBö\"\n20,\"<b>\"\"x\"\"\"\n3,\n"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}
