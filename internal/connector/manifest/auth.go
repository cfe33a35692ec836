package manifest

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/oauth"
	"github.com/millrace/millrace/internal/signature"
	"github.com/millrace/millrace/internal/value"
	"golang.org/x/net/http/httpguts"
)

// The words of OAuth.Grant.
const (
	grantCode     = "code"
	grantClient   = "client"
	grantPassword = "password"
	grantJWT      = "jwt"
	grantGoogle   = "google"
)

// access proves who sends a connection's requests. At most one of its members is set.
type access struct {
	signer httpx.Authorizer
	tokens *oauth.Tokens
	keeps  bool // templates see what came with the token
}

// access returns what the settings ask for.
func (d *Destination) access() (access, error) {
	s := newScope()
	s.set("connection", d.connection)
	for i := range d.manifest.Connection.Auth {
		a := &d.manifest.Connection.Auth[i]
		fits, err := s.holds(&a.When)
		if err != nil {
			return access{}, err
		}
		if fits {
			return d.accessBy(s, a)
		}
	}
	return access{}, nil
}

func (d *Destination) accessBy(s *scope, a *Auth) (access, error) {
	switch {
	case a.OAuth != nil:
		config, err := a.OAuth.config(s)
		if err != nil {
			return access{}, err
		}
		if a.OAuth.Refused.given() {
			config.Refused = a.OAuth.refuses
		}
		return access{tokens: oauth.New(config, oauth.Options{State: d.state, Clock: d.clock}), keeps: len(config.Keep) > 0}, nil
	case a.OAuth1 != nil:
		signer, err := a.OAuth1.signer(s, d)
		return access{signer: signer}, err
	default:
		f, err := static(s, a)
		if fix, ok := f.(fixed); err == nil && ok && !httpguts.ValidHeaderFieldValue(fix.value) && fix.header != "" {
			err = fault.New(fault.CodeInvalid, "what goes into the header %s has characters that no header can have", fix.header).
				WithSuggestion("Paste it again, without the end of the line.")
		}
		return access{signer: f}, err
	}
}

// refuses reports whether an answer says that the token is not accepted.
func (o *OAuth) refuses(resp *httpx.Response) bool {
	s := newScope()
	seen(s, resp)
	says, err := s.holds(&o.Refused)
	return resp.Status == http.StatusUnauthorized || err == nil && says
}

// through returns what authorizes requests that a client sends.
func (a access) through(c *httpx.Client) httpx.Authorizer {
	if a.tokens != nil {
		return a.tokens.Through(c)
	}
	return a.signer
}

// extra is what came with the token.
func (a access) extra(ctx context.Context, c *httpx.Client) (value.Value, error) {
	if !a.keeps {
		return value.OfMap(nil), nil
	}
	t, err := a.tokens.Get(ctx, c)
	fields := make([]value.Field, 0, len(t.Extra))
	for _, name := range slices.Sorted(maps.Keys(t.Extra)) {
		fields = append(fields, value.Field{Name: name, Value: value.OfText(t.Extra[name])})
	}
	return value.OfMap(fields), err
}

// insist lets the next token be asked for whatever the provider said before.
func (a access) insist() {
	if a.tokens != nil {
		a.tokens.Insist()
	}
}

// texts evaluates many texts into their places.
func (s *scope) texts(to map[*string]*Text) error {
	for place, t := range to {
		text, err := s.text(&t.source)
		if err != nil {
			return err
		}
		*place = text
	}
	return nil
}

func (o *OAuth) config(s *scope) (oauth.Config, error) {
	c := oauth.Config{
		Grant:   map[string]oauth.Grant{grantCode: oauth.GrantCode, grantClient: oauth.GrantClient, grantPassword: oauth.GrantPassword, grantJWT: oauth.GrantJWT}[o.Grant],
		PKCE:    o.PKCE,
		Lasting: o.Lasting, OrLasting: o.OrLasting, JSON: o.JSON, Keep: o.Keep, Names: o.Names, Within: o.Within, DefaultLifetime: time.Duration(o.Lifetime),
		HeaderName: o.Header, HeaderPrefix: o.Prefix,
	}
	if o.InBody {
		c.AuthStyle = oauth.AuthBody
	}
	if o.Header == "" && o.Prefix == "" {
		c.HeaderPrefix = "Bearer"
	}
	err := s.texts(map[*string]*Text{
		&c.AuthURL: &o.Authorize, &c.TokenURL: &o.Token, &c.ClientID: &o.ClientID, &c.ClientSecret: &o.ClientSecret,
		&c.Audience: &o.Audience, &c.Username: &o.Username, &c.Password: &o.Password,
	})
	if err != nil {
		return c, err
	}
	if o.Grant == grantCode {
		err = s.granted(&c)
	}
	if err == nil {
		c.Scopes, err = o.scopes(s)
	}
	if err == nil {
		err = o.params(s, &c)
	}
	if err == nil && (o.Grant == grantJWT || o.Grant == grantGoogle) {
		c, err = o.asserted(s, c)
	}
	return c, err
}

// granted reads the settings that every connection has at which a person allows the access.
func (s *scope) granted(c *oauth.Config) error {
	for name, to := range map[string]*string{"clientId": &c.ClientID, "clientSecret": &c.ClientSecret, "refreshToken": &c.RefreshToken} {
		if *to != "" {
			continue
		}
		v, err := s.eval(&source{tmpl: mustParse("{{ connection." + name + " }}")})
		if err != nil {
			return err
		}
		if !v.IsNull() {
			*to = v.String()
		}
	}
	return nil
}

func (o *OAuth) scopes(s *scope) (string, error) {
	separator := o.Separator
	if separator == "" {
		separator = " "
	}
	var list []string
	for i := range o.Scopes {
		text, err := s.text(&o.Scopes[i].source)
		if err != nil {
			return "", err
		}
		if text != "" {
			list = append(list, text)
		}
	}
	return strings.Join(list, separator), nil
}

func (o *OAuth) params(s *scope, c *oauth.Config) error {
	for _, p := range []struct {
		from map[string]Text
		to   *[]oauth.Param
	}{{o.Params, &c.AuthParams}, {o.TokenParams, &c.Token.Body}, {o.RefreshParams, &c.Refresh.Body}} {
		for _, name := range sortedNames(p.from) {
			t := p.from[name]
			text, err := s.text(&t.source)
			if err != nil {
				return err
			}
			*p.to = append(*p.to, oauth.Param{Name: name, Value: text})
		}
	}
	return nil
}

// asserted adds the assertion of a private key.
func (o *OAuth) asserted(s *scope, c oauth.Config) (oauth.Config, error) {
	a := &oauth.Assertion{}
	if err := s.texts(map[*string]*Text{&a.Key: &o.Key, &a.Subject: &o.Subject, &a.Issuer: &o.Issuer}); err != nil {
		return c, err
	}
	if o.Grant == grantJWT {
		c.Assertion = a
		return c, nil
	}
	g, err := oauth.Google(a.Key, a.Subject, c.Scopes)
	if err == nil && c.TokenURL != "" {
		g.TokenURL = c.TokenURL
	}
	return g, err
}

func (o *OAuth1) signer(s *scope, d *Destination) (httpx.Authorizer, error) {
	options := signature.OAuth1Options{Clock: d.clock}
	if o.Method != "" {
		options.Method = o.Method
	}
	err := s.texts(map[*string]*Text{
		&options.ConsumerKey: &o.ConsumerKey, &options.ConsumerSecret: &o.ConsumerSecret, &options.Token: &o.Token,
		&options.TokenSecret: &o.TokenSecret, &options.Realm: &o.Realm,
	})
	if err != nil {
		return nil, err
	}
	return signature.NewOAuth1(options)
}

// AuthorizeURL returns the vendor's page where a person allows the access.
func (d *Destination) AuthorizeURL(redirect, state string) (string, error) {
	if d.auth.tokens == nil {
		return "", fault.New(fault.CodeInvalid, "this connection needs nobody to allow the access")
	}
	return d.auth.tokens.AuthorizeURL(context.Background(), redirect, state)
}

// Exchange gets for the code what the connection works with.
func (d *Destination) Exchange(ctx context.Context, redirect, code string) (connector.Settings, error) {
	if d.auth.tokens == nil {
		return nil, fault.New(fault.CodeInvalid, "this connection needs nobody to allow the access")
	}
	c, err := d.client(1)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	a, err := d.auth.tokens.Exchange(ctx, c.Client, redirect, code)
	if err != nil {
		return nil, err
	}
	return connector.Settings{"refreshToken": a.Refresh}, nil
}

// fixed is a header or a parameter that is the same in every request.
type fixed struct {
	header, param, value string
	secrets              []string
}

var _ httpx.Authorizer = fixed{}

func static(s *scope, a *Auth) (httpx.Authorizer, error) {
	switch {
	case a.Bearer.given():
		token, err := s.text(&a.Bearer.source)
		return fixed{header: "Authorization", value: "Bearer " + token, secrets: []string{token}}, err
	case a.Basic != nil:
		user, err := s.text(&a.Basic.User.source)
		if err != nil {
			return nil, err
		}
		password, err := s.text(&a.Basic.Password.source)
		pair := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		return fixed{header: "Authorization", value: "Basic " + pair, secrets: []string{pair}}, err
	case a.Header != nil:
		v, err := s.text(&a.Header.Value.source)
		return fixed{header: a.Header.Name, value: v, secrets: []string{v}}, err
	case a.Query != nil:
		v, err := s.text(&a.Query.Value.source)
		return fixed{param: a.Query.Name, value: v, secrets: []string{v, url.QueryEscape(v)}}, err
	default:
		return nil, nil //nolint:nilnil // nobody asks who sends them
	}
}

// Authorize adds the header or the parameter.
func (f fixed) Authorize(_ context.Context, r *httpx.Request) error {
	r.Secrets = append(slices.Clip(r.Secrets), f.secrets...)
	if f.header != "" {
		h := maps.Clone(r.Header)
		if h == nil {
			h = http.Header{}
		}
		h.Set(f.header, f.value)
		r.Header = h
		return nil
	}
	q := r.URL.Query()
	q.Set(f.param, f.value)
	r.URL.RawQuery = q.Encode()
	return nil
}

// Refused reports false: the same would be sent again.
func (f fixed) Refused(*httpx.Request, *httpx.Response) bool { return false }
