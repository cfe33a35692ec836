package access_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/fault"
)

func newStore(d *db.DB) (*access.Store, *clock.Manual) {
	c := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	return access.NewStore(d, c), c
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
