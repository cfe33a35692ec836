//go:build unix

package app

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/millrace/millrace/internal/fault"
)

// lockHome keeps a second process from using the data folder: SQLite serves one. The lock ends with the
// process, however it ends.
func lockHome(home string) (func() error, error) {
	f, err := os.OpenFile(filepath.Join(home, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's folder
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "locking the data folder")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if cerr := f.Close(); errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fault.New(fault.CodeHomeLocked, "the data folder %s is in use", home), cerr)
		}
		return nil, fault.Wrap(err, fault.CodeConfig, "locking the data folder")
	}
	return f.Close, nil
}
