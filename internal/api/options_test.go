package api_test

import "testing"

// The form of a source loads pick-lists by what was entered so far; the secrets of a saved source fill in.
//
// Req: S-74
func TestSourceOptions(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		ask := func(list string, body object) answer {
			return w.send("POST", "/api/catalog/sources/options/"+list, body)
		}
		ask("objects", object{"type": "memory", "configuration": object{"host": "draft"}}).want(200).
			has("items.0.value", "of draft").has("items.0.label", "secret is there: false")
		ask("objects", object{"type": "memory", "slug": "shop", "configuration": object{"host": "other", "password": object{"$secret": "set"}}}).want(200).
			has("items.0.value", "of other").has("items.0.label", "secret is there: true")
		ask("nothing", object{"type": "memory", "configuration": object{}}).want(404)
		ask("objects", object{"type": "pigeon", "configuration": object{}}).want(422)
	})
}

// So does that of a destination, once its other required fields are filled in; lists of its syncs are not among them.
func TestDestinationOptions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		ask := func(list string, body object) answer {
			return w.send("POST", "/api/catalog/destinations/options/"+list, body)
		}
		ask("objects", object{"type": "memory", "configuration": object{"place": "", "password": "x"}}).want(200).has("total", float64(0))
		if w.target.listed != 0 {
			t.Error("the place was asked before it was named")
		}
		ask("objects", object{"type": "memory", "configuration": object{"place": "draft", "password": "x"}}).want(200).
			has("items.0.value", "of draft").has("items.0.label", "secret is there: true")
		ask("objects", object{"type": "memory", "slug": "crm", "configuration": object{"place": "other", "password": object{"$secret": "set"}}}).want(200).
			has("items.0.value", "of other").has("items.0.label", "secret is there: true")
		ask("records", object{"type": "memory", "configuration": object{"place": "draft", "password": "x"}}).want(404)
		ask("objects", object{"type": "pigeon", "configuration": object{}}).want(422)
	})
}
