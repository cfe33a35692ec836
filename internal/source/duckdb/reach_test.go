package duckdb_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/duckdb"
)

// Sources read what the operator lets them read, and never the server's own folder.
func TestReach(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{"data/exports", "data/home/objects", "datax"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(root, "data", "home"), filepath.Join(root, "data", "link")); err != nil {
		t.Fatal(err)
	}
	r := duckdb.Reach{Root: filepath.Join(root, "data"), Deny: []string{filepath.Join(root, "data", "home")}}
	for path, allowed := range map[string]bool{
		"data/exports": true, "data/missing": true,
		"data": false, "data/home": false, "data/home/objects": false, "data/link": false, "data/exports/../home": false,
		"datax": false, ".": false,
	} {
		err := r.Check(filepath.Join(root, path))
		if (err == nil) != allowed || err != nil && !fault.Is(err, fault.CodeSourceDenied) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := (duckdb.Reach{}).Check("/"); err != nil {
		t.Errorf("without a rule: %v", err)
	}
}
