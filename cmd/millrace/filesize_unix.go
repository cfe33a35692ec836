//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// init turns a file that reaches the process's size limit into an error of the write. The signal would end the process
// where it reaches a thread of DuckDB, for which Go has no handler.
func init() { signal.Ignore(syscall.SIGXFSZ) }
