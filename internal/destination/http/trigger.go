package httprequest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/template"
	"golang.org/x/net/http/httpguts"
)

// action is what is sent for one operation, compiled once for a run.
type action struct {
	method  string
	batched bool
	base    base
	static  *url.URL           // the address, where it is the same for every request
	path    *template.Template // otherwise
	header  http.Header        // what every request has; shared by all of them
	headers []namedTemplate    // what depends on rows
	key     string             // the header that carries the batch's id; empty for none
	body    trigger.Body
	failure *template.Template // nil where the status alone decides
	timeout time.Duration
	retry   statuses
	source  bool // rows are read by their columns
}

// namedTemplate is a header or a form's field.
type namedTemplate struct {
	name  string // a form's is encoded
	value *template.Template
}

// actions compiles the sync's settings and reports every error in them.
func (d *destination) actions(job connector.SyncJob) (map[connector.Operation]*action, trigger.Feed, fault.Issues) {
	var issues fault.Issues
	b, err := d.settings.base()
	if err != nil {
		b = base{} // reported with the connection's settings
	}
	enabled, feed, source := map[connector.Operation]*action{}, trigger.Feed{}, false
	trigger.Each(syncFields(), func(op connector.Operation, fields []connector.Field) {
		if s := readTrigger(job, op, fields, &issues); s != nil {
			c := &compiler{Compiler: trigger.Compiler{Job: job, Path: trigger.Path(op), Issues: &issues}, settings: s, api: d.settings.limitsOf(s.URL)}
			enabled[op] = c.action(b, d.settings.header())
			feed[op] = c.limits()
			source = source || c.Source
		}
	})
	trigger.Nothing(len(enabled), &issues)
	trigger.CheckInitial(job, &issues)
	feed.Share(source)
	return enabled, feed, issues
}

// compiler compiles one trigger.
type compiler struct {
	trigger.Compiler

	settings *triggerSettings
	api      []connector.Rate // what the API allows all syncs together
}

func (c *compiler) action(b base, header http.Header) *action {
	s := c.settings
	t := &action{
		method: s.Method, batched: s.batched(), base: b, header: header,
		key: s.IdempotencyHeader, timeout: time.Duration(s.Timeout) * time.Second,
	}
	c.address(t)
	c.headers(t)
	t.body = c.body()
	if kind := contentTypes[s.Body]; kind != "" && t.header.Get("Content-Type") == "" {
		t.header.Set("Content-Type", kind)
	}
	if s.Failure != "" {
		t.failure = c.Parse("failure", template.Plain, s.Failure)
	}
	t.retry = c.statuses()
	t.source = c.Source
	return t
}

func (c *compiler) address(t *action) {
	path := strings.TrimSpace(c.settings.URL)
	if absolute(path) {
		c.Invalid("url", "only the path is needed: the connection's base URL comes before it")
		return
	}
	if t.path = c.Reads("url", template.URL, path); t.path == nil {
		return
	}
	text, static := t.path.Text()
	if !static || t.base.prefix == "" {
		return
	}
	u, err := t.base.resolve([]byte(text))
	if err != nil {
		c.Invalid("url", "%q is not a path", text)
		return
	}
	t.static = u
}

func (c *compiler) headers(t *action) {
	field := c.Path + ".headers"
	checkHeaders(field, c.settings.Headers, c.Issues)
	for _, h := range c.settings.Headers {
		name := http.CanonicalHeaderKey(h.Name)
		tpl := c.Reads("headers", template.Plain, h.Value)
		if h.Secret {
			c.Invalid("headers", "the header %s is secret: add it to the connection, which encrypts it", name)
		}
		if tpl == nil {
			continue
		}
		if text, static := tpl.Text(); static {
			t.header.Set(name, text)
		} else {
			t.header.Del(name)
			t.headers = append(t.headers, namedTemplate{name, tpl})
		}
	}
	if t.key != "" && (!httpguts.ValidHeaderFieldName(t.key) || managed[http.CanonicalHeaderKey(t.key)]) {
		c.Invalid("idempotencyHeader", "%q cannot be the name of a header", t.key)
	}
	t.key = http.CanonicalHeaderKey(t.key)
}

// maxBytes keeps a request from filling the memory.
const maxBytes = trigger.MaxBytes

func (c *compiler) limits() connector.Limits {
	s := c.settings
	l := s.Limits(c.Job, c.idempotency())
	l.Bytes, l.Split = maxBytes, s.Split && s.batched()
	if s.batched() {
		l.Rows = s.BatchSize
	}
	l.Rates = append(l.Rates, c.api...)
	return l
}

// idempotency is what the method promises (RFC 9110, 9.2.2), or what the API makes of a key.
func (c *compiler) idempotency() connector.Idempotency {
	switch {
	case c.settings.IdempotencyHeader != "":
		return connector.Keyed
	case c.settings.Method == http.MethodPost || c.settings.Method == http.MethodPatch:
		return connector.NotIdempotent
	default:
		return connector.Idempotent
	}
}

// statuses say which statuses are worth a retry within the run.
type statuses struct {
	now     bool // there are such retries
	every   bool
	exact   map[int]bool
	classes map[int]bool // by the first digit
}

// has tells whether a request that got the status is sent again in the run.
func (s statuses) has(status int) bool {
	return s.now && status >= http.StatusBadRequest && (s.every || s.exact[status] || s.classes[status/100])
}

func (c *compiler) statuses() statuses {
	s := statuses{now: c.settings.Retry == trigger.RetryNow && c.settings.Retries > 0, exact: map[int]bool{}, classes: map[int]bool{}}
	s.every = len(c.settings.RetryStatuses) == 0
	for _, text := range c.settings.RetryStatuses {
		first, isClass := strings.CutSuffix(strings.ToLower(strings.TrimSpace(text)), "xx")
		n, err := strconv.Atoi(first)
		switch {
		case err == nil && isClass && (n == 4 || n == 5):
			s.classes[n] = true
		case err == nil && !isClass && n >= http.StatusBadRequest && n < 600:
			s.exact[n] = true
		default:
			c.Invalid("retryStatuses", "%q is not an error status such as 409 or 5xx", text)
		}
	}
	return s
}

// request makes the request of a batch, all but its body.
func (t *action) request(sc *trigger.Scratch, id string) (*httpx.Request, error) {
	r := &httpx.Request{Method: t.method, URL: t.static, Header: t.header, Timeout: t.timeout}
	if r.URL == nil {
		var err error
		if sc.Text, err = t.path.Render(sc.Scope, sc.Text[:0]); err != nil {
			return nil, inField("the path", err)
		}
		if r.URL, err = t.base.resolve(sc.Text); err != nil {
			return nil, err
		}
	}
	if len(t.headers) == 0 && t.key == "" {
		return r, nil
	}
	r.Header = r.Header.Clone()
	if t.key != "" {
		r.Header[t.key] = []string{id}
	}
	for _, h := range t.headers {
		var err error
		if sc.Text, err = h.value.Render(sc.Scope, sc.Text[:0]); err != nil {
			return nil, inField("the header "+h.name, err)
		}
		text := string(sc.Text)
		if !httpguts.ValidHeaderFieldValue(text) {
			return nil, fault.New(fault.CodeMappingReject, "the value of the header %s has characters that a header cannot have", h.name)
		}
		r.Header[h.name] = []string{text}
	}
	return r, nil
}

// inField says where a template failed.
func inField(where string, err error) error { return trigger.InField(where, err) }
