package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/template"
)

var block = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```")

// The examples of the guides are what they say they are: documents that are accepted, templates that are read, JSON and
// YAML that are well-formed.
func TestGuides(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "docs", "guides", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no guides: %v", err)
	}
	c := &config.Config{FilesRoot: t.TempDir()}
	kinds := Kinds(Connectors(c), Storages(c), Credentials(c))
	documents := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			switch language, example := m[1], m[2]; language {
			case "yaml":
				documents += checkDocuments(t, filepath.Base(file), example, func(kind string, spec []byte) error {
					k, err := kinds.Kind(kind)
					if err != nil {
						return err
					}
					decoded, err := k.Decode(spec)
					if err != nil {
						return err
					}
					return k.Validate(decoded, func(string) bool { return true }).Err()
				})
			case "json":
				if !json.Valid([]byte(example)) {
					t.Errorf("%s: an example is not JSON:\n%s", filepath.Base(file), example)
				}
			case "liquid":
				if _, err := template.Parse(example); err != nil {
					t.Errorf("%s: %v in\n%s", filepath.Base(file), err, example)
				}
			}
		}
	}
	if documents < 10 {
		t.Errorf("only %d documents were found", documents)
	}
}

// withoutSecrets takes away what comes from the environment when the documents are applied.
func withoutSecrets(spec map[string]any) {
	for name, v := range spec {
		switch v := v.(type) {
		case map[string]any:
			withoutSecrets(v)
		case string:
			if strings.HasPrefix(v, "${") {
				delete(spec, name)
			}
		}
	}
}

// checkDocuments decodes the documents of an example; YAML without a kind is only read.
func checkDocuments(t *testing.T, file, example string, check func(kind string, spec []byte) error) (found int) {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader([]byte(example)))
	for {
		var doc struct {
			Kind string
			Spec map[string]any
		}
		var node yaml.Node
		err := d.Decode(&node)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Errorf("%s: an example is not YAML: %v\n%s", file, err, example)
			return found
		}
		if node.Decode(&doc) != nil || doc.Kind == "" {
			continue
		}
		found++
		withoutSecrets(doc.Spec)
		spec, err := json.Marshal(doc.Spec)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if err := check(strings.ToLower(doc.Kind), spec); err != nil {
			t.Errorf("%s: the example of a %s is refused: %v\n%s", file, doc.Kind, err, example)
		}
	}
}

var (
	linked    = regexp.MustCompile("((?:`[a-z-]+`, )*`[a-z-]+`|storage) → ((?:`[A-Za-z]+`, )*`[A-Za-z]+`)")
	backticks = regexp.MustCompile("`([A-Za-z-]+)`")
)

// The fields that the guide of private links tells to fill in are there.
//
// Req
func TestPrivateLinks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", "private-links.md"))
	if err != nil {
		t.Fatal(err)
	}
	c := &config.Config{FilesRoot: t.TempDir()}
	fields := map[string][]connector.Field{}
	for _, s := range Connectors(c).Sources() {
		fields[s.Slug] = s.Fields
	}
	for _, d := range Connectors(c).Destinations() {
		if _, source := fields[d.Slug]; !source {
			fields[d.Slug] = d.Fields
		}
	}
	for _, s := range Storages(c) {
		fields["storage"] = append(fields["storage"], s.Fields...)
	}
	checked := 0
	for _, m := range linked.FindAllStringSubmatch(string(text), -1) {
		types := backticks.FindAllStringSubmatch(m[1], -1)
		if types == nil {
			types = [][]string{{"", m[1]}}
		}
		for _, of := range types {
			for _, name := range backticks.FindAllStringSubmatch(m[2], -1) {
				checked++
				if !slices.ContainsFunc(fields[of[1]], func(f connector.Field) bool { return f.Name == name[1] }) {
					t.Errorf("%q has no field %q", of[1], name[1])
				}
			}
		}
	}
	if checked < 15 {
		t.Errorf("only %d fields were found", checked)
	}
}
