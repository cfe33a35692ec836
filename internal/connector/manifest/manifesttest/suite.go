package manifesttest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest/replay"
)

var update = flag.Bool("update", false, "rewrite the golden parts of the cases")

// Run replays every case of a destination's folder testdata. The file specs.yaml there lists the vendor's API
// descriptions.
func Run(t *testing.T, info connector.DestinationInfo, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no cases: %v", folder, err)
	}
	var judging replay.Judge
	j, err := newJudge(os.Getenv(SpecsVariable), readSpecs(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	if j != nil {
		judging = j
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runCase(t, info, file, judging)
		})
	}
}

func readSpecs(t *testing.T, folder string) []Spec {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "specs.yaml"))
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

func runCase(t *testing.T, info connector.DestinationInfo, file string, j replay.Judge) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := replay.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	got := c.Run(t.Context(), info, j)
	for _, f := range got.Faults {
		t.Errorf("the vendor's description: %s", f)
	}
	if *update {
		c.Set("requests", got.Requests)
		c.Set("result", got.Result)
		if err := os.WriteFile(file, c.Text(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.Unasked > 0 {
		t.Errorf("%d answers were not asked for", got.Unasked)
	}
	compare(t, "requests", c.File("requests"), got.Requests)
	compare(t, "result", c.File("result"), got.Result)
}

func compare(t *testing.T, what, want, got string) {
	t.Helper()
	if want != got {
		t.Errorf("%s are other than in the case (-update writes them anew)\n--- want\n%s\n--- got\n%s", what, want, got)
	}
}
