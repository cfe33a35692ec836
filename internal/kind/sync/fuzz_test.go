package sync

import (
	"errors"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Whatever is pasted as a sync's JSON, it is read and judged, and every problem has a code and a path.
//
// Req: SY-10
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		`{"mode":"upsert","type":"object","fromId":"track_visitor_id","object":"user","mappings":[{"to":"uuid-western","from":"uuid"}],"customMappings":[{"to":"unique_notification_status","from":"notify_status"}]}`,
		`{"model":"m","destination":"d","type":"t","mode":"upsert","match":[{"from":"id","to":"id"}],"mappings":[{"to":"a","from":"b","omitNull":true}],"schedule":{"type":"cron","cron":"0 6 * * *"}}`,
		`{"mappings":[{"to":"a","kind":"template","template":"{{ x | nope }}"},{"to":"a","kind":"object","fields":[{"to":"","kind":"array"}]}]}`,
		`{"schedule":{"type":"custom","zone":"Europe/Berlin","recurrences":[{"days":["monday"],"time":"25:00"}]}}`, `{"mode":7}`, `[]`, `null`, `"x"`, `{"mappings":{}}`, `{`,
		`{"schedule":{"type":"interval","interval":{"unit":"hour","quantity":-1},"start":"2026-01-02T00:00:00Z","end":"2026-01-01T00:00:00Z"}}`,
	} {
		f.Add(seed)
	}
	k := Kind(connector.New(nil, nil))
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := k.Decode([]byte(text))
		if err != nil {
			judged(t, text, err)
			return
		}
		judged(t, text, k.Validate(spec, func(string) bool { return false }).Err())
		k.References(spec)
	})
}

func judged(t *testing.T, text string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	issues, several := errors.AsType[fault.Issues](err)
	if !several {
		issues = fault.Issues{fault.As(err)}
	}
	for _, issue := range issues {
		if issue.Path == "" || issue.Code == fault.CodeInternal {
			t.Errorf("%s: %v has no path or no code", text, issue)
		}
	}
}
