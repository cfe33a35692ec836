package httpx_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/millrace/millrace/internal/httpx"
)

// passes authorizes with one pass after another; which of them are refused says the test.
type passes struct {
	given int
	fail  int // the pass that cannot be had
}

var errNone = errors.New("there is no pass")

func (p *passes) Authorize(_ context.Context, r *httpx.Request) error {
	p.given++
	if p.given == p.fail {
		return errNone
	}
	r.Secrets = append(r.Secrets, "pass")
	return nil
}

func (p *passes) Refused(_ *httpx.Request, resp *httpx.Response) bool {
	return resp.Status == http.StatusUnauthorized
}

// TestAuthorized: a refused authorization is replaced once, and nothing else is sent again.
func TestAuthorized(t *testing.T) {
	t.Parallel()
	lost := errors.New("no answer")
	for name, c := range map[string]struct {
		statuses []int // 0: no answer
		fail     int
		sent     int
		last     int
		err      error
	}{
		"let in":            {statuses: []int{200}, sent: 1, last: 200},
		"then let in":       {statuses: []int{401, 200}, sent: 2, last: 200},
		"never let in":      {statuses: []int{401, 401, 200}, sent: 2, last: 401},
		"another error":     {statuses: []int{500, 200}, sent: 1, last: 500},
		"no answer":         {statuses: []int{0, 200}, sent: 1, err: lost},
		"no pass":           {statuses: []int{200}, fail: 1, err: errNone},
		"no second pass":    {statuses: []int{401, 200}, fail: 2, sent: 1, err: errNone},
		"no answer, second": {statuses: []int{401, 0}, sent: 2, err: lost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := 0
			resp, err := httpx.Authorized(t.Context(), &passes{fail: c.fail}, &httpx.Request{}, func() (*httpx.Response, error) {
				status := c.statuses[sent]
				sent++
				if status == 0 {
					return nil, lost
				}
				return &httpx.Response{Status: status}, nil
			})
			if !errors.Is(err, c.err) || sent != c.sent || err == nil && resp.Status != c.last {
				t.Errorf("%v, %v after %d requests", resp, err, sent)
			}
		})
	}
	r := &httpx.Request{}
	resp, err := httpx.Authorized(t.Context(), nil, r, func() (*httpx.Response, error) { return &httpx.Response{Status: 401}, nil })
	if err != nil || resp.Status != 401 || r.Secrets != nil {
		t.Errorf("without an authorizer: %v, %v", resp, err)
	}
}
