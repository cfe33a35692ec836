//go:build !unix

package app

// lockHome does nothing where the system has no advisory locks.
func lockHome(string) (func() error, error) { return func() error { return nil }, nil }
