package resource

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Folder is a folder of the tree that all kinds share (FOL-01).
type Folder struct {
	Path  string         // such as "Marketing/EU"
	Count int            // documents in it, without those of the folders in it
	Kinds map[string]int // the same by kind
}

// maxPath is how long a folder's path may be, in bytes: what an index of PostgreSQL holds with room to spare. How deep
// folders lie in each other has no other bound.
const maxPath = 2000

// cleanPath is a path without spaces around its folders' names, and without slashes at its ends.
func cleanPath(path string) string {
	names := strings.Split(strings.Trim(strings.TrimSpace(path), "/"), "/")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	return strings.Join(names, "/")
}

// checkPath says what is wrong with a clean path.
func checkPath(path string) error {
	if len(path) > maxPath {
		return fault.New(fault.CodeInvalid, "the folder's path is longer than %d bytes", maxPath)
	}
	for name := range strings.SplitSeq(path, "/") {
		switch {
		case name == "":
			return fault.New(fault.CodeInvalid, "a folder of the path %q has no name", path)
		case len(name) > maxName:
			return fault.New(fault.CodeInvalid, "the name of a folder is longer than %d bytes", maxName)
		case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return fault.New(fault.CodeInvalid, "the name of a folder has a control character")
		}
	}
	return nil
}

// Folders lists the folders of a workspace by their paths.
func (s *Store) Folders(ctx context.Context, sc Scope) ([]Folder, error) {
	var rows []struct {
		Path, Kind string
		N          int
	}
	err := s.db.NewRaw(`SELECT f.path, coalesce(d.kind, '') AS kind, count(d.id) AS n FROM folders AS f
		LEFT JOIN documents AS d ON d.workspace_id = f.workspace_id AND d.folder = f.path
		WHERE f.workspace_id = ? GROUP BY f.path, d.kind ORDER BY f.path`, sc.WorkspaceID).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("listing folders: %w", err)
	}
	var all []Folder
	for _, r := range rows {
		if len(all) == 0 || all[len(all)-1].Path != r.Path {
			all = append(all, Folder{Path: r.Path, Kinds: map[string]int{}})
		}
		if f := &all[len(all)-1]; r.N > 0 {
			f.Count += r.N
			f.Kinds[r.Kind] = r.N
		}
	}
	return all, nil
}

// CreateFolder makes a folder, and those that it lies in. One that is there is fault.CodeConflict.
func (s *Store) CreateFolder(ctx context.Context, sc Scope, path string) (Folder, error) {
	path = cleanPath(path)
	if err := checkPath(path); err != nil {
		return Folder{}, fault.As(err).WithPath("path")
	}
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		there, err := s.folderExists(ctx, tx, sc, path)
		if err != nil {
			return err
		}
		if there {
			return fault.New(fault.CodeConflict, "there is a folder %q already", path).WithPath("path")
		}
		return s.ensureFolder(ctx, tx, sc, path)
	})
	return Folder{Path: path, Kinds: map[string]int{}}, err
}

func (s *Store) folderExists(ctx context.Context, idb bun.IDB, sc Scope, path string) (bool, error) {
	there, err := idb.NewSelect().Table("folders").Where("workspace_id = ?", sc.WorkspaceID).Where("path = ?", path).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for the folder %q: %w", path, err)
	}
	return there, nil
}

// ensureFolder makes a folder and those that it lies in where they are not. Who may not change the tree gets
// fault.CodeForbidden instead.
func (s *Store) ensureFolder(ctx context.Context, tx bun.Tx, sc Scope, path string) error {
	there, err := s.folderExists(ctx, tx, sc, path)
	if err != nil || there {
		return err
	}
	if sc.FixedFolders {
		return fault.New(fault.CodeForbidden, "there is no folder %q, and only admins of the workspace make folders", path).
			WithPath("metadata.folder").WithSuggestion("Choose a folder that is there, or ask an admin to make it.")
	}
	now := s.clock.Now().UnixMilli()
	for at := 0; at < len(path); at++ {
		next := strings.IndexByte(path[at:], '/')
		if next < 0 {
			next = len(path) - at
		}
		at += next
		_, err := tx.NewRaw("INSERT INTO folders (workspace_id, path, created_at, created_by) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			sc.WorkspaceID, path[:at], now, sc.Actor).Exec(ctx)
		if err != nil {
			return fmt.Errorf("making the folder %q: %w", path[:at], err)
		}
	}
	return nil
}

// within chooses a folder and those in it, by the column that has the path. LIKE would not do: SQLite's takes Sales for
// sales.
func within(column, path string) (string, []any) {
	return fmt.Sprintf(`(%[1]s = ? OR substr(%[1]s, 1, ?) = ?)`, column), []any{path, runes(path) + 1, path + "/"}
}

// MoveFolder gives a folder another path, with all that is in it: it is renamed, or moved into another folder. A path
// that is taken is fault.CodeConflict.
func (s *Store) MoveFolder(ctx context.Context, sc Scope, path, to string) error {
	path, to = cleanPath(path), cleanPath(to)
	if err := checkPath(to); err != nil {
		return fault.As(err).WithPath("to")
	}
	if strings.HasPrefix(to+"/", path+"/") {
		return fault.New(fault.CodeInvalid, "the folder %q cannot be moved to %q, which lies in it", path, to).WithPath("to")
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.mayMove(ctx, tx, sc, path, to); err != nil {
			return err
		}
		if at := strings.LastIndexByte(to, '/'); at > 0 {
			if err := s.ensureFolder(ctx, tx, sc, to[:at]); err != nil {
				return err
			}
		}
		where, args := within("path", path)
		_, err := tx.NewUpdate().Table("folders").Set("path = ? || substr(path, ?)", to, runes(path)+1).
			Where("workspace_id = ?", sc.WorkspaceID).Where(where, args...).Exec(ctx)
		if err != nil {
			return fmt.Errorf("moving the folder %q: %w", path, err)
		}
		where, args = within("folder", path)
		return s.refile(ctx, tx, sc, filing{
			folder: bun.SafeQuery("? || substr(folder, ?)", to, runes(path)+1), where: bun.SafeQuery(where, args...), summary: "folder " + path + " became " + to,
		})
	})
}

// runes counts characters, as both databases do in substr.
func runes(text string) int { return len([]rune(text)) }

func (s *Store) mayMove(ctx context.Context, tx bun.Tx, sc Scope, path, to string) error {
	if err := s.mustExist(ctx, tx, sc, path); err != nil {
		return err
	}
	taken, err := s.folderExists(ctx, tx, sc, to)
	if err != nil || !taken {
		return err
	}
	return fault.New(fault.CodeConflict, "there is a folder %q already", to).WithPath("to")
}

func (s *Store) mustExist(ctx context.Context, idb bun.IDB, sc Scope, path string) error {
	there, err := s.folderExists(ctx, idb, sc, path)
	if err != nil || there {
		return err
	}
	return fault.New(fault.CodeNotFound, "there is no folder %q", path)
}

// DeleteFolder removes a folder with those in it. What was filed there stays, in no folder; with documents it is deleted
// as well, which is fault.CodeReferenced where something else refers to it.
func (s *Store) DeleteFolder(ctx context.Context, sc Scope, path string, documents bool) error {
	path = cleanPath(path)
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.mustExist(ctx, tx, sc, path); err != nil {
			return err
		}
		where, args := within("folder", path)
		empty := func() error {
			return s.refile(ctx, tx, sc, filing{folder: bun.SafeQuery("''"), where: bun.SafeQuery(where, args...), summary: "folder " + path + " was deleted"})
		}
		if documents {
			empty = func() error { return s.deleteFiled(ctx, tx, sc, path) }
		}
		if err := empty(); err != nil {
			return err
		}
		where, args = within("path", path)
		if _, err := tx.NewDelete().Table("folders").Where("workspace_id = ?", sc.WorkspaceID).Where(where, args...).Exec(ctx); err != nil {
			return fmt.Errorf("deleting the folder %q: %w", path, err)
		}
		return nil
	})
}

// deleteFiled deletes the documents of a folder and of those in it, what refers to others first.
func (s *Store) deleteFiled(ctx context.Context, tx bun.Tx, sc Scope, path string) error {
	var rows []documentRow
	where, args := within("folder", path)
	q := tx.NewSelect().Model(&rows).Where("workspace_id = ?", sc.WorkspaceID).Where(where, args...).Order("id")
	if s.db.IsPostgres() {
		q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return fmt.Errorf("reading the documents of the folder %q: %w", path, err)
	}
	others, err := s.outside(ctx, tx, sc, path)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return fault.New(fault.CodeReferenced, "documents of the folder %q are used by %s", path, sentence(others)).
			WithSuggestion("Delete what uses them first, or delete the folder alone: its documents stay, in no folder.")
	}
	for _, k := range slices.Backward(s.kinds.Kinds()) {
		for _, row := range rows {
			if row.Kind != k.Name {
				continue
			}
			if err := s.remove(ctx, tx, sc, k, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// outside lists the documents elsewhere that refer to one of a folder.
func (s *Store) outside(ctx context.Context, idb bun.IDB, sc Scope, path string) ([]Referrer, error) {
	var all []Referrer
	in, inArgs := within("t.folder", path)
	by, byArgs := within("d.folder", path)
	err := idb.NewSelect().TableExpr("document_refs AS f").ColumnExpr("DISTINCT d.kind, d.slug, d.name").
		Join("JOIN documents AS t ON t.workspace_id = f.workspace_id AND t.kind = f.to_kind AND t.slug = f.to_slug").
		Join("JOIN documents AS d ON d.id = f.from_id").Where("f.workspace_id = ?", sc.WorkspaceID).
		Where(in, inArgs...).Where("NOT "+by, byArgs...).OrderExpr("d.kind, d.slug").Scan(ctx, &all)
	if err != nil {
		return nil, fmt.Errorf("looking for what refers to the folder %q: %w", path, err)
	}
	return all, nil
}

// filing is a change of the folder of many documents.
type filing struct {
	folder  schema.QueryWithArgs // the new folder, as an expression over documents
	where   schema.QueryWithArgs
	summary string
}

// refile files documents elsewhere, each with a version and an entry in its activity. Their specs stay, so that nothing
// of OnUpdate is called.
func (s *Store) refile(ctx context.Context, tx bun.Tx, sc Scope, f filing) error {
	now := s.clock.Now().UnixMilli()
	var ids []int64
	err := tx.NewUpdate().Table("documents").Set("folder = ?", f.folder).Set("revision = revision + 1").Set("updated_at = ?", now).Set("updated_by = ?", sc.Actor).
		Where("workspace_id = ?", sc.WorkspaceID).Where("?", f.where).Where("folder <> ?", f.folder).Returning("id").Scan(ctx, &ids)
	if err != nil {
		return fmt.Errorf("filing documents: %w", err)
	}
	return s.rewritten(ctx, tx, sc, rewrite{ids: ids, now: now, action: "filed", summary: f.summary})
}

// rewrite is a change of what is known of documents beside their specs.
type rewrite struct {
	ids     []int64
	now     int64
	action  string
	summary string
}

// rewritten notes the versions and the activity of documents that changed.
func (s *Store) rewritten(ctx context.Context, tx bun.Tx, sc Scope, r rewrite) error {
	if len(r.ids) == 0 {
		return nil
	}
	first, err := s.db.NextIDs(ctx, tx, len(r.ids))
	if err != nil {
		return err
	}
	_, err = tx.NewRaw(`INSERT INTO document_versions (document_id, revision, workspace_id, at, actor, summary, name, folder, labels, spec)
		SELECT id, revision, workspace_id, ?, ?, ?, name, folder, labels, spec FROM documents WHERE id IN (?)`,
		r.now, sc.Actor, r.summary, bun.List(r.ids)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("keeping versions of what changed: %w", err)
	}
	_, err = tx.NewRaw(`INSERT INTO activity (id, workspace_id, at, actor, kind, document_id, slug, action, summary, revision)
		SELECT ? + row_number() OVER (ORDER BY id), workspace_id, ?, ?, kind, id, slug, ?, ?, revision FROM documents WHERE id IN (?)`,
		first-1, r.now, sc.Actor, r.action, r.summary, bun.List(r.ids)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting what changed: %w", err)
	}
	return nil
}
