package api_test

import (
	"testing"

	"github.com/millrace/millrace/internal/fault"
)

// The result of a test is kept for the very configuration that was tested, and for nothing else.
//
// Req: S-03
func TestLastConnectionTest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		shop := func() answer { return w.ok("GET", "/api/sources/shop", nil) }
		tested := func(configuration object) object {
			return object{"type": "memory", "slug": "shop", "configuration": configuration}
		}
		stored := func() object {
			configuration, ok := shop().at("spec.configuration").(object)
			if !ok {
				t.Fatal("the source has no configuration")
			}
			return configuration
		}
		shop().has("status.lastTest", nil)
		w.ok("POST", "/api/sources/test", object{"type": "memory", "configuration": sourceSpec()["configuration"]})
		w.ok("POST", "/api/sources/test", tested(object{"host": "elsewhere", "password": "hunter2-secret"})).has("ok", true)
		shop().has("status.lastTest", nil)

		w.source.fail = fault.New(fault.CodeSourceAuth, "password authentication failed")
		w.ok("POST", "/api/sources/test", tested(stored())).has("ok", false)
		shop().has("status.lastTest.ok", false).has("status.lastTest.error", "password authentication failed")
		w.source.fail = nil
		at := w.ok("POST", "/api/sources/test", tested(stored()))
		at.has("ok", true)
		shop().has("status.lastTest.ok", true).has("status.lastTest.error", nil)
		w.ok("GET", "/api/sources", nil).lists("items", "status.lastTest.ok", "true")

		same := document("shop", "The shop", object{"type": "memory", "configuration": stored(), "description": "as before"})
		w.ok("PUT", "/api/sources/shop", same)
		shop().has("status.lastTest.ok", true)
		changed := stored()
		changed["password"] = "another-secret"
		w.ok("PUT", "/api/sources/shop", document("shop", "The shop", object{"type": "memory", "configuration": changed}))
		shop().has("status.lastTest", nil)

		w.ok("POST", "/api/destinations/test", object{"type": "memory", "slug": "crm", "configuration": destinationSpec()["configuration"]})
		w.ok("GET", "/api/destinations/crm", nil).has("status.lastTest.ok", true)
		w.key = w.second()
		w.ok("POST", "/api/destinations", document("crm", "CRM", destinationSpec())).has("status.lastTest", nil)
	})
}

// What was tested of a document goes with it.
//
// Req: S-03
func TestDeletedConnectionTest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.ok("POST", "/api/destinations", document("crm", "CRM", destinationSpec()))
		w.ok("POST", "/api/destinations/test", object{"type": "memory", "slug": "crm", "configuration": destinationSpec()["configuration"]})
		w.ok("DELETE", "/api/destinations/crm", nil)
		n, err := w.db.NewSelect().Table("connection_tests").Count(t.Context())
		if err != nil || n != 0 {
			t.Errorf("%d results are left: %v", n, err)
		}
	})
}
