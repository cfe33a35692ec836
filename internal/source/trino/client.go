package trino

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
)

// client speaks the protocol. It is safe for concurrent use.
type client struct {
	base     url.URL
	http     *http.Client
	prefix   string // of the protocol's headers
	user     string
	password string
	catalog  string
	session  string // properties of the session
	network  connector.Network
}

// page is an answer of the server.
type page struct {
	ID          string              `json:"id"`
	NextURI     string              `json:"nextUri"`
	Columns     []pageColumn        `json:"columns"`
	Data        [][]json.RawMessage `json:"data"`
	UpdateCount *int64              `json:"updateCount"`
	Error       *serverError        `json:"error"`

	prepared string // a statement that the server has prepared, in its own words
}

type pageColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (c pageColumn) parsed() trinotype.Type { return trinotype.Parse(c.Type) }

// statusError is an answer that is no page.
type statusError struct {
	status int
	words  string
}

// Error is what the server says.
func (e *statusError) Error() string {
	if e.words == "" {
		return fmt.Sprintf("the server answers %d %s", e.status, http.StatusText(e.status))
	}
	return fmt.Sprintf("the server answers %d: %s", e.status, e.words)
}

// request is a statement with what the server's own log shows of it.
type request struct {
	sql      string
	tag      string
	class    connector.Workload
	prepared string // the statement that sql describes, from page.prepared
}

// post begins a statement.
func (c *client) post(ctx context.Context, r request) (*page, error) {
	header := http.Header{}
	set := func(name, value string) {
		if value != "" {
			header.Set(c.prefix+name, value)
		}
	}
	set("User", c.user)
	set("Source", "millrace")
	set("Catalog", c.catalog)
	set("Session", c.session)
	set("Time-Zone", "UTC") // how instants without a zone are compared with those that have one
	set("Client-Info", plain(r.tag))
	set("Client-Tags", tags(r))
	set("Prepared-Statement", r.prepared)
	set("Client-Capabilities", "PARAMETRIC_DATETIME") // else instants are cut to milliseconds
	header.Set("Content-Type", "text/plain; charset=utf-8")
	return c.do(ctx, http.MethodPost, c.base.JoinPath("/v1/statement"), r.sql, header)
}

// tags are what resource groups can choose by: that it is ours, what kind of query it is, and its own tag.
func tags(r request) string {
	all := []string{"millrace"}
	if r.class != "" {
		all = append(all, "millrace-"+string(r.class))
	}
	if r.tag != "" {
		all = append(all, strings.ReplaceAll(plain(r.tag), ",", " "))
	}
	return strings.Join(all, ",")
}

// plain leaves out what no header can have.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, text)
}

// get reads the page that another one names. It is asked for at the address that the settings have, whatever the server
// believes its own to be, so that the password goes nowhere else.
func (c *client) get(ctx context.Context, next string) (*page, error) {
	u, err := c.at(next)
	if err != nil {
		return nil, err
	}
	return c.do(ctx, http.MethodGet, u, "", http.Header{c.prefix + "User": {c.user}})
}

// cancel ends the statement that has the page.
func (c *client) cancel(ctx context.Context, next string) {
	u, err := c.at(next)
	if err != nil {
		return
	}
	response, err := c.send(ctx, http.MethodDelete, u, "", http.Header{c.prefix + "User": {c.user}}) //nolint:bodyclose // drain does
	if err == nil {
		drain(response.Body)
	}
}

func (c *client) at(next string) (*url.URL, error) {
	u, err := url.Parse(next)
	if err != nil {
		return nil, errors.New("the server names a next page that cannot be read")
	}
	u.Scheme, u.Host, u.User = c.base.Scheme, c.base.Host, nil
	return u, nil
}

func (c *client) send(ctx context.Context, method string, u *url.URL, body string, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = header
	if c.password != "" {
		request.SetBasicAuth(c.user, c.password)
	}
	return c.http.Do(request)
}

// How often a server that is busy is asked again. Gateways answer 502, 503 and 504, and the protocol says to try again
// after 50 to 100 milliseconds; waits grow, so that a gateway that restarts is waited for.
const (
	attempts  = 9
	firstWait = 75 * time.Millisecond
	longest   = 10 * time.Second
)

// do sends a request until it has an answer.
func (c *client) do(ctx context.Context, method string, u *url.URL, body string, header http.Header) (*page, error) {
	wait := firstWait
	for attempt := 1; ; attempt++ {
		response, err := c.send(ctx, method, u, body, header) //nolint:bodyclose // drain and read do
		if err != nil {
			return nil, err
		}
		if !busy(response.StatusCode) || attempt == attempts {
			return c.read(response)
		}
		asked := retryAfter(response)
		drain(response.Body)
		if err := sleep(ctx, max(wait, asked)); err != nil {
			return nil, err
		}
		wait = min(2*wait, longest)
	}
}

func busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

func retryAfter(r *http.Response) time.Duration {
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, longest)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// maxWords is how much is read of an answer that is no page.
const maxWords = 2000

func (c *client) read(response *http.Response) (*page, error) {
	defer drain(response.Body)
	if response.StatusCode != http.StatusOK {
		words, err := io.ReadAll(io.LimitReader(response.Body, maxWords))
		if err != nil {
			return nil, err
		}
		return nil, &statusError{response.StatusCode, c.redact(strings.ToValidUTF8(strings.TrimSpace(string(words)), "?"))}
	}
	p := &page{prepared: response.Header.Get(c.prefix + "Added-Prepare")}
	if err := json.NewDecoder(response.Body).Decode(p); err != nil {
		return nil, fmt.Errorf("reading the server's answer: %w", err)
	}
	if p.Error != nil {
		p.Error.Message = c.redact(p.Error.Message)
	}
	return p, nil
}

// redact takes the password out of what a server or a gateway echoes.
func (c *client) redact(words string) string {
	if c.password == "" {
		return words
	}
	return strings.ReplaceAll(words, c.password, "***")
}

// drain reads what is left, a little, so that the connection can be used again.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxWords) //nolint:errcheck // the answer is of no use
	_ = body.Close()                            //nolint:errcheck // as above
}
