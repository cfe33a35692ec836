package httpx

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
)

func newClient(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// serve starts a server that counts what arrives.
func serve(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var arrived atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s, &arrived
}

// TestExchange: what is sent arrives, what comes back is read, and both are recorded without secrets.
//
// Req: SY-74
func TestExchange(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Set-Cookie", "session=1")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.RequestURI, r.Host, r.Header.Get("X-Api-Key"), body)
	})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := newClient(t, Options{Secrets: []string{"hush", "hush-hush", "abc"}, SecretHeaders: []string{"x-own"}, Clock: clock.NewManual(at)})
	body := []byte("say hush-hush, hush, abc and token")
	resp, x, err := c.Do(t.Context(), &Request{
		Method: http.MethodPatch, URL: parse(t, s.URL+"/a%2Fb?k=hush"), Body: body, Secrets: []string{"token"},
		Header: http.Header{"Host": {"other.example"}, "X-Api-Key": {"k"}, "X-Own": {"o"}, "X-Open": {"token 1"}},
	})
	clear(body)
	if err != nil {
		t.Fatal(err)
	}
	if want := "PATCH /a%2Fb?k=hush other.example k say hush-hush, hush, abc and token"; string(resp.Body) != want || resp.Status != http.StatusAccepted || resp.Truncated {
		t.Errorf("got %d %q", resp.Status, resp.Body)
	}
	for name, pair := range map[string][2]string{
		"method": {x.Method, "PATCH"}, "address": {x.URL, s.URL + "/a%2Fb?k=[secret]"},
		"body":   {x.RequestBody, "say [secret], [secret], abc and [secret]"},
		"header": {fmt.Sprint(x.RequestHeaders), "[{Host other.example} {X-Api-Key [secret]} {X-Open [secret] 1} {X-Own [secret]}]"},
		"answer": {x.ResponseBody, "PATCH /a%2Fb?k=[secret] other.example k say [secret], [secret], abc and [secret]"},
		"error":  {x.Error, ""}, "status": {strconv.Itoa(x.Status), "202"}, "time": {x.StartedAt.String(), at.String()},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: recorded %q, want %q", name, pair[0], pair[1])
		}
	}
	if !strings.Contains(fmt.Sprint(x.ResponseHeaders), "{Set-Cookie [secret]}") || x.Duration <= 0 {
		t.Errorf("recorded %+v", x)
	}
}

// TestOutcomes: whether a request that failed can have arrived, and that it is never sent twice.
//
// Req: SY-76
func TestOutcomes(t *testing.T) {
	t.Parallel()
	hangUp := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // the connection ends anyway
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close() //nolint:errcheck // that is what is tested
		}
	}
	half := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // nothing depends on it
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, "<html")
	}
	slowly := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // nothing depends on it
		fmt.Fprint(w, "<html")
		http.NewResponseController(w).Flush() //nolint:errcheck // the test would tell
		panic(http.ErrAbortHandler)
	}
	wait := func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // a server sees the end of a connection only after the body
		<-r.Context().Done()
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		address string
		options Options
		timeout time.Duration
		ctx     context.Context //nolint:containedctx // a table
		code    fault.Code
		class   fault.Class
		arrives int64
	}{
		"nobody listens":   {address: "http://127.0.0.1:1", code: fault.CodeDestinationUnreachable, class: fault.Retryable},
		"no such host":     {address: "http://host.invalid", code: fault.CodeDestinationUnreachable, class: fault.Retryable},
		"hangs up":         {handler: hangUp, code: fault.CodeDestinationUnknown, class: fault.Unknown, arrives: 1},
		"cut short":        {handler: half, code: fault.CodeDestinationUnknown, class: fault.Unknown, arrives: 1},
		"stream cut short": {handler: slowly, code: fault.CodeDestinationUnknown, class: fault.Unknown, arrives: 1},
		"too slow":         {handler: wait, timeout: 2 * time.Second, code: fault.CodeDestinationTimeout, class: fault.Unknown, arrives: 1},
		"too slow for all": {handler: wait, options: Options{Timeout: 2 * time.Second}, code: fault.CodeDestinationTimeout, class: fault.Unknown, arrives: 1},
		"cancelled":        {handler: wait, ctx: cancelled, code: fault.CodeRunCancelled, class: fault.Retryable},
		"not allowed":      {handler: wait, options: Options{Network: PublicOnly}, code: fault.CodeDestinationDenied, class: fault.Fatal},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				address, arrived := c.address, new(atomic.Int64)
				if c.handler != nil {
					var s *httptest.Server
					s, arrived = serve(t, c.handler)
					address = s.URL
				}
				ctx := c.ctx
				if ctx == nil {
					ctx = t.Context()
				}
				r := &Request{Method: method, URL: parse(t, address), Timeout: c.timeout, Header: http.Header{}}
				if method != http.MethodGet {
					r.Body = []byte("{}")
				}
				_, x, err := newClient(t, c.options).Do(ctx, r)
				if !fault.Is(err, c.code) || fault.ClassOf(err) != c.class || arrived.Load() != c.arrives {
					t.Errorf("got %s %s: %v; %d arrived", fault.As(err).Class, fault.As(err).Code, err, arrived.Load())
				}
				if x.Error == "" || x.Method != method {
					t.Errorf("recorded %+v", x)
				}
			})
		}
	}
}

// TestLostAnswer: a connection that was good before and ends without an answer is no reason to send again.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s, arrived := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close() //nolint:errcheck // that is what is tested
		}
	})
	c := newClient(t, Options{})
	r := &Request{Method: http.MethodGet, URL: parse(t, s.URL), Header: http.Header{}}
	if _, _, err := c.Do(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Do(t.Context(), r); fault.ClassOf(err) != fault.Unknown || arrived.Load() != 2 {
		t.Errorf("got %v, %d requests", err, arrived.Load())
	}
}

// TestRedirect: secrets do not travel to where an answer points.
func TestRedirect(t *testing.T) {
	t.Parallel()
	other, arrived := serve(t, func(http.ResponseWriter, *http.Request) {})
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	c := newClient(t, Options{})
	resp, _, err := c.Do(t.Context(), &Request{Method: http.MethodPost, URL: parse(t, s.URL), Header: http.Header{}})
	if err != nil || resp.Status != http.StatusFound || arrived.Load() != 0 {
		t.Errorf("got %v, %v", resp, err)
	}
	if e := c.StatusFault(resp); e == nil || e.Class != fault.Permanent || !strings.Contains(e.Error(), other.URL) {
		t.Errorf("got %v", e)
	}
}

// TestLongAnswer keeps the beginning of an answer, says so, and goes on with the same connection.
func TestLongAnswer(t *testing.T) {
	t.Parallel()
	for name, chunked := range map[string]bool{"chunked": true, "with length": false} {
		s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if !chunked {
				w.Header().Set("Content-Length", strconv.Itoa(KeepBody+10))
			}
			w.Write(bytes.Repeat([]byte("x"), KeepBody+10)) //nolint:errcheck // the client sees
		})
		resp, x, err := newClient(t, Options{}).Do(t.Context(), &Request{Method: http.MethodGet, URL: parse(t, s.URL), Header: http.Header{}})
		if err != nil || len(resp.Body) != KeepBody || !resp.Truncated || x.Error == "" || x.Status != http.StatusOK {
			t.Errorf("%s: %d bytes, truncated %v, %q, %v", name, len(resp.Body), resp.Truncated, x.Error, err)
		}
	}
}

// TestStatusFault is the table of what statuses mean.
//
// Req: SY-76
func TestStatusFault(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Secrets: []string{"hush"}})
	for _, k := range []struct {
		status int
		after  string
		class  fault.Class
		code   fault.Code
		wait   time.Duration
	}{
		{status: 301, class: fault.Permanent, code: fault.CodeDestinationRejected},
		{status: 400, class: fault.Permanent, code: fault.CodeDestinationRejected},
		{status: 401, class: fault.Fatal, code: fault.CodeDestinationAuth},
		{status: 403, class: fault.Permanent, code: fault.CodeDestinationDenied},
		{status: 407, class: fault.Fatal, code: fault.CodeDestinationAuth},
		{status: 408, class: fault.Retryable, code: fault.CodeDestinationRejected},
		{status: 409, after: "9", class: fault.Permanent, code: fault.CodeDestinationRejected},
		{status: 425, class: fault.Retryable, code: fault.CodeDestinationRejected},
		{status: 429, class: fault.Throttled, code: fault.CodeDestinationThrottled},
		{status: 429, after: "9", class: fault.Throttled, code: fault.CodeDestinationThrottled, wait: 9 * time.Second},
		{status: 500, class: fault.Retryable, code: fault.CodeDestinationRejected},
		{status: 502, class: fault.Unknown, code: fault.CodeDestinationUnknown},
		{status: 503, class: fault.Retryable, code: fault.CodeDestinationRejected},
		{status: 503, after: "1.5", class: fault.Throttled, code: fault.CodeDestinationThrottled, wait: 1500 * time.Millisecond},
		{status: 504, class: fault.Unknown, code: fault.CodeDestinationUnknown},
		{status: 599, class: fault.Permanent, code: fault.CodeDestinationRejected},
	} {
		h := http.Header{}
		if k.after != "" {
			h.Set("Retry-After", k.after)
		}
		e := c.StatusFault(&Response{Status: k.status, Header: h, Body: []byte(" no hush token \xff")}, "token")
		if e == nil || e.Class != k.class || e.Code != k.code || e.After != k.wait {
			t.Errorf("%d: got %+v", k.status, e)
		} else if !strings.HasSuffix(e.Error(), ": no [secret] [secret]") || !strings.HasPrefix(e.Error(), strconv.Itoa(k.status)) {
			t.Errorf("%d: it says %q", k.status, e)
		}
	}
	for _, status := range []int{200, 201, 204, 299} {
		if e := c.StatusFault(&Response{Status: status}); e != nil {
			t.Errorf("%d: %v", status, e)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]struct {
		wait time.Duration
		ok   bool
	}{
		"": {}, "soon": {}, "-1": {}, "NaN": {}, "0": {0, true}, " 7 ": {7 * time.Second, true}, "1e300": {maxWait, true}, "+Inf": {maxWait, true},
		"Thu, 01 Jan 2026 00:01:00 GMT": {time.Minute, true}, "Thu, 01 Jan 2020 00:01:00 GMT": {0, true}, "Fri, 01 Jan 2027 00:01:00 GMT": {maxWait, true},
	} {
		if got, ok := RetryAfter(http.Header{"Retry-After": {text}}, now); got != want.wait || ok != want.ok {
			t.Errorf("%q: got %v, %v", text, got, ok)
		}
	}
}

func TestParseBase(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"https://api.example.com", " http://[::1]:8080/v1?x=1 "} {
		if _, err := ParseBase(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "api.example.com", "ftp://x", "https://", "https://:80", "https://u:pass@x", "https://x/#top", "https://x\x7f", "http://x:port"} {
		_, err := ParseBase(text)
		if !fault.Is(err, fault.CodeInvalid) || strings.Contains(fmt.Sprint(err), "pass@") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]bool{ // any, public only
		"93.184.215.14": {true, true}, "2606:2800:21f:cb07::1": {true, true},
		"127.0.0.1": {true, false}, "10.1.2.3": {true, false}, "192.168.0.1": {true, false}, "::1": {true, false}, "fd00::1": {true, false},
		"0.0.0.0": {true, false}, "100.64.0.1": {true, false}, "198.18.0.1": {true, false}, "240.0.0.1": {true, false}, "::ffff:127.0.0.1": {true, false},
		"64:ff9b::7f00:1": {true, false}, "64:ff9b::5db8:d70e": {true, true}, "2002:a00:1::": {true, false},
		"169.254.169.254": {false, false}, "::ffff:169.254.169.254": {false, false}, "64:ff9b::a9fe:a9fe": {false, false},
		"fe80::1%eth0": {false, false}, "fd00:ec2::254": {false, false}, "224.0.0.1": {false, false}, "ff02::1": {false, false},
	} {
		a := netip.MustParseAddr(address)
		if got := [2]bool{AnyNetwork.Allows(a), PublicOnly.Allows(a)}; got != want {
			t.Errorf("%s: got %v, want %v", address, got, want)
		}
	}
	if err := AnyNetwork.control("tcp", "no address", nil); err == nil {
		t.Error("what cannot be read is allowed")
	}
}

func TestBadCertificates(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{CA: []byte("x")}, {Certificate: []byte("x")}, {Key: []byte("x")}} {
		if _, err := New(o); !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// FuzzSecret: a secret is found wherever it is.
func FuzzSecret(f *testing.F) {
	f.Add("a-secret", "this is a-secret")
	f.Add("aaa", "aaaa")
	f.Add("-x", "--x")
	f.Add("\xff\x00", "a\xff\xff\x00")
	f.Fuzz(func(t *testing.T, s, text string) {
		if s == "" {
			return
		}
		if got := newSecret(s).in(text); got != strings.Contains(text, s) {
			t.Errorf("%q in %q: %v", s, text, got)
		}
		if !newSecret(s).in(text + s + text) {
			t.Errorf("%q is not found between %q", s, text)
		}
	})
}

// A web page is no answer of an API, whatever its status; what is too large has a code of its own.
func TestStatusFaultOfPages(t *testing.T) {
	t.Parallel()
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for body, page := range map[string]bool{"\n<!DOCTYPE html><html>": true, "<HTML>": true, "<ok/>": false, "ok": false, "": false, `{"html": "<html>"}`: false} {
		e := (&Response{Status: 200, Body: []byte(body)}).Page()
		if (e != nil) != page || page && (e.Code != fault.CodeDestinationAnswer || e.Class != fault.Unknown) {
			t.Errorf("%q: %v", body, e)
		}
	}
	for _, status := range []int{413, 414} {
		if e := c.StatusFault(&Response{Status: status}); e.Code != fault.CodeDestinationTooLarge || e.Class != fault.Permanent {
			t.Errorf("%d: %v", status, e)
		}
	}
}
