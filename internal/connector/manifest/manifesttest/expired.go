package manifesttest

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/connector/manifest/replay"
)

// expired: where a token expires in the middle of a run, another one is got once, the request that was refused is made
// again with it, and everything else happens as if nothing had been. Each kind of request of the cases with a token is
// refused so.
func expired(t *testing.T, info connector.DestinationInfo, files []string, text string) {
	t.Helper()
	seen := map[string]bool{}
	for _, file := range files {
		c := readCase(t, file)
		clean := c.Break(t.Context(), info, 0, nil)
		if tokens := slices.DeleteFunc(slices.Clone(clean.Asked), func(a replay.Asked) bool { return !a.Token }); len(tokens) != 1 {
			continue // nothing to renew, or the case is about that itself
		}
		for i, asked := range clean.Asked {
			if kind := kindOf(c, asked); !asked.Token && !seen[kind] {
				seen[kind] = true
				t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+" "+asked.Method+" "+asked.Path, func(t *testing.T) {
					checkExpired(t, info, c, clean, i)
				})
			}
		}
	}
	if m, err := manifest.Parse("manifest.yaml", []byte(text)); err != nil || renews(m) && len(seen) == 0 {
		t.Errorf("tokens are renewed, and no case has one: %v", err)
	}
}

// renews reports whether a manifest has tokens that are renewed.
func renews(m *manifest.Manifest) bool {
	return slices.ContainsFunc(m.Connection.Auth, func(a manifest.Auth) bool { return a.OAuth != nil && !a.OAuth.Lasting })
}

func checkExpired(t *testing.T, info connector.DestinationInfo, c *replay.Case, clean *replay.Watch, at int) {
	t.Helper()
	got, outcome := c.Expire(t.Context(), info, at)
	last := slices.IndexFunc(clean.Asked, func(a replay.Asked) bool { return a.Token })
	want := append(names(clean.Asked[:at+1]), names(clean.Asked[last:last+1])...)
	want = append(want, names(clean.Asked[at:])...)
	if asked := names(got.Asked); !slices.Equal(asked, want) {
		t.Errorf("asked for\n%s\nwant\n%s", strings.Join(asked, "\n"), strings.Join(want, "\n"))
	}
	if !strings.Contains(outcome.Requests, replay.Renewed) {
		t.Error("the new token is not used")
	}
	if outcome.Result != c.File("result") {
		t.Errorf("the result is\n%s\nwant\n%s", outcome.Result, c.File("result"))
	}
}

func names(asked []replay.Asked) []string {
	list := make([]string, len(asked))
	for i, a := range asked {
		list[i] = a.Method + " " + a.Path
	}
	return list
}
