package cloud_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/cloud/cloudtest"
)

func tokensOf(t *testing.T, credential map[string]any) *cloud.Tokens {
	t.Helper()
	tokens, err := cloud.GCP{Auth: "key", ServiceAccountKey: credential["serviceAccountKey"].(string)}.Tokens(http.DefaultClient, "scope")
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func token(t *testing.T, tokens *cloud.Tokens) string {
	t.Helper()
	got, err := tokens.Token()
	if err != nil {
		t.Fatal(err)
	}
	return got.AccessToken
}

// A token is used until it expires or is refused; the refusal of an earlier one does not concern it.
func TestTokens(t *testing.T) {
	t.Parallel()
	credential, issuer := cloudtest.NewIssuer(t)
	tokens := tokensOf(t, credential)
	first := token(t, tokens)
	if token(t, tokens) != first || issuer.Issued() != 1 {
		t.Errorf("%d tokens for two requests", issuer.Issued())
	}
	tokens.Refuse(first)
	second := token(t, tokens)
	if tokens.Refuse(first); second == first || token(t, tokens) != second || issuer.Issued() != 2 {
		t.Errorf("%q after %q was refused, of %d", second, first, issuer.Issued())
	}
	issuer.Lifetime = 1
	tokens.Refuse(second)
	third := token(t, tokens)
	if fourth := token(t, tokens); fourth == third || !issuer.Accepts("Bearer "+fourth) {
		t.Errorf("%q after %q expired", fourth, third)
	}
}

// A request that is refused is made once more with another token, and its body whole, whether it can be read again or not.
func TestTransport(t *testing.T) {
	t.Parallel()
	credential, issuer := cloudtest.NewIssuer(t)
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, string(body))
		if !issuer.Accepts(r.Header.Get("Authorization")) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(server.Close)
	client := &http.Client{Transport: tokensOf(t, credential).Transport(http.DefaultTransport)}
	post := func(body io.Reader) (status int, sent []string) {
		t.Helper()
		bodies = nil
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close() //nolint:errcheck // nothing was written
		if r.Header.Get("Authorization") != "" {
			t.Error("the request was changed")
		}
		return resp.StatusCode, bodies
	}
	for name, body := range map[string]func() io.Reader{
		"again": func() io.Reader { return strings.NewReader("rows") },
		"once":  func() io.Reader { return io.LimitReader(strings.NewReader("rows and more"), 4) },
		"none":  func() io.Reader { return nil },
	} {
		want := map[bool]string{true: "", false: "rows"}[name == "none"]
		if status, sent := post(body()); status != http.StatusOK || len(sent) != 1 || sent[0] != want {
			t.Errorf("%s: %d %q", name, status, sent)
		}
		issuer.Revoke(false)
		if status, sent := post(body()); status != http.StatusOK || len(sent) != 2 || sent[0] != want || sent[1] != want {
			t.Errorf("%s, after the token was taken back: %d %q", name, status, sent)
		}
	}
	issuer.Revoke(true)
	if status, sent := post(nil); status != http.StatusUnauthorized || len(sent) != 2 {
		t.Errorf("for ever: %d after %d requests", status, len(sent))
	}
}

func TestWho(t *testing.T) {
	t.Parallel()
	credential, _ := cloudtest.NewIssuer(t)
	if who := (cloud.GCP{Auth: "key", ServiceAccountKey: credential["serviceAccountKey"].(string)}).Who(); who != "the service account "+cloudtest.Email {
		t.Error(who)
	}
	if who := (cloud.GCP{Auth: cloud.AuthServer}).Who(); who != "the server's own Google identity" {
		t.Error(who)
	}
}
