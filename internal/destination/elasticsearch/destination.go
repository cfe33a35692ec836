package elasticsearch

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// requestTimeout is more than the minute that a server itself waits for its shards.
const requestTimeout = 90 * time.Second

// minVersion is the first version whose requests name no types.
// https://www.elastic.co/guide/en/elasticsearch/reference/7.17/removal-of-types.html
const minVersion = 7

// destination is one server or deployment.
type destination struct {
	settings settings
	clock    clock.Clock
	log      *slog.Logger
	network  connector.Network

	mu   sync.Mutex
	open *httpx.Client
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.FieldLister  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
)

func (d *destination) client() (*httpx.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		return d.open, nil
	}
	if err := d.settings.check().Err(); err != nil {
		return nil, fault.As(err)
	}
	var err error
	d.open, err = httpx.New(httpx.Options{
		Concurrency: maxParallel, Timeout: requestTimeout, CA: []byte(d.settings.CA), Dial: d.network.DialContext,
		Egress: d.network.Firewall(), Secrets: d.settings.secrets(), Clock: d.clock,
	})
	return d.open, err
}

// request is one request of ours.
type request struct {
	method string
	path   []string // segments, not escaped
	query  url.Values
	body   []byte // lines of JSON
	batch  *connector.Batch
}

// do sends a request and reads the answer into target, if there is one. A status is no error of its own: it comes back,
// with what it means.
func (d *destination) do(ctx context.Context, r request, target any) error {
	client, err := d.client()
	if err != nil {
		return err
	}
	u := d.settings.base()
	for _, segment := range r.path {
		u = u.JoinPath(url.PathEscape(segment))
	}
	u.RawQuery = r.query.Encode()
	h := http.Header{"Accept": {"application/json"}}
	if len(r.body) > 0 {
		h.Set("Content-Type", "application/x-ndjson")
	}
	d.settings.authorize(h)
	resp, x, err := client.Do(ctx, &httpx.Request{Method: r.method, URL: u, Header: h, Body: r.body})
	if r.batch != nil {
		r.batch.Record(exchange(x))
	}
	if err != nil {
		return d.unanswered(err)
	}
	if e := client.StatusFault(resp); e != nil {
		return d.judge(e, resp)
	}
	if resp.Truncated {
		return fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the server's answer is longer than %d bytes", httpx.KeepBody), fault.Unknown).
			WithSuggestion("Lower the sync's rows in a batch.")
	}
	if err := json.Unmarshal(resp.Body, target); err != nil {
		return fault.Reclass(fault.Wrap(err, fault.CodeDestinationAnswer, "the answer is not Elasticsearch's"), fault.Unknown).
			WithSuggestion("Check that %s is the address of Elasticsearch itself, not of Kibana or of a proxy's page.", d.settings.base())
	}
	return nil
}

func exchange(x httpx.Exchange) connector.Exchange {
	return connector.Exchange{
		Method: x.Method, URL: x.URL, RequestHeaders: headers(x.RequestHeaders), RequestBody: x.RequestBody,
		Status: x.Status, ResponseHeaders: headers(x.ResponseHeaders), ResponseBody: x.ResponseBody,
		Error: x.Error, StartedAt: x.StartedAt, Duration: x.Duration,
	}
}

func headers(list []httpx.Header) []connector.Header {
	out := make([]connector.Header, len(list))
	for i, h := range list {
		out[i] = connector.Header(h)
	}
	return out
}

// about is what a server says of itself.
type about struct {
	Version struct {
		Number       string `json:"number"`
		Distribution string `json:"distribution"`
	} `json:"version"`
}

// Test connects and looks who answers.
func (d *destination) Test(ctx context.Context) error {
	var a about
	err := d.do(ctx, request{method: http.MethodGet}, &a)
	if fault.Is(err, fault.CodeDestinationDenied) { // a key that may only write to its index may still ask who it is
		return d.do(ctx, request{method: http.MethodGet, path: []string{"_security", "_authenticate"}}, &struct{}{})
	}
	if err != nil {
		return err
	}
	major, _, _ := strings.Cut(a.Version.Number, ".")
	n, err := strconv.Atoi(major)
	switch {
	case a.Version.Distribution == "opensearch":
		return fault.New(fault.CodeDestinationSchema, "%s is OpenSearch %s", d.settings.base(), a.Version.Number).WithSuggestion("Use the destination OpenSearch.")
	case err != nil:
		return fault.New(fault.CodeDestinationAnswer, "%s does not say which version of Elasticsearch it is", d.settings.base()).
			WithSuggestion("Check that this is the address of Elasticsearch itself, not of Kibana or of a proxy.")
	case n < minVersion:
		return fault.New(fault.CodeDestinationSchema, "the server is Elasticsearch %s", a.Version.Number).WithSuggestion("Use Elasticsearch %d or later.", minVersion)
	}
	return nil
}

// ListOptions lists the indices and aliases, without those of Elasticsearch itself.
func (d *destination) ListOptions(ctx context.Context, list string, _ connector.SyncJob) ([]connector.Option, error) {
	if list != listIndices {
		return nil, fault.New(fault.CodeNotFound, "there is no list %q", list)
	}
	var indices []struct {
		Index  string `json:"index"`
		Health string `json:"health"`
		Docs   string `json:"docs.count"`
	}
	query := url.Values{"format": {"json"}, "h": {"index,health,docs.count"}, "s": {"index"}, "expand_wildcards": {"open"}}
	if err := d.do(ctx, request{method: http.MethodGet, path: []string{"_cat", "indices"}, query: query}, &indices); err != nil {
		return nil, err
	}
	var aliases map[string]struct {
		Aliases map[string]struct{} `json:"aliases"`
	}
	if err := d.do(ctx, request{method: http.MethodGet, path: []string{"_alias"}}, &aliases); err != nil && !fault.Is(err, fault.CodeDestinationDenied) {
		return nil, err
	}
	options := []connector.Option{}
	for _, i := range indices {
		if !strings.HasPrefix(i.Index, ".") {
			options = append(options, connector.Option{Value: i.Index, Label: i.Index, Help: i.Docs + " documents, " + i.Health})
		}
	}
	return append(options, aliasOptions(aliases)...), nil
}

func aliasOptions[T any](byIndex map[string]struct {
	Aliases map[string]T `json:"aliases"`
},
) []connector.Option {
	of := map[string][]string{}
	for index, a := range byIndex {
		for alias := range a.Aliases {
			if !strings.HasPrefix(alias, ".") {
				of[alias] = append(of[alias], index)
			}
		}
	}
	var options []connector.Option
	for alias, indices := range of {
		slices.Sort(indices)
		options = append(options, connector.Option{Value: alias, Label: alias, Help: "Alias of " + strings.Join(indices, ", ")})
	}
	slices.SortFunc(options, func(a, b connector.Option) int { return strings.Compare(a.Value, b.Value) })
	return options
}

// TargetFields lists the fields of the index.
func (d *destination) TargetFields(ctx context.Context, job connector.SyncJob) ([]connector.TargetField, error) {
	s, err := decode(job)
	if err != nil {
		return nil, err
	}
	m, err := d.mapping(ctx, s.Index)
	if err != nil {
		return nil, err
	}
	return m.targetFields(), nil
}

// Close ends idle connections.
func (d *destination) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		d.open.Close()
		d.open = nil
	}
	return nil
}
