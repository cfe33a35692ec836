package manifesttest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"gopkg.in/yaml.v3"

	"github.com/millrace/millrace/internal/connector"
)

var update = flag.Bool("update", false, "rewrite the golden parts of the cases")

// Run runs every case of a destination's folder testdata. The file specs.yaml there lists the vendor's API
// descriptions.
func Run(t *testing.T, info connector.DestinationInfo, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no cases: %v", folder, err)
	}
	j, err := newJudge(os.Getenv(SpecsVariable), readSpecs(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runCase(t, info, file, j)
		})
	}
}

func readSpecs(t *testing.T, folder string) []Spec {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "specs.yaml")) //nolint:gosec // the repository's own
	if os.IsNotExist(err) {
		return nil
	}
	var specs []Spec
	if err == nil {
		err = yaml.Unmarshal(text, &specs)
	}
	if err != nil {
		t.Fatalf("reading specs.yaml: %v", err)
	}
	return specs
}

func runCase(t *testing.T, info connector.DestinationInfo, file string, j *judge) {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // the repository's own
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	v := &vendor{answers: c.Answers}
	if c.Job.Spec == nil || *c.Job.Spec {
		v.judge = j
	}
	address := v.serve(t).URL
	result := strings.ReplaceAll(c.run(t.Context(), info, address), address, "http://vendor")
	requests := strings.ReplaceAll(v.log.String(), address, "http://vendor")
	for _, f := range v.faults {
		t.Errorf("the vendor's description: %s", f)
	}
	if len(v.answers) > 0 && !*update {
		t.Errorf("%d answers were not asked for", len(v.answers))
	}
	if *update {
		c.set("requests", requests)
		c.set("result", result)
		if err := os.WriteFile(file, txtar.Format(c.archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	compare(t, "requests", string(c.file("requests")), requests)
	compare(t, "result", string(c.file("result")), result)
}

func compare(t *testing.T, what, want, got string) {
	t.Helper()
	if want != got {
		t.Errorf("%s are other than in the case (-update writes them anew)\n--- want\n%s\n--- got\n%s", what, want, got)
	}
}
