// Package access knows who may do what: organizations, workspaces, people, sessions and API keys.
package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
	"golang.org/x/crypto/bcrypt"
)

// RoleAdmin may do everything in a workspace.
const RoleAdmin = "admin"

// Identity is who makes a request, and in which workspace.
type Identity struct {
	UserID        int64
	Email         string
	Name          string
	Role          string
	WorkspaceID   int64
	WorkspaceSlug string
	WorkspaceName string
	Region        string // of the workspace, as it was when it was made; empty where the operator named none
	CSRF          string // of a session; empty for an API key
}

// Store keeps people, sessions and keys.
type Store struct {
	PasswordCost int // of bcrypt; tests that are not about it may lower it before the first use

	db    *db.DB
	clock clock.Clock
	guard *guard
}

// NewStore returns a store in the database.
func NewStore(d *db.DB, c clock.Clock) *Store {
	return &Store{PasswordCost: passwordCost, db: d, clock: c, guard: newGuard(c)}
}

// First is what the first start sets up.
type First struct {
	Email    string // of the admin; empty means admin@localhost
	Password string // empty means one that is made up
	APIKey   string // a first API key for automation; empty means none
	Region   string // the name of the data plane's region, which the workspace keeps
}

// Bootstrap makes an organization, a workspace and an admin in a new database. It returns the
// password that it made up, to be shown once; "" when there was nothing to make or the password was given.
func (s *Store) Bootstrap(ctx context.Context, f First) (email, password string, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if s.db.IsPostgres() {
			if _, err := tx.ExecContext(ctx, "LOCK TABLE organizations IN EXCLUSIVE MODE"); err != nil {
				return err
			}
		}
		n, err := tx.NewSelect().Table("organizations").Count(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			email, password, err = s.found(ctx, tx, f)
			if err != nil {
				return err
			}
		}
		return s.bootstrapKey(ctx, tx, f.APIKey)
	})
	if err != nil {
		return "", "", fmt.Errorf("setting up the first workspace: %w", err)
	}
	return email, password, nil
}

// found makes the first organization, workspace and admin.
func (s *Store) found(ctx context.Context, tx bun.Tx, f First) (email, password string, err error) {
	made := ""
	if f.Password == "" {
		if made, err = randomText(18); err != nil {
			return "", "", err
		}
		f.Password = made
	}
	if f.Email == "" {
		f.Email = "admin@localhost"
	}
	hash, err := s.hashPassword(f.Password)
	if err != nil {
		return "", "", err
	}
	now := s.clock.Now().UnixMilli()
	statements := []struct {
		sql  string
		args []any
	}{
		{"INSERT INTO organizations (id, name, created_at) VALUES (1, ?, ?)", []any{"My organization", now}},
		{"INSERT INTO workspaces (id, organization_id, slug, name, region, created_at) VALUES (1, 1, ?, ?, ?, ?)", []any{"main", "Main", f.Region, now}},
		{"INSERT INTO users (id, email, name, password, created_at) VALUES (1, ?, ?, ?, ?)", []any{strings.ToLower(f.Email), "Admin", hash, now}},
		{"INSERT INTO members (workspace_id, user_id, role) VALUES (1, 1, ?)", []any{RoleAdmin}},
	}
	for _, st := range statements {
		if _, err := tx.NewRaw(st.sql, st.args...).Exec(ctx); err != nil {
			return "", "", err
		}
	}
	return f.Email, made, nil
}

// bootstrapKey keeps the key that the environment names, for the first admin.
func (s *Store) bootstrapKey(ctx context.Context, tx bun.Tx, key string) error {
	if key == "" {
		return nil
	}
	if len(key) < minKey {
		return fault.New(fault.CodeConfig, "MILLRACE_BOOTSTRAP_API_KEY must have at least %d characters", minKey)
	}
	known, err := tx.NewSelect().Table("api_keys").Where("key_hash = ?", hashToken(key)).Exists(ctx)
	if err != nil || known {
		return err
	}
	_, err = s.insertKey(ctx, tx, 1, 1, "Bootstrap", key)
	return err
}

const minKey = 16

// passwordCost is bcrypt's: a tenth of a second or more on today's machines.
const passwordCost = bcrypt.DefaultCost + 1

// dummyHash is compared with when nobody has the email address, so that the time of an answer does not
// tell which addresses exist. It must have passwordCost; what it is the hash of is not known.
const dummyHash = "$2a$11$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"

// hashPassword hashes with bcrypt, which reads 72 bytes, so that longer passwords go through SHA-256 first.
func (s *Store) hashPassword(password string) (string, error) {
	b, err := bcrypt.GenerateFromPassword(condense(password), s.PasswordCost)
	return string(b), err
}

func condense(password string) []byte {
	if len(password) <= 72 {
		return []byte(password)
	}
	sum := sha256.Sum256([]byte(password))
	return []byte(base64.StdEncoding.EncodeToString(sum[:]))
}

// maxEmail is how long an email address can be.
const maxEmail = 320

// SignIn checks an email address and a password and starts a session. from is the network address of who
// asks: after too many failures for one person from there, the answer is fault.CodeRateLimited. The token goes into a
// cookie; only its hash is stored.
func (s *Store) SignIn(ctx context.Context, email, password, from string) (token string, id Identity, err error) {
	email = strings.ToLower(strings.TrimSpace(email))
	email = email[:min(len(email), maxEmail)]
	who := attempt{email, from}
	if err := s.guard.enter(who); err != nil {
		return "", id, err
	}
	var u struct {
		ID       int64
		Password string
	}
	err = s.db.NewSelect().Table("users").Column("id", "password").Where("email = ?", email).Scan(ctx, &u)
	if errors.Is(err, sql.ErrNoRows) {
		u.Password, err = dummyHash, nil
	}
	if err != nil {
		return "", id, fmt.Errorf("signing in: %w", err)
	}
	if bcrypt.CompareHashAndPassword([]byte(u.Password), condense(password)) != nil || u.ID == 0 {
		return "", id, fault.New(fault.CodeUnauthenticated, "the email address or the password is wrong").WithSuggestion("Check both; the first password was printed when the server first started.")
	}
	s.guard.pass(who)
	return s.startSession(ctx, u.ID)
}

// sessionTime is how long a session lasts.
const sessionTime = 14 * 24 * time.Hour

func (s *Store) startSession(ctx context.Context, userID int64) (string, Identity, error) {
	token, err := randomText(32)
	if err != nil {
		return "", Identity{}, err
	}
	csrf, err := randomText(24)
	if err != nil {
		return "", Identity{}, err
	}
	var workspaceID int64
	err = s.db.NewSelect().Table("members").Column("workspace_id").Where("user_id = ?", userID).Order("workspace_id").Limit(1).Scan(ctx, &workspaceID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", Identity{}, fault.New(fault.CodeForbidden, "you are a member of no workspace")
	}
	if err != nil {
		return "", Identity{}, fmt.Errorf("signing in: %w", err)
	}
	now := s.clock.Now()
	_, err = s.db.NewRaw("INSERT INTO sessions (token_hash, workspace_id, user_id, csrf, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
		hashToken(token), workspaceID, userID, csrf, now.UnixMilli(), now.Add(sessionTime).UnixMilli()).Exec(ctx)
	if err != nil {
		return "", Identity{}, fmt.Errorf("signing in: %w", err)
	}
	if _, err := s.db.NewDelete().Table("sessions").Where("expires_at < ?", now.UnixMilli()).Exec(ctx); err != nil {
		return "", Identity{}, fmt.Errorf("removing old sessions: %w", err)
	}
	id, err := s.Session(ctx, token)
	return token, id, err
}

// Session returns who holds a session's token.
func (s *Store) Session(ctx context.Context, token string) (Identity, error) {
	return s.identify(ctx, "sessions", "x.csrf", func(q *bun.SelectQuery) {
		q.Where("x.token_hash = ?", hashToken(token)).Where("x.expires_at > ?", s.clock.Now().UnixMilli())
	})
}

// SignOut ends a session.
func (s *Store) SignOut(ctx context.Context, token string) error {
	if _, err := s.db.NewDelete().Table("sessions").Where("token_hash = ?", hashToken(token)).Exec(ctx); err != nil {
		return fmt.Errorf("signing out: %w", err)
	}
	return nil
}

// ErrNoUser says that a key's creator is no admin of its workspace any more (API-02).
var ErrNoUser = fault.New(fault.CodeUnauthenticated, "No user found").WithSuggestion("The key's creator is no longer an admin of the workspace: make another key.")

// ErrBadToken says that a key or session is not known.
var ErrBadToken = fault.New(fault.CodeUnauthenticated, "Token is invalid").WithSuggestion("Sign in again, or make a new API key.")

// Key returns whom an API key acts as: its creator, as long as that person is an admin (API-02).
func (s *Store) Key(ctx context.Context, key string) (Identity, error) {
	known, err := s.db.NewSelect().Table("api_keys").Where("key_hash = ?", hashToken(key)).Exists(ctx)
	if err != nil {
		return Identity{}, fmt.Errorf("reading an API key: %w", err)
	}
	if !known {
		return Identity{}, ErrBadToken
	}
	id, err := s.identify(ctx, "api_keys", "''", func(q *bun.SelectQuery) { q.Where("x.key_hash = ?", hashToken(key)) })
	if fault.Is(err, fault.CodeUnauthenticated) || err == nil && id.Role != RoleAdmin {
		return Identity{}, ErrNoUser
	}
	if err != nil {
		return Identity{}, err
	}
	return id, s.touch(ctx, key)
}

// touch notes that a key was used, at most once a minute.
func (s *Store) touch(ctx context.Context, key string) error {
	now := s.clock.Now()
	_, err := s.db.NewUpdate().Table("api_keys").Set("last_used_at = ?", now.UnixMilli()).
		Where("key_hash = ?", hashToken(key)).Where("last_used_at < ?", now.Add(-time.Minute).UnixMilli()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting the use of an API key: %w", err)
	}
	return nil
}

// identify joins a session or key with its person and workspace.
func (s *Store) identify(ctx context.Context, table, csrf string, where func(*bun.SelectQuery)) (Identity, error) {
	var id Identity
	q := s.db.NewSelect().TableExpr(table + " AS x").
		ColumnExpr("u.id AS user_id, u.email, u.name, m.role, w.id AS workspace_id, w.slug AS workspace_slug, w.name AS workspace_name, w.region, " + csrf + " AS csrf").
		Join("JOIN users AS u ON u.id = x.user_id").Join("JOIN workspaces AS w ON w.id = x.workspace_id").
		Join("JOIN members AS m ON m.user_id = u.id AND m.workspace_id = w.id")
	where(q)
	err := q.Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return id, ErrBadToken
	}
	if err != nil {
		return id, fmt.Errorf("reading who makes the request: %w", err)
	}
	return id, nil
}

// APIKey is a key as lists show it.
type APIKey struct {
	ID         int64
	Name       string
	Prefix     string // the first characters, by which people know it
	CreatedAt  time.Time
	CreatedBy  string
	LastUsedAt time.Time // zero means never
}

// keyPrefix begins every key that is made here, so that leaked ones can be found.
const keyPrefix = "mr_"

// MakeKey makes an API key for an admin. The key itself is returned once and stored only as a hash.
func (s *Store) MakeKey(ctx context.Context, by Identity, name string) (APIKey, string, error) {
	if by.Role != RoleAdmin {
		return APIKey{}, "", fault.New(fault.CodeForbidden, "only an admin of the workspace makes API keys")
	}
	if strings.TrimSpace(name) == "" {
		return APIKey{}, "", fault.New(fault.CodeRequired, "a key needs a name").WithPath("name")
	}
	random, err := randomText(32)
	if err != nil {
		return APIKey{}, "", err
	}
	key := keyPrefix + random
	var made APIKey
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		made, err = s.insertKey(ctx, tx, by.WorkspaceID, by.UserID, name, key)
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, by, made.ID, "created", name)
	})
	made.CreatedBy = by.Email
	return made, key, err
}

func (s *Store) insertKey(ctx context.Context, tx bun.Tx, workspaceID, userID int64, name, key string) (APIKey, error) {
	id, err := s.db.NextID(ctx, tx)
	if err != nil {
		return APIKey{}, err
	}
	k := APIKey{ID: id, Name: name, Prefix: key[:8], CreatedAt: s.clock.Now()}
	_, err = tx.NewRaw("INSERT INTO api_keys (id, workspace_id, user_id, name, prefix, key_hash, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		id, workspaceID, userID, name, k.Prefix, hashToken(key), k.CreatedAt.UnixMilli()).Exec(ctx)
	if err != nil {
		return k, fmt.Errorf("making an API key: %w", err)
	}
	return k, nil
}

// audit notes the creation or deletion of a key; its use is not noted (API-02).
func (s *Store) audit(ctx context.Context, tx bun.Tx, by Identity, keyID int64, action, name string) error {
	id, err := s.db.NextID(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.NewRaw("INSERT INTO activity (id, workspace_id, at, actor, kind, document_id, slug, action, summary, revision) VALUES (?, ?, ?, ?, 'apiKey', ?, '', ?, ?, 0)",
		id, by.WorkspaceID, s.clock.Now().UnixMilli(), by.Email, keyID, action, name).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting activity: %w", err)
	}
	return nil
}

// Keys lists the keys of a workspace, the newest first.
func (s *Store) Keys(ctx context.Context, workspaceID int64) ([]APIKey, error) {
	var rows []struct {
		ID                    int64
		Name, Prefix, Email   string
		CreatedAt, LastUsedAt int64
	}
	err := s.db.NewSelect().TableExpr("api_keys AS k").ColumnExpr("k.id, k.name, k.prefix, u.email, k.created_at, k.last_used_at").
		Join("JOIN users AS u ON u.id = k.user_id").Where("k.workspace_id = ?", workspaceID).Order("k.id DESC").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("listing API keys: %w", err)
	}
	keys := make([]APIKey, len(rows))
	for i, r := range rows {
		keys[i] = APIKey{ID: r.ID, Name: r.Name, Prefix: r.Prefix, CreatedAt: time.UnixMilli(r.CreatedAt).UTC(), CreatedBy: r.Email}
		if r.LastUsedAt > 0 {
			keys[i].LastUsedAt = time.UnixMilli(r.LastUsedAt).UTC()
		}
	}
	return keys, nil
}

// DropKey revokes a key.
func (s *Store) DropKey(ctx context.Context, by Identity, id int64) error {
	if by.Role != RoleAdmin {
		return fault.New(fault.CodeForbidden, "only an admin of the workspace revokes API keys")
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewDelete().Table("api_keys").Where("id = ?", id).Where("workspace_id = ?", by.WorkspaceID).Exec(ctx)
		if err != nil {
			return fmt.Errorf("revoking an API key: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fault.New(fault.CodeNotFound, "there is no API key %d", id))
		}
		return s.audit(ctx, tx, by, id, "deleted", "")
	})
}

// hashToken is how tokens are stored. They are random and long, so a fast hash is enough.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func randomText(bytes int) (string, error) {
	b := make([]byte, bytes)
	if _, err := rand.Read(b); err != nil {
		return "", fault.Wrap(err, fault.CodeInternal, "making a random token")
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}
