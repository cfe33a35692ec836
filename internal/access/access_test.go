package access_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/crypto/bcrypt"
)

func newStore(d *db.DB) (*access.Store, *clock.Manual) {
	c := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	s := access.NewStore(d, c)
	s.PasswordCost = bcrypt.MinCost
	return s, c
}

func TestFirstStart(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, c := newStore(d)
		email, password, err := s.Bootstrap(t.Context(), access.First{})
		if err != nil || email == "" || len(password) < 16 {
			t.Fatalf("%q %q %v", email, password, err)
		}
		if _, again, err := s.Bootstrap(t.Context(), access.First{}); err != nil || again != "" {
			t.Errorf("a second start made the password %q: %v", again, err)
		}
		if _, _, err := s.SignIn(t.Context(), email, password+"x", "192.0.2.1"); !fault.Is(err, fault.CodeUnauthenticated) {
			t.Errorf("a wrong password: %v", err)
		}
		if _, _, err := s.SignIn(t.Context(), "nobody@example.com", password, "192.0.2.1"); !fault.Is(err, fault.CodeUnauthenticated) {
			t.Errorf("a wrong address: %v", err)
		}
		token, id, err := s.SignIn(t.Context(), email, password, "192.0.2.1")
		if err != nil || id.WorkspaceID != 1 || id.CSRF == "" || id.Role != access.RoleAdmin {
			t.Fatalf("%+v %v", id, err)
		}
		c.Advance(15 * 24 * time.Hour)
		if _, err := s.Session(t.Context(), token); !fault.Is(err, fault.CodeUnauthenticated) {
			t.Errorf("an old session: %v", err)
		}
	})
}

// A workspace keeps the region that it was made in.
//
// Req: X-21, ORG-05
func TestRegion(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := newStore(d)
		for _, region := range []string{"eu-central-1", "us-east-1"} {
			if _, _, err := s.Bootstrap(t.Context(), access.First{Password: "correct horse", Region: region}); err != nil {
				t.Fatal(err)
			}
			if _, id, err := s.SignIn(t.Context(), "admin@localhost", "correct horse", "192.0.2.1"); err != nil || id.Region != "eu-central-1" {
				t.Errorf("started in %s, the workspace is of the region %q: %v", region, id.Region, err)
			}
		}
	})
}

// Req: API-02
func TestKeys(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := newStore(d)
		if _, _, err := s.Bootstrap(t.Context(), access.First{Password: "correct horse", APIKey: "a-key-from-the-environment"}); err != nil {
			t.Fatal(err)
		}
		id, err := s.Key(t.Context(), "a-key-from-the-environment")
		if err != nil {
			t.Fatal(err)
		}
		made, key, err := s.MakeKey(t.Context(), id, "CI")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Key(t.Context(), key); err != nil || got.UserID != id.UserID {
			t.Errorf("%+v %v", got, err)
		}
		var stored int
		if err := d.NewSelect().Table("api_keys").ColumnExpr("count(*)").Where("key_hash = ?", key).Scan(t.Context(), &stored); err != nil || stored != 0 {
			t.Errorf("the key itself is stored: %v", err)
		}
		if _, err := s.Key(t.Context(), key+"x"); !fault.Is(err, fault.CodeUnauthenticated) || err.Error() != "Token is invalid" {
			t.Errorf("an unknown key: %v", err)
		}
		if _, err := d.NewUpdate().Table("members").Set("role = 'viewer'").Where("user_id = ?", id.UserID).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Key(t.Context(), key); err == nil || err.Error() != "No user found" {
			t.Errorf("a key of somebody who is no admin: %v", err)
		}
		if err := s.DropKey(t.Context(), id, made.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Key(t.Context(), key); err == nil || err.Error() != "Token is invalid" {
			t.Errorf("a revoked key: %v", err)
		}
		other := id
		other.WorkspaceID = 99
		keys, err := s.Keys(t.Context(), id.WorkspaceID)
		if err != nil || len(keys) != 1 {
			t.Fatalf("%v %v", keys, err)
		}
		if err := s.DropKey(t.Context(), other, keys[0].ID); !fault.Is(err, fault.CodeNotFound) {
			t.Errorf("another workspace revokes the key: %v", err)
		}
	})
}

// How long an answer takes must not tell which addresses exist, and no part of a long password is ignored.
func TestPasswords(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := access.NewStore(d, clock.System{})
		long := strings.Repeat("x", 100)
		if _, _, err := s.Bootstrap(t.Context(), access.First{Email: "Ada@Example.com", Password: long + "y"}); err != nil {
			t.Fatal(err)
		}
		var stored string
		if err := d.NewSelect().Table("users").Column("password").Scan(t.Context(), &stored); err != nil {
			t.Fatal(err)
		}
		cost, err := bcrypt.Cost([]byte(stored))
		if err != nil {
			t.Fatalf("the password is stored as %q: %v", stored, err)
		}
		dummy, err := bcrypt.Cost([]byte(access.DummyHash))
		if err != nil || dummy != cost {
			t.Errorf("an unknown address costs %d and a known one %d: %v", dummy, cost, err)
		}
		if _, _, err := s.SignIn(t.Context(), "ada@example.com", long+"z", "192.0.2.1"); !fault.Is(err, fault.CodeUnauthenticated) {
			t.Errorf("a password that differs at its end: %v", err)
		}
		if _, _, err := s.SignIn(t.Context(), "ADA@example.com ", long+"y", "192.0.2.1"); err != nil {
			t.Error(err)
		}
	})
}

func TestGuessing(t *testing.T) {
	t.Parallel()
	s, c := newStore(dbtest.SQLite(t)) // failures are counted in the process
	if _, _, err := s.Bootstrap(t.Context(), access.First{Email: "ada@example.com", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	try := func(password, from string) error {
		_, _, err := s.SignIn(t.Context(), "ada@example.com", password, from)
		return err
	}
	for range 9 {
		if err := try("wrong", "192.0.2.1"); !fault.Is(err, fault.CodeUnauthenticated) {
			t.Fatal(err)
		}
	}
	if err := try("correct horse", "192.0.2.1"); err != nil {
		t.Errorf("after nine failures: %v", err)
	}
	for range 10 { // the success has begun the count anew
		if err := try("wrong", "192.0.2.1"); !fault.Is(err, fault.CodeUnauthenticated) {
			t.Fatal(err)
		}
	}
	err := try("correct horse", "192.0.2.1")
	if !fault.Is(err, fault.CodeRateLimited) || fault.As(err).After != 15*time.Minute {
		t.Errorf("after ten failures: %v", err)
	}
	if err := try("correct horse", "192.0.2.2"); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	c.Advance(15 * time.Minute)
	if err := try("correct horse", "192.0.2.1"); err != nil {
		t.Errorf("after a quarter of an hour: %v", err)
	}
}

// Attempts at the same time count too: a program does not wait for answers.
func TestGuessingAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s, _ := newStore(d)
	if _, _, err := s.Bootstrap(t.Context(), access.First{Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	var tried atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, _, err := s.SignIn(t.Context(), "admin@localhost", "wrong", "192.0.2.1"); fault.Is(err, fault.CodeUnauthenticated) {
				tried.Add(1)
			}
		})
	}
	all.Wait()
	if tried.Load() != 10 {
		t.Errorf("%d passwords were compared", tried.Load())
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := newStore(d)
		if _, _, err := s.Bootstrap(t.Context(), access.First{Password: "correct horse"}); err != nil {
			t.Fatal(err)
		}
		token, _, err := s.SignIn(t.Context(), "admin@localhost", "correct horse", "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		var stored string
		if err := d.NewSelect().Table("sessions").Column("token_hash").Scan(t.Context(), &stored); err != nil || strings.Contains(stored, token) {
			t.Errorf("the session is stored as %q: %v", stored, err)
		}
		if err := s.SignOut(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Session(t.Context(), token); !fault.Is(err, fault.CodeUnauthenticated) {
			t.Errorf("after signing out: %v", err)
		}
	})
}

// The key of the environment is made once, however often the server starts, and a short one is refused.
//
// Req: API-02
func TestBootstrapKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := newStore(d)
		for range 3 {
			if _, _, err := s.Bootstrap(t.Context(), access.First{Password: "correct horse", APIKey: "a-key-from-the-environment"}); err != nil {
				t.Fatal(err)
			}
		}
		keys, err := s.Keys(t.Context(), 1)
		if err != nil || len(keys) != 1 {
			t.Errorf("%d keys: %v", len(keys), err)
		}
		if _, _, err := s.Bootstrap(t.Context(), access.First{APIKey: "short"}); !fault.Is(err, fault.CodeConfig) {
			t.Errorf("a short key: %v", err)
		}
		viewer := access.Identity{UserID: 1, WorkspaceID: 1, Role: "viewer"}
		if _, _, err := s.MakeKey(t.Context(), viewer, "mine"); !fault.Is(err, fault.CodeForbidden) {
			t.Errorf("somebody who is no admin makes a key: %v", err)
		}
		if err := s.DropKey(t.Context(), viewer, keys[0].ID); !fault.Is(err, fault.CodeForbidden) {
			t.Errorf("somebody who is no admin revokes a key: %v", err)
		}
	})
}

// Req: API-03
func TestLimiter(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(time.Unix(0, 0))
	l := access.NewLimiter(c, 200, 10*time.Second)
	for i := range 200 {
		if _, ok := l.Allow(1); !ok {
			t.Fatalf("request %d was refused", i)
		}
	}
	if wait, ok := l.Allow(1); ok || wait != 10*time.Second {
		t.Errorf("%v %v", wait, ok)
	}
	if _, ok := l.Allow(2); !ok {
		t.Error("another workspace was refused")
	}
	c.Advance(10 * time.Second)
	if _, ok := l.Allow(1); !ok {
		t.Error("the window does not move on")
	}
}
