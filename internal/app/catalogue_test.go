package app_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/millrace/millrace/internal/app"
	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/local"
)

// catalogueVariable names the file with a line for each destination that is planned.
const catalogueVariable = "MILLRACE_DESTINATION_CATALOGUE"

// promised is what a destination is to offer: testdata/catalogue.yaml, a sync type after another.
type promised struct {
	Name    string                                        `yaml:"name"`
	Planned string                                        `yaml:"planned"` // what the catalogue calls it; the name unless said
	Modes   []connector.Mode                              `yaml:"modes"`
	Match   map[connector.Mode][]string                   `yaml:"match"`   // labels of the fields that rows are matched by; any where the account's fields say it
	Deletes map[connector.Mode][]connector.DeleteBehavior `yaml:"deletes"` // besides nothing
	LeftOut string                                        `yaml:"leftOut"` // why the sync type is not offered
	Without map[string]string                             `yaml:"without"` // modes that are not offered, or matching, and why
}

// folders are those of destinations that are not called as the destination is.
var folders = map[string]string{
	"mariadb": "mysql", "azure-blob": "azureblob", "google-sheets": "googlesheets", "apache-kafka": "kafka", "google-pubsub": "pubsub",
	"amazon-sqs": "sqs", "aws-lambda": "lambda", "http-request": "http", "custom": "embedded",
}

// folder is where a destination's code, README and promises are.
func folder(slug string) string {
	name := slug
	if other, ok := folders[slug]; ok {
		name = other
	}
	return filepath.Join("..", "destination", name)
}

// vendors returns the destinations that the catalogue is about: all but those of our own.
func vendors(t *testing.T) []connector.DestinationInfo {
	t.Helper()
	all := app.Connectors(&config.Config{FilesRoot: t.TempDir()}).Destinations()
	return slices.DeleteFunc(slices.Clone(all), func(d connector.DestinationInfo) bool { return d.Slug == local.Slug })
}

// What people were told that there is, there is.
//
// Req: SY-17
func TestNamedDestinations(t *testing.T) {
	t.Parallel()
	named := strings.Fields(`
		postgres mysql mariadb sqlserver mongodb dynamodb redis elasticsearch s3 gcs azure-blob sftp google-sheets airtable
		apache-kafka google-pubsub amazon-sqs rabbitmq aws-lambda http-request custom email zapier
		salesforce hubspot pipedrive zendesk intercom jira asana notion braze iterable customerio klaviyo sfmc marketo mailchimp
		slack microsoft-teams twilio google google-data-manager meta meta-conversions tiktok linkedin bingads pinterest-ads
		google-analytics amplitude mixpanel segment launchdarkly shopify stripe netsuite-rest quickbooks`)
	var have []string
	for _, info := range vendors(t) {
		have = append(have, info.Slug)
	}
	for _, slug := range named {
		if !slices.Contains(have, slug) {
			t.Errorf("there is no destination %q", slug)
		}
	}
}

// A destination offers what its line of the catalogue promises: sync types, modes, matching and delete behaviour.
//
// Req: SY-17, SY-18, SY-20, SY-21
func TestCatalogue(t *testing.T) {
	t.Parallel()
	for _, info := range vendors(t) {
		t.Run(info.Slug, func(t *testing.T) {
			t.Parallel()
			offered := 0
			for _, p := range readPromises(t, info.Slug) {
				if p.LeftOut != "" {
					continue
				}
				offered++
				at := slices.IndexFunc(info.SyncTypes, func(s connector.SyncType) bool { return s.Name == p.Name })
				if at < 0 {
					t.Errorf("there is no sync type %q", p.Name)
					continue
				}
				p.compare(t, info, info.SyncTypes[at])
			}
			if want, got := offered, len(info.SyncTypes); want != got {
				t.Errorf("there are %d sync types, and %d are promised", got, want)
			}
			if _, err := os.Stat(filepath.Join(folder(info.Slug), "README.md")); err != nil {
				t.Errorf("the facts' sources are not told: %v", err)
			}
		})
	}
}

func readPromises(t *testing.T, slug string) (all []promised) {
	t.Helper()
	f, err := os.Open(filepath.Join(folder(slug), "testdata", "catalogue.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it is read only
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(&all); err != nil {
		t.Fatalf("%s: %v", slug, err)
	}
	return all
}

func (p promised) compare(t *testing.T, info connector.DestinationInfo, s connector.SyncType) {
	t.Helper()
	same(t, p.Name+": modes", p.Modes, s.Modes)
	for _, mode := range s.Modes {
		same(t, p.Name+": delete behaviours in "+string(mode), p.Deletes[mode], s.DeletesIn(mode))
		want := p.Match[mode]
		if slices.Contains(want, "any") {
			if !slices.Contains(s.Match.Modes, mode) || s.MatchIn(mode) != nil {
				t.Errorf("%s: rows are not matched by any field in %s", p.Name, mode)
			}
			continue
		}
		same(t, p.Name+": matching in "+string(mode), want, labels(t, info, s, mode))
	}
}

// labels are what the fields are called that rows are matched by.
func labels(t *testing.T, info connector.DestinationInfo, s connector.SyncType, mode connector.Mode) []string {
	t.Helper()
	names := s.MatchIn(mode)
	if len(names) == 0 {
		return nil
	}
	d, err := info.Open(connector.DestinationOptions{Settings: connector.Settings{}})
	if err != nil {
		return names // a form that must be filled in first: the names count
	}
	lister, ok := d.(interface {
		Label(job connector.SyncJob, field string) string
	})
	if !ok {
		return names
	}
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = lister.Label(connector.SyncJob{Type: s.Slug, Mode: mode}, name)
	}
	return list
}

func same[T ~string](t *testing.T, what string, want, got []T) {
	t.Helper()
	want, got = slices.Clone(want), slices.Clone(got)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("%s: %q are promised, and there are %q", what, want, got)
	}
}

// planned is a line of the catalogue.
type planned struct {
	Slug      string `json:"slug"`
	SyncTypes []struct {
		Name   string   `json:"name"`
		Modes  []string `json:"modes"`
		Match  any      `json:"record_matching"` // words for people
		Delete []string `json:"delete"`
	} `json:"sync_types"`
}

// The promises are those of the catalogue that all destinations are planned in, where it is at hand.
//
// Req: SY-20
func TestPlanned(t *testing.T) {
	t.Parallel()
	file := os.Getenv(catalogueVariable)
	if file == "" {
		t.Skipf("%s does not name the catalogue of all destinations", catalogueVariable)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it is read only
	built := map[string]bool{}
	for _, info := range vendors(t) {
		built[info.Slug] = false
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var p planned
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Errorf("a line of the catalogue cannot be read: %v: %.80s", err, lines.Text())
		}
		if _, ok := built[p.Slug]; !ok {
			continue // nobody made it yet
		}
		built[p.Slug] = true
		promises := readPromises(t, p.Slug)
		for _, s := range p.SyncTypes {
			p.compare(t, s.Name, s.Modes, promises)
			p.compareMatch(t, s.Name, s.Match != nil, promises)
			p.compareDeletes(t, s.Name, s.Delete, promises)
		}
	}
	for slug, found := range built {
		if !found {
			t.Errorf("the catalogue has no line of %s", slug)
		}
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
}

// modeWords are what the catalogue calls modes otherwise.
var modeWords = map[string]connector.Mode{"mirror": connector.ModeAll, "append": connector.ModeInsert, "added": connector.ModeTrigger, "changed": connector.ModeTrigger, "removed": connector.ModeTrigger, "delete": connector.ModeInsert, "forget": connector.ModeInsert, "unforget": connector.ModeInsert}

// find returns where the promises have the sync type that the catalogue calls so, or -1.
func find(promises []promised, name string) int {
	return slices.IndexFunc(promises, func(s promised) bool {
		if s.Planned != "" {
			return s.Planned == name
		}
		return strings.EqualFold(s.Name, name)
	})
}

func (p planned) compare(t *testing.T, name string, modes []string, promises []promised) {
	t.Helper()
	at := find(promises, name)
	if at < 0 {
		t.Errorf("%s: the catalogue's sync type %q is not promised", p.Slug, name)
		return
	}
	for _, word := range modes {
		if promises[at].LeftOut != "" || promises[at].Without[word] != "" {
			continue
		}
		mode := connector.Mode(word)
		if m, other := modeWords[word]; other {
			mode = m
		}
		if mode == connector.ModeAdd && !slices.Contains(promises[at].Modes, mode) {
			mode = connector.ModeInsert // what is added and never changed, such as events
		}
		if !slices.Contains(promises[at].Modes, mode) {
			t.Errorf("%s, %s: the catalogue's mode %q is not promised", p.Slug, name, word)
		}
	}
}

// compareMatch holds that rows are matched by something in modes that change what exists, where the catalogue says by what.
func (p planned) compareMatch(t *testing.T, name string, matched bool, promises []promised) {
	t.Helper()
	at := find(promises, name)
	if at < 0 || promises[at].LeftOut != "" || !matched {
		return // it is not offered, or rows are not matched
	}
	for _, mode := range []connector.Mode{connector.ModeUpsert, connector.ModeUpdate} {
		if promises[at].Without["matching"] == "" && slices.Contains(promises[at].Modes, mode) && len(promises[at].Match[mode]) == 0 {
			t.Errorf("%s, %s: the catalogue says what rows are matched by, and nothing is promised in %s", p.Slug, name, mode)
		}
	}
}

// deleteWords are what the catalogue calls delete behaviours otherwise; nothing is there always, and what a mode does
// of itself is no choice.
var deleteWords = map[string]connector.DeleteBehavior{"do_nothing": "", "remove_auto": "", "flag_off": "", "mark_complete": connector.DeleteComplete}

// deleteMeant is what the catalogue means by a word that it uses otherwise elsewhere, by destination and word.
var deleteMeant = map[string]connector.DeleteBehavior{
	"intercom/remove": connector.DeleteRecord, // the record leaves Intercom, not a list
}

// compareDeletes holds that each of the catalogue's delete behaviours is promised in some mode.
func (p planned) compareDeletes(t *testing.T, name string, words []string, promises []promised) {
	t.Helper()
	at := find(promises, name)
	if at < 0 || promises[at].LeftOut != "" {
		return
	}
	for _, word := range words {
		behavior, other := deleteWords[word]
		if !other {
			behavior = connector.DeleteBehavior(word)
		}
		if meant, ok := deleteMeant[p.Slug+"/"+word]; ok {
			behavior = meant
		}
		if behavior == "" {
			continue
		}
		offered := false
		for _, behaviors := range promises[at].Deletes {
			offered = offered || slices.Contains(behaviors, behavior)
		}
		if !offered {
			t.Errorf("%s, %s: the catalogue's delete behaviour %q is not promised", p.Slug, name, word)
		}
	}
}
