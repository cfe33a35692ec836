// Package sftp is the destination "SFTP": files on a server that is reached over SSH.
package sftp

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sftpserver"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// Slug is the destination's slug.
const Slug = "sftp"

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "SFTP",
		Category:  "file_storage",
		Summary:   "Writes files to a server over SSH",
		Fields:    fields(),
		SyncTypes: []connector.SyncType{file.SyncType(syncFields()...)},
		Open:      open,
	}
}

func open(o connector.DestinationOptions) (connector.Destination, error) {
	d := &destination{dir: o.Dir, clock: o.Clock}
	if err := o.Settings.WithDefaults(fields()).Decode(&d.settings); err != nil {
		return nil, err
	}
	d.settings.Network = o.Network
	d.settings.Codes = sftpserver.Codes{
		Unreachable: fault.CodeDestinationUnreachable, Auth: fault.CodeDestinationAuth, Denied: fault.CodeDestinationDenied, File: fault.CodeDestinationSchema,
	}
	return d, nil
}

// destination is a folder of a server.
type destination struct {
	dir      string
	clock    clock.Clock
	settings settings
}

var _ connector.Destination = (*destination)(nil)

// server returns who is asked, ready to connect.
func (d *destination) server() (*sftpserver.Server, error) {
	if err := file.OneError(d.settings.check()); err != nil {
		return nil, err
	}
	s := d.settings.Server
	return &s, s.Prepare()
}

// Test connects and looks for the folder. Whether files may be written cannot be known without
// writing one, so the first run tells.
func (d *destination) Test(ctx context.Context) error {
	s, err := d.server()
	if err != nil {
		return err
	}
	client, done, err := s.Connect(ctx)
	if err != nil {
		return stopped(ctx, err)
	}
	defer done()
	if d.settings.Folder == "" {
		_, err = client.Getwd()
		return stopped(ctx, s.Fault(err, "asking for the folder"))
	}
	info, err := client.Stat(d.settings.Folder)
	switch {
	case err != nil:
		return stopped(ctx, s.Fault(err, "looking at the folder "+d.settings.Folder))
	case !info.IsDir():
		return fault.New(fault.CodeDestinationSchema, "%s is a file, not a folder", d.settings.Folder).
			WithPath("spec.configuration.folder").WithSuggestion("Choose another folder, or remove the file.")
	}
	return nil
}

// stopped says that the caller's time is over, where it is.
func stopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fault.Wrap(context.Cause(ctx), file.CodeOfConnection(ctx.Err()), "reaching the server was stopped")
	}
	return err
}

// Check reports every error of the settings.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	var more fault.Issues
	if err := file.Check(job, d.settings.PublicKey, syncFields()...); errors.As(err, &more) {
		issues = append(issues, more...)
	}
	if s, err := decodeSync(job); err == nil {
		checkFolder("spec.settings.temporaryFolder", s.TemporaryFolder, &issues)
	}
	return issues.Err()
}

// Begin starts a run. Nothing is sent to the server before the run is finished.
func (d *destination) Begin(_ context.Context, job connector.SyncJob) (connector.Session, error) {
	server, err := d.server()
	if err != nil {
		return nil, fault.Reclass(err, fault.Fatal)
	}
	sync, err := decodeSync(job)
	if err != nil {
		return nil, err
	}
	p := &place{
		server: server, folder: d.settings.Folder, sync: sync, syncID: job.SyncID,
		unfinished: unfinished(filepath.Join(d.dir, fmt.Sprintf("unfinished-%d", job.SyncID))),
	}
	s, err := file.Begin(file.Options{Place: p, PublicKey: d.settings.PublicKey, Dir: d.dir, Clock: d.clock, Extra: syncFields()}, job)
	if err != nil {
		return nil, err
	}
	return &session{Session: s, place: p}, nil
}

// Close does nothing: a destination holds nothing open between runs.
func (d *destination) Close() error { return nil }

// session is a file session that ends the connection with the run.
type session struct {
	*file.Session

	place *place
}

// Close deletes what was not published.
func (s *session) Close() error {
	s.place.disconnect()
	return s.Session.Close()
}
