//go:build unix

package local

import "golang.org/x/sys/unix"

// writable asks the system whether this process may create files in the folder.
func writable(folder string) error { return unix.Access(folder, unix.W_OK|unix.X_OK) }
