package template

import (
	"encoding/json"
	"testing"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// columns is a row of a test.
type columns map[string]value.Value

func (c columns) Get(name string) (value.Value, bool) { v, ok := c[name]; return v, ok }

func formatScope() *Scope {
	row := columns{
		"name": value.OfText(`Ada "the" \ first` + "\n"), "n": value.OfInt(7), "none": {}, "empty": value.OfText(""),
		"list": value.OfList([]value.Value{value.OfInt(1), value.OfText(`"`)}), "csv": value.OfText("a, b"),
		"day": value.OfDay(19000), "path": value.OfText("a b/../c?x=1&y"), "dots": value.OfText(".."),
		"markup": value.OfText(`<b>&"]]>`), "json": value.OfText(`{"a":1}`),
	}
	s := NewScope(DefaultLimits)
	s.SetRow("row", row)
	s.SetColumns(row)
	return s
}

// TestFormats: a printed value stays one value, whatever it holds.
//
// Req: SY-28, SY-31, FLD-32
func TestFormats(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		format       Format
		source, want string
	}{
		{JSON, `{"a": "{{ row.name }}"}`, `{"a": "Ada \"the\" \\ first\n"}`},
		{JSON, `{"a": "{{ row.name | upcase }}"}`, `{"a": "ADA \"THE\" \\ FIRST\n"}`},
		{JSON, `{"\"{{ name }}": {{ row.n }}}`, `{"\"Ada \"the\" \\ first\n": 7}`},
		{JSON, `[{{ row.none }}, {{ row.list }}, {{ row.day }}, "{{ row.none }}", {{ row.json }}]`, `[null, [1,"\""], "2022-01-08", "", {"a":1}]`},
		{JSON, `["{{ row.csv | replace: ', ', '", "' }}"]`, `["a", "b"]`},
		{JSON, `["{{ row.csv | replace: ', ', '", "' }}", "{{ row.name }}"]`, `["a", "b", "Ada \"the\" \\ first\n"]`},
		{JSON, `["{{ row.list | join: '' | replace: '"', '\\"' }}", {{ row.none }}]`, `["1\"", null]`},
		{JSON, `[{{ row.name | json }}]`, `["Ada \"the\" \\ first\n"]`},
		{JSON, `{% capture c %}{{ row.name }}{{ row.none }}{% endcapture %}["{{ c }}"]`, `["Ada \"the\" \\ first\n"]`},
		{JSON, `{% capture c %}"{{ row.name }}"{% endcapture %}[{{ c }}]`, `["Ada \"the\" \\ first\n"]`},
		{JSON, `["{% if row.n == 7 %}{{ row.list }}{% endif %}", {{ row.none }}]`, `["1\"", null]`},
		{XML, `<a b="{{ row.markup }}">{{ row.markup }}</a>`, `<a b="&lt;b&gt;&amp;&#34;]]&gt;">&lt;b&gt;&amp;&#34;]]&gt;</a>`},
		{XML, `<a><![CDATA[{{ row.markup }}]]>{{ row.markup }}</a>`, `<a><![CDATA[<b>&"]]]]><![CDATA[>]]>&lt;b&gt;&amp;&#34;]]&gt;</a>`},
		{XML, `<a>{{ row.markup | escape }}{{ row.markup | raw }}</a>`, `<a>&lt;b&gt;&amp;&#34;]]&gt;<b>&"]]></a>`},
		{URL, `/x/{{ row.path }}/{{ row.n }}?q={{ row.path }}&e={{ row.empty }}`, `/x/a%20b%2F..%2Fc%3Fx=1&y/7?q=a+b%2F..%2Fc%3Fx%3D1%26y&e=`},
		{URL, `/x/{{ row.path | url_encode }}/{{ row.path | raw }}`, `/x/a+b%2F..%2Fc%3Fx%3D1%26y/a b/../c?x=1&y`},
		{Plain, `{{ row.markup }}"{{ row.name }}`, `<b>&"]]>"Ada "the" \ first` + "\n"},
	} {
		tpl, err := ParseAs(c.format, c.source)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tpl.Render(formatScope(), []byte(">"))
		if err != nil || string(got) != ">"+c.want {
			t.Errorf("%s:\n got %s, %v\nwant >%s", c.source, got, err, c.want)
		}
	}
}

// TestEmptySegments: an address never loses a part of its path, which would name another resource.
func TestEmptySegments(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"/contacts/{{ row.none }}", "/contacts/{{ row.empty }}", "/contacts/{{ row.missing }}", "/contacts/{{ row.dots }}"} {
		tpl, err := ParseAs(URL, source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tpl.Render(formatScope(), nil); !fault.Is(err, fault.CodeMappingReject) {
			t.Errorf("%s: got %s, %v", source, got, err)
		}
	}
}

// TestText tells templates that are only text.
func TestText(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{"": true, "/a/b": true, "{% raw %}{{ x }}{% endraw %}": true, "/a/{{ x }}": false, "{% assign x = 1 %}": false} {
		tpl, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := tpl.Text(); got != want {
			t.Errorf("%q: only text is %v", source, got)
		}
	}
}

// FuzzFormatJSON: a column's text cannot break or extend a JSON document.
func FuzzFormatJSON(f *testing.F) {
	f.Add(`x","admin":"true`)
	f.Add("\\")
	f.Add("\x00\xff")
	tpl, err := ParseAs(JSON, `{"a": "{{ row.v }}", "b": "{{ row.v | strip }}{{ row.v }}"}`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := NewScope(DefaultLimits)
		s.SetRow("row", columns{"v": value.OfText(text)})
		got, err := tpl.Render(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]string
		if err := json.Unmarshal(got, &m); err != nil || len(m) != 2 {
			t.Errorf("%q gives %s: %v", text, got, err)
		}
	})
}
