package sftp_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/destination/sftp"
	"github.com/millrace/millrace/internal/fault"
)

// TestConformance runs the suite once for each format.
//
// Req: SY-18, FLD-32, M-11
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, format := range filetest.Formats {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, fixture(t, format))
		})
	}
}

func fixture(t *testing.T, format string) destinationtest.Fixture {
	t.Helper()
	s := newServer(t, nil)
	s.write(t, "upload/file", "x")
	f := destinationtest.Fixture{
		Info:    sftp.Info(),
		Arrival: filetest.Arrival(format),
		Invalid: append(filetest.Invalid(), invalid(s)...),
		Failing: failing(s),
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			folder := path.Join("/upload", strings.NewReplacer("/", "-", "#", "-").Replace(t.Name()))
			if err := os.MkdirAll(filepath.Join(s.root, folder), 0o755); err != nil {
				t.Fatal(err)
			}
			return destinationtest.Target{
				Settings: s.settings("folder", folder),
				Job:      filetest.Job(format, columns),
				Read: func(t *testing.T) []destinationtest.Record {
					data, found := s.read(t, path.Join(folder, "rows.out"))
					if !found {
						return nil
					}
					return filetest.Read(t, format, []byte(data))
				},
			}
		},
	}
	if format == "parquet" {
		f.Refused = filetest.Refused()
	}
	return f
}

func invalid(s *server) []destinationtest.Invalid {
	return []destinationtest.Invalid{{
		Name:     "destination",
		Settings: s.settings("host", "sftp://me@example.com/upload", "username", "", "folder", "../upload", "authentication", "key", "privateKey", "key", "pgpPublicKey", "key"),
		Paths: []string{
			"spec.configuration.host", "spec.configuration.username", "spec.configuration.folder", "spec.configuration.privateKey", "spec.configuration.pgpPublicKey",
		},
	}, {
		Name: "sync",
		Edit: func(j *connector.SyncJob) {
			j.Settings["temporaryFolder"], j.Settings["createFolders"] = "a/../../b", "yes"
		},
		Paths: []string{"spec.settings.createFolders"},
	}, {
		Name:  "temporary folder",
		Edit:  func(j *connector.SyncJob) { j.Settings["temporaryFolder"] = "a/../../b" },
		Paths: []string{"spec.settings.temporaryFolder"},
	}}
}

func failing(s *server) []destinationtest.Failing {
	return []destinationtest.Failing{
		{Name: "wrong password", Settings: s.settings("password", "another-password"), Code: fault.CodeDestinationAuth, Says: "unable to authenticate"},
		{Name: "no server", Settings: s.settings("port", 1), Code: fault.CodeDestinationUnreachable, Says: "connection refused"},
		{Name: "no such name", Settings: s.settings("host", "sftp.invalid"), Code: fault.CodeDestinationUnreachable, Says: "no such host"},
		{Name: "unknown host key", Settings: s.settings("hostKey", ""), Code: fault.CodeDestinationAuth, Says: s.fingerprint},
		{Name: "another host key", Settings: s.settings("hostKey", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"), Code: fault.CodeDestinationAuth, Says: s.fingerprint},
		{Name: "no folder", Settings: s.settings("folder", "/absent"), Code: fault.CodeDestinationSchema, Says: "/absent"},
		{Name: "a file as folder", Settings: s.settings("folder", "/upload/file"), Code: fault.CodeDestinationSchema, Says: "is a file"},
		{Name: "no key", Settings: s.settings("authentication", "key", "privateKey", ""), Code: fault.CodeDestinationAuth, Says: "private key"},
	}
}

// TestPrivateKey proves that keys in the format of RSA open the server too.
//
// Req: S-81
func TestPrivateKey(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, public)
	key := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)}))
	if err := filetest.Open(t, sftp.Info(), s.settings("authentication", "key", "privateKey", key)).Test(t.Context()); err != nil {
		t.Error(err)
	}
}

// run writes rows of so many mebibytes and finishes.
func run(t *testing.T, s *server, job connector.SyncJob, mebibytes int) error {
	t.Helper()
	return filetest.Fill(t, filetest.Open(t, sftp.Info(), s.settings("folder", "/upload")), job, mebibytes).Finish(t.Context())
}

// TestReplace proves that a file is replaced in one step, under a temporary name that begins with a dot until it is
// complete, which may lie in a folder of its own.
//
// Req: SY-18
func TestReplace(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	s.write(t, "upload/rows.out", "previous")
	if err := os.Mkdir(filepath.Join(s.root, "unfinished"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"/upload", "/unfinished"} {
		var written string
		s.intrude = func(method, name string, _ net.Conn) error {
			if method == "write" {
				written = name
			}
			if method == "PosixRename" {
				if now, _ := s.read(t, "upload/rows.out"); now == "" || name != written {
					t.Errorf("before the renaming of %s the file holds %d bytes", name, len(now))
				}
			}
			return nil
		}
		job := filetest.Job("ndjson", filetest.Columns)
		job.Settings["temporaryFolder"] = folder
		if err := run(t, s, job, 5); err != nil {
			t.Fatal(err)
		}
		if path.Dir(written) != folder || !strings.HasPrefix(path.Base(written), ".") {
			t.Errorf("it was written to %s", written)
		}
		data, _ := s.read(t, "upload/rows.out")
		if rows := filetest.Read(t, "ndjson", []byte(data)); len(rows) != 5 {
			t.Errorf("%d rows", len(rows))
		}
	}
	if names := slices.Concat(s.names(t, "upload"), s.names(t, "unfinished")); !slices.Equal(names, []string{"rows.out"}) {
		t.Errorf("left: %v", names)
	}
}

// TestWithoutReplacing proves that servers which cannot replace a file in one step get by, and that the previous file
// has its name again where the new one cannot have it. Not parallel: what the server's library offers is a variable.
func TestWithoutReplacing(t *testing.T) { //nolint:paralleltest // see above
	if err := pkgsftp.SetSFTPExtensions(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pkgsftp.SetSFTPExtensions("hardlink@openssh.com", "posix-rename@openssh.com", "statvfs@openssh.com"); err != nil {
			t.Error(err)
		}
	})
	s := newServer(t, nil)
	job := filetest.Job("csv", filetest.Columns)
	for _, mebibytes := range []int{1, 2} { // a new file, then one to replace
		if err := run(t, s, job, mebibytes); err != nil {
			t.Fatal(err)
		}
		data, _ := s.read(t, "upload/rows.out")
		if rows := filetest.Read(t, "csv", []byte(data)); len(rows) != mebibytes {
			t.Errorf("%d rows", len(rows))
		}
	}
	renamed := 0
	s.intrude = func(method, _ string, _ net.Conn) error {
		if method == "Rename" {
			renamed++
		}
		if renamed == 3 && method == "Rename" {
			return pkgsftp.ErrSSHFxPermissionDenied
		}
		return nil
	}
	err := run(t, s, job, 1)
	if !fault.Is(err, fault.CodeDestinationDenied) || !strings.Contains(fault.As(err).Hint(), "temporary folder") {
		t.Errorf("a renaming that is refused: %v", err)
	}
	data, _ := s.read(t, "upload/rows.out")
	if rows := filetest.Read(t, "csv", []byte(data)); len(rows) != 2 || !slices.Equal(s.names(t, "upload"), []string{"rows.out"}) {
		t.Errorf("%d rows, %v", len(rows), s.names(t, "upload"))
	}
}

// TestBrokenConnection proves that an upload is done again over another connection, and that a run that failed leaves
// the previous file, and nothing else once the next one is done.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	s.write(t, "upload/rows.out", "previous")
	var broken atomic.Int64
	s.intrude = func(method, _ string, conn net.Conn) error {
		if method == "PosixRename" && broken.Add(1) == 1 {
			conn.Close() //nolint:errcheck // that is the point
			return fs.ErrClosed
		}
		return nil
	}
	if err := run(t, s, filetest.Job("ndjson", filetest.Columns), 3); err != nil {
		t.Fatal(err)
	}
	data, _ := s.read(t, "upload/rows.out")
	if rows := filetest.Read(t, "ndjson", []byte(data)); len(rows) != 3 || broken.Load() != 2 {
		t.Errorf("%d rows after %d renamings", len(rows), broken.Load())
	}
	if names := s.names(t, "upload"); !slices.Equal(names, []string{"rows.out"}) {
		t.Errorf("left: %v", names)
	}
}

// TestShort proves that a file which the server kept only in part is written again, before it has its name.
func TestShort(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	s.short.Store(true)
	if err := run(t, s, filetest.Job("ndjson", filetest.Columns), 2); err != nil {
		t.Fatal(err)
	}
	if data, _ := s.read(t, "upload/rows.out"); len(filetest.Read(t, "ndjson", []byte(data))) != 2 || s.short.Load() {
		t.Errorf("the file holds %d bytes", len(data))
	}
}

// TestUnfinished proves that the temporary file of a run that ended in the middle is removed by the next one, whatever
// that one's files are called.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	d := filetest.Open(t, sftp.Info(), s.settings("folder", "/upload"))
	job := filetest.Job("csv", filetest.Columns)
	session := filetest.Fill(t, d, job, 1)
	ctx, cancel := context.WithCancel(t.Context())
	s.intrude = func(method, _ string, conn net.Conn) error {
		if method == "PosixRename" {
			cancel()     // the run is over before the file has its name
			conn.Close() //nolint:errcheck // and so is the connection
			return fs.ErrClosed
		}
		return nil
	}
	if err := session.Finish(ctx); !fault.Is(err, fault.CodeRunCancelled) {
		t.Errorf("Finish: %v", err)
	}
	left := s.names(t, "upload")
	if len(left) != 1 || !strings.HasPrefix(left[0], ".millrace-7-") {
		t.Fatalf("left: %v", left)
	}
	s.intrude = nil
	job.Settings["filename"] = "other.csv"
	if err := filetest.Fill(t, d, job, 1).Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names := s.names(t, "upload"); !slices.Equal(names, []string{"other.csv"}) {
		t.Errorf("left: %v", names)
	}
}

// TestRefusals proves what is said, that nothing is tried again, and that the previous file stays.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method string
		refusal      error
		filename     string
		code         fault.Code
		hint         string
	}{
		{"no right to write", "write", pkgsftp.ErrSSHFxPermissionDenied, "rows.out", fault.CodeDestinationDenied, "write to the folder"},
		{"no right to rename", "PosixRename", pkgsftp.ErrSSHFxPermissionDenied, "rows.out", fault.CodeDestinationDenied, "begin with a dot"},
		{"taken by somebody", "PosixRename", fs.ErrNotExist, "rows.out", fault.CodeDestinationSchema, "begin with a dot"},
		{"taken before it is looked at", "Stat", fs.ErrNotExist, "rows.out", fault.CodeDestinationSchema, "begin with a dot"},
		{"no space", "write", pkgsftp.ErrSSHFxFailure, "rows.out", fault.CodeDestinationSchema, "full disk"},
		{"no folder", "", nil, "2026/rows.out", fault.CodeDestinationSchema, "create folders"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, nil)
			s.write(t, "upload/rows.out", "previous")
			tries := 0
			s.intrude = func(method, name string, _ net.Conn) error {
				if method == "write" {
					tries++
				}
				if method == c.method && strings.Contains(name, ".millrace-") {
					return c.refusal
				}
				return nil
			}
			job := filetest.Job("csv", filetest.Columns)
			job.Settings["filename"] = c.filename
			err := run(t, s, job, 1)
			if !fault.Is(err, c.code) || !strings.Contains(fault.As(err).Hint(), c.hint) || fault.ClassOf(err) != fault.Fatal {
				t.Errorf("%v\n%s", err, fault.As(err).Hint())
			}
			if data, _ := s.read(t, "upload/rows.out"); data != "previous" || tries != 1 {
				t.Errorf("%q after %d attempts", data, tries)
			}
			if names := s.names(t, "upload"); !slices.Equal(names, []string{"rows.out"}) {
				t.Errorf("left: %v", names)
			}
		})
	}
}

// TestFolders proves that folders are made where the sync says so, and that names begin in the user's folder without
// another.
func TestFolders(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	job := filetest.Job("csv", filetest.Columns)
	job.Settings["filename"], job.Settings["createFolders"] = "{YYYY}/{MM}/{model.name}.csv", true
	d := filetest.Open(t, sftp.Info(), s.settings())
	if err := d.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := filetest.Fill(t, d, job, 1).Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, found := s.read(t, "home/2026/03/Customers.csv"); !found {
		t.Error("the file is missing")
	}
}
