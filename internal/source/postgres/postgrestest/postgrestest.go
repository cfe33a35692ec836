// Package postgrestest makes a PostgreSQL server look like another database that speaks its protocol: a proxy that
// rewrites statements and the numbers of types, and refuses what the other database has not.
package postgrestest

import (
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Face is how the server looks from outside.
type Face struct {
	// Statement rewrites a statement for the server, or refuses it.
	Statement func(sql string) (string, error)
	// Types are the numbers of types in results: the server's, then the other database's.
	Types map[uint32]uint32
	// TextOnly refuses values in binary form.
	TextOnly bool
}

// Start puts a face on the server at the address and returns where to reach it. It ends with the test.
func Start(t testing.TB, server string, f Face) (host string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{face: f, server: server}
	var running sync.WaitGroup
	t.Cleanup(func() {
		l.Close() //nolint:errcheck // nobody connects any more
		running.Wait()
	})
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.serve(c) })
		}
	})
	at := l.Addr().(*net.TCPAddr)
	return at.IP.String(), at.Port
}

type proxy struct {
	face   Face
	server string
}

// serve is one connection, or a request to cancel what another one runs.
func (p *proxy) serve(c net.Conn) {
	defer c.Close() //nolint:errcheck // the test's own end
	upstream, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer upstream.Close() //nolint:errcheck // as above
	x := &exchange{face: p.face, client: pgproto3.NewBackend(c, c), server: pgproto3.NewFrontend(upstream, upstream)}
	if !x.start(c) {
		return
	}
	done := make(chan struct{}, 2)
	go func() { x.forward(); done <- struct{}{} }()
	go func() { x.answer(); done <- struct{}{} }()
	<-done
	c.Close()        //nolint:errcheck // ends the other half
	upstream.Close() //nolint:errcheck // as above
	<-done
}

// exchange is what goes to and fro on one connection.
type exchange struct {
	face   Face
	client *pgproto3.Backend
	server *pgproto3.Frontend
	mu     sync.Mutex // of the client's side
}

// start forwards the first message; encryption is not offered.
func (x *exchange) start(c net.Conn) bool {
	for {
		m, err := x.client.ReceiveStartupMessage()
		if err != nil {
			return false
		}
		if _, ssl := m.(*pgproto3.SSLRequest); ssl {
			if _, err := c.Write([]byte("N")); err != nil {
				return false
			}
			continue
		}
		if cancel, ok := m.(*pgproto3.CancelRequest); ok {
			x.server.Send(cancel)
			x.server.Flush()   //nolint:errcheck // a request to cancel has no answer
			x.server.Receive() //nolint:errcheck // ends when the server has taken it
			return false
		}
		x.server.Send(m)
		return x.server.Flush() == nil
	}
}

// forward sends what the client says to the server.
func (x *exchange) forward() {
	skip := false // until the client synchronises, after an error in its pipeline
	for {
		m, err := x.client.Receive()
		if err != nil {
			return
		}
		if _, sync := m.(*pgproto3.Sync); sync && skip {
			skip = false
		}
		if skip {
			continue
		}
		refusal := x.adapt(m)
		if refusal != nil {
			_, simple := m.(*pgproto3.Query)
			x.refuse(refusal, simple)
			skip = !simple
			continue
		}
		x.server.Send(m)
		if x.server.Flush() != nil {
			return
		}
	}
}

// adapt changes a message in place, or says why it is refused.
func (x *exchange) adapt(m pgproto3.FrontendMessage) (err error) {
	switch m := m.(type) {
	case *pgproto3.Query:
		m.String, err = x.statement(m.String)
	case *pgproto3.Parse:
		m.Query, err = x.statement(m.Query)
	case *pgproto3.Bind:
		for _, format := range m.ResultFormatCodes {
			if x.face.TextOnly && format != pgproto3.TextFormat {
				return errors.New("values in binary form were asked for")
			}
		}
	}
	return err
}

func (x *exchange) statement(sql string) (string, error) {
	if x.face.Statement == nil {
		return sql, nil
	}
	return x.face.Statement(sql)
}

// refuse answers in the server's place.
func (x *exchange) refuse(err error, ready bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.client.Send(&pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "0A000", Message: err.Error()})
	if ready {
		x.client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	}
	x.client.Flush() //nolint:errcheck // a client that is gone needs no answer
}

// answer sends what the server says to the client.
func (x *exchange) answer() {
	for {
		m, err := x.server.Receive()
		if err != nil {
			return
		}
		x.face.present(m)
		x.mu.Lock()
		x.client.Send(m)
		err = x.client.Flush()
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (f Face) present(m pgproto3.BackendMessage) {
	d, ok := m.(*pgproto3.RowDescription)
	if !ok {
		return
	}
	for i := range d.Fields {
		if as, ok := f.Types[d.Fields[i].DataTypeOID]; ok {
			d.Fields[i].DataTypeOID = as
		}
	}
}
