package sfmc

import (
	"context"
	"fmt"
	"path"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/connector/sftpserver"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/destination/gcs"
	"github.com/millrace/millrace/internal/destination/s3"
	"github.com/millrace/millrace/internal/destination/sftp"
	"github.com/millrace/millrace/internal/fault"
)

// Kinds of file locations. They are made in Marketing Cloud, under Setup, Data Management, File Locations.
const (
	locationNone     = "none"
	locationFTP      = "ftp"      // the folder Import of the account's own FTP site
	locationRelative = "relative" // another folder of it
	locationGCS      = "gcs"
	locationS3       = "s3"
)

// importFolder is where files for the location of every account go.
const importFolder = "Import"

// location is where files are put that Marketing Cloud reads. It writes one file at a time.
type location struct {
	connector.Destination

	run    *manifest.Run
	onSite bool // of the account's FTP site
}

// openLocation opens the connection's file location. lane tells one of several at a time from the others.
func openLocation(r *manifest.Run, lane int) (*location, error) {
	s := r.Settings()
	info, settings, onSite := sftp.Info(), site(s), true
	switch s.Text("location") {
	case locationFTP, locationRelative:
	case locationGCS:
		info, onSite = gcs.Info(), false
		settings = connector.Settings{
			"credential": s["gcpCredential"], "projectId": s["gcpProject"], "bucket": s["bucket"], "prefix": s["path"], "endpoint": s["storageEndpoint"],
		}
	case locationS3:
		info, onSite = s3.Info(), false
		settings = connector.Settings{
			"authentication": "credential", "credential": s["awsCredential"], "region": s["awsRegion"], "bucket": s["bucket"], "prefix": s["path"],
			"endpoint": s["storageEndpoint"], "pathStyle": s.Text("storageEndpoint") != "",
		}
	default:
		return nil, fault.Reclass(fault.New(fault.CodeInvalid, "the connection has no file location").
			WithSuggestion("Choose one in the destination: mirrors and uploads go through files that Marketing Cloud reads there."), fault.Fatal)
	}
	for name, v := range settings {
		if v == nil {
			delete(settings, name)
		}
	}
	d, err := r.Open(info, fmt.Sprintf("location-%d", lane), settings)
	if err != nil {
		return nil, err
	}
	return &location{Destination: d, run: r, onSite: onSite}, nil
}

// site are the settings of the account's FTP site, which is reached by SFTP.
func site(s connector.Settings) connector.Settings {
	host := s.Text("ftpHost")
	if host == "" {
		host = s.Text("subdomain") + ".ftp.marketingcloudops.com"
	}
	settings := connector.Settings{
		"host": host, "username": s["ftpUsername"], "authentication": s["ftpAuthentication"], "password": s["ftpPassword"],
		"privateKey": s["ftpPrivateKey"], "passphrase": s["ftpPassphrase"], "hostKey": s["ftpHostKey"], "folder": folderOf(s),
	}
	if port, set := s["ftpPort"]; set {
		settings["port"] = port
	}
	return settings
}

// folderOf is the folder of the FTP site that files go to.
func folderOf(s connector.Settings) string {
	if s.Text("location") == locationFTP {
		return importFolder
	}
	return s.Text("path")
}

// transfer is the external key of the file location.
func transfer(s connector.Settings) string {
	if key := s.Text("locationKey"); key != "" {
		return key
	}
	return "ExactTarget Enhanced FTP"
}

// begin starts a file, which appears when the session is finished.
func (l *location) begin(ctx context.Context, name string, columns []connector.TargetColumn) (connector.Session, error) {
	job := l.run.Job()
	job.Type, job.Mode, job.Delete = file.SyncTypeSlug, connector.ModeAll, connector.DeleteNothing
	job.Columns, job.Match, job.AllColumns = columns, nil, false
	job.Settings = connector.Settings{"format": "csv", "filename": name}
	return l.Destination.Begin(ctx, job)
}

// remove deletes a file that was read. Those in buckets stay, and the FTP site deletes its own after 21 days.
func (l *location) remove(ctx context.Context, name string) {
	if keep, _ := l.run.Job().Settings["keepFiles"].(bool); !l.onSite || keep {
		return
	}
	var server sftpserver.Server
	settings := site(l.run.Settings()).WithDefaults(sftp.Info().Fields)
	if settings.Decode(&server) != nil || server.Prepare() != nil {
		return
	}
	server.Network = l.run.Network()
	client, done, err := server.Connect(ctx)
	if err != nil {
		return // the site deletes it some day
	}
	defer done()
	client.Remove(path.Join(folderOf(l.run.Settings()), name)) //nolint:errcheck // the same
}

// testLocation looks at the file location, where the connection has one.
func testLocation(ctx context.Context, r *manifest.Run) error {
	if kind := r.Settings().Text("location"); kind == "" || kind == locationNone {
		return nil
	}
	l, err := openLocation(r, 0)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // nothing depends on it
	return l.Test(ctx)
}
