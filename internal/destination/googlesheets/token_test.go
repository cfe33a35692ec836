package googlesheets_test

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/cloud/cloudtest"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// A token that Google does not accept any more in the middle of a run is renewed once. Where the next one is refused too,
// the run fails for the sake of the credential, and no row is rejected.
//
// Req: SY-17, SY-78
func TestRefusedToken(t *testing.T) {
	t.Parallel()
	for _, mode := range []connector.Mode{connector.ModeAll, connector.ModeInsert} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, newBook("b", "Book", "Data"))
			g.credential, g.issuer = cloudtest.NewIssuer(t)
			s := begin(t, open(t, g.settings()), jobOf("b", mode, columnsOf("id")))
			for _, id := range []string{"1", "2"} {
				if _, err := write(t, s, id, texts(id)); err != nil {
					t.Fatal(err)
				}
				g.issuer.Revoke(false)
			}
			if err := s.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, "rows", g.page("b", "Data").lines(), []string{"id", "1", "2"})
			s = begin(t, open(t, g.settings()), jobOf("b", mode, columnsOf("id")))
			g.issuer.Revoke(true)
			issued, came := g.issuer.Issued(), len(g.seen)
			result, err := write(t, s, "3", texts("3"))
			e := fault.As(err)
			if e == nil || e.Code != fault.CodeDestinationAuth || e.Class != fault.Fatal || !strings.Contains(e.Hint(), cloudtest.Email) || len(result.Rejected) != 0 {
				t.Errorf("%v, rejected %v", err, result.Rejected)
			}
			if strings.Contains(e.Error()+e.Hint(), cloudtest.Token) {
				t.Errorf("a token is told: %v", e)
			}
			if n := g.issuer.Issued() - issued; n != 1 || len(g.seen)-came != 2 {
				t.Errorf("%d further tokens, %d requests", n, len(g.seen)-came)
			}
		})
	}
}
