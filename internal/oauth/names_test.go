package oauth

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// A provider with names of its own for the standard's parameters is asked with these, and the token is read where its
// answer has it.
//
// Req: SY-17
func TestNames(t *testing.T) {
	t.Parallel()
	var asked, answer string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) //nolint:errcheck // what is missing is seen below
		asked = string(body)
		io.WriteString(w, answer) //nolint:errcheck // the client sees
	}))
	defer server.Close()
	c := Config{
		Grant: GrantCode, AuthURL: "https://auth.example.com/allow", TokenURL: server.URL, ClientID: "app", ClientSecret: "s3cret",
		AuthStyle: AuthBody, JSON: true, Lasting: true, Within: "data", Keep: []string{"scope"},
		Names: map[string]string{"client_id": "app_id", "client_secret": "secret", "code": "auth_code", "response_type": "", "grant_type": "", "redirect_uri": "redirect"},
	}
	k := New(c, Options{State: connector.Memory()})
	address, err := k.AuthorizeURL(t.Context(), "https://back.example.com", "st")
	if want := "https://auth.example.com/allow?app_id=app&redirect=https%3A%2F%2Fback.example.com&state=st"; err != nil || address != want {
		t.Errorf("got  %s, %v\nwant %s", address, err, want)
	}
	client := newProvider(t).client(t)
	answer = `{"code":0,"message":"OK","data":{"access_token":"access","scope":[4]}}`
	got, err := k.Exchange(t.Context(), client, "https://back.example.com", "the-code")
	if err != nil || got.Refresh != "access" || got.Extra["scope"] != "[4]" {
		t.Errorf("got %+v, %v", got, err)
	}
	var sent map[string]string
	if err := json.Unmarshal([]byte(asked), &sent); err != nil || len(sent) != 4 || sent["app_id"] != "app" || sent["secret"] != "s3cret" || sent["auth_code"] != "the-code" {
		t.Errorf("asked with %s, %v", asked, err)
	}
	answer = `{"code":40110,"message":"the auth_code the-code is used","data":{}}`
	_, err = k.Exchange(t.Context(), client, "https://back.example.com", "the-code")
	if !fault.Is(err, fault.CodeDestinationAuth) || !strings.Contains(err.Error(), "is used") || strings.Contains(err.Error(), "the-code") {
		t.Errorf("got %v", err)
	}
}
