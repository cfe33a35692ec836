package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/alert/notify"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/uptrace/bun"
)

// Sender brings a notice to one target of a channel, once.
type Sender interface {
	Send(ctx context.Context, c channel.Spec, target string, n notify.Notice) error
}

// Channels reads channels with their secrets in place.
type Channels interface {
	Channel(ctx context.Context, workspaceID int64, slug string) (channel.Spec, error)
}

// Dispatcher sends the notices that are due. Any number of processes may have one.
type Dispatcher struct {
	Store    *Store
	Channels Channels
	Sender   Sender
	Log      *slog.Logger
}

// How notices are sent.
const (
	leaseTime  = 2 * time.Minute  // of one attempt: more than any exchange takes
	firstWait  = 30 * time.Second // before the second attempt; it doubles
	longestTry = time.Hour        // between two attempts, unless the provider asks for more
	giveUp     = 24 * time.Hour   // after a notice was made: what it says is old
	atOnce     = 8                // notices under way in one process
)

// Sweep sends what is due, and returns when nothing is.
func (d *Dispatcher) Sweep(ctx context.Context) {
	due, err := d.Store.due(ctx)
	if err != nil && ctx.Err() == nil {
		d.Log.Error("looking for notices", "error", err)
	}
	var workers sync.WaitGroup
	for range min(due, atOnce) {
		workers.Go(func() {
			for ctx.Err() == nil {
				row, ok, err := d.Store.take(ctx)
				if err != nil && ctx.Err() == nil {
					d.Log.Error("looking for notices", "error", err)
				}
				if !ok {
					return
				}
				d.deliver(ctx, row)
			}
		})
	}
	workers.Wait()
}

// due counts the notices whose time has come. It asks without a transaction, since most of the time there are none.
func (s *Store) due(ctx context.Context) (int, error) {
	now := clock.Millis(s.clock.Now())
	n, err := s.db.NewSelect().Table("alert_notices").Where("state = ?", NoticePending).Where("next_at <= ?", now).Where("lease_until <= ?", now).Count(ctx)
	return int(n), err
}

// take gives the oldest notice that is due to the caller (A4). One waits for an older one to the same target about
// the same trigger (A5).
func (s *Store) take(ctx context.Context) (noticeRow, bool, error) {
	var rows []noticeRow
	now := s.clock.Now()
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		q := tx.NewSelect().Model(&rows).Where("n.state = ?", NoticePending).Where("n.next_at <= ?", clock.Millis(now)).Where("n.lease_until <= ?", clock.Millis(now)).
			Where(`NOT EXISTS (SELECT 1 FROM alert_notices AS o WHERE o.workspace_id = n.workspace_id AND o.kind = n.kind AND o.document_id = n.document_id
				AND o.name = n.name AND o.channel = n.channel AND o.target = n.target AND o.id < n.id AND o.state = ?)`, NoticePending).
			Order("n.id").Limit(1)
		if s.db.IsPostgres() {
			q.For("UPDATE SKIP LOCKED")
		}
		if err := q.Scan(ctx); err != nil || len(rows) == 0 {
			return err
		}
		rows[0].LeaseUntil, rows[0].Attempts = clock.Millis(now.Add(leaseTime)), rows[0].Attempts+1
		_, err := tx.NewUpdate().Model(&rows[0]).Column("lease_until", "attempts").WherePK().Exec(ctx)
		return err
	})
	if err != nil {
		return noticeRow{}, false, fmt.Errorf("taking a notice: %w", err)
	}
	if len(rows) == 0 {
		return noticeRow{}, false, nil
	}
	return rows[0], true, nil
}

// deliver makes one attempt and notes how it went.
func (d *Dispatcher) deliver(ctx context.Context, row noticeRow) {
	err := d.attempt(ctx, row)
	if ctx.Err() != nil && err != nil {
		return // the process stops; when the lease is over, another one sends it
	}
	if err != nil {
		d.Log.Warn("sending a notice", "notice", row.ID, "channel", row.Channel, "attempt", row.Attempts, "code", fault.As(err).Code)
	}
	if err := d.Store.settle(ctx, row, err); err != nil && ctx.Err() == nil {
		d.Log.Error("noting how a notice was sent", "notice", row.ID, "error", err)
	}
}

func (d *Dispatcher) attempt(ctx context.Context, row noticeRow) error {
	var n notify.Notice
	if err := json.Unmarshal([]byte(row.Content), &n); err != nil {
		return fault.Wrap(err, fault.CodeInternal, "reading a notice")
	}
	c, err := d.Channels.Channel(ctx, row.WorkspaceID, row.Channel)
	if err != nil {
		return err
	}
	return d.Sender.Send(ctx, c, row.Target, n)
}

// settle notes the outcome of an attempt. One that failed is tried again unless trying cannot help or the notice is
// too old. Only the attempt that holds the lease may write.
func (s *Store) settle(ctx context.Context, row noticeRow, cause error) error {
	now := s.clock.Now()
	next := row
	next.LeaseUntil, next.Error = 0, ""
	switch {
	case cause == nil:
		next.State, next.DoneAt = NoticeSent, clock.Millis(now)
	case hopeless(cause) || now.Sub(clock.FromMillis(row.CreatedAt)) >= giveUp:
		next.State, next.DoneAt, next.Error = NoticeFailed, clock.Millis(now), cause.Error()
	default:
		next.NextAt, next.Error = clock.Millis(now.Add(wait(cause, row.Attempts))), cause.Error()
	}
	_, err := s.db.NewUpdate().Model(&next).Column("state", "done_at", "next_at", "lease_until", "error").WherePK().
		Where("state = ?", NoticePending).Where("attempts = ?", row.Attempts).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting the outcome of notice %d: %w", row.ID, err)
	}
	return nil
}

// hopeless reports whether the same notice would be refused again.
func hopeless(err error) bool {
	e := fault.As(err)
	return e.Code != fault.CodeInternal && (e.Class == fault.Permanent || e.Class == fault.Fatal)
}

// wait returns the time before the next attempt.
func wait(err error, attempts int64) time.Duration {
	if after := fault.As(err).After; after > 0 {
		return after
	}
	return min(firstWait<<min(attempts-1, 16), longestTry)
}
