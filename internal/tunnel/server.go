package tunnel

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/secret"
	"golang.org/x/crypto/ssh"
)

// holdTime is how long what a process says about its clients is believed: it repeats it with every keep-alive.
const holdTime = 3 * keepAliveEvery

// maxHandshakes is how many connections may be signing in at a time: strangers may knock as they like.
const maxHandshakes = 64

// peerUser is who other processes of this installation sign in as. Names of tunnels begin otherwise.
const peerUser = "millrace"

// ServerOptions make a Server.
type ServerOptions struct {
	Store   *Store
	Key     *secret.Key // other processes prove with it that they belong to us
	Process string      // names this process
	Address string      // host:port by which other processes reach this one's listener
	Clock   clock.Clock
	Log     *slog.Logger
}

// Server is the SSH server that the clients of reverse tunnels connect to. A client may do one thing: offer its own
// port. Nothing listens at that port: connections are opened over the client's own, by this process (Dial) or by
// another one of the installation that signs in here as well. Nobody else reaches a tunnel.
type Server struct {
	ServerOptions

	config    *ssh.ServerConfig
	signer    ssh.Signer
	peer      ssh.Signer
	handshake chan struct{}

	mu       sync.Mutex
	visitors map[int64]*visitor // by the tunnel's id
	conns    map[net.Conn]bool
	closed   bool
}

// NewServer returns a server. It does not listen yet, and without ever listening it can Dial.
func NewServer(ctx context.Context, o ServerOptions) (*Server, error) {
	text, err := o.Store.hostKey(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{ServerOptions: o, handshake: make(chan struct{}, maxHandshakes), visitors: map[int64]*visitor{}, conns: map[net.Conn]bool{}}
	if s.signer, err = ssh.ParsePrivateKey([]byte(text)); err != nil {
		return nil, fault.New(fault.CodeSecret, "the host key cannot be read")
	}
	seed, err := o.Key.Derive("peers of reverse tunnels")
	if err != nil {
		return nil, err
	}
	if s.peer, err = ssh.NewSignerFromSigner(ed25519.NewKeyFromSeed(seed)); err != nil {
		return nil, fmt.Errorf("making the key of peers: %w", err)
	}
	s.config = &ssh.ServerConfig{PublicKeyCallback: s.authenticate, MaxAuthTries: 6, ServerVersion: "SSH-2.0-Millrace"}
	s.config.AddHostKey(s.signer)
	return s, nil
}

// HostKey is the server's public host key, as known_hosts has it after the host's name.
func (s *Server) HostKey() string { return Line(s.signer.PublicKey()) }

// The extensions that an authenticated connection carries.
const (
	extTunnel = "millrace-login"
	extKey    = "millrace-key"
	extPeer   = "millrace-peer"
)

var errRefused = errors.New("permission denied")

// authenticate admits a tunnel's client with one of the tunnel's keys, and peers.
func (s *Server) authenticate(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	if c.User() == peerUser {
		if string(key.Marshal()) != string(s.peer.PublicKey().Marshal()) {
			return nil, errRefused
		}
		return &ssh.Permissions{Extensions: map[string]string{extPeer: "yes"}}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	r, err := s.Store.byLogin(ctx, c.User())
	if err != nil {
		return nil, errRefused
	}
	for _, line := range []string{r.NextKey, r.PublicKey} {
		if line != "" && sameKey(line, key) {
			return &ssh.Permissions{Extensions: map[string]string{extTunnel: r.Login, extKey: line}}, nil
		}
	}
	return nil, errRefused
}

// Serve accepts clients until the listener or the server is closed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accepting the client of a tunnel: %w", err)
		}
		if !s.admit(conn) {
			_ = conn.Close() //nolint:errcheck // it is turned away
			continue
		}
		go s.handle(ctx, conn)
	}
}

// admit takes one of the places for those who are signing in.
func (s *Server) admit(conn net.Conn) bool {
	select {
	case s.handshake <- struct{}{}:
	default:
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		<-s.handshake
		return false
	}
	s.conns[conn] = true
	return true
}

// Close ends every connection of clients and peers.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		_ = conn.Close() //nolint:errcheck // its reader notices
	}
	all := make([]*visitor, 0, len(s.visitors))
	for _, v := range s.visitors {
		all = append(all, v)
	}
	s.mu.Unlock()
	for _, v := range all {
		<-v.done
	}
	return nil
}

func (s *Server) handle(ctx context.Context, raw net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, raw)
		s.mu.Unlock()
		_ = raw.Close() //nolint:errcheck // it is over
	}()
	_ = raw.SetDeadline(time.Now().Add(handshakeTime)) //nolint:errcheck // then it is closed already
	conn, channels, requests, err := ssh.NewServerConn(raw, s.config)
	<-s.handshake
	if err != nil {
		s.Log.Debug("the client of a tunnel did not sign in", "from", raw.RemoteAddr().String(), "error", err)
		return
	}
	_ = raw.SetDeadline(time.Time{}) //nolint:errcheck // then it is closed already
	if conn.Permissions.Extensions[extPeer] != "" {
		go ssh.DiscardRequests(requests)
		s.servePeer(ctx, channels)
		return
	}
	s.serveClient(ctx, conn, channels, requests)
}

// visitor is a client of a reverse tunnel.
type visitor struct {
	record Record
	conn   ssh.Conn
	done   chan struct{} // closed once the database knows that it is gone

	mu   sync.Mutex
	host string // what the client asked to forward: connections name it again
}

// serveClient lets a client offer its port until it goes.
func (s *Server) serveClient(ctx context.Context, conn *ssh.ServerConn, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	r, err := s.Store.byLogin(ctx, conn.Permissions.Extensions[extTunnel])
	if err != nil {
		return
	}
	v := &visitor{record: r, conn: conn, done: make(chan struct{})}
	defer close(v.done)
	if key := conn.Permissions.Extensions[extKey]; key == r.NextKey {
		if err := s.Store.promote(ctx, r.ID, key); err != nil {
			s.Log.Error("changing a tunnel's key", "tunnel", r.ID, "error", err)
		}
	}
	go s.refuseChannels(channels)
	go s.answer(ctx, v, requests)
	ended := make(chan struct{})
	go func() {
		_ = conn.Wait() //nolint:errcheck // why it ended does not matter
		close(ended)
	}()
	tick := time.NewTicker(keepAliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			s.leave(ctx, v)
			return
		case <-tick.C:
			if !alive(conn) || !s.stillHolds(ctx, v) {
				_ = conn.Close() //nolint:errcheck // Wait tells
			}
		}
	}
}

// answer decides about what a client asks for: its own port, and nothing else (RFC 4254, 7.1).
func (s *Server) answer(ctx context.Context, v *visitor, requests <-chan *ssh.Request) {
	for r := range requests {
		ok := false
		switch r.Type {
		case "tcpip-forward":
			var ask struct {
				Host string
				Port uint32
			}
			ok = ssh.Unmarshal(r.Payload, &ask) == nil && int(ask.Port) == v.record.Port && s.offer(ctx, v, ask.Host)
		case "cancel-tcpip-forward":
			ok = true
			s.leave(ctx, v)
		}
		if r.WantReply {
			_ = r.Reply(ok, nil) //nolint:errcheck // the client is gone
		}
	}
}

// offer makes the client the one that the tunnel's connections go to. Another one that still answers keeps its place:
// of two clients that restart by themselves, neither would let the other work.
func (s *Server) offer(ctx context.Context, v *visitor, host string) bool {
	s.mu.Lock()
	old := s.visitors[v.record.ID]
	s.mu.Unlock()
	if old != nil && old != v {
		if alive(old.conn) && s.keyIsGood(ctx, old) {
			return false
		}
		_ = old.conn.Close() //nolint:errcheck // it is gone already
	}
	v.mu.Lock()
	v.host = host
	v.mu.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.visitors[v.record.ID] = v
	s.mu.Unlock()
	held, err := s.Store.hold(ctx, v.record.ID, s.Process, s.Address, s.Clock.Now().Add(holdTime), true)
	if err != nil {
		s.Log.Error("noting the client of a tunnel", "tunnel", v.record.ID, "error", err)
	}
	return held
}

// keyIsGood reports whether the key that a client signed in with is still one of the tunnel's.
func (s *Server) keyIsGood(ctx context.Context, v *visitor) bool {
	r, err := s.Store.byLogin(ctx, v.record.Login)
	if err != nil {
		return false
	}
	conn, ok := v.conn.(*ssh.ServerConn)
	key := ""
	if ok {
		key = conn.Permissions.Extensions[extKey]
	}
	return key == r.PublicKey || key != "" && key == r.NextKey
}

// stillHolds renews what is known of a client: that it is connected here. It is not any more once the tunnel was
// deleted, its key was replaced, or another process has its client.
func (s *Server) stillHolds(ctx context.Context, v *visitor) bool {
	s.mu.Lock()
	current := s.visitors[v.record.ID] == v
	s.mu.Unlock()
	if !current {
		return s.keyIsGood(ctx, v) // signed in, and has not offered anything yet
	}
	held, err := s.Store.hold(ctx, v.record.ID, s.Process, s.Address, s.Clock.Now().Add(holdTime), false)
	if err != nil {
		s.Log.Error("noting the client of a tunnel", "tunnel", v.record.ID, "error", err)
		return true
	}
	return held && s.keyIsGood(ctx, v)
}

// leave takes a client's place away.
func (s *Server) leave(ctx context.Context, v *visitor) {
	s.mu.Lock()
	current := s.visitors[v.record.ID] == v
	if current {
		delete(s.visitors, v.record.ID)
	}
	s.mu.Unlock()
	if !current {
		return
	}
	if err := s.Store.release(context.WithoutCancel(ctx), v.record.ID, s.Process); err != nil {
		s.Log.Error("noting the end of a tunnel", "tunnel", v.record.ID, "error", err)
	}
}

// refuseChannels answers what clients open: a session, which ssh asks for unless it is told not to (-N), shows a line
// and runs nothing; everything else is refused.
func (s *Server) refuseChannels(channels <-chan ssh.NewChannel) {
	for c := range channels {
		if c.ChannelType() != "session" {
			_ = c.Reject(ssh.Prohibited, "this server only takes forwarded ports") //nolint:errcheck // the client is gone
			continue
		}
		ch, requests, err := c.Accept()
		if err != nil {
			continue
		}
		go idle(ch, requests)
	}
}

// idle is a session in which nothing happens.
func idle(ch ssh.Channel, requests <-chan *ssh.Request) {
	go func() { _, _ = io.Copy(io.Discard, ch) }() //nolint:errcheck // what is typed is nobody's
	for r := range requests {
		ok := r.Type == "pty-req" || r.Type == "shell" || r.Type == "env"
		if r.WantReply {
			_ = r.Reply(ok, nil) //nolint:errcheck // the client is gone
		}
		if r.Type == "shell" {
			_, _ = io.WriteString(ch, "Signed in. This connection forwards a port and has no shell.\r\n") //nolint:errcheck // the client is gone
		}
	}
	_ = ch.Close() //nolint:errcheck // it is over
}

// servePeer connects another process of ours to the clients that are here.
func (s *Server) servePeer(ctx context.Context, channels <-chan ssh.NewChannel) {
	for c := range channels {
		var ask channelRequest
		if c.ChannelType() != "direct-tcpip" || ssh.Unmarshal(c.ExtraData(), &ask) != nil {
			_ = c.Reject(ssh.Prohibited, "peers only reach tunnels") //nolint:errcheck // the peer is gone
			continue
		}
		go s.relay(ctx, c, ask.Host)
	}
}

// relay connects a peer to the client of the tunnel with this name.
func (s *Server) relay(ctx context.Context, c ssh.NewChannel, login string) {
	refuse := func(err error) {
		reason, words := ssh.ConnectionFailed, err.Error()
		if refused, ok := errors.AsType[*ssh.OpenChannelError](err); ok {
			reason, words = refused.Reason, refused.Message
		}
		_ = c.Reject(reason, words) //nolint:errcheck // the peer is gone
	}
	r, err := s.Store.byLogin(ctx, login)
	if err != nil {
		refuse(err)
		return
	}
	far, err := s.local(ctx, r)
	if err != nil {
		refuse(err)
		return
	}
	near, requests, err := c.Accept()
	if err != nil {
		_ = far.Close() //nolint:errcheck // nobody wants it
		return
	}
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(far, near) //nolint:errcheck // either side may leave
		_ = far.CloseWrite()      //nolint:errcheck // it may be closed
	}()
	_, _ = io.Copy(near, far)                  //nolint:errcheck // either side may leave
	_ = errors.Join(near.Close(), far.Close()) //nolint:errcheck // they may be closed already
}

// errNobody says that a tunnel's client is not connected to this process.
var errNobody = errors.New("the tunnel's client is not connected")

// local opens a connection through a client that is connected to this process.
func (s *Server) local(ctx context.Context, r Record) (ssh.Channel, error) {
	s.mu.Lock()
	v := s.visitors[r.ID]
	s.mu.Unlock()
	if v == nil {
		return nil, errNobody
	}
	v.mu.Lock()
	host := v.host
	v.mu.Unlock()
	return openOn(ctx, v.conn, "forwarded-tcpip", channelRequest{Host: host, Port: uint32(r.Port), OriginHost: "127.0.0.1", OriginPort: 1})
}

// Recheck ends the connection of a tunnel's client here whose key is none of the tunnel's any more.
func (s *Server) Recheck(ctx context.Context, id int64) {
	s.mu.Lock()
	v := s.visitors[id]
	s.mu.Unlock()
	if v != nil && !s.keyIsGood(ctx, v) {
		_ = v.conn.Close() //nolint:errcheck // its reader notices
	}
}
