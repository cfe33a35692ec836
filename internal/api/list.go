package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/alert"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// ListFilter chooses documents of a list. Several values of one filter are alternatives; of several filters, all must
// hold (FOL-05).
type ListFilter struct {
	Search      string   `query:"search" doc:"in names and slugs"`
	Label       []string `query:"label,explode" doc:"key:value; all of them"`
	NotLabel    []string `query:"notLabel,explode" doc:"key:value; none of them"`
	Folder      string   `query:"folder" doc:"with the folders in it"`
	CreatedBy   []string `query:"createdBy,explode" doc:"an email address"`
	Status      []string `query:"status,explode" doc:"state of syncs and sequences"`
	Alerts      string   `query:"alerts" doc:"of syncs: any, critical or warning for those with such an alert, none for those without"`
	Source      []string `query:"source,explode" doc:"slug"`
	Destination []string `query:"destination,explode" doc:"slug"`
	Model       []string `query:"model,explode" doc:"slug"`
	Type        []string `query:"type,explode" doc:"of sources, destinations and syncs: slug of a type"`
	Method      []string `query:"method,explode" doc:"of models: how they are described"`
	SourceType  []string `query:"sourceType,explode" doc:"of models: slug of their source's type"`
	Duplicates  string   `query:"duplicates" enum:"true,false," doc:"of models: whether the newest run of one of their syncs found primary keys that are not unique"`
	Sort        string   `query:"sort" doc:"name, slug, id, createdAt, updatedAt, createdBy, folder; of syncs also model, destination; of models source; of syncs and sequences status, lastRun; a leading - turns it round"`
}

type listInput struct {
	ListFilter

	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
}

// filter is what documents themselves say of it.
func (in ListFilter) filter() (resource.Filter, error) {
	f := resource.Filter{Search: in.Search, Folder: in.Folder, CreatedBy: in.CreatedBy, Sort: in.Sort}
	f.Fields = given(map[string][]string{"type": in.Type, "method": in.Method})
	f.AnyRef = given(map[string][]string{"source": in.Source, "destination": in.Destination, "model": in.Model})
	f.RefTypes = given(map[string][]string{"source": in.SourceType})
	if in.derivedSort() != "" {
		f.Sort = ""
	}
	var err error
	if f.Labels, err = labels("label", in.Label); err != nil {
		return f, err
	}
	f.NotLabels, err = labels("notLabel", in.NotLabel)
	return f, err
}

// given leaves the filters out that are not used.
func given(all map[string][]string) map[string][]string {
	for name, values := range all {
		if len(values) == 0 {
			delete(all, name)
		}
	}
	return all
}

// derivedSort is the order that depends on what became of documents; "" where it does not.
func (in ListFilter) derivedSort() string {
	if by := strings.TrimPrefix(in.Sort, "-"); by == "status" || by == "lastRun" {
		return by
	}
	return ""
}

// derived says that choosing takes what became of documents.
func (in ListFilter) derived(k resource.Kind) bool {
	switch k.Name {
	case "sync":
		return len(in.Status) > 0 || in.Alerts != "" || in.derivedSort() != ""
	case "sequence":
		return len(in.Status) > 0 || in.derivedSort() != ""
	case "model":
		return in.Duplicates != ""
	default:
		return false
	}
}

func (in ListFilter) check(k resource.Kind) error {
	states := map[string][]string{"sync": syncStates, "sequence": sequenceStates}[k.Name]
	for _, state := range in.Status {
		if states != nil && !slices.Contains(states, state) {
			return fault.New(fault.CodeInvalid, "there is no state %q; there are %s", state, strings.Join(states, ", ")).WithPath("status")
		}
	}
	if states == nil && in.derivedSort() != "" {
		return fault.New(fault.CodeInvalid, "%s have no order by %q", k.Plural, in.derivedSort()).WithPath("sort")
	}
	return checkAlertFilter(in.Alerts)
}

func (s *Server) listDocuments(ctx context.Context, k resource.Kind, in listInput) (*body[page[DocumentBody]], error) {
	offset, err := offsetOf(in.Cursor)
	if err != nil {
		return nil, err
	}
	documents, total, err := s.pageOf(ctx, k, in, offset)
	if err != nil {
		return nil, err
	}
	bodies, err := s.bodies(ctx, documents)
	if err != nil {
		return nil, err
	}
	return &body[page[DocumentBody]]{page[DocumentBody]{Items: bodies, Total: total, NextCursor: cursorAfter(offset, len(documents), total)}}, nil
}

// pageOf returns a page of documents and how many there are in all. What became of documents is no part of them, so that
// a page that depends on it is cut here.
func (s *Server) pageOf(ctx context.Context, k resource.Kind, in listInput, offset int) ([]resource.Document, int, error) {
	if !in.derived(k) && in.derivedSort() == "" {
		f, err := in.filter()
		if err != nil {
			return nil, 0, err
		}
		f.Offset, f.Limit = offset, in.Limit
		return s.Resources.List(ctx, scope(ctx), k.Name, f)
	}
	all, err := s.chosen(ctx, k, in.ListFilter)
	if err != nil {
		return nil, 0, err
	}
	from := min(offset, len(all))
	documents, err := s.byBriefs(ctx, k, all[from:min(from+in.Limit, len(all))])
	return documents, len(all), err
}

// byBriefs reads documents in the order of their briefs.
func (s *Server) byBriefs(ctx context.Context, k resource.Kind, briefs []resource.Brief) ([]resource.Document, error) {
	f := resource.Filter{IDs: make([]int64, len(briefs))}
	at := make(map[int64]int, len(briefs))
	for i, b := range briefs {
		f.IDs[i], at[b.ID] = b.ID, i
	}
	documents, _, err := s.Resources.List(ctx, scope(ctx), k.Name, f)
	slices.SortFunc(documents, func(a, b resource.Document) int { return cmp.Compare(at[a.ID], at[b.ID]) })
	return documents, err
}

// standing is what became of a document, as far as lists are about it.
type standing struct {
	state   string
	lastRun time.Time
}

// chosen lists every document that a filter chooses, in its order.
func (s *Server) chosen(ctx context.Context, k resource.Kind, in ListFilter) ([]resource.Brief, error) {
	if err := in.check(k); err != nil {
		return nil, err
	}
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	all, err := s.Resources.Briefs(ctx, scope(ctx), k.Name, f)
	if err != nil || !in.derived(k) {
		return all, err
	}
	if k.Name == "model" {
		return s.withDuplicates(ctx, all, in.Duplicates == "true")
	}
	stand, err := s.standings(ctx, k)
	if err != nil {
		return nil, err
	}
	if all, err = s.kept(ctx, k, in, all, stand); err != nil {
		return nil, err
	}
	in.order(all, stand)
	return all, nil
}

// kept leaves out what is in another state, or has other alerts, than the filter wants (FOL-02).
func (s *Server) kept(ctx context.Context, k resource.Kind, in ListFilter, all []resource.Brief, stand func(resource.Brief) standing) ([]resource.Brief, error) {
	var rollups map[int64]alert.Rollup
	if in.Alerts != "" {
		var err error
		if rollups, err = s.Alerts.Rollups(ctx, who(ctx).WorkspaceID, k.Name); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(all, func(b resource.Brief) bool {
		return len(in.Status) > 0 && !slices.Contains(in.Status, stand(b).state) || k.Name == "sync" && !alertMatches(in.Alerts, rollups[b.ID])
	}), nil
}

// order sorts by what became of documents; those that are alike stay in the order of their names.
func (in ListFilter) order(all []resource.Brief, stand func(resource.Brief) standing) {
	by := in.derivedSort()
	if by == "" {
		return
	}
	sign := 1
	if strings.HasPrefix(in.Sort, "-") {
		sign = -1
	}
	slices.SortStableFunc(all, func(a, b resource.Brief) int {
		x, y := stand(a), stand(b)
		if by == "status" {
			return sign * cmp.Compare(x.state, y.state)
		}
		return sign * x.lastRun.Compare(y.lastRun)
	})
}

// standings returns how each sync or sequence stands.
func (s *Server) standings(ctx context.Context, k resource.Kind) (func(resource.Brief) standing, error) {
	if k.Name == "sequence" {
		newest, err := s.Sequences.Newest(ctx, who(ctx).WorkspaceID)
		return func(b resource.Brief) standing {
			last := one(newest, b.ID)
			st := standing{}
			st.state, _ = sequenceState(last, b.Disabled)
			if last != nil {
				st.lastRun = later(last.CreatedAt, last.StartedAt)
			}
			return st
		}, err
	}
	newest, err := s.Runs.Newest(ctx, who(ctx).WorkspaceID)
	return func(b resource.Brief) standing {
		last := one(newest, b.ID)
		st := standing{}
		st.state, _ = syncState(last, b.Disabled)
		if last != nil {
			st.lastRun = later(last.CreatedAt, last.StartedAt)
		}
		return st
	}, err
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// one is a value of a map, nil where there is none.
func one[T any](all map[int64]T, id int64) *T {
	if v, there := all[id]; there {
		return &v
	}
	return nil
}

// listSyncs lists the syncs that keep says, by their newest run. A run is no part of a document, so that the page is cut
// here.
func (s *Server) listSyncs(ctx context.Context, f resource.Filter, keep func(*run.Run) bool) ([]resource.Document, error) {
	newest, err := s.Runs.Newest(ctx, who(ctx).WorkspaceID)
	if err != nil {
		return nil, err
	}
	offset, limit := f.Offset, f.Limit
	f.Offset, f.Limit = 0, 0
	all, _, err := s.Resources.List(ctx, scope(ctx), "sync", f)
	all = slices.DeleteFunc(all, func(d resource.Document) bool { return !keep(one(newest, d.ID)) })
	all = all[min(offset, len(all)):]
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return all, err
}

// withDuplicates keeps the models of which the newest run of a sync found primary keys that are not unique, or the others
// (FOL-03).
func (s *Server) withDuplicates(ctx context.Context, all []resource.Brief, wanted bool) ([]resource.Brief, error) {
	syncs, err := s.listSyncs(ctx, resource.Filter{}, func(last *run.Run) bool { return last != nil && last.Counts.Duplicates > 0 })
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, d := range syncs {
		found[d.Spec.(*sync.Spec).Model] = true //nolint:forcetypeassert // a sync's spec
	}
	return slices.DeleteFunc(all, func(b resource.Brief) bool { return found[b.Slug] != wanted }), nil
}

// SelectedBody is a document of a selection.
type SelectedBody struct {
	Slug string `json:"slug"`
	Name string `json:"name"`
}

// FacetsBody is what documents of a kind can be chosen by.
type FacetsBody struct {
	Labels   []LabelFacetBody   `json:"labels" nullable:"false"`
	Creators []CreatorFacetBody `json:"creators" nullable:"false"`
}

// LabelFacetBody is a label with the number of documents that have it.
type LabelFacetBody struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Count int    `json:"count"`
}

// CreatorFacetBody is a person with the number of documents that the person made.
type CreatorFacetBody struct {
	Email string `json:"email"`
	Count int    `json:"count"`
}

// choosing registers what helps to choose among the documents of a kind.
func (s *Server) choosing(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/select", "select-documents", "Name every document of a kind that a list's filters choose", nil), func(ctx context.Context, in *struct {
		ListFilter

		Kind string `query:"kind" required:"true" doc:"such as syncs"`
	}) (*body[page[SelectedBody]], error) {
		k, err := s.Resources.Kinds().Kind(in.Kind)
		if err != nil {
			return nil, err
		}
		all, err := s.chosen(ctx, k, in.ListFilter)
		p := page[SelectedBody]{Items: make([]SelectedBody, len(all)), Total: len(all)}
		for i, b := range all {
			p.Items[i] = SelectedBody{Slug: b.Slug, Name: b.Name}
		}
		return &body[page[SelectedBody]]{p}, err
	})
	register(s, api, op(http.MethodGet, "/api/facets", "get-facets", "Say what documents of a kind can be chosen by", nil), func(ctx context.Context, in *struct {
		Kind string `query:"kind" required:"true" doc:"such as syncs"`
	}) (*body[FacetsBody], error) {
		f, err := s.Resources.Facets(ctx, scope(ctx), in.Kind)
		b := FacetsBody{Labels: make([]LabelFacetBody, len(f.Labels)), Creators: make([]CreatorFacetBody, len(f.Creators))}
		for i, l := range f.Labels {
			b.Labels[i] = LabelFacetBody{Key: l.Name, Value: l.Value, Count: l.N}
		}
		for i, c := range f.Creators {
			b.Creators[i] = CreatorFacetBody{Email: c.Actor, Count: c.N}
		}
		return &body[FacetsBody]{b}, err
	})
}
