package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// The files that people deploy with, and the pages that tell them how, name settings that exist.
func TestDeploymentNamesSettings(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"MILLRACE_CONFIG": true, "MILLRACE_SERVER": true, "MILLRACE_API_KEY": true}
	known["MILLRACE_VENDOR_SPECS"], known["MILLRACE_TEST_SEED"], known["MILLRACE_TEST_ROWS"], known["MILLRACE_TEST_POSTGRES_URL"] = true, true, true, true
	for _, f := range fields(&Config{}) {
		known[f.env()] = true
	}
	root := filepath.Join("..", "..")
	files := []string{"compose.yaml", "Dockerfile", "README.md"}
	guides, err := filepath.Glob(filepath.Join(root, "docs", "*", "*.md"))
	if err != nil || len(guides) == 0 {
		t.Fatalf("%v %v", guides, err)
	}
	for _, g := range guides {
		name, err := filepath.Rel(root, g)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`MILLRACE_[A-Z_]+`).FindAllString(string(text), -1) {
			if name = strings.TrimSuffix(name, "_"); !known[name] {
				t.Errorf("%s names the setting %s, which does not exist", file, name)
			}
		}
	}
}

// compose.yaml is well-formed: every dependency and volume that a service names is there.
func TestComposeFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Services map[string]struct {
			Image     string
			Build     string
			Volumes   []string
			DependsOn map[string]struct{ Condition string } `yaml:"depends_on"`
		}
		Volumes map[string]any
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"server", "worker", "postgres", "nats"} {
		s, there := c.Services[want]
		if !there || s.Image == "" && s.Build == "" {
			t.Errorf("the service %s is missing or has no image", want)
		}
		for on := range s.DependsOn {
			if _, there := c.Services[on]; !there {
				t.Errorf("%s depends on %s, which does not exist", want, on)
			}
		}
		for _, v := range s.Volumes {
			name, _, _ := strings.Cut(v, ":")
			if _, there := c.Volumes[name]; !there {
				t.Errorf("%s mounts the volume %s, which does not exist", want, name)
			}
		}
	}
}
