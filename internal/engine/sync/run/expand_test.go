package run_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/source/duckdb"
)

// expanding is a world that expands the column devices; its rows are those of a query.
func expanding(t *testing.T, w connector.Warehouse, model string) *world {
	t.Helper()
	world := lightning(t)
	world.warehouse = w
	world.bundle.ModelSpec.SQL = model
	world.bundle.SyncSpec.Expand = "devices"
	world.bundle.SyncSpec.Match = []connector.MatchPair{{From: "_ht_devices_element", To: "id"}}
	world.bundle.SyncSpec.Mappings = []kindsync.Mapping{{To: "id", From: "_ht_devices_element"}, {To: "name", From: "name"}}
	return world
}

func openDuckDB(t *testing.T) connector.Warehouse {
	t.Helper()
	path := filepath.Join(t.TempDir(), "warehouse.duckdb")
	d, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.ExecContext(t.Context(), "CREATE SCHEMA millrace_planner"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	info := duckdb.Info(duckdb.Reach{})
	s, err := info.Open(connector.SourceOptions{Settings: connector.Settings{"path": path}.WithDefaults(info.Fields), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // the test is over
	return s.(connector.Warehouse)
}

// people is the model's query; list writes an array of the warehouse.
func people(rows ...string) string {
	return "SELECT * FROM (VALUES " + strings.Join(rows, ", ") + ") AS p(id, name, devices)"
}

// forms are how columns hold arrays, in the words of each database.
var forms = map[string]map[string]func(items ...string) string{
	"postgres": {"text[]": postgresList, "jsonb": jsonOf("jsonb"), "json": jsonOf("json"), "varchar": jsonOf("varchar(200)")},
	"duckdb":   {"VARCHAR[]": duckdbList, "JSON": jsonOf("JSON"), "VARCHAR": jsonOf("VARCHAR")},
}

func postgresList(items ...string) string {
	return "CAST(ARRAY['" + strings.Join(items, "', '") + "'] AS text[])"
}

func duckdbList(items ...string) string { return "['" + strings.Join(items, "', '") + "']" }

func jsonOf(native string) func(items ...string) string {
	return func(items ...string) string {
		return fmt.Sprintf(`CAST('["%s"]' AS %s)`, strings.Join(items, `", "`), native)
	}
}

var opened = map[string]func(*testing.T) connector.Warehouse{"postgres": openWarehouse, "duckdb": openDuckDB}

func eachForm(t *testing.T, f func(t *testing.T, w connector.Warehouse, list func(items ...string) string)) {
	t.Parallel()
	for database, lists := range forms {
		for native, list := range lists {
			t.Run(database+" "+native, func(t *testing.T) {
				t.Parallel()
				f(t, opened[database](t), list)
			})
		}
	}
}

// Each element is a row, whatever holds the array: nothing comes of empty arrays and null, what an array has twice is
// sent once and reported, and an element that two rows have is sent for neither.
//
// Req: SY-89, SY-90, SY-91, M-05, FLD-02
func TestArrayExpansion(t *testing.T) {
	eachForm(t, func(t *testing.T, warehouse connector.Warehouse, list func(items ...string) string) {
		nobody := strings.Replace(list("x"), "'x'", "", 1)
		nobody = strings.Replace(nobody, `["x"]`, "[]", 1)
		w := expanding(t, warehouse, people(
			"(1, 'Alice', "+list("ios_a1", "android_b2")+")", "(2, 'Bob', "+list("ios_c3", "both")+")", "(3, 'Charlie', "+nobody+")",
			"(4, 'Dana', "+list("web_d4", "web_d4")+")", "(5, 'Eve', NULL)", "(6, 'Fay', "+list("both")+")", "(NULL, 'Nobody', "+list("n1")+")"))
		first := w.run(run.Options{})
		if first.State != run.Committed || first.Pinned.Expanded != "devices" {
			t.Fatalf("%s: %+v", first.State, first.Failure)
		}
		if c := first.Counts; c.Read != 8 || c.NullKeys != 1 || c.Duplicates != 3 || c.Succeeded != (run.OpCounts{Added: 4}) {
			t.Errorf("%+v", c)
		}
		w.checkTarget(map[string]string{"ios_a1": "Alice", "android_b2": "Alice", "ios_c3": "Bob", "web_d4": "Dana"})
		rejected := w.rowsOf(first.ID, run.RowRejected)
		if want := []string{"both: Several", "both: Several", "web_d4: The array"}; !slices.Equal(rejected, want) {
			t.Errorf("rejected are %q, want %q", rejected, want)
		}
		if words := first.Words(); words.Run != "Completed with errors" {
			t.Errorf("the run is %q", words.Run)
		}
		if again := w.run(run.Options{}); again.Counts.Planned.Total() != 0 || again.Counts.Unchanged != 4 {
			t.Errorf("nothing changed: %+v", again.Counts)
		}
	})
}

// What leaves an array is removed, what comes is added, and an element that moves to another row is a change of its
// record.
//
// Req: SY-89, SY-40
func TestElementsMove(t *testing.T) {
	eachForm(t, func(t *testing.T, warehouse connector.Warehouse, list func(items ...string) string) {
		w := expanding(t, warehouse, people("(1, 'Ann', "+list("a", "b", "c")+")", "(2, 'Bob', "+list("d")+")"))
		w.run(run.Options{})
		w.bundle.ModelSpec.SQL = people("(1, 'Ann', "+list("b", "e")+")", "(2, 'Bob', "+list("d", "c", "c")+")")
		got := w.run(run.Options{})
		if c := got.Counts; c.Succeeded != (run.OpCounts{Added: 1, Changed: 1, Removed: 1}) || c.Unchanged != 2 || c.Duplicates != 1 {
			t.Errorf("%+v %+v", c, got.Failure)
		}
		w.checkTarget(map[string]string{"b": "Ann", "e": "Ann", "d": "Bob", "c": "Bob"})
	})
}

// What was synced is not taken away because two rows have it now; it goes on when one of them does.
//
// Req: SY-90, M-05
func TestElementsCollideLater(t *testing.T) {
	eachForm(t, func(t *testing.T, warehouse connector.Warehouse, list func(items ...string) string) {
		w := expanding(t, warehouse, people("(1, 'Ann', "+list("a", "b")+")"))
		w.run(run.Options{})
		w.bundle.ModelSpec.SQL = people("(1, 'Ann', "+list("a", "b")+")", "(2, 'Bob', "+list("a")+")")
		if c := w.run(run.Options{}).Counts; c.Duplicates != 2 || c.Planned.Total() != 0 || c.Unchanged != 1 {
			t.Errorf("%+v", c)
		}
		w.checkTarget(map[string]string{"a": "Ann", "b": "Ann"})
		w.bundle.ModelSpec.SQL = people("(1, 'Ann', "+list("b")+")", "(2, 'Bob', "+list("a")+")")
		if c := w.run(run.Options{}).Counts; c.Succeeded != (run.OpCounts{Changed: 1}) {
			t.Errorf("%+v", c)
		}
		w.checkTarget(map[string]string{"a": "Bob", "b": "Ann"})
	})
}

// Text and JSON that hold no array refuse their row, not the run.
//
// Req: SY-91
func TestNoArray(t *testing.T) {
	t.Parallel()
	for database, natives := range map[string][]string{"postgres": {"text", "jsonb"}, "duckdb": {"VARCHAR", "JSON"}} {
		for _, native := range natives {
			t.Run(database+" "+native, func(t *testing.T) {
				t.Parallel()
				is := func(text string) string { return "CAST('" + text + "' AS " + native + ")" }
				rows := []string{"(1, 'Ann', " + is(`["a"]`) + ")", "(2, 'Bob', " + is(`{"b": 1}`) + ")", "(3, 'Cyd', " + is(`[["c"]]`) + ")", "(4, 'Dan', " + is("null") + ")"}
				want := []string{": \"devices\"", ": \"devices\""}
				if native == "text" || native == "VARCHAR" {
					rows = append(rows, "(5, 'Eve', 'plain')", "(6, 'Fay', ' ')")
					want = append(want, ": \"devices\"")
				}
				w := expanding(t, opened[database](t), people(rows...))
				got := w.run(run.Options{})
				if c := got.Counts; got.State != run.Committed || c.Succeeded.Added != 1 || c.Duplicates != int64(len(want)) {
					t.Fatalf("%s %+v %+v", got.State, c, got.Failure)
				}
				if rejected := w.rowsOf(got.ID, run.RowRejected); !slices.Equal(rejected, want) {
					t.Errorf("%q", rejected)
				}
				page, _, err := w.engine.Rows(t.Context(), workspace, got.ID, run.RowQuery{Key: "a"})
				if err != nil || len(page) != 1 || page[0].Key != "a" || page[0].Status != run.RowSucceeded {
					t.Errorf("the row is found by its element: %+v, %v", page, err)
				}
			})
		}
	}
}

// rowsOf lists rows of a run by key and the first words of their reasons, sorted.
func (w *world) rowsOf(id int64, status run.RowStatus) []string {
	w.t.Helper()
	page, _, err := w.engine.Rows(w.t.Context(), workspace, id, run.RowQuery{Statuses: []run.RowStatus{status}, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, row := range page {
		words := strings.Fields(row.Reason)
		if words[0] == "The" {
			words[0] += " " + words[1]
		}
		all = append(all, row.Key+": "+words[0])
	}
	slices.Sort(all)
	return all
}

// What cannot be expanded is refused with what is wrong.
//
// Req: SY-89, SY-90, SY-91, SY-37
func TestExpansionIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(w *world)
		code   fault.Code
		says   string
	}{
		"basic engine": {func(w *world) { w.bundle.SourceSpec.Engine = "" }, fault.CodeInvalid, "Lightning"},
		"no column":    {func(w *world) { w.bundle.ModelSpec.SQL = "SELECT 1 AS id, 'Ann' AS name" }, fault.CodeMappingColumn, `no column "devices"`},
		"no array":     {func(w *world) { w.bundle.ModelSpec.SQL = "SELECT 1 AS id, 'Ann' AS name, 5 AS devices" }, fault.CodeMapping, "integer"},
		"taken name": {func(w *world) {
			w.bundle.ModelSpec.SQL = "SELECT 1 AS id, 'Ann' AS name, ARRAY['a'] AS devices, 2 AS _ht_devices_element"
		}, fault.CodeMapping, "_ht_devices_element"},
		"no key": {func(w *world) { w.bundle.ModelSpec.SQL = "SELECT 'Ann' AS name, ARRAY['a'] AS devices" }, fault.CodeModelKey, `"id"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := expanding(t, openWarehouse(t), "")
			c.change(w)
			got := w.run(run.Options{})
			if got.State != run.Failed || got.Failure.Code != c.code || !strings.Contains(got.Failure.Message, c.says) {
				t.Errorf("%s: %+v", got.State, got.Failure)
			}
		})
	}
}

// A row that is tried is an element.
//
// Req: SY-11, SY-89
func TestAnElementIsTried(t *testing.T) {
	eachForm(t, func(t *testing.T, warehouse connector.Warehouse, list func(items ...string) string) {
		w := expanding(t, warehouse, people("(1, 'Ann', "+list("a", "b", "b")+")", "(2, 'Bob', "+list("c", "d")+")", "(3, 'Cyd', "+list("d")+")"))
		sample, err := w.engine.Sample(t.Context(), workspace, syncID, "")
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, row := range sample.Rows {
			keys = append(keys, row.Key)
		}
		slices.Sort(keys)
		if want := []string{"a", "b", "c", "d", "d"}; !slices.Equal(keys, want) {
			t.Errorf("the rows are %v, want %v", keys, want)
		}
		if got := w.try("b", connector.Added); got.Outcome != run.TrialSucceeded || got.Key != "b" {
			t.Errorf("%+v", got)
		}
		w.checkTarget(map[string]string{"b": "Ann"})
		if err := w.refused("d", connector.Added); err.Code != fault.CodeModelDuplicate || !strings.Contains(err.Error(), "element") {
			t.Errorf("%v", err)
		}
		if err := w.refused("1", connector.Added); err.Code != fault.CodeNotFound {
			t.Errorf("%v", err)
		}
	})
}

// A sync that begins to expand an array has other keys: it asks, unless it was reset.
//
// Req: SY-89, M-07
func TestExpansionAfterwards(t *testing.T) {
	t.Parallel()
	w := expanding(t, openWarehouse(t), people("(1, 'Ann', "+postgresList("a", "b")+")"))
	w.bundle.SyncSpec.Expand = ""
	w.bundle.SyncSpec.Match[0].From = "id"
	w.bundle.SyncSpec.Mappings[0].From = "id"
	w.run(run.Options{})
	w.bundle.SyncSpec = expanding(t, w.warehouse, "").bundle.SyncSpec
	if got := w.run(run.Options{}); got.State != run.Failed || got.Failure.Code != fault.CodeRunKeyChanged {
		t.Errorf("%s: %+v", got.State, got.Failure)
	}
	if got := w.run(run.Options{FullResync: true}); got.State != run.Committed || got.Counts.Succeeded.Added != 2 {
		t.Errorf("%s: %+v", got.State, got.Failure)
	}
}

// Wherever a run dies, the next process settles it: elements that an array has twice do not come into what is known
// to be at the destination.
//
// Req: FLD-03, SY-90
func TestExpansionCrashes(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"kept", "settled"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := expanding(t, openWarehouse(t), people("(1, 'Ann', "+postgresList("a", "b", "b")+")"))
			if !w.crash(w.trigger(), point, 0, false) {
				t.Fatal("the run did not pass this point")
			}
			w.recover()
			got := w.run(run.Options{})
			if got.State != run.Committed || got.Counts.Duplicates != 1 {
				t.Errorf("%s %+v", got.State, got.Counts)
			}
			w.checkTarget(map[string]string{"a": "Ann", "b": "Ann"})
			if again := w.run(run.Options{}); again.Counts.Unchanged != 2 || again.Counts.Planned.Total() != 0 {
				t.Errorf("%+v", again.Counts)
			}
		})
	}
}
