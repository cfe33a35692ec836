package intercom_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/intercom"
	"github.com/millrace/millrace/internal/httpx"
)

// A person allows the access where the workspace is hosted.
//
// Req: SY-17
func TestRegions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse("manifest.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	info := m.Info(httpx.AnyNetwork, intercom.Hooks())
	for region, host := range map[string]string{"us": "app.intercom.com", "eu": "app.eu.intercom.com", "au": "app.au.intercom.com"} {
		t.Run(region, func(t *testing.T) {
			t.Parallel()
			settings := connector.Settings{"region": region, "clientId": "app", "clientSecret": "s3cret"}
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
			if u.Host != host || u.Path != "/oauth" || u.Query().Get("client_id") != "app" {
				t.Errorf("the person is sent to %s, not to %s", address, host)
			}
		})
	}
}
