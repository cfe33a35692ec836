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
// Req: DBT-01, DBT-06, GIT-06
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
		{"no origin", "db", Spec{Source: "shop"}, "spec.origin", "there are manifest, git, cloud"},
		{"no address", "db", Spec{Source: "shop", Origin: OriginManifest, Files: "github.com/acme"}, "spec.files", "must be like"},
		{"an address with a secret", "db", Spec{Source: "shop", Origin: OriginManifest, Files: "https://u:p@github.com/acme"}, "spec.files", "must be like"},
		{"a source without SQL", "sheets", Spec{Source: "shop", Origin: OriginManifest}, "spec.source", "no dbt models of Sheets"},
		{"a sample", "sample", Spec{Source: "shop", Origin: OriginManifest}, "spec.source", "no dbt models of Sample"},
		{"Git", "db", of(OriginGit, "url", "https://github.com/acme/shop.git", "token", "t"), "", ""},
		{"SSH", "db", of(OriginGit, "url", "git@github.com:acme/shop.git", "auth", "ssh", "key", "k"), "", ""},
		{"a GitHub App", "db", of(OriginGit, "url", "https://github.com/acme/shop.git", "auth", "app", "appId", "1", "installationId", "2", "appKey", "k"), "", ""},
		{"no token", "db", of(OriginGit, "url", "https://github.com/acme/shop.git"), "spec.configuration.token", ""},
		{"no repository", "db", of(OriginGit, "url", "shop", "token", "t"), "spec.configuration.url", "must be like"},
		{"a token for SSH", "db", of(OriginGit, "url", "git@github.com:acme/shop.git", "token", "t"), "spec.configuration.auth", "do not fit"},
		{"a path that leads out", "db", of(OriginGit, "url", "https://github.com/acme/shop.git", "token", "t", "path", "../x"), "spec.configuration.path", "within the repository"},
		{"no host key", "db", of(OriginGit, "url", "git@github.com:acme/shop.git", "auth", "ssh", "key", "k", "hostKey", "x"), "spec.configuration.hostKey", "not a public key"},
		{"compiled", "db", of(OriginGit, "url", "https://github.com/acme/shop.git", "token", "t", "made", "compiled", "profiles", "p", "select", "tag:x"), "", ""},
		{"a flag as selector", "db", of(OriginGit, "url", "https://github.com/acme/shop.git", "token", "t", "made", "compiled", "profiles", "p", "select", "--x"), "spec.configuration.select", "does not begin with -"},
		{"a tunnel to dbt Cloud", "db", tunnelled(of(OriginCloud, "token", "t", "accountId", "1", "jobId", "2")), "spec.tunnel", "repository"},
		{"a tunnel", "db", tunnelled(of(OriginGit, "url", "git@git.internal:acme/shop.git", "auth", "ssh", "key", "k")), "", ""},
		{"dbt Cloud", "db", of(OriginCloud, "token", "t", "accountId", "1", "jobId", "2"), "", ""},
		{"no job", "db", of(OriginCloud, "token", "t", "accountId", "1", "jobId", "daily"), "spec.configuration.jobId", "not a number"},
		{"no address of dbt Cloud", "db", of(OriginCloud, "token", "t", "accountId", "1", "jobId", "2", "baseUrl", "cloud.getdbt.com"), "spec.configuration.baseUrl", ""},
	} {
		issues := k.Validate(&tt.spec, func(string) bool { return false })
		issues = append(issues, k.Related(&tt.spec, func(string, string) (any, error) { return &source.Spec{Type: tt.source}, nil })...)
		if tt.path == "" && len(issues) > 0 || tt.path != "" && (len(issues) != 1 || issues[0].Path != tt.path || !strings.Contains(issues[0].Error(), tt.says)) {
			t.Errorf("%s: %v", tt.name, issues)
		}
	}
	if issues := k.Change(&Spec{Source: "a"}, &Spec{Source: "b"}); len(issues) != 1 {
		t.Errorf("another source: %v", issues)
	}
}

func tunnelled(s Spec) Spec {
	s.Tunnel = "office"
	return s
}

// of is a project with an origin and its fields.
func of(o Origin, pairs ...string) Spec {
	s := Spec{Source: "shop", Origin: o, Configuration: map[string]any{}}
	for i := 0; i < len(pairs); i += 2 {
		s.Configuration[pairs[i]] = pairs[i+1]
	}
	return s
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
