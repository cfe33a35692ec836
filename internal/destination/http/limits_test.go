package httprequest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/httpx"
)

// What the API allows is said at the destination, in four kinds and for endpoints of their own, and holds for the
// requests of every sync whose path begins so.
//
// Req: FLD-10
func TestLimitsOfTheAPI(t *testing.T) {
	t.Parallel()
	s := settings{RateLimits: []string{"100/second", " 1000 / minute", "/contacts 4/second", "/contacts 2 at once", "10000/day", "/contacts/search 5000/hour"}}
	all := []connector.Rate{
		{Requests: 100, Window: time.Second, Class: "all"}, {Requests: 1000, Window: time.Minute, Class: "all"}, {Requests: 10000, Window: 24 * time.Hour, Class: "all"},
	}
	contacts := []connector.Rate{{Requests: 4, Window: time.Second, Class: "path /contacts"}, {Requests: 2, Class: "path /contacts"}}
	for path, want := range map[string][]connector.Rate{
		"/deals/{{ row.id }}":    all,
		"contacts/{{ row.id }}":  {all[0], all[1], contacts[0], contacts[1], all[2]},
		"/contacts/search?all=1": {all[0], all[1], contacts[0], contacts[1], all[2], {Requests: 5000, Window: time.Hour, Class: "path /contacts/search"}},
		"":                       all,
	} {
		if got := s.limitsOf(path); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	for _, bad := range []string{"100", "100/fortnight", "contacts 4/second", "0/second", "fast", "-1/second", "1 at most"} {
		issues := settings{BaseURL: "https://api.example.com", RateLimits: []string{bad}}.check()
		if len(issues) != 1 || issues[0].Path != "spec.configuration.rateLimits" || !strings.Contains(issues[0].Message, bad) {
			t.Errorf("%q: %v", bad, issues)
		}
	}

	run := begin(t, httpx.AnyNetwork, connector.Settings{"baseUrl": "https://api.example.com", "rateLimits": []any{"/contacts 4/second"}}, connector.Settings{
		"added": map[string]any{"enabled": true, "url": "/contacts/{{ row.id }}", "rateLimit": 0}, "removed": map[string]any{"enabled": true, "url": "/gone", "rateLimit": 0},
	})
	if got := run.LimitsOf(connector.Added).Rates; !slices.Equal(got, contacts[:1]) {
		t.Errorf("added: %v", got)
	}
	if got := run.LimitsOf(connector.Removed).Rates; len(got) != 0 {
		t.Errorf("removed: %v", got)
	}
}
