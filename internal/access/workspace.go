package access

import (
	"context"
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// Workspace is one that a person is a member of.
type Workspace struct {
	ID     int64
	Slug   string // unique on the server
	Name   string
	Region string
	Role   string // the person's
}

// Workspaces lists the workspaces of a person by their names.
func (s *Store) Workspaces(ctx context.Context, userID int64) ([]Workspace, error) {
	all := []Workspace{}
	err := s.db.NewSelect().TableExpr("members AS m").ColumnExpr("w.id, w.slug, w.name, w.region, m.role").
		Join("JOIN workspaces AS w ON w.id = m.workspace_id").Where("m.user_id = ?", userID).OrderExpr("lower(w.name), w.id").Scan(ctx, &all)
	if err != nil {
		return nil, fmt.Errorf("listing the workspaces of a person: %w", err)
	}
	return all, nil
}

// mostName is how many characters the name of a workspace has at most.
const mostName = 100

// MakeWorkspace makes a workspace with the name, the slug and the region of w, and whoever makes it an admin of it. Where
// the slug is not fixed, a number behind it makes it unique.
func (s *Store) MakeWorkspace(ctx context.Context, by Identity, w Workspace, fixed bool) (Workspace, error) {
	w.Name, w.Role = strings.TrimSpace(w.Name), RoleAdmin
	switch {
	case by.Role != RoleAdmin:
		return w, fault.New(fault.CodeForbidden, "only an admin makes workspaces")
	case w.Name == "" || len([]rune(w.Name)) > mostName:
		return w, fault.New(fault.CodeInvalid, "a workspace has a name of at most %d characters", mostName).WithPath("name")
	}
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if w.Slug, err = freeSlug(ctx, tx, w.Slug, fixed); err != nil {
			return err
		}
		if w.ID, err = s.db.NextID(ctx, tx); err != nil {
			return err
		}
		_, err = tx.NewRaw("INSERT INTO workspaces (id, organization_id, slug, name, region, created_at) SELECT ?, organization_id, ?, ?, ?, ? FROM workspaces WHERE id = ?",
			w.ID, w.Slug, w.Name, w.Region, s.clock.Now().UnixMilli(), by.WorkspaceID).Exec(ctx)
		if err != nil {
			return fmt.Errorf("making a workspace: %w", err)
		}
		if _, err := tx.NewRaw("INSERT INTO members (workspace_id, user_id, role) VALUES (?, ?, ?)", w.ID, by.UserID, w.Role).Exec(ctx); err != nil {
			return fmt.Errorf("making the first member of a workspace: %w", err)
		}
		return nil
	})
	return w, err
}

// freeSlug returns the slug, or the next that no workspace has.
func freeSlug(ctx context.Context, tx bun.Tx, slug string, fixed bool) (string, error) {
	base := slug
	for n := 2; ; n++ {
		taken, err := tx.NewSelect().Table("workspaces").Where("slug = ?", slug).Exists(ctx)
		if err != nil {
			return "", fmt.Errorf("looking for the slug %q: %w", slug, err)
		}
		if !taken {
			return slug, nil
		}
		if fixed {
			return "", fault.New(fault.CodeConflict, "there is a workspace %q already", slug).WithPath("slug").WithSuggestion("Choose another slug.")
		}
		slug = fmt.Sprintf("%s-%d", base, n)
	}
}

// Enter moves a session to another workspace of its person. Its CSRF token becomes another one, so that a page that still
// shows the workspace before changes nothing in this one.
func (s *Store) Enter(ctx context.Context, token, slug string) (Identity, error) {
	id, err := s.Session(ctx, token)
	if err != nil {
		return id, err
	}
	all, err := s.Workspaces(ctx, id.UserID)
	if err != nil {
		return id, err
	}
	for _, w := range all {
		if w.Slug != slug {
			continue
		}
		csrf, err := randomText(24)
		if err != nil {
			return id, err
		}
		if _, err := s.db.NewUpdate().Table("sessions").Set("workspace_id = ?", w.ID).Set("csrf = ?", csrf).Where("token_hash = ?", hashToken(token)).Exec(ctx); err != nil {
			return id, fmt.Errorf("entering a workspace: %w", err)
		}
		return s.Session(ctx, token)
	}
	return id, fault.New(fault.CodeNotFound, "you are a member of no workspace %q", slug).WithSuggestion("Choose one of your workspaces.")
}
