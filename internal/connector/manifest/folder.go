package manifest

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/httpx"
)

// Folder is a folder with manifests of the operator's own: FILE.yaml, or SLUG/manifest.yaml. They are read again when
// they change. One with a mistake is left out, or stays as it was before the mistake, and the log says why.
type Folder struct {
	Dir     string
	Network httpx.Network
	Log     *slog.Logger

	mu     sync.Mutex
	looked time.Time
	files  map[string]loaded
}

// loaded is a manifest as it was last read.
type loaded struct {
	changed time.Time
	size    int64
	info    *connector.DestinationInfo
}

// lookEvery is how often the folder is looked at while it is asked for.
const lookEvery = 2 * time.Second

// Destinations returns what the manifests describe, by the names of their files.
func (f *Folder) Destinations() []connector.DestinationInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) >= lookEvery {
		f.look()
		f.looked = time.Now()
	}
	var all []connector.DestinationInfo
	for _, name := range slices.Sorted(keysOf(f.files)) {
		if info := f.files[name].info; info != nil {
			all = append(all, *info)
		}
	}
	return all
}

func keysOf(m map[string]loaded) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	}
}

func (f *Folder) look() {
	files := map[string]loaded{}
	for _, pattern := range []string{"*.yaml", "*/manifest.yaml"} {
		names, err := filepath.Glob(filepath.Join(f.Dir, pattern))
		if err != nil {
			continue // the patterns are good
		}
		for _, name := range names {
			files[name] = f.load(name, f.files[name])
		}
	}
	f.files = files
}

// load reads a file that is another one than before.
func (f *Folder) load(name string, before loaded) loaded {
	stat, err := os.Stat(name)
	if err != nil {
		return before
	}
	if stat.ModTime().Equal(before.changed) && stat.Size() == before.size {
		return before
	}
	now := loaded{changed: stat.ModTime(), size: stat.Size(), info: before.info}
	text, err := os.ReadFile(name) //nolint:gosec // the operator's own folder
	var m *Manifest
	if err == nil {
		m, err = Parse(filepath.Base(name), text)
	}
	if err != nil {
		f.Log.Error("a manifest cannot be used", "file", name, "error", err)
		return now
	}
	info := m.Info(f.Network, Hooks{})
	info.Tier = connector.TierCustom
	now.info = &info
	f.Log.Info("a manifest was read", "file", name, "destination", m.Slug)
	return now
}
