package sqlserver

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/sqlserver/sqlservertest"
)

// Req: S-68, X-19
func TestFirewall(t *testing.T) {
	t.Parallel()
	const words = "Cannot open server 'analytics' requested by the login. Client with IP address '192.0.2.7' is not allowed to access the server."
	settings, _ := serve(t, sqlservertest.Options{Refuse: &sqlservertest.Error{Number: 40615, State: 1, Class: 14, Message: words, Line: 1}})
	err := openAt(t, Server(), settings, connector.Network{Egress: []string{"192.0.2.7", "192.0.2.8"}}).Test(t.Context())
	if hint := fault.As(err).Hint(); !fault.Is(err, fault.CodeSourceUnreachable) || !strings.Contains(err.Error(), words) || !strings.Contains(hint, "192.0.2.7, 192.0.2.8") || !strings.Contains(hint, "five minutes") {
		t.Errorf("%v\n%s", err, fault.As(err).Hint())
	}
}

// Everything goes over the network that the source is given, names too.
//
// Req: S-68
func TestNetwork(t *testing.T) {
	t.Parallel()
	settings, server := serve(t, sqlservertest.Options{})
	var asked atomic.Value
	network := connector.Network{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		asked.Store(address)
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(server.Host, portOf(server)))
	}}
	if err := openAt(t, Server(), with(with(settings, "host", "db.inside.example"), "port", 4711), network).Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked.Load() != "db.inside.example:4711" {
		t.Errorf("it dialed %v", asked.Load())
	}
	if got := server.Programs(); len(got) != 1 || got[0] != "millrace" {
		t.Errorf("the server knows it as %v", got)
	}
}

func portOf(s *sqlservertest.Server) string {
	_, port, _ := strings.Cut((&net.TCPAddr{Port: s.Port}).String(), ":")
	return port
}

// A model is one query: nothing in it ends the parentheses, or is another statement.
//
// Req: S-05
func TestReadOnly(t *testing.T) {
	t.Parallel()
	for _, info := range []connector.SourceInfo{Server(), Synapse()} {
		settings, server := serve(t, sqlservertest.Options{Setup: []string{"CREATE TABLE kept AS SELECT 1 AS id"}})
		s := openAt(t, info, settings, connector.Network{})
		for _, sql := range []string{
			"DROP TABLE kept", "DELETE FROM kept", "SELECT 1 AS a; DELETE FROM kept", "SELECT 1 AS a) AS x; DELETE FROM kept; SELECT * FROM (SELECT 1 AS a",
			"SELECT 1 AS a ORDER BY a) AS x; DELETE FROM kept --", "SELECT 1 AS a /*", "SELECT 'a", "SELECT 1 AS [a", "SELECT 1 AS a -- \r) AS x; DELETE FROM kept",
			"SELECT (1 AS a", "SELECT * INTO other FROM kept", "EXEC sp_who",
		} {
			for _, limit := range []int64{0, 1} {
				r, err := s.Query(t.Context(), connector.Query{SQL: sql, Limit: limit})
				if err == nil {
					for r.Next() {
					}
					err = r.Err()
					r.Release()
				}
				if !fault.Is(err, fault.CodeSourceQuery) {
					t.Errorf("%s: %q: %v", info.Slug, sql, err)
				}
			}
		}
		for _, sql := range []string{"SELECT id FROM kept ORDER BY id DELETE FROM kept", "SELECT id FROM kept ORDER BY id, id DROP TABLE kept"} {
			r, err := s.Query(t.Context(), connector.Query{SQL: sql}) // where an order cannot be compiled, what follows it is left out with it
			if info.Slug == "sqlserver" && !fault.Is(err, fault.CodeSourceQuery) {
				t.Errorf("%q: %v", sql, err)
			}
			if err == nil {
				for r.Next() {
				}
				r.Release()
			}
		}
		r, err := s.Query(t.Context(), connector.Query{SQL: ";WITH k AS (SELECT id AS [i;)] FROM kept) SELECT [i;)] AS n, 'it''s ;)' AS t FROM k ORDER BY n;"})
		if err != nil {
			t.Fatalf("%s: %v", info.Slug, err)
		}
		if !r.Next() || r.RecordBatch().NumRows() != 1 {
			t.Errorf("%s: no row: %v", info.Slug, r.Err())
		}
		r.Release()
		for _, statement := range server.Statements() {
			if strings.HasPrefix(statement, "DELETE") || strings.HasPrefix(statement, "DROP") {
				t.Errorf("%s: the server ran %q", info.Slug, statement)
			}
		}
	}
}

// A connection lives as long as the rows that are read over it.
//
// Req: S-29
func TestRowsEndTheirConnection(t *testing.T) {
	t.Parallel()
	settings, _ := serve(t, sqlservertest.Options{})
	s := openAt(t, Server(), settings, connector.Network{}).(*Source)
	for name, end := range map[string]func(array.RecordReader){
		"read to their end": func(r array.RecordReader) {
			for r.Next() {
			}
		},
		"released before": array.RecordReader.Release,
	} {
		r, err := s.Query(t.Context(), connector.Query{SQL: "SELECT 1 AS n"})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.sessions) != 1 {
			t.Errorf("%s: %d connections while rows come", name, len(s.sessions))
		}
		if end(r); len(s.sessions) != 0 {
			t.Errorf("%s: the connection is still there", name)
		}
	}
}

// A server may die while rows come, and while it says nothing.
func TestServerDies(t *testing.T) {
	t.Parallel()
	settings, server := serve(t, sqlservertest.Options{})
	r, err := openAt(t, Server(), settings, connector.Network{}).Query(t.Context(), connector.Query{SQL: "SELECT g AS n, repeat('x', 1000) AS x FROM range(3000000) t(g)"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	server.Cut()
	for r.Next() {
	}
	if !fault.Is(r.Err(), fault.CodeSourceUnreachable) || fault.ClassOf(r.Err()) != fault.Retryable {
		t.Errorf("%v (%s)", r.Err(), fault.As(r.Err()).Code)
	}
}

// A server that accepts a connection and says nothing does not hold anybody for longer than they want.
func TestServerIsSilent(t *testing.T) {
	t.Parallel()
	settings, _ := serve(t, sqlservertest.Options{Silent: true})
	err := openAt(t, Server(), with(settings, "requestTimeout", 0.05), connector.Network{}).Test(t.Context())
	if !fault.Is(err, fault.CodeSourceTimeout) {
		t.Errorf("%v", err)
	}
}

// Req: S-23
func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	settings, server := serve(t, sqlservertest.Options{})
	s := openAt(t, Server(), with(settings, "requestTimeout", 1), connector.Network{})
	const endless = "SELECT count(*) AS n FROM range(1000000000000) a"
	err := failure(t.Context(), t, s, endless)
	if err.Code != fault.CodeSourceTimeout || !strings.Contains(err.Error(), "request timeout") || !strings.Contains(err.Hint(), "request timeout") {
		t.Errorf("%v\n%s", err, err.Hint())
	}
	if server.Running(endless) {
		t.Error("the statement runs on")
	}
}

// Each known error has its code and says what to do, in the server's own words.
//
// Req: M-30, M-33
func TestServerErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number int32
		class  uint8
		code   fault.Code
		retry  fault.Class
	}{
		{18456, 14, fault.CodeSourceAuth, fault.Fatal},
		{18452, 14, fault.CodeSourceAuth, fault.Fatal},
		{40613, 17, fault.CodeSourceUnreachable, fault.Retryable},
		{40914, 14, fault.CodeSourceUnreachable, fault.Fatal},
		{42108, 14, fault.CodeSourceUnreachable, fault.Fatal},
		{229, 14, fault.CodeSourceDenied, fault.Fatal},
		{916, 14, fault.CodeSourceDenied, fault.Fatal},
		{1205, 13, fault.CodeSourceQuery, fault.Retryable},
		{1222, 16, fault.CodeSourceTimeout, fault.Retryable},
		{8134, 16, fault.CodeSourceQuery, fault.Fatal},
		{99999, 16, fault.CodeSourceQuery, fault.Fatal},
		{99999, 20, fault.CodeSourceUnreachable, fault.Retryable},
	} {
		settings, _ := serve(t, sqlservertest.Options{Refuse: &sqlservertest.Error{Number: c.number, State: 1, Class: c.class, Message: "The server's own words.", Line: 1}})
		err := openAt(t, Server(), settings, connector.Network{}).Test(t.Context())
		if f := fault.As(err); f.Code != c.code || f.Class != c.retry || !strings.Contains(err.Error(), "The server's own words.") || f.Hint() == "" {
			t.Errorf("%d: %s (%s): %v\n%s", c.number, f.Code, f.Class, err, f.Hint())
		}
	}
}
