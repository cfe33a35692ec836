package embedded

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/signature"
)

// The headers of the Standard Webhooks specification, 1.0:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	headerID        = "Webhook-Id"
	headerTime      = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// codeNotFound is the error of a method that the connector does not have: https://www.jsonrpc.org/specification#error_object
const codeNotFound = -32601

// rpc calls a connector's methods.
type rpc struct {
	http     *httpx.Client
	settings settings
	clock    clock.Clock
}

func (s settings) open(network httpx.Network, reach connector.Network, c clock.Clock, concurrency int) (*rpc, error) {
	secrets := []string{s.Secret}
	var hidden []string
	for _, h := range s.Headers {
		if h.Secret {
			secrets, hidden = append(secrets, h.Value), append(hidden, h.Name)
		}
	}
	client, err := httpx.New(httpx.Options{
		Concurrency: concurrency, Timeout: s.wait(), CA: []byte(s.CA), Network: network, Dial: reach.Dial, Egress: reach.Firewall(),
		Secrets: secrets, SecretHeaders: hidden, Clock: c,
	})
	if err != nil {
		return nil, err
	}
	return &rpc{http: client, settings: s, clock: c}, nil
}

// rpcError is what a method says that failed.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// answer is what a method returned.
type answer struct {
	Version string          `json:"jsonrpc"`
	Result  json.RawMessage `json:"result"`
	Error   *rpcError       `json:"error"`
	ID      json.RawMessage `json:"id"`
}

// call calls a method and reads its result into the value that result points to. id names the request: it is the same for
// the same rows. It returns a *fault.Error, whose class is as Session.Write has it, and whether the connector has no such
// method.
func (r *rpc) call(ctx context.Context, method, id string, params, result any) (x connector.Exchange, missing bool, err error) {
	p, err := json.Marshal(params)
	if err != nil {
		return x, false, fault.Wrap(err, fault.CodeInternal, "encoding the request")
	}
	return r.send(ctx, method, id, p, result)
}

// send is call for parameters that are JSON already.
func (r *rpc) send(ctx context.Context, method, id string, params []byte, result any) (connector.Exchange, bool, error) {
	address, err := httpx.ParseBase(r.settings.URL)
	if err != nil {
		return connector.Exchange{}, false, err
	}
	if id == "" {
		id = rand.Text()
	}
	body := append([]byte(`{"jsonrpc":"2.0","id":`), strconv.Quote(id)...)
	body = append(append(body, `,"method":"`+method+`","params":`...), params...)
	body = append(body, '}')
	resp, logged, err := r.http.Do(ctx, &httpx.Request{Method: http.MethodPost, URL: address, Header: r.header(id, body), Body: body})
	x := exchange(logged)
	if err != nil {
		return x, false, err
	}
	missing, err := r.read(method, resp, result)
	return x, missing, err
}

// header has what every request has, and its signature.
func (r *rpc) header(id string, body []byte) http.Header {
	h := http.Header{"User-Agent": {"Millrace"}}
	for _, p := range r.settings.Headers {
		h.Set(p.Name, p.Value)
	}
	at := strconv.FormatInt(r.clock.Now().Unix(), 10)
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json")
	h.Set(headerID, id)
	h.Set(headerTime, at)
	if r.settings.Secret != "" {
		h.Set(headerSignature, signature.Webhook(r.settings.Secret, id, at, body))
	}
	return h
}

// read reads an answer. One that cannot be understood leaves it open what became of the request.
func (r *rpc) read(method string, resp *httpx.Response, result any) (missing bool, err error) {
	var a answer
	parsed := !resp.Truncated && json.Unmarshal(resp.Body, &a) == nil && (a.Error != nil || a.Result != nil)
	e := r.http.StatusFault(resp)
	switch {
	case e != nil && (!parsed || a.Version != "2.0"): // not the connector's own word
		return false, e
	case !parsed:
		return false, unsure("%s: the answer is not one of JSON-RPC 2.0", method)
	}
	if a.Error != nil {
		e := fault.New(fault.CodeDestinationRejected, "%s: %s (%d)", method, r.http.Redact(a.Error.Message), a.Error.Code)
		return a.Error.Code == codeNotFound, e
	}
	if err := json.Unmarshal(a.Result, result); err != nil {
		return false, unsure("%s: the result has another form than it must have", method)
	}
	return false, nil
}

func unsure(format string, args ...any) error {
	return fault.Reclass(fault.New(fault.CodeDestinationAnswer, format, args...), fault.Unknown)
}

func exchange(x httpx.Exchange) connector.Exchange {
	headers := func(list []httpx.Header) []connector.Header {
		out := make([]connector.Header, len(list))
		for i, h := range list {
			out[i] = connector.Header(h)
		}
		return out
	}
	return connector.Exchange{
		Method: x.Method, URL: x.URL, RequestHeaders: headers(x.RequestHeaders), RequestBody: x.RequestBody,
		Status: x.Status, ResponseHeaders: headers(x.ResponseHeaders), ResponseBody: x.ResponseBody,
		Error: x.Error, StartedAt: x.StartedAt, Duration: x.Duration,
	}
}
