// Package services starts the servers that tests need: throwaway instances on free ports, shared by all test
// processes of a run.
package services

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresEnv names a cluster to use instead of starting one: a URL of a superuser.
const postgresEnv = "MILLRACE_TEST_POSTGRES_URL"

var databases atomic.Int64

// Postgres returns the URL of a new, empty database, which is dropped when the test ends. The cluster is
// started when the first test process needs it and found by the others. A test that cannot have one
// fails, saying what to install.
func Postgres(t testing.TB) string {
	t.Helper()
	admin, err := StartPostgres()
	if err != nil {
		t.Fatalf("PostgreSQL is needed: %v", err)
	}
	name := fmt.Sprintf("t_%d_%d_%d", os.Getpid(), time.Now().UnixNano(), databases.Add(1))
	if err := execute(admin, `CREATE DATABASE "`+name+`" TEMPLATE template0`); err != nil {
		t.Fatalf("making a database: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(admin, `DROP DATABASE IF EXISTS "`+name+`" WITH (FORCE)`); err != nil {
			t.Logf("dropping the database: %v", err)
		}
	})
	return strings.Replace(admin, "/postgres?", "/"+name+"?", 1)
}

func execute(url, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}

// folder holds the shared cluster: one for each user.
func folder() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("millrace-test-services-%d", os.Getuid()))
}

// StartPostgres starts the shared cluster, or finds the one that runs, and returns a superuser's URL.
func StartPostgres() (string, error) {
	if url := os.Getenv(postgresEnv); url != "" {
		return url, nil
	}
	unlock, err := lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if url, ok := running(); ok {
		return url, nil
	}
	return start()
}

// lock lets one process at a time look for the cluster and start it.
func lock() (func(), error) {
	if err := os.MkdirAll(folder(), 0o755); err != nil { // the server's user must enter it
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(folder(), "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil //nolint:errcheck // closing ends the lock
}

func running() (string, bool) {
	url, err := os.ReadFile(filepath.Join(folder(), "postgres.url"))
	if err != nil {
		return "", false
	}
	return string(url), execute(string(url), "SELECT 1") == nil
}

// binaries is where Debian and others put the server's programs.
func binaries() (string, error) {
	for _, pattern := range []string{"/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin"} {
		found, err := filepath.Glob(filepath.Join(pattern, "initdb"))
		if err == nil && len(found) > 0 {
			return filepath.Dir(found[len(found)-1]), nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("initdb was not found: install it with `apt-get install postgresql`, or name a running server in " + postgresEnv)
}

func start() (string, error) {
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	data := filepath.Join(folder(), fmt.Sprintf("postgres-%d", port))
	if err := makeFor(data); err != nil {
		return "", err
	}
	if err := run(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"); err != nil {
		return "", err
	}
	options := fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=128MB", port, data)
	if err := run(filepath.Join(bin, "pg_ctl"), "-D", data, "-l", filepath.Join(data, "log"), "-w", "-o", options, "start"); err != nil {
		return "", err
	}
	url := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	return url, os.WriteFile(filepath.Join(folder(), "postgres.url"), []byte(url), 0o600)
}

// StopPostgres ends the shared cluster and removes its data.
func StopPostgres() error {
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	bin, err := binaries()
	if err != nil {
		return err
	}
	clusters, err := filepath.Glob(filepath.Join(folder(), "postgres-*"))
	for _, data := range clusters {
		if run(filepath.Join(bin, "pg_ctl"), "-D", data, "status") == nil { // one that died needs no stop
			err = errors.Join(err, run(filepath.Join(bin, "pg_ctl"), "-D", data, "-m", "immediate", "stop"))
		}
		err = errors.Join(err, os.RemoveAll(data))
	}
	return errors.Join(err, os.RemoveAll(filepath.Join(folder(), "postgres.url")))
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// serverUser is who runs the server: ourselves, but never root, which initdb refuses.
func serverUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil // nobody else
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

func makeFor(data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	c, err := serverUser()
	if err != nil || c == nil {
		return err
	}
	return os.Chown(data, int(c.Uid), int(c.Gid))
}

func run(program string, args ...string) error {
	c, err := serverUser()
	if err != nil {
		return err
	}
	return runAs(c, program, args...)
}

// runAs runs a program to its end as a user, nil being ourselves. Its error has what the program said.
func runAs(c *syscall.Credential, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = os.TempDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: c}
	log, err := os.CreateTemp("", "millrace-services-*.log")
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(log.Close(), os.Remove(log.Name())) }() //nolint:errcheck // a temporary file
	cmd.Stdout, cmd.Stderr = log, log                                      // a file, not a pipe: the server inherits it and would keep a pipe open
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log.Name()) //nolint:errcheck // the run's error matters
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, text)
	}
	return nil
}
