// Package local is the destination "Local folder": files in a folder of the machine that Millrace
// runs on. The operator names one root; nothing outside it can be written, not through "..", an
// absolute path or a symbolic link either.
package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// Slug is the destination's slug.
const Slug = "local"

// Info describes the destination. root is the folder that the operator allows; an empty one means
// that the server allows none, which Test and Check then say.
func Info(root string) connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:     Slug,
		Name:     "Local folder",
		Category: "file_storage",
		Summary:  "Writes files to a folder on the server",
		Verified: true,
		Fields: []connector.Field{
			{
				Name: "path", Label: "Folder", Type: connector.FieldString, Example: "exports/crm",
				Help: "A folder inside the one that the server's operator allows, relative to it or absolute. Empty means that folder itself. It is created when it does not exist.",
			},
			file.PublicKeyField(),
		},
		SyncTypes: []connector.SyncType{file.SyncType()},
		Open: func(o connector.DestinationOptions) (connector.Destination, error) {
			d := &destination{root: root, dir: o.Dir, clock: o.Clock}
			return d, o.Settings.Decode(&d.settings)
		},
	}
}

// destination is a folder inside the root.
type destination struct {
	root     string
	dir      string
	clock    clock.Clock
	settings struct {
		Path      string `json:"path"`
		PublicKey string `json:"pgpPublicKey"`
	}
}

var _ connector.Destination = (*destination)(nil)

// folder returns the configured folder relative to the root, without looking at the disk.
func (d *destination) folder() (string, error) {
	if d.root == "" {
		return "", fault.New(fault.CodeConfig, "this server allows no folder for files").
			WithSuggestion("Ask the operator to configure a folder for local files.")
	}
	path := filepath.FromSlash(d.settings.Path)
	if filepath.IsAbs(path) {
		rel, err := filepath.Rel(d.root, path)
		if err != nil {
			return "", d.outside()
		}
		path = rel
	}
	if path = filepath.Clean(path); !filepath.IsLocal(path) {
		return "", d.outside()
	}
	return path, nil
}

func (d *destination) outside() error {
	return fault.New(fault.CodeDestinationDenied, "the folder %q is outside the one that this server allows", d.settings.Path).
		WithPath("spec.configuration.path").
		WithSuggestion("Choose a folder inside %s.", d.root)
}

// Test looks whether files could be written to the folder, or whether the folder could be created.
func (d *destination) Test(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.CodeRunCancelled, "testing the folder")
	}
	if err := file.CheckPublicKey(d.settings.PublicKey); err != nil {
		return err
	}
	folder, err := d.folder()
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(d.root)
	if err != nil {
		return d.wrap(err, "opening the folder %s", d.root)
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	return d.probe(root, folder)
}

// probe finds the folder, or its nearest ancestor that exists, and asks whether it is writable.
func (d *destination) probe(root *os.Root, folder string) error {
	info, err := root.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist) && folder != ".":
		return d.probe(root, filepath.Dir(folder))
	case err != nil:
		return d.wrap(err, "looking at the folder %s", d.settings.Path)
	case !info.IsDir():
		return fault.New(fault.CodeDestinationSchema, "%s is a file, not a folder", filepath.Join(d.root, folder)).
			WithPath("spec.configuration.path").
			WithSuggestion("Choose another folder, or remove the file.")
	}
	if err := writable(filepath.Join(d.root, folder)); err != nil {
		return d.wrap(err, "the folder %s cannot be written to", filepath.Join(d.root, folder))
	}
	return nil
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	err := file.Check(job, d.settings.PublicKey)
	if _, outside := d.folder(); outside != nil {
		var issues fault.Issues
		errors.As(err, &issues)
		return append(issues, fault.As(outside).WithPath("spec.configuration.path"))
	}
	return err
}

// Begin starts a run. What an unfinished run of the sync left in the folder is deleted.
func (d *destination) Begin(_ context.Context, job connector.SyncJob) (connector.Session, error) {
	folder, err := d.folder()
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(d.root)
	if err != nil {
		return nil, d.wrap(err, "opening the folder %s", d.root)
	}
	p := &place{destination: d, root: root, folder: folder, unfinished: filepath.Join(folder, fmt.Sprintf(".millrace-%d", job.SyncID))}
	s, err := d.begin(p, job)
	if err != nil {
		root.Close() //nolint:errcheck // the first error says more
		return nil, err
	}
	return s, nil
}

func (d *destination) begin(p *place, job connector.SyncJob) (connector.Session, error) {
	if err := p.clean(); err != nil {
		return nil, err
	}
	s, err := file.Begin(file.Options{Place: p, PublicKey: d.settings.PublicKey, Dir: d.dir, Clock: d.clock}, job)
	if err != nil {
		return nil, err
	}
	return &session{Session: s, place: p}, nil
}

// Close does nothing: a destination holds nothing open between runs.
func (d *destination) Close() error { return nil }

// wrap says an error of the file system in our vocabulary, with the system's own words.
func (d *destination) wrap(err error, format string, args ...any) error {
	code := fault.CodeDestinationUnreachable
	switch {
	case errors.Is(err, syscall.ENOSPC):
		code = fault.CodeDiskFull
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		code = fault.CodeDestinationDenied
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, fs.ErrExist):
		code = fault.CodeDestinationSchema
	}
	wrapped := fault.Wrap(err, code, format, args...)
	switch code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeDestinationSchema:
		return wrapped.WithSuggestion("Check that the folders of the path exist and that no file is in their place.")
	case fault.CodeDestinationDenied:
		return wrapped.WithSuggestion("Let the user that Millrace runs as write to the folder.")
	case fault.CodeDestinationUnreachable:
		return wrapped.WithSuggestion("Choose a folder inside %s; symbolic links that leave it are not followed.", d.root)
	}
	return wrapped
}
