// Package trinotype knows the types of Trino and of those who speak its language: their names, what they are in Arrow,
// and how their values are read from text.
//
// https://trino.io/docs/current/language/types.html
package trinotype

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/millrace/millrace/internal/value"
)

// Type is a type by its name.
type Type struct {
	Text  string   // the whole name, as the server writes it
	Base  string   // without parameters, in small letters, such as "timestamp with time zone"
	Args  []Type   // the items of an array, the key and the value of a map, the fields of a row
	Names []string // of a row's fields; empty where one has none

	Precision, Scale int    // of a decimal, of an instant
	Zone             string // of instants whose text has none; empty means UTC
}

// Parse reads a type's name. What it does not know is a type without parameters: its values are texts.
func Parse(text string) Type {
	p := &parser{text: text}
	t, ok := p.parse()
	if p.space(); !ok || p.rest() != "" {
		return Type{Text: text, Base: strings.ToLower(text)}
	}
	return t
}

// The names of types that have parts.
const (
	baseArray = "array"
	baseMap   = "map"
	baseRow   = "row"
)

// maxDepth is how deep a type may be nested.
const maxDepth = 64

type parser struct {
	text  string
	at    int
	depth int
}

func (p *parser) rest() string { return p.text[p.at:] }

func (p *parser) space() {
	p.at += len(p.rest()) - len(strings.TrimLeftFunc(p.rest(), unicode.IsSpace))
}

func (p *parser) peek() byte {
	if p.space(); p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

// word reads a name without quotes.
func (p *parser) word() string {
	p.space()
	begin := p.at
	for p.at < len(p.text) && !strings.ContainsRune(` ,()"`, rune(p.text[p.at])) {
		p.at++
	}
	return p.text[begin:p.at]
}

// quoted reads a name in quotes, in which a quote is doubled.
func (p *parser) quoted() (string, bool) {
	var name strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		if p.text[p.at] == '"' {
			if p.at++; p.at >= len(p.text) || p.text[p.at] != '"' {
				return name.String(), true
			}
		}
		name.WriteByte(p.text[p.at])
	}
	return "", false
}

func (p *parser) parse() (Type, bool) {
	if p.depth++; p.depth > maxDepth {
		return Type{}, false
	}
	defer func() { p.depth-- }()
	p.space()
	begin := p.at
	t := Type{Base: strings.ToLower(p.word())}
	ok := t.Base != ""
	switch {
	case t.Base == baseRow:
		ok = p.fields(&t)
	case t.Base == baseArray || t.Base == baseMap:
		ok = p.args(&t)
	case p.peek() == '(':
		ok = ok && p.numbers(&t)
	}
	p.suffix(&t)
	t.Text = strings.TrimSpace(p.text[begin:p.at])
	return t, ok && (t.Base != baseMap || len(t.Args) == 2) && (t.Base != baseArray || len(t.Args) == 1)
}

// suffix reads the words that follow a name.
func (p *parser) suffix(t *Type) {
	p.space()
	for _, s := range []struct{ base, words string }{
		{"timestamp", "with time zone"}, {"time", "with time zone"}, {"timestamp", "without time zone"}, {"time", "without time zone"},
		{"interval", "day to second"}, {"interval", "year to month"}, {"double", "precision"},
	} {
		if t.Base != s.base || len(p.rest()) < len(s.words) || !strings.EqualFold(p.rest()[:len(s.words)], s.words) {
			continue
		}
		p.at += len(s.words)
		switch s.words {
		case "without time zone", "precision":
		default:
			t.Base += " " + s.words
		}
		return
	}
}

// numbers reads (38, 10).
func (p *parser) numbers(t *Type) bool {
	p.take('(')
	for i := 0; ; i++ {
		word := p.word()
		n, err := strconv.Atoi(word)
		if err != nil {
			return false
		}
		switch i {
		case 0:
			t.Precision = n
		case 1:
			t.Scale = n
		}
		if !p.take(',') {
			return p.take(')')
		}
	}
}

func (p *parser) args(t *Type) bool {
	if !p.take('(') {
		return false
	}
	for {
		a, ok := p.parse()
		if !ok {
			return false
		}
		t.Args = append(t.Args, a)
		if !p.take(',') {
			return p.take(')')
		}
	}
}

// fields reads ("a" bigint, b varchar, double): a field need not have a name.
func (p *parser) fields(t *Type) bool {
	if !p.take('(') {
		return false
	}
	for {
		name, ok := p.fieldName()
		if !ok {
			return false
		}
		f, ok := p.parse()
		if !ok {
			return false
		}
		t.Names, t.Args = append(t.Names, name), append(t.Args, f)
		if !p.take(',') {
			return p.take(')')
		}
	}
}

// fieldName reads the name of a field, if the next word is one.
func (p *parser) fieldName() (string, bool) {
	if p.peek() == '"' {
		return p.quoted()
	}
	begin := p.at
	name := p.word()
	next := p.peek()
	following := strings.ToLower(p.rest())
	isType := next == '(' || next == ',' || next == ')' || strings.HasPrefix(following, "with time zone") ||
		strings.EqualFold(name, "interval") && (strings.HasPrefix(following, "day to") || strings.HasPrefix(following, "year to"))
	if isType {
		p.at = begin
		return "", true
	}
	return name, name != ""
}

// Field is the column of a result.
func (t Type) Field(name string) arrow.Field {
	keys, values := []string{value.MetaNative}, []string{t.Text}
	if own := t.own(); own != "" {
		keys, values = append(keys, value.MetaType), append(values, string(own))
	}
	return arrow.Field{Name: name, Type: t.Arrow(), Nullable: true, Metadata: arrow.NewMetadata(keys, values)}
}

// own is the type that Arrow's does not tell.
func (t Type) own() value.Type {
	switch t.Base {
	case "json", baseArray, baseMap, baseRow:
		return value.TypeObject
	case "decimal":
		if !t.fits() {
			return value.TypeNumber
		}
	}
	return ""
}

// fits reports whether a decimal has a form of its own in Arrow.
func (t Type) fits() bool {
	return t.Precision > 0 && t.Precision <= maxPrecision && t.Scale >= 0 && t.Scale <= t.Precision
}

// maxPrecision is how many digits a decimal has at most: https://trino.io/docs/current/language/types.html#decimal
const maxPrecision = 38

// scalars are the types that are more than text.
var scalars = map[string]arrow.DataType{
	"boolean": arrow.FixedWidthTypes.Boolean, "tinyint": arrow.PrimitiveTypes.Int8, "smallint": arrow.PrimitiveTypes.Int16,
	"integer": arrow.PrimitiveTypes.Int32, "int": arrow.PrimitiveTypes.Int32, "bigint": arrow.PrimitiveTypes.Int64,
	"real": arrow.PrimitiveTypes.Float32, "float": arrow.PrimitiveTypes.Float32, "double": arrow.PrimitiveTypes.Float64,
	"date": arrow.FixedWidthTypes.Date32, "varbinary": arrow.BinaryTypes.Binary,
	"timestamp":                &arrow.TimestampType{Unit: arrow.Microsecond},
	"timestamp with time zone": &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
}

// Arrow is the type of a column of such values.
func (t Type) Arrow() arrow.DataType {
	if known, ok := scalars[t.Base]; ok {
		return known
	}
	if t.Base == "decimal" && t.fits() {
		return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}
	}
	return arrow.BinaryTypes.String
}

// Value is the type as people see it.
func (t Type) Value() value.Type {
	s, err := value.SchemaOf(arrow.NewSchema([]arrow.Field{t.Field("")}, nil))
	if err != nil {
		return value.TypeString
	}
	return s[0].Type
}
