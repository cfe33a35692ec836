package sftp

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/internal/fault"
)

// unfinished is a file of this machine that holds the path of the temporary file that is being
// written on the server, so that the run after a crash can remove it.
type unfinished string

func (u unfinished) note(remote string) error {
	if err := os.MkdirAll(filepath.Dir(string(u)), 0o700); err != nil {
		return fault.Disk(err, "noting an unfinished file")
	}
	if err := os.WriteFile(string(u), []byte(remote), 0o600); err != nil {
		return fault.Disk(err, "noting an unfinished file")
	}
	return nil
}

// read returns an empty path where nothing is unfinished.
func (u unfinished) read() string {
	remote, err := os.ReadFile(string(u))
	if err != nil {
		return ""
	}
	return string(remote)
}

func (u unfinished) forget() error {
	if err := os.Remove(string(u)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Disk(err, "noting that a file is complete")
	}
	return nil
}
