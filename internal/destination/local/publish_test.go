package local_test

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/destination/local"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

var columns = []connector.TargetColumn{
	{Name: "id", From: "id", Type: value.TypeString},
	{Name: "value", From: "value", Type: value.TypeString},
}

func open(t *testing.T, root, path string) connector.Destination {
	t.Helper()
	d, err := local.Info(root).Open(connector.DestinationOptions{
		Settings: connector.Settings{"path": path}, Dir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// writeRun writes one row in a whole run.
func writeRun(t *testing.T, d connector.Destination, job connector.SyncJob, text string) error {
	t.Helper()
	s, err := d.Begin(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	b := &connector.Batch{ID: "1", Operation: connector.Added, Rows: []connector.Row{destinationtest.Row(job, "1", value.OfText(text))}}
	if _, err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	err = s.Finish(t.Context())
	if closed := s.Close(); closed != nil {
		t.Errorf("closing: %v", closed)
	}
	return err
}

// tree lists all files and folders under the root.
func tree(t *testing.T, root string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path) //nolint:errcheck // both are absolute
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestFolders proves that folders are made as the name needs them, and that nothing else is left.
//
// Req: SY-18
func TestFolders(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	job := filetest.Job("ndjson", columns)
	job.Settings["filename"], job.Settings["indicatorFile"] = "{YYYY}/{MM}/rows.ndjson", "done"
	d := open(t, root, "exports")
	if err := d.Test(t.Context()); err != nil {
		t.Errorf("Test of a folder that does not exist yet: %v", err)
	}
	for _, text := range []string{"first", "second"} {
		if err := writeRun(t, d, job, text); err != nil {
			t.Fatal(err)
		}
		want := []string{".", "exports", "exports/2026", "exports/2026/03", "exports/2026/03/rows.ndjson", "exports/done"}
		if got := tree(t, root); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		data, err := os.ReadFile(filepath.Join(root, "exports/2026/03/rows.ndjson"))
		if err != nil || !strings.Contains(string(data), text) {
			t.Errorf("%q, %v", data, err)
		}
	}
}

// TestEscape proves that links inside the root lead nowhere else, neither as the folder nor in the
// way of a file.
func TestEscape(t *testing.T) {
	t.Parallel()
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "kept"), "x")
	for link, target := range map[string]string{"folder": outside, "rows.ndjson": filepath.Join(outside, "kept")} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	job := filetest.Job("ndjson", columns)
	job.Settings["filename"] = "folder/rows.ndjson"
	if err := writeRun(t, open(t, root, ""), job, "x"); !fault.Is(err, fault.CodeDestinationUnreachable) || !strings.Contains(err.Error(), "escapes") {
		t.Errorf("writing through a link to a folder: %v", err)
	}
	job.Settings["filename"] = "rows.ndjson"
	if err := writeRun(t, open(t, root, ""), job, "y"); err != nil {
		t.Errorf("replacing a link: %v", err)
	}
	if got := tree(t, outside); !slices.Equal(got, []string{".", "kept"}) {
		t.Errorf("outside the root: %v", got)
	}
	if data, err := os.ReadFile(filepath.Join(outside, "kept")); err != nil || string(data) != "x" {
		t.Errorf("the linked file holds %q, %v", data, err)
	}
}

// TestInTheWay proves that a folder in the file's place is an error in the system's words, and that
// nothing is left behind.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "rows.out", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := writeRun(t, open(t, root, ""), filetest.Job("csv", columns), "x")
	if !fault.Is(err, fault.CodeDestinationSchema) || !strings.Contains(err.Error(), "rows.out") {
		t.Errorf("%v", err)
	}
	if got := tree(t, root); !slices.Equal(got, []string{".", "rows.out", "rows.out/x"}) {
		t.Errorf("left %v", got)
	}
}

// TestUnfinished proves that what a killed run left in the folder is deleted by the next one.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	left := filepath.Join(root, ".millrace-7")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(left, "file"), "half a fi")
	s, err := open(t, root, "").Begin(t.Context(), filetest.Job("csv", columns))
	if err != nil {
		t.Fatal(err)
	}
	if got := tree(t, root); !slices.Equal(got, []string{"."}) {
		t.Errorf("left %v", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestNoRoot(t *testing.T) {
	t.Parallel()
	for root, code := range map[string]fault.Code{"": fault.CodeConfig, filepath.Join(t.TempDir(), "gone"): fault.CodeDestinationSchema} {
		d := open(t, root, "")
		if err := d.Test(t.Context()); !fault.Is(err, code) {
			t.Errorf("root %q: Test says %v", root, err)
		}
		if _, err := d.Begin(t.Context(), filetest.Job("csv", columns)); !fault.Is(err, code) {
			t.Errorf("root %q: Begin says %v", root, err)
		}
	}
}
