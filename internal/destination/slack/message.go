package slack

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/chat"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// Bounds of a message. https://docs.slack.dev/reference/methods/chat.postMessage,
// https://docs.slack.dev/reference/block-kit/blocks
const (
	maxText   = 40_000 // characters; Slack cuts what is longer
	maxBlocks = 50
)

// poster makes messages of rows.
type poster struct {
	connector.Session // the manifest's own

	run    *manifest.Run
	people *chat.People
	blocks bool
	words  map[string]*chat.Words // by the setting
}

func newPoster(r *manifest.Run, fields ...string) (*poster, error) {
	p := &poster{Session: r.Session(), run: r, people: people(r), blocks: r.Job().Settings.Text("content") == "blocks", words: map[string]*chat.Words{}}
	format := template.Plain
	if p.blocks {
		format = template.JSON
	}
	for _, field := range fields {
		var err error
		if p.words[field], err = chat.Compile(r.Job(), field, format); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// part is a piece of a message.
type part struct {
	text   string
	blocks []value.Value
}

// part reads a rendered text.
func (p *poster) part(text string, err error) (part, error) {
	if err != nil || !p.blocks || strings.TrimSpace(text) == "" {
		return part{text: text}, err
	}
	v, err := value.ParseJSON(text)
	if inner, whole := v.Get("blocks"); err == nil && whole {
		v = inner // as the Block Kit Builder copies it
	}
	if err != nil || v.Kind() != value.List {
		return part{}, fault.New(fault.CodeMappingReject, "the template makes no JSON array of blocks").
			WithSuggestion("Put double quotes around texts, check commas and brackets, and try the blocks in Slack's Block Kit Builder.")
	}
	return part{blocks: v.List()}, nil
}

// post sends a message.
func (p *poster) post(ctx context.Context, r *manifest.Run, channel string, all part) error {
	form := look(r.Job())
	form.Set("channel", channel)
	switch {
	case p.blocks && len(all.blocks) > maxBlocks:
		return fault.New(fault.CodeMappingReject, "the message has %d blocks, and Slack takes %d", len(all.blocks), maxBlocks).
			WithSuggestion("Make fewer blocks of a row, or send fewer rows in a message.")
	case p.blocks && len(all.blocks) == 0 || !p.blocks && strings.TrimSpace(all.text) == "":
		return fault.New(fault.CodeMappingReject, "the message is empty")
	case utf8.RuneCountInString(all.text) > maxText:
		return fault.New(fault.CodeMappingReject, "the message has more than %d characters, and Slack cuts the rest off", maxText).
			WithSuggestion("Shorten the text, or send fewer rows in a message.")
	case p.blocks:
		blocks := value.OfList(all.blocks)
		form.Set("blocks", string(blocks.AppendJSON(nil)))
		form.Set("text", firstText(blocks)) // what notifications show
	default:
		form.Set("text", all.text)
	}
	return tell(ctx, r, "chat.postMessage", channel, form)
}

// firstText is the first text that blocks show.
func firstText(v value.Value) string {
	switch v.Kind() {
	case value.List:
		for _, item := range v.List() {
			if text := firstText(item); text != "" {
				return text
			}
		}
	case value.Map:
		for _, f := range v.Fields() {
			if f.Name == "text" && f.Value.Kind() == value.Text {
				return f.Value.Raw()
			}
			if text := firstText(f.Value); text != "" {
				return text
			}
		}
	}
	return ""
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
		channel := r.Job().Settings.Text("channel")
		if own := row.Value("channel"); !own.IsNull() && own.String() != "" {
			channel = own.String()
		}
		if channel == "" {
			r.Reject(row, "the row names no channel", false)
			continue
		}
		all, err := m.part(m.words[string(b.Operation)].OfRow(ctx, row, m.people))
		if err == nil {
			err = m.post(ctx, r, channel, all)
		}
		if err != nil {
			return connector.Result{}, err
		}
	}
	return r.Result(), nil
}

// batches posts messages about some rows each.
type batches struct{ *poster }

func beginBatch(_ context.Context, r *manifest.Run) (connector.Session, error) {
	p, err := newPoster(r, "header", "body", "footer")
	return batches{p}, err
}

// Write posts one message about the rows of a batch. A row that makes no text is refused, and the message is about the
// others.
func (m batches) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	r, err := m.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	var bodies []part
	for _, row := range r.Rows() {
		body, err := m.part(m.words["body"].OfRow(ctx, row, m.people))
		switch {
		case err == nil:
			bodies = append(bodies, body)
		case fault.ClassOf(err) == fault.Permanent:
			r.Reject(row, fault.As(err).Error(), false)
		default:
			return connector.Result{}, err
		}
	}
	if len(bodies) == 0 {
		return r.Result(), nil
	}
	all, err := m.around(ctx, r.Rows(), bodies)
	if err == nil {
		err = m.post(ctx, r, r.Job().Settings.Text("channel"), all)
	}
	if err != nil {
		return connector.Result{}, err
	}
	return r.Result(), nil
}

// around puts header and footer around the rows' parts.
func (m batches) around(ctx context.Context, rows []manifest.Row, bodies []part) (all part, err error) {
	head, err := m.part(m.words["header"].OfRows(ctx, rows, m.people))
	if err != nil {
		return all, err
	}
	foot, err := m.part(m.words["footer"].OfRows(ctx, rows, m.people))
	if err != nil {
		return all, err
	}
	var texts []string
	for _, p := range append(append([]part{head}, bodies...), foot) {
		all.blocks = append(all.blocks, p.blocks...)
		if p.text != "" {
			texts = append(texts, p.text)
		}
	}
	all.text = strings.Join(texts, "\n")
	return all, nil
}

// escape replaces the characters that Slack reads as markup.
// https://docs.slack.dev/messaging/formatting-message-text
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "```", "'''")

func beginTable(_ context.Context, r *manifest.Run) (connector.Session, error) {
	const advice = "Send fewer rows or columns, or send them as a CSV file."
	return gathering(chat.NewGather(r, maxText, advice, func(ctx context.Context, t chat.Table) error {
		text := "```\n" + escape.Replace(t.Plain()) + "\n```"
		if title := r.Job().Settings.Text("title"); title != "" {
			text = title + "\n" + text
		}
		if utf8.RuneCountInString(text) > maxText {
			return chat.TooMuch(maxText, advice)
		}
		channel, form := r.Job().Settings.Text("channel"), look(r.Job())
		form.Set("channel", channel)
		form.Set("text", text)
		return chat.Patiently(ctx, r, func() error { return tell(ctx, r, "chat.postMessage", channel, form) })
	}))
}

func gathering(g *chat.Gather, err error) (connector.Session, error) {
	if err != nil {
		return nil, err
	}
	return g, nil
}
