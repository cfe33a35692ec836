package chat

import (
	"context"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
)

// A user is asked for once: an answer and a refusal are remembered, and an error that passes is not.
//
// Req: SY-32
func TestPeopleAreAskedForOnce(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	answers := map[string]error{"gone@x": fault.New(fault.CodeDestinationRejected, "no such user"), "busy@x": fault.New(fault.CodeDestinationThrottled, "wait")}
	people := NewPeople("slack_user_lookup", func(_ context.Context, address string) (string, error) {
		asked[address]++
		return "U-" + address, answers[address]
	})
	for _, c := range []struct {
		address string
		fails   bool
		class   fault.Class // of the error
		times   int
	}{{"ann@x", false, 0, 1}, {"gone@x", true, fault.Permanent, 1}, {"busy@x", true, fault.Throttled, 2}} {
		w, err := Compile(connector.SyncJob{Settings: connector.Settings{"body": "<@{{ '" + c.address + "' | slack_user_lookup }}>"}}, "body", template.Plain)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			text, err := w.OfRows(t.Context(), nil, people)
			if err == nil && text != "<@U-"+c.address+">" || (err != nil) != c.fails || err != nil && fault.ClassOf(err) != c.class {
				t.Errorf("%s: %q, %v", c.address, text, err)
			}
		}
		if asked[c.address] != c.times {
			t.Errorf("%s was asked for %d times, not %d", c.address, asked[c.address], c.times)
		}
	}
}

// Elsewhere than in messages to Slack the filter says where it works.
//
// Req: SY-32
func TestLookupElsewhere(t *testing.T) {
	t.Parallel()
	w, err := Compile(connector.SyncJob{Settings: connector.Settings{"body": "{{ 'ann@x' | slack_user_lookup }}"}}, "body", template.Plain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.OfRows(t.Context(), nil, nil); err == nil || fault.As(err).Code != fault.CodeTemplate {
		t.Errorf("got %v", err)
	}
}
