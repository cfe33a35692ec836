package destination

import (
	"path/filepath"
	"testing"

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
