package orchestrator

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/resource/resourcetest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	resourcetest.Golden(t, Kind(), "testdata/golden.json")
}

// Req: DBT-06, ORC-01
func TestValidate(t *testing.T) {
	t.Parallel()
	k := Kind()
	for _, tt := range []struct {
		spec       Spec
		path, says string // of the one error; empty means none
	}{
		{Spec{Type: DBTCloud, Configuration: map[string]any{"accountId": "1", "token": "t"}}, "", ""},
		{Spec{Type: Fivetran, Configuration: map[string]any{"apiKey": "k", "apiSecret": "s"}}, "", ""},
		{Spec{Type: "airflow"}, "spec.type", "there are dbtCloud and fivetran"},
		{Spec{Type: Fivetran, Configuration: map[string]any{"apiKey": "k"}}, "spec.configuration.apiSecret", ""},
		{Spec{Type: DBTCloud, Configuration: map[string]any{"accountId": "1", "token": "t", "baseUrl": "cloud"}}, "spec.configuration.baseUrl", "https://"},
	} {
		issues := k.Validate(&tt.spec, func(string) bool { return false })
		if tt.path == "" && len(issues) > 0 || tt.path != "" && (len(issues) != 1 || issues[0].Path != tt.path || !strings.Contains(issues[0].Error(), tt.says)) {
			t.Errorf("%+v: %v", tt.spec, issues)
		}
	}
	if issues := k.Change(&Spec{Type: DBTCloud}, &Spec{Type: Fivetran}); len(issues) != 1 {
		t.Errorf("another type: %v", issues)
	}
}
