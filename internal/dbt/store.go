// Package dbt keeps what manifests say of dbt projects, and finds for a model what its rows are read with. A manifest
// takes the place of the one before as a whole: until it is in, the earlier one counts.
package dbt

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/dbt/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// Limits of manifests.
const (
	MaxBytes = 200 << 20
	maxNodes = 100_000
	chunk    = 100 // nodes in one statement
)

// Store keeps manifests in the tables dbt_manifests and dbt_nodes.
type Store struct {
	db    *db.DB
	clock clock.Clock
}

// NewStore returns a store in the database.
func NewStore(d *db.DB, c clock.Clock) *Store { return &Store{d, c} }

// Manifest is what is known of a project's manifest.
type Manifest struct {
	manifest.Metadata

	Models   int
	Analyses int
	Bytes    int64
	LoadedAt time.Time
	LoadedBy string
}

type manifestRow struct {
	bun.BaseModel `bun:"table:dbt_manifests,alias:m"`

	ProjectID   int64  `bun:"project_id,pk"`
	WorkspaceID int64  `bun:"workspace_id"`
	Load        string `bun:"load"`
	Version     int64  `bun:"version"`
	DBT         string `bun:"dbt_version"`
	Adapter     string `bun:"adapter"`
	Project     string `bun:"project"`
	Models      int64  `bun:"models"`
	Analyses    int64  `bun:"analyses"`
	Bytes       int64  `bun:"bytes"`
	GeneratedAt int64  `bun:"generated_at"`
	LoadedAt    int64  `bun:"loaded_at"`
	LoadedBy    string `bun:"loaded_by"`
}

func (r manifestRow) manifest() Manifest {
	return Manifest{
		Metadata: manifest.Metadata{Version: int(r.Version), DBT: r.DBT, Adapter: r.Adapter, Project: r.Project, GeneratedAt: clock.FromMillis(r.GeneratedAt)},
		Models:   int(r.Models), Analyses: int(r.Analyses), Bytes: r.Bytes, LoadedAt: clock.FromMillis(r.LoadedAt), LoadedBy: r.LoadedBy,
	}
}

type nodeRow struct {
	bun.BaseModel `bun:"table:dbt_nodes,alias:n"`

	ProjectID int64  `bun:"project_id,pk"`
	Load      string `bun:"load,pk"`
	UniqueID  string `bun:"unique_id,pk"`
	Name      string `bun:"name"`
	Node      string `bun:"node"` // a manifest.Node as JSON
	Code      string `bun:"code"`
	Columns   string `bun:"columns"`
}

func (r nodeRow) node() (n manifest.Node, err error) {
	if err := json.Unmarshal([]byte(r.Node), &n); err != nil {
		return n, fmt.Errorf("reading the dbt model %q: %w", r.UniqueID, err)
	}
	n.Code, n.Columns = r.Code, []manifest.Column{}
	if r.Columns == "" {
		return n, nil
	}
	if err := json.Unmarshal([]byte(r.Columns), &n.Columns); err != nil {
		return n, fmt.Errorf("reading the columns of the dbt model %q: %w", r.UniqueID, err)
	}
	return n, nil
}

// Project names a project's document.
type Project struct {
	WorkspaceID int64
	ID          int64
	Actor       string // who loads its manifest
}

// Load reads a manifest and puts it in the place of the project's earlier one, which stays if this one cannot be read.
func (s *Store) Load(ctx context.Context, p Project, r io.Reader) (Manifest, error) {
	l := &load{store: s, project: p, id: uuid.NewString(), seen: map[string]bool{}, counted: &counted{from: r, ctx: ctx}}
	meta, err := manifest.Read(l.counted, func(n manifest.Node) error { return l.take(ctx, n) })
	if err == nil {
		err = l.flush(ctx)
	}
	m := Manifest{Metadata: meta, Models: l.models, Analyses: l.analyses, Bytes: l.counted.n, LoadedAt: s.clock.Now(), LoadedBy: p.Actor}
	if err == nil {
		err = l.swap(ctx, m)
	}
	if err != nil {
		return Manifest{}, errors.Join(err, l.undo(context.WithoutCancel(ctx)))
	}
	return m, nil
}

// counted reads no more than a manifest may have.
type counted struct {
	from io.Reader
	ctx  context.Context //nolint:containedctx // it lives as long as one load
	n    int64
}

func (c *counted) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.from.Read(b)
	if c.n += int64(n); c.n > MaxBytes {
		return 0, fault.New(fault.CodeTooLarge, "the manifest is larger than %d MB", MaxBytes>>20).
			WithSuggestion("Leave out what no model needs: dbt compile --select, or a project of its own.")
	}
	return n, err
}

// load is a manifest on its way in. Nobody sees its nodes before the swap.
type load struct {
	store   *Store
	project Project
	id      string
	counted *counted
	seen    map[string]bool
	waiting []nodeRow

	models, analyses int
}

func (l *load) take(ctx context.Context, n manifest.Node) error {
	if l.seen[n.ID] {
		return fault.New(fault.CodeDBTManifest, "the manifest has two nodes %q", n.ID)
	}
	if len(l.seen) >= maxNodes {
		return fault.New(fault.CodeTooLarge, "the manifest has more than %d models", maxNodes)
	}
	l.seen[n.ID] = true
	if n.Type == manifest.TypeModel {
		l.models++
	} else {
		l.analyses++
	}
	node, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encoding a dbt model: %w", err)
	}
	columns, err := json.Marshal(n.Columns)
	if err != nil {
		return fmt.Errorf("encoding the columns of a dbt model: %w", err)
	}
	l.waiting = append(l.waiting, nodeRow{ProjectID: l.project.ID, Load: l.id, UniqueID: n.ID, Name: n.Name, Node: string(node), Code: n.Code, Columns: string(columns)})
	if len(l.waiting) < chunk {
		return nil
	}
	return l.flush(ctx)
}

func (l *load) flush(ctx context.Context) error {
	if len(l.waiting) == 0 {
		return nil
	}
	if _, err := l.store.db.NewInsert().Model(&l.waiting).Exec(ctx); err != nil {
		return fmt.Errorf("keeping dbt models: %w", err)
	}
	l.waiting = l.waiting[:0]
	return nil
}

// swap makes this load the project's. Another load that came first may have removed its nodes.
func (l *load) swap(ctx context.Context, m Manifest) error {
	return l.store.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row := manifestRow{
			ProjectID: l.project.ID, WorkspaceID: l.project.WorkspaceID, Load: l.id, Version: int64(m.Version), DBT: m.DBT, Adapter: m.Adapter, Project: m.Project,
			Models: int64(m.Models), Analyses: int64(m.Analyses), Bytes: m.Bytes, GeneratedAt: clock.Millis(m.GeneratedAt), LoadedAt: clock.Millis(m.LoadedAt), LoadedBy: m.LoadedBy,
		}
		_, err := tx.NewInsert().Model(&row).On("CONFLICT (project_id) DO UPDATE").
			Set("load = EXCLUDED.load, version = EXCLUDED.version, dbt_version = EXCLUDED.dbt_version, adapter = EXCLUDED.adapter, project = EXCLUDED.project").
			Set("models = EXCLUDED.models, analyses = EXCLUDED.analyses, bytes = EXCLUDED.bytes").
			Set("generated_at = EXCLUDED.generated_at, loaded_at = EXCLUDED.loaded_at, loaded_by = EXCLUDED.loaded_by").Exec(ctx)
		if err != nil {
			return fmt.Errorf("keeping a manifest: %w", err)
		}
		n, err := tx.NewSelect().Model((*nodeRow)(nil)).Where("project_id = ?", l.project.ID).Where("load = ?", l.id).Count(ctx)
		if err != nil {
			return fmt.Errorf("counting dbt models: %w", err)
		}
		if n != int64(len(l.seen)) {
			return fault.New(fault.CodeConflict, "another manifest of the project was loaded meanwhile").WithSuggestion("Load the manifest again.")
		}
		if _, err := tx.NewDelete().Model((*nodeRow)(nil)).Where("project_id = ?", l.project.ID).Where("load <> ?", l.id).Exec(ctx); err != nil {
			return fmt.Errorf("removing earlier dbt models: %w", err)
		}
		return nil
	})
}

func (l *load) undo(ctx context.Context) error {
	if _, err := l.store.db.NewDelete().Model((*nodeRow)(nil)).Where("project_id = ?", l.project.ID).Where("load = ?", l.id).Exec(ctx); err != nil {
		return fmt.Errorf("removing dbt models that did not come to their end: %w", err)
	}
	return nil
}

// Manifest returns what is known of a project's manifest; ok is false where there is none.
func (s *Store) Manifest(ctx context.Context, workspaceID, projectID int64) (m Manifest, ok bool, err error) {
	var row manifestRow
	err = s.db.NewSelect().Model(&row).Where("m.project_id = ?", projectID).Where("m.workspace_id = ?", workspaceID).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return m, false, nil
	case err != nil:
		return m, false, fmt.Errorf("reading the manifest of dbt project %d: %w", projectID, err)
	default:
		return row.manifest(), true, nil
	}
}

// Filter says which nodes are listed.
type Filter struct {
	Search string // in unique IDs, in any case
	Offset int
	Limit  int
}

// Nodes lists the nodes of a project by their names, without code and columns, and counts all that fit.
func (s *Store) Nodes(ctx context.Context, workspaceID, projectID int64, f Filter) ([]manifest.Node, int, error) {
	var rows []nodeRow
	q := s.current(&rows, workspaceID, projectID).Column("n.unique_id", "n.node").Order("n.name", "n.unique_id").Offset(int64(f.Offset)).Limit(int64(f.Limit))
	if f.Search != "" {
		q.Where("LOWER(n.unique_id) LIKE ? ESCAPE '!'", "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(f.Search))+"%")
	}
	total, err := q.ScanAndCount(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("listing the models of dbt project %d: %w", projectID, err)
	}
	all := make([]manifest.Node, len(rows))
	for i, row := range rows {
		if all[i], err = row.node(); err != nil {
			return nil, 0, err
		}
	}
	return all, int(total), nil
}

// Node returns a node of a project.
func (s *Store) Node(ctx context.Context, workspaceID, projectID int64, id string) (n manifest.Node, found bool, err error) {
	var rows []nodeRow
	if err := s.current(&rows, workspaceID, projectID).Where("n.unique_id = ?", id).Limit(1).Scan(ctx); err != nil {
		return n, false, fmt.Errorf("reading the dbt model %q: %w", id, err)
	}
	if len(rows) == 0 {
		return n, false, nil
	}
	n, err = rows[0].node()
	return n, err == nil, err
}

// current selects from the nodes of a project's manifest.
func (s *Store) current(rows *[]nodeRow, workspaceID, projectID int64) *bun.SelectQuery {
	return s.db.NewSelect().Model(rows).Join("JOIN dbt_manifests AS m ON m.project_id = n.project_id AND m.load = n.load").
		Where("n.project_id = ?", projectID).Where("m.workspace_id = ?", workspaceID)
}
