// Package destination has the destinations that are manifests: one folder each with manifest.yaml, README.md and
// testdata, and Go hooks beside it only where the language cannot say something (package manifest).
package destination

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/airtable"
	"github.com/millrace/millrace/internal/destination/asana"
	"github.com/millrace/millrace/internal/destination/braze"
	"github.com/millrace/millrace/internal/destination/google"
	"github.com/millrace/millrace/internal/destination/hubspot"
	"github.com/millrace/millrace/internal/destination/intercom"
	"github.com/millrace/millrace/internal/destination/iterable"
	"github.com/millrace/millrace/internal/destination/jira"
	"github.com/millrace/millrace/internal/destination/marketo"
	conversions "github.com/millrace/millrace/internal/destination/meta-conversions"
	teams "github.com/millrace/millrace/internal/destination/microsoft-teams"
	"github.com/millrace/millrace/internal/destination/mixpanel"
	"github.com/millrace/millrace/internal/destination/notion"
	"github.com/millrace/millrace/internal/destination/salesforce"
	"github.com/millrace/millrace/internal/destination/sfmc"
	"github.com/millrace/millrace/internal/destination/slack"
	"github.com/millrace/millrace/internal/destination/tiktok"
	"github.com/millrace/millrace/internal/destination/zendesk"
	"github.com/millrace/millrace/internal/httpx"
)

//go:embed */manifest.yaml */testdata/specs.yaml
var files embed.FS

// hooks are the Go code beside manifests, by their slugs.
var hooks = map[string]manifest.Hooks{
	"airtable":         airtable.Hooks(),
	"asana":            asana.Hooks(),
	"braze":            braze.Hooks(),
	"google":           google.Hooks(),
	"hubspot":          hubspot.Hooks(),
	"intercom":         intercom.Hooks(),
	"iterable":         iterable.Hooks(),
	"jira":             jira.Hooks(),
	"marketo":          marketo.Hooks(),
	"meta-conversions": conversions.Hooks(),
	"microsoft-teams":  teams.Hooks(),
	"mixpanel":         mixpanel.Hooks(),
	"notion":           notion.Hooks(),
	"salesforce":       salesforce.Hooks(),
	"sfmc":             sfmc.Hooks(),
	"slack":            slack.Hooks(),
	"tiktok":           tiktok.Hooks(),
	"zendesk":          zendesk.Hooks(),
}

// Manifests returns the destinations that are manifests, by their slugs. network says where the server's operator lets
// requests go. A manifest with a mistake is a defect of the build.
func Manifests(network httpx.Network) []connector.DestinationInfo {
	names, err := fs.Glob(files, "*/manifest.yaml")
	if err != nil {
		panic(err)
	}
	slices.Sort(names)
	infos := make([]connector.DestinationInfo, len(names))
	for i, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		m, err := manifest.Parse(name, text)
		if err != nil {
			panic(fmt.Sprintf("destination: %s\n%v", name, err))
		}
		if m.Slug != path.Dir(name) {
			panic(fmt.Sprintf("destination: %s calls itself %q", name, m.Slug))
		}
		infos[i] = m.Info(network, hooks[m.Slug])
		_, err = fs.Stat(files, m.Slug+"/testdata/specs.yaml")
		infos[i].SpecChecked = err == nil
	}
	return infos
}
