package resource

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// check decodes a write and reports every error of it.
func (s *Store) check(ctx context.Context, idb bun.IDB, sc Scope, k Kind, w Write, old any) (any, error) {
	spec, err := k.Decode(w.Spec)
	if err != nil {
		return nil, err
	}
	issues := checkMetadata(w)
	stored := storedAt(k, old)
	carry(k, spec, stored)
	kept := storedAt(k, spec)
	issues = append(issues, k.Validate(spec, func(path string) bool { return stored[path] != "" && kept[path] != "" })...)
	for _, r := range k.References(spec) {
		known, err := s.exists(ctx, idb, sc, r)
		if err != nil {
			return nil, err
		}
		if !known {
			issues.Add(r.Path, fault.CodeBadReference, "there is no %s %q", r.Kind, r.Slug)
		}
	}
	if k.Change != nil && old != nil {
		issues = append(issues, k.Change(old, spec)...)
	}
	if k.Related != nil {
		issues = append(issues, k.Related(spec, func(kind, slug string) (any, error) {
			d, err := s.one(ctx, idb, sc, kind, func(q *bun.SelectQuery) { q.Where("slug = ?", slug) }, slug)
			return d.Spec, err
		})...)
	}
	return spec, issues.Err()
}

func (s *Store) exists(ctx context.Context, idb bun.IDB, sc Scope, r Ref) (bool, error) {
	ok, err := idb.NewSelect().Table("documents").Where("workspace_id = ?", sc.WorkspaceID).
		Where("kind = ?", r.Kind).Where("slug = ?", r.Slug).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for the %s %q: %w", r.Kind, r.Slug, err)
	}
	return ok, nil
}

const maxName = 200

func checkMetadata(w Write) fault.Issues {
	var issues fault.Issues
	switch name := strings.TrimSpace(w.Name); {
	case name == "":
		issues.Add("metadata.name", fault.CodeRequired, "a name is required")
	case len(name) > maxName:
		issues.Add("metadata.name", fault.CodeInvalid, "the name is longer than %d bytes", maxName)
	}
	if folder := cleanPath(w.Folder); folder != "" {
		if err := checkPath(folder); err != nil {
			issues = append(issues, fault.As(err).WithPath("metadata.folder"))
		}
	}
	for _, label := range slices.Sorted(maps.Keys(w.Labels)) {
		checkLabel(label, w.Labels[label], &issues)
	}
	return issues
}

// labelPattern is what names and values of labels consist of (FOL-06).
var labelPattern = regexp.MustCompile(`^[\p{L}\p{M}\p{N} _-]*$`)

func checkLabel(name, v string, issues *fault.Issues) {
	path := "metadata.labels." + name
	switch {
	case strings.TrimSpace(name) == "":
		issues.Add("metadata.labels", fault.CodeInvalid, "a label needs a name")
	case len(name) > maxName || len(v) > maxName:
		issues.Add(path, fault.CodeInvalid, "the label is longer than %d bytes", maxName)
	case !labelPattern.MatchString(name) || !labelPattern.MatchString(v):
		issues.Add(path, fault.CodeInvalid, "a label consists of letters, digits, spaces, _ and -")
	}
}

// Validate reports every error of a write without writing.
func (s *Store) Validate(ctx context.Context, sc Scope, kind string, w Write) error {
	k, err := s.kinds.Kind(kind)
	if err != nil {
		return err
	}
	var old any
	if w.Slug != "" {
		row, _, err := s.row(ctx, s.db, sc, kind, func(q *bun.SelectQuery) { q.Where("slug = ?", w.Slug) }, w.Slug)
		switch {
		case err == nil:
			d, err := row.document(k)
			if err != nil {
				return err
			}
			old = d.Spec
		case !fault.Is(err, fault.CodeNotFound):
			return err
		}
	}
	_, err = s.check(ctx, s.db, sc, k, w, old)
	return err
}

// storedAt returns the ids of a spec's stored secrets by path.
func storedAt(k Kind, spec any) map[string]string {
	stored := map[string]string{}
	if k.Secrets == nil || spec == nil {
		return stored
	}
	k.Secrets(spec, func(p Place) {
		if id, ok := reference(p.Value); ok {
			stored[p.Path] = id
		}
	})
	return stored
}

// carry puts the stored secrets of a document into a spec that does not mention them, so that an update
// keeps what it leaves out. A secret that is sent as null or empty is removed.
func carry(k Kind, spec any, stored map[string]string) {
	if k.Secrets == nil || len(stored) == 0 {
		return
	}
	k.Secrets(spec, func(p Place) {
		if p.Absent && stored[p.Path] != "" {
			p.Set(map[string]any{SecretKey: stored[p.Path]})
		}
	})
}

// hide moves the secrets of a spec to their own table. What a reader sends back unchanged stays as it was;
// what is no longer referred to is removed.
func (s *Store) hide(ctx context.Context, tx bun.Tx, sc Scope, k Kind, spec, old any) error {
	if k.Secrets == nil {
		return nil
	}
	stored := storedAt(k, old)
	var failed error
	k.Secrets(spec, func(p Place) {
		if failed == nil {
			failed = s.hideOne(ctx, tx, sc, p, stored[p.Path])
		}
	})
	if failed != nil {
		return failed
	}
	return s.dropSecrets(ctx, tx, sc, k, old, storedAt(k, spec))
}

func (s *Store) hideOne(ctx context.Context, tx bun.Tx, sc Scope, p Place, before string) error {
	switch v := p.Value.(type) {
	case nil:
		return nil
	case string:
		if v == "" {
			return nil
		}
		id, err := s.store(ctx, tx, sc, v)
		if err != nil {
			return err
		}
		p.Set(map[string]any{SecretKey: id})
		return nil
	}
	if _, ok := reference(p.Value); !ok {
		return fault.New(fault.CodeInvalid, "a secret must be text").WithPath(p.Path)
	}
	if before == "" {
		return fault.New(fault.CodeInvalid, "there is no stored secret to keep; send the secret itself").WithPath(p.Path).
			WithSuggestion("In a file, write ${NAME} and set that environment variable, so that the secret does not stand in the file.")
	}
	p.Set(map[string]any{SecretKey: before})
	return nil
}

func purpose(sc Scope) string { return fmt.Sprintf("secrets of workspace %d", sc.WorkspaceID) }

func (s *Store) store(ctx context.Context, tx bun.Tx, sc Scope, text string) (string, error) {
	sealed, err := s.key.Seal(purpose(sc), text)
	if err != nil {
		return "", err
	}
	id := uuid.NewString()
	_, err = tx.NewRaw("INSERT INTO secrets (id, workspace_id, sealed, created_at) VALUES (?, ?, ?, ?)",
		id, sc.WorkspaceID, sealed, s.clock.Now().UnixMilli()).Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("storing a secret: %w", err)
	}
	return id, nil
}

// dropSecrets removes the secrets of a spec that another one does not keep.
func (s *Store) dropSecrets(ctx context.Context, tx bun.Tx, sc Scope, k Kind, spec any, kept map[string]string) error {
	keep := map[string]bool{}
	for _, id := range kept {
		keep[id] = true
	}
	for _, id := range storedAt(k, spec) {
		if keep[id] {
			continue
		}
		if _, err := tx.NewDelete().Table("secrets").Where("id = ?", id).Where("workspace_id = ?", sc.WorkspaceID).Exec(ctx); err != nil {
			return fmt.Errorf("removing a secret: %w", err)
		}
	}
	return nil
}

// fill puts the secrets of a spec in place.
func (s *Store) fill(ctx context.Context, sc Scope, k Kind, spec any) error {
	if k.Secrets == nil {
		return nil
	}
	var failed error
	k.Secrets(spec, func(p Place) {
		id, ok := reference(p.Value)
		if !ok || failed != nil {
			return
		}
		var sealed, text string
		if failed = s.db.NewSelect().Table("secrets").Column("sealed").Where("id = ?", id).Where("workspace_id = ?", sc.WorkspaceID).Scan(ctx, &sealed); failed != nil {
			failed = fault.Wrap(failed, fault.CodeSecret, "the secret of %s cannot be read", p.Path)
			return
		}
		if text, failed = s.key.Open(purpose(sc), sealed); failed == nil {
			p.Set(text)
		}
	})
	return failed
}

// CheckKey opens one of the stored secrets: a server that was given another key than the one that sealed them must not
// start.
func (s *Store) CheckKey(ctx context.Context) error {
	var rows []struct {
		WorkspaceID int64
		Sealed      string
	}
	if err := s.db.NewSelect().Table("secrets").Column("workspace_id", "sealed").Limit(1).Scan(ctx, &rows); err != nil {
		return fmt.Errorf("reading a secret: %w", err)
	}
	for _, r := range rows {
		if _, err := s.key.Open(purpose(Scope{WorkspaceID: r.WorkspaceID}), r.Sealed); err != nil {
			return fault.Wrap(err, fault.CodeSecret, "the secrets in the database were sealed with another encryption key")
		}
	}
	return nil
}

// Fill returns a spec that a person is writing with the secrets that a stored document keeps for it, so that a
// connection can be tried before it is saved. For engines only.
func (s *Store) Fill(ctx context.Context, sc Scope, kind, slug string, spec any) error {
	k, err := s.kinds.Kind(kind)
	if err != nil || k.Secrets == nil || slug == "" {
		return err
	}
	row, _, err := s.row(ctx, s.db, sc, kind, func(q *bun.SelectQuery) { q.Where("slug = ?", slug) }, slug)
	if err != nil {
		return err
	}
	d, err := row.document(k)
	if err != nil {
		return err
	}
	stored := storedAt(k, d.Spec)
	k.Secrets(spec, func(p Place) {
		if _, ok := reference(p.Value); (ok || p.Absent) && stored[p.Path] != "" {
			p.Set(map[string]any{SecretKey: stored[p.Path]})
		}
	})
	return s.fill(ctx, sc, k, spec)
}
