package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/millrace/millrace/internal/fault"
)

// weather is what storage does to what it is asked.
type weather string

// The weathers.
const (
	fair    weather = "fair"
	failing weather = "failing" // some requests fail
	cut     weather = "cut"     // some uploads leave a part of the object, and fail
	full    weather = "full"    // nothing can be stored
	slow    weather = "slow"
)

var weathers = []weather{fair, failing, cut, full, slow}

// storage keeps objects in memory.
type storage struct {
	mu      sync.Mutex
	rnd     *rand.Rand
	weather weather
	objects map[string][]byte
	written map[string]bool // every object that was ever complete
	rewrote []string        // objects whose content was replaced by another one
}

func newStorage(rnd *rand.Rand) *storage {
	return &storage{rnd: rnd, weather: fair, objects: map[string][]byte{}, written: map[string]bool{}}
}

func (s *storage) set(w weather) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.weather = w
}

func (s *storage) name(ws int64, key string) string { return fmt.Sprintf("%d/%s", ws, key) }

// blow returns the error of a request, if it is to have one.
func (s *storage) blow(ctx context.Context, doing string) error {
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(context.Cause(ctx), fault.CodeStorage, "%s", doing)
	case (s.weather == failing || s.weather == cut) && s.rnd.IntN(6) == 0:
		return fault.New(fault.CodeStorage, "%s: 503 Slow Down", doing)
	}
	return nil
}

// Upload stores a file.
func (s *storage) Upload(ctx context.Context, ws int64, key, local string) error {
	content, err := os.ReadFile(local)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := s.name(ws, key)
	if s.weather == slow {
		s.mu.Unlock()
		pause(s.delay())
		s.mu.Lock()
	}
	if err := s.blow(ctx, "storing "+key); err != nil {
		if s.weather == cut && !s.written[name] {
			s.objects[name] = content[:len(content)/2]
		}
		return err
	}
	if s.weather == full {
		return fault.Disk(fmt.Errorf("write %s: %w", key, syscall.ENOSPC), "storing %s", key)
	}
	if old, there := s.objects[name]; there && s.written[name] && !bytes.Equal(old, content) {
		s.rewrote = append(s.rewrote, name)
	}
	s.objects[name], s.written[name] = content, true
	return nil
}

// pause is how long something slow takes.
func pause(milliseconds int) { time.Sleep(time.Duration(milliseconds) * time.Millisecond) }

func (s *storage) delay() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rnd.IntN(40)
}

// Download fetches a file.
func (s *storage) Download(ctx context.Context, ws int64, key, local string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.blow(ctx, "reading "+key); err != nil {
		return err
	}
	content, there := s.objects[s.name(ws, key)]
	if !there {
		return fault.New(fault.CodeNotFound, "there is no object %s", key)
	}
	return os.WriteFile(local, content, 0o600)
}

// DeletePrefix removes objects.
func (s *storage) DeletePrefix(ctx context.Context, ws int64, prefix string) error {
	if !strings.HasSuffix(prefix, "/") {
		return errors.New("a prefix without its end takes other objects too")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.blow(ctx, "deleting "+prefix); err != nil {
		return err
	}
	for name := range s.objects {
		if strings.HasPrefix(name, s.name(ws, prefix)) {
			delete(s.objects, name)
		}
	}
	return nil
}

func (s *storage) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}
