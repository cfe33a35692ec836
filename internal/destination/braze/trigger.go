package braze

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

// trigger is a kind of message that an API call starts.
type trigger struct {
	path    string // of the requests about it
	items   string // where answers list it
	id      string // the parameter and the setting that name one
	section string // the section of its properties
	words   *regexp.Regexp
}

// Properties stand in messages as {{api_trigger_properties.${name}}} or, in Canvases, {{context.${name}}}, which older
// ones write canvas_entry_properties.
// https://www.braze.com/docs/api/objects_filters/trigger_properties_object/
var (
	campaigns = trigger{path: "/campaigns", items: "campaigns", id: "campaign_id", section: "trigger_properties", words: regexp.MustCompile(`\bapi_trigger_properties\.\$\{\s*([^}]+?)\s*\}`)}
	canvases  = trigger{path: "/canvas", items: "canvases", id: "canvas_id", section: "context", words: regexp.MustCompile(`\b(?:context|canvas_entry_properties)\.\$\{\s*([^}]+?)\s*\}`)}
)

// The list comes in pages of 100. Which messages an API call starts is told by their details alone: the newest are asked
// for them, some at once.
const (
	pageSize = 100
	maxPages = 50
	detailed = 200
	together = 4
)

// list offers what is active and started by an API call. What is too old to be asked for is offered unseen.
func (t trigger) list(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	all, err := t.all(ctx, r)
	if err != nil {
		return nil, err
	}
	startable := make([]bool, len(all))
	var g errgroup.Group
	g.SetLimit(together)
	for i := range all {
		if i >= detailed {
			startable[i] = true
			continue
		}
		g.Go(func() error {
			details, err := t.details(ctx, r, all[i].Value)
			startable[i] = starts(details)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var offered []connector.Option
	for i, o := range all {
		if startable[i] {
			offered = append(offered, o)
		}
	}
	return offered, nil
}

// starts reports whether an API call starts a message.
func starts(details value.Value) bool {
	enabled, told := details.Get("enabled")
	schedule := text(details, "schedule_type")
	return !flag(details, "archived") && !flag(details, "draft") && (!told || enabled.Bool()) &&
		(schedule == "" || strings.Contains(strings.ToLower(schedule), "api"))
}

func flag(v value.Value, name string) bool {
	member, _ := v.Get(name)
	return member.Kind() == value.Bool && member.Bool()
}

func (t trigger) all(ctx context.Context, r *manifest.Run) (all []connector.Option, err error) {
	for page := range maxPages {
		a, err := r.Ask(ctx, "GET", t.path+"/list?sort_direction=desc&page="+strconv.Itoa(page), nil, nil)
		if err != nil {
			return nil, reading(err)
		}
		items, _ := a.Value().Get(t.items)
		for _, item := range items.Parsed().List() {
			if !flag(item, "is_api_campaign") { // these have no message of their own at Braze
				all = append(all, connector.Option{Value: text(item, "id"), Label: text(item, "name")})
			}
		}
		if len(items.Parsed().List()) < pageSize {
			break
		}
	}
	return all, nil
}

func (t trigger) details(ctx context.Context, r *manifest.Run, id string) (value.Value, error) {
	a, err := r.Ask(ctx, "GET", fmt.Sprintf("%s/details?%s=%s", t.path, t.id, url.QueryEscape(id)), nil, nil)
	if err != nil {
		return value.Value{}, reading(err)
	}
	return a.Value(), nil
}

// properties lists the properties that a message's texts name.
func (t trigger) properties(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	id := r.Job().Settings.Text(t.id)
	if id == "" {
		return nil, nil
	}
	details, err := t.details(ctx, r, id)
	if err != nil {
		return nil, err
	}
	var names []string
	t.named(details, &names)
	slices.Sort(names)
	var fields []manifest.Discovered
	for _, name := range slices.Compact(names) {
		fields = append(fields, manifest.Discovered{TargetField: connector.TargetField{
			Name: t.section + "." + name, Label: name, Type: "unknown", Native: "property", Section: "Message properties",
		}})
	}
	return fields, nil
}

func (t trigger) named(v value.Value, names *[]string) {
	switch v.Kind() {
	case value.Map:
		for _, f := range v.Fields() {
			t.named(f.Value, names)
		}
	case value.List:
		for _, item := range v.List() {
			t.named(item, names)
		}
	case value.Text:
		for _, m := range t.words.FindAllStringSubmatch(v.Raw(), -1) {
			*names = append(*names, m[1])
		}
	}
}
