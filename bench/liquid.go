package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/osteele/liquid"

	"github.com/millrace/millrace/internal/template"
	"github.com/millrace/millrace/internal/value"
)

// The templates: a few fields with filters, and one with most of what people use.
const (
	simpleTemplate = `{{ row.first_name }} {{ row.last_name | upcase }} <{{ row.email | downcase }}>`
	richTemplate   = `{% if row.plan == 'enterprise' and row.score > 50 %}{{ row.score | plus: 10 | times: 2 }} {{ row.plan | capitalize }}` +
		`{% elsif row.plan == 'pro' %}{{ row.email | split: '@' | first | append: '!' }}{% else %}none{% endif %} ` +
		`{{ row.updated_at | date: '%Y-%m-%d' }} {% assign tags = row.tags | split: ';' %}` +
		`{% for tag in tags %}{{ tag | strip }}{% unless forloop.last %}, {% endunless %}{% endfor %} ` +
		`{{ row.ratio | round: 1 }} {{ row.city | default: 'unknown' | replace: 'o', '0' }}`
)

const templateRows = 1000 // distinct ones, which repeat

// people are rows as both engines take them.
type liquidRow struct {
	names  []string
	values []value.Value
	bound  map[string]any
}

// Get returns a column.
func (r *liquidRow) Get(name string) (value.Value, bool) {
	for i, n := range r.names {
		if n == name {
			return r.values[i], true
		}
	}
	return value.Value{}, false
}

func liquidRows() []liquidRow {
	names := []string{"first_name", "last_name", "email", "plan", "score", "updated_at", "tags", "ratio", "city"}
	plans := []string{"free", "pro", "enterprise"}
	all := make([]liquidRow, templateRows)
	for i := range all {
		city := ""
		if i%7 != 0 {
			city = fmt.Sprintf("Town %d", i%50)
		}
		at := time.Date(2026, 1, 1, 0, 0, i*977, 0, time.UTC)
		ratio := float64(i%97)*1.5 + 0.25
		texts := []string{fmt.Sprintf("First%d", i), fmt.Sprintf("Last%d", i*31%5003), fmt.Sprintf("Person.%d@Example.com", i), plans[i%3]}
		tags := fmt.Sprintf("a%d; b ;c%d", i, i%13)
		r := liquidRow{names: names, bound: map[string]any{
			"score": i % 100, "updated_at": at, "tags": tags, "ratio": ratio, "city": city,
		}}
		for c, s := range texts {
			r.values, r.bound[names[c]] = append(r.values, value.OfText(s)), s
		}
		r.values = append(r.values, value.OfInt(int64(i%100)), value.OfTime(at), value.OfText(tags), value.OfFloat(ratio), value.OfText(city))
		all[i] = r
	}
	return all
}

// templates renders rows with Millrace's Liquid beside the Go library for it, each template parsed once.
func templates(_ context.Context, b *bench) error {
	rows := liquidRows()
	for _, c := range []struct {
		name, source string
		rows         int64
	}{{"simple", simpleTemplate, 2_000_000}, {"rich", richTemplate, 500_000}} {
		if err := b.compareTemplates(c.name, c.source, b.size(c.rows), rows); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) compareTemplates(name, source string, n int64, rows []liquidRow) error {
	ours, err := template.Parse(source)
	if err != nil {
		return err
	}
	peer, perr := liquid.NewEngine().ParseString(source)
	if perr != nil {
		return perr
	}
	scope := template.NewScope(template.DefaultLimits)
	render := func(dst []byte, i int64) ([]byte, error) {
		scope.Reset()
		scope.SetRow("row", &rows[i%templateRows])
		return ours.Render(scope, dst)
	}
	bindings := liquid.Bindings{}
	renderPeer := func(i int64) ([]byte, error) {
		bindings["row"] = rows[i%templateRows].bound
		out, err := peer.Render(bindings)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
	for i := range int64(templateRows) {
		got, err := render(nil, i)
		if err != nil {
			return err
		}
		want, err := renderPeer(i)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("row %d: ours is %q, the library's %q", i, got, want)
		}
	}
	var out []byte
	s, err := pair{rounds: b.rounds, peer: func() error {
		for i := range n {
			if _, err := renderPeer(i); err != nil {
				return err
			}
		}
		return nil
	}, ours: func() (err error) {
		for i := range n {
			if out, err = render(out[:0], i); err != nil {
				return err
			}
		}
		return nil
	}}.run()
	if err != nil {
		return err
	}
	b.add(s.atLeast(1, n, "liquid", name+" template, beside osteele/liquid"))
	return nil
}
