package manifest

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A manifest in the folder is found, read again when it changed, and stays as it was while it has a mistake.
func TestFolder(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "kitchen.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var log bytes.Buffer
	f := &Folder{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))}
	write := func(at time.Time, name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		f.looked = time.Time{}
	}
	names := func() string {
		var all []string
		for _, d := range f.Destinations() {
			all = append(all, d.Name+"/"+string(d.Tier))
		}
		return strings.Join(all, " ")
	}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	write(began, "kitchen/manifest.yaml", string(text))
	write(began, "bad.yaml", "version: one")
	if got := names(); got != "Kitchen/custom" {
		t.Errorf("the folder has %q", got)
	}
	if !strings.Contains(log.String(), "bad.yaml:1: a whole number is expected") {
		t.Errorf("the log does not say what is wrong: %s", &log)
	}
	write(began.Add(time.Minute), "kitchen/manifest.yaml", strings.Replace(string(text), "name: Kitchen", "name: Cantina", 1))
	if got := names(); got != "Cantina/custom" {
		t.Errorf("after a change the folder has %q", got)
	}
	write(began.Add(2*time.Minute), "kitchen/manifest.yaml", "version: 1")
	if got := names(); got != "Cantina/custom" {
		t.Errorf("after a mistake the folder has %q", got)
	}
	if err := os.RemoveAll(filepath.Join(dir, "kitchen")); err != nil {
		t.Fatal(err)
	}
	f.looked = time.Time{}
	if got := names(); got != "" {
		t.Errorf("after it is gone the folder has %q", got)
	}
}
