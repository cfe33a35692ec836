package blob

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/secret"
)

func key(t *testing.T) *secret.Key {
	t.Helper()
	k, err := secret.NewKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Req: X-14, SY-44
func TestBucket(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "y")
	home := t.TempDir()
	for name, address := range map[string]string{
		"folder": "", "s3": "s3://b?region=us-east-1&use_path_style=true&endpoint=" + server.URL,
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Open(t.Context(), address, home, key(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
			checkBucket(t, b)
		})
	}
	checkSealed(t, home)
}

func checkBucket(t *testing.T, b *Bucket) {
	t.Helper()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	content := bytes.Repeat([]byte("customer@example.com "), 100_000)
	if err := os.WriteFile(from, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"runs/1/a", "runs/1/b", "runs/10/a"} {
		if err := b.Upload(t.Context(), 1, k, from); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Download(t.Context(), 1, "runs/1/a", to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back: %v", len(got), err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Upload(t.Context(), 1, "empty", empty), b.Download(t.Context(), 1, "empty", to), b.DeletePrefix(t.Context(), 1, "empty")); err != nil {
		t.Errorf("an empty object: %v", err)
	}
	if got, err := os.ReadFile(to); err != nil || len(got) != 0 {
		t.Errorf("an empty object came back with %d bytes: %v", len(got), err)
	}
	if err := b.Download(t.Context(), 2, "runs/1/a", to); !fault.Is(err, fault.CodeNotFound) {
		t.Errorf("another workspace reads the object: %v", err)
	}
	if err := b.DeletePrefix(t.Context(), 1, "runs/1/"); err != nil {
		t.Fatal(err)
	}
	if keys, err := b.List(t.Context(), 1, ""); err != nil || len(keys) != 1 || keys[0] != "runs/10/a" {
		t.Errorf("%v %v", keys, err)
	}
	if err := b.DeletePrefix(t.Context(), 1, ""); err == nil {
		t.Error("everything may be deleted at once")
	}
	if err := b.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// checkSealed looks for the content in the folder's files.
func checkSealed(t *testing.T, home string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(home, "objects", "w", "1", "runs", "10", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil || bytes.Contains(b, []byte("customer@example.com")) {
		t.Errorf("the object is readable: %v", err)
	}
}
