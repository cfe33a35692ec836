package template

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/millrace/millrace/internal/value"
)

// textFilters change text. Lengths and positions count code points.
var textFilters = map[string]filter{
	"downcase": ofText(lower), "upcase": ofText(upper), "capitalize": ofText(capitalize),
	"camelcase": ofText(camelcase), "camelize": ofText(camelize), "strip_newlines": ofText(stripNewlines),
	"squish":               ofText(func(s string) string { return strings.TrimSpace(blanks.ReplaceAllString(s, " ")) }),
	"normalize_whitespace": ofText(func(s string) string { return blanks.ReplaceAllString(s, " ") }),
	"strip":                trimmer(strings.TrimFunc, strings.Trim), "lstrip": trimmer(strings.TrimLeftFunc, strings.TrimLeft),
	"rstrip": trimmer(strings.TrimRightFunc, strings.TrimRight),
	"append": joined(func(a, b string) string { return a + b }), "prepend": joined(func(a, b string) string { return b + a }),
	"remove":       replacer(func(s, old, _ string) string { return strings.ReplaceAll(s, old, "") }),
	"remove_first": replacer(func(s, old, _ string) string { return strings.Replace(s, old, "", 1) }),
	"remove_last":  replacer(func(s, old, _ string) string { return replaceLast(s, old, "") }),
	"replace":      replacer(replaceAll), "replace_last": replacer(replaceLast),
	"replace_first": replacer(func(s, old, with string) string { return strings.Replace(s, old, with, 1) }),
	"split":         split, "truncate": truncate, "truncatewords": truncateWords, "number_of_words": numberOfWords,
	"pluralize": pluralize, "array_to_sentence_string": sentence,
}

var blanks = regexp.MustCompile(`[\s\x{a0}\x{feff}\p{Z}]+`)

// capitalize makes the first letter great and all others small.
func capitalize(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return upper(string(r)) + lower(s[size:])
}

// upper and lower know letters that become several, such as ß.
func upper(s string) string { return cased(s, strings.ToUpper, cases.Upper) }

func lower(s string) string { return cased(s, strings.ToLower, cases.Lower) }

func cased(s string, ascii func(string) string, all func(language.Tag, ...cases.Option) cases.Caser) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			caser := all(language.Und)
			return caser.String(s)
		}
	}
	return ascii(s)
}

// wordsIn splits a text into words: at blanks and punctuation, and where a small letter is followed by a great one.
func wordsIn(s string) []string {
	var all []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			all = append(all, string(word))
			word = nil
		}
	}
	var last rune
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
		case unicode.IsUpper(r) && unicode.IsLower(last):
			flush()
			word = append(word, r)
		default:
			word = append(word, r)
		}
		last = r
	}
	flush()
	return all
}

func camelize(s string) string {
	var b strings.Builder
	for _, w := range wordsIn(s) {
		b.WriteString(capitalize(w))
	}
	return b.String()
}

func camelcase(s string) string {
	var b strings.Builder
	for i, w := range wordsIn(s) {
		if i == 0 {
			b.WriteString(strings.ToLower(w))
		} else {
			b.WriteString(capitalize(w))
		}
	}
	return b.String()
}

func stripNewlines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", ""), "\n", "")
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || unicode.Is(unicode.Z, r) }

// trimmer trims blanks, or the characters of an argument.
func trimmer(blank func(string, func(rune) bool) string, chars func(string, string) string) filter {
	return func(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
		if set := textArg(args, 0, ""); set != "" {
			return value.OfText(chars(textOf(in), set)), nil
		}
		return value.OfText(blank(textOf(in), isBlank)), nil
	}
}

func joined(do func(a, b string) string) filter {
	return func(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
		a, b := textOf(in), textArg(args, 0, "")
		return value.OfText(do(a, b)), s.fits(len(a) + len(b))
	}
}

func replacer(do func(s, old, with string) string) filter {
	return func(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
		text, old, with := textOf(in), textArg(args, 0, ""), textArg(args, 1, "")
		if err := s.fits(len(text) + (strings.Count(text, old)+1)*max(len(with)-len(old), 0)); err != nil {
			return value.Value{}, err
		}
		return value.OfText(do(text, old, with)), nil
	}
}

// replaceAll replaces nothing at all between any two characters, as liquidjs does.
func replaceAll(s, old, with string) string {
	if old == "" {
		return strings.Join(strings.Split(s, ""), with)
	}
	return strings.ReplaceAll(s, old, with)
}

func replaceLast(s, old, with string) string {
	i := strings.LastIndex(s, old)
	if i < 0 {
		return s
	}
	return s[:i] + with + s[i+len(old):]
}

// split divides a text; empty items at the end are dropped, as in Ruby.
func split(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	text := textOf(in)
	if text == "" {
		return value.OfList(nil), nil
	}
	parts := strings.Split(text, textArg(args, 0, ""))
	if err := s.step(len(parts)); err != nil {
		return value.Value{}, err
	}
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	list := make([]value.Value, len(parts))
	for i, p := range parts {
		list[i] = value.OfText(p)
	}
	return value.OfList(list), nil
}

func truncate(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	length, ellipsis := intArg(args, 0, 50), []rune(textArg(args, 1, "..."))
	runes := []rune(textOf(in))
	if int64(len(runes)) <= length {
		return in, nil
	}
	keep := max(min(length, int64(len(runes)))-int64(len(ellipsis)), 0)
	return value.OfText(string(runes[:keep]) + string(ellipsis)), nil
}

func truncateWords(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	n, ellipsis := max(intArg(args, 0, 15), 1), textArg(args, 1, "...")
	all := blanks.Split(strings.TrimLeftFunc(textOf(in), isBlank), -1)
	text := strings.Join(all[:min(n, int64(len(all)))], " ")
	if int64(len(all)) >= n {
		text += ellipsis
	}
	return value.OfText(text), nil
}

func isCJK(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff || r >= 0xf900 && r <= 0xfaff || r >= 0x3400 && r <= 0x4dbf ||
		r >= 0x3040 && r <= 0x30ff || r >= 0xac00 && r <= 0xd7af
}

// numberOfWords counts words; with cjk, or auto where there are any, each character of such a script is one.
func numberOfWords(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	text := textOf(in)
	words := int64(len(strings.FieldsFunc(text, isBlank)))
	mode := textArg(args, 0, "")
	if mode != "cjk" && (mode != "auto" || strings.IndexFunc(text, isCJK) < 0) {
		return value.OfInt(words), nil
	}
	count := int64(len(strings.FieldsFunc(text, func(r rune) bool { return isBlank(r) || isCJK(r) })))
	for _, r := range text {
		if isCJK(r) {
			count++
		}
	}
	return value.OfInt(count), nil
}

// pluralize chooses one of two words by a number.
func pluralize(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	if number(in).Float() == 1 {
		return value.OfText(textArg(args, 0, "")), nil
	}
	return value.OfText(textArg(args, 1, "")), nil
}

func sentence(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	list, and := listOf(in), textArg(args, 0, "and")
	if len(list) == 1 {
		return list[0], nil
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = textOf(v)
	}
	switch n := len(texts); n {
	case 0:
		return value.OfText(""), nil
	case 2:
		return value.OfText(texts[0] + " " + and + " " + texts[1]), nil
	default:
		return value.OfText(strings.Join(texts[:n-1], ", ") + ", " + and + " " + texts[n-1]), nil
	}
}
