// Package teams is what the manifest of Microsoft Teams cannot say: texts whose values cannot become HTML, and messages
// that hold several rows or all of them.
package teams

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/chat"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
)

// maxBody is about how many bytes Teams takes in a message.
// https://learn.microsoft.com/en-us/microsoftteams/limits-specifications-teams
const maxBody = 28 << 10

// Hooks are the Go code of the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{Begin: map[string]func(context.Context, *manifest.Run) (connector.Session, error){
		"message": beginMessage, "batch": beginBatch, "table": beginTable,
	}}
}

// message is a chatMessage of Microsoft Graph.
type message struct {
	Subject string `json:"subject,omitempty"`
	Body    body   `json:"body"`
}

type body struct {
	Type    string `json:"contentType"`
	Content string `json:"content"`
}

// post sends a message to a channel.
func post(ctx context.Context, r *manifest.Run, team, channel string, m message) error {
	switch {
	case strings.TrimSpace(m.Body.Content) == "":
		return fault.New(fault.CodeMappingReject, "the message is empty")
	case len(m.Body.Content) > maxBody:
		return fault.New(fault.CodeMappingReject, "the message has %d bytes, and Teams takes about %d", len(m.Body.Content), maxBody).
			WithSuggestion("Shorten the text, or send fewer rows in a message.")
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fault.Wrap(err, fault.CodeInternal, "encoding a message")
	}
	_, err = r.Ask(ctx, "POST", "/teams/"+url.PathEscape(team)+"/channels/"+url.PathEscape(channel)+"/messages", text, nil)
	return err
}

// poster makes messages of rows.
type poster struct {
	connector.Session // the manifest's own

	run   *manifest.Run
	kind  string                 // of the content
	words map[string]*chat.Words // by the setting
}

func newPoster(r *manifest.Run, fields ...string) (*poster, error) {
	p := &poster{Session: r.Session(), run: r, kind: r.Job().Settings.Text("content"), words: map[string]*chat.Words{}}
	for _, field := range fields {
		format := template.Plain
		if p.kind == "html" && field != "subject" {
			format = template.XML
		}
		var err error
		if p.words[field], err = chat.Compile(r.Job(), field, format); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// messages posts a message for each row.
type messages struct{ *poster }

func beginMessage(_ context.Context, r *manifest.Run) (connector.Session, error) {
	p, err := newPoster(r, string(connector.Added), string(connector.Changed), string(connector.Removed))
	return messages{p}, err
}

// Write posts the message of a row.
func (m messages) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	r, err := m.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	for _, row := range r.Rows() {
		team, channel := m.own(row, "team"), m.own(row, "channel")
		if team == "" || channel == "" {
			r.Reject(row, "the row names no team or no channel", false)
			continue
		}
		text, err := m.words[string(b.Operation)].OfRow(ctx, row, nil)
		if err == nil {
			err = post(ctx, r, team, channel, message{Body: body{m.kind, text}})
		}
		if err != nil {
			return connector.Result{}, err
		}
	}
	return r.Result(), nil
}

// own is what a row says of itself, or what the settings say of all rows.
func (m messages) own(row manifest.Row, field string) string {
	if v := row.Value(field); !v.IsNull() && v.String() != "" {
		return v.String()
	}
	return m.run.Job().Settings.Text(field)
}

// batches posts messages about some rows each.
type batches struct{ *poster }

func beginBatch(_ context.Context, r *manifest.Run) (connector.Session, error) {
	p, err := newPoster(r, "subject", "body")
	return batches{p}, err
}

// Write posts one message about the rows of a batch. A row that makes no text is refused, and the message is about the
// others.
func (m batches) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	r, err := m.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	var texts []string
	for _, row := range r.Rows() {
		text, err := m.words["body"].OfRow(ctx, row, nil)
		if err != nil {
			r.Reject(row, fault.As(err).Error(), false)
			continue
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return r.Result(), nil
	}
	subject, err := m.words["subject"].OfRows(ctx, r.Rows(), nil)
	if err == nil {
		job := r.Job()
		err = post(ctx, r, job.Settings.Text("team"), job.Settings.Text("channel"), message{subject, body{m.kind, strings.Join(texts, "\n")}})
	}
	if err != nil {
		return connector.Result{}, err
	}
	return r.Result(), nil
}

func beginTable(_ context.Context, r *manifest.Run) (connector.Session, error) {
	const advice = "Send fewer rows or columns, or send them to a place for files."
	g, err := chat.NewGather(r, maxBody, advice, func(ctx context.Context, t chat.Table) error {
		text := t.HTML()
		if len(text) > maxBody {
			return chat.TooMuch(maxBody, advice)
		}
		job := r.Job()
		return chat.Patiently(ctx, r, func() error {
			return post(ctx, r, job.Settings.Text("team"), job.Settings.Text("channel"), message{job.Settings.Text("subject"), body{"html", text}})
		})
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}
