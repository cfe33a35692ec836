package template

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// rowFilters are those that mapping a row asks for: they change types, make objects and refuse rows.
var rowFilters = map[string]filter{
	"default": defaultTo, "cast": cast, "parse": parse, "json_construct": construct, "null_if_empty": nullIfEmpty,
	"includes": includes, "regex_test": regexTest, "regex_replace": regexReplace, "validate_email": validateEmail,
	"to_date": toDate, "to_unix": toUnix,
}

// defaultTo replaces null, false and empty.
func defaultTo(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	if in.Kind() == value.Bool && !in.Bool() && truthy(option(args, "allow_false")) {
		return in, nil
	}
	if !truthy(in) || in.Kind() != value.Map && isEmpty(in, "empty") {
		return arg(args, 0), nil
	}
	return in, nil
}

// cast changes the type to string, number or boolean. Null stays null; what cannot be cast refuses the row.
func cast(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	to := textArg(args, 0, "")
	if in.IsNull() {
		return in, nil
	}
	switch to {
	case "string":
		if k := in.Parsed().Kind(); k == value.List || k == value.Map {
			return value.OfText(string(in.AppendJSON(nil))), nil
		}
		return value.OfText(textOf(in)), nil
	case "number":
		if _, ok := numeric(in); !ok && in.Kind() != value.Bool && !isMoment(in) {
			return reject("cast: the value is not a number")
		}
		return exactNumber(in), nil
	case "boolean":
		return castBool(in)
	default:
		return value.Value{}, fault.New(fault.CodeTemplate, "cast knows 'string', 'number' and 'boolean', not %q", to)
	}
}

// maxSignificant is how many digits of a number a float holds for certain (IEEE 754).
const maxSignificant = 15

// exactNumber reads a number with all its digits.
func exactNumber(in value.Value) value.Value {
	n := number(in)
	text := strings.TrimSpace(in.Raw())
	if in.Kind() != value.Text || n.Kind() != value.Float || strings.ContainsAny(text, "eE") || len(text) <= maxSignificant {
		return n
	}
	if r, ok := rational(value.OfDecimal(text)); ok {
		return decimal(r)
	}
	return n
}

func castBool(in value.Value) (value.Value, error) {
	if in.Kind() == value.Bool {
		return in, nil
	}
	if f, ok := numeric(in); ok {
		return value.OfBool(f != 0), nil
	}
	switch strings.ToLower(strings.TrimSpace(textOf(in))) {
	case "true", "t", "yes", "y", "on":
		return value.OfBool(true), nil
	case "false", "f", "no", "n", "off", "":
		return value.OfBool(false), nil
	default:
		return reject("cast: the value is neither true nor false")
	}
}

func parse(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
	if in.Kind() != value.Text {
		return in.Parsed(), nil
	}
	v, err := value.ParseJSON(in.Raw())
	if err != nil {
		return reject("parse: the value is not JSON")
	}
	return v, nil
}

// construct makes an object of keys and values in turn. Of equal keys the last one counts.
func construct(_ *Scope, _ value.Value, args []value.Value) (value.Value, error) {
	fields := make([]value.Field, 0, len(args)/2+1)
	for i := 0; i < len(args); i += 2 {
		field := value.Field{Name: textOf(args[i]), Value: arg(args, i+1)}
		if at := slices.IndexFunc(fields, func(f value.Field) bool { return f.Name == field.Name }); at >= 0 {
			fields[at] = field
		} else {
			fields = append(fields, field)
		}
	}
	return value.OfMap(fields), nil
}

func nullIfEmpty(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
	if in.Kind() == value.Text && in.Raw() == "" {
		return value.Value{}, nil
	}
	return in, nil
}

// includes passes a value that contains a text, and refuses the row of any other.
func includes(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	if !contains(in, arg(args, 0)) && !strings.Contains(textOf(in), textArg(args, 0, "")) {
		return reject("includes: the value does not include %q", textArg(args, 0, ""))
	}
	return in, nil
}

// pattern compiles a regular expression (RE2) and remembers it.
func (s *Scope) pattern(text string) (*regexp.Regexp, error) {
	if re, ok := s.patterns[text]; ok {
		return re, nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fault.New(fault.CodeTemplate, "the pattern cannot be used: %s (look-around and back-references are not offered)", err)
	}
	if s.patterns == nil || len(s.patterns) >= maxExprs {
		s.patterns = map[string]*regexp.Regexp{}
	}
	s.patterns[text] = re
	return re, nil
}

func regexTest(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	re, err := s.pattern(textArg(args, 0, ""))
	if err != nil {
		return value.Value{}, err
	}
	if !re.MatchString(textOf(in)) {
		return reject("regex_test: the value does not match %q", re)
	}
	return in, nil
}

var groupNumber = regexp.MustCompile(`\$(\d{1,2})`)

func regexReplace(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	re, err := s.pattern(textArg(args, 0, ""))
	if err != nil {
		return value.Value{}, err
	}
	with := groupNumber.ReplaceAllString(strings.ReplaceAll(textArg(args, 1, ""), "$&", "${0}"), "$${$1}")
	text := textOf(in)
	if err := s.fits((len(text) + 1) * (len(with) + 1) / 2); err != nil {
		return value.Value{}, err
	}
	result := re.ReplaceAllString(text, with)
	return value.OfText(result), s.fits(len(result))
}

// validateEmail refuses the row of what is no address of RFC 5322, which replaced RFC 2822, without a name.
func validateEmail(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
	text := textOf(in)
	bare := text
	if at := strings.LastIndexByte(text, '@'); at > 1 && text[0] == '"' && text[at-1] == '"' {
		bare = text[at:] // a quoted local part may hold anything
	}
	address, err := mail.ParseAddress(text)
	if err != nil || address.Name != "" || strings.ContainsAny(bare, "<>() \t\r\n") {
		return reject("validate_email: the value is not an e-mail address")
	}
	return in, nil
}

func toDate(s *Scope, in value.Value, _ []value.Value) (value.Value, error) {
	if in.IsNull() {
		return in, nil
	}
	at, ok := moment(s, in)
	if !ok {
		return reject("to_date: the value is not a date")
	}
	return value.OfTime(at), nil
}

func toUnix(s *Scope, in value.Value, _ []value.Value) (value.Value, error) {
	if in.IsNull() {
		return in, nil
	}
	at, ok := moment(s, in)
	if !ok {
		return reject("to_unix: the value is not a date")
	}
	return value.OfInt(at.Unix()), nil
}
