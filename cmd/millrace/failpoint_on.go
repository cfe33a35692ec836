//go:build failpoints

package main

import (
	"os"
	"strings"
	"sync/atomic"
	"syscall"
)

// failpoint stops the process at an edge of a run's state machine, for the crash tests, which build with
// the tag failpoints. MILLRACE_FAILPOINT is kill:EDGE:N or stop:EDGE:N: at the Nth time that a run reaches
// the edge the process gets SIGKILL, or SIGSTOP until somebody continues it.
func failpoint() func(string) {
	parts := strings.Split(os.Getenv("MILLRACE_FAILPOINT"), ":")
	if len(parts) != 3 {
		return nil
	}
	sig := syscall.SIGKILL
	if parts[0] == "stop" {
		sig = syscall.SIGSTOP
	}
	nth := int64(parts[2][0] - '0')
	var reached atomic.Int64
	return func(point string) {
		if point != parts[1] || reached.Add(1) != nth {
			return
		}
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			panic(err)
		}
		if sig == syscall.SIGKILL {
			select {} // until the signal arrives
		}
	}
}
