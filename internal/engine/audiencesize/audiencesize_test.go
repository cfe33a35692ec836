package audiencesize_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/audiencesize"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/resource"
)

const (
	firstPage = `{"data": [{"id": "1", "name": "Buyers", "account_id": "17", "subtype": "CUSTOM", "approximate_count_lower_bound": 4900, "approximate_count_upper_bound": 5100, "operation_status": {"code": 200, "description": "Normal"}, "is_value_based": false, "time_created": 1755083743}], "paging": {"next": "https://graph.facebook.com/x?after=QVFI"}}`
	lastPage  = `{"data": [{"id": "2", "name": "Few ✓", "approximate_count_lower_bound": 1000}]}`
)

// Every day all audiences of an account are appended to a table of the warehouse, and the view tells them together with
// those of other destinations. What was written stays.
//
// Req: SY-94, SY-95, WH-16
func TestReport(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.vendor.pages("/act_17/customaudiences", firstPage, lastPage)
		d := w.create("destination", "ads", w.meta("act_17", true))
		other := w.create("destination", "other", w.meta("18", true))
		w.vendor.pages("/act_18/customaudiences", `{"data": [{"id": "9", "name": "Elsewhere", "approximate_count_lower_bound": 2000}]}`)
		sync := w.audience("buyers", "ads", "1", "add")
		w.audience("more-buyers", "ads", "1", "add")
		w.reporter.Sweep(t.Context())
		for _, id := range []int64{d.ID, other.ID} {
			if s := w.standing(id); s.State != audiencesize.Done || s.Failure != nil || !s.Next.Equal(w.now.Now().Add(24*time.Hour)) {
				t.Fatalf("%+v %+v", s, s.Failure)
			}
		}
		table := fmt.Sprintf("millrace_audit.meta_%d_audiences", d.ID)
		want := fmt.Sprintf("17|1|Buyers|4900|%d|CUSTOM|5100|false|2025-08-13\n17|2|Few ✓|(null)|(null)|(null)|(null)|(null)|(null)\n", sync.ID)
		read := "SELECT ad_account_id, audience_id, audience_name, audience_size, sync_id, subtype, approximate_count_upper_bound, is_value_based, CAST(CAST(time_created AS DATE) AS VARCHAR) FROM " + table + " ORDER BY snapshot_id, audience_id"
		if got := w.rows(read); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		if got := w.rows("SELECT count(*) FROM " + table + " WHERE CAST(operation_status AS VARCHAR) LIKE '%Normal%'"); got != "1\n" {
			t.Errorf("the object of %s rows is there", got)
		}
		view := "SELECT ad_account_id, audience_id, audience_name, audience_size, destination, destination_id, sync_id, CAST(CAST(fetched_at AS DATE) AS VARCHAR) FROM millrace_audit.external_audiences_metadata_v1 ORDER BY fetched_at, destination_id, audience_id"
		first := fmt.Sprintf("17|1|Buyers|4900|meta|%d|%d|2026-03-01\n17|2|Few ✓|(null)|meta|%d|(null)|2026-03-01\n18|9|Elsewhere|2000|meta|%d|(null)|2026-03-01\n", d.ID, sync.ID, d.ID, other.ID)
		if got := w.rows(view); got != first {
			t.Errorf("the view has\n%swant\n%s", got, first)
		}

		w.reporter.Sweep(t.Context()) // it is not time yet
		w.vendor.pages("/act_17/customaudiences", strings.ReplaceAll(lastPage, "1000", "3000"))
		w.now.Advance(24 * time.Hour)
		w.reporter.Sweep(t.Context())
		second := fmt.Sprintf("17|2|Few ✓|3000|meta|%d|(null)|2026-03-02\n18|9|Elsewhere|2000|meta|%d|(null)|2026-03-02\n", d.ID, other.ID)
		if got := w.rows(view); got != first+second {
			t.Errorf("a day later the view has\n%swant\n%s", got, first+second)
		}
		if got := w.rows("SELECT count(DISTINCT snapshot_id) FROM " + table); got != "2\n" {
			t.Errorf("%s snapshots, want 2", got)
		}
		left, err := w.warehouse.OwnTables(t.Context(), "millrace_planner", "mr_")
		w.must(err)
		if len(left) > 0 {
			t.Errorf("tables of the attempts are left: %v", left)
		}
	})
}

// crash ends a process at a point of its look.
func (w *world) crash(point string) {
	w.t.Helper()
	p := w.process()
	p.Failpoint = func(at string) {
		if at == point {
			panic(point)
		}
	}
	defer func() {
		if recover() == nil {
			w.t.Fatalf("it did not come to %s", point)
		}
	}()
	p.Sweep(w.t.Context())
}

// A process that ends anywhere leaves a look that another one ends: the snapshot is written once.
//
// Req: SY-94
func TestCrash(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := w.create("destination", "ads", w.meta("17", true))
		for i, point := range []string{"look-read", "snapshot-staged", "snapshot-written", "look-noted"} {
			w.vendor.pages("/act_17/customaudiences", firstPage, lastPage)
			w.crash(point)
			w.must(w.reporter.Recover(t.Context()))
			w.vendor.pages("/act_17/customaudiences", firstPage, lastPage)
			w.reporter.Sweep(t.Context())
			if got, want := w.rows(fmt.Sprintf("SELECT count(*) FROM millrace_audit.meta_%d_audiences", d.ID)), fmt.Sprintf("%d\n", 2*(i+1)); got != want {
				t.Fatalf("after a crash at %s there are %s rows, want %s", point, got, want)
			}
			if s := w.standing(d.ID); s.State != audiencesize.Done {
				t.Fatalf("after a crash at %s: %+v", point, s)
			}
			w.now.Advance(audiencesize.Every)
		}
	})
}

// A process that stood still while another one took its look over writes nothing.
//
// Req: SY-94
func TestFenced(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.vendor.pages("/act_17/customaudiences", lastPage)
		d := w.create("destination", "ads", w.meta("17", true))
		slow := w.process()
		slow.Failpoint = func(at string) {
			if at == "snapshot-staged" { // its lease held; now it is over
				slow.Failpoint = nil
				w.now.Advance(time.Hour)
				w.reporter.Sweep(t.Context())
			}
		}
		slow.Sweep(t.Context())
		if got := w.rows(fmt.Sprintf("SELECT count(*) FROM millrace_audit.meta_%d_audiences", d.ID)); got != "1\n" {
			t.Errorf("there are %s rows, want 1", got)
		}
		if s := w.standing(d.ID); s.State != audiencesize.Done || len(s.Looks) != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A look that fails says why, waits longer each time, and is tried at once where somebody asks or has changed the
// warehouse.
//
// Req: SY-94
func TestFailure(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		d := w.create("destination", "ads", w.meta("17", true))
		w.vendor.fail(500)
		var waits []time.Duration
		for range 3 {
			w.reporter.Sweep(t.Context())
			s := w.standing(d.ID)
			if s.State != audiencesize.Failed || s.Failure == nil || !strings.Contains(s.Failure.Message, "the ad account 17") || !strings.Contains(s.Failure.Message, "the vendor rests") {
				t.Fatalf("%+v %+v", s, s.Failure)
			}
			waits = append(waits, s.Next.Sub(w.now.Now()))
			w.now.Advance(waits[len(waits)-1])
		}
		if waits[0] < time.Minute || waits[1] <= waits[0] || waits[2] <= waits[1] {
			t.Errorf("it waited %v", waits)
		}
		w.reporter.Sweep(t.Context())
		asked := w.vendor.asked
		w.reporter.Sweep(t.Context())
		if w.vendor.asked != asked {
			t.Error("it did not wait")
		}
		w.vendor.pages("/act_17/customaudiences", lastPage)
		w.must(w.update("source", "house", map[string]any{"type": w.info.Slug, "engine": "lightning", "configuration": w.settings, "description": "new"}))
		w.reporter.Sweep(t.Context())
		s := w.standing(d.ID)
		if s.State != audiencesize.Done || s.Failure != nil || s.Looks[0].Audiences != 1 || s.Looks[0].WrittenTo != fmt.Sprintf("millrace_audit.meta_%d_audiences", d.ID) || s.Looks[1].Failure == nil {
			t.Fatalf("%+v", s)
		}
		w.now.Advance(time.Hour)
		w.must(w.reporter.Ask(t.Context(), 1, d.ID))
		w.reporter.Sweep(t.Context())
		if s := w.standing(d.ID); !s.Checked.Equal(w.now.Now()) {
			t.Errorf("asked for, it was not looked at: %+v", s)
		}
		if err := w.reporter.Ask(t.Context(), 2, d.ID); !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("another workspace asks: %v", err)
		}
	})
}

// Without a report, a destination is looked at for its syncs alone: their matched users, as history.
//
// Req: MB-14
func TestMatches(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		d := w.create("destination", "ads", w.meta("17", false))
		w.reporter.Sweep(t.Context())
		if w.vendor.asked != 0 || len(w.standing(d.ID).Looks) != 0 {
			t.Fatal("a destination with nothing to tell was asked")
		}
		w.vendor.pages("/act_17/customaudiences", firstPage, lastPage)
		buyers, few := w.audience("buyers", "ads", "1", "add"), w.audience("few", "ads", "2", "add")
		gone, leavers := w.audience("gone", "ads", "77", "add"), w.audience("leavers", "ads", "1", "remove")
		w.members[buyers.ID], w.members[few.ID], w.members[leavers.ID] = 7000, 10, 20
		w.must(w.reporter.Ask(t.Context(), 1, d.ID))
		w.reporter.Sweep(t.Context())
		match := func(sync resource.Document) audiencesize.Match {
			t.Helper()
			all, err := w.reporter.Matches(t.Context(), 1, sync.ID, 10)
			w.must(err)
			if len(all) == 0 {
				t.Fatalf("nothing is known of %s", sync.Slug)
			}
			return all[0]
		}
		if m := match(buyers); m.Name != "Buyers" || m.Status != "Normal" || *m.Matched != 4900 || *m.Percent() != 70 || !strings.HasSuffix(m.Link, "act=17") {
			t.Errorf("%+v", m)
		}
		if m := match(few); m.Matched != nil || m.Percent() != nil || *m.Members != 10 {
			t.Errorf("an unknown size: %+v", m)
		}
		if m := match(gone); m.Audience != "77" || m.Name != "" || m.Matched != nil {
			t.Errorf("an audience that is gone: %+v", m)
		}
		if m := match(leavers); *m.Matched != 4900 || m.Percent() != nil {
			t.Errorf("a sync that removes: %+v", m)
		}
		if s := w.standing(d.ID); s.Looks[0].WrittenTo != "" {
			t.Errorf("something was written: %+v", s)
		}
		sizes, total, err := w.reporter.Sizes(t.Context(), 1, d.ID, 0, 1)
		if err != nil || total != 2 || len(sizes) != 1 || sizes[0].Name != "Buyers" || *sizes[0].SyncID != buyers.ID {
			t.Errorf("%+v, %d, %v", sizes, total, err)
		}
		if sizes, total, err := w.reporter.Sizes(t.Context(), 2, d.ID, 0, 10); err != nil || total != 0 || len(sizes) != 0 {
			t.Errorf("another workspace sees %+v, %v", sizes, err)
		}
		w.now.Advance(audiencesize.Every)
		w.vendor.pages("/act_17/customaudiences", strings.ReplaceAll(firstPage, "4900", "5600"), lastPage)
		w.reporter.Sweep(t.Context())
		all, err := w.reporter.Matches(t.Context(), 1, buyers.ID, 10)
		if err != nil || len(all) != 2 || *all[0].Percent() != 80 || *all[1].Percent() != 70 {
			t.Errorf("history: %+v, %v", all, err)
		}
		if all, err := w.reporter.Matches(t.Context(), 2, buyers.ID, 10); err != nil || len(all) != 0 {
			t.Errorf("another workspace sees %+v, %v", all, err)
		}
		w.now.Advance(401 * 24 * time.Hour)
		w.reporter.Sweep(t.Context())
		if all, err := w.reporter.Matches(t.Context(), 1, buyers.ID, 10); err != nil || len(all) != 1 {
			t.Errorf("after more than a year: %+v, %v", all, err)
		}
	})
}

// A new version of the program looks at the destinations that there are, and leaves those that tell nothing.
//
// Req: SY-94
func TestOtherDestinations(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, w *world) {
		d := w.create("destination", "list", map[string]any{"type": "mailchimp", "configuration": map[string]any{"dataCenter": "us1", "apiKey": "x-us1"}})
		if err := w.reporter.Ask(t.Context(), 1, d.ID); !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("asking one that tells nothing: %v", err)
		}
		_, err := w.db.NewRaw("INSERT INTO audience_reports (destination_id, workspace_id, state, next_at) VALUES (?, 1, 'waiting', 0)", d.ID).Exec(t.Context())
		w.must(err)
		w.reporter.Sweep(t.Context())
		if s, ok, err := w.reporter.Standing(t.Context(), 1, d.ID); ok || err != nil {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// What a sync made itself is known as its audience once it was made.
//
// Req: MB-14
func TestMadeAudience(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t), "duckdb")
	d := w.create("destination", "ads", w.meta("17", false))
	doc := w.create("sync", "new", map[string]any{
		"model": "people", "destination": "ads", "type": "audience", "mode": "add", "settings": map[string]any{"name": "Made"},
		"mappings": []any{map[string]any{"to": "EMAIL", "from": "email"}}, "schedule": map[string]any{"type": "manual"},
	})
	w.vendor.pages("/act_17/customaudiences", firstPage, lastPage)
	w.reporter.Sweep(t.Context())
	if all, err := w.reporter.Matches(t.Context(), 1, doc.ID, 10); err != nil || len(all) != 0 {
		t.Fatalf("before its first run: %+v, %v", all, err)
	}
	w.vendor.pages("/act_17/customaudiences", `{"id": "55"}`)
	w.vendor.pages("/55/users", `{"audience_id": "55"}`)
	w.send(d, doc)
	w.vendor.pages("/act_17/customaudiences", `{"data": [{"id": "55", "name": "Made", "approximate_count_lower_bound": 1200}]}`)
	w.must(w.reporter.Ask(t.Context(), 1, d.ID))
	w.reporter.Sweep(t.Context())
	all, err := w.reporter.Matches(t.Context(), 1, doc.ID, 10)
	if err != nil || len(all) != 1 || all[0].Audience != "55" || *all[0].Matched != 1200 {
		t.Errorf("%+v, %v", all, err)
	}
}

// Another version of the view stands beside the first one, which goes on.
//
// Req: SY-95
func TestViewVersions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.vendor.pages("/act_17/customaudiences", lastPage)
		w.create("destination", "ads", w.meta("17", true))
		w.reporter.Sweep(t.Context())
		w.reporter.AddView("external_audiences_metadata_v2", "audience_id", "snapshot_id")
		w.now.Advance(audiencesize.Every)
		w.vendor.pages("/act_17/customaudiences", lastPage)
		w.reporter.Sweep(t.Context())
		for version, columns := range map[string]int{"v1": 8, "v2": 2} {
			name := query.TableRef{Schema: "millrace_audit", Name: "external_audiences_metadata_" + version}
			found, err := w.warehouse.Columns(t.Context(), name)
			w.must(err)
			if got := w.rows("SELECT count(*) FROM " + name.String()); got != "2\n" || len(found) != columns {
				t.Errorf("%s has %d columns and %s rows", version, len(found), got)
			}
		}
	})
}

// A report cannot be turned on where sizes are not told, or cannot be written.
//
// Req: SY-94
func TestSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.SQLite(t), "duckdb")
	w.create("source", "basic", map[string]any{"type": w.info.Slug, "configuration": w.settings})
	w.create("destination", "ads", w.meta("17", true))
	for _, c := range []struct {
		report map[string]any
		path   string
		says   string
	}{
		{map[string]any{"enabled": true, "source": ""}, "spec.audienceSizes.source", "choose the source"},
		{map[string]any{"enabled": true, "source": "basic"}, "spec.audienceSizes.source", "Lightning engine"},
		{map[string]any{"enabled": true, "source": "nowhere"}, "spec.audienceSizes.source", "nowhere"},
	} {
		spec := w.meta("17", false)
		spec["audienceSizes"] = c.report
		err := w.update("destination", "ads", spec)
		if err == nil || fault.As(err).Path != c.path || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v at %q", c.report, err, fault.As(err).Path)
		}
	}
	spec := map[string]any{"type": "mailchimp", "configuration": map[string]any{"apiKey": "x-us1"}, "audienceSizes": map[string]any{"enabled": true, "source": "house"}}
	if err := w.update("destination", "ads", spec); err == nil || !strings.Contains(err.Error(), "does not tell the sizes") {
		t.Errorf("%v", err)
	}
	if err := w.docs.Delete(t.Context(), scope, "source", "house", 0); err == nil {
		t.Error("a source that sizes are written to was deleted")
	}
	// A sync is one of its model's source, not of the source that its destination's sizes go to.
	w.create("source", "elsewhere", map[string]any{"type": w.info.Slug, "configuration": w.settings})
	w.create("model", "guests", map[string]any{"source": "elsewhere", "method": "sql", "sql": "SELECT 1 AS id, 'a@example.com' AS email", "primaryKey": "id"})
	w.audience("buyers", "ads", "1", "add")
	found, _, err := w.docs.List(t.Context(), scope, "sync", resource.Filter{Refs: map[string]string{"source": "house"}})
	if err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	_, err = w.docs.Update(t.Context(), scope, "model", "people", resource.Write{Name: "people", Spec: []byte(`{"source":"elsewhere","method":"sql","sql":"SELECT 1 AS id, 'a@example.com' AS email","primaryKey":"id"}`)})
	w.must(err)
	if found, _, err = w.docs.List(t.Context(), scope, "sync", resource.Filter{Refs: map[string]string{"source": "house"}}); err != nil || len(found) != 0 {
		t.Errorf("a sync from elsewhere counts as one from the source: %v, %v", found, err)
	}
}
