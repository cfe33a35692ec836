package destination

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/httpx"
)

// A service account reaches the Data Manager API without anybody who logs in, also through a partner link.
//
// Req: SY-17
func TestServiceAccount(t *testing.T) {
	t.Parallel()
	for slug, settings := range map[string]connector.Settings{
		"google-data-manager": {"method": "service_account", "partner": "901"},
		"google":              {"access": "partner_link", "partner": "901"},
	} {
		t.Run(slug, func(t *testing.T) {
			t.Parallel()
			var grant, seen string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/token" {
					grant = r.FormValue("grant_type")
					io.WriteString(w, `{"access_token":"of-the-account","token_type":"Bearer","expires_in":3600}`) //nolint:errcheck // the client sees
					return
				}
				seen = r.Header.Get("Authorization") + " " + r.Header.Get("Login-Account")
				io.WriteString(w, `{"userLists":[]}`) //nolint:errcheck // the client sees
			}))
			defer server.Close()
			settings["serviceAccountKey"], settings["account"], settings["baseUrl"] = serviceAccount(t), "1234567890", server.URL
			d := openManifest(t, slug, settings)
			if err := d.Test(t.Context()); err != nil {
				t.Fatal(err)
			}
			if grant != "urn:ietf:params:oauth:grant-type:jwt-bearer" || seen != "Bearer of-the-account accountTypes/DATA_PARTNER/accounts/901" {
				t.Errorf("asked with %q, sent with %q", grant, seen)
			}
		})
	}
}

// openManifest opens a destination at which nobody has to log in.
func openManifest(t *testing.T, slug string, settings connector.Settings) connector.Destination {
	t.Helper()
	all := Manifests(httpx.AnyNetwork)
	info := all[slices.IndexFunc(all, func(i connector.DestinationInfo) bool { return i.Slug == slug })]
	settings = settings.WithDefaults(info.Fields)
	if info.NeedsAuthorization(settings) {
		t.Error("somebody has to log in")
	}
	d, err := info.Open(connector.DestinationOptions{Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func serviceAccount(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "robot@project.iam.gserviceaccount.com", "private_key_id": "k1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "https://oauth2.googleapis.com/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
