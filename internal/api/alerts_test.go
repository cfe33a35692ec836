package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/alert"
	"github.com/millrace/millrace/internal/engine/sync/watch"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/resource"
)

func channelSpec() object {
	return object{"type": "pagerduty", "configuration": object{"routingKey": "a-routing-key-of-32-characters-xx"}, "levels": "critical"}
}

// furnishAlerts makes the documents of the world with two channels, one of which the destination tells.
func (w *world) furnishAlerts() {
	w.t.Helper()
	w.ok("POST", "/api/alert-channels", document("on-call", "On call", channelSpec()))
	w.ok("POST", "/api/alert-channels", document("team", "Team", object{"type": "webhook", "configuration": object{"url": "https://example.com/hook"}}))
	w.ok("POST", "/api/sources", document("shop", "Shop", sourceSpec()))
	w.ok("POST", "/api/models", document("people", "People", modelSpec()))
	d := destinationSpec()
	d["alerts"] = object{"recipients": []object{{"channel": "on-call"}}, "triggers": object{"fatal": object{"critical": 3}, "duration": object{}}}
	w.ok("POST", "/api/destinations", document("crm", "CRM", d))
	w.ok("POST", "/api/syncs", document("people-to-crm", "People to CRM", syncSpec()))
}

// evaluate lets the triggers of the world's sync have values.
func (w *world) evaluate(values map[string]float64) {
	w.t.Helper()
	d, err := w.docs.Get(w.t.Context(), resource.Scope{WorkspaceID: 1, Actor: "test"}, "sync", "people-to-crm")
	w.must(err)
	at, err := w.alerts.Position(w.t.Context(), 1, "sync", d.ID)
	w.must(err)
	p := alerting.Effective(alerting.SyncTypes)
	e := alert.Evaluation{Subject: watch.Subject(1, d), Policy: p, Recipients: []alert.Recipient{{Channel: "on-call", Targets: []string{""}}}, Version: at.Version}
	for name, v := range values {
		e.Readings = append(e.Readings, alert.Reading{Trigger: name, Value: v, Words: "measured", About: 9})
	}
	w.must(w.alerts.Evaluate(w.t.Context(), e))
}

// What counts for a sync comes from it, from its destination, or from the standard, each trigger by itself.
//
// Req: SY-62, SY-63, SY-66
func TestSyncAlerts(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnishAlerts()
		const path = "/api/syncs/people-to-crm/alerts"
		a := w.ok("GET", path, nil)
		a.lists("triggers", "name", "fatal", "rejected", "modelSize", "duration", "throughput")
		a.lists("triggers", "on", "true", "true", "false", "true", "false")
		a.lists("triggers", "from", "destination", "standard", "standard", "destination", "standard")
		a.lists("triggers", "critical", "3", "<nil>", "<nil>", "<nil>", "<nil>")
		a.lists("triggers", "level", "ok", "ok", "ok", "ok", "ok")
		a.has("recipientsFrom", "destination").has("recipients.0.name", "On call").has("recipients.0.levels", "critical").has("rollup.active", 0)

		s := syncSpec()
		s["alerts"] = object{"recipients": []object{{"channel": "team"}, {"channel": "on-call", "levels": "all"}}, "triggers": object{"duration": object{"off": true}, "modelSize": object{"warning": 10}}}
		w.ok("PUT", "/api/syncs/people-to-crm", document("people-to-crm", "People to CRM", s))
		a = w.ok("GET", path, nil)
		a.lists("triggers", "on", "true", "true", "true", "false", "false")
		a.lists("triggers", "from", "destination", "standard", "sync", "sync", "standard")
		a.has("recipientsFrom", "sync").lists("recipients", "levels", "all", "all")

		s["alerts"] = object{"recipients": []object{}}
		w.ok("PUT", "/api/syncs/people-to-crm", document("people-to-crm", "People to CRM", s)).has("spec.alerts.recipients", []any{})
		w.ok("GET", path, nil).has("recipientsFrom", "sync").has("recipients", []any{})

		s["alerts"] = object{"recipients": []object{{"channel": "nobody"}}, "triggers": object{"fatal": object{"off": true}, "duration": object{"warning": 100}}}
		bad := w.send("PUT", "/api/syncs/people-to-crm", document("people-to-crm", "People to CRM", s)).want(422)
		bad.lists("error.issues", "path", "spec.alerts.triggers.duration.warning", "spec.alerts.triggers.fatal.off", "spec.alerts.recipients[0].channel")
	})
}

// The rollup of a sync shows in every list, and lists can be narrowed to it.
//
// Req: SY-61, FOL-02
func TestRollup(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnishAlerts()
		w.ok("POST", "/api/syncs", document("quiet", "Quiet", syncSpec()))
		w.ok("GET", "/api/syncs/people-to-crm", nil).has("status.alerts.level", "ok").has("status.alerts.active", 0)
		w.evaluate(map[string]float64{"fatal": 1, "rejected": 5})
		w.ok("GET", "/api/syncs/people-to-crm", nil).has("status.alerts.level", "critical").has("status.alerts.active", 2).has("status.alerts.warning", 1).has("status.alerts.critical", 1)
		w.ok("GET", "/api/syncs", nil).lists("items", "status.alerts.active", "2", "0")
		for filter, want := range map[string][]string{"any": {"people-to-crm"}, "critical": {"people-to-crm"}, "warning": {"people-to-crm"}, "none": {"quiet"}} {
			w.ok("GET", "/api/syncs?alerts="+filter, nil).lists("items", "metadata.slug", want...)
		}
		w.evaluate(map[string]float64{"fatal": 0})
		w.ok("GET", "/api/syncs?alerts=critical", nil).has("total", 0)
		w.ok("GET", "/api/syncs?alerts=any&status=pending", nil).has("total", 1)
		w.send("GET", "/api/syncs?alerts=loud", nil).want(422).has("error.path", "alerts")
	})
}

// Req: SY-67
func TestMuteOverAPI(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnishAlerts()
		const path = "/api/syncs/people-to-crm/alerts"
		now := w.clock.Now()
		w.ok("POST", path+"/fatal/mute", object{"minutes": 60}).has("triggers.0.muted", true).has("triggers.0.mutedBy", adminEmail).
			has("triggers.0.mutedUntil", now.Add(time.Hour).Format("2006-01-02T15:04:05.000Z")).has("triggers.1.muted", false)
		w.evaluate(map[string]float64{"fatal": 1})
		w.ok("GET", path, nil).has("triggers.0.level", "critical").has("triggers.0.words", "measured").has("triggers.0.run", 9).has("rollup.critical", 1)
		w.ok("GET", path+"/history", nil).has("items.0.muted", true).has("items.0.to", "critical").has("items.0.label", "Fatal error").has("items.0.notices", []any{})
		w.clock.Advance(time.Hour)
		w.ok("GET", path, nil).has("triggers.0.muted", false)
		w.ok("POST", path+"/fatal/mute", nil).has("triggers.0.muted", true).has("triggers.0.mutedUntil", nil)
		w.ok("DELETE", path+"/fatal/mute", nil).has("triggers.0.muted", false)
		w.send("POST", path+"/mood/mute", nil).want(404)
		w.send("POST", path+"/fatal/mute", object{"minutes": 0.5}).want(422)
		w.send("POST", "/api/syncs/nothing/alerts/fatal/mute", nil).want(404)
		if got := w.ok("GET", "/api/syncs/people-to-crm/activity", nil).list("items", "action"); strings.Join(got, " ") != "unmuted muted muted created" {
			t.Errorf("the activity is %v", got)
		}
	})
}

// The history tells what changed and what became of each notice, page by page.
//
// Req: SY-64
func TestAlertHistory(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnishAlerts()
		for _, n := range []float64{1, 0, 2} {
			w.evaluate(map[string]float64{"fatal": n})
			w.clock.Advance(time.Minute)
		}
		const path = "/api/syncs/people-to-crm/alerts/history"
		all := w.ok("GET", path, nil)
		all.lists("items", "to", "critical", "ok", "critical").lists("items", "from", "ok", "critical", "ok")
		all.has("items.0.notices.0.channel", "on-call").has("items.0.notices.0.state", "pending").has("items.0.value", 2)
		first := w.ok("GET", path+"?limit=2", nil)
		first.lists("items", "to", "critical", "ok")
		w.ok("GET", path+"?limit=2&cursor="+first.text("nextCursor"), nil).lists("items", "to", "critical").has("nextCursor", nil)
		w.key = w.second()
		w.send("GET", path, nil).want(404)
	})
}

// A channel is a document like any other: its secret never comes back, it is protected while it is used, and a test
// uses what is stored where nothing else is sent.
//
// Req: SY-63
func TestAlertChannels(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.furnishAlerts()
		w.ok("GET", "/api/alert-channels/on-call", nil).has("spec.configuration.routingKey", map[string]any{"$secret": "set"}).has("status.useCount", 1).has("status.lastNotice", nil)
		w.send("DELETE", "/api/alert-channels/on-call", nil).want(409).has("error.code", "resource.referenced")
		test := func(body object) answer { return w.ok("POST", "/api/alert-channels/test", body) }
		test(object{"type": "pagerduty", "slug": "on-call", "configuration": object{"routingKey": object{"$secret": "set"}}}).has("ok", true)
		if len(w.noticed) != 1 || w.noticed[0].Configuration["routingKey"] != "a-routing-key-of-32-characters-xx" {
			t.Errorf("the test was sent to %v", w.noticed)
		}
		test(object{"type": "pagerduty", "configuration": object{}}).has("ok", false).has("error.path", "spec.configuration.routingKey")
		if len(w.noticed) != 1 {
			t.Error("a channel without a key was tested")
		}
		w.refuse = fault.New(fault.CodeNoticeRefused, "400 Bad Request: Event object is invalid")
		test(object{"type": "pagerduty", "configuration": object{"routingKey": "wrong"}}).has("ok", false).has("error.message", "400 Bad Request: Event object is invalid")
		w.ok("GET", "/api/alert-channels", nil).lists("items", "metadata.slug", "on-call", "team")
		w.ok("GET", "/api/alert-channels?type=webhook", nil).lists("items", "metadata.slug", "team")
		w.ok("GET", "/api/catalog/alert-channels", nil).lists("items", "slug", "email", "slack", "pagerduty", "sms", "webhook")
		w.ok("GET", "/api/catalog/alert-triggers", nil).lists("items", "always", "true", "true", "false", "false", "false")
		w.key = w.second()
		w.send("GET", "/api/alert-channels/on-call", nil).want(404)
	})
}

// What was read can be applied again and changes nothing; a channel comes before what refers to it.
//
// Req: SY-62
func TestApplyAlerts(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		d := destinationSpec()
		d["alerts"] = object{"recipients": []object{{"channel": "on-call", "levels": "critical"}}, "triggers": object{"rejected": object{"warning": 1.5, "measure": "percent"}}}
		documents := []object{document("crm", "CRM", d), document("on-call", "On call", channelSpec())}
		documents[0]["kind"], documents[1]["kind"] = "destination", "alert-channel"
		w.ok("POST", "/api/apply", object{"documents": documents}).lists("results", "action", "created", "created")
		again := []json.RawMessage{
			json.RawMessage(w.ok("GET", "/api/destinations/crm", nil).body), json.RawMessage(w.ok("GET", "/api/alert-channels/on-call", nil).body),
		}
		w.ok("POST", "/api/apply", object{"documents": again}).lists("results", "action", "unchanged", "unchanged")
	})
}

// The compatible API knows nothing of alerts, and keeps them.
func TestAlertsAreKeptByCompatibleAPI(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnishAlerts()
		s := syncSpec()
		s["alerts"] = object{"triggers": object{"modelSize": object{"warning": 10}}}
		id := w.ok("PUT", "/api/syncs/people-to-crm", document("people-to-crm", "People to CRM", s)).id("metadata.id")
		path := "/api/v1/syncs/" + jsonNumber(id)
		w.ok("GET", path, nil).has("configuration.alerts", nil)
		w.ok("PATCH", path, object{"configuration": object{"delete": "nothing"}}).has("configuration.delete", "nothing")
		w.ok("GET", "/api/syncs/people-to-crm", nil).has("spec.alerts.triggers.modelSize.warning", 10)
	})
}

func jsonNumber(n int64) string {
	text, _ := json.Marshal(n) //nolint:errcheck // a number
	return string(text)
}
