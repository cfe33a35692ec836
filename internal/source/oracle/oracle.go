// Package oracle reads Oracle Database, version 19c; 12.2 and newer should work.
//
// Each query has a connection of its own and a transaction that can only read, so that nothing is left behind at the
// server. Rows come in pieces of about 128 kB.
package oracle

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
)

// Info describes the source.
func Info() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "oracle", Name: "Oracle", Category: "database", Summary: "Tables, views and queries of an Oracle database",
		Fields: fields(), Methods: []string{"sql", "table"}, Engines: []string{connector.EngineBasic},
		Open: func(o connector.SourceOptions) (connector.Source, error) { return open(o, nil) },
	}
}

// open reads the settings; dial replaces the driver in tests.
func open(o connector.SourceOptions, dial dial) (*Source, error) {
	var s settings
	if err := o.Settings.Decode(&s); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	if dial == nil {
		var err error
		if dial, err = s.dial(); err != nil {
			return nil, err
		}
	}
	return &Source{dial: dial, timeout: s.timeout(), network: o.Network, sessions: map[*session]bool{}}, nil
}

// Source answers queries with an Oracle server. It is safe for concurrent use.
type Source struct {
	dial    dial
	timeout timeout
	network connector.Network

	mu       sync.Mutex
	sessions map[*session]bool
	closed   bool
}

var _ connector.Source = (*Source)(nil)

// Dialect is Oracle's.
func (s *Source) Dialect() query.Dialect { return query.Oracle }

// Test connects, and reads the catalog as discovery does.
func (s *Source) Test(ctx context.Context) error {
	_, err := s.Introspect(ctx)
	return err
}

var (
	errClosed   = errors.New("the source was closed")
	errReleased = errors.New("the rows were released")
	errTimeout  = errors.New("the request timeout of the source is over")
)

func (s *Source) register(x *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.sessions[x] = true
	}
	return !s.closed
}

func (s *Source) forget(x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, x)
}

// Close ends every connection; rows that are still being read end with an error.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	open := maps.Clone(s.sessions)
	s.mu.Unlock()
	for x := range open {
		x.cancel(errClosed)
	}
	return nil
}
