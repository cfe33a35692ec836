package gcs_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/cloud/cloudtest"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/destination/gcs"
	"github.com/millrace/millrace/internal/fault"
)

// A token that the store does not accept any more in the middle of a run is renewed: the file is there whole, also where
// that happens between its chunks.
//
// Req: SY-17
func TestRefusedToken(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.credential, s.issuer = cloudtest.NewIssuer(t)
	d := filetest.Open(t, gcs.Info(), s.settings())
	if err := d.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	var let []string
	s.intrude = func(_ http.ResponseWriter, r *http.Request) bool {
		if let = append(let, call(r)); len(let) <= 2 {
			s.issuer.Revoke(false) // for the request that follows
		}
		return false
	}
	before := s.issuer.Issued()
	session := filetest.Fill(t, d, filetest.Job("ndjson", filetest.Columns), 20)
	if err := session.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	o, found := s.object(t, "rows.out")
	if rows := filetest.Read(t, "ndjson", o.Content); !found || len(rows) != 20 || let[1] != "chunk" || let[2] != "chunk" || s.issuer.Issued()-before != 3 {
		t.Errorf("%v, %d rows, %d chunks with %d tokens", found, len(rows), s.count("chunk"), s.issuer.Issued()-before)
	}
}

// Where the next token is refused too, the run fails for the sake of the credential, and nothing is published.
//
// Req: SY-17, SY-78
func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.credential, s.issuer = cloudtest.NewIssuer(t)
	session := filetest.Fill(t, filetest.Open(t, gcs.Info(), s.settings()), filetest.Job("ndjson", filetest.Columns), 1)
	s.issuer.Revoke(true)
	e := fault.As(session.Finish(t.Context()))
	if e == nil || e.Code != fault.CodeDestinationAuth || e.Class != fault.Fatal || !strings.Contains(e.Hint(), cloudtest.Email) {
		t.Fatalf("%v: %v", fault.ClassOf(e), e)
	}
	if strings.Contains(e.Error()+e.Hint(), cloudtest.Token) {
		t.Errorf("a token is told: %v", e)
	}
	if _, found := s.object(t, "rows.out"); found || s.issuer.Issued() != 2 {
		t.Errorf("%v, %d tokens", found, s.issuer.Issued())
	}
}
