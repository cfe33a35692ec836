package tiktok_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/tiktok"
	"github.com/millrace/millrace/internal/httpx"
)

// A person who logs in to TikTok is sent there with TikTok's own words, and what comes back is the token that requests
// are sent with.
//
// Req: SY-17
func TestLogin(t *testing.T) {
	t.Parallel()
	var asked map[string]string
	token := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/access_token/" {
			json.NewDecoder(r.Body).Decode(&asked)                                                                                 //nolint:errcheck // what is missing is seen below
			io.WriteString(w, `{"code":0,"message":"OK","data":{"access_token":"lasting","advertiser_ids":["7001"],"scope":[4]}}`) //nolint:errcheck // the client sees
			return
		}
		token = r.Header.Get("Access-Token")
		io.WriteString(w, `{"code":0,"message":"OK","data":{}}`) //nolint:errcheck // the client sees
	}))
	defer server.Close()
	settings := connector.Settings{"method": "oauth", "clientId": "77", "clientSecret": "s3cret", "baseUrl": server.URL}
	d := open(t, settings)
	address, err := d.(connector.Authorizer).AuthorizeURL("https://cdp.example/back", "st")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host != "business-api.tiktok.com" || u.RawQuery != "app_id=77&redirect_uri=https%3A%2F%2Fcdp.example%2Fback&state=st" {
		t.Errorf("the person is sent to %s, %v", address, err)
	}
	learned, err := d.(connector.Authorizer).Exchange(t.Context(), "https://cdp.example/back", "the-code")
	if err != nil {
		t.Fatal(err)
	}
	if asked["app_id"] != "77" || asked["secret"] != "s3cret" || asked["auth_code"] != "the-code" || asked["grant_type"] != "" {
		t.Errorf("TikTok was asked with %v", asked)
	}
	settings["refreshToken"] = learned["refreshToken"]
	if err := open(t, settings).Test(t.Context()); err != nil || token != "lasting" {
		t.Errorf("sent with %q: %v", token, err)
	}
}

func open(t *testing.T, settings connector.Settings) connector.Destination {
	t.Helper()
	return openWith(t, connector.DestinationOptions{Settings: settings})
}

func openWith(t *testing.T, options connector.DestinationOptions) connector.Destination {
	t.Helper()
	text, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse("manifest.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	info := m.Info(httpx.AnyNetwork, tiktok.Hooks())
	options.Settings = options.Settings.WithDefaults(info.Fields)
	d, err := info.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
