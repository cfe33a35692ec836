package manifest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
	"golang.org/x/net/http/httpguts"
)

// client sends a connection's requests.
type client struct {
	*httpx.Client
	d       *Destination
	outside *connector.Batch // stands for a batch where requests belong to none; nil: nobody paces them
}

// parts are what a request is made of.
type parts struct {
	call    *Call
	query   map[string]Text
	headers map[string]Text
	body    *Tree
	format  string
}

func (st *Step) parts() parts { return parts{&st.Request, st.Query, st.Headers, st.Body, st.Format} }

func (r *Request) parts() parts { return parts{&r.Request, r.Query, r.Headers, r.Body, r.Format} }

// request makes a request for rows, of which the first one is what row means outside of $rows. An error about one of
// them is a *rowError.
func (c *client) request(ctx context.Context, s *scope, p parts, rows []*record) (*httpx.Request, error) {
	if len(rows) > 0 {
		s.bind(rows[0])
	}
	if err := c.tell(ctx, s); err != nil {
		return nil, err
	}
	r, err := c.build(s, p, rows)
	if _, about := rowOf(err); err != nil && !about && len(rows) == 1 {
		return nil, &rowError{rows[0], err}
	}
	return r, err
}

// tell gives the templates what came with the token.
func (c *client) tell(ctx context.Context, s *scope) error {
	if !c.d.auth.keeps {
		return nil
	}
	extra, err := c.d.auth.extra(ctx, c.Client)
	if err == nil {
		s.set("token", extra)
	}
	return err
}

func (c *client) build(s *scope, p parts, rows []*record) (*httpx.Request, error) {
	u, err := c.address(s, p)
	if err != nil {
		return nil, err
	}
	r := &httpx.Request{Method: p.call.Method, URL: u, Header: http.Header{"User-Agent": {"Millrace"}, "Accept": {"application/json"}}}
	for _, set := range []map[string]Text{c.d.manifest.Connection.Headers, p.headers} {
		if err := headers(s, r.Header, set); err != nil {
			return nil, err
		}
	}
	if p.body != nil {
		if r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", contentTypes[p.format])
		}
		if s.body, err = s.write(s.body[:0], p.body, p.format, rows); err != nil {
			return nil, err
		}
		r.Body = s.body // free again once the request was made, and before the scope makes another
	}
	return r, nil
}

func headers(s *scope, h http.Header, set map[string]Text) error {
	for _, name := range sortedNames(set) {
		t := set[name]
		text, err := s.text(&t.source)
		if err != nil {
			return err
		}
		if !httpguts.ValidHeaderFieldValue(text) {
			return fault.New(fault.CodeMappingReject, "the value of the header %s has characters that no header can have", name)
		}
		if text != "" {
			h.Set(name, text)
		}
	}
	return nil
}

// address makes the address of a request: the base and the path, whose values are escaped, or an address that the
// vendor gave, such as one of the next page.
func (c *client) address(s *scope, p parts) (*url.URL, error) {
	base := c.d.settings.Text(baseField.Name)
	if base == "" {
		var err error
		if base, err = s.text(&c.d.manifest.Connection.Base.source); err != nil {
			return nil, err
		}
	}
	path, err := s.path(&p.call.Path)
	if err != nil {
		return nil, err
	}
	if rest, other := strings.CutPrefix(path, "https://"); other && c.d.settings.Text(baseField.Name) != "" && strings.HasPrefix(p.call.Path.text, "https://") {
		path = "/" + rest // a second address of the vendor, behind the one that replaces them all
	}
	whole := path
	if !strings.HasPrefix(path, "https://") && !strings.HasPrefix(path, "http://") {
		whole = strings.TrimRight(base, "/") + "/" + strings.TrimLeft(path, "/")
	}
	u, err := httpx.ParseBase(whole)
	if err != nil {
		return nil, fault.Reclass(err, fault.Permanent)
	}
	query := u.Query()
	for _, set := range []map[string]Text{c.d.manifest.Connection.Query, p.query} {
		if err := parameters(s, query, set); err != nil {
			return nil, err
		}
	}
	u.RawQuery = query.Encode()
	return u, nil
}

func parameters(s *scope, query url.Values, set map[string]Text) error {
	for _, name := range sortedNames(set) {
		t := set[name]
		v, err := s.eval(&t.source)
		switch {
		case err != nil:
			return err
		case v.IsNull():
		case v.Kind() == value.List:
			for _, item := range v.List() {
				query.Add(name, item.String())
			}
		default:
			query.Set(name, v.String())
		}
	}
	return nil
}

// path evaluates a path. What its outputs print is escaped, so that a value cannot lead elsewhere; an output that makes
// the whole path is an address.
func (s *scope) path(t *path) (string, error) {
	if t.tmpl == nil {
		return t.text, nil
	}
	if strings.HasPrefix(t.text, "{{") && strings.Count(t.text, "{{") == 1 && strings.HasSuffix(t.text, "}}") {
		return s.text(&t.source)
	}
	out, err := t.escaped.Render(s.t, s.buf[:0])
	s.buf = out
	if err == nil && astray(string(out), t.text) {
		err = errAstray
	}
	return string(out), t.wrong(err)
}

var errAstray = errors.New("a part of the address has no value, or one that leads to another address")

// astray reports whether a value has made another address of a path: an empty one, that of all records instead of
// one; dots, that of something above them.
func astray(path, text string) bool {
	path, _, _ = strings.Cut(path, "?")
	text, _, _ = strings.Cut(text, "?")
	_, text, _ = strings.Cut("/"+strings.TrimPrefix(text, "https:/"), "/")
	parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, "https:/"), "/"), "/")
	for i, part := range parts {
		switch {
		case part == ".", part == "..":
			return true
		case part != "" || strings.Contains(text, "{%"): // what a condition leaves out is meant to be
		case i == len(parts)-1 && !strings.HasSuffix(text, "/"), i < len(parts)-1 && !strings.Contains(text, "//"):
			return true
		}
	}
	return false
}

// send makes an exchange with whatever proves who sends it, when the limits allow it, and records it for the request log.
func (c *client) send(ctx context.Context, r *httpx.Request, b *connector.Batch, t connector.Turn) (*httpx.Response, error) {
	return httpx.Authorized(ctx, c.d.auth.through(c.Client), r, func() (*httpx.Response, error) {
		if b != nil && b.Next != nil {
			if err := b.Next(ctx, t); err != nil {
				return nil, err //nolint:wrapcheck // it says that the request was not sent, and why
			}
		}
		resp, x, err := c.Do(ctx, r)
		if b != nil && b != c.outside {
			b.Record(connector.Exchange{
				Method: x.Method, URL: x.URL, RequestHeaders: shown(x.RequestHeaders), RequestBody: x.RequestBody,
				Status: x.Status, ResponseHeaders: shown(x.ResponseHeaders), ResponseBody: x.ResponseBody,
				Error: x.Error, StartedAt: x.StartedAt, Duration: x.Duration,
			})
		}
		return resp, err
	})
}

// counts says which classes of limits count a request with a class of its own.
func (s *session) counts(class string) func(string) bool {
	return func(limit string) bool { return !s.only[limit] || limit == class }
}

// hold tells everybody with the credential that the vendor asks to wait. It returns true where the request is to be made
// again after that: of batches, the engine takes care.
func (c *client) hold(ctx context.Context, b *connector.Batch, e *fault.Error, attempt int) (again bool) {
	if e.Class != fault.Throttled || b == nil || b.Hold == nil {
		return false
	}
	b.Hold(ctx, e.After)
	return b == c.outside && attempt < maxAsked
}

// maxAsked is how often a request that belongs to no batch is made, where the vendor asks to wait each time.
const maxAsked = 10

// outside stands for a batch where requests of a run belong to none.
func (d *Destination) outside(t *SyncType, job connector.SyncJob) *connector.Batch {
	if job.Pace == nil {
		return nil
	}
	rates, only := d.rates(t, job), d.only(t)
	next := func(ctx context.Context, turn connector.Turn) error {
		if turn.Counts == nil {
			turn.Counts = func(class string) bool { return !only[class] }
		}
		return job.Pace.Next(ctx, rates, turn) //nolint:wrapcheck // it says that the request was not sent, and why
	}
	hold := func(ctx context.Context, after time.Duration) { job.Pace.Hold(ctx, rates, after) }
	return &connector.Batch{Checkpoint: forgotten, Next: next, Hold: hold}
}

// forgotten keeps no token: what belongs to no batch is not looked up.
func forgotten(context.Context, string) error { return nil }

// only tells the classes of limits that count no request but those that name them.
func (d *Destination) only(t *SyncType) map[string]bool {
	only := map[string]bool{}
	for _, l := range slices.Concat(d.manifest.Limits, t.Limits) {
		only[l.Class] = only[l.Class] || l.Only
	}
	return only
}

func shown(list []httpx.Header) []connector.Header {
	out := make([]connector.Header, len(list))
	for i, h := range list {
		out[i] = connector.Header(h)
	}
	return out
}

// see gives an answer to the templates: status, headers (in lower case) and body, parsed where it is JSON.
func (c *client) see(s *scope, resp *httpx.Response) { seen(s, resp) }

// seen puts an answer into a scope. What no rule looks at is not read.
func seen(s *scope, resp *httpx.Response) {
	s.set("status", value.OfInt(int64(resp.Status)))
	s.t.SetLazily("body", func() value.Value { return content(resp) })
	s.t.SetLazily("headers", func() value.Value { return headerFields(resp.Header) })
}

// headerFields are the headers as templates see them.
func headerFields(h http.Header) value.Value {
	all := make([]value.Field, 0, len(h))
	for name, values := range h {
		all = append(all, value.Field{Name: strings.ReplaceAll(strings.ToLower(name), "-", "_"), Value: value.OfText(strings.Join(values, ", "))})
	}
	return value.OfMap(all)
}

func content(resp *httpx.Response) value.Value {
	text := string(resp.Body)
	if text == "" {
		return value.Value{}
	}
	if parsed, err := value.ParseJSON(text); err == nil {
		return parsed
	}
	return value.OfText(text)
}

// keep saves what later steps know as vars.
func (c *client) keep(s *scope, save map[string]Expr) error {
	if len(save) == 0 {
		return nil
	}
	for _, name := range sortedExprs(save) {
		e := save[name]
		v, err := s.eval(&e.source)
		if err != nil {
			return err
		}
		s.keepVar(name, v)
	}
	return nil
}

func sortedExprs(m map[string]Expr) []string {
	list := make([]string, 0, len(m))
	for name := range m {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
