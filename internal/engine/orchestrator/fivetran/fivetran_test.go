package fivetran

import "testing"

// What webhooks send is read.
//
// Req: ORC-01
func TestWebhook(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Event{
		`{"event":"sync_end","connector_id":"a_b","data":{"status":"SUCCESSFUL"}}`: {"a_b", true},
		`{"event":"sync_end","connector_id":"a_b","data":{"status":"FAILURE"}}`:    {"a_b", false},
		`{"event":"dbt_run_succeeded","data":{"dbtJobId":"lyre_stolen"}}`:          {"lyre_stolen", true},
		`{"event":"sync_start","connector_id":"a_b"}`:                              {},
		`{"event":"test"}`: {},
	} {
		got, ok, err := Read([]byte(text))
		if err != nil || got != want || ok != (want.Job != "") {
			t.Errorf("%s: %+v, %v, %v", text, got, ok, err)
		}
	}
	if _, _, err := Read([]byte("x")); err == nil {
		t.Error("what is no JSON is read")
	}
}
