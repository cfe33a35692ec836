package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/wneessen/go-mail"
)

// email sends one mail to all addresses of a channel. The Message-ID is the same in every attempt, and the mails about
// one alert are a thread.
func (s *Sender) email(ctx context.Context, m message) error {
	if s.Mail.Host == "" {
		return fault.Reclass(fault.New(fault.CodeNoticeMail, "this server has no email server"), fault.Permanent).
			WithSuggestion("Set smtp-host and smtp-from, and what else your email server needs, then start the server again.")
	}
	msg, err := s.compose(m)
	if err != nil {
		return fault.Reclass(fault.Wrap(err, fault.CodeNoticeRefused, "the mail cannot be written"), fault.Permanent)
	}
	client, err := s.mailClient()
	if err != nil {
		return fault.Wrap(err, fault.CodeNoticeMail, "the email server's settings")
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return s.mailFault(err)
	}
	return nil
}

func (s *Sender) compose(m message) (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := msg.From(s.Mail.From); err != nil {
		return nil, fmt.Errorf("the sender: %w", err)
	}
	if err := msg.To(m.settings.List("to")...); err != nil {
		return nil, fmt.Errorf("the recipients: %w", err)
	}
	msg.Subject(strings.TrimSpace(m.settings.Text("prefix") + " " + m.Title()))
	msg.SetMessageIDWithValue(fmt.Sprintf("notice-%d.%s@millrace", m.ID, m.Key))
	msg.SetDateWithValue(m.At)
	msg.SetGenHeader(mail.HeaderReferences, fmt.Sprintf("<%s@millrace>", m.Key))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's holiday answers it
	if m.Level == alerting.Critical {
		msg.SetImportance(mail.ImportanceHigh)
	}
	msg.SetBodyString(mail.TypeTextPlain, m.body()+"\n")
	return msg, nil
}

func (s *Sender) mailClient() (*mail.Client, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Mail.Host}
	if len(s.Mail.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(s.Mail.CA) {
			return nil, errors.New("the CA certificate is not PEM")
		}
		trust.RootCAs = pool
	}
	options := []mail.Option{mail.WithPort(s.Mail.Port), mail.WithTimeout(timeout), mail.WithTLSConfig(trust)}
	switch s.Mail.TLS {
	case TLSFull:
		options = append(options, mail.WithSSL())
	case TLSNone:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.Mail.User != "" {
		method := mail.SMTPAuthAutoDiscover
		if s.Mail.TLS == TLSNone {
			method = mail.SMTPAuthPlainNoEnc // the operator said that nobody listens
		}
		options = append(options, mail.WithSMTPAuth(method), mail.WithUsername(s.Mail.User), mail.WithPassword(s.Mail.Password))
	}
	return mail.NewClient(s.Mail.Host, options...)
}

// mailFault says what an error of the email server means: what it refuses for good (RFC 5321, 4.2.1: 5yz) is not
// worth another attempt.
func (s *Sender) mailFault(err error) error {
	words := err.Error()
	if s.Mail.Password != "" {
		words = strings.ReplaceAll(words, s.Mail.Password, "[secret]")
	}
	e := fault.New(fault.CodeNoticeMail, "%s", words)
	var refused *mail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() >= 500 {
		e = fault.New(fault.CodeNoticeRefused, "%s", words)
	}
	return e
}
