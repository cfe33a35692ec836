package local

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/internal/destination/file"
)

// Modes of what is created. Other users of the machine get nothing; the group may read.
const (
	folderMode = 0o750
	fileMode   = 0o640
)

// place publishes files in the folder. Each is first written in full, and to the disk, under a
// private name in the same folder, then renamed: readers see the file before or the file after.
type place struct {
	destination *destination
	root        *os.Root
	folder      string // relative to the root
	unfinished  string // the private folder of the sync's unfinished files
}

var _ file.Place = (*place)(nil)

// URL returns the file's address.
func (p *place) URL(name string) string {
	return "file://" + filepath.ToSlash(filepath.Join(p.destination.root, p.folder, filepath.FromSlash(name)))
}

// Publish copies the file and renames it. A file keeps its previous content until the new one is
// complete and durable.
func (p *place) Publish(ctx context.Context, name string, f *file.Staged) error {
	temporary := filepath.Join(p.unfinished, "file")
	final := filepath.Join(p.folder, filepath.FromSlash(name))
	if err := p.publish(ctx, temporary, final, f); err != nil {
		return p.destination.wrap(err, "writing %s", name)
	}
	return nil
}

func (p *place) publish(ctx context.Context, temporary, final string, f *file.Staged) error {
	if err := p.root.MkdirAll(p.unfinished, folderMode); err != nil {
		return err
	}
	if err := p.copy(ctx, temporary, f); err != nil {
		return err
	}
	if err := p.root.MkdirAll(filepath.Dir(final), folderMode); err != nil {
		return err
	}
	if err := p.root.Rename(temporary, final); err != nil {
		return err
	}
	return p.syncFolders(filepath.Dir(final))
}

// copy writes the whole file to the disk.
func (p *place) copy(ctx context.Context, name string, f *file.Staged) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // read only
	w, err := p.root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{w}, &cancelable{ctx, r}, make([]byte, 1<<20))
	if err == nil {
		err = w.Sync()
	}
	return errors.Join(err, w.Close())
}

// cancelable stops reading when the context ends.
type cancelable struct {
	ctx context.Context //nolint:containedctx // lives as long as one copy
	r   io.Reader
}

// Read reads unless the context has ended.
func (c *cancelable) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// syncFolders makes the new names durable, up to the root.
func (p *place) syncFolders(dir string) error {
	for {
		f, err := p.root.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
		if dir == "." {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

// clean deletes the unfinished files.
func (p *place) clean() error {
	if err := p.root.RemoveAll(p.unfinished); err != nil {
		return p.destination.wrap(err, "deleting unfinished files")
	}
	return nil
}

// session is a file session that also cleans up in the folder.
type session struct {
	*file.Session

	place  *place
	closed bool
}

// Close deletes what was not published.
func (s *session) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(s.Session.Close(), s.place.clean(), s.place.root.Close())
}
