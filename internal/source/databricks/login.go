package databricks

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/fault"
)

// login shows the workspace who asks.
type login interface {
	// token returns what is sent with a request.
	token(ctx context.Context, c *client) (string, error)
	// renew gives up a token that was refused; it reports whether there can be another one.
	renew() bool
}

func loginOf(s settings) login {
	if s.Authentication == authToken {
		return personal(s.Token)
	}
	return &principal{id: s.ClientID, secret: s.ClientSecret}
}

// personal is a personal access token.
type personal string

func (p personal) token(context.Context, *client) (string, error) { return string(p), nil }

func (p personal) renew() bool { return false }

// principal is a service principal, whose tokens last an hour (S-55):
// https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m
type principal struct {
	id, secret string

	mu    sync.Mutex
	held  string
	until time.Time
}

// early is how long before its end a token is no longer used.
const early = 2 * time.Minute

func (p *principal) token(ctx context.Context, c *client) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != "" && time.Now().Before(p.until) {
		return p.held, nil
	}
	held, lasts, err := p.ask(ctx, c)
	if err != nil {
		return "", err
	}
	p.held, p.until = held, time.Now().Add(max(lasts-early, lasts/2))
	return held, nil
}

func (p *principal) renew() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	had := p.held != ""
	p.held = ""
	return had
}

// ask exchanges the secret for a token.
func (p *principal) ask(ctx context.Context, c *client) (string, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"all-apis"}}.Encode()
	for attempt := 1; ; attempt++ {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/oidc/v1/token", strings.NewReader(form))
		if err != nil {
			return "", 0, err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth(url.QueryEscape(p.id), url.QueryEscape(p.secret)) // https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
		status, header, answer, err := c.send(request)
		switch {
		case err != nil:
			return "", 0, err
		case status/100 == 2:
			return readToken(answer)
		case putOff(status) && attempt < attempts:
			if err := wait(ctx, retryAfter(header, attempt)); err != nil {
				return "", 0, err
			}
		default:
			return "", 0, c.explainLogin(status, header, answer)
		}
	}
}

func readToken(answer []byte) (string, time.Duration, error) {
	var t struct {
		Token string `json:"access_token"`
		Lasts int64  `json:"expires_in"` // seconds
	}
	if err := json.Unmarshal(answer, &t); err != nil {
		return "", 0, notDatabricks(http.StatusOK, err)
	}
	if t.Token == "" {
		return "", 0, fault.New(fault.CodeSourceAuth, "the workspace answered without a token")
	}
	return t.Token, time.Duration(t.Lasts) * time.Second, nil
}
