package destination

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/connector/manifest/manifesttest"
	"github.com/millrace/millrace/internal/httpx"
)

// Every destination that is a manifest sends what its cases say.
//
// Req: FLD-32
func TestCases(t *testing.T) {
	t.Parallel()
	for _, info := range Manifests(httpx.AnyNetwork) {
		t.Run(info.Slug, func(t *testing.T) {
			t.Parallel()
			manifesttest.Run(t, info, filepath.Join(info.Slug, "testdata"))
		})
	}
}

// No condition is one that people read otherwise than Millrace does.
func TestConditionsAreClear(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*/manifest.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := manifest.Parse(file, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range m.Warnings() {
			t.Error(w.Message)
		}
	}
}

// Pick-lists of a connection's form are asked for once what they need is filled in, and the access is allowed.
//
// Req: SY-17
func TestListable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		slug     string
		settings connector.Settings
		want     bool
	}{
		{"meta", connector.Settings{}, false},
		{"meta", connector.Settings{"token": "t"}, true},
		{"meta", connector.Settings{"method": "oauth", "configId": "c", "clientId": "i", "clientSecret": "s"}, false},
		{"meta", connector.Settings{"method": "oauth", "configId": "c", "clientId": "i", "clientSecret": "s", "refreshToken": "r"}, true},
		{"pinterest-ads", connector.Settings{"method": "token", "accessToken": "t"}, true},
		{"bingads", connector.Settings{"developerToken": "d", "clientId": "i", "clientSecret": "s", "refreshToken": "r"}, true},
	} {
		all := Manifests(httpx.AnyNetwork)
		info := all[slices.IndexFunc(all, func(i connector.DestinationInfo) bool { return i.Slug == c.slug })]
		if got := info.Listable(c.settings); got != c.want {
			t.Errorf("%s with %d settings: %t", c.slug, len(c.settings), got)
		}
	}
}

// Whatever a vendor does, no row counts as taken that it did not take, and people are told what it said and what to do.
//
// Req: SY-76, SY-78, FLD-09, FLD-10
func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	for _, info := range Manifests(httpx.AnyNetwork) {
		t.Run(info.Slug, func(t *testing.T) {
			t.Parallel()
			manifesttest.Misbehave(t, info, filepath.Join(info.Slug, "testdata"))
		})
	}
}
