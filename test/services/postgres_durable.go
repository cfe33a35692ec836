package services

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Durable is a server that flushes to disk, as one in production does.
type Durable struct {
	URL string // of a superuser
	PID int    // of the server's first process

	bin, data string
}

// StartDurablePostgres starts a server of its own for measuring, with the memory that the rows of a benchmark need.
// It does not end by itself: call Stop.
func StartDurablePostgres() (_ *Durable, err error) {
	d := &Durable{}
	if d.bin, err = binaries(); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder(), 0o755); err != nil {
		return nil, err
	}
	d.data = filepath.Join(folder(), fmt.Sprintf("durable-%d", port))
	if err := d.start(port); err != nil {
		return nil, errors.Join(err, os.RemoveAll(d.data))
	}
	if d.PID, err = d.pid(); err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	d.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	return d, nil
}

func (d *Durable) start(port int) error {
	if err := makeFor(d.data); err != nil {
		return err
	}
	if err := run(filepath.Join(d.bin, "initdb"), "-D", d.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"); err != nil {
		return err
	}
	options := fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1 -c fsync=on -c synchronous_commit=on -c shared_buffers=2GB -c work_mem=256MB -c maintenance_work_mem=1GB -c max_wal_size=8GB", port, d.data)
	return run(filepath.Join(d.bin, "pg_ctl"), "-D", d.data, "-l", filepath.Join(d.data, "log"), "-w", "-o", options, "start")
}

// pid is the first line of the server's own file.
func (d *Durable) pid() (int, error) {
	text, err := os.ReadFile(filepath.Join(d.data, "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(strings.TrimSpace(line))
}

// Stop ends the server and removes its data.
func (d *Durable) Stop() error {
	return errors.Join(run(filepath.Join(d.bin, "pg_ctl"), "-D", d.data, "-m", "immediate", "stop"), os.RemoveAll(d.data))
}
