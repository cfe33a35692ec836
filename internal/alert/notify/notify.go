// Package notify tells somebody something: it brings a notice to an email server, to Slack, PagerDuty or Twilio, or to
// a webhook, once. When and whether to try again is its caller's business, which decides by the class of the error.
//
// README.md says where the facts about each provider come from.
package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/channel"
)

// Notice is what somebody is told: a trigger of a document has another level than before, or still the same one.
type Notice struct {
	ID        int64          `json:"id"`  // the same in every attempt
	Key       string         `json:"key"` // the same in every notice about one alert, from its beginning to its recovery
	Level     alerting.Level `json:"level"`
	Before    alerting.Level `json:"before"`
	Repeat    bool           `json:"repeat,omitempty"`
	Test      bool           `json:"test,omitempty"`
	Kind      string         `json:"kind"` // of the document, such as sync
	Slug      string         `json:"slug"`
	Name      string         `json:"name"`
	Trigger   string         `json:"trigger"`
	Label     string         `json:"label"` // of the trigger
	Words     string         `json:"words"` // what was measured
	Value     float64        `json:"value"`
	Threshold float64        `json:"threshold"`
	Unit      string         `json:"unit"`
	About     int64          `json:"about,omitempty"` // the run, where it is about one
	At        time.Time      `json:"at"`
	Since     time.Time      `json:"since"`
	Path      string         `json:"path"` // of the page in the web app
}

// Title says in one line what happened.
func (n Notice) Title() string {
	if n.Test {
		return "Test notice from Millrace"
	}
	what := map[alerting.Level]string{alerting.OK: "Recovered", alerting.Warning: "Warning", alerting.Critical: "Critical"}[n.Level]
	switch {
	case n.Repeat:
		what = "Still " + strings.ToLower(what)
	case n.Level == alerting.Warning && n.Before == alerting.Critical:
		what = "Down to a warning"
	}
	return fmt.Sprintf("%s: %s, %s", what, n.Name, strings.ToLower(n.Label[:1])+n.Label[1:])
}

// Mail are the settings of the server that email leaves by.
type Mail struct {
	Host     string // empty means that there is none
	Port     int
	User     string // empty means without signing in
	Password string
	From     string // the sender's address
	TLS      string // one of the TLS constants
	CA       []byte // PEM of authorities that are trusted besides the system's
}

// How the connection to the email server is encrypted.
const (
	TLSStart = "starttls" // the server must offer it
	TLSFull  = "tls"      // from the first byte
	TLSNone  = "none"
)

// Options make a Sender.
type Options struct {
	Network httpx.Network // where requests may go
	Mail    Mail
	Public  string // address of the web app, without a slash at its end
	Clock   clock.Clock
}

// Sender brings notices to channels. It is safe for concurrent use.
type Sender struct {
	Options

	http *httpx.Client
}

// timeout is what one exchange with a provider may take.
const timeout = 20 * time.Second

// New returns a sender.
func New(o Options) (*Sender, error) {
	client, err := httpx.New(httpx.Options{Timeout: timeout, Network: o.Network, Clock: o.Clock})
	if err != nil {
		return nil, err
	}
	return &Sender{Options: o, http: client}, nil
}

// message is a notice on its way to one target of a channel.
type message struct {
	Notice

	settings connector.Settings // with defaults and secrets in place
	target   string
	link     string // of the page
}

// senders are the types of channels.
var senders = map[string]func(*Sender, context.Context, message) error{
	channel.Email: (*Sender).email, channel.Slack: (*Sender).slack, channel.PagerDuty: (*Sender).pagerDuty,
	channel.SMS: (*Sender).sms, channel.Webhook: (*Sender).webhook,
}

// Send brings a notice to one of the channel's targets. The channel's secrets are in place. The error carries the
// provider's own words; its class says whether another attempt may help.
func (s *Sender) Send(ctx context.Context, c channel.Spec, target string, n Notice) error {
	info, ok := channel.TypeOf(c.Type)
	if !ok {
		return fault.New(fault.CodeInvalid, "there is no type of alert channel %q", c.Type)
	}
	m := message{Notice: n, settings: connector.Settings(c.Configuration).WithDefaults(info.Fields), target: target, link: s.Public + n.Path}
	return senders[c.Type](s, ctx, m)
}

// Test sends a test notice to every target of a channel that may not be saved yet.
func (s *Sender) Test(ctx context.Context, c channel.Spec) error {
	now := s.Clock.Now()
	n := Notice{
		ID: now.UnixMilli(), Key: fmt.Sprintf("test-%d", now.UnixMilli()), Level: alerting.Warning, Before: alerting.OK, Test: true,
		Kind: alerting.ChannelKind, Name: "Millrace", Label: "Test", Words: "Notices of this channel arrive here.", At: now, Since: now, Path: "/settings/alerts",
	}
	for _, target := range c.Targets() {
		if err := s.Send(ctx, c, target, n); err != nil {
			return err
		}
	}
	return nil
}

// body is the notice as plain text.
func (m message) body() string {
	lines := []string{m.Words}
	if !m.Test && m.Level != alerting.OK && !m.Since.Equal(m.At) {
		lines = append(lines, fmt.Sprintf("At this level since %s.", m.Since.UTC().Format("2 January 2006, 15:04 UTC")))
	}
	return strings.Join(append(lines, m.link), "\n")
}

// cut shortens a text to at most n characters.
func cut(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}
