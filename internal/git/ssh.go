package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/crypto/ssh"
)

// handshakeTime is how long an SSH server may take to let somebody in.
const handshakeTime = 30 * time.Second

// sshSession runs git-upload-pack at an SSH server. The library's own client of SSH obeys the environment and dials by
// itself, which is not for a server that confines where connections go.
type sshSession struct {
	client  *ssh.Client
	session *ssh.Session
	in      io.WriteCloser
	out     io.Reader
	said    *tail
	stop    func() bool // of what ends the connection with the context
}

var _ session = (*sshSession)(nil)

func dialSSH(ctx context.Context, u *url.URL, o Options) (session, error) {
	signer, err := signerOf(o.Key)
	if err != nil {
		return nil, err
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "22")
	}
	user := u.User.Username()
	if user == "" {
		user = "git"
	}
	conn, err := o.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) //nolint:errcheck // it is given up
	config := &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: o.HostKey}
	_ = conn.SetDeadline(time.Now().Add(handshakeTime)) //nolint:errcheck // a tunnel's end has none
	c, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		stop()
		return nil, errors.Join(err, conn.Close())
	}
	_ = conn.SetDeadline(time.Time{}) //nolint:errcheck // likewise
	s := &sshSession{client: ssh.NewClient(c, channels, requests), stop: stop, said: &tail{}}
	if err := s.start(u.Path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// signerOf reads a private key.
func signerOf(text string) (ssh.Signer, error) {
	if strings.TrimSpace(text) == "" {
		return nil, fault.New(fault.CodeGitAuth, "a repository over SSH needs a private key")
	}
	signer, err := ssh.ParsePrivateKey([]byte(strings.TrimSpace(text) + "\n"))
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		return nil, fault.New(fault.CodeGitAuth, "the private key has a passphrase").WithSuggestion("Use a key without one: ssh-keygen -t ed25519 -N '' makes it.")
	}
	if err != nil { // its words may have parts of the key
		return nil, fault.New(fault.CodeGitAuth, "the private key cannot be read").WithSuggestion("Paste the whole file, from BEGIN to END.")
	}
	return signer, nil
}

func (s *sshSession) start(path string) (err error) {
	if s.session, err = s.client.NewSession(); err != nil {
		return fmt.Errorf("opening a session: %w", err)
	}
	if s.in, err = s.session.StdinPipe(); err != nil {
		return fmt.Errorf("opening a session: %w", err)
	}
	if s.out, err = s.session.StdoutPipe(); err != nil {
		return fmt.Errorf("opening a session: %w", err)
	}
	s.session.Stderr = s.said
	if err := s.session.Start("git-upload-pack '" + strings.ReplaceAll(path, "'", `'\''`) + "'"); err != nil {
		return fmt.Errorf("starting git-upload-pack: %w", err)
	}
	return nil
}

func (s *sshSession) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	if err := refs.Decode(s.out); err != nil {
		_ = s.session.Wait() //nolint:errcheck // what it said on its error stream is told
		if said := s.said.String(); said != "" {
			return nil, fmt.Errorf("%w: %s", transport.ErrRepositoryNotFound, said)
		}
		return nil, err
	}
	return refs, nil
}

func (s *sshSession) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if err := req.UploadRequest.Encode(s.in); err != nil {
		return nil, fmt.Errorf("asking for a commit: %w", err)
	}
	if err := req.UploadHaves.Encode(s.in, false); err != nil {
		return nil, fmt.Errorf("asking for a commit: %w", err)
	}
	if err := pktline.NewEncoder(s.in).Encodef("done\n"); err != nil {
		return nil, fmt.Errorf("asking for a commit: %w", err)
	}
	res := packp.NewUploadPackResponse(req)
	if err := res.Decode(io.NopCloser(s.out)); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return res, nil
}

func (s *sshSession) Close() error {
	s.stop()
	if err := s.client.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("closing the connection: %w", err)
	}
	return nil
}

// tail keeps the beginning of what a server says on its error stream.
type tail struct{ text []byte }

const saidMost = 500

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b[:min(len(b), saidMost-min(saidMost, len(t.text)))]...)
	return len(b), nil
}

func (t *tail) String() string { return strings.TrimSpace(strings.ToValidUTF8(string(t.text), "")) }
