package resource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// Outcome is what became of one of many documents.
type Outcome struct {
	Slug string
	Err  error // why nothing became of it
}

// each does something with documents of a kind, in one transaction. Those of which nothing can become are named, and keep
// no other back. With dryRun everything is taken back.
func (s *Store) each(ctx context.Context, sc Scope, kind string, slugs []string, dryRun bool, f func(ctx context.Context, tx bun.Tx, k Kind, row documentRow) error) ([]Outcome, error) {
	outcomes := make([]Outcome, len(slugs))
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for i, slug := range slugs {
			// A part of a transaction of its own, so that a statement that fails does not end the whole.
			err := tx.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				row, k, err := s.locked(ctx, tx, sc, kind, slug)
				if err != nil {
					return err
				}
				return f(ctx, tx, k, row)
			})
			outcomes[i] = Outcome{Slug: slug, Err: err}
			if err != nil && !isFault(err) {
				return err
			}
		}
		if dryRun {
			return errDryRun
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return nil, err
	}
	return outcomes, nil
}

// isFault says that an error is about the document, not about the database.
func isFault(err error) bool {
	if _, ok := errors.AsType[fault.Issues](err); ok {
		return true
	}
	_, ok := errors.AsType[*fault.Error](err)
	return ok
}

// File moves documents of a kind into a folder, or out of any with "", and with them what moves along: the model of a
// sync (FOL-01).
func (s *Store) File(ctx context.Context, sc Scope, kind string, slugs []string, folder string) ([]Outcome, error) {
	folder = cleanPath(folder)
	if folder != "" {
		if err := checkPath(folder); err != nil {
			return nil, fault.As(err).WithPath("folder")
		}
	}
	return s.each(ctx, sc, kind, slugs, false, func(ctx context.Context, tx bun.Tx, k Kind, row documentRow) error {
		if folder != "" {
			if err := s.ensureFolder(ctx, tx, sc, folder); err != nil {
				return err
			}
		}
		if err := s.refile(ctx, tx, sc, filing{folder: bun.SafeQuery("?", folder), where: bun.SafeQuery("id = ?", row.ID), summary: filedInto(folder)}); err != nil {
			return err
		}
		return s.fileAlong(ctx, tx, sc, k, row, folder)
	})
}

func filedInto(folder string) string {
	if folder == "" {
		return "moved out of its folder"
	}
	return "moved to the folder " + folder
}

// fileAlong moves what moves along with a document.
func (s *Store) fileAlong(ctx context.Context, tx bun.Tx, sc Scope, k Kind, row documentRow, folder string) error {
	if k.Along == nil {
		return nil
	}
	d, err := row.document(k)
	if err != nil {
		return err
	}
	for _, r := range k.Along(d.Spec) {
		err := s.refile(ctx, tx, sc, filing{
			folder: bun.SafeQuery("?", folder), where: bun.SafeQuery("kind = ? AND slug = ?", r.Kind, r.Slug),
			summary: fmt.Sprintf("%s, with the %s %s", filedInto(folder), k.Name, row.Slug),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Label gives documents of a kind labels and takes others away (FOL-06). What is in neither stays.
func (s *Store) Label(ctx context.Context, sc Scope, kind string, slugs []string, set map[string]string, drop []Label) ([]Outcome, error) {
	var issues fault.Issues
	for _, name := range slices.Sorted(maps.Keys(set)) {
		checkLabel(name, set[name], &issues)
	}
	if err := issues.Err(); err != nil {
		return nil, err
	}
	return s.each(ctx, sc, kind, slugs, false, func(ctx context.Context, tx bun.Tx, k Kind, row documentRow) error {
		d, err := row.document(k)
		if err != nil {
			return err
		}
		before := maps.Clone(d.Labels)
		for _, l := range drop {
			if d.Labels[l.Name] == l.Value {
				delete(d.Labels, l.Name)
			}
		}
		maps.Copy(d.Labels, set)
		if maps.Equal(before, d.Labels) {
			return nil
		}
		return s.relabel(ctx, tx, sc, row.ID, d.Labels)
	})
}

func (s *Store) relabel(ctx context.Context, tx bun.Tx, sc Scope, id int64, labels map[string]string) error {
	text, err := encode(labels)
	if err != nil {
		return err
	}
	now := s.clock.Now().UnixMilli()
	_, err = tx.NewUpdate().Table("documents").Set("labels = ?", text).Set("revision = revision + 1").Set("updated_at = ?", now).
		Set("updated_by = ?", sc.Actor).Where("id = ?", id).Exec(ctx)
	if err != nil {
		return fmt.Errorf("labelling: %w", err)
	}
	return s.rewritten(ctx, tx, sc, rewrite{ids: []int64{id}, now: now, action: "labelled"})
}

// DeleteMany deletes documents of a kind that nothing refers to. With dryRun it only says of which something would
// become, and of the others why not.
func (s *Store) DeleteMany(ctx context.Context, sc Scope, kind string, slugs []string, dryRun bool) ([]Outcome, error) {
	return s.each(ctx, sc, kind, slugs, dryRun, func(ctx context.Context, tx bun.Tx, k Kind, row documentRow) error {
		return s.delete(ctx, tx, sc, k, row)
	})
}
