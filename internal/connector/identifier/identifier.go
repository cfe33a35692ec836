package identifier

import (
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Identifier is a compiled Spec. It may be used by several goroutines at once.
type Identifier struct {
	label     string
	opaque    bool
	steps     []StepInfo
	options   options
	local     bool // a step asks for the country
	algorithm Algorithm
	encoding  Encoding
	accept    []Algorithm
	detect    bool
	prehashed bool
	drop      bool
	salt      string
	saltAfter bool
}

// options are what steps may ask for.
type options struct {
	country string // ISO 3166-1 alpha-2, or empty
}

// problem says why a value cannot become an identifier, without telling the value.
type problem struct {
	what   string // completes "the phone number …"
	remedy string
}

func because(what, remedy string) *problem { return &problem{what, remedy} }

// scratch is memory that one application needs and the next one uses again.
type scratch struct{ text, sum, out []byte }

var scratches = sync.Pool{New: func() any { return &scratch{} }}

// Apply returns what the destination is to be sent: the identifier as text, or null where the value has nothing to
// identify by, which is null, empty text, text of which nothing is left, and the hash of nothing. Of an array it
// returns an array with an item for each item, in the same place and null where there is none, or null when all are.
//
// A value that cannot be normalised is an error with fault.CodeMappingReject, which concerns its row alone.
func (id *Identifier) Apply(v value.Value) (value.Value, error) { return id.apply(v, id.options) }

// ApplyIn is Apply for a value whose row says which country it belongs to, by a code or an English name. Without one,
// and where no step asks for it, it is Apply.
func (id *Identifier) ApplyIn(v, country value.Value) (value.Value, error) {
	name := trimmed([]byte(country.String()))
	if !id.local || len(name) == 0 {
		return id.Apply(v)
	}
	code, p := countryCode(name, options{})
	switch {
	case p == nil:
		return id.apply(v, options{country: string(code)})
	case id.drop:
		return value.Value{}, nil
	default:
		return value.Value{}, fault.New(fault.CodeMappingReject, "the country of the %s %s", id.label, p.what).WithSuggestion("%s", p.remedy)
	}
}

func (id *Identifier) apply(v value.Value, o options) (value.Value, error) {
	v = v.Parsed()
	if v.Kind() == value.List {
		return id.applyList(v.List(), o)
	}
	out, p := id.applyOne(v, o)
	if p != nil {
		return value.Value{}, fault.New(fault.CodeMappingReject, "the %s %s", id.label, p.what).WithSuggestion("%s", p.remedy)
	}
	return out, nil
}

func (id *Identifier) applyList(items []value.Value, o options) (value.Value, error) {
	out := make([]value.Value, len(items))
	found := false
	for i, item := range items {
		done, p := id.applyOne(item.Parsed(), o)
		if p != nil {
			return value.Value{}, fault.New(fault.CodeMappingReject, "item %d of the list: the %s %s", i+1, id.label, p.what).WithSuggestion("%s", p.remedy)
		}
		out[i] = done
		found = found || !done.IsNull()
	}
	if !found {
		return value.Value{}, nil
	}
	return value.OfList(out), nil
}

func (id *Identifier) applyOne(v value.Value, o options) (value.Value, *problem) {
	if v.IsNull() {
		return v, nil
	}
	s, ok := scratches.Get().(*scratch)
	if !ok {
		s = &scratch{}
	}
	defer scratches.Put(s)
	text, p := s.read(v)
	if p != nil {
		return value.Value{}, p
	}
	if len(trimmed(text)) == 0 {
		return value.Value{}, nil
	}
	if id.algorithm == None {
		return id.plain(v, text, o)
	}
	return id.hashed(s, text, o)
}

// read puts the value's text into the scratch.
func (s *scratch) read(v value.Value) ([]byte, *problem) {
	switch v.Kind() {
	case value.Map, value.List, value.JSON, value.Bool:
		return nil, because("is "+article(v.Kind())+", not text", "Map a column that holds the identifier itself.")
	case value.Bytes:
		return s.readBytes(v.Raw())
	}
	s.text = v.AppendText(s.text[:0])
	if !utf8.Valid(s.text) {
		return nil, because("is not UTF-8 text", "Convert the column to UTF-8 in the model's query.")
	}
	return s.text, nil
}

func article(k value.Kind) string {
	switch name := k.String(); name {
	case "array", "object":
		return "an " + name
	default:
		return "a " + name
	}
}

// readBytes reads a binary column: text, or else the bytes of a hash.
func (s *scratch) readBytes(raw string) ([]byte, *problem) {
	if utf8.ValidString(raw) {
		s.text = append(s.text[:0], raw...)
		return s.text, nil
	}
	if _, ok := bySize(len(raw)); !ok {
		return nil, because("is binary data", "Convert the column to text in the model's query.")
	}
	s.text = Hex.appendHash(s.text[:0], []byte(raw))
	return s.text, nil
}

// plain normalises a value that stays readable.
func (id *Identifier) plain(v value.Value, text []byte, o options) (value.Value, *problem) {
	text, p := id.normalize(text, o)
	switch {
	case p != nil:
		return value.Value{}, p
	case len(text) == 0:
		return value.Value{}, nil
	case v.Kind() == value.Text && string(text) == v.Raw():
		return v, nil
	default:
		return value.OfText(string(text)), nil
	}
}

// hashed returns the value's hash: the one that it is, or the one of its normalised text.
func (id *Identifier) hashed(s *scratch, text []byte, o options) (value.Value, *problem) {
	if id.detect {
		sum, of, isHash := readHash(s.sum[:0], trimmed(text))
		s.sum = sum[:0]
		if isHash && id.takes(of) {
			return id.pass(s, of, sum), nil
		}
		if isHash && (!id.opaque || id.prehashed) {
			return value.Value{}, id.foreign(of)
		}
	}
	if id.prehashed {
		return value.Value{}, because("is not a "+id.algorithm.title()+" hash", "Hash the column in the model's query, or let the sync hash it.")
	}
	text, p := id.normalize(text, o)
	if p != nil || len(text) == 0 {
		return value.Value{}, p
	}
	s.sum = id.algorithm.appendSum(s.sum[:0], id.salted(s, text))
	return id.write(s, s.sum), nil
}

func (id *Identifier) takes(a Algorithm) bool {
	return a == id.algorithm || slices.Contains(id.accept, a)
}

// pass returns a value that is a hash already.
func (id *Identifier) pass(s *scratch, of Algorithm, sum []byte) value.Value {
	if of.hashesNothing(sum) {
		return value.Value{}
	}
	return id.write(s, sum)
}

func (id *Identifier) write(s *scratch, sum []byte) value.Value {
	s.out = id.encoding.appendHash(s.out[:0], sum)
	return value.OfText(string(s.out))
}

// foreign says that the value is a hash of an algorithm that the destination does not take.
func (id *Identifier) foreign(of Algorithm) *problem {
	return because(
		fmt.Sprintf("is a hash already, of %s by its length, where %s is needed", of.title(), id.algorithm.title()),
		"Map the plain value, or a column that is hashed with "+id.algorithm.title()+".")
}

func (id *Identifier) normalize(text []byte, o options) ([]byte, *problem) {
	var p *problem
	for _, step := range id.steps {
		if text, p = step.run(text, o); p != nil && id.drop {
			return nil, nil
		} else if p != nil {
			return nil, p
		}
	}
	return text, nil
}

func (id *Identifier) salted(s *scratch, text []byte) []byte {
	switch {
	case id.salt == "":
		return text
	case id.saltAfter:
		s.out = append(append(s.out[:0], text...), id.salt...)
	default:
		s.out = append(append(s.out[:0], id.salt...), text...)
	}
	return s.out
}
