package oauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/oauth"
)

// A vendor that names the customer's own server along with the token.
func Example() {
	var vendor *httptest.Server
	vendor = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			fmt.Fprintf(w, `{"access_token":"secret-token","instance_url":%q}`, vendor.URL+"/customer")
			return
		}
		fmt.Fprintln(w, r.Method, r.URL.Path, len(r.Header.Get("Authorization")))
	}))
	defer vendor.Close()
	ctx := context.Background()
	client, err := httpx.New(httpx.Options{})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	tokens := oauth.New(oauth.Config{
		Grant: oauth.GrantClient, TokenURL: vendor.URL + "/token", ClientID: "id", ClientSecret: "secret",
		HeaderPrefix: "Bearer", Keep: []string{"instance_url"},
	}, oauth.Options{State: connector.Memory()})
	token, err := tokens.Get(ctx, client)
	if err != nil {
		panic(err)
	}
	address, err := url.Parse(token.Extra["instance_url"] + "/rows")
	if err != nil {
		panic(err)
	}
	r := &httpx.Request{Method: http.MethodPost, URL: address}
	resp, err := httpx.Authorized(ctx, tokens.Through(client), r, func() (*httpx.Response, error) {
		resp, exchange, err := client.Do(ctx, r)
		fmt.Println(exchange.RequestHeaders)
		return resp, err
	})
	if err != nil {
		panic(err)
	}
	fmt.Print(string(resp.Body))
	// Output:
	// [{Authorization [secret]}]
	// POST /customer/rows 19
}
