package synclog_test

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/synclog"
)

// Sync logs are off unless somebody chooses tables, and only a source that can have them may.
//
// Req: SY-53, SY-54
func TestValidate(t *testing.T) {
	t.Parallel()
	some := &synclog.Tables{Runs: true}
	with, without := connector.SourceInfo{Name: "PostgreSQL", SyncLogs: true}, connector.SourceInfo{Name: "Files"}
	for _, c := range []struct {
		name   string
		tables *synclog.Tables
		info   connector.SourceInfo
		engine string
		want   string // in the error; empty means none
	}{
		{"nothing chosen", nil, without, "", ""},
		{"an empty choice", &synclog.Tables{}, without, "", ""},
		{"possible", some, with, connector.EngineLightning, ""},
		{"the other engine", some, with, connector.EngineBasic, "Lightning"},
		{"the engine by default", some, with, "", "Lightning"},
		{"a type without them", some, without, connector.EngineLightning, "Files"},
	} {
		var issues fault.Issues
		c.tables.Validate("spec.syncLogs", c.info, c.engine, &issues)
		switch {
		case c.want == "":
			if len(issues) > 0 {
				t.Errorf("%s: %v", c.name, issues)
			}
		case len(issues) != 1 || issues[0].Path != "spec.syncLogs" || issues[0].Suggestion == "" || !strings.Contains(issues[0].Message, c.want):
			t.Errorf("%s: %v", c.name, issues)
		}
	}
}

// Req: SY-54
func TestUnion(t *testing.T) {
	t.Parallel()
	if got := synclog.Union(nil, nil); got.Any() {
		t.Errorf("%+v", got)
	}
	got := synclog.Union(&synclog.Tables{Snapshot: true}, nil, &synclog.Tables{Runs: true})
	if got != (synclog.Tables{Snapshot: true, Runs: true}) {
		t.Errorf("%+v", got)
	}
}
