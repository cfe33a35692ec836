package secret

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/internal/fault"
)

func TestKey(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	k, err := LoadKey("", home)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadKey("", home)
	if err != nil || again.ID != k.ID {
		t.Fatalf("a restart has another key: %v", err)
	}
	if info, err := os.Stat(filepath.Join(home, "encryption.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	sealed, err := k.Seal("a", "hunter2")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open("a", sealed); err != nil || got != "hunter2" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := k.Open("b", sealed); !fault.Is(err, fault.CodeSecret) {
		t.Errorf("a secret of one purpose was opened for another: %v", err)
	}
	if _, err := k.Open("a", sealed[:len(sealed)-4]); !fault.Is(err, fault.CodeSecret) {
		t.Errorf("a damaged secret was opened: %v", err)
	}
	other, err := LoadKey("", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open("a", sealed); !fault.Is(err, fault.CodeSecret) {
		t.Errorf("another key opened the secret: %v", err)
	}
}

func TestBadKeys(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x", "c2hvcnQ="} {
		if _, err := LoadKey(text, ""); !fault.Is(err, fault.CodeConfig) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
