package api

import (
	"context"

	"github.com/millrace/millrace/internal/alert"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/engine/timetable"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/resource"
)

// memory keeps what the documents of one page have in common, so that a page of syncs takes a few queries, not several
// for each sync. It lives as long as the request.
type memory struct {
	documents map[[2]string]found // by kind and slug
	suspended map[string]*string  // by the destination's slug
	newest    map[int64]run.Run   // of syncs; nil: not read
	entries   map[int64]timetable.Entry
	rollups   map[int64]alert.Rollup
}

type found struct {
	d   resource.Document
	err error
}

func memoryOf(ctx context.Context) *memory {
	m, _ := ctx.Value(keyMemory).(*memory)
	return m
}

// remember reads at once what the documents of a page are asked for one by one.
func (s *Server) remember(ctx context.Context, documents []resource.Document) (context.Context, error) {
	if len(documents) < 2 {
		return ctx, nil
	}
	m := &memory{documents: map[[2]string]found{}, suspended: map[string]*string{}}
	ctx = context.WithValue(ctx, keyMemory, m)
	if kind := documents[0].Kind; kind != "sync" && kind != "sequence" {
		return ctx, nil
	}
	ids := make([]int64, len(documents))
	for i, d := range documents {
		ids[i] = d.ID
	}
	workspace := who(ctx).WorkspaceID
	var err error
	if m.entries, err = s.Timetable.LookAll(ctx, workspace, ids); err != nil || documents[0].Kind != "sync" {
		return ctx, err
	}
	if m.newest, err = s.Runs.NewestOf(ctx, workspace, ids); err != nil {
		return ctx, err
	}
	m.rollups, err = s.Alerts.Rollups(ctx, workspace, documents[0].Kind)
	return ctx, err
}

// look reads a document, once for a page.
func (s *Server) look(ctx context.Context, kind, slug string) (resource.Document, error) {
	m := memoryOf(ctx)
	if m == nil {
		return s.Resources.Get(ctx, scope(ctx), kind, slug)
	}
	key := [2]string{kind, slug}
	f, known := m.documents[key]
	if !known {
		f.d, f.err = s.Resources.Get(ctx, scope(ctx), kind, slug)
		m.documents[key] = f
	}
	return f.d, f.err
}

// latest returns the newest run of a sync, nil when it never ran.
func (s *Server) latest(ctx context.Context, syncID int64) (*run.Run, error) {
	if m := memoryOf(ctx); m != nil && m.newest != nil {
		return one(m.newest, syncID), nil
	}
	return s.Runs.Latest(ctx, who(ctx).WorkspaceID, syncID)
}

// timetabled returns what the timetable knows of a document.
func (s *Server) timetabled(ctx context.Context, id int64) (timetable.Entry, error) {
	if m := memoryOf(ctx); m != nil && m.entries != nil {
		return m.entries[id], nil
	}
	return s.Timetable.Look(ctx, who(ctx).WorkspaceID, id)
}

// rolledUp sums the alerts of a document up.
func (s *Server) rolledUp(ctx context.Context, d resource.Document) (alert.Rollup, error) {
	m := memoryOf(ctx)
	if m == nil || m.rollups == nil {
		return s.Alerts.Rollup(ctx, who(ctx).WorkspaceID, d.Kind, d.ID)
	}
	if r, alerting := m.rollups[d.ID]; alerting {
		return r, nil
	}
	return alert.Rollup{Level: alerting.OK}, nil
}
