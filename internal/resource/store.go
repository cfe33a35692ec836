package resource

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/secret"
	"github.com/uptrace/bun"
)

// Store keeps documents.
type Store struct {
	db    *db.DB
	kinds *Registry
	key   *secret.Key
	clock clock.Clock

	created []func(context.Context, bun.Tx, Scope, Document) error
	updated []func(context.Context, bun.Tx, Updated) error
	deleted []func(context.Context, bun.Tx, Scope, Document) error
}

// NewStore returns a store in the database.
func NewStore(d *db.DB, kinds *Registry, key *secret.Key, c clock.Clock) *Store {
	return &Store{db: d, kinds: kinds, key: key, clock: c}
}

// Updated is a change of a document.
type Updated struct {
	Scope  Scope
	Before Document
	After  Document
	Stored any    // the spec as it is stored: as in Before, with the references of secrets instead of their masks
	Resync string // of the write
	Defer  bool   // of the write
}

// OnCreate registers what else must come into being with a document. f is called in the transaction of every creation,
// and its error undoes it. Register before the store is used.
func (s *Store) OnCreate(f func(ctx context.Context, tx bun.Tx, sc Scope, d Document) error) {
	s.created = append(s.created, f)
}

// OnUpdate registers what else must change with a document. f is called in the transaction of every update,
// and its error undoes it. Register before the store is used.
func (s *Store) OnUpdate(f func(ctx context.Context, tx bun.Tx, u Updated) error) {
	s.updated = append(s.updated, f)
}

// OnDelete registers what else must go with a document. f is called in the transaction of every deletion, and its
// error undoes it. Register before the store is used.
func (s *Store) OnDelete(f func(ctx context.Context, tx bun.Tx, sc Scope, d Document) error) {
	s.deleted = append(s.deleted, f)
}

// Kinds returns the registry.
func (s *Store) Kinds() *Registry { return s.kinds }

// Write is what a person sends to create or change a document.
type Write struct {
	Name     string
	Slug     string // of a new document; empty means one made from the name
	Folder   string
	Labels   map[string]string
	Revision int64           // of the version that a change is based on; 0 skips the check
	Spec     json.RawMessage // strict JSON of the kind's spec
	Summary  string          // what changed, for the history; empty means a general word
	Action   string          // of an update, in the activity; empty means updated
	Resync   string          // what becomes of rows that the document as it was has brought somewhere; one of the Resync constants
	Defer    bool            // it becomes of them in the next run, instead of in one that begins at once (M-08)
}

// What a change of a document means for the rows that were sent before, where it means something (M-07).
const (
	ResyncFull = "full" // they are all sent again; the default
	ResyncSkip = "skip" // the rows as they are now count as sent
)

// Get returns a document by its slug.
func (s *Store) Get(ctx context.Context, sc Scope, kind, slug string) (Document, error) {
	return s.one(ctx, s.db, sc, kind, func(q *bun.SelectQuery) { q.Where("slug = ?", slug) }, slug)
}

// GetIn is Get within a transaction.
func (s *Store) GetIn(ctx context.Context, tx bun.Tx, sc Scope, kind, slug string) (Document, error) {
	return s.one(ctx, tx, sc, kind, func(q *bun.SelectQuery) { q.Where("slug = ?", slug) }, slug)
}

// GetByIDIn is GetByID within a transaction.
func (s *Store) GetByIDIn(ctx context.Context, tx bun.Tx, sc Scope, kind string, id int64) (Document, error) {
	return s.one(ctx, tx, sc, kind, func(q *bun.SelectQuery) { q.Where("id = ?", id) }, strconv.FormatInt(id, 10))
}

// GetByUUID returns a document by its UUID.
func (s *Store) GetByUUID(ctx context.Context, sc Scope, kind, id string) (Document, error) {
	return s.one(ctx, s.db, sc, kind, func(q *bun.SelectQuery) { q.Where("uuid = ?", id) }, id)
}

// GetByID returns a document by its number.
func (s *Store) GetByID(ctx context.Context, sc Scope, kind string, id int64) (Document, error) {
	return s.one(ctx, s.db, sc, kind, func(q *bun.SelectQuery) { q.Where("id = ?", id) }, strconv.FormatInt(id, 10))
}

func (s *Store) one(ctx context.Context, idb bun.IDB, sc Scope, kind string, where func(*bun.SelectQuery), name string) (Document, error) {
	row, k, err := s.row(ctx, idb, sc, kind, where, name)
	if err != nil {
		return Document{}, err
	}
	d, err := row.document(k)
	if err == nil {
		k.mask(d.Spec)
	}
	return d, err
}

func (s *Store) row(ctx context.Context, idb bun.IDB, sc Scope, kind string, where func(*bun.SelectQuery), name string) (documentRow, Kind, error) {
	k, err := s.kinds.Kind(kind)
	if err != nil {
		return documentRow{}, k, err
	}
	var row documentRow
	q := idb.NewSelect().Model(&row).Where("workspace_id = ?", sc.WorkspaceID).Where("kind = ?", k.Name)
	where(q)
	err = q.Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, k, fault.New(fault.CodeNotFound, "there is no %s %q", k.Name, name)
	}
	if err != nil {
		return row, k, fmt.Errorf("reading the %s %q: %w", k.Name, name, err)
	}
	return row, k, nil
}

// Resolve returns a document with its secrets in place. For engines only: never show what it returns.
func (s *Store) Resolve(ctx context.Context, sc Scope, kind, slug string) (Document, error) {
	row, k, err := s.row(ctx, s.db, sc, kind, func(q *bun.SelectQuery) { q.Where("slug = ?", slug) }, slug)
	if err != nil {
		return Document{}, err
	}
	d, err := row.document(k)
	if err != nil {
		return d, err
	}
	return d, s.fill(ctx, sc, k, d.Spec)
}

// Filter chooses documents of a list.
type Filter struct {
	Search    string  // in name and slug
	Name      string  // exactly
	Slug      string  // exactly
	Labels    []Label // all of them
	NotLabels []Label // none of them
	Folder    string  // with the folders in it
	CreatedBy []string
	Fields    map[string][]string // a field of the spec, such as type → one of these texts
	Refs      map[string]string   // kind → slug that the document refers to, itself or through what it refers to
	AnyRef    map[string][]string // kind → slugs of which the document refers to one, as in Refs
	RefTypes  map[string][]string // kind → types, of one of which the document refers to something
	IDs       []int64             // one of these; nil means any
	Sort      string              // name (default), slug, id, createdAt, updatedAt; a leading - turns it round
	Offset    int
	Limit     int // 0 means all
}

// Label is one label of a document.
type Label struct {
	Name  string
	Value string
}

// List returns a page of documents and how many there are in all.
func (s *Store) List(ctx context.Context, sc Scope, kind string, f Filter) ([]Document, int, error) {
	k, err := s.kinds.Kind(kind)
	if err != nil {
		return nil, 0, err
	}
	var rows []documentRow
	q := s.db.NewSelect().Model(&rows).Where("workspace_id = ?", sc.WorkspaceID).Where("kind = ?", k.Name)
	if err := f.apply(q, sc.WorkspaceID, s.db.IsPostgres()); err != nil {
		return nil, 0, err
	}
	total, err := q.ScanAndCount(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("listing %s: %w", k.Plural, err)
	}
	documents := make([]Document, len(rows))
	for i, row := range rows {
		if documents[i], err = row.document(k); err != nil {
			return nil, 0, err
		}
		k.mask(documents[i].Spec)
	}
	return documents, int(total), nil
}

// Create makes a document. A taken slug is fault.CodeConflict; a slug that is made from the name gets a
// number instead.
func (s *Store) Create(ctx context.Context, sc Scope, kind string, w Write) (Document, error) {
	k, err := s.kinds.Kind(kind)
	if err != nil {
		return Document{}, err
	}
	var d Document
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		d, err = s.create(ctx, tx, sc, k, w)
		return err
	})
	return d, err
}

func (s *Store) create(ctx context.Context, tx bun.Tx, sc Scope, k Kind, w Write) (Document, error) {
	spec, err := s.check(ctx, tx, sc, k, w, nil)
	if err != nil {
		return Document{}, err
	}
	if w.Slug, err = s.freeSlug(ctx, tx, sc, k, w); err != nil {
		return Document{}, err
	}
	id, err := s.db.NextID(ctx, tx)
	if err != nil {
		return Document{}, err
	}
	now := s.clock.Now().UnixMilli()
	row := &documentRow{
		ID: id, UUID: uuid.NewString(), WorkspaceID: sc.WorkspaceID, Kind: k.Name, Space: k.Space, Slug: w.Slug,
		Revision: 1, CreatedAt: now, UpdatedAt: now, CreatedBy: sc.Actor, UpdatedBy: sc.Actor,
	}
	if err := s.keep(ctx, tx, sc, k, row, w, spec, nil); err != nil {
		return Document{}, err
	}
	if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
		return Document{}, fmt.Errorf("creating the %s %q: %w", k.Name, w.Slug, err)
	}
	d, err := s.written(ctx, tx, sc, k, row, "created", w.Summary)
	if err != nil {
		return d, err
	}
	for _, f := range s.created {
		if err := f(ctx, tx, sc, d); err != nil {
			return Document{}, err
		}
	}
	return d, nil
}

// freeSlug returns the slug of a new document.
func (s *Store) freeSlug(ctx context.Context, tx bun.Tx, sc Scope, k Kind, w Write) (string, error) {
	slug, fixed := w.Slug, w.Slug != ""
	if fixed {
		if err := CheckSlug(slug); err != nil {
			return "", err
		}
	} else {
		slug = Slugify(w.Name)
	}
	base := slug
	for n := 2; ; n++ {
		taken, err := tx.NewSelect().Table("documents").Where("workspace_id = ?", sc.WorkspaceID).
			Where("space = ?", k.Space).Where("slug = ?", slug).Exists(ctx)
		if err != nil {
			return "", fmt.Errorf("looking for the slug %q: %w", slug, err)
		}
		if !taken {
			return slug, nil
		}
		if fixed {
			return "", fault.New(fault.CodeConflict, "there is a %s %q already", k.Name, slug).WithPath("metadata.slug")
		}
		slug = fmt.Sprintf("%s-%d", base, n)
	}
}

// Update changes a document. A revision other than the newest is fault.CodeStale.
func (s *Store) Update(ctx context.Context, sc Scope, kind, slug string, w Write) (Document, error) {
	var d Document
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, k, err := s.locked(ctx, tx, sc, kind, slug)
		if err != nil {
			return err
		}
		if d, err = s.update(ctx, tx, sc, k, row, w); err != nil || d.Folder == row.Folder {
			return err
		}
		return s.fileAlong(ctx, tx, sc, k, row, d.Folder)
	})
	return d, err
}

func (s *Store) locked(ctx context.Context, tx bun.Tx, sc Scope, kind, slug string) (documentRow, Kind, error) {
	return s.row(ctx, tx, sc, kind, func(q *bun.SelectQuery) {
		q.Where("slug = ?", slug)
		if s.db.IsPostgres() {
			q.For("UPDATE")
		}
	}, slug)
}

func (s *Store) update(ctx context.Context, tx bun.Tx, sc Scope, k Kind, row documentRow, w Write) (Document, error) {
	if w.Revision != 0 && w.Revision != row.Revision {
		return Document{}, fault.New(fault.CodeStale, "the %s %q is at revision %d; the change is based on %d", k.Name, row.Slug, row.Revision, w.Revision).WithPath("metadata.revision")
	}
	old, err := row.document(k)
	if err != nil {
		return Document{}, err
	}
	switch w.Resync {
	case "", ResyncFull, ResyncSkip:
	default:
		return Document{}, fault.New(fault.CodeInvalid, "%q says nothing about the rows that were sent; there are full and skip", w.Resync).WithPath("resync")
	}
	spec, err := s.check(ctx, tx, sc, k, w, old.Spec)
	if err != nil {
		return Document{}, err
	}
	row.Revision++
	row.UpdatedAt, row.UpdatedBy = s.clock.Now().UnixMilli(), sc.Actor
	if err := s.keep(ctx, tx, sc, k, &row, w, spec, old.Spec); err != nil {
		return Document{}, err
	}
	_, err = tx.NewUpdate().Model(&row).Column("name", "folder", "labels", "spec", "revision", "updated_at", "updated_by").WherePK().Exec(ctx)
	if err != nil {
		return Document{}, fmt.Errorf("changing the %s %q: %w", k.Name, row.Slug, err)
	}
	next, err := s.written(ctx, tx, sc, k, &row, cmp.Or(w.Action, "updated"), w.Summary)
	if err != nil {
		return Document{}, err
	}
	for _, f := range s.updated {
		if err := f(ctx, tx, Updated{Scope: sc, Before: old, After: next, Stored: spec, Resync: w.Resync, Defer: w.Defer}); err != nil {
			return Document{}, err
		}
	}
	return next, nil
}

// keep fills the row with what is written: secrets go to their own table.
func (s *Store) keep(ctx context.Context, tx bun.Tx, sc Scope, k Kind, row *documentRow, w Write, spec, old any) error {
	if err := s.hide(ctx, tx, sc, k, spec, old); err != nil {
		return err
	}
	text, err := encode(spec)
	if err != nil {
		return err
	}
	if w.Labels == nil {
		w.Labels = map[string]string{}
	}
	labels, err := json.Marshal(w.Labels)
	if err != nil {
		return fmt.Errorf("encoding labels: %w", err)
	}
	row.Name, row.Folder, row.Labels, row.Spec = w.Name, cleanPath(w.Folder), string(labels), text
	if row.Folder == "" {
		return nil
	}
	return s.ensureFolder(ctx, tx, sc, row.Folder)
}

// written notes the version, the references and the activity of a write.
func (s *Store) written(ctx context.Context, tx bun.Tx, sc Scope, k Kind, row *documentRow, action, summary string) (Document, error) {
	d, err := row.document(k)
	if err != nil {
		return d, err
	}
	_, err = tx.NewRaw(`INSERT INTO document_versions (document_id, revision, workspace_id, at, actor, summary, name, folder, labels, spec)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, row.ID, row.Revision, sc.WorkspaceID, row.UpdatedAt, sc.Actor, summary, row.Name, row.Folder, row.Labels, row.Spec).Exec(ctx)
	if err != nil {
		return d, fmt.Errorf("keeping a version of the %s %q: %w", k.Name, row.Slug, err)
	}
	if _, err := tx.NewDelete().Table("document_refs").Where("from_id = ?", row.ID).Exec(ctx); err != nil {
		return d, fmt.Errorf("changing references: %w", err)
	}
	for _, r := range k.References(d.Spec) {
		_, err := tx.NewRaw("INSERT INTO document_refs (from_id, workspace_id, to_kind, to_slug, path) VALUES (?, ?, ?, ?, ?)",
			row.ID, sc.WorkspaceID, r.Kind, r.Slug, r.Path).Exec(ctx)
		if err != nil {
			return d, fmt.Errorf("changing references: %w", err)
		}
	}
	k.mask(d.Spec)
	return d, s.note(ctx, tx, sc, d, action, summary)
}

// note adds an entry to a document's activity.
func (s *Store) note(ctx context.Context, idb bun.IDB, sc Scope, d Document, action, summary string) error {
	id, err := s.db.NextID(ctx, idb)
	if err != nil {
		return err
	}
	_, err = idb.NewRaw(`INSERT INTO activity (id, workspace_id, at, actor, kind, document_id, slug, action, summary, revision)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, sc.WorkspaceID, s.clock.Now().UnixMilli(), sc.Actor, d.Kind, d.ID, d.Slug, action, summary, d.Revision).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting activity: %w", err)
	}
	return nil
}

// Record adds an entry to a document's activity, such as a run that a person started.
func (s *Store) Record(ctx context.Context, sc Scope, d Document, action, summary string) error {
	return s.note(ctx, s.db, sc, d, action, summary)
}

// Delete removes a document that nothing refers to; otherwise it is fault.CodeReferenced, naming what does.
// Its history stays.
func (s *Store) Delete(ctx context.Context, sc Scope, kind, slug string, revision int64) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, k, err := s.locked(ctx, tx, sc, kind, slug)
		if err != nil {
			return err
		}
		if revision != 0 && revision != row.Revision {
			return fault.New(fault.CodeStale, "the %s %q is at revision %d, not %d", k.Name, slug, row.Revision, revision)
		}
		return s.delete(ctx, tx, sc, k, row)
	})
}

func (s *Store) delete(ctx context.Context, tx bun.Tx, sc Scope, k Kind, row documentRow) error {
	referrers, err := s.referrers(ctx, tx, sc, k.Name, row.Slug)
	if err != nil {
		return err
	}
	if len(referrers) > 0 {
		return fault.New(fault.CodeReferenced, "the %s %q is used by %s", k.Name, row.Slug, sentence(referrers))
	}
	return s.remove(ctx, tx, sc, k, row)
}

func (s *Store) remove(ctx context.Context, tx bun.Tx, sc Scope, k Kind, row documentRow) error {
	d, err := row.document(k)
	if err != nil {
		return err
	}
	if err := s.dropSecrets(ctx, tx, sc, k, d.Spec, nil); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Table("document_refs").Where("from_id = ?", row.ID).Exec(ctx); err != nil {
		return fmt.Errorf("removing references: %w", err)
	}
	if _, err := tx.NewDelete().Table("documents").Where("id = ?", row.ID).Exec(ctx); err != nil {
		return fmt.Errorf("deleting the %s %q: %w", k.Name, row.Slug, err)
	}
	for _, f := range s.deleted {
		if err := f(ctx, tx, sc, d); err != nil {
			return err
		}
	}
	return s.note(ctx, tx, sc, d, "deleted", "")
}

func sentence(all []Referrer) string {
	const shown = 5
	names := make([]string, 0, shown)
	for i, r := range all {
		if i == shown {
			names = append(names, fmt.Sprintf("%d more", len(all)-shown))
			break
		}
		names = append(names, fmt.Sprintf("%s %q", r.Kind, r.Slug))
	}
	return strings.Join(names, ", ")
}

// Referrers lists the documents that refer to one.
func (s *Store) Referrers(ctx context.Context, sc Scope, kind, slug string) ([]Referrer, error) {
	d, err := s.Get(ctx, sc, kind, slug)
	if err != nil {
		return nil, err
	}
	return s.referrers(ctx, s.db, sc, d.Kind, slug)
}

// CountReferrers returns how many documents refer to one.
func (s *Store) CountReferrers(ctx context.Context, sc Scope, kind, slug string) (int, error) {
	n, err := s.db.NewSelect().Table("document_refs").ColumnExpr("DISTINCT from_id").Where("workspace_id = ?", sc.WorkspaceID).
		Where("to_kind = ?", kind).Where("to_slug = ?", slug).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting what refers to the %s %q: %w", kind, slug, err)
	}
	return int(n), nil
}

func (s *Store) referrers(ctx context.Context, idb bun.IDB, sc Scope, kind, slug string) ([]Referrer, error) {
	var all []Referrer
	err := idb.NewSelect().TableExpr("document_refs AS f").ColumnExpr("DISTINCT d.kind, d.slug, d.name").
		Join("JOIN documents AS d ON d.id = f.from_id").Where("f.workspace_id = ?", sc.WorkspaceID).
		Where("f.to_kind = ?", kind).Where("f.to_slug = ?", slug).OrderExpr("d.kind, d.slug").Scan(ctx, &all)
	if err != nil {
		return nil, fmt.Errorf("looking for what refers to the %s %q: %w", kind, slug, err)
	}
	return all, nil
}

// Versions lists the revisions of a document, the newest first.
func (s *Store) Versions(ctx context.Context, sc Scope, kind, slug string) ([]Version, error) {
	d, err := s.Get(ctx, sc, kind, slug)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Revision, At         int64
		Actor, Summary, Spec string
	}
	err = s.db.NewSelect().Table("document_versions").Column("revision", "at", "actor", "summary", "spec").
		Where("workspace_id = ?", sc.WorkspaceID).Where("document_id = ?", d.ID).Order("revision DESC").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("reading the versions of the %s %q: %w", kind, slug, err)
	}
	versions := make([]Version, len(rows))
	for i, r := range rows {
		spec, err := s.maskText(kind, r.Spec)
		if err != nil {
			return nil, err
		}
		versions[i] = Version{Revision: r.Revision, At: time.UnixMilli(r.At).UTC(), By: r.Actor, Summary: r.Summary, Spec: spec}
	}
	return versions, nil
}

func (s *Store) maskText(kind, text string) (json.RawMessage, error) {
	k, err := s.kinds.Kind(kind)
	if err != nil {
		return nil, err
	}
	spec := k.New()
	if err := json.Unmarshal([]byte(text), spec); err != nil {
		return nil, fmt.Errorf("reading a version: %w", err)
	}
	k.mask(spec)
	masked, err := encode(spec)
	return json.RawMessage(masked), err
}

// Activity lists what happened to a document, the newest first.
func (s *Store) Activity(ctx context.Context, sc Scope, kind, slug string) ([]Event, error) {
	d, err := s.Get(ctx, sc, kind, slug)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		At, Revision           int64
		Actor, Action, Summary string
	}
	err = s.db.NewSelect().Table("activity").Column("at", "revision", "actor", "action", "summary").
		Where("workspace_id = ?", sc.WorkspaceID).Where("document_id = ?", d.ID).Order("id DESC").Limit(500).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("reading the activity of the %s %q: %w", kind, slug, err)
	}
	events := make([]Event, len(rows))
	for i, r := range rows {
		events[i] = Event{At: time.UnixMilli(r.At).UTC(), By: r.Actor, Action: r.Action, Summary: r.Summary, Revision: r.Revision}
	}
	return events, nil
}
