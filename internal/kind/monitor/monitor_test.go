package monitor

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/resource/resourcetest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	resourcetest.Golden(t, Kind(), "testdata/golden.json")
}

// Every error of a monitor is told at once, with its place.
//
// Req: MON-01
func TestValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec string
		want []string // paths
	}{
		"datadog":    {`{"type":"datadog","configuration":{"apiKey":"k"}}`, nil},
		"all":        {`{"type":"datadog","configuration":{"apiKey":"k","site":"datadoghq.eu","prefix":"acme.etl","tags":["env:prod"],"events":false,"baseUrl":"https://proxy.example.com"}}`, nil},
		"no key":     {`{"type":"datadog","configuration":{}}`, []string{configuration + ".apiKey"}},
		"everything": {`{"type":"datadog","configuration":{"apiKey":"k","site":"https://app.datadoghq.eu","prefix":"1 a","baseUrl":"ftp://x","color":"red"}}`, []string{configuration + ".baseUrl", configuration + ".color", configuration + ".prefix", configuration + ".site"}},
		"no type":    {`{"type":"nagios","configuration":{}}`, []string{"spec.type"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s Spec
			if err := json.Unmarshal([]byte(c.spec), &s); err != nil {
				t.Fatal(err)
			}
			var paths []string
			for _, issue := range s.validate(func(string) bool { return false }) {
				paths = append(paths, issue.Path)
			}
			slices.Sort(paths)
			if !slices.Equal(paths, c.want) {
				t.Errorf("%v, want %v", paths, c.want)
			}
		})
	}
}
