// Package chat is what destinations share that post messages to channels: texts that are made of rows and may ask the
// vendor who somebody is, and messages that hold all rows of a run.
package chat

import (
	"context"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// limits bound one text. Its filters may ask the vendor, which takes longer than other work.
var limits = template.Limits{Steps: template.DefaultLimits.Steps, Output: template.DefaultLimits.Output, Time: time.Minute}

// Words is a text that a sync's setting has a template of. Nil is an empty text.
type Words struct {
	field    string
	template *template.Template
}

// Compile reads the template of a setting. An empty one is nil.
func Compile(job connector.SyncJob, field string, f template.Format) (*Words, error) {
	text := job.Settings.Text(field)
	if text == "" {
		return nil, nil //nolint:nilnil // an empty text
	}
	parsed, err := template.ParseAs(f, text)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeTemplate, "%s", field).WithPath("spec.settings." + field)
	}
	return &Words{field, parsed}, nil
}

// OfRow makes the text of a row, whose columns stand for themselves and as members of row.
func (w *Words) OfRow(ctx context.Context, row manifest.Row, people *People) (string, error) {
	if w == nil {
		return "", nil
	}
	s := people.scope(ctx)
	columns := members{row.Get("columns")}
	s.SetRow("row", columns)
	s.SetColumns(columns)
	return w.render(s)
}

// OfRows makes the text that stands around rows: the list rows has their columns.
func (w *Words) OfRows(ctx context.Context, rows []manifest.Row, people *People) (string, error) {
	if w == nil {
		return "", nil
	}
	list := make([]value.Value, len(rows))
	for i, row := range rows {
		list[i] = row.Get("columns")
	}
	s := people.scope(ctx)
	s.Set("rows", value.OfList(list))
	return w.render(s)
}

func (w *Words) render(s *template.Scope) (string, error) {
	text, err := w.template.Render(s, nil)
	if err != nil {
		e := fault.As(err)
		told := fault.Wrap(err, e.Code, "%s", w.field).WithSuggestion("%s", e.Hint())
		told.Class, told.After = e.Class, e.After
		return "", told
	}
	return string(text), nil
}

// members reads an object as a row.
type members struct{ object value.Value }

// Get returns a member.
func (m members) Get(name string) (value.Value, bool) { return m.object.Get(name) }

// People are the vendor's users, each asked for once in a run. Nil where texts cannot ask for them.
type People struct {
	filter string
	ask    func(ctx context.Context, address string) (string, error)

	mu    sync.Mutex
	known map[string]person
}

type person struct {
	id  string
	err error
}

// NewPeople returns users that a filter of templates asks for by their addresses. A Permanent error of ask is
// remembered as an answer is.
func NewPeople(filter string, ask func(ctx context.Context, address string) (string, error)) *People {
	return &People{filter: filter, ask: ask, known: map[string]person{}}
}

func (p *People) scope(ctx context.Context) *template.Scope {
	s := template.NewScope(limits)
	if p != nil {
		s.SetLookup(p.filter, func(address string) (string, error) { return p.find(ctx, address) })
	}
	return s
}

func (p *People) find(ctx context.Context, address string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found, asked := p.known[address]; asked {
		return found.id, found.err
	}
	id, err := p.ask(ctx, address)
	if err == nil || fault.ClassOf(err) == fault.Permanent {
		p.known[address] = person{id, err}
	}
	return id, err
}
