package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// State is where tokens are kept, so that every worker finds them. connector.State is one; its contract counts.
type State interface {
	Load(ctx context.Context, key string) (value string, found bool, err error)
	Update(ctx context.Context, key string, change func(ctx context.Context, old string) (string, error)) (string, error)
}

// Options are what Tokens work with.
type Options struct {
	State State       // nil: tokens end with Tokens
	Clock clock.Clock // nil: the system's
}

// token is what a provider gave.
type token struct {
	Connection string            `json:"connection"` // which connection it belongs to
	Settings   string            `json:"settings"`   // with which settings the access token was asked for
	Access     string            `json:"access"`
	Expires    time.Time         `json:"expires"`           // of the access token; zero where the provider did not say
	Got        time.Time         `json:"got"`               // when
	Refresh    string            `json:"refresh,omitempty"` // the newest refresh token
	Extra      map[string]string `json:"extra,omitempty"`   // see Config.Keep

	Refusal fault.Code `json:"refusal,omitempty"` // the provider gives no token
	Words   string     `json:"words,omitempty"`   // its words, without secrets
	Until   time.Time  `json:"until,omitzero"`    // nobody asks it again before
}

// Tokens gets and keeps the access token of one connection. It is safe for concurrent use.
type Tokens struct {
	config     Config
	clock      clock.Clock
	state      State
	connection string
	request    string

	mu      sync.Mutex
	now     token  // the one in use
	refused string // an access token that the API refused
	said    string // what the API said when it did
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

// New returns the tokens of a connection. Nothing is asked for yet.
func New(c Config, o Options) *Tokens {
	if o.State == nil {
		o.State = &alone{}
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	return &Tokens{config: c, clock: o.Clock, state: o.State, connection: c.connection(), request: c.request()}
}

// Token is what requests are authorized with.
type Token struct {
	Access string
	Extra  map[string]string // see Config.Keep; read only
}

// Get returns an access token that has not expired, which client asks the provider for where need be.
func (t *Tokens) Get(ctx context.Context, client *httpx.Client) (Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.renewed(ctx, client); err != nil {
		return Token{}, err
	}
	return Token{t.now.Access, t.now.Extra}, nil
}

// renewed makes sure that the token in use is good.
func (t *Tokens) renewed(ctx context.Context, client *httpx.Client) error {
	if t.usable(t.now) {
		return nil
	}
	text, _, err := t.state.Load(ctx, stateKey)
	if err != nil {
		return err
	}
	found := t.find(text)
	if t.usable(found) && t.shared(found) {
		t.now = found
		return nil
	}
	if err := t.refusal(found); err != nil {
		return err
	}
	var refusal error
	_, err = t.state.Update(ctx, stateKey, func(ctx context.Context, old string) (next string, err error) {
		next, refusal, err = t.change(ctx, client, old)
		return next, err
	})
	return errors.Join(err, refusal)
}

// change asks the provider for a token, unless another one was faster, and returns what the state is to hold. What the
// provider refuses is kept too, so that nobody asks for it again and again. The state is stored before the token is
// used: a refresh token that was replaced must not be lost.
func (t *Tokens) change(ctx context.Context, client *httpx.Client, old string) (next string, refusal, err error) {
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
	a.Extra = carry(found.Extra, a.Extra)
	t.now = t.read(a)
	next, err = t.put(old, t.now)
	return next, nil, err
}

// refusal returns what the provider said when it was last asked with these settings, as long as nobody asks again.
func (t *Tokens) refusal(k token) error {
	if t.insists || k.Refusal == "" || k.Settings != t.request || !t.clock.Now().Before(k.Until) {
		return nil
	}
	return fault.Reclass(fault.New(k.Refusal, "%s", k.Words), fault.Fatal)
}

// note adds a refusal to what is known of the connection.
func (t *Tokens) note(k token, e *fault.Error) token {
	pause := pauseOfCredentials
	if e.Code == fault.CodeDestinationGrant {
		pause = pauseOfGrant
	}
	if k.Access == t.refused {
		k.Access = "" // nor need others try it
	}
	k.Connection, k.Settings = t.connection, t.request
	k.Refusal, k.Words, k.Until = e.Code, e.Error(), t.clock.Now().Add(pause)
	return k
}

// Insist lets the next token be asked for whatever the provider said before: a person tests the connection.
func (t *Tokens) Insist() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.insists = true
}

// usable reports whether an access token is of these settings, good for a while and was not refused.
func (t *Tokens) usable(k token) bool {
	return k.Access != "" && k.Access != t.refused && k.Settings == t.request &&
		(k.Expires.IsZero() || t.clock.Now().Before(k.Expires.Add(-early)))
}

// shared reports whether a token that another one got may be used.
func (t *Tokens) shared(k token) bool {
	return !k.Expires.IsZero() || t.clock.Now().Before(k.Got.Add(lent))
}

// read makes a token of a provider's answer.
func (t *Tokens) read(a Answer) token {
	k := token{Connection: t.connection, Settings: t.request, Access: a.Access, Got: t.clock.Now(), Refresh: a.Refresh, Extra: a.Extra}
	life := a.Lifetime
	if life <= 0 {
		life = t.config.DefaultLifetime
	}
	if life > 0 {
		k.Expires = k.Got.Add(life)
	}
	return k
}

// find returns the connection's token in what the state holds. What cannot be read counts as absent.
func (t *Tokens) find(text string) token {
	for _, k := range decodeTokens(text) {
		if k.Connection == t.connection {
			return k
		}
	}
	return token{}
}

// put returns what the state holds with a newer token.
func (t *Tokens) put(old string, k token) (string, error) {
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

// allowed reports that nobody has allowed the access, if so.
func (t *Tokens) allowed(refresh string) error {
	if c := t.config; c.Grant == GrantCode && refresh == "" && c.RefreshToken == "" {
		return fault.New(fault.CodeDestinationAuth, "nobody has allowed the access yet").
			WithSuggestion("Save it, then choose Allow access on its Configuration tab.")
	}
	return nil
}

// renew asks for an access token, with a refresh token where there is one.
func (t *Tokens) renew(ctx context.Context, client *httpx.Client, refresh string) (Answer, error) {
	c := t.config
	if refresh == "" && c.Grant == GrantCode {
		refresh = c.RefreshToken
	}
	if c.Grant == GrantCode && c.Lasting {
		return t.lasting(refresh)
	}
	if refresh != "" && (c.Grant == GrantCode || c.Grant == GrantPassword) {
		a, err := c.ask(ctx, client, url.Values{grantType: {refreshGrant}, refreshGrant: {refresh}}, t.clock.Now())
		if err == nil && a.Refresh == "" {
			a.Refresh = refresh // it stays good (RFC 6749, 6)
		}
		if err == nil || c.Grant == GrantCode || fault.ClassOf(err) != fault.Fatal {
			return a, err
		}
		// the password still works
	}
	form, err := t.first()
	if err != nil {
		return Answer{}, err
	}
	return c.ask(ctx, client, form, t.clock.Now())
}

// lasting returns the one token that a person's permission gives.
func (t *Tokens) lasting(access string) (Answer, error) {
	if access == t.refused {
		return Answer{}, fault.New(fault.CodeDestinationGrant, "the API does not accept the access token any more: %s", t.said)
	}
	return Answer{Access: access, Refresh: access}, nil
}

// first is the request for a token without a refresh token.
func (t *Tokens) first() (url.Values, error) {
	c := t.config
	form := url.Values{grantType: {string(c.Grant)}}
	switch c.Grant {
	case GrantPassword:
		form.Set("username", c.Username)
		form.Set("password", c.Password)
	case GrantJWT:
		assertion, err := c.assertion(t.clock.Now())
		if err != nil {
			return nil, err
		}
		form.Set("assertion", assertion)
	}
	if c.Scopes != "" {
		form.Set("scope", c.Scopes)
	}
	if c.Audience != "" {
		form.Set("audience", c.Audience)
	}
	return form, nil
}

// Through returns what authorizes requests with the tokens, which client asks the provider for. They are Tokens' own:
// several clients may share them.
func (t *Tokens) Through(client *httpx.Client) httpx.Authorizer { return through{t, client} }

type through struct {
	*Tokens

	client *httpx.Client
}

// Authorize adds the access token.
func (t through) Authorize(ctx context.Context, r *httpx.Request) error {
	k, err := t.Get(ctx, t.client)
	if err != nil {
		return err
	}
	h := maps.Clone(r.Header)
	if h == nil {
		h = http.Header{}
	}
	h.Set(t.config.header(), t.config.shown(k.Access)) // replaces the list, which may be shared
	r.Header, r.Secrets = h, append(slices.Clip(r.Secrets), k.Access)
	return nil
}

// Refused forgets an access token that the API does not accept.
func (t through) Refused(r *httpx.Request, resp *httpx.Response) bool {
	refused := resp.Status == http.StatusUnauthorized
	if t.config.Refused != nil {
		refused = t.config.Refused(resp)
	}
	if !refused {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.config.shown(t.now.Access) == r.Header.Get(t.config.header()) { // otherwise another one has renewed it meanwhile
		t.Tokens.refused, t.Tokens.said = t.now.Access, resp.Words()
	}
	return true
}

// Refuse forgets an access token that the API does not accept, for those who authorize requests themselves.
func (t *Tokens) Refuse(access string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now.Access == access { // otherwise another one has renewed it meanwhile
		t.refused = access
	}
}

func (c Config) header() string {
	if c.HeaderName == "" {
		return "Authorization"
	}
	return c.HeaderName
}

func (c Config) shown(access string) string {
	if c.HeaderPrefix == "" {
		return access
	}
	return c.HeaderPrefix + " " + access
}

// alone is a State for one value that is gone with it.
type alone struct {
	mu     sync.Mutex
	values map[string]string
}

var _ State = (*alone)(nil)

func (a *alone) Load(_ context.Context, key string) (value string, found bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	value, found = a.values[key]
	return value, found, nil
}

func (a *alone) Update(ctx context.Context, key string, change func(context.Context, string) (string, error)) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next, err := change(context.WithoutCancel(ctx), a.values[key])
	if err != nil {
		return "", err
	}
	if a.values == nil {
		a.values = map[string]string{}
	}
	a.values[key] = next
	return next, nil
}
