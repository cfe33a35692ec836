package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/millrace/millrace/internal/fault"
)

// timeout is how long the server may take for one step: RFC 5321, 4.5.3.2, allows more, which no run should wait for.
const timeout = 60 * time.Second

// client is a connection to the server that is signed in.
type client struct {
	*mail.Client

	destination *destination
}

// dial connects and signs in.
func (d *destination) dial(ctx context.Context) (*client, error) {
	if err := ctx.Err(); err != nil {
		return nil, d.fault(err)
	}
	s := d.settings
	pool, err := s.pool()
	if err != nil {
		return nil, err
	}
	trust := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Host, RootCAs: pool}
	options := []mail.Option{mail.WithPort(s.port()), mail.WithTimeout(timeout), mail.WithTLSConfig(trust), mail.WithDialContextFunc(d.dialer(trust))}
	if s.Security == tlsStart {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	} else {
		options = append(options, mail.WithTLSPolicy(mail.NoTLS)) // or done by the dialer
	}
	if s.Username != "" {
		options = append(options, mail.WithSMTPAuthCustom(&login{settings: s}))
	}
	c := &client{destination: d}
	if c.Client, err = mail.NewClient(s.Host, options...); err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "the mail server's settings")
	}
	if err := c.DialWithContext(ctx); err != nil {
		return nil, d.fault(err)
	}
	return c, nil
}

// dialer opens connections, with TLS from the beginning where the settings say so.
func (d *destination) dialer(trust *tls.Config) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.network.DialContext(ctx, network, address)
		if err != nil || d.settings.Security != tlsFull {
			return conn, err
		}
		secured := tls.Client(conn, trust)
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close() //nolint:errcheck // the first error matters
			return nil, err
		}
		return secured, nil
	}
}

func (c *client) close() { _ = c.Close() } //nolint:errcheck // nothing depends on it

// login signs in with the first of the server's mechanisms that suits the connection.
type login struct {
	settings settings
	chosen   smtp.Auth
}

var _ smtp.Auth = (*login)(nil)

// Start chooses the mechanism.
func (l *login) Start(server *smtp.ServerInfo) (string, []byte, error) {
	s := l.settings
	mechanisms := []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(s.Username, s.Password)}, {"CRAM-MD5", smtp.CRAMMD5Auth(s.Username, s.Password)},
		{"PLAIN", smtp.PlainAuth("", s.Username, s.Password, s.Host, true)}, {"LOGIN", smtp.LoginAuth(s.Username, s.Password, s.Host, true)},
	}
	for _, m := range mechanisms {
		for _, offered := range server.Auth {
			if strings.EqualFold(offered, m.name) {
				l.chosen = m.auth
				return m.auth.Start(server)
			}
		}
	}
	return "", nil, fault.Reclass(fault.New(fault.CodeDestinationAuth, "the server offers %s, and none of SCRAM-SHA-256, CRAM-MD5, PLAIN and LOGIN", strings.Join(server.Auth, ", ")), fault.Fatal)
}

// Next goes on with the mechanism.
func (l *login) Next(answer []byte, more bool) ([]byte, error) { return l.chosen.Next(answer, more) }

// place is the server's address, for people.
func (d *destination) place() string {
	return "smtp://" + net.JoinHostPort(d.settings.Host, strconv.Itoa(d.settings.port()))
}

// redact hides the password in a text.
func (d *destination) redact(text string) string {
	if d.settings.Password == "" {
		return text
	}
	return strings.ReplaceAll(text, d.settings.Password, "[secret]")
}

// fault says what an error of the connection means: no mail was sent. The codes are of RFC 5321, 4.2.2, and RFC 4954, 6.
func (d *destination) fault(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	e := fault.New(fault.CodeDestinationUnreachable, "%s: %s", d.place(), d.redact(err.Error()))
	e.Class = fault.Retryable
	var answer *textproto.Error
	var late net.Error
	switch {
	case errors.Is(err, context.Canceled):
		e.Code = fault.CodeRunCancelled
	case errors.As(err, &answer):
		switch {
		case answer.Code == 530 || answer.Code == 534 || answer.Code == 535 || answer.Code == 538:
			e.Code, e.Class = fault.CodeDestinationAuth, fault.Fatal
		case answer.Code >= 500:
			e.Code, e.Class = fault.CodeDestinationDenied, fault.Fatal
		default:
			e.Code = fault.CodeDestinationThrottled
		}
	case errors.As(err, &late) && late.Timeout(), errors.Is(err, context.DeadlineExceeded):
		e.Code = fault.CodeDestinationTimeout
	default:
		return e.WithSuggestion("Check the mail server's name, the port and the security.%s", d.network.Firewall())
	}
	return e
}

// outcome is what became of a mail.
type outcome struct {
	refused string // why the server refuses it; empty where it was taken
	again   bool   // worth another attempt
}

// send sends a mail. An error is about a mail of which nobody can say what became of it, or that was not sent at all.
func (c *client) send(m *mail.Msg) (outcome, error) {
	err := c.Send(m)
	if err == nil || m.IsDelivered() {
		return outcome{}, nil
	}
	d := c.destination
	var refused *mail.SendError
	if !errors.As(err, &refused) {
		return outcome{}, d.fault(err)
	}
	switch code := refused.ErrorCode(); {
	case code >= 500:
		return outcome{refused: d.redact(err.Error())}, nil
	case code >= 400:
		return outcome{refused: d.redact(err.Error()), again: true}, nil
	case refused.Reason == mail.ErrGetRcpts || refused.Reason == mail.ErrGetSender || refused.Reason == mail.ErrNoUnencoded:
		return outcome{refused: d.redact(err.Error())}, nil
	case refused.Reason == mail.ErrSMTPDataClose:
		return outcome{}, fault.New(fault.CodeDestinationUnknown, "%s: no answer to the mail: %s", d.place(), d.redact(err.Error()))
	default: // the mail's end was never sent: RFC 5321, 4.1.1.4
		return outcome{}, fault.Reclass(fault.New(fault.CodeDestinationUnreachable, "%s: %s", d.place(), d.redact(err.Error())), fault.Retryable)
	}
}
