package oauth

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"golang.org/x/oauth2"
)

const (
	// pendingKey is where the State has what binds a code to who asked for it.
	pendingKey = "oauth pending"
	// pendingTime is how long a person may be away at the provider.
	pendingTime = 15 * time.Minute
)

// pending is an authorization that somebody began.
type pending struct {
	Verifier string    `json:"verifier"`
	Until    time.Time `json:"until"`
}

// AuthorizeURL returns the address at which a person allows the access (RFC 6749, 4.1.1). redirect is the server's
// callback, and state comes back to it. With Config.PKCE, of several people who begin at the same time the last one can
// finish; it needs a State that outlives t.
func (t *Tokens) AuthorizeURL(ctx context.Context, redirect, state string) (string, error) {
	c := t.config
	params := []Param{
		{"response_type", "code"},
		{"client_id", c.ClientID},
		{"redirect_uri", redirect},
		{"state", state},
	}
	if c.Scopes != "" {
		params = append(params, Param{"scope", c.Scopes})
	}
	if c.Audience != "" {
		params = append(params, Param{"audience", c.Audience})
	}
	if c.PKCE {
		verifier, err := t.begin(ctx)
		if err != nil {
			return "", err
		}
		params = append(params, Param{"code_challenge", oauth2.S256ChallengeFromVerifier(verifier)}, Param{"code_challenge_method", "S256"})
	}
	for i := range params {
		params[i].Name = c.called(params[i].Name)
	}
	params = slices.DeleteFunc(params, func(p Param) bool { return p.Name == "" })
	u, err := withParams(c.AuthURL, append(params, c.AuthParams...))
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// begin makes a verifier and keeps it until the code comes.
func (t *Tokens) begin(ctx context.Context) (string, error) {
	p := pending{oauth2.GenerateVerifier(), t.clock.Now().Add(pendingTime)}
	text, err := json.Marshal(p)
	if err != nil {
		return "", fault.Wrap(err, fault.CodeInternal, "keeping what was begun")
	}
	_, err = t.state.Update(ctx, pendingKey, func(context.Context, string) (string, error) { return string(text), nil })
	return p.Verifier, err
}

// finish returns the verifier of what was begun. It is good once.
func (t *Tokens) finish(ctx context.Context) (string, error) {
	var p pending
	_, err := t.state.Update(ctx, pendingKey, func(_ context.Context, old string) (string, error) {
		p = pending{}
		if old != "" && json.Unmarshal([]byte(old), &p) != nil {
			p = pending{}
		}
		return "{}", nil
	})
	if err == nil && (p.Verifier == "" || !t.clock.Now().Before(p.Until)) {
		err = fault.New(fault.CodeDestinationAuth, "nobody began to allow the access, or it took too long").
			WithSuggestion("Allow the access again; it must be finished within %d minutes, by one person at a time.", int(pendingTime.Minutes()))
	}
	return p.Verifier, err
}

// Exchange gets for the code that came to the callback what the connection works with from now on (RFC 6749, 4.1.3):
// Answer.Refresh is to be stored as Config.RefreshToken. The access token that comes with it is kept for the first run.
func (t *Tokens) Exchange(ctx context.Context, client *httpx.Client, redirect, code string) (Answer, error) {
	form := url.Values{grantType: {string(GrantCode)}, "code": {code}, "redirect_uri": {redirect}}
	if t.config.PKCE {
		verifier, err := t.finish(ctx)
		if err != nil {
			return Answer{}, err
		}
		form.Set("code_verifier", verifier)
	}
	a, err := t.config.ask(ctx, client, form, t.clock.Now())
	if err != nil {
		return Answer{}, err
	}
	if t.config.Lasting || t.config.OrLasting && a.Refresh == "" {
		a.Refresh = a.Access
	}
	if a.Refresh == "" {
		return Answer{}, fault.New(fault.CodeDestinationAuth, "the provider gives no refresh token").
			WithSuggestion("Ask for one with a scope such as offline_access, or with a parameter of the authorization request.")
	}
	connected := t.config
	connected.RefreshToken = a.Refresh
	next := New(connected, Options{State: t.state, Clock: t.clock})
	_, err = t.state.Update(ctx, stateKey, func(_ context.Context, old string) (string, error) {
		return next.put(old, next.read(a))
	})
	return a, err
}
