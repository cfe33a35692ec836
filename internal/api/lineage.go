package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/engine/sequence"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	kindsequence "github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// lineageKinds are the kinds that rows pass through, and sequences, which start syncs.
var lineageKinds = []string{"source", "model", "sequence", "sync", "destination"}

// LineageNodeBody is a document that rows pass through.
type LineageNodeBody struct {
	ID    string `json:"id" doc:"kind/slug"`
	Kind  string `json:"kind" enum:"source,model,sequence,sync,destination"`
	Slug  string `json:"slug"`
	Name  string `json:"name"`
	Type  string `json:"type,omitempty" doc:"of sources and destinations: slug of the connector"`
	State string `json:"state,omitempty" doc:"of syncs and sequences, as in their status"`
	Label string `json:"label,omitempty" doc:"the state in words"`
}

// LineageEdgeBody leads from a document to one that takes rows from it, or that it starts.
type LineageEdgeBody struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// LineageBody is how the documents of a workspace hang together.
type LineageBody struct {
	Nodes []LineageNodeBody `json:"nodes" nullable:"false"`
	Edges []LineageEdgeBody `json:"edges" nullable:"false"`
}

type lineageInput struct {
	Kind string `query:"kind" enum:"source,model,sequence,sync,destination" doc:"with a slug: only what that document's rows come from and go to"`
	Slug string `query:"slug"`
}

func (s *Server) lineages(api huma.API) {
	register(s, api, op(http.MethodGet, "/api/lineage", "get-lineage", "Say where rows come from and go to", nil), func(ctx context.Context, in *lineageInput) (*body[LineageBody], error) {
		b, err := s.lineage(ctx, *in)
		return &body[LineageBody]{b}, err
	})
}

// lineage returns the graph of a workspace, or of one document.
func (s *Server) lineage(ctx context.Context, in lineageInput) (LineageBody, error) {
	if (in.Kind == "") != (in.Slug == "") {
		return LineageBody{}, fault.New(fault.CodeInvalid, "a document is named by its kind and its slug: one of them is missing").WithSuggestion("Send both kind and slug, or neither.")
	}
	states, err := s.lineageStates(ctx)
	if err != nil {
		return LineageBody{}, err
	}
	all := LineageBody{Nodes: []LineageNodeBody{}, Edges: []LineageEdgeBody{}}
	for _, kind := range lineageKinds {
		documents, _, err := s.Resources.List(ctx, scope(ctx), kind, resource.Filter{})
		if err != nil {
			return all, err
		}
		for _, d := range documents {
			node, edges := states.node(d)
			all.Nodes, all.Edges = append(all.Nodes, node), append(all.Edges, edges...)
		}
	}
	if in.Kind == "" {
		return all, nil
	}
	id := lineageID(in.Kind, in.Slug)
	if !slices.ContainsFunc(all.Nodes, func(n LineageNodeBody) bool { return n.ID == id }) {
		return all, notFound("there is no %s %q", in.Kind, in.Slug)
	}
	return all.of(id), nil
}

// lineageStates are the newest runs, which say how syncs and sequences are.
type lineageStates struct {
	syncs     map[int64]run.Run
	sequences map[int64]sequence.Run
}

func (s *Server) lineageStates(ctx context.Context) (lineageStates, error) {
	syncs, err := s.Runs.Newest(ctx, who(ctx).WorkspaceID)
	if err != nil {
		return lineageStates{}, err
	}
	sequences, err := s.Sequences.Newest(ctx, who(ctx).WorkspaceID)
	return lineageStates{syncs, sequences}, err
}

// node returns a document as a part of the graph, and what leads to it or from it by what it says itself.
func (l lineageStates) node(d resource.Document) (LineageNodeBody, []LineageEdgeBody) {
	n := LineageNodeBody{ID: lineageID(d.Kind, d.Slug), Kind: d.Kind, Slug: d.Slug, Name: d.Name}
	var edges []LineageEdgeBody
	switch spec := d.Spec.(type) {
	case *source.Spec:
		n.Type = spec.Type
	case *destination.Spec:
		n.Type = spec.Type
	case *model.Spec:
		edges = append(edges, LineageEdgeBody{lineageID("source", spec.Source), n.ID})
	case *sync.Spec:
		n.State, n.Label = syncState(newestOf(l.syncs, d.ID), spec.Disabled)
		edges = append(edges, LineageEdgeBody{lineageID("model", spec.Model), n.ID}, LineageEdgeBody{n.ID, lineageID("destination", spec.Destination)})
	case *kindsequence.Spec:
		n.State, n.Label = sequenceState(newestOf(l.sequences, d.ID), spec.Disabled)
		for _, step := range spec.Steps {
			if e := (LineageEdgeBody{n.ID, lineageID("sync", step.Sync)}); !slices.Contains(edges, e) {
				edges = append(edges, e)
			}
		}
	}
	return n, edges
}

// newestOf returns the newest run of what has a number; nil where it never ran.
func newestOf[R any](runs map[int64]R, id int64) *R {
	if r, ran := runs[id]; ran {
		return &r
	}
	return nil
}

func lineageID(kind, slug string) string { return kind + "/" + slug }

// of returns the part of the graph that a document is in: all that leads to it and from it, and the same of each sync
// among these, so that the sequences that start a sync are there whichever document is asked about.
func (b LineageBody) of(id string) LineageBody {
	onward, back := map[string][]string{}, map[string][]string{}
	for _, e := range b.Edges {
		onward[e.From], back[e.To] = append(onward[e.From], e.To), append(back[e.To], e.From)
	}
	kept := map[string]bool{}
	for _, near := range []map[string][]string{onward, back} {
		walk(near, id, kept)
	}
	for _, n := range b.Nodes {
		if n.Kind == "sync" && kept[n.ID] {
			walk(onward, n.ID, kept)
			walk(back, n.ID, kept)
		}
	}
	part := LineageBody{Nodes: []LineageNodeBody{}, Edges: []LineageEdgeBody{}}
	for _, n := range b.Nodes {
		if kept[n.ID] {
			part.Nodes = append(part.Nodes, n)
		}
	}
	for _, e := range b.Edges {
		if kept[e.From] && kept[e.To] {
			part.Edges = append(part.Edges, e)
		}
	}
	return part
}

// walk adds a node and all that can be reached from it. No path is longer than the kinds are many.
func walk(near map[string][]string, id string, reached map[string]bool) {
	reached[id] = true
	for _, next := range near[id] {
		walk(near, next, reached)
	}
}
