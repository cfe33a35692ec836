package manifest

import (
	"regexp"
	"sync"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/identifier"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// pipe is a compiled pipeline. It is safe for concurrent use.
type pipe struct {
	steps   []conversion
	emptied value.Value // what stands for it where a row's fields are emptied
	notNull bool
	same    bool // nothing is done to values
}

// apply returns what is sent for a value.
func (p *pipe) apply(v value.Value) (value.Value, error) {
	if v.IsNull() {
		if p.notNull {
			return v, fault.New(fault.CodeMappingReject, "a value is needed")
		}
		return v, nil
	}
	var err error
	for _, step := range p.steps {
		if v, err = step(v); err != nil || v.IsNull() {
			return v, err
		}
	}
	return v, nil
}

// compile makes a pipeline for a run whose settings the scope has.
func (p Pipeline) compile(options []Option, emptied value.Value, s *scope) (*pipe, error) {
	c := &pipe{emptied: emptied, notNull: p.NotNull}
	if p.Clear != nil {
		c.emptied = value.Of(p.Clear)
	}
	if p.Value.given() {
		c.steps = append(c.steps, templated(&p.Value))
	}
	if p.As != "" {
		c.steps = append(c.steps, forms[p.As])
	}
	if p.Identifier != "" {
		id, err := p.identify(s)
		if err != nil {
			return nil, err
		}
		c.steps = append(c.steps, id.Apply)
	}
	err := p.checks(c, options)
	c.same = len(c.steps) == 0 && !c.notNull
	return c, err
}

// identify compiles the rule of an identifier. Where people hash it in the model, plain text is refused rather than sent.
func (p Pipeline) identify(s *scope) (*identifier.Identifier, error) {
	hash, err := s.holds(&p.HashIf)
	if err != nil {
		return nil, err
	}
	country, err := s.text(&p.Country.source)
	if err != nil {
		return nil, err
	}
	drop, err := s.meets(&p.DropIf)
	if err != nil {
		return nil, err
	}
	spec := identifier.Spec{Kind: p.Identifier, Prehashed: !hash, Country: country}
	if drop {
		spec.Invalid = identifier.Drop
	}
	return identifier.New(spec)
}

// checks adds what refuses values.
func (p Pipeline) checks(c *pipe, options []Option) error {
	if p.MaxLength > 0 {
		c.steps = append(c.steps, maxLength(p.MaxLength))
	}
	if p.Pattern != "" {
		re, err := regexp.Compile(p.Pattern)
		if err != nil {
			return fault.Wrap(err, fault.CodeInvalid, "reading the pattern")
		}
		c.steps = append(c.steps, fits(re))
	}
	if len(options) > 0 {
		c.steps = append(c.steps, oneOf(options))
	}
	return nil
}

func templated(t *Text) conversion {
	scopes := sync.Pool{New: func() any { return newScope() }}
	return func(v value.Value) (value.Value, error) {
		s := scopes.Get().(*scope) //nolint:forcetypeassert // New makes them
		defer scopes.Put(s)
		s.set("value", v)
		return s.eval(&t.source)
	}
}

func maxLength(most int) conversion {
	return func(v value.Value) (value.Value, error) {
		if v.Kind() == value.Text && utf8.RuneCountInString(v.Raw()) > most {
			return v, fault.New(fault.CodeMappingReject, "the text is longer than %d characters", most)
		}
		return v, nil
	}
}

func fits(re *regexp.Regexp) conversion {
	return func(v value.Value) (value.Value, error) {
		if !re.MatchString(v.String()) {
			return v, fault.New(fault.CodeMappingReject, "the value does not have the form %s", re)
		}
		return v, nil
	}
}

func oneOf(options []Option) conversion {
	known := make(map[string]bool, len(options))
	for _, o := range options {
		known[o.Value] = true
	}
	return func(v value.Value) (value.Value, error) {
		if v.Kind() != value.List && !known[v.String()] {
			return v, fault.New(fault.CodeMappingReject, "the value is none of those that the field takes")
		}
		return v, nil
	}
}

// connectorOptions turns the language's options into the connector's.
func connectorOptions(list []Option) []connector.Option {
	var all []connector.Option
	for _, o := range list {
		label := o.Label
		if label == "" {
			label = o.Value
		}
		all = append(all, connector.Option{Value: o.Value, Label: label, Help: o.Help})
	}
	return all
}
