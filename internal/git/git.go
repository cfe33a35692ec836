// Package git reads the files of one branch of a Git repository, over HTTPS or SSH. It fetches no more than the newest
// commit, and connects only as it is told: every address passes through the caller's network.
package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/crypto/ssh"
)

// maxPack is how many bytes the newest commit's files may have, compressed.
const maxPack = 1 << 30

// Options say which repository is read, and how it is reached.
type Options struct {
	URL    string
	Branch string // empty: the repository's own default

	Username string // of HTTPS; empty: git
	Token    string // of HTTPS
	Key      string // private key of SSH, in PEM

	// HostKey judges the key that an SSH server shows.
	HostKey ssh.HostKeyCallback

	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	Transport http.RoundTripper
}

// session is how a server is spoken to.
type session interface {
	AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error)
	UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

// Remote is a branch of a repository at its server.
type Remote struct {
	Commit string // the newest

	session session
	refs    *packp.AdvRefs
}

// scp is the short form of SSH addresses, such as git@github.com:acme/shop.git.
var scp = regexp.MustCompile(`^([A-Za-z0-9_.-]+)@([A-Za-z0-9.-]+):([^/].*)$`)

// Parse reads the address of a repository: http, https, ssh, or git@host:path.
func Parse(text string) (*url.URL, error) {
	if m := scp.FindStringSubmatch(text); m != nil && !strings.Contains(text, "://") {
		return &url.URL{Scheme: "ssh", User: url.User(m[1]), Host: m[2], Path: "/" + m[3]}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Path == "" || u.Path == "/" || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "ssh" {
		return nil, fault.New(fault.CodeInvalid, "the address of a repository must be like https://github.com/acme/shop.git or git@github.com:acme/shop.git")
	}
	if _, secret := u.User.Password(); secret || u.Scheme != "ssh" && u.User != nil {
		return nil, fault.New(fault.CodeInvalid, "the address of the repository must hold neither user nor password").
			WithSuggestion("Put them into the fields of the credentials, where they are encrypted.")
	}
	return u, nil
}

// Open asks the server for the newest commit of the branch. The caller closes the remote.
func Open(ctx context.Context, o Options) (*Remote, error) {
	u, err := Parse(o.URL)
	if err != nil {
		return nil, err
	}
	s, err := connect(ctx, u, o)
	if err != nil {
		return nil, explain(err, u.Host)
	}
	r := &Remote{session: s}
	if r.refs, err = s.AdvertisedReferencesContext(ctx); err != nil {
		return nil, errors.Join(explain(err, u.Host), s.Close())
	}
	if r.Commit, err = head(r.refs, o.Branch); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return r, nil
}

func connect(ctx context.Context, u *url.URL, o Options) (session, error) {
	if u.Scheme == "ssh" {
		return dialSSH(ctx, u, o)
	}
	endpoint, err := transport.NewEndpoint(u.String())
	if err != nil {
		return nil, err
	}
	var auth transport.AuthMethod
	if o.Token != "" {
		user := o.Username
		if user == "" {
			user = "git" // GitHub and GitLab take any name with a token
		}
		auth = &githttp.BasicAuth{Username: user, Password: o.Token}
	}
	return githttp.NewClient(&http.Client{Transport: o.Transport}).NewUploadPackSession(endpoint, auth)
}

// head returns the commit of a branch.
func head(refs *packp.AdvRefs, branch string) (string, error) {
	if branch == "" {
		if refs.Head == nil {
			return "", fault.New(fault.CodeGitMissing, "the repository has no commit")
		}
		return refs.Head.String(), nil
	}
	if hash, ok := refs.References["refs/heads/"+branch]; ok {
		return hash.String(), nil
	}
	return "", fault.New(fault.CodeGitMissing, "the repository has no branch %q", branch)
}

// Close ends the connection.
func (r *Remote) Close() error { return r.session.Close() }

// Fetch brings the files of the commit into a folder, which the caller removes.
func (r *Remote) Fetch(ctx context.Context, dir string) (*Files, error) {
	req := packp.NewUploadPackRequestFromCapabilities(r.refs.Capabilities)
	req.Wants = []plumbing.Hash{plumbing.NewHash(r.Commit)}
	if r.refs.Capabilities.Supports(capability.Shallow) {
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return nil, fault.Wrap(err, fault.CodeInternal, "asking for one commit")
		}
		req.Depth = packp.DepthCommits(1)
	}
	res, err := r.session.UploadPack(ctx, req)
	if err != nil {
		return nil, explain(err, "the server")
	}
	defer res.Close() //nolint:errcheck // what it holds was read
	storage := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRU(8*cache.MiByte))
	pack := &limited{from: demuxed(req.Capabilities, res), left: maxPack}
	if err := packfile.UpdateObjectStorage(storage, pack); err != nil {
		return nil, errors.Join(explain(err, "the server"), storage.Close())
	}
	commit, err := object.GetCommit(storage, plumbing.NewHash(r.Commit))
	if err != nil {
		return nil, errors.Join(fault.Wrap(err, fault.CodeGit, "reading the commit %s", r.Commit), storage.Close())
	}
	tree, err := commit.Tree()
	if err != nil {
		return nil, errors.Join(fault.Wrap(err, fault.CodeGit, "reading the commit %s", r.Commit), storage.Close())
	}
	return &Files{tree: tree, close: storage.Close}, nil
}

// demuxed tells the pack from the server's words about it.
func demuxed(c *capability.List, r io.Reader) io.Reader {
	switch {
	case c.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, r)
	case c.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, r)
	default:
		return r
	}
}

// limited ends with an error where a pack is too large.
type limited struct {
	from io.Reader
	left int64
}

func (l *limited) Read(b []byte) (int, error) {
	n, err := l.from.Read(b)
	if l.left -= int64(n); l.left < 0 {
		return 0, fault.New(fault.CodeTooLarge, "the newest commit of the repository is larger than %d MB", maxPack>>20)
	}
	return n, err
}

// Files are the files of a commit.
type Files struct {
	tree  *object.Tree
	close func() error
}

// Close forgets them.
func (f *Files) Close() error { return f.close() }

// Open returns a file by its path, with slashes.
func (f *Files) Open(name string) (io.ReadCloser, error) {
	name = path.Clean(strings.TrimPrefix(name, "./"))
	file, err := f.tree.File(name)
	if errors.Is(err, object.ErrFileNotFound) {
		return nil, fault.New(fault.CodeGitMissing, "the repository has no file %s", name)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeGit, "reading %s", name)
	}
	r, err := file.Reader()
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeGit, "reading %s", name)
	}
	return r, nil
}

// Checkout writes the files into a folder. Links and submodules are left out: nothing of a repository may point out of
// the folder.
func (f *Files) Checkout(ctx context.Context, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the folder of a repository: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is written by closing
	return f.tree.Files().ForEach(func(file *object.File) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if file.Mode != filemode.Regular && file.Mode != filemode.Executable && file.Mode != filemode.Deprecated {
			return nil
		}
		return write(root, file)
	})
}

func write(root *os.Root, file *object.File) error {
	name := filepath.FromSlash(file.Name)
	if !fs.ValidPath(file.Name) || strings.EqualFold(strings.SplitN(file.Name, "/", 2)[0], ".git") {
		return fault.New(fault.CodeGit, "the repository has a file with the name %q", file.Name)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fault.Disk(err, "writing a file of the repository")
	}
	to, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.Disk(err, "writing a file of the repository")
	}
	from, err := file.Reader()
	if err != nil {
		return errors.Join(fault.Wrap(err, fault.CodeGit, "reading %s", file.Name), to.Close())
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, from.Close(), to.Close()); err != nil {
		return fault.Disk(err, "writing a file of the repository")
	}
	return nil
}
