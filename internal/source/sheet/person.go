package sheet

import (
	"context"
	"net/http"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/oauth"
)

// Person sends requests with what a person allowed at the vendor (OAuth 2.0, authorization code).
type Person struct {
	tokens *oauth.Tokens
	client *httpx.Client // of the provider's service of tokens
}

// NewPerson connects to nothing.
func NewPerson(c oauth.Config, o connector.SourceOptions) (*Person, error) {
	client, err := httpx.New(httpx.Options{Dial: o.Network.DialContext, Egress: o.Network.Firewall(), Secrets: c.Secrets()})
	if err != nil {
		return nil, err
	}
	return &Person{oauth.New(c, oauth.Options{State: o.State}), client}, nil
}

// Insist lets the provider be asked whatever it said before: a person tests the connection.
func (p *Person) Insist() { p.tokens.Insist() }

// Close ends idle connections to the provider.
func (p *Person) Close() { p.client.Close() }

// Do sends a request without a body. One whose access token is not accepted is sent once more, with another one. Where
// no access token can be had, the error is a *fault.Error with a code of sources.
func (p *Person) Do(client *http.Client, r *http.Request, doing string) (*http.Response, error) {
	answer, token, err := p.do(client, r, doing)
	if err != nil || answer.StatusCode != http.StatusUnauthorized {
		return answer, err
	}
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	p.tokens.Refuse(token)
	answer, _, err = p.do(client, r, doing)
	return answer, err
}

func (p *Person) do(client *http.Client, r *http.Request, doing string) (*http.Response, string, error) {
	token, err := p.tokens.Get(r.Context(), p.client)
	if err != nil {
		return nil, "", tokenFault(err, doing)
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token.Access)
	answer, err := client.Do(r) //nolint:gosec // the place's own address, which its connections confine
	return answer, token.Access, err
}

// tokenFault gives an error of the service of tokens a code of sources.
func tokenFault(err error, doing string) error {
	e := fault.As(err)
	code := fault.CodeSourceUnreachable
	if e.Code == fault.CodeDestinationAuth || e.Code == fault.CodeDestinationGrant {
		code = fault.CodeSourceAuth
	}
	return fault.Reclass(fault.Wrap(err, code, "%s", doing).WithSuggestion("%s", e.Hint()), e.Class)
}

// AuthorizeURL returns the vendor's page where the person allows the access.
func (p *Person) AuthorizeURL(redirect, state string) (string, error) {
	return p.tokens.AuthorizeURL(context.Background(), redirect, state)
}

// Exchange gets the refresh token for the code that came to the callback.
func (p *Person) Exchange(ctx context.Context, redirect, code string) (connector.Settings, error) {
	a, err := p.tokens.Exchange(ctx, p.client, redirect, code)
	if err != nil {
		return nil, err
	}
	return connector.Settings{"refreshToken": a.Refresh}, nil
}

// Asking is a Place that may be opened as a person.
type Asking interface {
	Place

	// Person returns who asks; nil where it is no person.
	Person() *Person
}

// AuthorizeURL returns the vendor's page where a person allows the access.
func (s *Source) AuthorizeURL(redirect, state string) (string, error) {
	p, err := s.person()
	if err != nil {
		return "", err
	}
	return p.AuthorizeURL(redirect, state)
}

// Exchange gets for the code what the source works with.
func (s *Source) Exchange(ctx context.Context, redirect, code string) (connector.Settings, error) {
	p, err := s.person()
	if err != nil {
		return nil, err
	}
	return p.Exchange(ctx, redirect, code)
}

func (s *Source) person() (*Person, error) {
	if a, ok := s.place.(Asking); ok && a.Person() != nil {
		return a.Person(), nil
	}
	return nil, fault.New(fault.CodeInvalid, "nobody has to allow the access to %s with these settings", s.name)
}
