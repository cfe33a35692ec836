package services

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"
)

// Azurite is a running store with the protocol of Azure Blob Storage.
type Azurite struct {
	Endpoint string // with the account
	Account  string
	Key      string
}

// The account of every Azurite. https://learn.microsoft.com/en-us/azure/storage/common/storage-connect-azurite
const (
	azuriteAccount = "devstoreaccount1"
	azuriteKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

var azuriteListens = regexp.MustCompile(`listen\S* (?:on|at) (http://\S+)`)

// NewAzurite starts a store for the time of a test. `make test` installs it; where it is not installed, the test is
// skipped and says so.
func NewAzurite(t testing.TB) Azurite {
	t.Helper()
	_, here, _, _ := runtime.Caller(0) //nolint:dogsled // the file is all that is wanted
	program := filepath.Join(filepath.Dir(here), "azurite", "node_modules", ".bin", "azurite-blob")
	if _, err := os.Stat(program); err != nil {
		t.Skip("Azurite is not installed: npm ci --prefix test/services/azurite")
	}
	cmd := exec.Command(program, "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry")
	cmd.Dir = t.TempDir()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting Azurite: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Kill(), ignoreKilled(cmd.Wait())); err != nil {
			t.Logf("stopping Azurite: %v", err)
		}
	})
	found := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := azuriteListens.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	select {
	case base := <-found:
		return Azurite{Endpoint: base + "/" + azuriteAccount, Account: azuriteAccount, Key: azuriteKey}
	case <-time.After(time.Minute):
		t.Fatal("Azurite does not start")
		return Azurite{}
	}
}

// ignoreKilled drops the error that tells of a program's end by a signal.
func ignoreKilled(err error) error {
	if _, killed := errors.AsType[*exec.ExitError](err); killed {
		return nil
	}
	return err
}
