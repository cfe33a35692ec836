package app

import (
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/cli"
	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/kind/model"
)

// What a source offers can be done: every method is one that models have, and table selectors have tables.
//
// Req: M-02
func TestSourcesOfferMethodsThatExist(t *testing.T) {
	t.Parallel()
	for _, s := range Connectors(&config.Config{}).Sources() {
		if len(s.Methods) == 0 {
			t.Errorf("%s offers no way to describe rows", s.Name)
		}
		for _, m := range s.Methods {
			if !slices.Contains(model.Methods, model.Method(m)) {
				t.Errorf("%s offers the method %q, which models do not have", s.Name, m)
			}
		}
	}
}

// A tunnel leads to one server of the customer's own: a source or destination with a host has one, what is a vendor's
// has none.
//
// Req: X-22
func TestTunnelsLeadToServers(t *testing.T) {
	t.Parallel()
	for _, d := range Connectors(&config.Config{}).Destinations() {
		host := slices.ContainsFunc(d.Fields, func(f connector.Field) bool { return f.Name == "host" })
		if host && d.Tier == connector.TierNative && !d.Tunnels {
			t.Errorf("%s has a host, and cannot be reached through a tunnel", d.Name)
		}
		if d.Tunnels && d.Tier == connector.TierManifest {
			t.Errorf("%s is a vendor's, and offers a tunnel", d.Name)
		}
	}
}

// The command line knows every kind that there is, in an order in which what is referred to comes first: an export of
// everything leaves none out and can be applied.
//
// Req: FLD-30
func TestTheCommandLineKnowsEveryKind(t *testing.T) {
	t.Parallel()
	var kinds []string
	for _, k := range Kinds(Connectors(&config.Config{}), nil, nil).Kinds() {
		kinds = append(kinds, k.Name)
	}
	if !slices.Equal(cli.Kinds, kinds) {
		t.Errorf("the command line has %v, the server %v", cli.Kinds, kinds)
	}
}

// A model of files has a primary key, as every other, and the Basic engine compares its rows.
//
// Req: S-82
func TestModelsOfFiles(t *testing.T) {
	t.Parallel()
	registry := Connectors(&config.Config{FilesRoot: t.TempDir()})
	k := model.Kind(registry)
	for _, slug := range []string{"s3", "gcs", "azure-blob", "sftp"} {
		info, err := registry.Source(slug)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(info.Engines, []string{connector.EngineBasic}) {
			t.Errorf("%s is compared by %v", slug, info.Engines)
		}
		spec := &model.Spec{Source: "files", Method: model.MethodFile, File: &connector.File{Path: "people.csv"}}
		for key, want := range map[string]int{"": 1, "id": 0} {
			spec.PrimaryKey = key
			if issues := k.Validate(spec, func(string) bool { return false }); len(issues) != want || want == 1 && issues[0].Path != "spec.primaryKey" {
				t.Errorf("%s: with the primary key %q a model has the errors %v", slug, key, issues)
			}
		}
	}
}
