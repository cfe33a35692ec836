package api_test

import (
	"fmt"
	"testing"
	"time"
)

// modelOfOrders is a model whose column email holds lists of objects.
func (w *world) modelOfOrders() {
	w.furnish()
	w.source.rows = [][]string{
		{"1", "Ada", `[{"sku":"x","n":1},{"sku":"y","size":{"eu":40}}]`}, {"9007199254740993", "Bob", `[]`}, {"3", "Cyd", `[{"tags":["a"],"n":"two"}]`},
	}
	spec := modelSpec()
	spec["columns"] = []object{{"name": "id", "type": "string", "cast": "number"}, {"name": "name", "type": "string"}, {"name": "email", "type": "string", "cast": "object"}}
	w.ok("POST", "/api/models", object{"metadata": object{"name": "Orders"}, "spec": spec})
}

// A mapping is tried on the model's first rows, with its types and the places of its mistakes.
//
// Req: SY-32, SY-29
func TestTryMapping(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.modelOfOrders()
		try := func(row int, mapping object) answer {
			mapping["to"] = "x"
			return w.ok("POST", "/api/models/orders/try", object{"mapping": mapping, "row": row})
		}
		template := func(row int, text string) answer { return try(row, object{"kind": "template", "template": text}) }
		template(0, "{{ row.name | upcase }}").has("value", "ADA").has("type", "string").has("row", 0).has("rows", 3)
		template(1, "{{ email }}").has("value", "[]").has("type", "array")
		template(0, "{{ email.size | plus: 1 }}").has("value", 3).has("type", "number")
		template(0, "{{ nil }}").has("value", nil).has("type", "null")
		template(0, "{{ context.model_name }} {{ context.operation }}").has("value", "Orders added")
		template(0, "a\n {{ name | upcas }}").has("error.code", "template.error").has("error.line", 2).has("error.column", 12)
		template(0, "{{ name | cast: 'date' }}").has("error.code", "template.error").has("error.line", 1).has("error.column", 11)
		template(0, "{{ name | includes: 'Stark' }}").has("error.code", "mapping.row_rejected").has("value", nil)
		try(0, object{"from": "nope"}).has("error.code", "mapping.unknown_field_name")
		try(2, object{"kind": "array", "from": "email", "fields": []object{{"to": "a", "from": "n"}}}).has("value", "[map[a:two]]")
		try(7, object{"from": "name"}).has("error.code", "input.invalid").has("error.path", "row")
		w.send("POST", "/api/models/nobody/try", object{"mapping": object{"to": "x", "from": "name"}}).want(404)
	})
}

// The rows are read once, until they are old, the model changes or the person asks for them anew.
//
// Req: SY-32
func TestSamplesAreKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.modelOfOrders()
		name := func(refresh bool) string {
			return fmt.Sprint(w.ok("POST", "/api/models/orders/try", object{"mapping": object{"to": "x", "from": "name"}, "refresh": refresh}).at("value"))
		}
		before := w.source.asked
		name(false)
		name(false)
		if w.source.asked != before+1 {
			t.Errorf("the source was asked %d times", w.source.asked-before)
		}
		w.source.rows[0][1] = "Eve"
		if got := name(false); got != "Ada" {
			t.Errorf("the kept row has %s", got)
		}
		if got := name(true); got != "Eve" {
			t.Errorf("the refreshed row has %s", got)
		}
		w.source.rows[0][1] = "Fay"
		w.clock.Advance(5 * time.Minute)
		if got := name(false); got != "Fay" {
			t.Errorf("the row after a while has %s", got)
		}
	})
}

// Req: SY-34, SY-35
func TestProperties(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.modelOfOrders()
		a := w.ok("GET", "/api/models/orders/properties", nil).lists("items", "name", "email").has("items.0.shape", "objects")
		a.lists("items.0.properties", "name", "sku", "n", "size", "tags").lists("items.0.properties", "shape", "scalar", "scalar", "object", "array")
		a.has("items.0.properties.0.type", "string").has("items.0.properties.1.type", nil).lists("items.0.properties.2.properties", "name", "eu")
	})
}

// Req: SY-32
func TestTemplateFunctions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.ok("GET", "/api/templates/functions", nil)
		names := map[string]bool{}
		for _, name := range a.list("items", "name") {
			names[name] = true
		}
		for _, want := range []string{"json_construct", "regex_replace", "validate_email", "for", "upcase"} {
			if !names[want] {
				t.Errorf("%s is missing", want)
			}
		}
		a.has("variables.3", "sync_run_id").has("groups.0", "Rows and types")
	})
}
