//go:build !failpoints

package main

// failpoint is nil: a server for people has no failpoints.
func failpoint() func(string) { return nil }
