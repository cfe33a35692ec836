package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/template"
)

// session sends the mails of one run.
type session struct {
	trigger.Feed
	*destination

	plan      plan
	job       connector.SyncJob
	scratches *trigger.Pool

	mu   sync.Mutex
	idle []*client
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
)

// Write sends one mail: about one row, or about all rows of the batch.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	made, enabled := s.plan.contents[b.Operation]
	if !enabled {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	m, err := s.compose(made, b)
	if err != nil {
		return connector.Result{}, fault.Reclass(err, fault.Permanent)
	}
	got, x, err := s.deliver(ctx, m)
	b.Record(x)
	if err != nil {
		return connector.Result{}, err
	}
	var result connector.Result
	if got.refused != "" {
		for i := range b.Rows {
			result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: got.refused, Retry: got.again})
		}
	}
	return result, nil
}

// compose writes the mail of a batch.
func (s *session) compose(made content, b *connector.Batch) (*mail.Msg, error) {
	m, err := s.addressed(&b.Rows[0])
	if err != nil {
		return nil, err
	}
	sc := s.scratches.Get()
	defer s.scratches.Put(sc)
	sc.Begin()
	if s.plan.kind == typeBatch {
		sc.BindBatch(b.Operation, b.Rows)
	} else {
		sc.BindRow(b.Operation, &b.Rows[0])
	}
	if err := s.subject(sc, m, made.subject); err != nil {
		return nil, err
	}
	sc.BindRow(b.Operation, &b.Rows[0])
	for i := range b.Rows {
		sc.Row(&b.Rows[i])
		if i > 0 {
			sc.Body = append(sc.Body, '\n')
		}
		if sc.Body, err = made.body.Render(sc.Scope, sc.Body); err != nil {
			return nil, trigger.InField("the content", err)
		}
	}
	format := mail.TypeTextPlain
	if made.html {
		format = mail.TypeTextHTML
	}
	m.SetBodyString(format, string(sc.Body))
	s.identify(m, b.ID)
	return m, nil
}

// subject renders the subject, which has one line.
func (s *session) subject(sc *trigger.Scratch, m *mail.Msg, t *template.Template) (err error) {
	if t == nil {
		return nil
	}
	if sc.Text, err = t.Render(sc.Scope, sc.Text[:0]); err != nil {
		return trigger.InField("the subject", err)
	}
	m.Subject(strings.Join(strings.Fields(string(sc.Text)), " "))
	return nil
}

// addressed begins a mail. Where columns name the recipients, row is the row.
func (s *session) addressed(row *connector.Row) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := m.From(s.settings.From); err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "the sender")
	}
	if s.settings.ReplyTo != "" {
		if err := m.ReplyTo(s.settings.ReplyTo); err != nil {
			return nil, fault.Wrap(err, fault.CodeInvalid, "where answers go")
		}
	}
	for _, r := range []struct {
		list addresses
		set  func(...string) error
		need bool
	}{{s.plan.to, m.To, true}, {s.plan.cc, m.Cc, false}, {s.plan.bcc, m.Bcc, false}} {
		list, err := r.list.of(row)
		switch {
		case err != nil:
			return nil, err
		case len(list) == 0 && r.need:
			return nil, fault.New(fault.CodeMappingReject, "the row has no address that the mail goes to")
		case len(list) > 0:
			err = r.set(list...)
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeMappingReject, "the recipients")
		}
	}
	return m, nil
}

// identify gives a mail an ID that is the same in every attempt, and says that no person wrote it (RFC 3834).
func (s *session) identify(m *mail.Msg, batch string) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", s.job.SyncID, batch))
	m.SetMessageIDWithValue(hex.EncodeToString(sum[:16]) + "@millrace")
	m.SetDateWithValue(s.clock.Now())
	m.SetGenHeader("Auto-Submitted", "auto-generated")
}

// deliver sends a mail through an idle connection or a new one.
func (s *session) deliver(ctx context.Context, m *mail.Msg) (outcome, connector.Exchange, error) {
	x := connector.Exchange{Method: "MAIL", URL: s.place(), RequestBody: text(m), StartedAt: s.clock.Now()}
	began := time.Now()
	c, err := s.take(ctx)
	var got outcome
	if err == nil {
		got, err = c.send(m)
		if err == nil {
			s.give(c)
		} else {
			c.close()
		}
	}
	x.Duration, x.ResponseBody = time.Since(began), s.redact(m.ServerResponse())
	switch {
	case err != nil:
		x.Error = err.Error()
	case got.refused != "":
		x.Error = got.refused
	}
	return got, x, err
}

// take returns a connection that works.
func (s *session) take(ctx context.Context) (*client, error) {
	for ctx.Err() == nil {
		s.mu.Lock()
		n := len(s.idle)
		if n == 0 {
			s.mu.Unlock()
			break
		}
		c := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.mu.Unlock()
		if c.Reset() == nil { // servers end connections that are idle for long
			return c, nil
		}
		c.close()
	}
	return s.dial(ctx)
}

func (s *session) give(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, c)
}

// text is a mail as the request log shows it.
func text(m *mail.Msg) string {
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return err.Error()
	}
	if b.Len() > httpx.KeepBody {
		b.Truncate(httpx.KeepBody)
	}
	return strings.ToValidUTF8(b.String(), "")
}

// Finish has nothing to complete: every mail has its answer.
func (s *session) Finish(context.Context) error { return nil }

// Close ends the connections.
func (s *session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.idle {
		c.close()
	}
	s.idle = nil
	return nil
}
