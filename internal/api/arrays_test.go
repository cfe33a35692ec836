package api_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// warehouse is a source on the Lightning engine with a model whose column devices holds arrays.
func (w *world) warehouse() {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "lake.duckdb")
	d, err := sql.Open("duckdb", path)
	w.must(err)
	_, err = d.ExecContext(w.t.Context(), "CREATE SCHEMA millrace_planner; CREATE SCHEMA millrace_audit; CREATE TABLE people AS FROM (VALUES (1, 'Ann', ['a', 'b', 'b']), (2, 'Bob', []), (3, 'Cyd', ['c'])) p(id, name, devices)")
	w.must(err)
	w.must(d.Close())
	w.ok("POST", "/api/sources", document("lake", "Lake", object{"type": "duckdb", "engine": "lightning", "configuration": object{"path": path}}))
	w.ok("POST", "/api/models", document("devices", "Devices", object{
		"source": "lake", "method": "sql", "sql": "SELECT * FROM people ORDER BY id", "primaryKey": "id",
		"columns": []object{{"name": "id", "type": "number", "native": "INTEGER"}, {"name": "name", "type": "string", "native": "VARCHAR"}, {"name": "devices", "type": "object", "native": "VARCHAR[]"}},
	}))
}

func arraySync() object {
	spec := syncSpec()
	spec["model"], spec["arrayExpansionSourceColumn"] = "devices", "devices"
	spec["match"] = []object{{"from": "_ht_devices_element", "to": "id"}}
	spec["mappings"] = []object{{"to": "id", "from": "_ht_devices_element"}, {"to": "name", "from": "name"}}
	return spec
}

// A sync of elements goes all the way: it is saved, mapped on the first elements, tried, run, and read back in both
// APIs.
//
// Req: SY-89, SY-90, SY-91
func TestArrayExpansion(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.warehouse()
		doc := w.ok("POST", "/api/syncs", document("devices-to-crm", "Devices to CRM", arraySync()))
		doc.has("spec.arrayExpansionSourceColumn", "devices")
		w.ok("GET", "/api/models/devices/arrays", nil).has("available", true).lists("items", "element", "_ht_devices_element")
		w.ok("GET", "/api/models/people/arrays", nil).has("available", false).lists("items", "column")
		var tried []string
		for row := range 3 {
			one := w.ok("POST", "/api/models/devices/try", object{
				"mapping": object{"to": "x", "kind": "template", "template": "{{ row['_ht_devices_element'] }} of {{ row.name }}"}, "row": row, "arrayExpansionSourceColumn": "devices",
			}).has("rows", 3)
			tried = append(tried, fmt.Sprint(one.at("value")))
		}
		slices.Sort(tried)
		if want := []string{"a of Ann", "b of Ann", "c of Cyd"}; !slices.Equal(tried, want) {
			t.Errorf("the rows are %q, want %q", tried, want)
		}
		w.ok("POST", "/api/models/devices/try", object{"mapping": object{"to": "x", "from": "name"}}).has("rows", 3)
		w.send("POST", "/api/models/devices/try", object{"mapping": object{"to": "x", "from": "name"}, "arrayExpansionSourceColumn": "name"}).want(200)
		w.send("POST", "/api/models/devices/try", object{"mapping": object{"to": "x", "from": "name"}, "arrayExpansionSourceColumn": "id"}).want(422)
		w.ok("POST", "/api/syncs/devices-to-crm/trigger", object{})
		w.work()
		w.ok("GET", "/api/syncs/devices-to-crm/runs", nil).has("items.0.rows.added", 3).has("items.0.rows.duplicate", 1).has("items.0.expanded", "devices")
		shown := w.ok("GET", fmt.Sprintf("/api/v1/syncs/%d", doc.id("metadata.id")), nil)
		shown.has("configuration.arrayExpansionSourceColumn", "devices").has("referencedColumns", "[id devices name]")
		w.ok("GET", "/api/models/devices/uses", nil).lists("items", "column", "id", "devices", "name")
	})
}

// What cannot be expanded is refused when it is saved, and another array, or none, resets the sync: its rows have other
// keys.
//
// Req: SY-90, M-07
func TestArrayExpansionIsChecked(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.warehouse()
		bad := arraySync()
		bad["model"] = "people"
		w.send("POST", "/api/syncs", document("bad", "Bad", bad)).want(422).has("error.path", "spec.arrayExpansionSourceColumn")
		plain := arraySync()
		delete(plain, "arrayExpansionSourceColumn")
		plain["match"], plain["mappings"] = []object{{"from": "id", "to": "id"}}, []object{{"to": "id", "from": "id"}, {"to": "name", "from": "name"}}
		w.ok("POST", "/api/syncs", document("devices-to-crm", "Devices to CRM", plain))
		counted := func(added int) {
			w.ok("POST", "/api/syncs/devices-to-crm/trigger", object{})
			w.work()
			w.ok("GET", "/api/syncs/devices-to-crm/runs", nil).has("items.0.state", "committed").has("items.0.rows.added", added)
		}
		counted(3)
		w.ok("PUT", "/api/syncs/devices-to-crm", document("devices-to-crm", "Devices to CRM", arraySync()))
		counted(3)
		counted(0)
		w.ok("PUT", "/api/syncs/devices-to-crm", document("devices-to-crm", "Devices to CRM", plain))
		counted(3)
	})
}
