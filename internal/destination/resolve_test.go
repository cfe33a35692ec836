package destination

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/httpx"
)

// After a crash, work that was waited for counts as taken only where nothing was to follow that needs the rows.
//
// Req: SY-17
func TestResolve(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		answer string
		is     connector.Resolution
	}{
		"complete":      {`{"data":{"attributes":{"status":"complete","failed_count":0}}}`, connector.ResolvedTaken},
		"with failures": {`{"data":{"attributes":{"status":"complete","failed_count":1}}}`, connector.ResolvedUnknown},
		"not over":      {`{"data":{"attributes":{"status":"processing","failed_count":0}}}`, connector.ResolvedUnknown},
		"cancelled":     {`{"data":{"attributes":{"status":"cancelled"}}}`, connector.ResolvedNotTaken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := ""
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.Method + " " + r.URL.Path
				w.Write([]byte(want.answer)) //nolint:errcheck // the client sees
			}))
			defer server.Close()
			got := resolved(t, connector.Settings{"apiKey": "k", "baseUrl": server.URL}, `{"operation":"added","step":1,"vars":{"job":"job-1"}}`)
			if got != want.is || asked != "GET /api/profile-bulk-import-jobs/job-1" {
				t.Errorf("%s after %s, want %s", got, asked, want.is)
			}
		})
	}
}

// resolved asks what became of a batch of profiles.
func resolved(t *testing.T, settings connector.Settings, token string) connector.Resolution {
	t.Helper()
	all := Manifests(httpx.AnyNetwork)
	info := all[slices.IndexFunc(all, func(i connector.DestinationInfo) bool { return i.Slug == "klaviyo" })]
	d, err := info.Open(connector.DestinationOptions{Settings: settings.WithDefaults(info.Fields), Clock: clock.NewManual(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))})
	if err != nil {
		t.Fatal(err)
	}
	job := connector.SyncJob{
		Type: "profile", Mode: connector.ModeUpsert, Settings: connector.Settings{},
		Match: []connector.MatchPair{{To: "email"}},
	}
	got, err := d.(connector.Resolver).Resolve(t.Context(), job, token)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
