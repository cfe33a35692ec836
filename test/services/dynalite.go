package services

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"
)

var dynaliteListens = regexp.MustCompile(`listening at: (http://\S+)`)

// NewDynalite starts a server with the protocol of Amazon DynamoDB for the time of a test, and returns its address. It
// takes every access key. `make test` installs it; where it is not installed, the test is skipped and says so.
func NewDynalite(t testing.TB) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0) //nolint:dogsled // the file is all that is wanted
	program := filepath.Join(filepath.Dir(here), "dynalite", "node_modules", ".bin", "dynalite")
	if _, err := os.Stat(program); err != nil {
		t.Skip("Dynalite is not installed: npm ci --prefix test/services/dynalite")
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--createTableMs", "0")
	cmd.Dir = t.TempDir()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting Dynalite: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Kill(), ignoreKilled(cmd.Wait())); err != nil {
			t.Logf("stopping Dynalite: %v", err)
		}
	})
	found := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := dynaliteListens.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	select {
	case address := <-found:
		return address
	case <-time.After(time.Minute):
		t.Fatal("Dynalite does not start")
		return ""
	}
}
