package hubspot_test

import (
	"maps"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/hubspot"
	"github.com/millrace/millrace/internal/httpx"
)

// Scopes of Enterprise are asked for only where the settings say so; they are optional ones, so that an account without
// a product can allow the others.
//
// Req: SY-17
func TestScopes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse("manifest.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	info := m.Info(httpx.AnyNetwork, hubspot.Hooks())
	for _, tt := range []struct {
		name        string
		settings    connector.Settings
		with, never []string
	}{
		{"standard", nil, []string{"crm.lists.write"}, []string{"analytics", "sensitive"}},
		{"enterprise", connector.Settings{"scopes": "enterprise"}, []string{"analytics.behavioral_events.send"}, []string{"sensitive"}},
		{"sensitive", connector.Settings{"sensitivity": "sensitive"}, []string{"crm.objects.custom.sensitive.write"}, []string{"highly_sensitive"}},
		{"highly sensitive", connector.Settings{"sensitivity": "highly_sensitive"}, []string{"crm.objects.custom.sensitive.write", "crm.objects.custom.highly_sensitive.write"}, nil},
		{"others", connector.Settings{"moreScopes": []any{"crm.objects.orders.read", "crm.objects.orders.write"}}, []string{"crm.objects.orders.read", "crm.objects.orders.write"}, []string{"analytics"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := optional(t, info, tt.settings)
			for _, scope := range tt.with {
				if !strings.Contains(asked, scope) {
					t.Errorf("%s is not asked for in %q", scope, asked)
				}
			}
			for _, scope := range tt.never {
				if strings.Contains(asked, scope) {
					t.Errorf("%s is asked for in %q", scope, asked)
				}
			}
			if asked != strings.Join(strings.Fields(asked), " ") {
				t.Errorf("the scopes are not parted by single spaces: %q", asked)
			}
		})
	}
}

func optional(t *testing.T, info connector.DestinationInfo, more connector.Settings) string {
	t.Helper()
	settings := connector.Settings{"method": "oauth", "clientId": "app", "clientSecret": "s3cret"}
	maps.Copy(settings, more)
	d, err := info.Open(connector.DestinationOptions{Settings: settings.WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	address, err := d.(connector.Authorizer).AuthorizeURL("https://cdp.example/back", "state")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("optional_scope")
}
