package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var noVariables = func(string) (string, bool) { return "", false }

// What was printed is read back as it was, whatever stands in it.
//
// Req: FLD-30
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{
		`{"sql":"SELECT '${HOME}', $${A}, ${1}, $$x$$\n  FROM t -- end"}`,
		`{"a":"1","b":"true","c":"null","d":"2024-01-01","e":"0x10","f":"1_000","g":"~","h":"=","i":"<<","j":"- x","k":"# no comment","l":" lead","m":"trail ","n":"a: b","o":"","p":"\t"}`,
		`{"big":12345678901234567890123,"small":0.1234567890123456789,"exp":1e+21,"neg":-0.50,"int":9007199254740993,"zero":0}`,
		`{"lines":"one\n\n  two\r\nthree\n","ends":"x\n\n","nul":"\u0000\u0007","next":"a\u0085b\u2028c","emoji":"😀 é ` + "\u200f" + `עברית","quote":"\"'\\"}`,
		`{"z":1,"a":{"y":[],"x":{}},"list":[null,true,[1,[2]],{"k":"v"}]}`,
		`{"long":"` + strings.Repeat("word ", 600) + `"}`,
	} {
		doc := Document{Kind: "model", Metadata: Metadata{Slug: "x", Name: "${USER} & <co>", Labels: map[string]string{"on": "no"}}, Spec: json.RawMessage(spec)}
		var out bytes.Buffer
		if err := printDocuments(&out, []Document{doc, doc}, ""); err != nil {
			t.Fatal(err)
		}
		back, err := parseDocuments("x.yaml", out.Bytes(), noVariables)
		if err != nil || len(back) != 2 {
			t.Errorf("%s: %d documents, %v\n%s", spec, len(back), err, out.String())
			continue
		}
		var got Document
		if err := json.Unmarshal(back[1].json, &got); err != nil {
			t.Fatal(err)
		}
		if same(t, got.Spec) != same(t, json.RawMessage(spec)) || got.Metadata.Name != doc.Metadata.Name || got.Metadata.Labels["on"] != "no" {
			t.Errorf("got %s\nwant %s\n%s", got.Spec, spec, out.String())
		}
	}
}

// same writes JSON in one form, without changing a number.
func same(t *testing.T, text json.RawMessage) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDocumentsThatPeopleWrite(t *testing.T) {
	t.Parallel()
	text := "kind: model\nmetadata: &m {slug: a, name: \"${NAME}\"}\nspec: {n: 0o17, list: [&x 1.50, *x], <<: {base: 2}}\n---\n# nothing\n---\nmetadata: *m\n"
	_, err := parseDocuments("x.yaml", []byte(text), noVariables)
	if err == nil || !strings.Contains(err.Error(), "x.yaml") {
		t.Errorf("an alias of another document: %v", err)
	}
	set := func(name string) (string, bool) { return "of " + name, name == "NAME" }
	first, _, _ := strings.Cut(text, "---")
	got, err := parseDocuments("x.yaml", []byte(first), set)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if want := `{"kind":"model","metadata":{"name":"of NAME","slug":"a"},"spec":{"base":2,"list":[1.50,1.50],"n":15}}`; string(got[0].json) != want {
		t.Errorf("got %s, want %s", got[0].json, want)
	}
	if _, err := parseDocuments("x.yaml", []byte("a: 1\na: 2\n"), noVariables); err == nil || !strings.Contains(err.Error(), "already defined") {
		t.Errorf("a key that occurs twice: %v", err)
	}
}

// Req: FLD-30
func TestErrorsNameFileAndLine(t *testing.T) {
	t.Parallel()
	text := "kind: source\nmetadata: {slug: shop}\n---\nkind: sync\nmetadata:\n  slug: orders\nspec:\n  model: gone\n  mappings:\n    - to: a\n      from: b\n    - {to: c,\n       from: d}\n"
	documents, err := parseDocuments("dir/shop.yaml", []byte(text), noVariables)
	if err != nil {
		t.Fatal(err)
	}
	answer := &APIError{Code: "input.invalid", Message: "Some fields need attention.", Issues: []APIError{
		{Path: "sync orders: spec.model"}, {Path: "sync orders: spec.mappings[1].from"}, {Path: "sync orders: spec.mode"}, {Path: "source shop: metadata.name"}, {Path: "sync other: spec"}, {Path: "spec.x"},
	}}
	want := []string{
		"dir/shop.yaml:8, sync orders: spec.model", "dir/shop.yaml:13, sync orders: spec.mappings[1].from", "dir/shop.yaml:7, sync orders: spec.mode",
		"dir/shop.yaml:2, source shop: metadata.name", "sync other: spec", "spec.x",
	}
	located, ok := locate(answer, documents).(*APIError) //nolint:errorlint // made here
	if !ok {
		t.Fatal("another error came back")
	}
	for i, issue := range located.Issues {
		if issue.Path != want[i] {
			t.Errorf("got %q, want %q", issue.Path, want[i])
		}
	}
	var node yaml.Node
	if got := (fileDocument{node: &node}).line("spec.a"); got != 0 {
		t.Errorf("an empty document has line %d", got)
	}
}
