package databricks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Limits of the requests.
const (
	answerLimit  = 64 << 20 // bytes of an answer that is no file: an inline result has 25 MiB at most
	requestLimit = 2 * time.Minute
	attempts     = 8 // of a request that the workspace puts off
	longestWait  = 30 * time.Second
)

// client speaks the workspace's REST API.
type client struct {
	base    string
	http    *http.Client
	network connector.Network
	login   login
}

func newClient(s settings, n connector.Network) (*client, error) {
	t := n.Transport()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	t.MaxIdleConnsPerHost = 8
	t.ResponseHeaderTimeout = requestLimit
	t.DisableCompression = true // files are compressed inside, answers are small
	if s.CACertificate != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM([]byte(s.CACertificate)) {
			return nil, fault.New(fault.CodeInvalid, "the CA certificate holds no certificate in PEM").WithPath("caCertificate")
		}
		t.TLSClientConfig.RootCAs = roots
	}
	c := &client{
		base: "https://" + net.JoinHostPort(strings.Trim(s.Host, "[]"), strconv.Itoa(s.Port)), network: n,
		// An answer elsewhere would take the credentials along.
		http: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	c.login = loginOf(s)
	return c, nil
}

func (c *client) close() { c.http.CloseIdleConnections() }

// call is a request of the API.
type call struct {
	method string
	path   string
	body   any // written as JSON; nil for none
	// file is a body that is no JSON, and how many bytes it has; it is read again where the request is repeated.
	file func() (io.ReadCloser, error)
	size int64
	// until ends the waiting where it is not the context that ends the request.
	until context.Context
}

// do sends a request and reads the answer into out. It waits where the workspace asks for it, and shows itself again
// where a token has ended.
func (c *client) do(ctx context.Context, r call, out any) error {
	renewed := false
	until := ctx
	if r.until != nil {
		until = r.until
	}
	for attempt := 1; ; attempt++ {
		status, header, answer, err := c.once(ctx, r)
		if err != nil {
			return err
		}
		switch {
		case status/100 == 2:
			return decode(answer, out)
		case (status == http.StatusUnauthorized || status == http.StatusForbidden) && !renewed && c.login.renew():
			renewed = true
		case putOff(status) && attempt < attempts:
			if err := wait(until, retryAfter(header, attempt)); err != nil {
				return err
			}
		default:
			return c.explainAnswer(status, header, answer)
		}
	}
}

// putOff reports whether the workspace did nothing and asks to come again: it has too much to do, or a warehouse starts.
// https://docs.databricks.com/api/workspace/statementexecution
func putOff(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// retryAfter is how long to wait: what the answer says, or longer each time.
func retryAfter(h http.Header, attempt int) time.Duration {
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds >= 0 {
		return min(time.Duration(seconds)*time.Second, longestWait)
	}
	return min(time.Second<<min(attempt-1, 5), longestWait)
}

// wait waits, or ends with the context.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// once sends a request once.
func (c *client) once(ctx context.Context, r call) (int, http.Header, []byte, error) {
	token, err := c.login.token(ctx, c)
	if err != nil {
		return 0, nil, nil, err
	}
	request, err := r.request(ctx, c.base)
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return c.send(request)
}

func (r call) request(ctx context.Context, base string) (*http.Request, error) {
	if r.file != nil {
		body, err := r.file()
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, r.method, base+r.path, body)
		if err != nil {
			return nil, errors.Join(err, body.Close())
		}
		request.ContentLength = r.size
		request.Header.Set("Content-Type", "application/octet-stream")
		return request, nil
	}
	var body io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("writing a request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, base+r.path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

// send sends a request and reads its answer whole.
func (c *client) send(request *http.Request) (int, http.Header, []byte, error) {
	request.Header.Set("User-Agent", "millrace")
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerLimit+1))
	if err != nil {
		return 0, nil, nil, err
	}
	if len(answer) > answerLimit {
		return 0, nil, nil, fmt.Errorf("the answer is longer than %d bytes", answerLimit)
	}
	return response.StatusCode, response.Header, answer, nil
}

// decode reads an answer; a proxy's page is none.
func decode(answer []byte, out any) error {
	if out == nil || len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return notDatabricks(http.StatusOK, err)
	}
	return nil
}
