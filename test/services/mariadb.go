package services

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mariadbEnv names a server to use instead of starting one: the DSN of a user who may do everything.
const mariadbEnv = "MILLRACE_TEST_MARIADB_DSN"

// MariaDB returns the DSN of a new, empty database, as the package github.com/go-sql-driver/mysql reads it, which is
// dropped when the test ends. The server is started when the first test process needs it and found by the others. A
// test that cannot have one fails, saying what to install.
func MariaDB(t testing.TB) string {
	t.Helper()
	admin, err := StartMariaDB()
	if err != nil {
		t.Fatalf("MariaDB is needed: %v", err)
	}
	name := fmt.Sprintf("t_%d_%d_%d", os.Getpid(), time.Now().UnixNano(), databases.Add(1))
	if err := executeMariaDB(admin, "CREATE DATABASE `"+name+"` CHARACTER SET utf8mb4"); err != nil {
		t.Fatalf("making a database: %v", err)
	}
	t.Cleanup(func() {
		if err := executeMariaDB(admin, "DROP DATABASE IF EXISTS `"+name+"`"); err != nil {
			t.Logf("dropping the database: %v", err)
		}
	})
	c, err := mysql.ParseDSN(admin)
	if err != nil {
		t.Fatal(err)
	}
	c.DBName = name
	return c.FormatDSN()
}

func executeMariaDB(dsn, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}

// StartMariaDB starts the shared server, or finds the one that runs, and returns the DSN of a user who may do
// everything.
func StartMariaDB() (string, error) {
	if dsn := os.Getenv(mariadbEnv); dsn != "" {
		return dsn, nil
	}
	unlock, err := lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if dsn, err := os.ReadFile(mariadbAddress()); err == nil && executeMariaDB(string(dsn), "SELECT 1") == nil {
		return string(dsn), nil
	}
	return startMariaDB()
}

func mariadbAddress() string { return filepath.Join(folder(), "mariadb.dsn") }

// mariadbPrograms are those that a server needs.
func mariadbPrograms() (server, install, admin string, err error) {
	find := func(name string) string {
		for _, folder := range []string{"/usr/sbin", "/usr/bin", "/usr/local/bin"} { // a user's PATH may lack the first
			if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
				return filepath.Join(folder, name)
			}
		}
		path, lerr := exec.LookPath(name)
		if lerr != nil {
			err = errors.New(name + " was not found: install it with `apt-get install mariadb-server`, or name a running server in " + mariadbEnv)
		}
		return path
	}
	server, install, admin = find("mariadbd"), find("mariadb-install-db"), find("mariadb-admin")
	return server, install, admin, err
}

func startMariaDB() (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	if err := launchMariaDB(filepath.Join(folder(), fmt.Sprintf("mariadb-%d", port)), port, nil); err != nil {
		return "", err
	}
	dsn := fmt.Sprintf("root@tcp(127.0.0.1:%d)/", port)
	return dsn, os.WriteFile(mariadbAddress(), []byte(dsn), 0o600)
}

// launchMariaDB makes a server's data, with the files beside them, and starts it; it outlives this process.
func launchMariaDB(data string, port int, files map[string]string, options ...string) error {
	server, install, admin, err := mariadbPrograms()
	if err != nil {
		return err
	}
	owner, err := mariadbOwner(data)
	if err != nil {
		return err
	}
	// Whatever server starts removes the temporary files of its folder: neither the one that installs nor the one that
	// stays may share it.
	err = runAs(nil, install, "--no-defaults", "--datadir="+data, "--tmpdir="+data, "--user="+owner, "--auth-root-authentication-method=normal", "--skip-test-db")
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := writeForMariaDB(filepath.Join(data, name), owner, content); err != nil {
			return err
		}
	}
	socket := filepath.Join(data, "s")
	err = detach(filepath.Join(data, "log"), server, append([]string{
		"--no-defaults", "--datadir=" + data, "--tmpdir=" + data,
		"--user=" + owner, "--bind-address=127.0.0.1",
		"--port=" + strconv.Itoa(port), "--socket=" + socket, "--pid-file=" + filepath.Join(data, "pid"), "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0",
		"--innodb-buffer-pool-size=64M", "--skip-name-resolve", "--character-set-server=utf8mb4",
	}, options...)...)
	if err != nil {
		return err
	}
	if err := runAs(nil, admin, "--no-defaults", "--user=root", "--socket="+socket, "--wait=60", "ping"); err != nil {
		text, _ := os.ReadFile(filepath.Join(data, "log")) //nolint:errcheck // the first error matters
		return fmt.Errorf("MariaDB does not start: %w: %s", err, text)
	}
	return nil
}

// OwnMariaDB is a server that nobody else uses.
type OwnMariaDB struct {
	Port int

	data string
}

// StartOwnMariaDB starts a server with options, as mariadbd takes them, and files in its folder, which is its working
// folder. The user root has no password. It does not end by itself: call Stop.
func StartOwnMariaDB(files map[string]string, options ...string) (*OwnMariaDB, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder(), 0o755); err != nil { // the server's user must enter it
		return nil, err
	}
	s := &OwnMariaDB{Port: port, data: filepath.Join(folder(), fmt.Sprintf("own-mariadb-%d", port))}
	if err := launchMariaDB(s.data, port, files, options...); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// MariaDBOfItsOwn starts a server that ends with the test; see StartOwnMariaDB.
func MariaDBOfItsOwn(t testing.TB, files map[string]string, options ...string) *OwnMariaDB {
	t.Helper()
	s, err := StartOwnMariaDB(files, options...)
	if err != nil {
		t.Fatalf("MariaDB is needed: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Logf("stopping MariaDB: %v", err)
		}
	})
	return s
}

// DSN is of the user root, as the package github.com/go-sql-driver/mysql reads it.
func (s *OwnMariaDB) DSN() string { return fmt.Sprintf("root@unix(%s)/", filepath.Join(s.data, "s")) }

// Kill ends the server at once.
func (s *OwnMariaDB) Kill() error { return stopServer(filepath.Join(s.data, "pid")) }

// Stop ends the server at once and removes its data.
func (s *OwnMariaDB) Stop() error { return errors.Join(s.Kill(), os.RemoveAll(s.data)) }

// writeForMariaDB writes a file that the server's user owns.
func writeForMariaDB(path, owner, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	if os.Getuid() != 0 {
		return nil
	}
	return chownTo(path, owner)
}

// mariadbOwner makes the folder of a server's data for the user who is to run it, and returns the user's name: ourselves,
// but never root, which the server refuses.
func mariadbOwner(data string) (string, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", err
	}
	if os.Getuid() != 0 {
		u, err := user.Current()
		if err != nil {
			return "", err
		}
		return u.Username, nil
	}
	const name = "mysql"
	if err := chownTo(data, name); err != nil {
		return "", fmt.Errorf("MariaDB does not run as root, but as a user of its own: %w", err)
	}
	return name, nil
}

// chownTo gives a file to a user.
func chownTo(path, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, uerr := strconv.Atoi(u.Uid)
	gid, gerr := strconv.Atoi(u.Gid)
	return errors.Join(uerr, gerr, os.Chown(path, uid, gid))
}

// detach starts a program that outlives this process.
func detach(log, program string, args ...string) error {
	out, err := os.Create(log)
	if err != nil {
		return err
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = os.TempDir(), out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, out.Close())
	}
	return errors.Join(cmd.Process.Release(), out.Close())
}

// StopMariaDB ends the shared server and removes its data.
func StopMariaDB() error {
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	servers, err := filepath.Glob(filepath.Join(folder(), "mariadb-*"))
	for _, data := range servers {
		err = errors.Join(err, stopServer(filepath.Join(data, "pid")), os.RemoveAll(data))
	}
	return errors.Join(err, os.RemoveAll(mariadbAddress()))
}

// stopServer kills the server that wrote the file; one that died needs no stop.
func stopServer(file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	pid, perr := strconv.Atoi(strings.TrimSpace(string(text)))
	if err := errors.Join(err, perr); err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
