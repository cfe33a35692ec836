// Package httprequest is the destination "HTTP Request": a request of one's own making to any HTTP API when
// rows are added, changed or removed. What a request looks like is said in Liquid, by a column or by a
// mapping; nothing is known of the API behind it, so what its answers mean is decided by their status, and by
// a template where the status does not tell.
package httprequest

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/oauth"
	"github.com/millrace/millrace/internal/value"
)

// Slug is the destination's slug.
const Slug = "http-request"

// Info describes the destination. network says where the server's operator lets requests go.
func Info(network httpx.Network) connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:     Slug,
		Name:     "HTTP Request",
		Category: "other",
		Summary:  "Sends requests of your own making to any HTTP API when rows are added, changed or removed",
		Verified: true,
		Fields:   fields(),
		Authorize: []connector.ShowIf{
			{Field: "auth", In: []string{authOAuth}}, {Field: "grant", In: []string{grantCode}},
		},
		SyncTypes: []connector.SyncType{{
			Slug:    "request",
			Name:    "HTTP request",
			Summary: "A request for each row, or for a batch of rows, that was added, changed or removed",
			Modes:   []connector.Mode{connector.ModeTrigger},
			Fields:  syncFields(),
			Mapping: connector.MappingRule{Enabled: true, Advanced: true, Custom: true, AllByName: true, Clear: value.OfText("")},
			Compare: connector.CompareAll,
		}},
		Open: func(o connector.DestinationOptions) (connector.Destination, error) { return open(network, o) },
	}
}

func open(network httpx.Network, o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{network: network, reach: o.Network, clock: o.Clock}
	if d.clock == nil {
		d.clock = clock.System{}
	}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	if d.settings.Auth == authOAuth {
		d.tokens = oauth.New(d.settings.provider(), oauth.Options{State: o.State, Clock: d.clock})
	}
	return d, nil
}

// destination is an API.
type destination struct {
	network  httpx.Network
	reach    connector.Network
	clock    clock.Clock
	settings settings
	tokens   *oauth.Tokens // nil without OAuth
}

var (
	_ connector.Destination  = (*destination)(nil)
	_ connector.OptionLister = (*destination)(nil)
	_ connector.Authorizer   = (*destination)(nil)
)

// client returns a client for so many requests at once.
func (d *destination) client(concurrency int) (*httpx.Client, error) {
	return httpx.New(httpx.Options{
		Concurrency: concurrency,
		CA:          []byte(d.settings.CA),
		Certificate: []byte(d.settings.Certificate),
		Key:         []byte(d.settings.Key),
		Network:     d.network,
		Dial:        d.reach.Dial,
		Egress:      d.reach.Firewall(),
		Secrets:     d.settings.secrets(),
		Clock:       d.clock,
		SecretHeaders: func() (names []string) {
			for _, h := range d.settings.Headers {
				if h.Secret {
					names = append(names, h.Name)
				}
			}
			return names
		}(),
	})
}

// Test asks for the base URL, or for the path that the settings name for it. Every answer shows that the API
// can be reached; 401 and 407 show that the credentials are wrong, and a server's error that it does not work.
func (d *destination) Test(ctx context.Context) error {
	if err := d.settings.check().Err(); err != nil {
		return fault.As(err)
	}
	client, err := d.client(1)
	if err != nil {
		return err
	}
	defer client.Close()
	address, err := d.settings.join(d.settings.TestPath)
	if err != nil {
		return err
	}
	r := &httpx.Request{Method: http.MethodGet, URL: address, Header: d.settings.header()}
	if d.tokens != nil {
		d.tokens.Insist()
	}
	resp, err := httpx.Authorized(ctx, d.authorizer(client), r, func() (*httpx.Response, error) {
		resp, _, err := client.Do(ctx, r)
		return resp, err
	})
	if err != nil {
		return err
	}
	if e := client.StatusFault(resp, r.Secrets...); e != nil && (e.Class == fault.Fatal || resp.Status >= http.StatusInternalServerError) {
		if e.Code == fault.CodeDestinationRejected {
			return e.WithSuggestion("The API answers with an error of its own; choose a path to test that it serves.")
		}
		return e
	}
	return nil
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	_, _, more := d.actions(job)
	return append(issues, more...).Err()
}

// ListOptions lists the model's columns, for bodies that are one column.
func (d *destination) ListOptions(_ context.Context, list string, job connector.SyncJob) ([]connector.Option, error) {
	if list != trigger.ListColumns {
		return nil, fault.New(fault.CodeInvalid, "there is no list %q", list)
	}
	return trigger.Columns(job), nil
}

// Begin compiles the sync's templates. Nothing is sent.
func (d *destination) Begin(_ context.Context, job connector.SyncJob) (connector.Session, error) {
	if err := d.Check(job); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	actions, feed, _ := d.actions(job) //nolint:errcheck // Check has just reported its issues
	s := &session{destination: d, Feed: feed, actions: actions, scratches: trigger.NewPool(job)}
	var err error
	if s.client, err = d.client(feed.Concurrency()); err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	return s, nil
}

// Close does nothing: connections belong to sessions.
func (d *destination) Close() error { return nil }

// join puts a path, which may have a query, behind the base URL.
func (s settings) join(path string) (*url.URL, error) {
	base, err := s.base()
	if err != nil {
		return nil, err
	}
	u, err := base.resolve([]byte(path))
	if err != nil {
		return nil, err
	}
	return u, nil
}

// base is what every request's address begins and ends with.
type base struct {
	prefix string // scheme, host and path, without a slash at its end
	slash  string // the slash that it ended with: part of the address where nothing follows
	query  string // encoded parameters, without ?
}

func (s settings) base() (base, error) {
	u, err := httpx.ParseBase(s.BaseURL)
	if err != nil {
		return base{}, err
	}
	query := u.RawQuery
	for _, p := range s.Query {
		query = appendQuery(query, p.Name, p.Value)
	}
	u.RawQuery, u.ForceQuery = "", false
	address := u.String()
	prefix := strings.TrimRight(address, "/")
	return base{prefix, address[len(prefix):], query}, nil
}

func appendQuery(query, name, value string) string {
	if query != "" {
		query += "&"
	}
	return query + url.QueryEscape(name) + "=" + url.QueryEscape(value)
}

// resolve reads the address that path makes with the base. The path cannot lead to another host.
func (b base) resolve(path []byte) (*url.URL, error) {
	text := string(path)
	switch {
	case text == "" || text[0] == '?':
		text = b.slash + text
	case text[0] != '/':
		text = "/" + text
	}
	u, err := url.Parse(b.prefix + text)
	if err != nil {
		return nil, fault.New(fault.CodeMappingReject, "the address that the template makes is not a URL")
	}
	if b.query != "" && u.RawQuery != "" {
		u.RawQuery = b.query + "&" + u.RawQuery
	} else if b.query != "" {
		u.RawQuery = b.query
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}
