package file

import (
	"context"
	"io"
	"sync"
)

// shelf is a place that keeps files in memory and remembers their order.
type shelf struct {
	mu    sync.Mutex
	files map[string]string
	types map[string]string
	order []string
	fail  func(name string) error
	drop  bool // read, but do not keep
}

func newShelf() *shelf { return &shelf{files: map[string]string{}, types: map[string]string{}} }

func (m *shelf) Publish(_ context.Context, name string, f *Staged) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err := m.fail(name); err != nil {
			return err
		}
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // read only
	if m.drop {
		_, err = io.Copy(io.Discard, r)
		return err
	}
	data, err := io.ReadAll(r)
	m.files[name], m.types[name], m.order = string(data), f.ContentType, append(m.order, name)
	return err
}

func (m *shelf) URL(name string) string { return "memory://" + name }
