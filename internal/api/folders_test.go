package api_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/access"
)

// filed makes a sync of a model of its own in a folder.
func (w *world) filed(slug, folder string) {
	w.t.Helper()
	w.ok("POST", "/api/models", object{"metadata": object{"slug": slug + "-model", "name": slug + " model"}, "spec": modelSpec()})
	spec := syncSpec()
	spec["model"] = slug + "-model"
	w.ok("POST", "/api/syncs", object{"metadata": object{"slug": slug, "name": slug, "folder": folder}, "spec": spec})
}

func folderOf(w *world, path string) any {
	w.t.Helper()
	return w.ok("GET", "/api/"+path, nil).at("metadata.folder")
}

func (w *world) inFolder(path string, want any) {
	w.t.Helper()
	if got := folderOf(w, path); got != want {
		w.t.Errorf("%s is in the folder %v, want %v", path, got, want)
	}
}

// The tree holds folders without documents, of any depth, and is one for all kinds.
//
// Req: FOL-01
func TestFolders(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		deep := "A" + strings.Repeat("/b", 60)
		w.ok("POST", "/api/folders", object{"path": " /" + deep + "/ "}).want(201).has("path", deep)
		w.ok("GET", "/api/folders", nil).has("total", 61).has("items.0.path", "A").has("items.60.path", deep).has("items.0.count", 0)
		w.send("POST", "/api/folders", object{"path": "A/b"}).want(409).has("error.path", "path")
		for _, wrong := range []string{"", "/", "a//b", "a/ /b", "a\nb", strings.Repeat("x", 201), strings.Repeat("x/", 1000) + "x"} {
			w.send("POST", "/api/folders", object{"path": wrong}).want(422).has("error.path", "path")
		}
		w.send("POST", "/api/syncs", object{"metadata": object{"name": "X", "folder": "a//b"}, "spec": syncSpec()}).want(422).has("error.path", "metadata.folder")

		w.ok("DELETE", "/api/folders?path=A", nil)
		w.filed("one", "Sales/EU")
		w.filed("two", "Sales")
		w.ok("PUT", "/api/models/two-model", object{"metadata": object{"name": "M", "folder": "Sales"}, "spec": modelSpec()})
		list := w.ok("GET", "/api/folders", nil).lists("items", "path", "Sales", "Sales/EU")
		list.has("items.0.count", 2).has("items.0.kinds.sync", 1).has("items.0.kinds.model", 1).has("items.1.count", 1)
	})
}

// A folder that moves takes along what is in it, and nothing of a folder whose name only begins alike, or differs in case.
//
// Req: FOL-01
func TestMoveFolder(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		for slug, folder := range map[string]string{"one": "Sälés", "two": "Sälés/EU", "three": "Sälés_EU", "four": "sälés/EU", "five": ""} {
			w.filed(slug, folder)
		}
		before := w.ok("GET", "/api/syncs/two", nil)
		w.ok("POST", "/api/folders/move", object{"path": "Sälés", "to": "Marketing/Sold"})
		w.inFolder("syncs/one", "Marketing/Sold")
		w.inFolder("syncs/two", "Marketing/Sold/EU")
		w.inFolder("syncs/three", "Sälés_EU")
		w.inFolder("syncs/four", "sälés/EU")
		w.inFolder("syncs/five", nil)
		w.ok("GET", "/api/folders", nil).has("total", 6)
		w.ok("GET", "/api/syncs/two/versions", nil).lists("items", "revision", "2", "1")
		w.ok("GET", "/api/syncs/two/activity", nil).lists("items", "action", "filed", "created").has("items.0.summary", "folder Sälés became Marketing/Sold")
		w.send("PUT", "/api/syncs/two", before.body).want(409).has("error.code", "resource.stale_revision")

		w.send("POST", "/api/folders/move", object{"path": "Marketing", "to": "Marketing/Sold/X"}).want(422).has("error.path", "to")
		w.send("POST", "/api/folders/move", object{"path": "Marketing", "to": "Sälés_EU"}).want(409).has("error.path", "to")
		w.send("POST", "/api/folders/move", object{"path": "Nowhere", "to": "X"}).want(404)
		w.send("POST", "/api/folders/move", object{"path": "Marketing", "to": ""}).want(422).has("error.path", "to")
	})
}

// Deleting a folder keeps what was in it, in no folder, unless the documents are to go as well.
//
// Req: FOL-01
func TestDeleteFolder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.filed("one", "Sales/EU")
		w.filed("two", "Sales")
		w.ok("DELETE", "/api/folders?path=Sales", nil)
		w.inFolder("syncs/one", nil)
		w.inFolder("syncs/two", nil)
		w.ok("GET", "/api/folders", nil).has("total", 0)
		w.send("DELETE", "/api/folders?path=Sales", nil).want(404)

		for _, slug := range []string{"one", "two"} {
			w.ok("POST", "/api/bulk", object{"kind": "syncs", "slugs": []string{slug}, "action": "file", "folder": "Old/" + slug})
		}
		w.inFolder("models/one-model", "Old/one")
		w.filed("outside", "New")
		spec := syncSpec()
		spec["model"] = "one-model"
		w.ok("PUT", "/api/syncs/outside", object{"metadata": object{"name": "Outside", "folder": "New"}, "spec": spec})
		a := w.send("DELETE", "/api/folders?path=Old&documents=true", nil).want(409).has("error.code", "resource.referenced")
		if !strings.Contains(a.body, `outside`) || strings.Contains(a.body, "two") {
			t.Errorf("it does not name what is in the way: %s", a.body)
		}
		w.ok("GET", "/api/syncs/two", nil)
		w.ok("DELETE", "/api/syncs/outside", nil)
		w.ok("DELETE", "/api/folders?path=Old&documents=true", nil)
		for _, path := range []string{"syncs/one", "syncs/two", "models/one-model", "models/two-model"} {
			w.send("GET", "/api/"+path, nil).want(404)
		}
		w.ok("GET", "/api/models/outside-model", nil)
		w.ok("GET", "/api/folders", nil).lists("items", "path", "New")
	})
}

// Who moves a sync moves its model, by its form and together with others. Files of documents say of each where it is.
//
// Req: FOL-01
func TestModelsMoveWithTheirSyncs(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.filed("one", "")
		spec := syncSpec()
		spec["model"] = "one-model"
		w.ok("PUT", "/api/syncs/one", object{"metadata": object{"name": "One", "folder": "Sales"}, "spec": spec})
		w.inFolder("models/one-model", "Sales")
		w.ok("GET", "/api/models/one-model/activity", nil).has("items.0.summary", "moved to the folder Sales, with the sync one")
		w.ok("POST", "/api/bulk", object{"kind": "syncs", "slugs": []string{"one", "nobody", "people-to-crm"}, "action": "file", "folder": "Sales/EU"}).
			has("done", 2).has("results.1.slug", "nobody").has("results.1.error.code", "resource.not_found").has("results.2.error", nil)
		w.inFolder("syncs/one", "Sales/EU")
		w.inFolder("models/one-model", "Sales/EU")
		w.inFolder("models/people", "Sales/EU")
		w.ok("POST", "/api/bulk", object{"kind": "models", "slugs": []string{"people"}, "action": "file"})
		w.inFolder("models/people", nil)
		w.inFolder("syncs/people-to-crm", "Sales/EU")
		applied := object{"documents": []object{{"kind": "sync", "metadata": object{"slug": "one", "name": "One", "folder": "/Applied/"}, "spec": spec}}}
		w.ok("POST", "/api/apply", applied).has("results.0.action", "updated")
		w.ok("POST", "/api/apply", applied).has("results.0.action", "unchanged")
		w.inFolder("syncs/one", "Applied")
		w.inFolder("models/one-model", "Sales/EU")
	})
}

// Only admins change the tree; others file documents in the folders that are there.
//
// Req: FOL-01
func TestOnlyAdminsShapeFolders(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/folders", object{"path": "Sales"})
		s := w.signIn()
		_, err := w.db.NewRaw("UPDATE members SET role = 'editor' WHERE user_id = 1").Exec(t.Context())
		w.must(err)
		w.key = ""
		session := []string{"Cookie", s.cookie, "X-CSRF-Token", s.csrf}
		w.send("POST", "/api/folders", object{"path": "Mine"}, session...).want(403).has("error.code", "access.forbidden")
		w.send("POST", "/api/folders/move", object{"path": "Sales", "to": "Mine"}, session...).want(403)
		w.send("DELETE", "/api/folders?path=Sales", nil, session...).want(403)
		w.send("PUT", "/api/syncs/people-to-crm", object{"metadata": object{"name": "P", "folder": "Mine"}, "spec": syncSpec()}, session...).want(403).has("error.path", "metadata.folder")
		bulk := object{"kind": "syncs", "slugs": []string{"people-to-crm"}, "action": "file", "folder": "Mine"}
		w.ok("POST", "/api/bulk", bulk, session...).has("done", 0).has("results.0.error.code", "access.forbidden")
		bulk["folder"] = "Sales"
		w.ok("POST", "/api/bulk", bulk, session...).has("done", 1)
		w.ok("GET", "/api/syncs?folder=Sales", nil, session...).has("total", 1)
		w.ok("GET", "/api/folders", nil, session...).has("total", 1)
	})
}

// Labels are added to many documents and taken away, and keep those that the documents have.
//
// Req: FOL-06
func TestBulkLabels(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		for i, label := range []string{"eu", "us"} {
			w.ok("POST", "/api/syncs", object{"metadata": object{"slug": fmt.Sprint("s", i), "name": fmt.Sprint("S", i), "labels": object{"region": label}}, "spec": syncSpec()})
		}
		bulk := object{"kind": "syncs", "slugs": []string{"s0", "s1", "nobody"}, "action": "label", "labels": object{"team": "crm 2_x-y"}, "drop": []string{"region:us"}}
		w.ok("POST", "/api/bulk", bulk).has("done", 2)
		w.ok("GET", "/api/syncs/s0", nil).has("metadata.labels.region", "eu").has("metadata.labels.team", "crm 2_x-y").has("metadata.revision", 2)
		w.ok("GET", "/api/syncs/s1", nil).has("metadata.labels.region", nil).has("metadata.labels.team", "crm 2_x-y")
		w.ok("GET", "/api/syncs/s1/versions", nil).has("total", 2)
		w.ok("POST", "/api/bulk", bulk)
		w.ok("GET", "/api/syncs/s0", nil).has("metadata.revision", 2) // nothing changed
		bulk["labels"] = object{"te:am": "x"}
		w.send("POST", "/api/bulk", bulk).want(422).has("error.path", "metadata.labels.te:am")
		w.ok("GET", "/api/facets?kind=syncs", nil).lists("labels", "key", "region", "team").lists("labels", "value", "eu", "crm 2_x-y").lists("labels", "count", "1", "2").
			lists("creators", "email", adminEmail).lists("creators", "count", "3")
		w.ok("GET", "/api/syncs?label=team:crm%202_x-y&notLabel=region:eu", nil).lists("items", "metadata.slug", "s1")
		w.ok("GET", "/api/select?kind=syncs&label=team:crm%202_x-y", nil).lists("items", "slug", "s0", "s1").has("total", 2)
	})
}

// What is done with many is done with each that lets it, and said of each that does not.
func TestBulk(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.filed("one", "")
		w.ok("POST", "/api/sequences", document("all", "All", sequenceSpec()))
		bulk := func(kind, action string, more object, slugs ...string) answer {
			body := object{"kind": kind, "action": action, "slugs": slugs}
			maps.Copy(body, more)
			return w.ok("POST", "/api/bulk", body)
		}
		bulk("syncs", "disable", nil, "one", "people-to-crm").has("done", 2)
		w.ok("GET", "/api/syncs?status=disabled", nil).has("total", 2)
		bulk("syncs", "enable", nil, "one", "x").has("done", 1).has("results.1.error.code", "resource.not_found")
		w.ok("GET", "/api/syncs/one", nil).has("spec.disabled", false)
		bulk("syncs", "run", nil, "one").has("done", 1)
		bulk("sequences", "run", nil, "all").has("done", 1)
		w.ok("GET", "/api/syncs?status=queued", nil).lists("items", "metadata.slug", "one")
		w.ok("GET", "/api/sequences?status=queued&sort=-lastRun", nil).lists("items", "metadata.slug", "all")
		w.send("POST", "/api/bulk", object{"kind": "models", "action": "run", "slugs": []string{"people"}}).want(422).has("error.path", "action")
		w.send("POST", "/api/bulk", object{"kind": "syncs", "action": "run", "slugs": []string{"one"}, "dryRun": true}).want(422)
		w.send("POST", "/api/bulk", object{"kind": "syncs", "action": "run", "slugs": []string{}}).want(422)

		bulk("models", "delete", object{"dryRun": true}, "people", "one-model").has("done", 0).has("results.0.error.code", "resource.referenced")
		bulk("syncs", "delete", object{"dryRun": true}, "one", "people-to-crm").has("done", 1).has("results.1.error.message", `the sync "people-to-crm" is used by sequence "all"`)
		w.ok("GET", "/api/syncs/one", nil)
		bulk("syncs", "delete", nil, "one", "people-to-crm").has("done", 1)
		w.send("GET", "/api/syncs/one", nil).want(404)
		w.ok("GET", "/api/syncs/people-to-crm", nil)
	})
}

// Values of one filter are alternatives, and every filter must hold; in a folder only what is there counts.
//
// Req: FOL-02, FOL-05
func TestSyncFilters(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.ok("POST", "/api/destinations", document("zoo", "Zoo", destinationSpec()))
		for slug, folder := range map[string]string{"a": "Sales", "b": "Sales/EU", "c": ""} {
			w.filed(slug, folder)
		}
		spec := syncSpec()
		spec["model"], spec["destination"], spec["disabled"] = "b-model", "zoo", true
		w.ok("POST", "/api/syncs", object{"metadata": object{"slug": "d", "name": "d", "folder": "Sales"}, "spec": spec})
		w.ok("POST", "/api/syncs/c/trigger", nil)
		list := func(query string, want ...string) answer {
			t.Helper()
			return w.ok("GET", "/api/syncs?"+query, nil).lists("items", "metadata.slug", want...)
		}
		list("destination=zoo&destination=crm", "a", "b", "c", "d", "people-to-crm")
		list("destination=zoo&status=disabled", "d")
		list("destination=crm&status=disabled")
		list("model=a-model&model=b-model&source=shop", "a", "b", "d")
		list("status=queued&status=disabled", "c", "d")
		list("status=pending&folder=Sales", "a", "b")
		list("status=pending&folder=sales")
		list("folder=Sales/EU&destination=zoo")
		list("createdBy="+adminEmail+"&createdBy=x&type=record&search=d", "d")
		list("alerts=none&status=queued", "c")
		list("sort=destination&limit=1", "a")
		list("sort=-destination&limit=1", "d")
		list("sort=model&limit=3", "a", "b", "d") // d's model is b's, and ties go by name
		list("sort=folder&limit=2", "c", "people-to-crm")
		list("sort=-lastRun&limit=1", "c").has("total", 5).has("nextCursor", "1")
		list("sort=status&limit=2&cursor=1", "a", "b")
		w.ok("GET", "/api/select?kind=syncs&status=disabled&status=queued&sort=-lastRun", nil).lists("items", "slug", "c", "d")
		w.send("GET", "/api/syncs?status=nothing", nil).want(422).has("error.path", "status")
		w.send("GET", "/api/models?sort=status", nil).want(422).has("error.path", "sort")
	})
}

// Req: FOL-03
func TestModelFilters(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.filed("other", "")
		w.source.rows = [][]string{{"1", "Ada", "a"}, {"1", "Bob", "b"}}
		w.ok("POST", "/api/syncs/other/trigger", nil)
		w.work()
		list := func(query string, want ...string) answer {
			t.Helper()
			return w.ok("GET", "/api/models?"+query, nil).lists("items", "metadata.slug", want...)
		}
		list("duplicates=true", "other-model")
		list("duplicates=false", "people")
		list("method=sql&method=table", "other-model", "people")
		list("method=dbt")
		list("sourceType=memory&sort=-source&search=people", "people")
		list("sourceType=duckdb")
		w.ok("GET", "/api/select?kind=models&duplicates=false", nil).lists("items", "slug", "people")
	})
}

// Saved filters are their maker's, or everyone's in the workspace to use and their maker's and the admins' to change.
//
// Req: FOL-05
func TestSavedFilters(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		private := w.ok("POST", "/api/saved-filters", object{"kind": "syncs", "name": " Broken ", "query": "status=failed&destination=crm"}).want(201)
		private.has("name", "Broken").has("shared", false).has("own", true).has("kind", "sync").has("createdBy", adminEmail)
		shared := w.ok("POST", "/api/saved-filters", object{"kind": "syncs", "name": "all", "query": "", "shared": true})
		w.ok("POST", "/api/saved-filters", object{"kind": "models", "name": "Broken", "query": ""})
		w.ok("GET", "/api/saved-filters?kind=syncs", nil).lists("items", "name", "all", "Broken")
		w.send("POST", "/api/saved-filters", object{"kind": "syncs", "name": "Broken", "query": ""}).want(409).has("error.path", "name")
		w.send("POST", "/api/saved-filters", object{"kind": "syncs", "name": "", "query": "%zz"}).want(422).has("error.issues.0.path", "name").has("error.issues.1.path", "query")
		w.send("POST", "/api/saved-filters", object{"kind": "cats", "name": "x", "query": ""}).want(422).has("error.path", "kind")
		w.ok("PUT", path("/api/saved-filters/%v", private.id("id")), object{"name": "Bad", "query": "status=failed"}).has("name", "Bad").has("query", "status=failed")
		w.send("PUT", path("/api/saved-filters/%v", private.id("id")), object{"name": "all", "query": ""}).want(409)

		bob := w.colleague()
		w.key = bob
		w.ok("GET", "/api/saved-filters?kind=syncs", nil).lists("items", "name", "all").has("items.0.own", false)
		w.send("PUT", path("/api/saved-filters/%v", private.id("id")), object{"name": "Mine", "query": ""}).want(404)
		w.send("DELETE", path("/api/saved-filters/%v", private.id("id")), nil).want(404)
		bobs := w.ok("POST", "/api/saved-filters", object{"kind": "syncs", "name": "Bad", "query": "", "shared": true}).id("id")
		w.ok("PUT", path("/api/saved-filters/%v", shared.id("id")), object{"name": "Everything", "query": "", "shared": true}).has("name", "Everything")
		w.key = bootstrapKey
		s := w.signIn()
		_, err := w.db.NewRaw("UPDATE members SET role = 'editor' WHERE user_id = 1").Exec(t.Context())
		w.must(err)
		w.key = ""
		session := []string{"Cookie", s.cookie, "X-CSRF-Token", s.csrf}
		w.send("PUT", path("/api/saved-filters/%v", bobs), object{"name": "Mine", "query": ""}, session...).want(403).has("error.code", "access.forbidden")
		w.send("DELETE", path("/api/saved-filters/%v", bobs), nil, session...).want(403)
		w.ok("DELETE", path("/api/saved-filters/%v", private.id("id")), nil, session...)
		w.ok("GET", "/api/saved-filters?kind=syncs", nil, session...).lists("items", "name", "Bad", "Everything")
	})
}

// colleague makes another admin of workspace 1, and returns a key of theirs.
func (w *world) colleague() string {
	w.t.Helper()
	for _, sql := range []string{
		"INSERT INTO users (id, email, name, password, created_at) VALUES (2, 'bob@example.com', 'Bob', '', 0)",
		"INSERT INTO members (workspace_id, user_id, role) VALUES (1, 2, 'admin')",
	} {
		_, err := w.db.NewRaw(sql).Exec(w.t.Context())
		w.must(err)
	}
	_, key, err := w.access.MakeKey(w.t.Context(), access.Identity{UserID: 2, WorkspaceID: 1, Email: "bob@example.com", Role: access.RoleAdmin}, "Bob's")
	w.must(err)
	return key
}
