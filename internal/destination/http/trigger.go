package httprequest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/template"
	"golang.org/x/net/http/httpguts"
)

// trigger is what is sent for one operation, compiled once for a run.
type trigger struct {
	method  string
	batched bool
	base    base
	static  *url.URL           // the address, where it is the same for every request
	path    *template.Template // otherwise
	header  http.Header        // what every request has; shared by all of them
	headers []namedTemplate    // what depends on rows
	key     string             // the header that carries the batch's id; empty for none
	body    body
	failure *template.Template // nil where the status alone decides
	timeout time.Duration
	retry   statuses
	limits  connector.Limits
	source  bool // rows are read by their columns
}

// namedTemplate is a header or a form's field.
type namedTemplate struct {
	name  string // a form's is encoded
	value *template.Template
}

// triggers compiles the sync's settings and reports every error in them.
func (d *destination) triggers(job connector.SyncJob) (map[connector.Operation]*trigger, fault.Issues) {
	var issues fault.Issues
	b, err := d.settings.base()
	if err != nil {
		b = base{} // reported with the connection's settings
	}
	enabled := map[connector.Operation]*trigger{}
	for _, f := range syncFields() {
		op := connector.Operation(f.Name)
		if !slices.Contains(connector.Operations, op) {
			continue
		}
		if s := readTrigger(job, op, f.Fields, &issues); s != nil {
			c := &compiler{job: job, settings: s, api: d.settings.limitsOf(s.URL), path: "spec.settings." + f.Name, issues: &issues}
			enabled[op] = c.trigger(b, d.settings.header())
		}
	}
	if len(enabled) == 0 && len(issues) == 0 {
		issues.Add("spec.settings.added", fault.CodeRequired, "nothing is sent: enable rows added, rows changed or rows removed")
	}
	switch job.Settings.Text("initial") {
	case "", initialBackfill, initialSkip:
	default:
		issues.Add("spec.settings.initial", fault.CodeInvalid, "there are %s and %s", initialBackfill, initialSkip)
	}
	share(enabled)
	return enabled, issues
}

// share makes what is about the whole run the same in every trigger's limits.
func share(triggers map[connector.Operation]*trigger) {
	var ops []connector.Operation
	source := false
	for _, op := range connector.Operations {
		if t := triggers[op]; t != nil {
			ops = append(ops, op)
			source = source || t.source
		}
	}
	for _, t := range triggers {
		t.limits.Operations, t.limits.NeedSource = ops, source
	}
}

// compiler compiles one trigger.
type compiler struct {
	job      connector.SyncJob
	settings *triggerSettings
	api      []connector.Rate // what the API allows all syncs together
	path     string
	issues   *fault.Issues
	source   bool // something reads rows by their columns
}

func (c *compiler) trigger(b base, header http.Header) *trigger {
	s := c.settings
	t := &trigger{
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
		t.failure = c.parse("failure", template.Plain, s.Failure)
	}
	t.retry = c.statuses()
	t.source = c.source
	t.limits = c.limits()
	return t
}

// parse reads a template; an error is about the setting of that name.
func (c *compiler) parse(field string, f template.Format, text string) *template.Template {
	t, err := template.ParseAs(f, text)
	if err != nil {
		*c.issues = append(*c.issues, fault.As(err).WithPath(c.path+"."+field))
		return nil
	}
	return t
}

// reads is parse for templates that rows are given to.
func (c *compiler) reads(field string, f template.Format, text string) *template.Template {
	t := c.parse(field, f, text)
	if t != nil {
		if _, static := t.Text(); !static {
			c.source = true
		}
	}
	return t
}

func (c *compiler) invalid(field, format string, args ...any) {
	c.issues.Add(c.path+"."+field, fault.CodeInvalid, format, args...)
}

func (c *compiler) address(t *trigger) {
	path := strings.TrimSpace(c.settings.URL)
	if absolute(path) {
		c.invalid("url", "only the path is needed: the connection's base URL comes before it")
		return
	}
	if t.path = c.reads("url", template.URL, path); t.path == nil {
		return
	}
	text, static := t.path.Text()
	if !static || t.base.prefix == "" {
		return
	}
	u, err := t.base.resolve([]byte(text))
	if err != nil {
		c.invalid("url", "%q is not a path", text)
		return
	}
	t.static = u
}

func (c *compiler) headers(t *trigger) {
	field := c.path + ".headers"
	checkHeaders(field, c.settings.Headers, c.issues)
	for _, h := range c.settings.Headers {
		name := http.CanonicalHeaderKey(h.Name)
		tpl := c.reads("headers", template.Plain, h.Value)
		if h.Secret {
			c.invalid("headers", "the header %s is secret: add it to the connection, which encrypts it", name)
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
		c.invalid("idempotencyHeader", "%q cannot be the name of a header", t.key)
	}
	t.key = http.CanonicalHeaderKey(t.key)
}

// safeShare is how much of a rate limit is used: network delays bunch requests together.
const safeShare = 0.98

var windows = map[string]time.Duration{perSecond: time.Second, perMinute: time.Minute, perHour: time.Hour}

// maxBytes keeps a batch from filling the memory.
const maxBytes = 16 << 20

func (c *compiler) limits() connector.Limits {
	s := c.settings
	l := connector.Limits{
		Rows: 1, Bytes: maxBytes, Concurrency: s.Concurrency, WaitOut: true, OneKind: true,
		Idempotency: c.idempotency(), Split: s.Split && s.batched(),
		Retry:       connector.RetryPolicy{Attempts: 1},
		SkipInitial: c.job.Settings.Text("initial") == initialSkip,
	}
	if s.batched() {
		l.Rows = s.BatchSize
	}
	if s.RateLimit > 0 {
		safe := max(1, int(float64(s.RateLimit)*safeShare))
		l.Rates = []connector.Rate{{Requests: safe, Window: windows[s.RateWindow]}}
	}
	l.Rates = append(l.Rates, c.api...)
	if s.Retry == retryNow {
		l.Retry.Attempts = 1 + s.Retries
	}
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
	s := statuses{now: c.settings.Retry == retryNow && c.settings.Retries > 0, exact: map[int]bool{}, classes: map[int]bool{}}
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
			c.invalid("retryStatuses", "%q is not an error status such as 409 or 5xx", text)
		}
	}
	return s
}

// request makes the request of a batch, all but its body.
func (t *trigger) request(sc *scratch, id string) (*httpx.Request, error) {
	r := &httpx.Request{Method: t.method, URL: t.static, Header: t.header, Timeout: t.timeout}
	if r.URL == nil {
		var err error
		if sc.text, err = t.path.Render(sc.scope, sc.text[:0]); err != nil {
			return nil, inField("the path", err)
		}
		if r.URL, err = t.base.resolve(sc.text); err != nil {
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
		if sc.text, err = h.value.Render(sc.scope, sc.text[:0]); err != nil {
			return nil, inField("the header "+h.name, err)
		}
		text := string(sc.text)
		if !httpguts.ValidHeaderFieldValue(text) {
			return nil, fault.New(fault.CodeMappingReject, "the value of the header %s has characters that a header cannot have", h.name)
		}
		r.Header[h.name] = []string{text}
	}
	return r, nil
}

// inField says where a template failed.
func inField(where string, err error) error {
	e := *fault.As(err)
	e.Message = where + ": " + e.Message
	return &e
}
