package googlesheets

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/oauth"
)

// What tokens are for: writing to spreadsheets, finding them, and making further ones.
// https://developers.google.com/workspace/sheets/api/scopes
var scopes = []string{"https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive"}

// Addresses of the APIs.
const (
	sheetsAPI = "https://sheets.googleapis.com"
	driveAPI  = "https://www.googleapis.com"
)

// answerTime is how long Google may work on a request: it gives up by itself after 180 seconds.
// https://developers.google.com/workspace/sheets/api/limits
const answerTime = 190 * time.Second

// api sends requests to the Sheets and Drive APIs.
type api struct {
	client    *httpx.Client
	tokens    *cloud.Tokens   // of a service account
	person    *oauth.Tokens   // of a person's account; nil where a service account is used
	transport *http.Transport // for tokens
	endpoint  string
	identity  string // who the tokens are of
	email     string // of the service account; empty where the server's own identity or a person's account is used
	firewall  string
	maxCells  int
	wait      time.Duration // before a request is made for the second time
	pace      *pace         // nil where nobody paces, as outside of runs
}

// maxCells is Google's limit of a spreadsheet, with empty cells. https://support.google.com/drive/answer/37603
const maxCells = 10_000_000

// newAPI connects to nothing.
func newAPI(s settings, o connector.DestinationOptions) (*api, error) {
	a := &api{endpoint: strings.TrimRight(s.Endpoint, "/"), firewall: o.Network.Firewall(), transport: o.Network.Transport(), maxCells: maxCells, wait: 2 * time.Second}
	var err error
	if a.client, err = httpx.New(httpx.Options{Timeout: answerTime, Dial: o.Network.DialContext, Egress: o.Network.Firewall(), Clock: o.Clock}); err != nil {
		return nil, err
	}
	if s.Access == byPerson {
		a.person = oauth.New(oauth.GoogleUser(s.App, a.endpoint, scopes...), oauth.Options{State: o.State, Clock: o.Clock})
		return a, nil
	}
	a.identity = s.Credential.Who()
	if account, err := cloud.ParseServiceAccount(s.Credential.ServiceAccountKey); err == nil {
		a.email = account.ClientEmail
	}
	if a.tokens, err = s.Credential.Tokens(&http.Client{Transport: a.transport, Timeout: tokenTime}, scopes...); err != nil {
		return nil, fault.Wrap(err, fault.CodeDestinationAuth, "reading the GCP credential").
			WithSuggestion("Check that the whole key of the service account was pasted, or create another key.")
	}
	return a, nil
}

// tokenTime is how long a token may take.
const tokenTime = 30 * time.Second

func (a *api) close() {
	a.client.Close()
	a.transport.CloseIdleConnections()
}

// call is one request.
type call struct {
	doing  string // for errors
	method string
	api    string // one of the addresses
	path   string // escaped
	query  url.Values
	body   any
	record func(connector.Exchange) // nil where the request log has no place for it
}

// do sends a request and reads the answer into out, which may be nil.
func (a *api) do(ctx context.Context, c call, out any) error {
	request, err := a.request(ctx, c)
	if err != nil {
		return err
	}
	answer, err := httpx.Authorized(ctx, a.authorizer(), request, func() (*httpx.Response, error) {
		if err := a.pace.wait(ctx, c); err != nil {
			return nil, err
		}
		answer, x, err := a.client.Do(ctx, request)
		if c.record != nil {
			c.record(exchangeOf(x))
		}
		return answer, err
	})
	if _, held := errors.AsType[*unsent](err); held {
		return err
	}
	if err != nil {
		e := *fault.As(err)
		return fault.Reclass(fault.Wrap(&e, e.Code, "%s", c.doing).WithSuggestion("%s", e.Hint()), e.Class)
	}
	if e := a.client.StatusFault(answer); e != nil {
		err := a.refused(answer, e, c.doing)
		a.pace.asked(ctx, c, err)
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Body, out); err != nil {
		return fault.Wrap(err, fault.CodeDestinationAnswer, "%s", c.doing).
			WithSuggestion("The answer is none of Google's.%s", a.firewall)
	}
	return nil
}

func (a *api) request(ctx context.Context, c call) (*httpx.Request, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Reclass(fault.Wrap(err, fault.CodeRunCancelled, "%s was not begun", c.doing), fault.Retryable)
	}
	base := c.api
	if a.endpoint != "" {
		base = a.endpoint
	}
	address, err := url.Parse(base + c.path)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "%s", c.doing)
	}
	address.RawQuery = c.query.Encode()
	r := &httpx.Request{
		Method: c.method, URL: address,
		Header: http.Header{"Accept": {"application/json"}},
	}
	if c.body != nil {
		r.Header.Set("Content-Type", "application/json")
		if r.Body, err = json.Marshal(c.body); err != nil {
			return nil, fault.Wrap(err, fault.CodeInternal, "%s", c.doing)
		}
	}
	return r, nil
}

func exchangeOf(x httpx.Exchange) connector.Exchange {
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

// attempts is how often a request outside of batches is made: those of batches are repeated by the run.
const attempts = 5

// patiently makes requests again that were not taken, after the wait that Google asks for. Google doubles the wait of
// those who do not know it. https://developers.google.com/workspace/sheets/api/limits#exponential
func (a *api) patiently(ctx context.Context, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		class := fault.ClassOf(err)
		if _, held := errors.AsType[*unsent](err); held {
			return err
		}
		if err == nil || attempt == attempts || class != fault.Throttled && class != fault.Retryable {
			return err
		}
		wait := a.wait << (attempt - 1)
		if class == fault.Throttled {
			wait = fault.As(err).After
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}
