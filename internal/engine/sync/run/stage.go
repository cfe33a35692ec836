package run

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

// stage runs the model's query and writes its rows down, and compiles the mapping against the columns that
// the query has today (SY-37).
func (b *basic) stage(w *work) (err error) {
	src, err := b.openSource(b.drain, b.lease.run.WorkspaceID, w.bundle, b.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	q, err := w.bundle.ModelSpec.Query(src.Dialect())
	if err != nil {
		return err
	}
	q.Class = connector.WorkloadBatch
	q.Tag = b.tag()
	if u, ok := src.(connector.Unloader); ok {
		return b.stageFile(w, u, q)
	}
	return b.stageStream(w, src, q)
}

// openSource opens the source of a bundle.
func (e *Engine) openSource(ctx context.Context, workspaceID int64, b Bundle, log *slog.Logger) (connector.Source, error) {
	return e.open(ctx, workspaceID, b.Source, b.SourceSpec, log)
}

// OpenSource opens a source, whose secrets are in place, as runs do.
func (e *Engine) OpenSource(ctx context.Context, workspaceID int64, m Meta, s source.Spec) (connector.Source, error) {
	return e.open(ctx, workspaceID, m, s, e.Log)
}

func (e *Engine) open(ctx context.Context, workspaceID int64, m Meta, s source.Spec, log *slog.Logger) (connector.Source, error) {
	dir, err := e.privateDir("source", m.ID)
	if err != nil {
		return nil, err
	}
	return e.Connections.Source(ctx, workspaceID, s, connector.SourceOptions{Dir: dir, State: e.State.Of(workspaceID, "source", m.ID), Log: log})
}

// stageFile lets the source write a file of its own.
func (b *basic) stageFile(w *work, u connector.Unloader, q connector.Query) error {
	path := filepath.Join(b.dir, "model.parquet")
	if _, err := u.Unload(b.drain, q, path); err != nil {
		return err
	}
	schema, err := plan.FileSchema(path)
	if err != nil {
		return err
	}
	return b.stageRows(w, schema, plan.StageInput{File: path}, b.keepRows)
}

func (b *basic) stageStream(w *work, src connector.Source, q connector.Query) (err error) {
	if q.Results, err = b.results(w.bundle.SourceSpec.Type); err != nil {
		return err
	}
	if q.Results != nil {
		defer b.clearResults()
	}
	r, err := src.Query(b.drain, q)
	if err != nil {
		return err
	}
	defer r.Release()
	schema, err := value.SchemaOf(r.Schema())
	if err != nil {
		return fault.Wrap(err, fault.CodeSourceType, "reading the model's columns")
	}
	return b.stageRows(w, schema, plan.StageInput{Reader: r}, b.keepRows)
}

func (b *basic) keepRows(in plan.StageInput) (plan.Staged, error) {
	return b.Planner.Stage(b.drain, in)
}

// stageRows compiles the mapping and lets the engine stage what it needs.
func (x *execution) stageRows(w *work, schema value.Schema, in plan.StageInput, stage func(plan.StageInput) (plan.Staged, error)) error {
	if err := x.compile(w, schema); err != nil {
		return err
	}
	in.PrimaryKey = w.bundle.ModelSpec.PrimaryKey
	in.Columns, in.Compare = w.mapping.Referenced(), w.mapping.Compared()
	in.Dir = x.dir
	staged, err := stage(in)
	if err != nil {
		return err
	}
	w.staged = staged
	x.change(func(r *Run) { r.Counts.Read, r.Counts.NullKeys = staged.Read, staged.NullKeys })
	return nil
}

// compile builds the mapping from the columns that the query has, with the casts that the model says.
func (x *execution) compile(w *work, schema value.Schema) (err error) {
	w.columns = schema
	if w.mapping, err = compileMapping(w.bundle, w.kind, schema); err != nil {
		return err
	}
	hash := w.mapping.Hash()
	form, err := formOf(w.bundle, hash, x.lease.run.Pinned.Target)
	x.change(func(r *Run) { r.Pinned.Mapping, r.Pinned.Form = hash, form })
	return err
}

// compileMapping compiles a sync's mapping against the columns of schema.
func compileMapping(b Bundle, kind connector.SyncType, schema value.Schema) (*mapping.Mapping, error) {
	columns := make([]model.Column, len(schema))
	for i, c := range schema {
		columns[i] = model.Column{Name: c.Name, Type: c.Type, Native: c.Native}
		if known, ok := b.ModelSpec.Column(c.Name); ok {
			columns[i].Cast = known.Cast
		}
	}
	s := b.SyncSpec
	return mapping.Compile(mapping.Input{
		Columns: columns, PrimaryKey: b.ModelSpec.PrimaryKey, RowKey: b.ModelKey, Mappings: s.Mappings, AllColumns: s.AllColumns,
		Match: s.Match, Everything: kind.Compare == connector.CompareAll, Clear: kind.Mapping.Clear,
	})
}
