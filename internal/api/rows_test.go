package api_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/fault"
)

// ran makes the furniture, sends its rows once, and returns the address of the run.
func (w *world) ran(rows [][]string) string {
	w.t.Helper()
	w.furnish()
	w.source.rows = rows
	return w.again()
}

// again runs the sync once more.
func (w *world) again() string {
	w.t.Helper()
	id := w.ok("POST", "/api/syncs/people-to-crm/trigger", nil).id("run.id")
	w.work()
	return fmt.Sprintf("/api/runs/%d", id)
}

var threePeople = [][]string{{"1", "Ada, \"Countess\"", "a"}, {"2", "Bob", "b"}, {"3", "Cyd", "c"}}

// Req: SY-71, SY-73
func TestRowsOfARun(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.target.refuse = "2"
		run := w.ran(append(slices.Clone(threePeople), []string{"4", "Dan", "d"}, []string{"4", "Dan again", "d"}))
		w.ok("GET", run+"/rows", nil).lists("items", "key", "1", "2", "3", "4", "4").has("columns", "[id name]")
		w.ok("GET", run+"/rows?status=succeeded", nil).lists("items", "key", "1", "3")
		w.ok("GET", run+"/rows?status=rejected", nil).lists("items", "key", "4", "4")
		w.ok("GET", run+"/rows?status=succeeded&status=failed", nil).lists("items", "key", "1", "2", "3", "4", "4")
		w.ok("GET", run+"/rows?status=aborted&status=rejected", nil).lists("items", "status", "rejected", "rejected")
		w.ok("GET", run+"/rows?status=failed&status=aborted&limit=1", nil).lists("items", "key", "2").has("nextCursor", 3)
		w.ok("GET", run+"/rows?status=aborted", nil).has("columns", "[]").has("items", "[]")
		w.send("GET", run+"/rows?status=lost", nil).want(http.StatusUnprocessableEntity)

		w.ok("GET", run+"/rows/1", nil).has("key", 2).has("status", "failed").has("reason", "no such person").has("values.name", "Bob").has("columns", "[id name]")
		w.send("GET", run+"/rows/9", nil).want(http.StatusNotFound).has("error.code", fault.CodeNotFound)
		w.send("GET", "/api/runs/1/rows/0", nil).want(http.StatusNotFound)
	})
}

// The order of a row's values is that of the mapping, whatever the columns are called.
//
// Req: SY-74
func TestColumnsInTheOrderOfTheMapping(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.source.rows = threePeople
		spec := syncSpec()
		spec["mappings"] = []object{{"to": "name", "from": "name"}, {"to": "address", "from": "email"}, {"to": "id", "from": "id"}}
		w.ok("PUT", "/api/syncs/people-to-crm", document("people-to-crm", "People to CRM", spec))
		w.ok("GET", w.again()+"/rows", nil).has("columns", "[name email id]")
	})
}

// Req: SY-73
func TestExport(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.target.refuse = "2"
		run := w.ran(threePeople)
		a := w.ok("GET", run+"/rows.csv", nil)
		if got := a.header.Get("Content-Type"); got != "text/csv; charset=utf-8" {
			t.Errorf("the type is %q", got)
		}
		if got := a.header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=\"run-") {
			t.Errorf("the disposition is %q", got)
		}
		want := [][]string{
			{"primary_key", "operation", "status", "error", "id", "name"},
			{"1", "added", "succeeded", "", "1", "Ada, \"Countess\""}, {"2", "added", "failed", "no such person", "2", "Bob"}, {"3", "added", "succeeded", "", "3", "Cyd"},
		}
		for path, want := range map[string][][]string{
			"/rows.csv": want, "/rows.csv?status=failed": {want[0], want[2]}, "/rows.csv?status=failed&status=succeeded&key=3": {want[0], want[3]},
			"/rows.csv?operation=removed": {want[0]},
		} {
			got, err := csv.NewReader(strings.NewReader(w.ok("GET", run+path, nil).body)).ReadAll()
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v %v, want %v", path, got, err, want)
			}
		}
		w.ok("GET", run+"/rows.json", nil).has("0.values.id", 1).has("1.reason", "no such person").has("2.status", "succeeded").has("3", nil)
		w.ok("GET", run+"/rows.json?status=failed", nil).has("0.values.name", "Bob").has("1", nil)
		if got := w.ok("GET", run+"/rows.json?operation=removed", nil).body; got != "[]\n" {
			t.Errorf("an empty export is %q", got)
		}
		w.send("GET", "/api/runs/1/rows.csv", nil).want(http.StatusNotFound).has("error.code", fault.CodeNotFound)
		session := w.signIn()
		w.key = ""
		w.ok("GET", run+"/rows.csv", nil, "Cookie", session.cookie)
		_, err := w.db.NewRaw("UPDATE members SET role = 'viewer'").Exec(t.Context())
		w.must(err)
		w.send("GET", run+"/rows.csv", nil, "Cookie", session.cookie).want(http.StatusForbidden).has("error.code", fault.CodeForbidden)
	})
}

// A spreadsheet that opens an export computes nothing of what a customer wrote. Numbers stay numbers, and JSON has
// the values as they are.
//
// Req: SY-73
func TestAnExportIsNoProgram(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.target.refuse = "=cmd|' /C calc'!A0"
		names := map[string]string{
			"=1+1": "'=1+1", "+49 30 1": "'+49 30 1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "-1+1": "'-1+1", "-": "'-",
			"-12.5": "-12.5", "-3e-7": "-3e-7", "'=1": "'=1", "1=1": "1=1", "": "", "Ann": "Ann",
		}
		rows := [][]string{{w.target.refuse, "Mallory", ""}}
		for name := range names {
			rows = append(rows, []string{"k" + strconv.Itoa(len(rows)), name, ""})
		}
		run := w.ran(rows)
		lines, err := csv.NewReader(strings.NewReader(w.ok("GET", run+"/rows.csv", nil).body)).ReadAll()
		if err != nil || len(lines) != len(rows)+1 {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		got := map[string]string{}
		for _, line := range lines[1:] {
			got[line[0]] = line[5]
		}
		for _, r := range rows[1:] {
			if got[r[0]] != names[r[1]] {
				t.Errorf("%q is exported as %q, want %q", r[1], got[r[0]], names[r[1]])
			}
		}
		if _, safe := got["'"+w.target.refuse]; !safe {
			t.Errorf("the key is not made inert: %v", got)
		}
		if !strings.Contains(w.ok("GET", run+"/rows.json", nil).body, `"name":"=1+1"`) {
			t.Error("JSON has other values")
		}
	})
}

// An export has the rows of every page.
//
// Req: SY-73
func TestExportIsWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const people = 2100
		rows := make([][]string, people)
		for i := range rows {
			rows[i] = []string{strconv.Itoa(i), "Somebody", ""}
		}
		lines := strings.Split(strings.TrimSpace(w.ok("GET", w.ran(rows)+"/rows.csv", nil).body), "\n")
		slices.Sort(lines)
		if got := len(slices.Compact(lines)); got != people+1 {
			t.Errorf("%d lines, want %d", got, people+1)
		}
	})
}

// Req: SY-70
func TestRunsWithoutOperationsAreHidden(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.ran(threePeople)
		w.again() // nothing changed
		w.target.refuse = "4"
		w.source.rows = append(slices.Clone(threePeople), []string{"4", "Dan", "d"})
		w.again() // all that it planned was refused
		const runs = "/api/syncs/people-to-crm/runs"
		w.ok("GET", runs, nil).lists("items", "planned.added", "1", "0", "3")
		w.ok("GET", runs+"?nonEmpty=false", nil).lists("items", "planned.added", "1", "0", "3")
		w.ok("GET", runs+"?nonEmpty=true", nil).lists("items", "planned.added", "1", "3")
		w.ok("GET", runs+"?nonEmpty=succeeded", nil).lists("items", "planned.added", "3")
		w.ok("GET", runs+"?nonEmpty=true&limit=1", nil).lists("items", "planned.added", "1")
		w.send("GET", runs+"?nonEmpty=perhaps", nil).want(http.StatusUnprocessableEntity)
	})
}

// Req: S-01, SY-02
func TestListsByType(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/sources", document("attic", "Attic", sourceSpec()))
		for _, kind := range []string{"sources", "destinations"} {
			w.ok("GET", "/api/"+kind+"?type=other", nil).has("total", 0).has("items", "[]")
		}
		w.ok("GET", "/api/sources?type=memory&limit=1", nil).lists("items", "metadata.slug", "attic").has("total", 2).has("nextCursor", 1)
		w.ok("GET", "/api/sources?type=memory&limit=1&cursor=1", nil).lists("items", "metadata.slug", "shop").has("nextCursor", nil)
		w.ok("GET", "/api/destinations?type=memory", nil).lists("items", "metadata.slug", "crm").has("total", 1)
		w.ok("GET", "/api/syncs?type=record", nil).has("total", 1)
		w.ok("GET", "/api/models?type=memory", nil).has("total", 0)
	})
}
