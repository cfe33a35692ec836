package connector

import (
	"context"
	"sync"
)

// State is what a connector learned of one document while it ran and must know again, in another run or in
// another worker: tokens, names of what it made. It is stored encrypted, apart from the document, and goes with
// it. Values are short texts. Call it outside of database transactions only.
type State interface {
	// Load returns what is known under the key, and whether anything is.
	Load(ctx context.Context, key string) (value string, found bool, err error)
	// Update replaces what is known under the key by what change makes of it, and returns that. Nothing known is
	// the empty text. One change of a key runs at a time, whichever worker asks for it; the others wait and are
	// handed what it made. change may use the network. It has its own time limit and does not end with ctx: a
	// token that was exchanged must be kept even if the run is over. It may run again when its worker stood still
	// for so long that another one took over. If it fails, nothing changes.
	Update(ctx context.Context, key string, change func(ctx context.Context, old string) (string, error)) (string, error)
}

// Memory returns a State that is gone with the process, for connections that are tried before they are saved.
func Memory() State { return &memoryState{values: map[string]string{}} }

type memoryState struct {
	changing map[string]*sync.Mutex // by the key: what makes one value may need another
	mu       sync.Mutex
	values   map[string]string
}

var _ State = (*memoryState)(nil)

func (m *memoryState) Load(_ context.Context, key string) (value string, found bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, found = m.values[key]
	return value, found, nil
}

func (m *memoryState) Update(ctx context.Context, key string, change func(context.Context, string) (string, error)) (string, error) {
	changing := m.lock(key)
	changing.Lock()
	defer changing.Unlock()
	old, _, err := m.Load(ctx, key)
	if err != nil {
		return "", err
	}
	next, err := change(context.WithoutCancel(ctx), old)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[key] = next
	return next, nil
}

// lock is what a change of the key waits for.
func (m *memoryState) lock(key string) *sync.Mutex {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changing == nil {
		m.changing = map[string]*sync.Mutex{}
	}
	if m.changing[key] == nil {
		m.changing[key] = &sync.Mutex{}
	}
	return m.changing[key]
}
