package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/crypto/ssh"
)

// Dial opens a connection to the service behind a reverse tunnel: through its client where that is connected to this
// process, otherwise through the process that it is connected to.
func (s *Server) Dial(ctx context.Context, workspaceID, id int64) (net.Conn, error) {
	r, err := s.Store.Get(ctx, workspaceID, id)
	if err != nil {
		return nil, err
	}
	ch, err := s.local(ctx, r)
	if err == nil {
		return s.through(r, ch, func() {}), nil
	}
	if !errors.Is(err, errNobody) {
		return nil, s.refused(ctx, r, err)
	}
	if r.address == "" || r.holder == s.Process || s.Clock.Now().After(r.until) {
		return nil, fault.New(fault.CodeTunnelClosed, "the reverse tunnel %s has no client connected", r.Login)
	}
	return s.viaPeer(ctx, r)
}

func (s *Server) through(r Record, ch ssh.Channel, done func()) net.Conn {
	where := address(fmt.Sprintf("%s:%d", r.Login, r.Port))
	return &closing{newConn(ch, where, where, func() error {
		now, err := s.Store.Get(context.Background(), r.WorkspaceID, r.ID)
		if err == nil && now.State == Connected && now.holder == r.holder {
			return nil
		}
		return fmt.Errorf("the client of the reverse tunnel %s is gone: %w", r.Login, io.ErrUnexpectedEOF)
	}), done}
}

// closing does something more when a connection is closed.
type closing struct {
	net.Conn

	also func()
}

// Close closes the connection.
func (c *closing) Close() error {
	defer c.also()
	return c.Conn.Close()
}

// refused explains why the client did not connect to its service.
func (s *Server) refused(ctx context.Context, r Record, err error) error {
	var refused *ssh.OpenChannelError
	switch {
	case errors.As(err, &refused) && refused.Message == errNobody.Error():
		return fault.New(fault.CodeTunnelClosed, "the reverse tunnel %s has no client connected", r.Login)
	case errors.As(err, &refused):
		return fault.Wrap(err, fault.CodeTunnelForward, "the client of the reverse tunnel %s did not connect to its service", r.Login).
			WithSuggestion("Check the service's host and port in the client's command (-R …:%d:HOST:PORT), and that the client's machine can reach them: run `nc -z HOST PORT` there.", r.Port)
	case ctx.Err() != nil:
		return fault.Wrap(context.Cause(ctx), fault.CodeTunnelForward, "the client of the reverse tunnel %s did not connect to its service in time", r.Login)
	default:
		return fault.Wrap(err, fault.CodeTunnelClosed, "the client of the reverse tunnel %s is gone", r.Login)
	}
}

// viaPeer asks the process that has the tunnel's client. The installation's key proves who we are, and the host key who
// that is.
func (s *Server) viaPeer(ctx context.Context, r Record) (net.Conn, error) {
	dialer := net.Dialer{Timeout: handshakeTime}
	raw, err := dialer.DialContext(ctx, "tcp", r.address)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeTunnelClosed, "the process that the client of the reverse tunnel %s is connected to cannot be reached at %s", r.Login, r.address).
			WithSuggestion("The server's operator sets with tunnel-peer-address where the server's other processes reach the one that listens for reverse tunnels.")
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) //nolint:errcheck // it is given up
	conn, channels, requests, err := ssh.NewClientConn(raw, r.address, &ssh.ClientConfig{
		User: peerUser, Auth: []ssh.AuthMethod{ssh.PublicKeys(s.peer)}, HostKeyCallback: ssh.FixedHostKey(s.signer.PublicKey()),
		HostKeyAlgorithms: algorithms(s.signer.PublicKey()),
	})
	stop()
	if err != nil {
		_ = raw.Close() //nolint:errcheck // it failed
		return nil, fault.Wrap(err, fault.CodeTunnelClosed, "the process at %s is not the one that the client of the reverse tunnel %s is connected to", r.address, r.Login)
	}
	client := ssh.NewClient(conn, channels, requests)
	ch, err := openOn(ctx, client, "direct-tcpip", channelRequest{Host: r.Login, Port: uint32(r.Port), OriginHost: "127.0.0.1", OriginPort: 1})
	if err != nil {
		return nil, errors.Join(s.refused(ctx, r, err), client.Close())
	}
	return s.through(r, ch, func() { _ = client.Close() }), nil //nolint:errcheck // it was this connection's alone
}
