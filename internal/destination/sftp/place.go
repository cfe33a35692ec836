package sftp

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"github.com/millrace/millrace/internal/connector/sftpserver"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// place publishes files on the server. Each is first written in full under a name that begins with a
// dot, then renamed: readers see the file before or the file after. Files are published one at a time.
type place struct {
	server     *sftpserver.Server
	folder     string
	sync       syncSettings
	syncID     int64
	unfinished unfinished

	client *sftp.Client // nil while there is no connection
	done   func()
}

var _ file.Place = (*place)(nil)

// URL returns the file's address.
func (p *place) URL(name string) string {
	full := path.Join(p.folder, name)
	if !strings.HasPrefix(full, "/") {
		full = "/~/" + full
	}
	return "sftp://" + p.server.Address() + full
}

const (
	attempts = 3
	pause    = time.Second // before the second attempt; then twice as long
)

// Publish uploads the file and renames it. Where the connection breaks, both are done again over
// another one: a file that comes twice is the same file.
func (p *place) Publish(ctx context.Context, name string, f *file.Staged) error {
	for attempt := 1; ; attempt++ {
		err := p.try(ctx, path.Join(p.folder, name), f)
		if err == nil {
			return nil
		}
		p.disconnect()
		err = stopped(ctx, err)
		if attempt == attempts || fault.ClassOf(err) != fault.Retryable {
			return err
		}
		select {
		case <-time.After(pause << (attempt - 1)):
		case <-ctx.Done():
			return stopped(ctx, err)
		}
	}
}

func (p *place) try(ctx context.Context, final string, f *file.Staged) error {
	if err := p.connect(ctx); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, p.done)() // what waits for the server ends with the run
	if p.sync.CreateFolders {
		if err := p.client.MkdirAll(path.Dir(final)); err != nil {
			return p.fault(err, "creating the folder "+path.Dir(final))
		}
	}
	temporary := p.temporary(final)
	if err := p.unfinished.note(temporary); err != nil {
		return err
	}
	err := p.upload(temporary, final, f)
	if err == nil {
		err = p.rename(temporary, final)
	}
	if err != nil {
		p.client.Remove(temporary) //nolint:errcheck // what stays is removed by the next run
		return err
	}
	return p.unfinished.forget()
}

// connect opens a connection and removes what an unfinished run left.
func (p *place) connect(ctx context.Context) error {
	if p.client != nil {
		return nil
	}
	client, done, err := p.server.Connect(context.WithoutCancel(ctx), sftp.UseConcurrentWrites(true))
	if err != nil {
		return err
	}
	p.client, p.done = client, done
	if left := p.unfinished.read(); left != "" {
		client.Remove(left) //nolint:errcheck // it may be gone
	}
	return nil
}

// disconnect ends the connection. Every request has its answer already, and a server need not agree to the end.
func (p *place) disconnect() {
	if p.client != nil {
		p.done()
		p.client = nil
	}
}

// temporary is the name that a file has until it is complete. Another sync or another file never has it.
func (p *place) temporary(final string) string {
	folder := path.Dir(final)
	if p.sync.TemporaryFolder != "" {
		folder = p.sync.TemporaryFolder
	}
	sum := sha256.Sum256([]byte(final))
	return path.Join(folder, fmt.Sprintf(".millrace-%d-%x", p.syncID, sum[:8]))
}

// lanes is how many packets are under way at a time.
const lanes = 64

func (p *place) upload(temporary, final string, f *file.Staged) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // read only
	out, err := p.client.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return p.fault(err, "writing "+final)
	}
	_, err = out.ReadFromWithConcurrency(in, lanes)
	if _, durable := p.client.HasExtension("fsync@openssh.com"); durable && err == nil {
		err = out.Sync()
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return p.fault(err, "writing "+final)
	}
	info, err := p.client.Stat(temporary)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p.renameFault(err, temporary, final)
	case err == nil && info.Size() != f.Size:
		return fault.New(fault.CodeDestinationUnreachable, "writing %s: the server holds %d bytes of %d", final, info.Size(), f.Size)
	}
	return nil // a server that does not answer the question has acknowledged every byte
}

// rename gives the file its name. The protocol's own renaming does not replace a file; that of OpenSSH
// does, in one step. Where the server has only the former, the previous file steps aside for a moment.
// https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02#section-6.5
// https://github.com/openssh/openssh-portable/blob/master/PROTOCOL (posix-rename@openssh.com)
func (p *place) rename(temporary, final string) error {
	if _, replaces := p.client.HasExtension("posix-rename@openssh.com"); replaces {
		return p.renameFault(p.client.PosixRename(temporary, final), temporary, final)
	}
	err := p.client.Rename(temporary, final)
	if err == nil {
		return nil
	}
	if info, missing := p.client.Stat(final); missing != nil || !info.Mode().IsRegular() {
		return p.renameFault(err, temporary, final)
	}
	aside := temporary + "-previous"
	p.client.Remove(aside) //nolint:errcheck // it is there only after a crash
	if err := p.client.Rename(final, aside); err != nil {
		return p.renameFault(err, temporary, final)
	}
	if err := p.client.Rename(temporary, final); err != nil {
		return p.bringBack(p.renameFault(err, temporary, final), aside, final)
	}
	p.client.Remove(aside) //nolint:errcheck // the run is complete; the next one tries again
	return nil
}

// bringBack gives the previous file its name again after the new one could not have it.
func (p *place) bringBack(cause error, aside, final string) error {
	if err := p.client.Rename(aside, final); err != nil {
		e := fault.As(cause)
		return fault.Reclass(fault.Wrap(cause, e.Code, "the previous file is now called %s and could not get its name back (%v)", aside, err).WithSuggestion("%s", e.Hint()), fault.Fatal)
	}
	return cause
}

func (p *place) renameFault(err error, temporary, final string) error {
	if err == nil {
		return nil
	}
	e := fault.As(p.fault(err, "renaming the temporary file "+temporary+" to "+final))
	if lost(err) {
		return e
	}
	return fault.Reclass(e.WithSuggestion("Something on the server took the temporary file, or the user may not rename files there. Let those who watch the folder ignore names that begin with a dot, or give the sync a temporary folder on the same file system; and let the user %s rename and replace files.", p.server.Username), fault.Fatal)
}

// lost reports whether the connection is gone, so that the server has said nothing.
func lost(err error) bool {
	var said *sftp.StatusError
	return !errors.As(err, &said) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission)
}

// fault says an error of the server in our vocabulary, with its own words.
func (p *place) fault(err error, doing string) error {
	switch _, ours := errors.AsType[*fault.Error](err); {
	case ours:
		return err
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(err, fault.CodeDestinationDenied, "%s", doing).
			WithSuggestion("Let the user %s write to the folder and to the file.", p.server.Username)
	case errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(err, fault.CodeDestinationSchema, "%s", doing).
			WithSuggestion("The folder must exist: create it, or let the sync create folders. A path that does not begin with a slash begins in the folder in which the user arrives.")
	case !lost(err):
		return fault.Reclass(fault.Wrap(err, fault.CodeDestinationSchema, "%s", doing).
			WithSuggestion("The server refused it without saying why: look for a folder with the file's name, a full disk or a quota."), fault.Fatal)
	default:
		return p.server.Fault(err, doing)
	}
}
