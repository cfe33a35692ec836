// Package alert turns conditions into notices. An engine measures the triggers of a document and hands in the
// readings; this package keeps the level of each trigger, notes every change of it, and tells the recipients once.
//
//	ok ⇄ warning ⇄ critical
//
// What makes it exact across processes and crashes:
//
//	A1  readings count only if nobody evaluated the document since they were taken: each evaluation moves its
//	    version on, and a stale one is refused
//	A2  levels, events and notices of an evaluation are written in one transaction: there is a notice for
//	    each change, and no second one
//	A3  what ended is evaluated once and in order: the newest that counted moves in the same transaction
//	A4  a notice is sent at least once: it is pending until the provider took it, and one worker at a time has it;
//	    each attempt carries the same id, by which the provider or the reader can tell a second one
//	A5  notices about one trigger reach one target of a channel in the order of their making
//
// A mute holds notices back, and nothing else. When it ends, people are told where things stand if that is not what
// they were told last.
package alert

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/uptrace/bun"
)

// Subject is a document with triggers.
type Subject struct {
	WorkspaceID int64
	Kind        string
	ID          int64
	UUID        string
	Slug        string
	Name        string
	Path        string // of its alerts in the web app
}

// Reading is what was measured for one trigger.
type Reading struct {
	Trigger string
	Value   float64
	Words   string // what was measured, for people
	About   int64  // the run that it is about; 0 means none
	Raise   bool   // it may make the level worse only: what it is about is not over, or ended early
}

// Recipient is who is told, with what its channel says.
type Recipient struct {
	Channel string        `json:"channel"`
	Levels  string        `json:"levels"` // alerting.LevelsAll or LevelsCritical
	Repeat  time.Duration `json:"repeat"` // 0 means once
	Targets []string      `json:"targets"`
}

// Recipients resolves the recipients of a policy. Channels that are not there are left out: they are being deleted.
func Recipients(p alerting.Policy, channels map[string]channel.Spec) []Recipient {
	all := []Recipient{}
	for _, r := range p.Recipients {
		c, known := channels[r.Channel]
		if !known {
			continue
		}
		levels := alerting.LevelsAll
		for _, said := range []string{r.Levels, c.Levels} {
			if said != "" {
				levels = said
				break
			}
		}
		all = append(all, Recipient{Channel: r.Channel, Levels: levels, Repeat: time.Duration(c.RepeatMinutes) * time.Minute, Targets: c.Targets()})
	}
	return all
}

// Position is how far the evaluation of a subject has come.
type Position struct {
	Version int64
	Seen    int64 // the newest thing that was evaluated, such as a run; 0 means none ever
}

// Store keeps levels, events and notices.
type Store struct {
	db    *db.DB
	clock clock.Clock
}

// NewStore returns a store in the database.
func NewStore(d *db.DB, c clock.Clock) *Store { return &Store{db: d, clock: c} }

// subjectRow is a row of alert_subjects.
type subjectRow struct {
	bun.BaseModel `bun:"table:alert_subjects,alias:u"`

	WorkspaceID int64  `bun:"workspace_id,pk"`
	Kind        string `bun:"kind,pk"`
	DocumentID  int64  `bun:"document_id,pk"`
	Version     int64  `bun:"version"`
	Seen        int64  `bun:"seen"`
	Recipients  string `bun:"recipients"` // of the last evaluation: who is told when the document is deleted
}

// Position returns how far a subject was evaluated.
func (s *Store) Position(ctx context.Context, workspaceID int64, kind string, id int64) (Position, error) {
	row := subjectRow{WorkspaceID: workspaceID, Kind: kind, DocumentID: id}
	err := s.db.NewSelect().Model(&row).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Position{}, nil
	}
	if err != nil {
		return Position{}, fmt.Errorf("reading how far %s %d was evaluated: %w", kind, id, err)
	}
	return Position{Version: row.Version, Seen: row.Seen}, nil
}

// Positions returns how far every subject of a kind was evaluated, by its number.
func (s *Store) Positions(ctx context.Context, kind string) (map[int64]Position, error) {
	var rows []subjectRow
	if err := s.db.NewSelect().Model(&rows).Column("document_id", "version", "seen").Where("kind = ?", kind).Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading how far each %s was evaluated: %w", kind, err)
	}
	all := make(map[int64]Position, len(rows))
	for _, r := range rows {
		all[r.DocumentID] = Position{Version: r.Version, Seen: r.Seen}
	}
	return all, nil
}

// lock reads a subject for change, and makes its row where there is none.
func (s *Store) lock(ctx context.Context, tx bun.Tx, workspaceID int64, kind string, id int64) (subjectRow, error) {
	row := subjectRow{WorkspaceID: workspaceID, Kind: kind, DocumentID: id, Recipients: "[]"}
	if _, err := tx.NewInsert().Model(&row).On("CONFLICT (workspace_id, kind, document_id) DO NOTHING").Exec(ctx); err != nil {
		return row, fmt.Errorf("beginning to watch %s %d: %w", kind, id, err)
	}
	q := tx.NewSelect().Model(&row).WherePK()
	if s.db.IsPostgres() {
		q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return row, fmt.Errorf("reading what watches %s %d: %w", kind, id, err)
	}
	return row, nil
}

func (r subjectRow) recipients() ([]Recipient, error) {
	var all []Recipient
	if err := json.Unmarshal([]byte(r.Recipients), &all); err != nil {
		return nil, fmt.Errorf("reading the recipients of %s %d: %w", r.Kind, r.DocumentID, err)
	}
	return all, nil
}

// Claim reports whether this process may do what is named, which one of them does every so often. Who asks a little late
// does not make the next time later.
func (s *Store) Claim(ctx context.Context, name string, every time.Duration) (bool, error) {
	mine := false
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now := s.clock.Now()
		_, err := tx.NewRaw("INSERT INTO alert_clock (name, due_at) VALUES (?, 0) ON CONFLICT (name) DO NOTHING", name).Exec(ctx)
		if err != nil {
			return err
		}
		res, err := tx.NewRaw("UPDATE alert_clock SET due_at = CASE WHEN due_at + ? > ? THEN due_at + ? ELSE ? END WHERE name = ? AND due_at <= ?",
			every.Milliseconds(), clock.Millis(now), every.Milliseconds(), clock.Millis(now.Add(every)), name, clock.Millis(now)).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		mine = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("claiming %s: %w", name, err)
	}
	return mine, nil
}
