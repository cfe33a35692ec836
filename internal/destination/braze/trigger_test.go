package braze

import "testing"

// Only messages that an API call starts are offered.
//
// Req: SY-17
func TestStarts(t *testing.T) {
	t.Parallel()
	for details, want := range map[string]bool{
		`{"enabled": true, "draft": false, "archived": false, "schedule_type": "api_triggered"}`: true,
		`{"enabled": true, "schedule_type": null}`:                                               true,
		`{"schedule_type": "API-Triggered"}`:                                                     true,
		`{"enabled": false, "schedule_type": "api_triggered"}`:                                   false,
		`{"enabled": true, "draft": true, "schedule_type": "api_triggered"}`:                     false,
		`{"enabled": true, "archived": true, "schedule_type": "api_triggered"}`:                  false,
		`{"enabled": true, "schedule_type": "action_based"}`:                                     false,
	} {
		if got := starts(parse(t, details)); got != want {
			t.Errorf("%s: %v", details, got)
		}
	}
}
