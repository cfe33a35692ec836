package tunnel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/crypto/ssh"
)

// The wait before a tunnel that failed is tried again by itself doubles between these.
const (
	firstWait = 5 * time.Second
	lastWait  = 5 * time.Minute
)

// ClientOptions make Clients.
type ClientOptions struct {
	Store  *Store
	Reach  Dial   // how bastions are reached; nil means directly
	Egress string // a sentence about this server's addresses, with a space before it; may be empty
	Clock  clock.Clock
	Log    *slog.Logger
}

// Clients are the standard tunnels that this process has open. It is safe for concurrent use.
type Clients struct {
	ClientOptions

	mu     sync.Mutex
	open   map[int64]*client
	closed bool
}

// NewClients returns a set of tunnels of which none is open.
func NewClients(o ClientOptions) *Clients {
	if o.Reach == nil {
		o.Reach = (&net.Dialer{Timeout: handshakeTime}).DialContext
	}
	return &Clients{ClientOptions: o, open: map[int64]*client{}}
}

// client is one tunnel.
type client struct {
	connecting sync.Mutex // held while the tunnel is being opened: those who want it too wait for the result

	mu       sync.Mutex
	link     *link  // nil while it is not open
	target   Target // that was tried last
	failures int
	retry    time.Time // when it is tried again by itself
	rekey    time.Time // when a new key is tried again
	attempts int       // to sign in
	last     error     // how the last one ended
}

// of returns the tunnel's place.
func (c *Clients) of(id int64) (*client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fault.New(fault.CodeTunnelUnreachable, "this server is stopping")
	}
	x, ok := c.open[id]
	if !ok {
		x = &client{}
		c.open[id] = x
	}
	return x, nil
}

// Dial opens a connection to the target's service, and the tunnel before it where that is not open.
func (c *Clients) Dial(ctx context.Context, t Target) (net.Conn, error) {
	x, err := c.of(t.ID)
	if err != nil {
		return nil, err
	}
	for fresh := false; ; fresh = true {
		l, err := c.connected(ctx, x, t)
		if err != nil {
			return nil, err
		}
		ch, err := openChannel(ctx, l.Client, t.Service)
		if err == nil {
			x.works()
			c.noteWorks(ctx, t)
			return l.through(ch), nil
		}
		var refused *ssh.OpenChannelError
		switch {
		case errors.As(err, &refused):
			l.release()
			err = forwardError(refused, t.Service, "the SSH host")
			x.failed(t, c.Clock.Now(), nil)
			c.note(ctx, t, Failed, err)
			return nil, err
		case ctx.Err() != nil:
			l.release()
			return nil, fault.Wrap(context.Cause(ctx), fault.CodeTunnelForward, "reaching %s through the SSH host", t.Service)
		case fresh:
			l.release()
			return nil, fault.Wrap(err, fault.CodeTunnelUnreachable, "reaching %s through the SSH host", t.Service)
		}
		x.drop(l, err) // it died and nobody had noticed: once more
	}
}

// Check opens the tunnel anew and a connection through it, and notes how that went. Connections through the old one go
// on.
func (c *Clients) Check(ctx context.Context, t Target) error {
	x, err := c.of(t.ID)
	if err != nil {
		return err
	}
	if err := c.renew(ctx, x, t); err != nil {
		return err
	}
	conn, err := c.Dial(ctx, t)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Forget closes a tunnel; the next connection opens it again.
func (c *Clients) Forget(id int64) {
	c.mu.Lock()
	x := c.open[id]
	delete(c.open, id)
	c.mu.Unlock()
	if x != nil {
		x.close()
	}
}

// Close closes every tunnel for good.
func (c *Clients) Close() error {
	c.mu.Lock()
	all := c.open
	c.open, c.closed = map[int64]*client{}, true
	c.mu.Unlock()
	for _, x := range all {
		x.close()
	}
	return nil
}

// Keep opens those of the targets that are not open, unless one failed a moment ago, and closes tunnels that are not
// among them. Called again and again, it keeps tunnels open, and notices that a new key works.
func (c *Clients) Keep(ctx context.Context, targets []Target) {
	wanted := make(map[int64]bool, len(targets))
	var group sync.WaitGroup
	for _, t := range targets {
		wanted[t.ID] = true
		group.Go(func() { c.keep(ctx, t) })
	}
	group.Wait()
	c.mu.Lock()
	var gone []int64
	for id := range c.open {
		if !wanted[id] {
			gone = append(gone, id)
		}
	}
	c.mu.Unlock()
	for _, id := range gone {
		c.Forget(id)
	}
}

func (c *Clients) keep(ctx context.Context, t Target) {
	x, err := c.of(t.ID)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*handshakeTime)
	defer cancel()
	if !x.due(t, c.Clock.Now()) {
		c.tryKey(ctx, x, t)
		return
	}
	conn, err := c.Dial(ctx, t)
	if err != nil {
		return // noted
	}
	_ = conn.Close() //nolint:errcheck // it was opened to see that it can be
}

// rekeyEvery is how often a new key is tried while the old one is in use.
const rekeyEvery = 20 * time.Second

// tryKey signs in anew where there is a key that was not used yet: nobody tells when the bastion lets it in.
func (c *Clients) tryKey(ctx context.Context, x *client, t Target) {
	now := c.Clock.Now()
	x.mu.Lock()
	wait := x.link == nil || now.Before(x.rekey)
	if !wait {
		x.rekey = now.Add(rekeyEvery)
	}
	x.mu.Unlock()
	if wait {
		return
	}
	r, err := c.Store.Get(ctx, t.WorkspaceID, t.ID)
	if err != nil || r.NextKey == "" {
		return
	}
	if err := c.renew(ctx, x, t); err != nil {
		c.Log.Debug("trying a tunnel's new key", "tunnel", t.ID, "error", err)
	}
}

// due reports whether a tunnel that is not open is to be opened now.
func (x *client) due(t Target, now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.target != t {
		return true
	}
	return (x.link == nil || x.failures > 0) && !now.Before(x.retry)
}

// connected returns the open tunnel to the target, which it opens where there is none. The caller releases it.
func (c *Clients) connected(ctx context.Context, x *client, t Target) (*link, error) {
	before := x.tried()
	x.connecting.Lock()
	defer x.connecting.Unlock()
	if err := x.failedSince(before, t); err != nil {
		return nil, err
	}
	pairs, seen, err := c.Store.pairs(ctx, t.WorkspaceID, t.ID)
	if err != nil {
		return nil, err
	}
	for {
		if l := x.current(t, pairs); l != nil {
			return l, nil
		}
		if err := c.connect(ctx, x, t, pairs, seen); err != nil {
			return nil, err
		}
	}
}

// renew replaces the open tunnel by a new one.
func (c *Clients) renew(ctx context.Context, x *client, t Target) error {
	x.connecting.Lock()
	defer x.connecting.Unlock()
	pairs, seen, err := c.Store.pairs(ctx, t.WorkspaceID, t.ID)
	if err != nil {
		return err
	}
	return c.connect(ctx, x, t, pairs, seen)
}

// connect opens the tunnel, and makes the new link the one that is used.
func (c *Clients) connect(ctx context.Context, x *client, t Target, pairs []Pair, seen string) error {
	l, err := c.signIn(ctx, t, pairs, seen)
	if err != nil {
		c.note(ctx, t, Failed, err)
		x.failed(t, c.Clock.Now(), err)
		return err
	}
	x.opened(l)
	go c.watch(context.WithoutCancel(ctx), x, l)
	return nil
}

// current returns the open link, acquired, if it is one to this target with one of these keys.
func (x *client) current(t Target, pairs []Pair) *link {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.link == nil {
		return nil
	}
	good := slices.ContainsFunc(pairs, func(p Pair) bool { return p.Public == x.link.key })
	if x.link.target == t && good && x.link.acquire() {
		return x.link
	}
	x.link.retire()
	x.link = nil
	return nil
}

func (x *client) opened(l *link) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.link != nil {
		x.link.retire()
	}
	x.link, x.target, x.last = l, l.target, nil
	x.attempts++
}

// tried is how often signing in was tried.
func (x *client) tried() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.attempts
}

// failedSince returns how the last attempt failed that was made since so many, so that those who waited for it do not
// all repeat it.
func (x *client) failedSince(attempts int, t Target) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.attempts == attempts || x.target != t {
		return nil
	}
	return x.last
}

// works notes that a connection came about.
func (x *client) works() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.failures, x.retry = 0, time.Time{}
}

// failed notes that none did; err is why signing in failed, and nil where that was not the reason.
func (x *client) failed(t Target, now time.Time, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.target != t {
		x.failures = 0
	}
	wait := min(firstWait<<min(x.failures, 10), lastWait)
	x.target, x.failures, x.retry = t, x.failures+1, now.Add(wait)
	if err != nil {
		x.last = err
		x.attempts++
	}
}

// drop forgets a link that is over, and tells whether it was the one in use.
func (x *client) drop(l *link, why error) bool {
	l.end(why)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.link != l {
		return false
	}
	x.link = nil
	return true
}

func (x *client) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.link != nil {
		x.link.end(errors.New("the tunnel was closed"))
		x.link = nil
	}
}

// watch notices the end of a link, and asks a silent bastion whether it is there.
func (c *Clients) watch(ctx context.Context, x *client, l *link) {
	ended := make(chan error, 1)
	go func() { ended <- l.Wait() }()
	tick := time.NewTicker(keepAliveEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if x.drop(l, err) {
				c.note(ctx, l.target, Disconnected, fault.Wrap(err, fault.CodeTunnelUnreachable, "the connection to the SSH host %s ended", l.target.Bastion))
			}
			return
		case <-tick.C:
			if !alive(l.Client) {
				_ = l.Client.Close() //nolint:errcheck // Wait tells
			}
		}
	}
}

// alive asks the other side of a connection for any answer. OpenSSH's name of the question is widely known, and an
// answer that it is not is one too.
func alive(s ssh.Conn) bool {
	answered := make(chan error, 1)
	go func() {
		_, _, err := s.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err
	}()
	timer := time.NewTimer(keepAliveTime)
	defer timer.Stop()
	select {
	case err := <-answered:
		return err == nil
	case <-timer.C:
		return false
	}
}

// signIn opens an SSH connection to the bastion.
func (c *Clients) signIn(ctx context.Context, t Target, pairs []Pair, seen string) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	h := &handshake{target: t, known: cmp.Or(t.HostKey, seen)}
	config, err := h.config(pairs)
	if err != nil {
		return nil, err
	}
	raw, err := c.Reach(ctx, "tcp", t.Bastion)
	if err != nil {
		return nil, failure(err, fault.CodeTunnelUnreachable, fault.CodeTunnelUnreachable.Info().Hint+c.Egress, "the SSH host %s cannot be reached", t.Bastion)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) //nolint:errcheck // the handshake is given up
	conn, channels, requests, err := ssh.NewClientConn(raw, t.Bastion, config)
	if !stop() && err == nil {
		err = errors.Join(context.Cause(ctx), conn.Close())
	}
	if err != nil {
		_ = raw.Close() //nolint:errcheck // it failed
		return nil, h.explain(ctx, err, c.Egress)
	}
	l := &link{Client: ssh.NewClient(conn, channels, requests), target: t, key: h.used}
	if err := c.settle(ctx, h, pairs); err != nil {
		return nil, errors.Join(err, l.Client.Close())
	}
	return l, nil
}

// settle keeps what a first success has shown: the host key, and that a new key works.
func (c *Clients) settle(ctx context.Context, h *handshake, pairs []Pair) error {
	if h.known == "" {
		if err := c.Store.pin(ctx, h.target.ID, h.presented); err != nil {
			return err
		}
	}
	if len(pairs) > 1 && h.used == pairs[0].Public {
		return c.Store.promote(ctx, h.target.ID, h.used)
	}
	return nil
}

func (c *Clients) note(ctx context.Context, t Target, state State, why error) {
	if err := c.Store.note(context.WithoutCancel(ctx), t.ID, state, why); err != nil {
		c.Log.Error("noting a tunnel's state", "tunnel", t.ID, "error", err)
	}
}

// noteWorks notes a tunnel that works, unless it is known.
func (c *Clients) noteWorks(ctx context.Context, t Target) {
	r, err := c.Store.Get(ctx, t.WorkspaceID, t.ID)
	if err == nil && r.State == Connected && r.Failure == nil {
		return
	}
	c.note(ctx, t, Connected, nil)
}

// channelRequest is what a client sends to have a connection forwarded: RFC 4254, 7.2.
type channelRequest struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// openChannel asks the bastion to connect to a service.
func openChannel(ctx context.Context, s *ssh.Client, service string) (ssh.Channel, error) {
	host, port, err := net.SplitHostPort(service)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "reading the service's address")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "reading the service's port")
	}
	request := channelRequest{Host: host, Port: uint32(n), OriginHost: "127.0.0.1", OriginPort: 1}
	return openOn(ctx, s, "direct-tcpip", request)
}

// openOn opens a channel, and gives up when ctx ends.
func openOn(ctx context.Context, s ssh.Conn, kind string, request channelRequest) (ssh.Channel, error) {
	type opened struct {
		ch  ssh.Channel
		err error
	}
	done := make(chan opened, 1)
	go func() {
		ch, requests, err := s.OpenChannel(kind, ssh.Marshal(request))
		if err == nil {
			go ssh.DiscardRequests(requests)
		}
		done <- opened{ch, err}
	}()
	select {
	case o := <-done:
		return o.ch, o.err
	case <-ctx.Done():
		go func() {
			if o := <-done; o.err == nil {
				_ = o.ch.Close() //nolint:errcheck // nobody wants it any more
			}
		}()
		return nil, context.Cause(ctx)
	}
}

// forwardError explains why the far side did not connect to the service.
func forwardError(e *ssh.OpenChannelError, service, far string) *fault.Error {
	f := fault.Wrap(e, fault.CodeTunnelForward, "%s did not connect to %s", far, service)
	if e.Reason == ssh.Prohibited {
		return fault.Reclass(f, fault.Fatal).WithSuggestion("The SSH server forbids forwarding: set AllowTcpForwarding yes (or local) for the tunnel's user, and check PermitOpen.")
	}
	return f.WithSuggestion("Check that a server listens at %s and that %s can reach it: run `nc -z HOST PORT` there.", service, far)
}

// handshake is one attempt to sign in.
type handshake struct {
	target    Target
	known     string // the host key that the bastion must have; empty: any
	presented string // the one that it has
	changed   bool   // which is another one
	used      string // the public key that the bastion accepted
}

func (h *handshake) config(pairs []Pair) (*ssh.ClientConfig, error) {
	signers := make([]ssh.Signer, 0, len(pairs))
	for _, p := range pairs {
		signer, err := ssh.ParsePrivateKey([]byte(p.Private))
		if err != nil {
			return nil, fault.New(fault.CodeSecret, "the tunnel's private key cannot be read")
		}
		signers = append(signers, signing{signer, func() { h.used = p.Public }})
	}
	c := &ssh.ClientConfig{
		User: h.target.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signers...)}, HostKeyCallback: h.check,
		ClientVersion: "SSH-2.0-Millrace",
	}
	if h.known != "" {
		key, err := ParseKey(h.known)
		if err != nil {
			return nil, err
		}
		c.HostKeyAlgorithms = algorithms(key)
	}
	return c, nil
}

// signing notes that a key was used: the client signs only with one that the server has accepted.
type signing struct {
	ssh.Signer

	used func()
}

// Sign signs.
func (s signing) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	s.used()
	return s.Signer.Sign(rand, data)
}

// check compares the bastion's host key with the known one.
func (h *handshake) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	h.presented = Line(key)
	if h.known == "" || sameKey(h.known, key) {
		return nil
	}
	h.changed = true
	return errors.New("the host key is another one")
}

// explain tells the causes apart.
func (h *handshake) explain(ctx context.Context, err error, egress string) error {
	t := h.target
	switch text := err.Error(); {
	case h.changed:
		return fault.New(fault.CodeTunnelHostKey, "the SSH host %s has the host key %s, and %s is expected", t.Bastion, Fingerprint(h.presented), Fingerprint(h.known))
	case strings.Contains(text, "no common algorithm for host key"): // the library has no error value for it
		return fault.Wrap(err, fault.CodeTunnelHostKey, "the SSH host %s does not have the host key %s that is expected", t.Bastion, Fingerprint(h.known))
	case strings.Contains(text, "unable to authenticate"): // the library has no error value for it
		return failure(err, fault.CodeTunnelAuth,
			fmt.Sprintf("Check on the SSH host that the user %s exists and that the tunnel's public key is in its ~/.ssh/authorized_keys. The folder .ssh needs mode 0700 and the file 0644, and both must belong to the user.", t.User),
			"the SSH host %s does not let the user %q in with the tunnel's key", t.Bastion, t.User)
	case ctx.Err() != nil:
		return failure(context.Cause(ctx), fault.CodeTunnelUnreachable, fault.CodeTunnelUnreachable.Info().Hint+egress, "the SSH host %s did not answer in time", t.Bastion)
	default:
		return failure(err, fault.CodeTunnelUnreachable, "Check that an SSH server listens at this host and port."+egress, "%s does not talk like an SSH server", t.Bastion)
	}
}
