package duckdb

import (
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// Reach says which files of the server its operator lets sources read: whoever may configure a source could
// otherwise read what only the server can.
type Reach struct {
	Root string   // the folder below which files may be read; empty means any
	Deny []string // folders of which nothing may be read, such as the server's own
}

// Check refuses a file or folder that is out of reach, wherever its symbolic links lead. One that does not
// exist is none of its business.
func (r Reach) Check(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil //nolint:nilerr // opening it says what is wrong
	}
	if r.Root != "" && !below(resolve(r.Root), target) {
		return fault.New(fault.CodeSourceDenied, "%s is outside the folder that this server lets sources read", path).
			WithPath("spec.configuration.path").WithSuggestion("Choose a path inside %s.", r.Root)
	}
	for _, d := range r.Deny {
		if d = resolve(d); below(d, target) || below(target, d) {
			return fault.New(fault.CodeSourceDenied, "%s holds files of the server itself, which no source may read", path).
				WithPath("spec.configuration.path").WithSuggestion("Choose another folder.")
		}
	}
	return nil
}

func resolve(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return path
}

// below reports whether path is dir or lies in it.
func below(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
