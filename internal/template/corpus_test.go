package template

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/value"
)

var update = flag.Bool("update", false, "write what the templates of testdata make now; read the difference")

// corpusCase is one line of testdata/corpus: a template over testdata/data.json and its text, or that it fails.
type corpusCase struct {
	Template string `json:"template"`
	Want     string `json:"want"`
	Fails    bool   `json:"fails,omitempty"`
}

// lines reads a file of one JSON value a line.
func lines[T any](t testing.TB, path string) []T {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	for n, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var one T
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&one); err != nil {
			t.Fatalf("%s:%d: %v", path, n+1, err)
		}
		all = append(all, one)
	}
	return all
}

func writeLines[T any](t testing.TB, path string, all []T) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, one := range all {
		if err := e.Encode(one); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func corpusFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	return files
}

func corpus(t testing.TB) []corpusCase {
	t.Helper()
	var all []corpusCase
	for _, f := range corpusFiles(t) {
		all = append(all, lines[corpusCase](t, f)...)
	}
	return all
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

// TestCorpus renders every template of the corpus.
//
// Req: SY-28, SY-31
func TestCorpus(t *testing.T) {
	t.Parallel()
	s := testScope(t)
	total := 0
	for _, file := range corpusFiles(t) {
		cases := lines[corpusCase](t, file)
		for i, c := range cases {
			got, err := renderText(s, c.Template)
			if *update {
				cases[i] = corpusCase{c.Template, got, err != nil}
				continue
			}
			if (err != nil) != c.Fails {
				t.Errorf("%s:%d: %s\n error: %v, want failure: %t, text %q", file, i+1, c.Template, err, c.Fails, c.Want)
			} else if got != c.Want {
				t.Errorf("%s:%d: %s\n got  %q\n want %q", file, i+1, c.Template, got, c.Want)
			}
		}
		total += len(cases)
		if *update {
			writeLines(t, file, cases)
		}
	}
	if total < 400 {
		t.Errorf("the corpus has only %d templates", total)
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

// difference is a reason for which another engine makes something else of templates of the corpus.
type difference struct {
	Engine    string   `json:"engine"`
	Reason    string   `json:"reason"`
	Templates []string `json:"templates"`
}

// differences returns the templates that testdata/differences.json explains for an engine.
func differences(t *testing.T, engine string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("testdata/differences.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []difference
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for _, d := range all {
		if d.Engine != engine {
			continue
		}
		for _, template := range d.Templates {
			if explained[template] || d.Reason == "" {
				t.Errorf("%s: %q is explained twice, or without a reason", engine, template)
			}
			explained[template] = true
		}
	}
	return explained
}

// TestOtherEngines renders the corpus with liquidjs and with Ruby's Liquid. Each difference to ours has its reason in
// testdata/differences.json, and each reason there its difference.
//
// Req: SY-28, SY-31
func TestOtherEngines(t *testing.T) {
	t.Parallel()
	script := func(name string) string {
		path, err := filepath.Abs("testdata/engines/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, e := range []struct {
		name    string
		command []string
		dir     string
		probe   []string // whether it is here
		missing string
	}{
		{"liquidjs", []string{"node", script("liquidjs.mjs")}, "../../web", []string{"node", "-e", "require.resolve('liquidjs')"}, "liquidjs is not installed: make web/node_modules/.package-lock.json"},
		{"ruby", []string{"ruby", script("ruby.rb")}, "", []string{"ruby", "-e", "require 'liquid'"}, "Ruby's Liquid is not installed: apt-get install ruby-liquid"},
	} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			probe := exec.CommandContext(t.Context(), e.probe[0], e.probe[1:]...)
			probe.Dir = e.dir
			if out, err := probe.CombinedOutput(); err != nil {
				t.Skipf("%s (%v %s)", e.missing, err, firstLine(out))
			}
			cases := corpus(t)
			compareEngines(t, cases, renderElsewhere(t, cases, e.dir, e.command), differences(t, e.name))
		})
	}
}

func firstLine(text []byte) string {
	line, _, _ := bufio.NewReader(bytes.NewReader(text)).ReadLine() //nolint:errcheck // for people
	return string(line)
}

// result is what another engine makes of a template.
type result struct {
	Text  string `json:"text"`
	Fails bool   `json:"fails"`
}

func renderElsewhere(t *testing.T, cases []corpusCase, dir string, command []string) []result {
	t.Helper()
	data, err := os.ReadFile("testdata/data.json")
	if err != nil {
		t.Fatal(err)
	}
	templates := make([]string, len(cases))
	for i, c := range cases {
		templates[i] = c.Template
	}
	input, err := json.Marshal(map[string]any{"data": json.RawMessage(data), "templates": templates})
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), command[0], command[1:]...)
	run.Dir, run.Stdin, run.Env = dir, bytes.NewReader(input), append(os.Environ(), "TZ=UTC", "LANG=C.UTF-8")
	var stderr strings.Builder
	run.Stderr = &stderr
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var results []result
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(cases) {
		t.Fatalf("%d results of %d templates: %v", len(results), len(cases), err)
	}
	return results
}

func compareEngines(t *testing.T, cases []corpusCase, theirs []result, explained map[string]bool) {
	t.Helper()
	known := map[string]bool{}
	for i, c := range cases {
		known[c.Template] = true
		same := theirs[i].Fails == c.Fails && (c.Fails || theirs[i].Text == c.Want)
		switch {
		case same && explained[c.Template]:
			t.Errorf("%s\n makes %q in both: remove it from testdata/differences.json", c.Template, c.Want)
		case !same && !explained[c.Template]:
			t.Errorf("%s\n ours   %q (fails: %t)\n theirs %q (fails: %t)", c.Template, c.Want, c.Fails, theirs[i].Text, theirs[i].Fails)
		}
	}
	for template := range explained {
		if !known[template] {
			t.Errorf("testdata/differences.json explains %q, which the corpus does not have", template)
		}
	}
}

// Each template stands in the corpus once.
func TestCorpusHasNoDoubles(t *testing.T) {
	t.Parallel()
	var all []string
	for _, c := range corpus(t) {
		if slices.Contains(all, c.Template) {
			t.Errorf("%q stands in the corpus twice", c.Template)
		}
		all = append(all, c.Template)
	}
}
