package connector

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/millrace/millrace/internal/fault"
)

// Registry finds connectors by their slugs. Those of the build do not change after New.
type Registry struct {
	sources      map[string]SourceInfo
	destinations map[string]DestinationInfo
	more         Provider
}

// Provider has further destinations, which may change while the program runs. It is safe for concurrent use.
type Provider interface {
	Destinations() []DestinationInfo
}

// With lets the registry find the destinations of a provider too, where the build has none of the same slug. It is
// called before the registry is used.
func (r *Registry) With(p Provider) *Registry {
	r.more = p
	return r
}

// provided returns the destinations of the provider that the build does not have.
func (r *Registry) provided() []DestinationInfo {
	if r.more == nil {
		return nil
	}
	return slices.DeleteFunc(r.more.Destinations(), func(d DestinationInfo) bool {
		_, taken := r.destinations[d.Slug]
		return taken
	})
}

// New returns a registry of the connectors. Two connectors with one slug are a programming error.
func New(sources []SourceInfo, destinations []DestinationInfo) *Registry {
	r := &Registry{sources: map[string]SourceInfo{}, destinations: map[string]DestinationInfo{}}
	for _, s := range sources {
		if _, taken := r.sources[s.Slug]; taken {
			panic(fmt.Sprintf("connector: two sources called %q", s.Slug))
		}
		s.Tunnels = s.Tunnels || oneServer(s.Fields)
		s.Methods = withOthers(s)
		r.sources[s.Slug] = s
	}
	for _, d := range destinations {
		if _, taken := r.destinations[d.Slug]; taken {
			panic(fmt.Sprintf("connector: two destinations called %q", d.Slug))
		}
		d.Tier = cmp.Or(d.Tier, TierNative)
		d.Tunnels = d.Tunnels || d.Tier == TierNative && oneServer(d.Fields) // a manifest talks to its vendor
		r.destinations[d.Slug] = d
	}
	return r
}

// oneServer reports whether fields name the one server that a connector talks to.
func oneServer(fields []Field) bool {
	return slices.ContainsFunc(fields, func(f Field) bool { return f.Name == "host" || f.Name == "server" || f.Name == "account" })
}

// withOthers returns the modeling methods of a source: dbt and tools of business intelligence query places that run SQL
// and are a customer's own.
func withOthers(s SourceInfo) []string {
	if s.Sample || !slices.Contains(s.Methods, "sql") || s.Category == "file" || slices.Contains(s.Methods, "dbt") {
		return s.Methods
	}
	return append(slices.Clone(s.Methods), "dbt", "bi")
}

// Source returns the source type with the slug.
func (r *Registry) Source(slug string) (SourceInfo, error) {
	s, ok := r.sources[slug]
	if !ok {
		return SourceInfo{}, fault.New(fault.CodeInvalid, "there is no source type %q", slug)
	}
	return s, nil
}

// Destination returns the destination type with the slug.
func (r *Registry) Destination(slug string) (DestinationInfo, error) {
	if d, ok := r.destinations[slug]; ok {
		return d, nil
	}
	for _, d := range r.provided() {
		if d.Slug == slug {
			return d, nil
		}
	}
	return DestinationInfo{}, fault.New(fault.CodeInvalid, "there is no destination type %q", slug)
}

// Sources lists the source types by name, sample datasets last (S-01).
func (r *Registry) Sources() []SourceInfo {
	all := make([]SourceInfo, 0, len(r.sources))
	for _, s := range r.sources {
		all = append(all, s)
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].Sample != all[j].Sample {
			return !all[i].Sample
		}
		return all[i].Name < all[j].Name
	})
	return all
}

// Destinations lists the destination types by name.
func (r *Registry) Destinations() []DestinationInfo {
	all := make([]DestinationInfo, 0, len(r.destinations))
	for _, d := range r.destinations {
		all = append(all, d)
	}
	all = append(all, r.provided()...)
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// SyncType returns the sync type with the slug; a destination with one type needs no slug.
func (d DestinationInfo) SyncType(slug string) (SyncType, error) {
	if slug == "" && len(d.SyncTypes) == 1 {
		return d.SyncTypes[0], nil
	}
	for _, t := range d.SyncTypes {
		if t.Slug == slug {
			return t, nil
		}
	}
	return SyncType{}, fault.New(fault.CodeInvalid, "%s has no sync type %q", d.Name, slug)
}
