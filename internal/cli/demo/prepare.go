package demo

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/fault"
)

// marker is the file by which the demo knows a data folder of its own.
const marker = "this-is-a-demo"

// Prepare makes a server's configuration a demo's: a data folder of its own beside the usual one, empty at
// each start, with an admin and an API key. It returns the folder for the demo's data.
func Prepare(c *config.Config) (dir string, err error) {
	root, err := filepath.Abs(c.Home + "-demo")
	if err != nil {
		return "", fmt.Errorf("finding the demo's folder: %w", err)
	}
	if err := empty(root); err != nil {
		return "", err
	}
	c.Home, dir = filepath.Join(root, "server"), filepath.Join(root, "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the demo's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(root, marker), nil, 0o600); err != nil {
		return "", fmt.Errorf("making the demo's folder: %w", err)
	}
	c.FilesRoot = filepath.Join(dir, "drop")
	for _, secret := range []*string{&c.AdminPassword, &c.BootstrapAPIKey} {
		if *secret == "" {
			*secret = random()
		}
	}
	return dir, nil
}

// empty empties a folder that an earlier demo made, and refuses any other that holds something.
func empty(root string) error {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if _, merr := os.Stat(filepath.Join(root, marker)); err != nil || merr != nil {
		return fault.New(fault.CodeConfig, "the folder %s is not a demo's", root).WithSuggestion("Choose another one with --home.")
	}
	if err := os.RemoveAll(root); err != nil {
		return fmt.Errorf("emptying the demo's folder: %w", err)
	}
	return nil
}

func random() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Invite tells how to look around.
func Invite(w io.Writer, base string, c *config.Config) {
	fmt.Fprintf(w, "\nMillrace is open on %s\n\n  email     %s\n  password  %s\n\nThe API key of this demo is %s\nPress Ctrl-C to stop.\n", base, c.AdminEmail, c.AdminPassword, c.BootstrapAPIKey)
}
