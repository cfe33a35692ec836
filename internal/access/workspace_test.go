package access_test

import (
	"testing"

	"github.com/millrace/millrace/internal/access"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/fault"
)

// An admin makes workspaces, is an admin of them, and goes from one to the other; nobody enters another's.
//
// Req: ORG-02, ORG-07
func TestWorkspaces(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := newStore(d)
		if _, _, err := s.Bootstrap(t.Context(), access.First{Password: "correct horse"}); err != nil {
			t.Fatal(err)
		}
		token, by, err := s.SignIn(t.Context(), "admin@localhost", "correct horse", "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		made, err := s.MakeWorkspace(t.Context(), by, access.Workspace{Name: " Europe ", Slug: "europe", Region: "eu-1"}, false)
		if err != nil || made.Name != "Europe" || made.Slug != "europe" {
			t.Fatalf("made %+v: %v", made, err)
		}
		if second, err := s.MakeWorkspace(t.Context(), by, access.Workspace{Name: "europe", Slug: "europe"}, false); err != nil || second.Slug != "europe-2" {
			t.Errorf("a second one is %+v: %v", second, err)
		}
		id, err := s.Enter(t.Context(), token, "europe")
		if id.CSRF == by.CSRF {
			t.Error("a page of the workspace before could still change something")
		}
		if err != nil || id.WorkspaceID != made.ID || id.Role != access.RoleAdmin || id.Region != "eu-1" {
			t.Errorf("entered %+v: %v", id, err)
		}
		if again, err := s.Session(t.Context(), token); err != nil || again.WorkspaceSlug != "europe" {
			t.Errorf("the session is in %+v: %v", again, err)
		}
		all, err := s.Workspaces(t.Context(), by.UserID)
		if err != nil || len(all) != 3 || all[0].Slug != "europe" || all[2].Slug != "main" {
			t.Errorf("there are %+v: %v", all, err)
		}
	})
}

// What cannot be made or entered is refused with what is wrong.
//
// Req: ORG-02, ORG-04
func TestWorkspacesRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := newStore(d)
		if _, _, err := s.Bootstrap(t.Context(), access.First{Password: "correct horse"}); err != nil {
			t.Fatal(err)
		}
		token, by, err := s.SignIn(t.Context(), "admin@localhost", "correct horse", "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.MakeWorkspace(t.Context(), by, access.Workspace{Name: "Again", Slug: "main"}, true); !fault.Is(err, fault.CodeConflict) {
			t.Errorf("a slug that is taken: %v", err)
		}
		if _, err := s.MakeWorkspace(t.Context(), by, access.Workspace{Name: " ", Slug: "none"}, true); !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("no name: %v", err)
		}
		viewer := by
		viewer.Role = "viewer"
		if _, err := s.MakeWorkspace(t.Context(), viewer, access.Workspace{Name: "Mine", Slug: "mine"}, true); !fault.Is(err, fault.CodeForbidden) {
			t.Errorf("not an admin: %v", err)
		}
		if _, err := d.NewRaw("INSERT INTO workspaces (id, organization_id, slug, name, region, created_at) VALUES (77, 1, 'others', 'Others', '', 0)").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Enter(t.Context(), token, "others"); !fault.Is(err, fault.CodeNotFound) {
			t.Errorf("another's workspace: %v", err)
		}
		if _, err := s.Enter(t.Context(), "no token", "main"); !fault.Is(err, fault.CodeUnauthenticated) {
			t.Errorf("no session: %v", err)
		}
	})
}
