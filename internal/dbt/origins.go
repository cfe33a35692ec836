package dbt

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/dbt/dbtcloud"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/git"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/tunnel"
	"golang.org/x/crypto/ssh"
)

// Origins fetches manifests from repositories and from dbt Cloud.
type Origins struct {
	Network func(workspaceID int64, tunnel string) connector.Network // where both may lie; an empty tunnel means none
	State   func(workspaceID, projectID int64) connector.State       // what is learned of servers
	Command string                                                   // what runs dbt here; empty: nothing does
	Dir     string                                                   // where work in progress lies
	Clock   clock.Clock
}

var _ Fetcher = Origins{}

// Fetch looks at the project's origin.
func (o Origins) Fetch(ctx context.Context, l Look) (*Fetched, error) {
	info, ok := dbtproject.InfoOf(l.Spec.Origin)
	if !ok {
		return nil, fault.New(fault.CodeInvalid, "there is no origin %q", l.Spec.Origin)
	}
	settings := connector.Settings(l.Spec.Configuration).WithDefaults(info.Fields)
	if l.Spec.Origin == dbtproject.OriginCloud {
		return o.fromCloud(ctx, l, settings)
	}
	return o.fromGit(ctx, l, settings)
}

// recentRuns is how many runs of a job are looked through for one that left a manifest.
const recentRuns = 20

// fromCloud takes the manifest of the newest run that is over and left one. A run that failed may have: what it
// compiled is what counts here (DBT-08).
func (o Origins) fromCloud(ctx context.Context, l Look, s connector.Settings) (*Fetched, error) {
	c := CloudClient(s, o.Network(l.WorkspaceID, ""))
	runs, err := c.Runs(ctx, s.Text("jobId"), recentRuns)
	if err != nil {
		return nil, err
	}
	over := 0
	for _, r := range runs {
		name := "run " + strconv.FormatInt(r.ID, 10)
		if name == l.Seen {
			return nil, nil //nolint:nilnil // nothing is newer
		}
		if !r.Over() {
			continue
		}
		over++
		body, err := c.Artifact(ctx, r.ID, "manifest.json")
		switch {
		case fault.Is(err, fault.CodeNotFound):
			continue
		case err != nil:
			return nil, err
		default:
			return &Fetched{Seen: name, Body: body}, nil
		}
	}
	if over == 0 || l.Seen != "" {
		return nil, nil //nolint:nilnil // it has not run since
	}
	return nil, fault.New(fault.CodeDBTCloud, "none of the last %d runs of the job left a manifest", over).
		WithSuggestion("Choose a job with a step that compiles: dbt compile, dbt build or dbt run.")
}

// CloudClient asks dbt Cloud by the settings of a project.
func CloudClient(s connector.Settings, n connector.Network) dbtcloud.Client {
	return dbtcloud.Client{Base: s.Text("baseUrl"), Token: s.Text("token"), Account: s.Text("accountId"), Transport: n.Transport()}
}

// fromGit takes the manifest of the branch's newest commit, or compiles it.
func (o Origins) fromGit(ctx context.Context, l Look, s connector.Settings) (*Fetched, error) {
	options, err := o.gitOptions(ctx, l, s)
	if err != nil {
		return nil, err
	}
	remote, err := git.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	defer remote.Close() //nolint:errcheck // nothing is written
	if remote.Commit == l.Seen {
		return nil, nil //nolint:nilnil // nothing is newer
	}
	dir, err := o.workDir()
	if err != nil {
		return nil, err
	}
	files, err := remote.Fetch(ctx, path.Join(dir, "objects"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	body, err := o.manifestOf(ctx, files, dir, s)
	if err = errors.Join(err, files.Close()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Fetched{Seen: remote.Commit, Body: removing{body, dir}}, nil
}

func (o Origins) workDir() (string, error) {
	parent := path.Join(o.Dir, "dbt")
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", fault.Disk(err, "making a folder for a dbt project")
	}
	dir, err := os.MkdirTemp(parent, "project-")
	if err != nil {
		return "", fault.Disk(err, "making a folder for a dbt project")
	}
	return dir, nil
}

// removing is a file whose folder goes with it.
type removing struct {
	io.ReadCloser

	dir string
}

func (r removing) Close() error { return errors.Join(r.ReadCloser.Close(), os.RemoveAll(r.dir)) }

func (o Origins) manifestOf(ctx context.Context, files *git.Files, dir string, s connector.Settings) (io.ReadCloser, error) {
	if s.Text("made") == dbtproject.MadeCompiled {
		return o.compile(ctx, files, dir, s)
	}
	body, err := files.Open(s.Text("path"))
	if fault.Is(err, fault.CodeGitMissing) {
		return nil, fault.As(err).WithSuggestion("dbt's own .gitignore leaves the folder target out. Commit the manifest in the job that runs dbt, correct its path, or let the job load it: `millrace dbt load`.")
	}
	if err != nil {
		return nil, err
	}
	return kept(body, path.Join(dir, "manifest.json"))
}

// kept copies a file out of the objects, which are closed before it is read.
func kept(from io.ReadCloser, to string) (io.ReadCloser, error) {
	file, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a name of our own
	if err != nil {
		return nil, errors.Join(fault.Disk(err, "keeping a manifest"), from.Close())
	}
	_, err = io.Copy(file, io.LimitReader(from, MaxBytes+1)) // what is too large is told by who reads it
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err = errors.Join(err, from.Close()); err != nil {
		return nil, errors.Join(fault.Disk(err, "keeping a manifest"), file.Close())
	}
	return file, nil
}

// gitOptions are how the repository is reached and signed in to.
func (o Origins) gitOptions(ctx context.Context, l Look, s connector.Settings) (git.Options, error) {
	n := o.Network(l.WorkspaceID, l.Spec.Tunnel)
	out := git.Options{URL: s.Text("url"), Branch: s.Text("branch"), Dial: n.DialContext, Transport: n.Transport()}
	switch s.Text("auth") {
	case dbtproject.AuthToken:
		out.Username, out.Token = s.Text("username"), s.Text("token")
	case dbtproject.AuthApp:
		app := git.App{ID: s.Text("appId"), Installation: s.Text("installationId"), Key: s.Text("appKey"), API: s.Text("apiUrl")}
		token, err := app.Token(ctx, atHost(n, app.API, out.URL).Transport(), o.Clock.Now())
		if err != nil {
			return out, err
		}
		out.Username, out.Token = git.AppUser, token
	case dbtproject.AuthSSH:
		out.Key, out.HostKey = s.Text("key"), o.hostKey(ctx, l, s.Text("hostKey"))
	}
	return out, nil
}

// atHost is the network by which an API is reached: a tunnel leads to the repository's host alone.
func atHost(n connector.Network, api, repository string) connector.Network {
	a, errAPI := url.Parse(api)
	r, errRepository := url.Parse(repository)
	if errAPI == nil && errRepository == nil && strings.EqualFold(a.Host, r.Host) {
		return n
	}
	return n.Direct()
}

// hostKey judges the key that the server shows: it must be the one of the settings, or else the first that it showed.
func (o Origins) hostKey(ctx context.Context, l Look, wanted string) ssh.HostKeyCallback {
	return func(host string, _ net.Addr, key ssh.PublicKey) error {
		shown := tunnel.Line(key)
		known := wanted
		if known == "" {
			var err error
			known, err = o.State(l.WorkspaceID, l.ProjectID).Update(ctx, "host key "+strings.ToLower(host), func(_ context.Context, old string) (string, error) {
				if old != "" {
					return old, nil
				}
				return shown, nil
			})
			if err != nil {
				return err
			}
		}
		want, err := tunnel.ParseKey(known)
		if err != nil {
			return err
		}
		if string(want.Marshal()) != string(key.Marshal()) {
			return fault.New(fault.CodeGitHostKey, "%s shows another host key, %s, than before, %s: it may be another server", host, tunnel.Fingerprint(shown), tunnel.Fingerprint(known))
		}
		return nil
	}
}
