// Package sqlservertest is a stand-in for SQL Server: as much of its protocol (TDS 7.4) as the driver speaks, over
// DuckDB. It signs in, streams results, refuses with numbered errors, obeys attentions, and takes bulk loads and
// statements with parameters.
//
// The protocol is published: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-tds
package sqlservertest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/source/warehousetest"
)

// Options say what the server accepts.
type Options struct {
	User, Password string
	Token          string // of a service principal; then there are no passwords
	Database       string
	Certificate    *tls.Certificate  // nil means that the server has no encryption
	Setup          []string          // DuckDB's statements that run first
	Comments       map[string]string // of columns, by their names
	Refuse         *Error            // what every login is refused with
	Silent         bool              // it accepts connections and says nothing

	// Answer knows what the engine does not: statements of destinations. Parameters are as "@p1 = text".
	Answer func(statement string, parameters []string) (reply Reply, known bool)
}

// Server is a running stand-in.
type Server struct {
	Host string
	Port int

	o      Options
	engine *warehousetest.Engine

	mu       sync.Mutex
	running  map[string]int // texts of statements
	conns    map[net.Conn]bool
	programs []string
	batches  []string
}

// Start runs a server that ends with the test.
func Start(t *testing.T, o Options) *Server {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("the listener has no port")
	}
	s := &Server{Host: "127.0.0.1", Port: address.Port, o: o, running: map[string]int{}, conns: map[net.Conn]bool{}}
	s.engine = warehousetest.New(t, warehousetest.Options{Setup: slices.Concat(catalog, o.Setup), Rewrite: rewrite})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(ctx, c) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = l.Close() //nolint:errcheck // the test is over
		s.Cut()
		all.Wait()
	})
	return s
}

// Statements returns what the server was asked to run, the oldest first.
func (s *Server) Statements() []string { return s.engine.Statements() }

// Batches returns what clients sent, the oldest first, transactions too.
func (s *Server) Batches() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.batches)
}

// Programs returns what clients called themselves.
func (s *Server) Programs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.programs)
}

// Running reports whether a statement that contains the text runs.
func (s *Server) Running(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for statement, n := range s.running {
		if n > 0 && strings.Contains(statement, text) {
			return true
		}
	}
	return false
}

// Cut ends every connection, as a server does that dies.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close() //nolint:errcheck // a dead server says nothing
	}
}

func (s *Server) ran(statement string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[statement] += n
	if n > 0 {
		s.batches = append(s.batches, statement)
	}
}

// The packets.
const (
	packetBatch     = 1
	packetReply     = 4
	packetAttention = 6
	packetBulk      = 7
	packetLogin     = 16
	packetPrelogin  = 18

	headerSize = 8
	packetSize = 4096
	lastPacket = 1
)

// client is one connection.
type client struct {
	server *Server
	conn   net.Conn
	in     *bufio.Reader
	bulk   *bulkTarget
	empty  bool // FMTONLY is on
}

func (s *Server) serve(ctx context.Context, c net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.conns[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		_ = c.Close() //nolint:errcheck // it may be cut already
	}()
	x := &client{server: s, conn: c, in: bufio.NewReader(c)}
	if s.o.Silent {
		_, _ = io.Copy(io.Discard, c) //nolint:errcheck // until it is cut
		return
	}
	if x.greet() == nil && x.login() == nil {
		x.loop(ctx)
	}
}

// message is what a client sends in one or more packets.
type message struct {
	kind byte
	data []byte
}

func (x *client) read() (message, error) {
	var m message
	for {
		var header [headerSize]byte
		if _, err := io.ReadFull(x.in, header[:]); err != nil {
			return m, err
		}
		size := int(binary.BigEndian.Uint16(header[2:])) - headerSize
		if size < 0 {
			return m, errors.New("a packet is shorter than its header")
		}
		part := make([]byte, size)
		if _, err := io.ReadFull(x.in, part); err != nil {
			return m, err
		}
		m.kind, m.data = header[0], append(m.data, part...)
		if header[1]&lastPacket != 0 {
			return m, nil
		}
	}
}

// reply writes tokens in packets.
type reply struct {
	x   *client
	buf []byte
	err error
}

func (r *reply) add(b []byte) {
	r.buf = append(r.buf, b...)
	for len(r.buf) > packetSize-headerSize {
		r.packet(r.buf[:packetSize-headerSize], 0)
		r.buf = r.buf[packetSize-headerSize:]
	}
}

func (r *reply) end() error {
	r.packet(r.buf, lastPacket)
	return r.err
}

func (r *reply) packet(data []byte, status byte) {
	if r.err != nil {
		return
	}
	header := []byte{packetReply, status, 0, 0, 0, 0, 1, 0}
	binary.BigEndian.PutUint16(header[2:], uint16(len(data)+headerSize))
	_, r.err = r.x.conn.Write(append(header, data...))
}

// The options of the first message, and what they say of encryption.
const (
	optionVersion    = 0
	optionEncryption = 1
	optionFedAuth    = 6
	optionEnd        = 0xff

	encryptOn           = 1
	encryptNotSupported = 2
)

// greet answers the first message and begins the encryption.
func (x *client) greet() error {
	m, err := x.read()
	if err != nil || m.kind != packetPrelogin {
		return errors.Join(err, errors.New("the first message is no greeting"))
	}
	encryption := byte(encryptNotSupported)
	if x.server.o.Certificate != nil && option(m.data, optionEncryption, encryptNotSupported) != encryptNotSupported {
		encryption = encryptOn
	}
	options := [][]byte{{optionVersion, 16, 0, 0, 0, 0, 0}, {optionEncryption, encryption}}
	if option(m.data, optionFedAuth, optionEnd) != optionEnd {
		options = append(options, []byte{optionFedAuth, 1})
	}
	head, tail := []byte{}, []byte{}
	at := 5*len(options) + 1
	for _, o := range options {
		head = append(head, o[0], byte(at>>8), byte(at), 0, byte(len(o)-1))
		tail = append(tail, o[1:]...)
		at += len(o) - 1
	}
	r := &reply{x: x}
	r.add(append(append(head, optionEnd), tail...))
	if err := r.end(); err != nil || encryption != encryptOn {
		return err
	}
	return x.encrypt()
}

// option returns the first byte of an option of the greeting.
func option(data []byte, kind, otherwise byte) byte {
	for i := 0; i+5 <= len(data) && data[i] != optionEnd; i += 5 {
		at := int(binary.BigEndian.Uint16(data[i+1:]))
		if data[i] == kind && at < len(data) {
			return data[at]
		}
	}
	return otherwise
}

// encrypt shakes hands inside of packets; what follows is packets inside of TLS.
func (x *client) encrypt() error {
	before := *x
	inner := &wrapped{Conn: x.conn, x: &before}
	c := tls.Server(inner, &tls.Config{Certificates: []tls.Certificate{*x.server.o.Certificate}, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12})
	if err := c.HandshakeContext(context.Background()); err != nil {
		return err
	}
	inner.plain = true
	x.conn, x.in = c, bufio.NewReader(c)
	return nil
}

// wrapped carries the bytes of a handshake in packets.
type wrapped struct {
	net.Conn

	x       *client // as it was before
	pending []byte
	plain   bool
}

// Read takes bytes out of packets.
func (w *wrapped) Read(b []byte) (int, error) {
	if w.plain {
		return w.x.in.Read(b)
	}
	if len(w.pending) == 0 {
		m, err := w.x.read()
		if err != nil {
			return 0, err
		}
		w.pending = m.data
	}
	n := copy(b, w.pending)
	w.pending = w.pending[n:]
	return n, nil
}

// Write puts bytes into a packet.
func (w *wrapped) Write(b []byte) (int, error) {
	if w.plain {
		return w.Conn.Write(b)
	}
	r := &reply{x: w.x}
	r.add(b)
	return len(b), r.end()
}
