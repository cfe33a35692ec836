package notion_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/notion"
	"github.com/millrace/millrace/internal/httpx"
)

// Notion wants to be told that a person is the token's owner.
//
// Req: SY-17
func TestOwner(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse("manifest.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	info := m.Info(httpx.AnyNetwork, notion.Hooks())
	settings := connector.Settings{"clientId": "app", "clientSecret": "s3cret"}
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
	if u.Host != "api.notion.com" || u.Query().Get("owner") != "user" || u.Query().Get("response_type") != "code" {
		t.Errorf("the person is sent to %s", address)
	}
}
