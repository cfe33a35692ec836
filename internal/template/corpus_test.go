package template

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/millrace/millrace/internal/value"
)

// different are the templates of the corpus whose result differs from liquidjs on purpose, with our result. The reasons
// are in docs/reference/templates.md.
var different = map[string]string{
	"{{ row.html | escape | unescape }}": `<p class="a">Tom & "Jerry" 's</p>`,
	"{{ row.city contains 'zip' }}":      "true",
	"{{ row.name | camelcasex }}":        "error",
	"{{ s | append }}":                   "hello",
	"{{ 'it''s' }}":                      "error",
	"{{ x | plus: }}":                    "error",
	"{% comment %}{% comment %}a{% endcomment %}b{% endcomment %}c": "c",
	"{% for p in row.city %}{{ p[0] }}={{ p[1] }};{% endfor %}":     `name=Zürich;zip=8001;geo={"lat":47.4};`,
}

// testScope holds the values of testdata/data.json.
func testScope(t testing.TB) *Scope {
	t.Helper()
	text, err := os.ReadFile("testdata/data.json")
	if err != nil {
		t.Fatal(err)
	}
	data, err := value.ParseJSON(string(text))
	if err != nil {
		t.Fatal(err)
	}
	s := NewScope(DefaultLimits)
	for _, f := range data.Fields() {
		s.Set(f.Name, f.Value)
	}
	return s
}

// TestCorpus compares with what liquidjs makes of the same templates: testdata/corpus.mjs writes the file.
//
// Req: SY-28, SY-31
func TestCorpus(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/corpus.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Template string
		Text     string
		Fails    bool
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	s := testScope(t)
	for _, c := range cases {
		want := c.Text
		if ours, ok := different[c.Template]; ok {
			want, c.Fails = ours, ours == "error"
		}
		got, err := renderText(s, c.Template)
		if (err != nil) != c.Fails {
			t.Errorf("%s\n error: %v, want failure: %t, text %q", c.Template, err, c.Fails, want)
		} else if err == nil && got != want {
			t.Errorf("%s\n got  %q\n want %q", c.Template, got, want)
		}
	}
}

func renderText(s *Scope, source string) (string, error) {
	t, err := Parse(source)
	if err != nil {
		return "", err
	}
	out, err := t.Render(s, nil)
	return string(out), err
}
