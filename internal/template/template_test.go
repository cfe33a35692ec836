package template

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// TestTypes: a template that is one expression keeps the expression's type.
//
// Req: SY-29, SY-30
func TestTypes(t *testing.T) {
	t.Parallel()
	s := testScope(t)
	for source, want := range map[string]string{
		"{{ row.id }}":                                          `42`,
		" {{ row.id }}\n":                                       `42`,
		"{{ row.id }}{{ row.id }}":                              `"4242"`,
		"n: {{ row.id }}":                                       `"n: 42"`,
		"{{ null }}":                                            `null`,
		"{{ '[]' | parse }}":                                    `[]`,
		"{{ row.json | parse }}":                                `{"a":[1,2],"b":null}`,
		"{{ row.text_number | cast: 'number' }}":                `10`,
		"{{ row.id | cast: 'string' }}":                         `"42"`,
		"{{ row.zero | cast: 'boolean' }}":                      `false`,
		"{{ 'Yes' | cast: 'boolean' }}":                         `true`,
		"{{ row.nothing | cast: 'number' }}":                    `null`,
		"{{ row.city | cast: 'string' }}":                       `"{\"name\":\"Zürich\",\"zip\":8001,\"geo\":{\"lat\":47.4}}"`,
		"{{ row.city }}":                                        `{"name":"Zürich","zip":8001,"geo":{"lat":47.4}}`,
		"{{ row.tags | push: 1 }}":                              `["b","a","c","a",1]`,
		"{{ '' | json_construct: 'a', row.id, 'b', 'x' }}":      `{"a":42,"b":"x"}`,
		"{{ row.empty | null_if_empty }}":                       `null`,
		"{{ row.date | to_date }}":                              `"2024-03-05T14:07:09.123Z"`,
		"{{ row.date | to_unix }}":                              `1709647629`,
		"{{ row.name | regex_replace: '[a-z]+ (.)', '$1-' }}":   `"L-OVELACE"`,
		"{{ row.name | includes: 'LOVE' }}":                     `"ada LOVELACE"`,
		"{{ row.name | regex_test: '^ada' | upcase }}":          `"ADA LOVELACE"`,
		"{{ row.email | strip | validate_email }}":              `"Ada@Example.COM"`,
		"{{ row.name | camelcase }}":                            `"adaLovelace"`,
		"{{ row.id | concat: s }}":                              `"42hello"`,
		"{{ row.nothing | sha256 }}":                            `null`,
		"{{ s | md5 }}":                                         `"5d41402abc4b2a76b9719d911017c592"`,
		"{{ s | b64_encode | b64_decode }}":                     `"hello"`,
		"{% if row.id == 42 %}{{ true }}{% else %}x{% endif %}": `true`,
		"{%- if row.missing != nil -%} {{ row.missing }} {%- else -%} {{ null }} {%- endif -%}": `null`,
		"{%- assign v = false -%} {{ v }}":                          `false`,
		"{% for i in row.numbers %}{{ i }}{% endfor %}":             `"312"`,
		"{% capture c %}{{ row.id }}{% endcapture %}{{ row.zero }}": `0`,
	} {
		tpl, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		v, err := tpl.Eval(s)
		if got := string(v.AppendJSON(nil)); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", source, got, err, want)
		}
	}
}

// TestRejects: filters that refuse the row say so without its values.
//
// Req: SY-30
func TestRejects(t *testing.T) {
	t.Parallel()
	s := testScope(t)
	for _, source := range []string{
		"{{ row.name | includes: 'Stark' }}", "{{ row.name | regex_test: '^x' }}", "{{ row.name | validate_email }}",
		"{{ row.name | cast: 'number' }}", "{{ row.name | parse }}", "{{ row.name | to_date }}", "{{ 1 | divided_by: 0 }}",
	} {
		tpl, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tpl.Eval(s)
		if !fault.Is(err, fault.CodeMappingReject) {
			t.Errorf("%s: %v", source, err)
		} else if strings.Contains(err.Error(), "LOVELACE") {
			t.Errorf("%s: the error holds the row's value: %v", source, err)
		}
	}
}

// TestExact: whole numbers and decimals of the warehouse do not pass through floats.
func TestExact(t *testing.T) {
	t.Parallel()
	s := NewScope(DefaultLimits)
	s.Set("big", value.OfInt(9007199254740993))
	s.Set("money", value.OfDecimal("12345678901234567890.10"))
	for source, want := range map[string]string{
		"{{ big | plus: 1 }}":        "9007199254740994",
		"{{ big | times: 2 }}":       "18014398509481986",
		"{{ money | plus: 0.05 }}":   "12345678901234567890.15",
		"{{ money | times: 2 }}":     "24691357802469135780.2",
		"{{ money | round: 1 }}":     "12345678901234567890.1",
		"{{ money | minus: money }}": "0",
	} {
		if got, err := renderText(s, source); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", source, got, err, want)
		}
	}
}

// TestPlaces: an error of an evaluation names the place that failed.
//
// Req: SY-32
func TestPlaces(t *testing.T) {
	t.Parallel()
	s := testScope(t)
	for source, want := range map[string]string{
		"é {{ x | cast: 'date' }}":                                   "line 1, column 10: cast knows",
		"a\n{% for i in (1..9999999) %}{% endfor %}":                 "line 2, column 3: the template takes more than",
		"{% if x %}\n  {{ s\n  | regex_replace: '(' }}\n{% endif %}": "line 3, column 5: the pattern cannot be used",
		"{{ row.tags | where_exp: 'a', 'b |' }}":                     "line 1, column 15: the expression of the filter: ",
		"{% assign a = x | cast: 'x' %}":                             "line 1, column 19: cast knows",
		"{{ x | upcas }}":                                            "line 1, column 8: there is no filter",
	} {
		_, err := renderText(s, source)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", source, err, want)
		}
	}
}

// TestErrors: an error names the place and, where there is one, the name that was meant.
func TestErrors(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"a\n{{ x | upcas }}":         `line 2, column 8: there is no filter "upcas"; did you mean "upcase"?`,
		"{% fro x in y %}":           `there is no tag "fro"`,
		"{% if x %}":                 "{% if %} is not closed with {% endif %}",
		"{{ x":                       "{{ is not closed with }}",
		"{{ x == }}":                 "a value is expected, not the end",
		"{% render 'a' %}":           "loads another template",
		"{{ x | regex_test: '(' }}":  "",
		"{% for a in b by: 1 %}":     "limit, offset, cols or reversed is expected",
		"{{ money | money }}":        `there is no filter "money"`,
		"{% liquid\nif x\necho 1 %}": "is not closed",
	} {
		_, err := Parse(source)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", source, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", source, err, want)
		}
	}
}

// TestLimits: no template runs, grows or nests without end.
func TestLimits(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("{% if true %}", 5000)
	if _, err := Parse(deep); err == nil {
		t.Error("tags nest without end")
	}
	s := testScope(t)
	for _, source := range []string{
		"{% for i in (1..100000000) %}a{% endfor %}", "{{ (1..100000000) | join }}",
		"{% for i in (1..9999) %}{% for j in (1..9999) %}{% endfor %}{% endfor %}",
		"{% assign a = 'x' %}{% for i in (1..64) %}{% assign a = a | append: a %}{% endfor %}",
		"{% assign a = 'x,x' %}{% for i in (1..64) %}{% assign a = a | replace: 'x', a %}{% endfor %}",
		"{% assign a = '1' | split: ',' %}{% for i in (1..64) %}{% assign a = a | concat: a %}{% endfor %}",
		"{% for i in (1..100000) %}{{ row.long }}{{ row.long }}{% endfor %}",
		"{{ row.list | map: 'x' | where_exp: 'a', 'b' }}{% for i in (1..9999999) %}{% endfor %}",
	} {
		_, err := renderText(s, source)
		if !fault.Is(err, fault.CodeTemplateLimit) {
			t.Errorf("%s: %v", source, err)
		}
	}
}

// TestColumns: a template tells which columns it needs.
func TestColumns(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"{{ row.a }}{{ row['b c'] }}{{ d }}":                         "a,b c,d",
		"{% if row.a > row.b %}{{ 'x' | append: row.c }}{% endif %}": "a,b,c",
		"{{ row[name] }}":          "name!",
		"{% liquid\necho row.z %}": "z",
	} {
		tpl, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		names, dynamic := tpl.Columns()
		got := strings.Join(names, ",")
		if dynamic {
			got += "!"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", source, got, want)
		}
	}
}

// FuzzTemplate: nothing that anybody writes panics, goes on for long or grows without bound; an error has a code and,
// unless it refuses the row, a place.
//
// Req: SY-28
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		"{{ a | b: 1, c: 2 }}", "{%- liquid\nassign x = 1\n-%}", "{{ 'a' | slice: -1, 5 | split: '' | sort | uniq | json: 2 }}",
		"{% comment %}{% raw %}{% endraw %}{% endcomment %}", "{{ 1.5 | round: -400 }}", "{{ '1e999999999' | plus: 1 | round: 3 }}",
		"{% capture x %}{% break %}{% endcapture %}", "{% for i in (1..100000000) %}{% endfor %}", "{{ (1..100000000) | join }}",
		"{% assign a = 'x' %}{% for i in (1..64) %}{% assign a = a | append: a %}{% endfor %}",
		"{% for i in (1..64) %}{% assign a = a | concat: a | json %}{% endfor %}{{ a | where_exp: 'x', 'x | where_exp: y' }}",
	} {
		f.Add(seed)
	}
	for _, c := range corpus(f) {
		f.Add(c.Template)
	}
	limits := Limits{Steps: 20_000, Output: 1 << 16, Time: time.Second}
	f.Fuzz(func(t *testing.T, source string) {
		tpl, err := Parse(source)
		if err != nil {
			hasPlace(t, source, err)
			return
		}
		s := NewScope(limits)
		s.Set("a", value.OfList([]value.Value{value.OfInt(1), value.OfText("x"), {}}))
		s.Set("x", value.OfMap([]value.Field{{Name: "b", Value: value.OfDecimal("1.50")}}))
		s.SetColumns(columns{"c": value.OfText("é👍 1"), "d": value.OfTime(time.Unix(0, 0)), "e": value.OfBytes([]byte{0, 255})})
		text, err := tpl.Render(s, nil)
		hasPlace(t, source, err)
		v, err := tpl.Eval(s)
		hasPlace(t, source, err)
		if len(text) > limits.Output || len(v.Raw()) > limits.Output {
			t.Errorf("%q makes %d and %d bytes", source, len(text), len(v.Raw()))
		}
	})
}

// hasPlace checks an error of a template.
func hasPlace(t *testing.T, source string, err error) {
	t.Helper()
	if err == nil || fault.Is(err, fault.CodeMappingReject) {
		return
	}
	at, ok := errors.AsType[*At](err)
	if !ok || at.Line < 1 || at.Column < 1 || !fault.Is(err, fault.CodeTemplate) && !fault.Is(err, fault.CodeTemplateLimit) {
		t.Errorf("%q: %v has no code or no place", source, err)
	}
}

func BenchmarkRender(b *testing.B) {
	s := testScope(b)
	tpl, err := Parse("{{ row['first name'] | upcase }} <{{ row.email | strip | downcase }}> {% if row.price > 100 %}vip{% endif %}")
	if err != nil {
		b.Fatal(err)
	}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		if out, err = tpl.Render(s, out[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

// A value that nothing asks for is not made; one that is asked for is made once, and another of its name replaces it.
func TestLazily(t *testing.T) {
	t.Parallel()
	made := 0
	s := NewScope(DefaultLimits)
	again := func() {
		s.SetLazily("body", func() value.Value { made++; return value.OfInt(int64(made)) })
	}
	again()
	for _, c := range []struct {
		text, want string
		made       int
	}{{"{{ other }}", "", 0}, {"{{ body }}{{ body }}", "11", 1}, {"{{ body }}", "1", 1}} {
		tmpl, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tmpl.Render(s, nil); err != nil || string(got) != c.want || made != c.made {
			t.Errorf("%s: %q, %v, made %d times; want %q and %d", c.text, got, err, made, c.want, c.made)
		}
	}
	body, err := Parse("{{ body }}")
	if err != nil {
		t.Fatal(err)
	}
	again()
	s.Set("body", value.OfText("set"))
	if got, err := body.Render(s, nil); err != nil || string(got) != "set" {
		t.Errorf("got %q, %v; want what was set", got, err)
	}
	again()
	if got, err := body.Render(s, nil); err != nil || string(got) != "2" {
		t.Errorf("got %q, %v; want another one", got, err)
	}
}
