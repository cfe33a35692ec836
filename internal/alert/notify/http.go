package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// request is one request to a provider.
type request struct {
	url     string
	header  http.Header
	body    []byte
	secrets []string // that no error may repeat
}

// post sends the request and reads the answer; one that is no success is an error in the provider's own words.
func (s *Sender) post(ctx context.Context, r request) (*httpx.Response, error) {
	address, err := httpx.ParseBase(r.url)
	if err != nil {
		return nil, err
	}
	resp, _, err := s.http.Do(ctx, &httpx.Request{Method: http.MethodPost, URL: address, Header: r.header, Body: r.body, Secrets: r.secrets})
	if err != nil {
		return nil, undelivered(err)
	}
	if e := s.http.StatusFault(resp, r.secrets...); e != nil {
		if resp.Status >= http.StatusInternalServerError && e.Class == fault.Permanent {
			e.Class = fault.Retryable
		}
		return nil, undelivered(e)
	}
	return resp, nil
}

// postJSON sends a value as JSON.
func (s *Sender) postJSON(ctx context.Context, r request, v any) (*httpx.Response, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding a notice: %w", err)
	}
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Set("Content-Type", "application/json; charset=utf-8")
	r.body = text
	return s.post(ctx, r)
}

// codes are what errors of exchanges are called when they are about notices.
var codes = map[fault.Code]fault.Code{
	fault.CodeDestinationAuth: fault.CodeNoticeAuth, fault.CodeDestinationDenied: fault.CodeNoticeAuth,
	fault.CodeDestinationThrottled:   fault.CodeNoticeThrottled,
	fault.CodeDestinationUnreachable: fault.CodeNoticeUnreachable, fault.CodeDestinationTimeout: fault.CodeNoticeUnreachable,
	fault.CodeDestinationUnknown: fault.CodeNoticeUnreachable, fault.CodeRunCancelled: fault.CodeNoticeUnreachable,
	fault.CodeDestinationRejected: fault.CodeNoticeRefused,
}

// undelivered gives an error of an exchange the code that is about notices. Its class, its words and a suggestion
// of its own stay.
func undelivered(err error) error {
	e := *fault.As(err)
	if code, ok := codes[e.Code]; ok {
		e.Code = code
	}
	return &e
}

// join appends a path to a provider's base address.
func join(base, path string) string { return strings.TrimRight(base, "/") + path }

// form encodes values of a form.
func form(values map[string]string) []byte {
	f := url.Values{}
	for name, v := range values {
		f.Set(name, v)
	}
	return []byte(f.Encode())
}
