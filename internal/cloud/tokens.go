package cloud

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"golang.org/x/oauth2"
)

// Tokens are access tokens of a GCP identity. Each is used until shortly before it expires, or until it is forgotten.
// They are safe for concurrent use.
type Tokens struct {
	fresh func() (oauth2.TokenSource, error)

	mu      sync.Mutex
	source  oauth2.TokenSource
	refused string // the token that is not accepted any more
}

var _ oauth2.TokenSource = (*Tokens)(nil)

// Tokens returns the access tokens for the scopes, which client fetches as TokenSource says.
func (g GCP) Tokens(client *http.Client, scopes ...string) (*Tokens, error) {
	fresh := func() (oauth2.TokenSource, error) { return g.TokenSource(context.Background(), client, scopes...) }
	source, err := fresh()
	if err != nil {
		return nil, err
	}
	return &Tokens{fresh: fresh, source: oauth2.ReuseTokenSource(nil, source)}, nil
}

// Token returns the token that is in use, or a new one.
func (t *Tokens) Token() (*oauth2.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	token, err := t.source.Token()
	if err != nil || token.AccessToken != t.refused {
		return token, err //nolint:wrapcheck // the caller says what failed
	}
	source, err := t.fresh()
	if err != nil {
		return nil, err
	}
	t.source, t.refused = oauth2.ReuseTokenSource(nil, source), ""
	return t.source.Token() //nolint:wrapcheck // the caller says what failed
}

// Refuse forgets an access token that is not accepted. One that came in its place meanwhile stays.
func (t *Tokens) Refuse(access string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = access
}

// Transport makes requests with an access token. One that is answered with 401 is made once more with another token:
// nothing was done then. Until it is answered, a body that can be read only once is kept in memory.
func (t *Tokens) Transport(base http.RoundTripper) http.RoundTripper { return &authorized{base, t} }

type authorized struct {
	base   http.RoundTripper
	tokens *Tokens
}

// RoundTrip makes a request.
func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := again(r)
	if err != nil {
		return nil, err
	}
	access, resp, err := a.try(r, body)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	resp.Body.Close() //nolint:errcheck // the next answer counts
	a.tokens.Refuse(access)
	_, resp, err = a.try(r, body)
	return resp, err
}

func (a *authorized) try(r *http.Request, body func() (io.ReadCloser, error)) (access string, resp *http.Response, err error) {
	token, err := a.tokens.Token()
	if err != nil {
		return "", nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	if r.Body, err = body(); err != nil {
		return "", nil, err
	}
	resp, err = a.base.RoundTrip(r)
	return token.AccessToken, resp, err //nolint:wrapcheck // a transport's errors are those of its base
}

// again returns how a request's body is read, each time from its beginning.
func again(r *http.Request) (func() (io.ReadCloser, error), error) {
	if r.Body == nil || r.Body == http.NoBody {
		return func() (io.ReadCloser, error) { return r.Body, nil }, nil
	}
	defer r.Body.Close() //nolint:errcheck // it was read
	if r.GetBody != nil {
		return r.GetBody, nil
	}
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be sent: %w", err)
	}
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }, nil
}

// Who names the identity to people.
func (g GCP) Who() string {
	if account, err := ParseServiceAccount(g.ServiceAccountKey); g.Auth != AuthServer && err == nil {
		return "the service account " + account.ClientEmail
	}
	return "the server's own Google identity"
}
