package tunnel

import (
	"fmt"
	"io"
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
)

// link is one SSH connection to a bastion. One that another has replaced ends with the last connection through it, so
// that a new key or another target cuts no query short.
type link struct {
	*ssh.Client

	target Target
	key    string // the public key that the bastion accepted

	mu      sync.Mutex
	open    int // connections through it
	retired bool
	gone    bool
	why     error
}

// acquire counts a connection; false where the link is over.
func (l *link) acquire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone || l.retired {
		return false
	}
	l.open++
	return true
}

func (l *link) release() {
	l.mu.Lock()
	l.open--
	over := l.retired && l.open == 0
	l.mu.Unlock()
	if over {
		l.end(nil)
	}
}

// retire lets the link end with its last connection.
func (l *link) retire() {
	l.mu.Lock()
	l.retired = true
	over := l.open == 0
	l.mu.Unlock()
	if over {
		l.end(nil)
	}
}

// end closes the link. The first reason is kept.
func (l *link) end(why error) {
	l.mu.Lock()
	if !l.gone {
		l.gone, l.why = true, why
	}
	l.mu.Unlock()
	_ = l.Client.Close() //nolint:errcheck // it may be over already
}

// lost tells a connection through the link why it ended, where the link did. The end of the link may not have been
// noticed yet: then its far side is asked.
func (l *link) lost() error {
	l.mu.Lock()
	noticed := l.gone
	l.mu.Unlock()
	if !noticed && !alive(l.Client) {
		l.end(nil)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.gone:
		return nil
	case l.why == nil:
		return fmt.Errorf("the SSH tunnel through %s was lost: %w", l.target.Bastion, io.ErrUnexpectedEOF)
	default:
		return fmt.Errorf("the SSH tunnel through %s was lost: %w", l.target.Bastion, l.why)
	}
}

// through makes a connection of a channel.
func (l *link) through(ch ssh.Channel) net.Conn {
	var once sync.Once
	c := newConn(ch, l.LocalAddr(), address(l.target.Service), l.lost)
	return &closing{c, func() { once.Do(l.release) }}
}
