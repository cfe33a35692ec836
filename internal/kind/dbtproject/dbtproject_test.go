package dbtproject

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/resource/resourcetest"
)

func registry() *connector.Registry {
	return connector.New([]connector.SourceInfo{
		{Slug: "db", Name: "Database", Methods: []string{"sql", "table"}},
		{Slug: "sheets", Name: "Sheets", Methods: []string{"sheet"}},
		{Slug: "sample", Name: "Sample", Methods: []string{"sql"}, Sample: true},
	}, nil)
}

func TestGolden(t *testing.T) {
	t.Parallel()
	resourcetest.Golden(t, Kind(registry()), "testdata/golden.json")
}

// A project belongs to a source that runs SQL, and says where its manifest comes from.
//
// Req: DBT-01
func TestValidate(t *testing.T) {
	t.Parallel()
	k := Kind(registry())
	for _, tt := range []struct {
		name, source string
		spec         Spec
		path, says   string // of the one error; empty means none
	}{
		{"all", "db", Spec{Source: "shop", Origin: OriginManifest, Files: "https://example.com/x"}, "", ""},
		{"no source", "db", Spec{Origin: OriginManifest}, "spec.source", "choose the source"},
		{"no origin", "db", Spec{Source: "shop"}, "spec.origin", "there is manifest"},
		{"no address", "db", Spec{Source: "shop", Origin: OriginManifest, Files: "github.com/acme"}, "spec.files", "must be like"},
		{"an address with a secret", "db", Spec{Source: "shop", Origin: OriginManifest, Files: "https://u:p@github.com/acme"}, "spec.files", "must be like"},
		{"a source without SQL", "sheets", Spec{Source: "shop", Origin: OriginManifest}, "spec.source", "no dbt models of Sheets"},
		{"a sample", "sample", Spec{Source: "shop", Origin: OriginManifest}, "spec.source", "no dbt models of Sample"},
	} {
		issues := k.Validate(&tt.spec, nil)
		issues = append(issues, k.Related(&tt.spec, func(string, string) (any, error) { return &source.Spec{Type: tt.source}, nil })...)
		if tt.path == "" && len(issues) > 0 || tt.path != "" && (len(issues) != 1 || issues[0].Path != tt.path || !strings.Contains(issues[0].Error(), tt.says)) {
			t.Errorf("%s: %v", tt.name, issues)
		}
	}
	if issues := k.Change(&Spec{Source: "a"}, &Spec{Source: "b"}); len(issues) != 1 {
		t.Errorf("another source: %v", issues)
	}
}

// Req: DBT-03
func TestLink(t *testing.T) {
	t.Parallel()
	s := Spec{Files: "https://github.com/acme/shop/blob/main/"}
	for path, want := range map[string]string{
		"models/a.sql": "https://github.com/acme/shop/blob/main/models/a.sql", `models\a b.sql`: "https://github.com/acme/shop/blob/main/models/a%20b.sql", "": "",
	} {
		if got := s.Link(path); got != want {
			t.Errorf("%q: %q", path, got)
		}
	}
	if got := (&Spec{}).Link("a"); got != "" {
		t.Errorf("without an address: %q", got)
	}
}
