package tunnel

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/secret"
	"github.com/uptrace/bun"
)

// Store keeps what processes share of tunnels.
type Store struct {
	db    *db.DB
	key   *secret.Key
	clock clock.Clock
}

// NewStore returns a store in the database. Private keys are sealed with the key.
func NewStore(d *db.DB, key *secret.Key, c clock.Clock) *Store {
	return &Store{db: d, key: key, clock: c}
}

// Record is what is known of a tunnel. Private keys are never in it.
type Record struct {
	ID          int64
	WorkspaceID int64
	Type        string
	Login       string // reverse: the user that the client signs in as, also called the tunnel's ID
	Port        int    // reverse: the port that the client asks to forward
	PublicKey   string // the key in use; empty: none was issued
	NextKey     string // the key that takes its place as soon as it is used
	HostKey     string // standard: the bastion's host key, once seen
	State       State
	Failure     *Failure // why it does not work; nil where it does, or was not tried
	ChangedAt   time.Time

	holder  string    // reverse: the process that the client is connected to
	address string    // and where other processes reach that one
	until   time.Time // and until when this is believed
}

// Failure is an error as people read it.
type Failure struct {
	Code       fault.Code `json:"code"`
	Message    string     `json:"message"`
	Suggestion string     `json:"suggestion,omitempty"`
	At         time.Time  `json:"at"`
}

// row is a Record in the database.
type row struct {
	bun.BaseModel `bun:"table:tunnels"`

	DocumentID     int64  `bun:"document_id,pk"`
	WorkspaceID    int64  `bun:"workspace_id"`
	Type           string `bun:"type"`
	Login          string `bun:"login"`
	Port           int64  `bun:"port"`
	PublicKey      string `bun:"public_key"`
	PrivateKey     string `bun:"private_key"`
	NextPublicKey  string `bun:"next_public_key"`
	NextPrivateKey string `bun:"next_private_key"`
	HostKey        string `bun:"host_key"`
	State          State  `bun:"state"`
	Failure        string `bun:"failure"`
	ChangedAt      int64  `bun:"changed_at"`
	Holder         string `bun:"holder"`
	HolderAddress  string `bun:"holder_address"`
	HolderUntil    int64  `bun:"holder_until"`
}

func (r row) record() Record {
	out := Record{
		ID: r.DocumentID, WorkspaceID: r.WorkspaceID, Type: r.Type, Login: r.Login, Port: int(r.Port), PublicKey: r.PublicKey, NextKey: r.NextPublicKey,
		HostKey: r.HostKey, State: r.State, ChangedAt: clock.FromMillis(r.ChangedAt),
		holder: r.Holder, address: r.HolderAddress, until: clock.FromMillis(r.HolderUntil),
	}
	var f Failure
	if r.Failure != "" && json.Unmarshal([]byte(r.Failure), &f) == nil {
		out.Failure = &f
	}
	return out
}

func purpose(workspaceID int64) string { return fmt.Sprintf("tunnels of workspace %d", workspaceID) }

// firstPort is the lowest port of reverse tunnels. The ports are names only: nothing listens at them.
const firstPort = 20000

// ports is how many of them there are.
const ports = 40000

// Create makes what a new tunnel needs: the key pair of a standard one; the name and port of a reverse one, whose key
// is issued by Rotate.
func (s *Store) Create(ctx context.Context, tx bun.Tx, workspaceID, id int64, kind string) error {
	r := &row{DocumentID: id, WorkspaceID: workspaceID, Type: kind, State: Pending, ChangedAt: clock.Millis(s.clock.Now())}
	token := make([]byte, 10)
	if _, err := rand.Read(token); err != nil {
		return fault.Wrap(err, fault.CodeSecret, "naming a tunnel")
	}
	r.Login = "tunnel-" + strings.ToLower(base32.StdEncoding.EncodeToString(token))
	if kind == Reverse {
		r.Port = firstPort + id%ports
	} else if _, err := s.rotate(r, true); err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(r).Exec(ctx); err != nil {
		return fmt.Errorf("creating a tunnel: %w", err)
	}
	return nil
}

// Delete forgets a tunnel.
func (s *Store) Delete(ctx context.Context, tx bun.Tx, id int64) error {
	if _, err := tx.NewDelete().Table("tunnels").Where("document_id = ?", id).Exec(ctx); err != nil {
		return fmt.Errorf("removing a tunnel: %w", err)
	}
	return nil
}

// Moved makes a tunnel pending whose target became another one, and forgets the host key of the old bastion.
func (s *Store) Moved(ctx context.Context, tx bun.Tx, id int64, otherBastion bool) error {
	q := tx.NewUpdate().Table("tunnels").Set("state = ?", Pending).Set("failure = ''").Set("changed_at = ?", clock.Millis(s.clock.Now())).
		Where("document_id = ?", id).Where("type = ?", Standard)
	if otherBastion {
		q.Set("host_key = ''")
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("changing a tunnel: %w", err)
	}
	return nil
}

// Get returns a tunnel.
func (s *Store) Get(ctx context.Context, workspaceID, id int64) (Record, error) {
	r, err := s.row(ctx, func(q *bun.SelectQuery) { q.Where("document_id = ?", id).Where("workspace_id = ?", workspaceID) })
	if err != nil {
		return Record{}, err
	}
	return s.current(r.record()), nil
}

// byLogin returns the tunnel whose client signs in with this name.
func (s *Store) byLogin(ctx context.Context, login string) (Record, error) {
	r, err := s.row(ctx, func(q *bun.SelectQuery) { q.Where("login = ?", login).Where("type = ?", Reverse) })
	if err != nil {
		return Record{}, err
	}
	return r.record(), nil
}

func (s *Store) row(ctx context.Context, where func(*bun.SelectQuery)) (row, error) {
	var r row
	q := s.db.NewSelect().Model(&r)
	where(q)
	err := q.Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return r, fault.New(fault.CodeNotFound, "there is no such tunnel")
	}
	if err != nil {
		return r, fmt.Errorf("reading a tunnel: %w", err)
	}
	return r, nil
}

// current corrects the state of a reverse tunnel whose process was lost without a word.
func (s *Store) current(r Record) Record {
	if r.Type == Reverse && r.State == Connected && s.clock.Now().After(r.until) {
		r.State = Disconnected
	}
	return r
}

// Rotate makes a new key. The old one works until the new one was used, or with at once no longer. What it returns of a
// standard tunnel has no private key, and that of a reverse one is the only copy there is.
func (s *Store) Rotate(ctx context.Context, workspaceID, id int64, at bool) (Pair, error) {
	var pair Pair
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var r row
		q := tx.NewSelect().Model(&r).Where("document_id = ?", id).Where("workspace_id = ?", workspaceID)
		if s.db.IsPostgres() {
			q.For("UPDATE")
		}
		if err := q.Scan(ctx); err != nil {
			return fmt.Errorf("reading a tunnel: %w", err)
		}
		at = at || r.PublicKey == ""
		var err error
		if pair, err = s.rotate(&r, at); err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model(&r).Column("public_key", "private_key", "next_public_key", "next_private_key").WherePK().Exec(ctx)
		if err != nil {
			return fmt.Errorf("changing a tunnel's key: %w", err)
		}
		return nil
	})
	return pair, err
}

// rotate makes a key pair for a row. Of a reverse tunnel only the public key is kept.
func (s *Store) rotate(r *row, at bool) (Pair, error) {
	pair, err := NewPair("millrace-" + r.Login)
	if err != nil {
		return pair, err
	}
	sealed := ""
	if r.Type == Standard {
		if sealed, err = s.key.Seal(purpose(r.WorkspaceID), pair.Private); err != nil {
			return pair, err
		}
		pair.Private = ""
	}
	if at {
		r.PublicKey, r.PrivateKey, r.NextPublicKey, r.NextPrivateKey = pair.Public, sealed, "", ""
	} else {
		r.NextPublicKey, r.NextPrivateKey = pair.Public, sealed
	}
	return pair, nil
}

// promote makes the next key the only one, as soon as it was used.
func (s *Store) promote(ctx context.Context, id int64, next string) error {
	_, err := s.db.NewRaw(`UPDATE tunnels SET public_key = next_public_key, private_key = next_private_key, next_public_key = '', next_private_key = ''
		WHERE document_id = ? AND next_public_key = ?`, id, next).Exec(ctx)
	if err != nil {
		return fmt.Errorf("changing a tunnel's key: %w", err)
	}
	return nil
}

// pairs returns the keys of a standard tunnel with which this server may sign in, the newest first, and the host key
// that was seen.
func (s *Store) pairs(ctx context.Context, workspaceID, id int64) (all []Pair, hostKey string, err error) {
	r, err := s.row(ctx, func(q *bun.SelectQuery) { q.Where("document_id = ?", id).Where("workspace_id = ?", workspaceID) })
	if err != nil {
		return nil, "", err
	}
	for _, p := range []Pair{{r.NextPublicKey, r.NextPrivateKey}, {r.PublicKey, r.PrivateKey}} {
		if p.Private == "" {
			continue
		}
		if p.Private, err = s.key.Open(purpose(workspaceID), p.Private); err != nil {
			return nil, "", err
		}
		all = append(all, p)
	}
	return all, r.HostKey, nil
}

// pin keeps the host key of a bastion that none is known of.
func (s *Store) pin(ctx context.Context, id int64, line string) error {
	_, err := s.db.NewUpdate().Table("tunnels").Set("host_key = ?", line).Where("document_id = ?", id).Where("host_key = ''").Exec(ctx)
	if err != nil {
		return fmt.Errorf("keeping a host key: %w", err)
	}
	return nil
}

// Unpin forgets the host key of a bastion, so that the next one seen is kept.
func (s *Store) Unpin(ctx context.Context, workspaceID, id int64) error {
	_, err := s.db.NewUpdate().Table("tunnels").Set("host_key = ''").Where("document_id = ?", id).Where("workspace_id = ?", workspaceID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("forgetting a host key: %w", err)
	}
	return nil
}

// note keeps how a tunnel stands. The state of a tunnel that failed as before keeps its time.
func (s *Store) note(ctx context.Context, id int64, state State, why error) error {
	now := s.clock.Now()
	text := ""
	if why != nil {
		f := fault.As(why)
		b, err := json.Marshal(Failure{Code: f.Code, Message: f.Error(), Suggestion: f.Hint(), At: now})
		if err != nil {
			return fmt.Errorf("encoding a failure: %w", err)
		}
		text = string(b)
	}
	_, err := s.db.NewRaw(`UPDATE tunnels SET changed_at = CASE WHEN state = ? THEN changed_at ELSE ? END, state = ?, failure = ? WHERE document_id = ?`,
		state, clock.Millis(now), state, text, id).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting a tunnel's state: %w", err)
	}
	return nil
}

// hold says that the client of a reverse tunnel is connected to a process, until a time. Without claim only the process
// that holds the tunnel can; whether it does is the result.
func (s *Store) hold(ctx context.Context, id int64, process, address string, until time.Time, claim bool) (bool, error) {
	now := clock.Millis(s.clock.Now())
	q := s.db.NewUpdate().Table("tunnels").Set("holder = ?", process).Set("holder_address = ?", address).Set("holder_until = ?", clock.Millis(until)).
		Set("changed_at = CASE WHEN state = ? THEN changed_at ELSE ? END", Connected, now).Set("state = ?", Connected).Set("failure = ''").
		Where("document_id = ?", id)
	if !claim {
		q.Where("holder = ?", process)
	}
	r, err := q.Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("noting who holds a tunnel: %w", err)
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// release says that the client of a reverse tunnel that a process held is gone.
func (s *Store) release(ctx context.Context, id int64, process string) error {
	_, err := s.db.NewUpdate().Table("tunnels").Set("holder = ''").Set("holder_address = ''").Set("holder_until = 0").Set("state = ?", Disconnected).
		Set("changed_at = ?", clock.Millis(s.clock.Now())).Where("document_id = ?", id).Where("holder = ?", process).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting the end of a tunnel: %w", err)
	}
	return nil
}

// hostKey returns the private host key of our own SSH server, which it makes the first time: clients know it for ever,
// and all processes have the same.
func (s *Store) hostKey(ctx context.Context) (string, error) {
	const purpose = "host key of reverse tunnels"
	pair, err := NewPair("millrace")
	if err != nil {
		return "", err
	}
	sealed, err := s.key.Seal(purpose, pair.Private)
	if err != nil {
		return "", err
	}
	if _, err := s.db.NewRaw("INSERT INTO tunnel_server (id, host_key) VALUES (1, ?) ON CONFLICT (id) DO NOTHING", sealed).Exec(ctx); err != nil {
		return "", fmt.Errorf("keeping the host key: %w", err)
	}
	if err := s.db.NewSelect().Table("tunnel_server").Column("host_key").Where("id = 1").Scan(ctx, &sealed); err != nil {
		return "", fmt.Errorf("reading the host key: %w", err)
	}
	return s.key.Open(purpose, sealed)
}

// Standards lists the standard tunnels of every workspace.
func (s *Store) Standards(ctx context.Context) ([]Record, error) {
	var rows []row
	if err := s.db.NewSelect().Model(&rows).Where("type = ?", Standard).Order("document_id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing tunnels: %w", err)
	}
	all := make([]Record, len(rows))
	for i, r := range rows {
		all[i] = r.record()
	}
	return all, nil
}
