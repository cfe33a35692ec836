// Package httpx sends HTTP requests for destinations. It knows three things that net/http leaves to
// its callers: whether a request that failed can have reached the other side (fault.Retryable against
// fault.Unknown), what may be kept of an exchange for people to read without its secrets, and which
// networks the operator lets requests go to.
//
// Redirects are never followed: they would carry secrets to other hosts, and turn a POST into a GET
// that delivers nothing.
package httpx

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
)

// Limits of what is kept and read.
const (
	KeepBody       = 1 << 20 // bytes of a response that are kept, and of either body that are logged
	drainLimit     = 4 << 20 // bytes beyond them that are read so that the connection can be used again
	defaultTimeout = 30 * time.Second
	dialTimeout    = 10 * time.Second
	writeBuffer    = 32 << 10
	maxHeaderBytes = 256 << 10
)

// Options make a Client. The zero value is usable.
type Options struct {
	Concurrency   int           // requests in flight: so many connections to a host are kept open; default 8
	Timeout       time.Duration // of one exchange, connecting included; default 30 s
	CA            []byte        // PEM of authorities that are trusted besides the system's
	Certificate   []byte        // PEM of a client certificate
	Key           []byte        // PEM of its private key
	Network       Network       // where connections may go
	Dial          dialFunc      // how they are opened instead, wherever that is; nil means directly
	Egress        string        // a sentence about this server's addresses, with a space before it, for errors of firewalls
	Secrets       []string      // texts that no log may show
	SecretHeaders []string      // headers whose values no log may show, besides the well-known ones
	Clock         clock.Clock   // default: the system's
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// Client sends requests to one destination. It is safe for concurrent use.
type Client struct {
	transport *http.Transport
	timeout   time.Duration
	redactor  redactor
	egress    string
	clock     clock.Clock
}

// New returns a client. It fails on certificates that cannot be read.
func New(o Options) (*Client, error) {
	t, err := tlsConfig(o)
	if err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	return &Client{
		transport: newTransport(o, t),
		timeout:   o.Timeout,
		redactor:  newRedactor(o.Secrets, o.SecretHeaders),
		egress:    o.Egress,
		clock:     o.Clock,
	}, nil
}

func newTransport(o Options, t *tls.Config) *http.Transport {
	dial := o.Dial
	if dial == nil {
		dial = o.Network.DialContext
	}
	idle := max(o.Concurrency, 8)
	tr := &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        t,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		WriteBufferSize:        writeBuffer,
	}
	if o.Network != PublicOnly { // behind a proxy, it is the proxy that would have to refuse
		tr.Proxy = http.ProxyFromEnvironment
	}
	return tr
}

func tlsConfig(o Options) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(o.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(o.CA) {
			return nil, fault.New(fault.CodeInvalid, "the CA certificate is not PEM")
		}
		c.RootCAs = pool
	}
	if len(o.Certificate) > 0 || len(o.Key) > 0 {
		pair, err := tls.X509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeInvalid, "reading the client certificate and its key")
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Request is one request.
type Request struct {
	Method  string
	URL     *url.URL
	Header  http.Header // read only; may be shared between requests
	Body    []byte      // may be reused as soon as Do returns
	Secrets []string    // further texts that no log may show, such as an access token

	Timeout time.Duration // of this exchange; 0 means Options.Timeout
	Keep    int           // bytes of the answer that are kept; 0 means KeepBody
}

// Response is the other side's answer.
type Response struct {
	Status    int
	Header    http.Header
	Body      []byte // at most Request.Keep
	Truncated bool   // Body is not all that came
}

// Do sends the request once and reads the answer. The exchange is for the request log, without
// secrets, also when Do fails. An error means that no status came; its class says whether the request
// can have arrived: Retryable when not a byte was written, else Unknown. A status of any kind is no
// error (see StatusFault), unless it is a success whose body has no end.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, Exchange, error) {
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = c.timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	body := string(r.Body) // one copy serves the request, whose reading may outlive Do, and the log
	x := c.request(r, body)
	began := time.Now()
	var wrote written
	resp, err := c.send(ctx, r, body, &wrote)
	if err != nil {
		err = c.advise(classify(ctx, err, wrote.load(), timeout))
	}
	x.Duration = time.Since(began)
	c.record(&x, r, resp, err)
	return resp, x, err
}

// advise adds to the advice about a server that cannot be reached which addresses it must let in.
func (c *Client) advise(err error) error {
	if f := fault.As(err); f.Code == fault.CodeDestinationUnreachable && c.egress != "" {
		return f.WithSuggestion("%s%s", f.Hint(), c.egress)
	}
	return err
}

// errCut is the end of an answer before its end.
var errCut = errors.New("the answer was cut short")

// send makes the round trip. An error's status counts whatever came of its body. The status of a success is sent
// before the work is done by whoever streams, and passed on by gateways that then lose the server: cut short, it is no
// answer, and comes with errCut.
func (c *Client) send(ctx context.Context, r *Request, body string, wrote *written) (*Response, error) {
	req := newRequest(httptrace.WithClientTrace(ctx, wrote.trace()), r, body)
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // classified by the caller
	}
	defer resp.Body.Close() //nolint:errcheck // nothing depends on it
	got, err := read(resp, int64(cmp.Or(r.Keep, KeepBody)))
	if err != nil && got.Status < http.StatusMultipleChoices {
		return got, fmt.Errorf("%w: status %d, and then %w", errCut, got.Status, err)
	}
	return got, nil
}

// newRequest builds the request so that net/http never sends it twice by itself: GetBody allows only
// the repetition of a request of which nothing was written; a GET, which net/http would repeat after
// a lost answer too, gets a body that cannot be rewound (an empty one is not sent at all).
func newRequest(ctx context.Context, r *Request, body string) *http.Request {
	req := &http.Request{
		Method: r.Method, URL: r.URL, Host: r.Header.Get("Host"), Header: r.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body)),
	}
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		req.Body = io.NopCloser(strings.NewReader(body))
	case body == "":
		req.Body = http.NoBody
	default:
		req.Body = io.NopCloser(strings.NewReader(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
	}
	return req.WithContext(ctx)
}

// written notes whether a part of the request may have left.
type written struct{ flag atomic.Bool }

func (w *written) load() bool { return w.flag.Load() }

// trace watches the request. net/http asks for another connection only after an attempt of which
// nothing was written, so the note begins anew there.
func (w *written) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:      func(string) { w.flag.Store(false) },
		WroteHeaders: func() { w.flag.Store(true) },
	}
}

// read keeps the beginning of the body and drains the rest, within reason. An error means that the body has no end.
func read(resp *http.Response, keep int64) (r *Response, err error) {
	r = &Response{Status: resp.StatusCode, Header: resp.Header}
	if n := resp.ContentLength; n > 0 && n < keep {
		r.Body = make([]byte, n)
		got, err := io.ReadFull(resp.Body, r.Body)
		r.Body, r.Truncated = r.Body[:got], err != nil
		return r, err //nolint:wrapcheck // the caller does
	}
	if r.Body, err = io.ReadAll(io.LimitReader(resp.Body, keep)); err != nil {
		r.Truncated = true
		return r, err //nolint:wrapcheck // the caller does
	}
	rest, err := io.CopyN(io.Discard, resp.Body, drainLimit)
	r.Truncated = rest > 0
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return r, err //nolint:wrapcheck // the caller does
}

// classify says what an error without an answer means (RFC 9110, 9.2.2: a client cannot tell
// whether a request whose connection broke was carried out).
func classify(ctx context.Context, err error, wrote bool, timeout time.Duration) error {
	var refused *refusedError
	switch {
	case errors.As(err, &refused):
		return fault.Wrap(err, fault.CodeDestinationDenied, "the server's operator does not allow connections to this address").
			WithSuggestion("Use a public address, or ask the operator to allow private networks.")
	case !wrote && errors.Is(context.Cause(ctx), context.Canceled):
		return fault.Reclass(fault.Wrap(err, fault.CodeRunCancelled, "the request was not sent"), fault.Retryable)
	case !wrote:
		return fault.Wrap(err, fault.CodeDestinationUnreachable, "no connection")
	case errors.Is(err, errCut) && !isTimeout(ctx, err):
		return fault.Wrap(err, fault.CodeDestinationUnknown, "the connection ended in the middle of the answer")
	case isTimeout(ctx, err):
		return fault.Wrap(err, fault.CodeDestinationTimeout, "no answer within %s", timeout)
	default:
		return fault.Wrap(err, fault.CodeDestinationUnknown, "the connection ended before an answer came")
	}
}

func isTimeout(ctx context.Context, err error) bool {
	var n net.Error
	return errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// ParseBase reads the address that a destination's requests begin with: http or https, a host,
// no credentials and no fragment.
func ParseBase(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	var reason *url.Error
	switch {
	case errors.As(err, &reason):
		return nil, fault.Wrap(reason.Err, fault.CodeInvalid, "the base URL cannot be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fault.New(fault.CodeInvalid, "the base URL must begin with https:// or http://")
	case u.Host == "" || u.Hostname() == "":
		return nil, fault.New(fault.CodeInvalid, "the base URL has no host")
	case u.User != nil:
		return nil, fault.New(fault.CodeInvalid, "the base URL must not contain a user or password").
			WithSuggestion("Use an Authorization header, marked as secret.")
	case u.Fragment != "":
		return nil, fault.New(fault.CodeInvalid, "the base URL must not contain a fragment (%s)", "#"+u.Fragment)
	}
	return u, nil
}
