// Package bi asks tools of business intelligence for the SQL of what people have saved there. The SQL is fetched when it
// is needed, so that published changes take effect with the next run. The README beside says what was taken from where.
package bi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/bitool"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/resource"
)

// Times and sizes of questions.
const (
	answerTime = 30 * time.Second
	mostAnswer = 16 << 20
	keepTime   = 30 * time.Second // one run asks several times
)

// Item is something in a tool: a folder of others, or what a model can read.
type Item struct {
	ID    string
	Label string
	Leaf  bool
}

// tool is one type of tool.
type tool interface {
	items(ctx context.Context, parent string) ([]Item, error)
	sql(ctx context.Context, item string) (string, error)
}

// Documents finds tools with their secrets.
type Documents interface {
	Resolve(ctx context.Context, sc resource.Scope, kind, slug string) (resource.Document, error)
}

var _ Documents = (*resource.Store)(nil)

// Resolver asks tools for models.
type Resolver struct {
	Documents Documents
	Network   func(workspaceID int64, tunnel string) connector.Network // how tools are reached; nil means directly
	Clock     clock.Clock

	mu   sync.Mutex
	kept map[key]answer
}

type key struct {
	workspace, id, revision int64
	item                    string
}

type answer struct {
	sql string
	at  time.Time
}

// Resolve returns a model of the method bi with the SQL that its tool gives now. What the tool says against it is an
// error of the model's query.
func (r *Resolver) Resolve(ctx context.Context, sc resource.Scope, m model.Spec) (model.Spec, error) {
	if m.Method != model.MethodBI || m.BI == nil {
		return m, nil
	}
	sql, err := r.SQL(ctx, sc, *m.BI)
	if err != nil && ctx.Err() != nil {
		return m, err
	}
	return m.Found(sql, err), nil
}

// SQL returns the query of something in a tool.
func (r *Resolver) SQL(ctx context.Context, sc resource.Scope, m model.BI) (string, error) {
	d, t, err := r.open(ctx, sc, m.Tool)
	if err != nil {
		return "", err
	}
	if m.Item == "" {
		return "", fault.New(fault.CodeRequired, "name what is to be read from the tool").WithPath("item")
	}
	k := key{sc.WorkspaceID, d.ID, d.Revision, m.Item}
	if sql, ok := r.known(k); ok {
		return sql, nil
	}
	sql, err := t.sql(ctx, m.Item)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(sql) == "" {
		return "", fault.New(fault.CodeBI, "the tool %q gives no SQL for %q", d.Name, m.Item)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil || len(r.kept) > 1000 {
		r.kept = map[key]answer{}
	}
	r.kept[k] = answer{sql, r.Clock.Now()}
	return sql, nil
}

func (r *Resolver) known(k key) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.kept[k]
	return a.sql, ok && r.Clock.Now().Sub(a.at) < keepTime
}

// Items lists what is in a tool, or in one of its folders.
func (r *Resolver) Items(ctx context.Context, sc resource.Scope, slug, parent string) ([]Item, error) {
	_, t, err := r.open(ctx, sc, slug)
	if err != nil {
		return nil, err
	}
	return t.items(ctx, parent)
}

func (r *Resolver) open(ctx context.Context, sc resource.Scope, slug string) (resource.Document, tool, error) {
	d, err := r.Documents.Resolve(ctx, sc, bitool.KindName, slug)
	if err != nil {
		return d, nil, err
	}
	spec := d.Spec.(*bitool.Spec) //nolint:forcetypeassert // the kind's own spec
	s := spec.Settings()
	c := client{base: strings.TrimRight(s.Text("baseUrl"), "/"), id: s.Text("clientId"), secret: s.Text("clientSecret"), http: &http.Client{Transport: r.network(sc.WorkspaceID, spec.Tunnel).Transport()}}
	if spec.Type == bitool.Sigma {
		return d, sigma{c}, nil
	}
	return d, looker{c}, nil
}

func (r *Resolver) network(workspaceID int64, tunnel string) connector.Network {
	if r.Network == nil {
		return connector.Network{}
	}
	return r.Network(workspaceID, tunnel)
}

// client speaks to one tool.
type client struct {
	base, id, secret string
	http             *http.Client
}

// question is one request. Its answer is JSON unless text is set.
type question struct {
	name   string // of the tool
	method string
	path   string
	auth   string // header
	form   url.Values
	into   any
	text   *string
	gone   string // what is missing where the answer is 404
}

func (c client) ask(ctx context.Context, q question) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.method, c.base+q.path, strings.NewReader(q.form.Encode()))
	if err != nil {
		return fault.Wrap(err, fault.CodeInvalid, "the address of %s", q.name)
	}
	if q.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.auth != "" {
		req.Header.Set("Authorization", q.auth)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fault.Reclass(fault.Wrap(err, fault.CodeBI, "%s was not reached", q.name), fault.Retryable)
	}
	defer res.Body.Close() //nolint:errcheck // a body that was read
	body, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	if err != nil {
		return fault.Reclass(fault.Wrap(err, fault.CodeBI, "reading the answer of %s", q.name), fault.Retryable)
	}
	if res.StatusCode != http.StatusOK {
		return q.refused(res, body)
	}
	if q.text != nil {
		*q.text = string(body)
		return nil
	}
	if err := json.Unmarshal(body, q.into); err != nil {
		return fault.Wrap(err, fault.CodeBI, "%s answers something else than its API does", q.name).WithSuggestion("Check the address: it must be that of the API.")
	}
	return nil
}

// refused says what an answer means. Pages of HTML, which proxies send, are not repeated.
func (q question) refused(res *http.Response, body []byte) error {
	var said struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &said) //nolint:errcheck // HTML says nothing
	words := ""
	if said.Message != "" {
		words = ": " + said.Message
	}
	switch {
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden || q.gone == "" && res.StatusCode < http.StatusInternalServerError:
		return fault.New(fault.CodeBI, "%s does not accept the client ID and secret%s", q.name, words)
	case res.StatusCode == http.StatusNotFound:
		return fault.New(fault.CodeBI, "%s, or %s is not available%s", q.gone, q.name, words).
			WithSuggestion("Look in %s whether it is still there and published, and whether the owner of the client ID sees it.", q.name)
	case res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests:
		return fault.Reclass(fault.New(fault.CodeBI, "%s answers %s%s", q.name, res.Status, words), fault.Retryable)
	default:
		return fault.New(fault.CodeBI, "%s answers %s%s", q.name, res.Status, words)
	}
}

var errToken = errors.New("the answer has no access_token")

// token signs in.
func (c client) token(ctx context.Context, name, path string, form url.Values) (string, error) {
	var made struct {
		Token string `json:"access_token"`
	}
	form.Set("client_id", c.id)
	form.Set("client_secret", c.secret)
	err := c.ask(ctx, question{name: name, method: http.MethodPost, path: path, form: form, into: &made})
	if err == nil && made.Token == "" {
		err = fault.Wrap(errToken, fault.CodeBI, "signing in to %s", name)
	}
	return made.Token, err
}
