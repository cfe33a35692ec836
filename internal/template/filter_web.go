package template

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// webFilters write HTML, URLs and JSON.
var webFilters = map[string]filter{
	"escape": ofText(escapeHTML.Replace), "xml_escape": ofText(escapeHTML.Replace), "unescape": ofText(unescapeHTML.Replace),
	"escape_once":   ofText(func(s string) string { return escapeHTML.Replace(unescapeHTML.Replace(s)) }),
	"newline_to_br": ofText(func(s string) string { return newlines.ReplaceAllString(s, "<br />\n") }),
	"strip_html":    ofText(stripHTML),
	"url_encode":    ofText(func(s string) string { return strings.ReplaceAll(component(s, "!'()*"), "%20", "+") }),
	"cgi_escape":    ofText(func(s string) string { return strings.ReplaceAll(component(s, ""), "%20", "+") }),
	"url_escape":    ofText(uriEscape), "uri_escape": ofText(uriEscape),
	"url_param_escape": ofText(func(s string) string { return component(s, "") }),
	"url_decode":       urlDecode, "slugify": slugify, "handleize": ofText(handle), "handle": ofText(handle),
	"json": toJSON, "jsonify": toJSON, "inspect": toJSON,
	"raw": func(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) { return in, nil },
}

var (
	escapeHTML   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")
	unescapeHTML = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'")
	newlines     = regexp.MustCompile(`\r?\n`)
)

// stripHTML removes tags, comments, and scripts and styles with what they hold.
func stripHTML(s string) string {
	var b strings.Builder
	for s != "" {
		start := strings.IndexByte(s, '<')
		if start < 0 {
			break
		}
		b.WriteString(s[:start])
		end := htmlEnd(s[start:])
		if end < 0 {
			return b.String() + s[start:]
		}
		s = s[start+end:]
	}
	return b.String() + s
}

// htmlEnd returns the length of what begins with <, or -1 where it does not end.
func htmlEnd(s string) int {
	for _, block := range [][2]string{{"<script", "</script>"}, {"<style", "</style>"}, {"<!--", "-->"}, {"<", ">"}} {
		if strings.HasPrefix(s, block[0]) {
			if i := strings.Index(s[len(block[0]):], block[1]); i >= 0 {
				return len(block[0]) + i + len(block[1])
			}
		}
	}
	return -1
}

// component escapes a text for use within a URL, but for letters, digits, "-_.~" and the characters of keep.
func component(s, keep string) string { return percent(s, "-_.~"+keep) }

// uriEscape escapes what cannot stand in a URL at all.
func uriEscape(s string) string { return percent(s, "-_.!~*'();/?:@&=+$,#[]") }

func percent(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c < 0x80 && strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func urlDecode(_ *Scope, in value.Value, _ []value.Value) (value.Value, error) {
	text, err := url.QueryUnescape(textOf(in))
	if err != nil {
		return reject("url_decode: the value is not URL-encoded")
	}
	return value.OfText(text), nil
}

var (
	notWord   = regexp.MustCompile(`[^\p{M}\p{L}\p{Nd}]+`)
	notPretty = regexp.MustCompile(`[^\p{M}\p{L}\p{Nd}._~!$&'()+,;=@]+`)
	notASCII  = regexp.MustCompile(`[^A-Za-z0-9]+`)
	slugModes = map[string]*regexp.Regexp{"raw": regexp.MustCompile(`\s+`), "default": notWord, "pretty": notPretty, "ascii": notASCII, "latin": notWord}
	latin     = latinReplacer()
)

// latinReplacer writes letters with accents as plain ones.
func latinReplacer() *strings.Replacer {
	var pairs []string
	for plain, marked := range map[string]string{"a": "àáâãäå", "ae": "æ", "c": "ç", "e": "èéêë", "i": "ìíîï", "d": "ð", "n": "ñ",
		"o": "òóôõöø", "u": "ùúûü", "y": "ýÿ", "ss": "ß", "oe": "œ", "th": "þ", "SS": "ẞ", "OE": "Œ", "TH": "Þ"} {
		for _, r := range marked {
			pairs = append(pairs, string(r), plain)
		}
	}
	return strings.NewReplacer(pairs...)
}

func slugify(_ *Scope, in value.Value, args []value.Value) (value.Value, error) {
	text, mode := textOf(in), textArg(args, 0, "default")
	if mode == "latin" {
		text = latin.Replace(text)
	}
	if not := slugModes[mode]; not != nil {
		text = not.ReplaceAllString(text, "-")
		text = strings.TrimSuffix(strings.TrimPrefix(text, "-"), "-")
	}
	if !truthy(arg(args, 1)) {
		text = strings.ToLower(text)
	}
	return value.OfText(text), nil
}

func handle(s string) string {
	return strings.ToLower(strings.Trim(notASCII.ReplaceAllString(s, "-"), "-"))
}

// toJSON writes a value as JSON, indented by an argument: a number of blanks.
func toJSON(s *Scope, in value.Value, args []value.Value) (value.Value, error) {
	text := in.AppendJSON(nil)
	if err := s.fits(len(text)); err != nil {
		return value.Value{}, err
	}
	indent := min(max(intArg(args, 0, 0), 0), 10)
	if indent == 0 {
		return value.OfText(string(text)), nil
	}
	return value.OfText(indented(text, strings.Repeat(" ", int(indent)))), nil
}
