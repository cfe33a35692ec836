package identifier_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector/identifier"
	"github.com/millrace/millrace/internal/value"
)

// vector is a line of testdata/vectors.tsv.
type vector struct {
	kind, country, input string
	normalised, result   *string // nil is null
}

func vectors(t testing.TB) []vector {
	t.Helper()
	file, err := os.ReadFile("testdata/vectors.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for line := range strings.Lines(string(file)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		v := vector{kind: fields[0], country: fields[1]}
		for i, to := range []any{&v.input, &v.normalised, &v.result} {
			if err := json.Unmarshal([]byte(fields[i+2]), to); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		all = append(all, v)
	}
	return all
}

func mustNew(t testing.TB, spec identifier.Spec) *identifier.Identifier {
	t.Helper()
	id, err := identifier.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func expected(s *string) value.Value {
	if s == nil {
		return value.Value{}
	}
	return value.OfText(*s)
}

// TestVectors holds each rule to its vectors: those that the vendor publishes, and our own for what its page says in
// words. Their hashes were computed with other programs.
//
// Req: FLD-18
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		t.Run(v.kind+"/"+v.input, func(t *testing.T) {
			t.Parallel()
			id := mustNew(t, identifier.Spec{Kind: v.kind, Country: v.country})
			got, err := id.Apply(value.OfText(v.input))
			if err != nil || !got.Equal(expected(v.result)) {
				t.Fatalf("got %q, %v; want %q", got, err, expected(v.result))
			}
			plain := mustNew(t, identifier.Spec{Kind: v.kind, Country: v.country, Hash: identifier.None})
			if got, err := plain.Apply(value.OfText(v.input)); err != nil || !got.Equal(expected(v.normalised)) {
				t.Fatalf("normalised %q, %v; want %q", got, err, expected(v.normalised))
			}
			if p, _ := identifier.Lookup(v.kind); p.Hash == identifier.None {
				return
			}
			if again, err := id.Apply(got); err != nil || !again.Equal(got) {
				t.Fatalf("hashed twice: %q, %v", again, err)
			}
		})
	}
}

var update = flag.Bool("update", false, "rewrite the tables of README.md")

// TestReadme keeps the tables of the README.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := table(string(readme), "steps", stepTable())
	want = table(want, "rules", ruleTable())
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(readme) != want {
		t.Error("the README's tables are old: run this test with -update and read what changed")
	}
}

// table replaces what stands between a document's marks.
func table(document, name, rows string) string {
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, _ := strings.Cut(document, begin)
	_, after, _ := strings.Cut(rest, end)
	return before + begin + rows + end + after
}

func stepTable() string {
	var b strings.Builder
	b.WriteString("| Step | What it does |\n|---|---|\n")
	for _, s := range identifier.Steps() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", s.Name, s.Help)
	}
	return b.String()
}

func ruleTable() string {
	var b strings.Builder
	b.WriteString("| Kind | Steps | Hash | Source | Not verified |\n|---|---|---|---|---|\n")
	for _, p := range identifier.Presets() {
		hashes := []string{string(p.Hash)}
		for _, a := range p.Accept {
			hashes = append(hashes, string(a))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", p.Name, join(p.Normalize), strings.Join(hashes, ", or ")+" "+string(p.Encoding), p.Source, p.Unverified)
	}
	return b.String()
}

func join(steps []identifier.Step) string {
	all := make([]string, len(steps))
	for i, s := range steps {
		all[i] = string(s)
	}
	return strings.Join(all, ", ")
}

// Req: FLD-18
func TestEachRuleHasAVectorAndASource(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for _, v := range vectors(t) {
		tried[v.kind] = true
	}
	for _, p := range identifier.Presets() {
		if !tried[p.Name] {
			t.Errorf("%s has no vector", p.Name)
		}
		if strings.Contains(p.Name, ".") == (p.Source == "") {
			t.Errorf("%s: a vendor's rule, and no other, has a source; this one has %q", p.Name, p.Source)
		}
		if _, err := identifier.New(identifier.Spec{Kind: p.Name}); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}
