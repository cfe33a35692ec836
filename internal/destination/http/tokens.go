package httprequest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// token is what a provider gave.
type token struct {
	Connection string    `json:"connection"` // which connection it belongs to
	Settings   string    `json:"settings"`   // with which settings the access token was asked for
	Access     string    `json:"access"`
	Expires    time.Time `json:"expires"`           // of the access token; zero where the provider did not say
	Got        time.Time `json:"got"`               // when
	Refresh    string    `json:"refresh,omitempty"` // the newest refresh token

	Refusal fault.Code `json:"refusal,omitempty"` // the provider gives no token
	Words   string     `json:"words,omitempty"`   // its words, without secrets
	Until   time.Time  `json:"until,omitzero"`    // nobody asks it again before
}

// tokens gets and keeps the access token of a connection (RFC 6749). All runs and workers share what State holds,
// and one of them at a time asks the provider. It is safe for concurrent use.
type tokens struct {
	settings   settings
	clock      clock.Clock
	state      connector.State
	connection string
	request    string

	mu      sync.Mutex
	now     token  // the one in use
	refused string // an access token that the API refused
	insists bool   // a person wants the provider to be asked whatever it said before
}

const (
	// stateKey is where tokens are in the State.
	stateKey = "oauth tokens"
	// early is how long before its end a token is renewed.
	early = 30 * time.Second
	// lent is how long an access token of unknown life is used by others than the one who got it.
	lent = 5 * time.Minute
	// pauseOfGrant and pauseOfCredentials are how long nobody asks a provider that refused: a permission that is over
	// stays so until a person allows the access again, and then the connection is another one; credentials may be
	// mended at the provider.
	pauseOfGrant       = time.Hour
	pauseOfCredentials = time.Minute
	// keptConnections is how many connections' tokens are kept: a run that began before somebody connected anew
	// must not lose the new connection's.
	keptConnections = 3
)

// newTokens returns the tokens of a connection. Without a state, they end with it.
func newTokens(s settings, state connector.State, c clock.Clock) *tokens {
	if state == nil {
		state = connector.Memory()
	}
	t := &tokens{settings: s, clock: c, state: state, request: digest(s.oauthSettings)}
	t.connection = t.request
	if s.Grant == grantCode { // the person's consent outlives changes of other settings
		t.connection = digest([]string{s.Grant, s.ClientID, s.RefreshToken})
	}
	return t
}

// digest identifies a value of strings, which can always be encoded.
func digest(v any) string {
	text, _ := json.Marshal(v) //nolint:errcheck,errchkjson // texts only
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// get returns an access token that has not expired.
func (t *tokens) get(ctx context.Context, client *httpx.Client) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.usable(t.now) {
		return t.now.Access, nil
	}
	text, _, err := t.state.Load(ctx, stateKey)
	if err != nil {
		return "", err
	}
	found := t.find(text)
	if t.usable(found) && t.shared(found) {
		t.now = found
		return found.Access, nil
	}
	if err := t.refusal(found); err != nil {
		return "", err
	}
	var refusal error
	_, err = t.state.Update(ctx, stateKey, func(ctx context.Context, old string) (next string, err error) {
		next, refusal, err = t.change(ctx, client, old)
		return next, err
	})
	if err = errors.Join(err, refusal); err != nil {
		return "", err
	}
	return t.now.Access, nil
}

// change asks the provider for a token, unless another one was faster, and returns what the state is to hold. What the
// provider refuses is kept too, so that nobody asks for it again and again. The state is stored before the token is
// used: a refresh token that was replaced must not be lost.
func (t *tokens) change(ctx context.Context, client *httpx.Client, old string) (next string, refusal, err error) {
	found := t.find(old)
	if t.usable(found) && t.shared(found) {
		t.now = found
		return old, nil, nil
	}
	if refusal := t.refusal(found); refusal != nil {
		return old, refusal, nil
	}
	if err := t.allowed(found.Refresh); err != nil {
		return "", nil, err
	}
	a, err := t.renew(ctx, client, found.Refresh)
	if err != nil && fault.ClassOf(err) == fault.Fatal {
		next, perr := t.put(old, t.note(found, fault.As(err)))
		return next, err, perr
	}
	if err != nil {
		return "", nil, err
	}
	t.now = t.read(a)
	next, err = t.put(old, t.now)
	return next, nil, err
}

// refusal returns what the provider said when it was last asked with these settings, as long as nobody asks again.
func (t *tokens) refusal(k token) error {
	if t.insists || k.Refusal == "" || k.Settings != t.request || !t.clock.Now().Before(k.Until) {
		return nil
	}
	return fault.New(k.Refusal, "%s", k.Words)
}

// note adds a refusal to what is known of the connection.
func (t *tokens) note(k token, e *fault.Error) token {
	pause := pauseOfCredentials
	if e.Code == fault.CodeDestinationGrant {
		pause = pauseOfGrant
	}
	k.Connection, k.Settings = t.connection, t.request
	k.Refusal, k.Words, k.Until = e.Code, e.Error(), t.clock.Now().Add(pause)
	return k
}

// insist lets the next token be asked for whatever the provider said before.
func (t *tokens) insist() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.insists = true
}

// usable reports whether an access token is of these settings, good for a while and was not refused.
func (t *tokens) usable(k token) bool {
	return k.Access != "" && k.Access != t.refused && k.Settings == t.request &&
		(k.Expires.IsZero() || t.clock.Now().Before(k.Expires.Add(-early)))
}

// shared reports whether a token that another one got may be used.
func (t *tokens) shared(k token) bool {
	return !k.Expires.IsZero() || t.clock.Now().Before(k.Got.Add(lent))
}

// read makes a token of a provider's answer.
func (t *tokens) read(a *tokenAnswer) token {
	k := token{Connection: t.connection, Settings: t.request, Access: a.AccessToken, Got: t.clock.Now(), Refresh: a.RefreshToken}
	if life := a.lifetime(); life > 0 {
		k.Expires = k.Got.Add(life)
	}
	return k
}

// find returns the connection's token in what the state holds. What cannot be read counts as absent.
func (t *tokens) find(text string) token {
	for _, k := range decodeTokens(text) {
		if k.Connection == t.connection {
			return k
		}
	}
	return token{}
}

// put returns what the state holds with a newer token.
func (t *tokens) put(old string, k token) (string, error) {
	all := []token{k}
	for _, other := range decodeTokens(old) {
		if other.Connection != k.Connection && len(all) < keptConnections {
			all = append(all, other)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", fault.Wrap(err, fault.CodeInternal, "keeping tokens")
	}
	return string(text), nil
}

func decodeTokens(text string) []token {
	var all []token
	if json.Unmarshal([]byte(text), &all) != nil {
		return nil
	}
	return all
}

// drop forgets an access token that was refused.
func (t *tokens) drop(access string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now.Access == access {
		t.refused = access
	}
}

// send lets do send a request with an access token. Where the API refuses the token, which says that nothing was
// done, it is sent once more with a new one. Without tokens the request is sent as it is.
func (t *tokens) send(ctx context.Context, client *httpx.Client, r *httpx.Request, do func() (*httpx.Response, error)) (*httpx.Response, error) {
	if t == nil {
		return do()
	}
	for attempt := 1; ; attempt++ {
		access, err := t.get(ctx, client)
		if err != nil {
			return nil, err
		}
		t.sign(r, access)
		resp, err := do()
		if err != nil || resp.Status != statusUnauthorized || attempt > 1 {
			return resp, err
		}
		t.drop(access)
	}
}

// sign adds the token to a request.
func (t *tokens) sign(r *httpx.Request, access string) {
	text := access
	if p := t.settings.HeaderPrefix; p != "" {
		text = p + " " + access
	}
	r.Header = maps.Clone(r.Header)
	r.Header["Authorization"] = []string{text}
	r.Secrets = []string{access}
}

// allowed reports that nobody has allowed the access, if so.
func (t *tokens) allowed(refresh string) error {
	if s := t.settings; s.Grant == grantCode && refresh == "" && s.RefreshToken == "" {
		return fault.New(fault.CodeDestinationAuth, "nobody has allowed the access yet").
			WithSuggestion("Save the destination, then choose Allow access on its Configuration tab.")
	}
	return nil
}

// renew asks for an access token, with a refresh token where there is one.
func (t *tokens) renew(ctx context.Context, client *httpx.Client, refresh string) (*tokenAnswer, error) {
	s := t.settings
	if refresh == "" && s.Grant == grantCode {
		refresh = s.RefreshToken
	}
	if refresh != "" && s.Grant != grantClient {
		a, err := s.ask(ctx, client, refreshRequest, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
		if err == nil && a.RefreshToken == "" {
			a.RefreshToken = refresh // it stays good (RFC 6749, 6)
		}
		if err == nil || s.Grant == grantCode || fault.ClassOf(err) != fault.Fatal {
			return a, err
		}
		// the password still works
	}
	form := url.Values{"grant_type": {s.Grant}}
	if s.Grant == grantPassword {
		form.Set("username", s.OwnerUsername)
		form.Set("password", s.OwnerPassword)
	}
	if s.Scopes != "" {
		form.Set("scope", s.Scopes)
	}
	return s.ask(ctx, client, tokenRequest, form)
}
