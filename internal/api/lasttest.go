package api

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/storage"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// LastTestBody is what the last connection test of a saved document said.
type LastTestBody struct {
	OK    bool   `json:"ok"`
	At    string `json:"at"`
	Error string `json:"error,omitempty" doc:"the driver's own words"`
}

// lastTest reads what the last connection test of a document said; nil when its configuration was not tested.
func (s *Server) lastTest(ctx context.Context, d resource.Document) (*LastTestBody, error) {
	var row struct {
		OK       bool   `bun:"ok"`
		Error    string `bun:"error"`
		TestedAt int64  `bun:"tested_at"`
	}
	err := s.DB.NewSelect().Table("connection_tests").Column("ok", "error", "tested_at").
		Where("document_id = ?", d.ID).Where("workspace_id = ?", who(ctx).WorkspaceID).Scan(ctx, &row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // it was not tested
	}
	if err != nil {
		return nil, fmt.Errorf("reading the last connection test of %q: %w", d.Slug, err)
	}
	return &LastTestBody{OK: row.OK, At: stamp(clock.FromMillis(row.TestedAt)), Error: row.Error}, nil
}

// noteTest remembers the result of a connection test when what was tested is what the document holds. spec has
// its secrets in place.
func (s *Server) noteTest(ctx context.Context, kind, slug string, spec any, t TestBody) {
	if slug == "" {
		return
	}
	d, err := s.Resources.Resolve(ctx, scope(ctx), kind, slug)
	if err != nil || !bytes.Equal(tested(d.Spec), tested(spec)) {
		return // what was tested is being written
	}
	words := ""
	if t.Error != nil {
		words = t.Error.Message
	}
	_, err = s.DB.NewRaw(`INSERT INTO connection_tests (document_id, workspace_id, ok, error, tested_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (document_id) DO UPDATE SET ok = excluded.ok, error = excluded.error, tested_at = excluded.tested_at`,
		d.ID, who(ctx).WorkspaceID, t.OK, words, s.Clock.Now().UnixMilli()).Exec(ctx)
	if err != nil {
		s.Log.Error("noting a connection test", "request", requestID(ctx), "error", err) // the test's result matters more
	}
}

// forgetTest removes the result of a connection test when the connection changes.
func forgetTest(ctx context.Context, tx bun.Tx, u resource.Updated) error {
	if bytes.Equal(tested(u.Before.Spec), tested(u.Stored)) {
		return nil
	}
	_, err := tx.NewDelete().Table("connection_tests").Where("document_id = ?", u.Before.ID).Where("workspace_id = ?", u.Scope.WorkspaceID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("forgetting a connection test: %w", err)
	}
	return nil
}

// tested is the part of a spec that a connection test is about, as text that can be compared; nothing for
// kinds without one.
func tested(spec any) []byte {
	var part any
	switch spec := spec.(type) {
	case *source.Spec:
		part = []any{spec.Type, settingsOf(spec.Configuration), spec.Tunnel, cmp.Or(spec.Engine, connector.EngineBasic)}
	case *destination.Spec:
		part = []any{spec.Type, settingsOf(spec.Configuration), spec.Tunnel}
	case *credential.Spec:
		part = []any{spec.Type, settingsOf(spec.Configuration)}
	case *storage.Spec:
		part = []any{spec.Type, settingsOf(spec.Configuration)}
	default:
		return nil
	}
	text, err := json.Marshal(part)
	if err != nil {
		return nil
	}
	return text
}

// settingsOf makes no difference between a configuration that is absent and one without settings.
func settingsOf(configuration map[string]any) map[string]any {
	if configuration == nil {
		return map[string]any{}
	}
	return configuration
}
