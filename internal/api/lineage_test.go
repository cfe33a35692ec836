package api_test

import "testing"

// The graph holds what rows pass through; that of one document holds what hangs on it, and nothing else.
func TestLineage(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.ok("GET", "/api/lineage", nil).has("nodes", "[]").has("edges", "[]")
		w.furnish()
		w.ok("POST", "/api/sources", document("attic", "Attic", sourceSpec()))
		w.ok("POST", "/api/models", document("orders", "Orders", modelSpec()))
		w.ok("POST", "/api/destinations", document("mail", "Mail", destinationSpec()))
		other := syncSpec()
		other["model"], other["destination"] = "orders", "mail"
		w.ok("POST", "/api/syncs", document("orders-to-mail", "Orders to mail", other))
		w.ok("POST", "/api/sequences", document("all", "All", sequenceSpec()))
		w.ok("POST", "/api/syncs/people-to-crm/disable", nil)

		whole := w.ok("GET", "/api/lineage", nil).lists("nodes", "id", "source/attic", "source/shop", "model/orders", "model/people", "sequence/all", "sync/orders-to-mail", "sync/people-to-crm", "destination/crm", "destination/mail")
		whole.lists("edges", "from", "source/shop", "source/shop", "sequence/all", "model/orders", "sync/orders-to-mail", "model/people", "sync/people-to-crm").
			lists("edges", "to", "model/orders", "model/people", "sync/people-to-crm", "sync/orders-to-mail", "destination/mail", "sync/people-to-crm", "destination/crm")
		whole.has("nodes.0.name", "Attic").has("nodes.0.type", "memory").has("nodes.4.state", "pending").has("nodes.5.label", "Pending").has("nodes.6.state", "disabled")

		people := []string{"source/shop", "model/people", "sequence/all", "sync/people-to-crm", "destination/crm"}
		for _, of := range []string{"kind=model&slug=people", "kind=sync&slug=people-to-crm", "kind=destination&slug=crm", "kind=sequence&slug=all"} {
			w.ok("GET", "/api/lineage?"+of, nil).lists("nodes", "id", people...)
		}
		w.ok("GET", "/api/lineage?kind=source&slug=attic", nil).lists("nodes", "id", "source/attic").has("edges", "[]")
		w.ok("GET", "/api/lineage?kind=destination&slug=mail", nil).lists("nodes", "id", "source/shop", "model/orders", "sync/orders-to-mail", "destination/mail").lists("edges", "to", "model/orders", "sync/orders-to-mail", "destination/mail")
		w.ok("GET", "/api/lineage?kind=source&slug=shop", nil).lists("nodes", "id", "source/shop", "model/orders", "model/people", "sequence/all", "sync/orders-to-mail", "sync/people-to-crm", "destination/crm", "destination/mail")

		w.send("GET", "/api/lineage?kind=model&slug=nobody", nil).want(404).has("error.message", `there is no model "nobody"`)
		w.send("GET", "/api/lineage?slug=people", nil).want(422).has("error.suggestion", "Send both kind and slug, or neither.")
		w.send("GET", "/api/lineage?kind=storage&slug=people", nil).want(422)
	})
}
