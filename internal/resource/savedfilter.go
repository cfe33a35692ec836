package resource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// SavedFilter is a set of filters of a kind's list that a person kept (FOL-05).
type SavedFilter struct {
	ID        int64
	Kind      string
	Name      string
	Query     string // as in the address of the list: status=failed&destination=crm
	Shared    bool   // everyone in the workspace sees it, not only who made it
	CreatedAt time.Time
	CreatedBy string
}

// savedFilterRow is a row of saved_filters.
type savedFilterRow struct {
	bun.BaseModel `bun:"table:saved_filters,alias:sf"`

	ID          int64  `bun:"id,pk"`
	WorkspaceID int64  `bun:"workspace_id"`
	Kind        string `bun:"kind"`
	Name        string `bun:"name"`
	Query       string `bun:"query"`
	Shared      bool   `bun:"shared"`
	CreatedAt   int64  `bun:"created_at"`
	CreatedBy   string `bun:"created_by"`
}

func (r savedFilterRow) filter() SavedFilter {
	return SavedFilter{ID: r.ID, Kind: r.Kind, Name: r.Name, Query: r.Query, Shared: r.Shared, CreatedAt: time.UnixMilli(r.CreatedAt).UTC(), CreatedBy: r.CreatedBy}
}

// maxQuery is how long a saved filter may be, in bytes.
const maxQuery = 8000

func (f SavedFilter) check() error {
	var issues fault.Issues
	switch {
	case f.Name == "":
		issues.Add("name", fault.CodeRequired, "a name is required")
	case len(f.Name) > maxName:
		issues.Add("name", fault.CodeInvalid, "the name is longer than %d bytes", maxName)
	}
	if _, err := url.ParseQuery(f.Query); err != nil || len(f.Query) > maxQuery {
		issues.Add("query", fault.CodeInvalid, "that is no query of at most %d bytes as an address has it", maxQuery)
	}
	return issues.Err()
}

// SavedFilters lists the filters of a kind that a person sees: the own ones, and those that are shared.
func (s *Store) SavedFilters(ctx context.Context, sc Scope, kind string) ([]SavedFilter, error) {
	k, err := s.kinds.Kind(kind)
	if err != nil {
		return nil, err
	}
	var rows []savedFilterRow
	err = s.db.NewSelect().Model(&rows).Where("workspace_id = ?", sc.WorkspaceID).Where("kind = ?", k.Name).
		Where("shared OR created_by = ?", sc.Actor).OrderExpr("lower(name), id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing saved filters: %w", err)
	}
	all := make([]SavedFilter, len(rows))
	for i, r := range rows {
		all[i] = r.filter()
	}
	return all, nil
}

// SaveFilter keeps a filter. A name that the person has used is fault.CodeConflict.
func (s *Store) SaveFilter(ctx context.Context, sc Scope, f SavedFilter) (SavedFilter, error) {
	k, err := s.kinds.Kind(f.Kind)
	if err != nil {
		return f, err
	}
	f.Name = strings.TrimSpace(f.Name)
	if err := f.check(); err != nil {
		return f, err
	}
	row := &savedFilterRow{WorkspaceID: sc.WorkspaceID, Kind: k.Name, Name: f.Name, Query: f.Query, Shared: f.Shared, CreatedAt: s.clock.Now().UnixMilli(), CreatedBy: sc.Actor}
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if row.ID, err = s.db.NextID(ctx, tx); err != nil {
			return err
		}
		if err := s.freeFilterName(ctx, tx, *row); err != nil {
			return err
		}
		_, err := tx.NewInsert().Model(row).Exec(ctx)
		return err
	})
	if err != nil {
		return f, err
	}
	return row.filter(), nil
}

func (s *Store) freeFilterName(ctx context.Context, tx bun.Tx, row savedFilterRow) error {
	taken, err := tx.NewSelect().Table("saved_filters").Where("workspace_id = ?", row.WorkspaceID).Where("kind = ?", row.Kind).
		Where("created_by = ?", row.CreatedBy).Where("name = ?", row.Name).Where("id <> ?", row.ID).Exists(ctx)
	if err != nil || !taken {
		return err
	}
	return fault.New(fault.CodeConflict, "you have a filter %q already", row.Name).WithPath("name").WithSuggestion("Choose another name, or change that filter.")
}

// ChangeFilter gives a filter another name, another query or other readers. Only who made it changes it; any adds those who
// may change the shared ones of others.
func (s *Store) ChangeFilter(ctx context.Context, sc Scope, f SavedFilter, anyShared bool) (SavedFilter, error) {
	f.Name = strings.TrimSpace(f.Name)
	if err := f.check(); err != nil {
		return f, err
	}
	var row savedFilterRow
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if row, err = s.ownFilter(ctx, tx, sc, f.ID, anyShared); err != nil {
			return err
		}
		row.Name, row.Query, row.Shared = f.Name, f.Query, f.Shared
		if err := s.freeFilterName(ctx, tx, row); err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model(&row).Column("name", "query", "shared").WherePK().Exec(ctx)
		return err
	})
	if err != nil {
		return f, err
	}
	return row.filter(), nil
}

// DropFilter removes a saved filter, as ChangeFilter changes one.
func (s *Store) DropFilter(ctx context.Context, sc Scope, id int64, anyShared bool) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, err := s.ownFilter(ctx, tx, sc, id, anyShared)
		if err != nil {
			return err
		}
		_, err = tx.NewDelete().Model(&row).WherePK().Exec(ctx)
		return err
	})
}

// ownFilter returns a filter that the person may change. One that the person does not even see is not there.
func (s *Store) ownFilter(ctx context.Context, tx bun.Tx, sc Scope, id int64, anyShared bool) (savedFilterRow, error) {
	var row savedFilterRow
	err := tx.NewSelect().Model(&row).Where("id = ?", id).Where("workspace_id = ?", sc.WorkspaceID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !row.Shared && row.CreatedBy != sc.Actor {
		return row, fault.New(fault.CodeNotFound, "there is no saved filter %d", id)
	}
	if err == nil && row.CreatedBy != sc.Actor && !anyShared {
		return row, fault.New(fault.CodeForbidden, "the filter %q is %s's: only that person and admins change it", row.Name, row.CreatedBy).
			WithSuggestion("Save the filters under a name of your own.")
	}
	return row, err
}
