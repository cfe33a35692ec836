package api_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// lake starts a store with one bucket, and describes it as the storage "lake".
func (w *world) lake() *s3mem.Backend {
	w.t.Helper()
	backend := s3mem.New()
	w.must(backend.CreateBucket("lake"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	w.t.Cleanup(server.Close)
	spec := storageSpec()
	spec["configuration"].(object)["endpoint"] = server.URL
	w.ok("POST", "/api/storages", document("lake", "Lake", spec))
	return backend
}

// path is an address with what belongs into it.
func path(format string, parts ...any) string { return fmt.Sprintf(format, parts...) }

// advance carries switches out, as a worker does.
func (w *world) advance() {
	w.t.Helper()
	w.must(w.storage.Advance(w.t.Context()))
}

// A storage is a document like others: its secrets never come back, and its test uses the stored ones.
//
// Req
func TestStorageDocuments(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.lake()
		a := w.ok("GET", "/api/storages/lake", nil).has("spec.configuration.secretAccessKey.$secret", "set").has("status.inUse", false).has("status.lastTest", nil)
		if strings.Contains(a.body, "s3same-secret") {
			w.t.Error("the secret comes back")
		}
		configuration := a.at("spec.configuration")
		w.ok("POST", "/api/storages/test", object{"type": "s3", "slug": "lake", "configuration": configuration}).has("ok", true)
		w.ok("GET", "/api/storages/lake", nil).has("status.lastTest.ok", true)
		configuration.(object)["bucket"] = "absent"
		w.ok("POST", "/api/storages/test", object{"type": "s3", "slug": "lake", "configuration": configuration}).
			has("ok", false).has("error.code", "storage.no_such_bucket")
		w.ok("GET", "/api/storages/lake", nil).has("status.lastTest.ok", true) // what was tested is not what is saved
		w.send("POST", "/api/storages", document("x", "X", object{"type": "ftp", "configuration": object{}})).want(422).has("error.path", "spec.type")
		w.ok("GET", "/api/catalog/storages", nil).lists("items", "slug", "s3", "gcs", "azure")
	})
}

// The API moves a workspace, and tells before, meanwhile and afterwards what that means for each sync.
//
// Req
func TestSwitchStorage(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		backend := w.lake()
		w.source.rows = [][]string{{"1", "Ada", "a"}}
		w.ok("GET", "/api/storage/syncs", nil).has("items.0.standing", "none").has("items.0.moves", false)
		w.ok("POST", "/api/syncs/people-to-crm/trigger", nil)
		w.work()
		w.ok("GET", "/api/storage/syncs", nil).has("items.0.standing", "ready").has("items.0.moves", true).has("items.0.advice", "fullResync")
		w.send("POST", "/api/storage/switch", object{"to": "absent"}).want(404)
		a := w.send("POST", "/api/storage/switch", object{"to": "lake"}).want(202).has("state", "checking").has("to", "http://"+strings.TrimPrefix(w.ok("GET", "/api/storages/lake", nil).text("spec.configuration.endpoint"), "http://")+", bucket lake")
		w.send("POST", "/api/storage/switch", object{"to": "lake"}).want(409)
		w.send("DELETE", "/api/storages/lake", nil).want(409).has("error.code", "storage.in_use")
		w.advance()
		id := a.at("id")
		w.ok("GET", "/api/storage", nil).has("current.slug", "lake").has("switch.id", id).has("switch.state", "done").has("current.expiryDays", 0)
		w.ok("GET", "/api/storage/syncs", nil).has("items.0.standing", "moved")
		w.ok("GET", "/api/storages/lake/activity", nil).has("items.0.action", "switched")

		run := w.ok("POST", "/api/syncs/people-to-crm/trigger", nil).id("run.id")
		w.work()
		w.ok("GET", path("/api/runs/%d", run), nil).has("state", "failed").has("error.code", "run.storage_moved")
		w.ok("POST", "/api/syncs/people-to-crm/trigger", object{"resetCDC": true})
		w.work()
		w.ok("GET", "/api/storage/syncs", nil).has("items.0.standing", "ready")
		if o, err := backend.ListBucket("lake", nil, gofakes3.ListBucketPage{}); err != nil || len(o.Contents) == 0 {
			w.t.Errorf("nothing is in the bucket: %v", err)
		}
		w.send("POST", path("/api/storage/switches/%v/cancel", id), nil).want(409)
	})
}

// Only admins move a workspace.
//
// Req: X-12
func TestOnlyAdminsSwitchStorage(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.lake()
		s := w.signIn()
		_, err := w.db.NewRaw("UPDATE members SET role = 'viewer' WHERE user_id = 1").Exec(w.t.Context())
		w.must(err)
		w.key = ""
		w.send("POST", "/api/storage/switch", object{"to": "lake"}, "Cookie", s.cookie, "X-CSRF-Token", s.csrf).want(403).has("error.code", "access.forbidden")
		w.send("POST", "/api/storage/switches/1/cancel", nil, "Cookie", s.cookie, "X-CSRF-Token", s.csrf).want(403)
	})
}
