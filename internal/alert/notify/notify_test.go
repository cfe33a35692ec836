package notify

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/channel"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// provider is a server that answers as a vendor does, and keeps what it got.
type provider struct {
	*httptest.Server

	mu     sync.Mutex
	status int
	answer string
	header http.Header
	got    []received
}

type received struct {
	path   string
	header http.Header
	body   string
}

func newProvider(t *testing.T, status int, answer string) *provider {
	t.Helper()
	p := &provider{status: status, answer: answer, header: http.Header{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.got = append(p.got, received{r.URL.Path, r.Header, string(body)})
		maps.Copy(w.Header(), p.header)
		w.WriteHeader(p.status)
		fmt.Fprint(w, p.answer)
	}))
	t.Cleanup(p.Close)
	return p
}

// one returns the only request that came, as JSON where it is.
func (p *provider) one(t *testing.T) (received, map[string]any) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.got) != 1 {
		t.Fatalf("%d requests came, want 1", len(p.got))
	}
	var body map[string]any
	_ = json.Unmarshal([]byte(p.got[0].body), &body) //nolint:errcheck // some are forms
	return p.got[0], body
}

func newSender(t *testing.T, m Mail) *Sender {
	t.Helper()
	s, err := New(Options{Mail: m, Public: "https://millrace.example.com", Clock: clock.NewManual(noon)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func critical() Notice {
	return Notice{
		ID: 42, Key: "millrace-u-fatal-40", Level: alerting.Critical, Before: alerting.OK, Kind: "sync", Slug: "people", Name: "People <to> CRM & more",
		Trigger: "fatal", Label: "Fatal error", Words: "The last run failed: 401 Unauthorized", Value: 1, Threshold: 1, Unit: "runs", About: 7,
		At: noon, Since: noon, Path: "/syncs/people?tab=alerts",
	}
}

func recovered() Notice {
	n := critical()
	n.ID, n.Level, n.Before, n.Words = 43, alerting.OK, alerting.Critical, "The last run finished."
	return n
}

func pagerDuty(base string) channel.Spec {
	return channel.Spec{Type: channel.PagerDuty, Configuration: map[string]any{"routingKey": "0123456789abcdef0123456789abcdef", "baseUrl": base}}
}

// at returns what is at a dotted path.
func at(t *testing.T, tree map[string]any, path string) string {
	t.Helper()
	var node any = tree
	for part := range strings.SplitSeq(path, ".") {
		m, _ := node.(map[string]any)
		node = m[part]
	}
	return fmt.Sprint(node)
}

func wants(t *testing.T, tree map[string]any, want map[string]string) {
	t.Helper()
	for path, v := range want {
		if got := at(t, tree, path); got != v {
			t.Errorf("%s is %q, want %q", path, got, v)
		}
	}
}

// An alert opens under a key of its own and is resolved under the same key.
//
// Req: SY-63, MON-04
func TestPagerDuty(t *testing.T) {
	t.Parallel()
	const accepted = `{"status":"success","message":"Event processed","dedup_key":"millrace-u-fatal-40"}`
	p := newProvider(t, http.StatusAccepted, accepted)
	if err := newSender(t, Mail{}).Send(t.Context(), pagerDuty(p.URL), "", critical()); err != nil {
		t.Fatal(err)
	}
	got, body := p.one(t)
	if got.path != "/v2/enqueue" || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
		t.Errorf("it went to %s as %s", got.path, got.header.Get("Content-Type"))
	}
	wants(t, body, map[string]string{
		"routing_key": "0123456789abcdef0123456789abcdef", "event_action": "trigger", "dedup_key": "millrace-u-fatal-40", "payload.severity": "critical",
		"payload.summary": "Critical: People <to> CRM & more, fatal error. The last run failed: 401 Unauthorized",
		"payload.source":  "https://millrace.example.com", "payload.timestamp": "2026-03-01T12:00:00Z", "payload.component": "people", "payload.class": "fatal",
		"payload.custom_details.run": "7", "client": "Millrace", "client_url": "https://millrace.example.com/syncs/people?tab=alerts",
	})

	q := newProvider(t, http.StatusAccepted, accepted)
	if err := newSender(t, Mail{}).Send(t.Context(), pagerDuty(q.URL), "", recovered()); err != nil {
		t.Fatal(err)
	}
	_, body = q.one(t)
	wants(t, body, map[string]string{"event_action": "resolve", "dedup_key": "millrace-u-fatal-40", "payload": "<nil>"})
}

// A test opens an alert of no importance and resolves it.
func TestPagerDutyTest(t *testing.T) {
	t.Parallel()
	p := newProvider(t, http.StatusAccepted, `{}`)
	if err := newSender(t, Mail{}).Test(t.Context(), pagerDuty(p.URL)); err != nil {
		t.Fatal(err)
	}
	if len(p.got) != 2 || !strings.Contains(p.got[0].body, `"severity":"info"`) || !strings.Contains(p.got[1].body, `"resolve"`) {
		t.Errorf("it sent %v", p.got)
	}
}

// What a provider answers decides whether a notice is sent again, and its own words are the error's.
//
// Req: SY-63
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		answer string
		after  string
		class  fault.Class
		code   fault.Code
		words  string
		wait   time.Duration
	}{
		"bad key":     {400, `{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}`, "", fault.Permanent, fault.CodeNoticeRefused, "Length of 'routing_key' is incorrect", 0},
		"forbidden":   {403, `no`, "", fault.Permanent, fault.CodeNoticeAuth, "403 Forbidden: no", 0},
		"wrong token": {401, `no`, "", fault.Fatal, fault.CodeNoticeAuth, "401 Unauthorized: no", 0},
		"too many":    {429, ``, "90", fault.Throttled, fault.CodeNoticeThrottled, "429 Too Many Requests", 90 * time.Second},
		"broken":      {500, `oops`, "", fault.Retryable, fault.CodeNoticeRefused, "oops", 0},
		"gateway":     {502, ``, "", fault.Unknown, fault.CodeNoticeUnreachable, "502 Bad Gateway", 0},
		"odd":         {520, ``, "", fault.Retryable, fault.CodeNoticeRefused, "520", 0},
		"moved":       {302, ``, "", fault.Permanent, fault.CodeNoticeRefused, "302 Found", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, c.status, c.answer)
			if c.after != "" {
				p.header.Set("Retry-After", c.after)
			}
			e := fault.As(newSender(t, Mail{}).Send(t.Context(), pagerDuty(p.URL), "", critical()))
			if e == nil || e.Class != c.class || e.Code != c.code || !strings.Contains(e.Error(), c.words) || e.After != c.wait {
				t.Errorf("it is %+v, want %s, %s, %q", e, c.class, c.code, c.words)
			}
		})
	}
}

// Where nobody answers, a notice is sent again.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	p := newProvider(t, 200, "")
	p.Close()
	e := fault.As(newSender(t, Mail{}).Send(t.Context(), pagerDuty(p.URL), "", critical()))
	if e == nil || e.Class != fault.Retryable || e.Code != fault.CodeNoticeUnreachable {
		t.Errorf("it is %+v", e)
	}
}

// The operator decides where requests may go; secrets that a provider repeats are hidden.
func TestNetworkAndSecrets(t *testing.T) {
	t.Parallel()
	p := newProvider(t, 400, `you sent 0123456789abcdef0123456789abcdef`)
	err := newSender(t, Mail{}).Send(t.Context(), pagerDuty(p.URL), "", critical())
	if err == nil || strings.Contains(err.Error(), "0123456789abcdef") || !strings.Contains(err.Error(), httpx.Hidden) {
		t.Errorf("it says %v", err)
	}
	confined, err := New(Options{Network: httpx.PublicOnly, Clock: clock.NewManual(noon)})
	if err != nil {
		t.Fatal(err)
	}
	e := fault.As(confined.Send(t.Context(), pagerDuty(p.URL), "", critical()))
	if e == nil || !strings.Contains(e.Error(), "operator does not allow") || e.Class != fault.Fatal {
		t.Errorf("it is %+v", e)
	}
	if len(p.got) != 1 {
		t.Errorf("%d requests came", len(p.got))
	}
}

// Req: SY-63
func TestSlackWebhook(t *testing.T) {
	t.Parallel()
	p := newProvider(t, 200, "ok")
	c := channel.Spec{Type: channel.Slack, Configuration: map[string]any{"webhookUrl": p.URL + "/services/T0/B0/secretpart"}}
	if err := newSender(t, Mail{}).Send(t.Context(), c, "", critical()); err != nil {
		t.Fatal(err)
	}
	got, body := p.one(t)
	if got.path != "/services/T0/B0/secretpart" {
		t.Errorf("it went to %s", got.path)
	}
	wants(t, body, map[string]string{"text": "Critical: People &lt;to&gt; CRM &amp; more, fatal error", "channel": "<nil>"})
	blocks, _ := json.Marshal(body["blocks"]) //nolint:errcheck // it was JSON
	for _, part := range []string{":red_circle:", `https://millrace.example.com/syncs/people?tab=alerts|Critical: People`, "401 Unauthorized"} {
		if !strings.Contains(strings.ReplaceAll(string(blocks), `\u003c`, "<"), part) {
			t.Errorf("the blocks lack %q: %s", part, blocks)
		}
	}

	gone := newProvider(t, 410, "channel_is_archived")
	c.Configuration["webhookUrl"] = gone.URL + "/services/T0/B0/secretpart"
	e := fault.As(newSender(t, Mail{}).Send(t.Context(), c, "", critical()))
	if e == nil || e.Class != fault.Permanent || !strings.Contains(e.Error(), "channel_is_archived") || strings.Contains(e.Error(), "secretpart") {
		t.Errorf("it is %+v", e)
	}
}

// Slack's Web API says in the body of a 200 that it refused.
//
// Req: SY-63
func TestSlackBot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		class  fault.Class
		words  string
	}{
		"posted":         {`{"ok":true,"channel":"C1","ts":"1503435956.000247"}`, 0, ""},
		"not invited":    {`{"ok":false,"error":"not_in_channel"}`, fault.Permanent, "not_in_channel"},
		"wrong token":    {`{"ok":false,"error":"invalid_auth"}`, fault.Fatal, "invalid_auth"},
		"no scope":       {`{"ok":false,"error":"missing_scope","needed":"chat:write"}`, fault.Fatal, "missing_scope (chat:write)"},
		"slack is ill":   {`{"ok":false,"error":"internal_error"}`, fault.Retryable, "internal_error"},
		"somebody else":  {`<html>`, fault.Retryable, "not Slack's"},
		"anything other": {`{"ok":false,"error":"invalid_blocks"}`, fault.Permanent, "invalid_blocks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, 200, c.answer)
			spec := channel.Spec{Type: channel.Slack, Configuration: map[string]any{"auth": "bot", "token": "xoxb-secret", "channel": "C1", "baseUrl": p.URL + "/api"}}
			err := newSender(t, Mail{}).Send(t.Context(), spec, "", critical())
			got, body := p.one(t)
			if got.path != "/api/chat.postMessage" || got.header.Get("Authorization") != "Bearer xoxb-secret" || body["channel"] != "C1" {
				t.Errorf("it sent %+v", got)
			}
			if c.words == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := fault.As(err); e == nil || e.Class != c.class || !strings.Contains(e.Error(), c.words) {
				t.Errorf("it is %+v, want %s with %q", e, c.class, c.words)
			}
		})
	}
}

// Req: SY-63
func TestSMS(t *testing.T) {
	t.Parallel()
	send := func(p *provider, more map[string]any) error {
		c := channel.Spec{Type: channel.SMS, Configuration: map[string]any{"to": []any{"+4915112345678"}, "accountSid": "AC1", "token": "secret-token", "from": "+12025550123", "baseUrl": p.URL}}
		maps.Copy(c.Configuration, more)
		n := critical()
		n.Words = strings.Repeat("long ", 1000)
		return newSender(t, Mail{}).Send(t.Context(), c, "+4915112345678", n)
	}
	p := newProvider(t, 201, `{"sid":"SM1","status":"queued"}`)
	if err := send(p, nil); err != nil {
		t.Fatal(err)
	}
	got, _ := p.one(t)
	form, err := url.ParseQuery(got.body)
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := (&http.Request{Header: got.header}).BasicAuth()
	if got.path != "/2010-04-01/Accounts/AC1/Messages.json" || user != "AC1" || password != "secret-token" || form.Get("To") != "+4915112345678" || form.Get("From") != "+12025550123" {
		t.Errorf("it sent %+v", got)
	}
	if body := form.Get("Body"); len([]rune(body)) > 1600 || !strings.HasPrefix(body, "Critical: People") || !strings.HasSuffix(body, "https://millrace.example.com/syncs/people?tab=alerts") {
		t.Errorf("the message is %q", body)
	}
	service := newProvider(t, 201, `{}`)
	if err := send(service, map[string]any{"from": "MG9", "keySid": "SK7"}); err != nil {
		t.Fatal(err)
	}
	got, _ = service.one(t)
	user, _, _ = (&http.Request{Header: got.header}).BasicAuth()
	if !strings.Contains(got.body, "MessagingServiceSid=MG9") || strings.Contains(got.body, "From=") || user != "SK7" {
		t.Errorf("it sent %+v", got)
	}
	refused := newProvider(t, 400, `{"code":21211,"message":"The 'To' number +4915112345678 is not a valid phone number.","more_info":"https://www.twilio.com/docs/errors/21211","status":400}`)
	if e := fault.As(send(refused, nil)); e == nil || e.Class != fault.Permanent || !strings.Contains(e.Error(), "not a valid phone number") {
		t.Errorf("it is %+v", e)
	}
}

// A receiver can check who sent a request, and tell a second attempt by its id.
//
// Req: SY-63
func TestWebhook(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	for name, secret := range map[string]string{"plain": string(key), "coded": "whsec_" + base64.StdEncoding.EncodeToString(key), "none": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, 204, "")
			c := channel.Spec{Type: channel.Webhook, Configuration: map[string]any{"url": p.URL + "/hook", "headers": []any{map[string]any{"name": "X-Team", "value": "data"}}}}
			if secret != "" {
				c.Configuration["secret"] = secret
			}
			if err := newSender(t, Mail{}).Send(t.Context(), c, "", critical()); err != nil {
				t.Fatal(err)
			}
			got, body := p.one(t)
			if got.path != "/hook" || got.header.Get("X-Team") != "data" || got.header.Get("webhook-id") != "notice-42" || got.header.Get("webhook-timestamp") != strconv.FormatInt(noon.Unix(), 10) {
				t.Errorf("it sent %+v", got)
			}
			wants(t, body, map[string]string{
				"type": "alert.changed", "data.level": "critical", "data.before": "ok", "data.trigger": "fatal", "data.document.slug": "people", "data.document.kind": "sync",
				"data.key": "millrace-u-fatal-40", "data.url": "https://millrace.example.com/syncs/people?tab=alerts", "data.run": "7", "data.words": "The last run failed: 401 Unauthorized",
			})
			want := ""
			if secret != "" {
				mac := hmac.New(sha256.New, key)
				fmt.Fprintf(mac, "notice-42.%d.%s", noon.Unix(), got.body)
				want = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
			}
			if signature := got.header.Get("webhook-signature"); signature != want {
				t.Errorf("the signature is %q, want %q", signature, want)
			}
		})
	}
}

// mailbox is an SMTP server that keeps what it gets.
type mailbox struct {
	mu      sync.Mutex
	mails   []string
	to      []string
	refuse  error // of RCPT
	user    string
	secured bool
	address *net.TCPAddr
	ca      []byte
}

func newMailbox(t *testing.T, secure bool) *mailbox {
	t.Helper()
	m := &mailbox{}
	server := smtp.NewServer(m)
	server.Domain, server.AllowInsecureAuth = "localhost", true
	if secure {
		server.TLSConfig, m.ca = certificate(t)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.address = l.Addr().(*net.TCPAddr)
	var served sync.WaitGroup
	served.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		served.Wait()
	})
	return m
}

func (m *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &mailSession{mailbox: m, conn: c}, nil
}

type mailSession struct {
	*mailbox

	conn *smtp.Conn
}

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "secret-password" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "credentials invalid"}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		_, s.secured = s.conn.TLSConnectionState()
		s.user = user
		return nil
	}), nil
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = append(s.to, to)
	return s.refuse
}

func (s *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, string(text))
	return err
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

// certificate is one for localhost that only its own CA text vouches for.
func certificate(t *testing.T) (*tls.Config, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (m *mailbox) settings(mode string) Mail {
	return Mail{Host: "127.0.0.1", Port: m.address.Port, From: "Millrace <alerts@example.com>", TLS: mode, CA: m.ca}
}

func team() channel.Spec {
	return channel.Spec{Type: channel.Email, Configuration: map[string]any{"to": []any{"ada@example.com", "Bob <bob@example.com>"}, "prefix": "[data]"}}
}

// Everybody gets the same mail, which is the same in every attempt, and mails about one alert are a thread.
//
// Req: SY-63
func TestEmail(t *testing.T) {
	t.Parallel()
	box := newMailbox(t, false)
	s := newSender(t, box.settings(TLSNone))
	for range 2 {
		if err := s.Send(t.Context(), team(), "", critical()); err != nil {
			t.Fatal(err)
		}
	}
	if len(box.mails) != 2 || strings.Join(box.to[:2], " ") != "ada@example.com bob@example.com" {
		t.Fatalf("%d mails to %v", len(box.mails), box.to)
	}
	var ids []string
	for _, text := range box.mails {
		m, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.Header.Get("Message-Id"))
		for name, want := range map[string]string{
			"Subject": "[data] Critical: People <to> CRM & more, fatal error", "From": `"Millrace" <alerts@example.com>`,
			"References": "<millrace-u-fatal-40@millrace>", "Auto-Submitted": "auto-generated", "Importance": "high",
		} {
			if got := m.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		body, err := io.ReadAll(m.Body)
		if err != nil || !strings.Contains(string(body), "401 Unauthorized") || !strings.Contains(string(body), "/syncs/people?tab") {
			t.Errorf("the body is %q: %v", body, err)
		}
	}
	if ids[0] != ids[1] || ids[0] == "" {
		t.Errorf("the Message-IDs are %v", ids)
	}
}

// The password goes over an encrypted connection to a server that the operator trusts, and to no other.
func TestEmailTLS(t *testing.T) {
	t.Parallel()
	box := newMailbox(t, true)
	settings := box.settings(TLSStart)
	settings.User, settings.Password = "millrace", "secret-password"
	if err := newSender(t, settings).Send(t.Context(), team(), "", critical()); err != nil {
		t.Fatal(err)
	}
	if box.user != "millrace" || !box.secured || len(box.mails) != 1 {
		t.Errorf("%q signed in (secured %v), %d mails", box.user, box.secured, len(box.mails))
	}
	wrong := settings
	wrong.Password = "another-secret"
	e := fault.As(newSender(t, wrong).Send(t.Context(), team(), "", critical()))
	if e == nil || !strings.Contains(e.Error(), "credentials invalid") || strings.Contains(e.Error(), "another-secret") {
		t.Errorf("it is %+v", e)
	}
	stranger := settings
	stranger.CA = nil
	if e := fault.As(newSender(t, stranger).Send(t.Context(), team(), "", critical())); e == nil || e.Class != fault.Retryable || !strings.Contains(e.Error(), "certificate") {
		t.Errorf("it is %+v", e)
	}
	plain := newMailbox(t, false)
	open := plain.settings(TLSStart)
	open.User, open.Password = "millrace", "secret-password"
	if err := newSender(t, open).Send(t.Context(), team(), "", critical()); err == nil || plain.user != "" {
		t.Errorf("a server without TLS got the password of %q: %v", plain.user, err)
	}
}

// What the email server refuses for good is not tried again; where there is no server, the operator is told what to set.
func TestEmailRefused(t *testing.T) {
	t.Parallel()
	box := newMailbox(t, false)
	for code, class := range map[int]fault.Class{550: fault.Permanent, 451: fault.Retryable} {
		box.mu.Lock()
		box.refuse = &smtp.SMTPError{Code: code, Message: "mailbox unavailable"}
		box.mu.Unlock()
		e := fault.As(newSender(t, box.settings(TLSNone)).Send(t.Context(), team(), "", critical()))
		if e == nil || e.Class != class || !strings.Contains(e.Error(), "mailbox unavailable") {
			t.Errorf("%d is %+v, want %s", code, e, class)
		}
	}
	e := fault.As(newSender(t, Mail{}).Send(t.Context(), team(), "", critical()))
	if e == nil || e.Class != fault.Permanent || !strings.Contains(e.Hint(), "smtp-host") {
		t.Errorf("without a server it is %+v", e)
	}
}

// Every type of channel has a sender.
func TestEveryTypeSends(t *testing.T) {
	t.Parallel()
	for _, info := range channel.Types() {
		if senders[info.Slug] == nil {
			t.Errorf("nothing sends to %s", info.Name)
		}
	}
	if err := newSender(t, Mail{}).Send(context.Background(), channel.Spec{Type: "pigeon"}, "", critical()); !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("a pigeon got %v", err)
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]Notice{
		"Critical: S, fatal error":          {Level: alerting.Critical, Before: alerting.OK},
		"Warning: S, fatal error":           {Level: alerting.Warning, Before: alerting.OK},
		"Down to a warning: S, fatal error": {Level: alerting.Warning, Before: alerting.Critical},
		"Recovered: S, fatal error":         {Level: alerting.OK, Before: alerting.Critical},
		"Still critical: S, fatal error":    {Level: alerting.Critical, Before: alerting.Critical, Repeat: true},
		"Test notice from Millrace":         {Test: true},
	} {
		n.Name, n.Label = "S", "Fatal error"
		if got := n.Title(); got != want {
			t.Errorf("the title is %q, want %q", got, want)
		}
	}
}
