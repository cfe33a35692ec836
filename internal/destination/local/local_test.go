package local_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/destination/local"
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
	root := t.TempDir()
	write(t, filepath.Join(root, "file"), "x")
	if err := os.Symlink(t.TempDir(), filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	f := destinationtest.Fixture{
		Info:    local.Info(root),
		Arrival: filetest.Arrival(format),
		Invalid: append(filetest.Invalid(),
			destinationtest.Invalid{Name: "outside", Settings: connector.Settings{"path": "../other"}, Paths: []string{"spec.configuration.path"}},
			destinationtest.Invalid{Name: "bad key", Settings: connector.Settings{"pgpPublicKey": "key"}, Paths: []string{"spec.configuration.pgpPublicKey"}},
		),
		Failing: []destinationtest.Failing{
			{Name: "parent folder", Settings: connector.Settings{"path": "../other"}, Code: fault.CodeDestinationDenied, Says: "outside"},
			{Name: "absolute", Settings: connector.Settings{"path": "/etc"}, Code: fault.CodeDestinationDenied, Says: "outside"},
			{Name: "symbolic link", Settings: connector.Settings{"path": "link/x"}, Code: fault.CodeDestinationUnreachable, Says: "escapes"},
			{Name: "a file", Settings: connector.Settings{"path": "file"}, Code: fault.CodeDestinationSchema, Says: "is a file"},
			{Name: "inside a file", Settings: connector.Settings{"path": "file/x"}, Code: fault.CodeDestinationSchema, Says: "not a directory"},
			{Name: "bad key", Settings: connector.Settings{"pgpPublicKey": "key"}, Code: fault.CodeInvalid, Says: "PGP"},
		},
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			folder, err := os.MkdirTemp(root, "target-") //nolint:usetesting // the destination reaches nothing outside root
			if err != nil {
				t.Fatal(err)
			}
			return destinationtest.Target{
				Settings: connector.Settings{"path": folder},
				Job:      filetest.Job(format, columns),
				Read:     func(t *testing.T) []destinationtest.Record { return read(t, format, folder) },
			}
		},
	}
	if format == "parquet" {
		f.Refused = filetest.Refused()
	}
	return f
}

func read(t *testing.T, format, folder string) []destinationtest.Record {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "rows.out"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return filetest.Read(t, format, data)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
