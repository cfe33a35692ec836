package bitool

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/resource/resourcetest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	resourcetest.Golden(t, Kind(), "testdata/golden.json")
}

// Req: BI-01, BI-02
func TestValidate(t *testing.T) {
	t.Parallel()
	k := Kind()
	for _, tt := range []struct {
		spec       Spec
		path, says string // of the one error; empty means none
	}{
		{Spec{Type: Looker, Configuration: map[string]any{"baseUrl": "https://x.example.com", "clientId": "i", "clientSecret": "s"}}, "", ""},
		{Spec{Type: Sigma, Configuration: map[string]any{"clientId": "i", "clientSecret": "s"}}, "", ""},
		{Spec{Type: Looker, Tunnel: "office", Configuration: map[string]any{"baseUrl": "https://x.example.com", "clientId": "i", "clientSecret": "s"}}, "", ""},
		{Spec{Type: Sigma, Tunnel: "office", Configuration: map[string]any{"clientId": "i", "clientSecret": "s"}}, "spec.tunnel", "Sigma"},
		{Spec{Type: "excel"}, "spec.type", "there are looker and sigma"},
		{Spec{Type: Looker, Configuration: map[string]any{"clientId": "i", "clientSecret": "s"}}, "spec.configuration.baseUrl", ""},
		{Spec{Type: Sigma, Configuration: map[string]any{"clientId": "i"}}, "spec.configuration.clientSecret", ""},
		{Spec{Type: Looker, Configuration: map[string]any{"baseUrl": "x", "clientId": "i", "clientSecret": "s"}}, "spec.configuration.baseUrl", "https://"},
	} {
		issues := k.Validate(&tt.spec, func(string) bool { return false })
		if tt.path == "" && len(issues) > 0 || tt.path != "" && (len(issues) != 1 || issues[0].Path != tt.path || !strings.Contains(issues[0].Error(), tt.says)) {
			t.Errorf("%+v: %v", tt.spec, issues)
		}
	}
	if issues := k.Change(&Spec{Type: Looker}, &Spec{Type: Sigma}); len(issues) != 1 {
		t.Errorf("another type: %v", issues)
	}
}
