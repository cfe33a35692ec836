package api_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// keysOf lists the members of an object of an answer.
func (a answer) keysOf(path string) []string {
	a.t.Helper()
	node, ok := a.at(path).(map[string]any)
	if !ok {
		a.t.Fatalf("%s has no object at %s: %s", a.what, path, a.body)
	}
	return slices.Sorted(maps.Keys(node))
}

func (a answer) fields(path, want string) {
	a.t.Helper()
	wanted := strings.Fields(want)
	slices.Sort(wanted)
	if got := a.keysOf(path); !slices.Equal(got, wanted) {
		a.t.Errorf("%s: %s has the fields\n %v, want\n %v", a.what, path, got, wanted)
	}
}

// whole is an answer as the only item of an object, so that its own fields can be named.
func (a answer) whole() answer { a.body = `{"it":` + a.body + `}`; return a }

const (
	sourceFields      = "id name slug workspaceId createdAt updatedAt type configuration"
	destinationFields = sourceFields + " syncs"
	modelFields       = "id name slug description workspaceId primaryKey createdAt updatedAt sourceId queryType tags isSchema syncs lastRunSize"
	syncFields        = "id slug workspaceId createdAt updatedAt destinationId modelId configuration schedule status disabled lastRunAt referencedColumns primaryKey externalSegment tags"
	runFields         = "id createdAt startedAt finishedAt querySize status completionRatio plannedRows successfulRows failedRows error"
)

// Req: API-01
func TestCompatibleResources(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		made := w.ok("POST", "/api/v1/sources", object{"name": "Shop", "slug": "shop", "type": "memory", "configuration": object{"host": "h", "password": "hunter2-secret"}, "whatever": 1})
		if made.status != 200 {
			t.Errorf("creating answers %d", made.status)
		}
		made.whole().fields("it", sourceFields)
		made.has("workspaceId", 1).has("type", "memory").has("configuration", map[string]any{"host": "h"})
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", made.text("createdAt")); err != nil {
			t.Error(err)
		}
		sourceID := made.id("id")
		model := w.ok("POST", "/api/v1/models", object{
			"name": "People", "slug": "people", "queryType": "raw_sql", "sourceId": strconv.FormatInt(sourceID, 10), "isSchema": "false", "primaryKey": "id", "raw": object{"sql": "SELECT 1"},
		})
		model.whole().fields("it", modelFields+" raw")
		model.has("queryType", "raw_sql").has("raw.sql", "SELECT 1").has("sourceId", sourceID).has("isSchema", false).has("lastRunSize", nil).has("syncs", "[]").has("tags", "map[]").has("description", "")
		dest := w.ok("POST", "/api/v1/destinations", object{"name": "CRM", "slug": "crm", "type": "memory", "configuration": object{"place": "p", "password": "x"}})
		dest.whole().fields("it", destinationFields)
		sync := w.ok("POST", "/api/v1/syncs", object{
			"slug": "people-to-crm", "modelId": strconv.FormatInt(model.id("id"), 10), "destinationId": dest.id("id"), "schedule": nil, "disabled": "true",
			"configuration": object{"type": "record", "mode": "upsert", "match": []object{{"from": "id", "to": "id"}}, "mappings": []object{
				{"to": "id", "from": "id"}, {"to": "greeting", "kind": "template", "template": "Hi {{ row.name }}"},
			}},
		})
		sync.whole().fields("it", syncFields)
		sync.has("schedule", nil).has("status", "disabled").has("lastRunAt", nil).has("disabled", true).has("externalSegment", "map[]").has("primaryKey", "id").
			has("referencedColumns", "[id name]").has("modelId", model.id("id")).has("destinationId", dest.id("id"))
		w.ok("GET", fmt.Sprintf("/api/v1/models/%d", model.id("id")), nil).has("syncs", fmt.Sprintf("[%d]", sync.id("id")))
		w.ok("GET", fmt.Sprintf("/api/v1/destinations/%d", dest.id("id")), nil).has("syncs", fmt.Sprintf("[%d]", sync.id("id")))
		for kind, id := range map[string]int64{"source": sourceID, "model": model.id("id"), "destination": dest.id("id"), "sync": sync.id("id")} {
			for _, name := range []string{kind, kind + "s"} {
				for _, form := range []string{"/api/v1/%s/%d", "/api/v1/%s/%d/", "/api/v1/%s/%d.0"} {
					w.ok("GET", fmt.Sprintf(form, name, id), nil).has("id", id)
				}
				for _, form := range []string{"/api/v1/%s", "/api/v1/%s/", "/api/v1/%s/?limit=5"} {
					a := w.ok("GET", fmt.Sprintf(form, name), nil)
					a.whole().fields("it", "data hasMore")
					a.has("hasMore", false).has("data.0.id", id)
				}
				w.send("GET", fmt.Sprintf("/api/v1/%s/%s", name, "people"), nil).want(404).has("message", "Not found").has("details", "map[]")
			}
			w.ok("GET", fmt.Sprintf("/api/v1/%s?slug=nobody", kind), nil).has("data", "[]").has("hasMore", false)
		}
	})
}

// The fields that one client's generated types refuse are left out for it, and no others.
//
// Req: API-01
func TestOlderSDK(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		agent := []string{"User-Agent", "speakeasy-sdk/go 0.2.0"}
		w.ok("GET", "/api/v1/models", nil, agent...).fields("data.0", strings.NewReplacer(" description", "", " lastRunSize", "").Replace(modelFields)+" raw")
		w.ok("GET", "/api/v1/syncs", nil, agent...).fields("data.0", strings.NewReplacer(" externalSegment", "", " tags", "").Replace(syncFields))
	})
}

// Req: API-01, API-02
func TestCompatibleErrors(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		w.key = ""
		for _, path := range []string{"/api/v1/sources", "/api/v1/syncs/1/runs", "/api/v1/nothing"} {
			a := w.send("GET", path, nil).want(401)
			a.whole().fields("it", "message details")
			a.has("message", "Authentication error").has("details", "No authorization header found")
		}
		w.send("GET", "/api/v1/sources", nil, "authorization", "Bearer nobody's").want(401).has("details", "Token is invalid")
		w.send("GET", "/api/v1/sources", nil, "Authorization", "Basic abc").want(401).has("details", "Token is invalid")
		session := w.signIn()
		w.send("GET", "/api/v1/sources", nil, "Cookie", session.cookie).want(401).has("details", "No authorization header found")
		w.key = bootstrapKey

		taken := w.send("POST", "/api/v1/sources", object{"name": "Shop", "slug": "shop", "type": "memory", "configuration": object{"host": "h", "password": "x"}}).want(409)
		taken.whole().fields("it", "message details")
		taken.has("message", "Validation failed").fields("details", "slug")
		wrong := w.send("POST", "/api/v1/sources", object{"slug": "b", "type": "memory", "configuration": object{"port": "x"}}).want(422)
		wrong.has("message", "Validation failed").fields("details", "name configuration.host configuration.password configuration.port")
		w.send("POST", "/api/v1/sources", object{"name": "x", "type": "memory"}).want(422).fields("details", "slug")
		w.send("POST", "/api/v1/sources", "{").want(422).has("message", "Validation failed")
		w.send("POST", "/api/v1/syncs", object{"slug": "x", "modelId": 7, "destinationId": 8}).want(422).fields("details", "modelId")
		w.send("POST", "/api/v1/models", object{"slug": "x", "name": "X", "queryType": "dbt", "primaryKey": "id"}).want(422).fields("details", "queryType")
		w.send("GET", "/api/v1/models?orderBy=colour", nil).want(422).fields("details", "orderBy")
		w.send("GET", "/api/v1/sources?orderBy=colour", nil).want(200)
		w.send("GET", "/api/v1/syncs?after=yesterday", nil).want(422).fields("details", "after")
		for _, path := range []string{"/api/v1/sources/999999", "/api/v1/syncs/999999/runs", "/api/v1/nothing", "/api/v1/sources/1e400"} {
			w.send("GET", path, nil).want(404).has("message", "Not found").has("details", "map[]")
		}
		w.send("DELETE", fmt.Sprintf("/api/v1/sources/%d", w.ok("GET", "/api/v1/sources", nil).id("data.0.id")), nil).want(404)

		w.must(w.db.Close())
		broken := w.send("GET", "/api/v1/sources", nil).want(500)
		if strings.TrimSpace(broken.body) != `"Internal Server Error"` {
			t.Errorf("a broken server says %s", broken.body)
		}
	})
}

// Req: API-02
func TestKeyOfSomebodyWhoIsNoAdmin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		_, err := w.db.NewUpdate().Table("members").Set("role = 'viewer'").Where("user_id = 1").Exec(t.Context())
		w.must(err)
		w.send("GET", "/api/v1/sources", nil).want(401).has("message", "Authentication error").has("details", "No user found")
		w.send("GET", "/api/sources", nil).want(401).has("error.message", "No user found")
		_, err = w.db.NewDelete().Table("members").Where("user_id = 1").Exec(t.Context())
		w.must(err)
		w.send("GET", "/api/v1/sources", nil).want(401).has("details", "No user found")
	})
}

// Req: API-03
func TestRateLimit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		other := w.second()
		for range 200 {
			w.send("GET", "/api/v1/sources?limit=1", nil).want(200)
		}
		over := w.send("GET", "/api/v1/sources", nil).want(429)
		over.whole().fields("it", "error")
		if over.header.Get("Retry-After") != "10" {
			t.Errorf("Retry-After is %q", over.header.Get("Retry-After"))
		}
		own := w.send("GET", "/api/sources", nil).want(429).has("error.code", "access.rate_limited")
		if own.header.Get("Retry-After") != "10" {
			t.Errorf("Retry-After is %q", own.header.Get("Retry-After"))
		}
		w.key = other
		w.send("GET", "/api/v1/sources", nil).want(200)
		w.key = bootstrapKey
		w.clock.Advance(10 * time.Second)
		w.send("GET", "/api/v1/sources", nil).want(200)
	})
}

// Req: API-01
func TestCompatibleLists(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		for i, name := range []string{"Zebra", "apple", "Mango"} {
			w.ok("POST", "/api/models", object{"metadata": object{"slug": "m" + strconv.Itoa(i), "name": name, "labels": object{"env": "PROD", "a_b": strconv.Itoa(i)}}, "spec": modelSpec()})
		}
		w.ok("GET", "/api/v1/models?limit=2", nil).has("hasMore", true).lists("data", "slug", "people", "m0")
		w.ok("GET", "/api/v1/models?limit=2&offset=2.0", nil).has("hasMore", false).lists("data", "slug", "m1", "m2")
		w.ok("GET", "/api/v1/models?orderBy=name", nil).lists("data", "name", "apple", "Mango", "People", "Zebra")
		w.ok("GET", "/api/v1/models?orderBy=slug", nil).lists("data", "slug", "m0", "m1", "m2", "people")
		w.ok("GET", "/api/v1/models?name=apple", nil).lists("data", "slug", "m1")
		w.ok("GET", "/api/v1/models?tags=env:PROD", nil).lists("data", "slug", "m0", "m1", "m2")
		w.ok("GET", "/api/v1/models?tags=env:prod", nil).lists("data", "slug")
		w.ok("GET", "/api/v1/models?tags=env:PROD&tags=a_b:1", nil).lists("data", "slug", "m1").has("data.0.tags", "map[a_b:1 env:PROD]")
		w.ok("GET", "/api/v1/models?tags=axb:1", nil).lists("data", "slug")
		w.ok("GET", "/api/v1/models?tags=env:PROD&limit=1&offset=1", nil).lists("data", "slug", "m1").has("hasMore", true)

		people := w.ok("GET", "/api/v1/models?slug=people", nil).id("data.0.id")
		for i := range 6 {
			spec := syncSpec()
			if i%2 == 1 {
				spec["model"] = "m0"
			}
			w.ok("POST", "/api/syncs", document("s"+strconv.Itoa(i), "S", spec))
		}
		w.ok("GET", fmt.Sprintf("/api/v1/syncs?modelId=%d.0&limit=3", people), nil).lists("data", "slug", "people-to-crm", "s0", "s2").has("hasMore", true)
		w.ok("GET", "/api/v1/syncs?modelId=424242", nil).has("data", "[]")

		var between []string
		for i := range 6 {
			w.ok("POST", "/api/v1/syncs/trigger", object{"syncSlug": "s" + strconv.Itoa(i)})
			between = append(between, w.clock.Now().Format(time.RFC3339Nano))
			w.clock.Advance(time.Minute)
		}
		after, before := url.QueryEscape(between[0]), url.QueryEscape(between[4])
		w.ok("GET", "/api/v1/syncs?limit=2&after="+after, nil).lists("data", "slug", "s1", "s2").has("hasMore", true)
		w.ok("GET", "/api/v1/syncs?limit=2&offset=2&after="+after+"&before="+before, nil).lists("data", "slug", "s3", "s4").has("hasMore", false)
		w.ok("GET", "/api/v1/syncs?before="+url.QueryEscape(between[1]), nil).lists("data", "slug", "s0", "s1")
	})
}

// Req: API-01, SY-82
func TestCompatibleSchedules(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnish()
		path := fmt.Sprintf("/api/v1/syncs/%d", w.ok("GET", "/api/v1/syncs", nil).id("data.0.id"))
		for _, schedule := range []object{
			{"type": "interval", "schedule": object{"interval": object{"unit": "hour", "quantity": 6}}},
			{"type": "cron", "schedule": object{"expression": "15 * * * *"}},
			{"type": "custom", "schedule": object{"expressions": []object{
				{"days": object{"monday": true, "friday": true}, "time": "08:30"}, {"days": object{"sunday": true}, "time": "00:00"},
			}}},
		} {
			sent := w.ok("PATCH", path, object{"schedule": schedule})
			read := w.ok("GET", path, nil)
			if fmt.Sprint(sent.at("schedule")) != fmt.Sprint(read.at("schedule")) {
				t.Errorf("%v is not %v", sent.at("schedule"), read.at("schedule"))
			}
			again := w.ok("PATCH", path, object{"schedule": read.at("schedule")})
			again.has("schedule", read.at("schedule"))
			read.has("schedule.type", schedule["type"])
			w.ok("PATCH", path, object{"disabled": false}).has("schedule", read.at("schedule"))
		}
		w.ok("GET", path, nil).has("schedule.schedule.expressions.0", "map[days:map[friday:true monday:true] time:08:30]")
		w.ok("PATCH", path, object{"schedule": nil}).has("schedule", nil)
		w.send("PATCH", path, object{"schedule": object{"type": "interval", "schedule": object{"interval": object{"unit": "year", "quantity": 1}}}}).want(422).fields("details", "schedule.interval")
		w.send("PATCH", path, object{"schedule": object{"type": "account", "schedule": object{"account": object{"id": "1"}}}}).want(422).fields("details", "schedule")
	})
}

// What the compatible API cannot say is not lost by its changes.
//
// Req: API-01
func TestCompatibleChangesMerge(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.ok("POST", "/api/sources", document("shop", "Shop", object{"type": "memory", "description": "The shop", "configuration": object{
			"host": "h", "password": "hunter2-secret", "token": "tok3n-secret",
			"headers": []object{{"name": "X-Key", "value": "h3ader-secret", "secret": true}, {"name": "X-Plain", "value": "v"}},
		}}))
		w.ok("POST", "/api/models", object{
			"metadata": object{"slug": "people", "name": "People", "folder": "Sales/EU", "labels": object{"team": "crm"}},
			"spec": object{"source": "shop", "method": "sql", "sql": "SELECT 1", "primaryKey": "id", "description": "Everybody", "columns": []object{
				{"name": "id", "type": "string"}, {"name": "name", "type": "string", "override": "Full name"}, {"name": "email", "type": "string", "cast": "object"},
			}},
		})
		w.ok("POST", "/api/destinations", document("crm", "CRM", destinationSpec()))
		spec := syncSpec()
		maps.Copy(spec, object{
			"inDoubt": "resend", "description": "Nightly", "settings": object{"object": "Contact"},
			"schedule": object{"type": "custom", "zone": "Europe/Berlin", "start": "2026-01-01T00:00:00Z", "recurrences": []object{{"days": []string{"monday"}, "time": "08:30"}}},
		})
		w.ok("POST", "/api/syncs", document("people-to-crm", "People to CRM", spec))

		id := w.ok("GET", "/api/v1/sources", nil).id("data.0.id")
		a := w.ok("PATCH", fmt.Sprintf("/api/v1/sources/%d", id), object{"configuration": object{"port": 1234}})
		a.has("configuration.port", 1234).has("configuration.host", "h")
		if strings.Contains(a.body, "secret") && strings.Contains(a.body, "$") {
			t.Errorf("secrets come back: %s", a.body)
		}
		w.ok("POST", "/api/models/preview", object{"source": "shop", "method": "sql", "sql": "SELECT 1"})
		for name, want := range map[string]any{"port": 1234.0, "password": "hunter2-secret", "token": "tok3n-secret", "host": "h"} {
			if got := w.source.opened[name]; got != want {
				t.Errorf("%s is %v after the change", name, got)
			}
		}
		if got := fmt.Sprint(w.source.opened["headers"]); !strings.Contains(got, "h3ader-secret") {
			t.Errorf("the headers are %s after the change", got)
		}
		w.ok("GET", "/api/sources/shop", nil).has("spec.description", "The shop")

		id = w.ok("GET", "/api/v1/models", nil).id("data.0.id")
		w.ok("PATCH", fmt.Sprintf("/api/v1/models/%d", id), object{"name": "Persons", "primaryKey": "id"}).has("name", "Persons").has("tags.team", "crm").has("description", "Everybody")
		kept := w.ok("GET", "/api/models/people", nil).has("metadata.folder", "Sales/EU").has("metadata.labels.team", "crm")
		kept.has("spec.columns.1.override", "Full name").has("spec.columns.2.cast", "object").has("spec.sql", "SELECT 1")

		id = w.ok("GET", "/api/v1/syncs", nil).id("data.0.id")
		path := fmt.Sprintf("/api/v1/syncs/%d", id)
		w.ok("PATCH", path, object{"configuration": object{"mode": "insert", "model": "intruder", "disabled": true}}).has("configuration.mode", "insert").has("configuration.inDoubt", "resend").
			has("configuration.settings.object", "Contact").has("disabled", false)
		s := w.ok("PATCH", path, object{"schedule": object{"type": "custom", "schedule": object{"expressions": []object{{"days": object{"friday": true}, "time": "09:00"}}}}})
		s.has("schedule.schedule.expressions.0.time", "09:00")
		w.ok("GET", "/api/syncs/people-to-crm", nil).has("spec.description", "Nightly").has("spec.model", "people").has("spec.schedule.zone", "Europe/Berlin").
			has("spec.schedule.start", "2026-01-01T00:00:00Z").has("spec.mappings.1.to", "name").has("metadata.name", "People to CRM")
		w.ok("PATCH", path, object{"disabled": "true"}).has("disabled", true).has("status", "disabled")
		w.ok("PATCH", path, url.Values{"disabled": {"false"}}).has("disabled", false)
	})
}

// Req: API-01
func TestCompatibleModelColumns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.ok("POST", "/api/sources", document("shop", "Shop", sourceSpec()))
		id := w.ok("GET", "/api/v1/sources", nil).id("data.0.id")
		body := object{"name": "People", "slug": "people", "queryType": "raw_sql", "sourceId": id, "isSchema": false, "primaryKey": "id", "raw": object{"sql": "SELECT 1"}}
		w.ok("POST", "/api/v1/models", body)
		w.ok("GET", "/api/models/people", nil).lists("spec.columns", "name", "id", "name", "email")
		asked := w.source.asked
		body["slug"] = "unseen"
		w.ok("POST", "/api/v1/models?skipColumnQuery=true", body)
		w.ok("GET", "/api/models/unseen", nil).has("spec.columns", nil)
		if w.source.asked != asked {
			t.Error("the source was asked all the same")
		}
		body["slug"], body["primaryKey"] = "wrong", "nobody"
		w.send("POST", "/api/v1/models", body).want(422).fields("details", "primaryKey")
		w.source.fail = queryFailed(`relation "peple" does not exist`)
		w.send("POST", "/api/v1/models", body).want(422).has("details.raw", `relation "peple" does not exist`)
		w.source.fail = nil

		old := object{"name": "Old", "slug": "old", "sourceId": id, "primaryKey": "id", "sql": "SELECT 2"}
		w.ok("POST", "/api/v1/models", old).has("raw.sql", "SELECT 2").has("isSchema", false)
		w.source.columns = []string{"id", "age"}
		changed := fmt.Sprintf("/api/v1/models/%d", w.ok("GET", "/api/v1/models?slug=people", nil).id("data.0.id"))
		w.ok("PATCH", changed, object{"table": object{"name": "main.people"}}).has("queryType", "table").has("table.name", "main.people").has("raw", nil)
		w.ok("GET", "/api/models/people", nil).lists("spec.columns", "name", "id", "age")
	})
}
