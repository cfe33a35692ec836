package fivetran

import "testing"

// What webhooks send is read, and signed by whom it should be.
//
// Req: ORC-01
func TestWebhook(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event":"sync_end"}`)
	// printf '{"event":"sync_end"}' | openssl dgst -sha256 -hmac secret
	const signature = "56356B701DC5E8B9DCCD89B4FB0F69150F70003629464D470507D6AA389EAFC6"
	for _, tt := range []struct {
		secret, signature string
		want              bool
	}{
		{"secret", signature, true}, {"other", signature, false}, {"", signature, false}, {"secret", "", false}, {"secret", "zz", false}, {"secret", signature[2:], false},
	} {
		if got := Verify(tt.secret, body, tt.signature); got != tt.want {
			t.Errorf("%q with %q: %v", tt.signature, tt.secret, got)
		}
	}
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
