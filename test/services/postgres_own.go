package services

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Own is a server that one test has for itself, to take it away and bring it back.
type Own struct {
	URL string // of a superuser

	bin, data, options string
}

// OwnPostgres starts a server that ends with the test.
func OwnPostgres(t testing.TB) *Own {
	t.Helper()
	o, err := startOwn()
	if err != nil {
		t.Fatalf("PostgreSQL is needed: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(o.Down(), os.RemoveAll(o.data)); err != nil {
			t.Logf("stopping PostgreSQL: %v", err)
		}
	})
	return o
}

func startOwn() (_ *Own, err error) {
	o := &Own{}
	if o.bin, err = binaries(); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder(), 0o755); err != nil { // the server's user must enter it
		return nil, err
	}
	o.data = filepath.Join(folder(), fmt.Sprintf("own-%d", port))
	if err := makeFor(o.data); err != nil {
		return nil, err
	}
	o.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	o.options = fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1 -c max_connections=200 -c shared_buffers=64MB -c synchronous_commit=on", port, o.data)
	if err := run(filepath.Join(o.bin, "initdb"), "-D", o.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"); err != nil {
		return nil, err
	}
	return o, o.Up()
}

// Up starts the server again.
func (o *Own) Up() error {
	return run(filepath.Join(o.bin, "pg_ctl"), "-D", o.data, "-l", filepath.Join(o.data, "log"), "-w", "-o", o.options, "start")
}

// Down ends the server as a power cut would: without a checkpoint, its connections cut.
func (o *Own) Down() error {
	return run(filepath.Join(o.bin, "pg_ctl"), "-D", o.data, "-m", "immediate", "stop")
}
