package services

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Secure is what a server with passwords and encryption is made of.
type Secure struct {
	Password    string // of the user postgres
	Certificate []byte // of the server, PEM
	Key         []byte // PEM
	ClientCA    []byte // who signs certificates of clients, PEM
}

// SecurePostgres starts a server of its own that takes only encrypted connections over TCP: with the password
// (SCRAM), or, for the database "certified", with a client certificate besides. It returns the port. The server
// ends with the test.
func SecurePostgres(t testing.TB, s Secure) int {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		t.Fatalf("PostgreSQL is needed: %v", err)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder(), 0o755); err != nil { // the server's user must enter it
		t.Fatal(err)
	}
	data := filepath.Join(folder(), fmt.Sprintf("secure-%d", port))
	if err := startSecure(bin, data, port, s); err != nil {
		t.Fatalf("starting an encrypted PostgreSQL: %v", errors.Join(err, os.RemoveAll(data)))
	}
	t.Cleanup(func() {
		if err := errors.Join(run(filepath.Join(bin, "pg_ctl"), "-D", data, "-m", "immediate", "stop"), os.RemoveAll(data)); err != nil {
			t.Logf("stopping the server: %v", err)
		}
	})
	return port
}

func startSecure(bin, data string, port int, s Secure) error {
	if err := makeFor(data); err != nil {
		return err
	}
	if err := run(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"); err != nil {
		return err
	}
	for name, content := range map[string]string{
		"server.crt": string(s.Certificate), "server.key": string(s.Key), "clients.crt": string(s.ClientCA),
		"pg_hba.conf": "local all all trust\nhostssl certified all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\nhostssl all all 127.0.0.1/32 scram-sha-256\n",
	} {
		if err := writeFor(data, name, content); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1 -c fsync=off -c ssl=on -c ssl_cert_file=server.crt -c ssl_key_file=server.key -c ssl_ca_file=clients.crt", port, data)
	if err := run(filepath.Join(bin, "pg_ctl"), "-D", data, "-l", filepath.Join(data, "log"), "-w", "-o", options, "start"); err != nil {
		return err
	}
	local := fmt.Sprintf("postgres:///postgres?host=%s&port=%d&user=postgres", data, port)
	return errors.Join(
		execute(local, "ALTER USER postgres PASSWORD '"+strings.ReplaceAll(s.Password, "'", "''")+"'"),
		execute(local, "CREATE DATABASE certified"),
	)
}

// writeFor writes a file that the server's user owns.
func writeFor(data, name, content string) error {
	path := filepath.Join(data, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	c, err := serverUser()
	if err != nil || c == nil {
		return err
	}
	return os.Chown(path, int(c.Uid), int(c.Gid))
}
