package oracle

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/sijms/go-ora/v2/network"
)

// fake is a server on the driver's side: it answers statements by what they contain.
type fake struct {
	mu      sync.Mutex
	said    []string
	answers []answer
	refuse  error // every login
}

// answer is for statements that contain a text.
type answer struct {
	has     string
	columns []fakeColumn
	rows    [][]driver.Value
	err     error
	endless bool  // it waits for its context, as the driver does when the server has not answered
	breaks  error // what comes after the rows
}

type fakeColumn struct {
	name, typ        string
	precision, scale int64
}

func (f *fake) dial(context.Context, *dialer) (driver.Conn, error) {
	if f.refuse != nil {
		return nil, f.refuse
	}
	return &fakeConn{f}, nil
}

func (f *fake) statements() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.said)
}

type fakeConn struct{ *fake }

func (c *fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (c *fakeConn) Close() error                        { return nil }
func (c *fakeConn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }

func (c *fakeConn) BeginTx(_ context.Context, o driver.TxOptions) (driver.Tx, error) {
	if o.ReadOnly {
		return nil, errors.New("readonly transaction is not supported") // as the driver says
	}
	return nil, nil // nobody ends it
}

func (c *fakeConn) ExecContext(_ context.Context, sql string, _ []driver.NamedValue) (driver.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, sql)
	return driver.RowsAffected(0), nil
}

func (c *fakeConn) QueryContext(ctx context.Context, sql string, _ []driver.NamedValue) (driver.Rows, error) {
	c.mu.Lock()
	c.said = append(c.said, sql)
	c.mu.Unlock()
	for _, a := range c.answers {
		if !strings.Contains(sql, a.has) {
			continue
		}
		if a.endless {
			<-ctx.Done()
			return nil, network.NewOracleError(1013)
		}
		return &fakeRows{answer: a}, a.err
	}
	return nil, network.NewOracleError(942)
}

type fakeRows struct {
	answer

	at int
}

func (r *fakeRows) Columns() []string {
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = c.name
	}
	return names
}

func (r *fakeRows) Close() error                            { return nil }
func (r *fakeRows) ColumnTypeDatabaseTypeName(i int) string { return r.columns[i].typ }
func (r *fakeRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return r.columns[i].precision, r.columns[i].scale, r.columns[i].typ == "NUMBER"
}

func (r *fakeRows) Next(dest []driver.Value) error {
	if r.at == len(r.rows) {
		if r.breaks != nil {
			return r.breaks
		}
		return io.EOF
	}
	copy(dest, r.rows[r.at])
	r.at++
	return nil
}

var usual = connector.Settings{"host": "db.example.com", "database": "ORCLPDB1", "user": "MILLRACE", "password": "hunter2-secret"}

func openFake(t *testing.T, f *fake, set connector.Settings, n connector.Network) *Source {
	t.Helper()
	settings := usual.WithDefaults(Info().Fields)
	maps.Copy(settings, set)
	s, err := open(connector.SourceOptions{Settings: settings, Network: n}, f.dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // the test is over
	return s
}
