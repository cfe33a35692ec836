package file

import (
	"sync"

	"github.com/millrace/millrace/internal/connector"
)

// finished is a complete file with its final name.
type finished struct {
	name string
	file *Staged
}

// lane is the files with the rows of one operation.
type lane struct {
	op      connector.Operation
	factory *factory
	naming  naming
	limit   int // rows in a file; 0 means no limit

	mu    sync.Mutex
	open  *part
	files []finished
	rows  int64
	err   error // what broke the lane: nothing can be written after it
}

// append adds a chunk, in as many files as it takes.
func (l *lane) append(c chunk) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for from := 0; from < c.rows() && l.err == nil; {
		from, l.err = l.appendSome(c, from)
	}
	return l.err
}

// appendSome fills the open file and returns the next row.
func (l *lane) appendSome(c chunk, from int) (int, error) {
	if err := l.ensureOpen(); err != nil {
		return from, err
	}
	to := c.rows()
	if l.limit > 0 {
		to = min(to, from+l.limit-l.open.rows)
	}
	if err := l.open.append(c, from, to); err != nil {
		return from, err
	}
	l.rows += int64(to - from)
	if l.limit > 0 && l.open.rows == l.limit {
		return to, l.closeOpen()
	}
	return to, nil
}

func (l *lane) ensureOpen() error {
	if l.open != nil {
		return nil
	}
	name, err := l.naming.of(l.op, len(l.files)+1)
	if err != nil {
		return err
	}
	l.open, err = l.factory.create(name)
	return err
}

func (l *lane) closeOpen() error {
	file, err := l.open.finish()
	if err != nil {
		return err
	}
	l.files = append(l.files, finished{name: l.open.name, file: file})
	l.open = nil
	return nil
}

// complete closes the last file, and makes an empty one where there were no rows, unless empty files
// are skipped.
func (l *lane) complete(skipEmpty bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil && len(l.files) == 0 && !skipEmpty {
		l.err = l.ensureOpen()
	}
	if l.err == nil && l.open != nil {
		l.err = l.closeOpen()
	}
	return l.err
}

// abandon closes the file that was being written.
func (l *lane) abandon() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		return nil
	}
	err := l.open.stage.abandon()
	l.open = nil
	return err
}

// currentName is the name of the file that rows go to now.
func (l *lane) currentName() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	name, _ := l.naming.of(l.op, max(1, len(l.files))) //nolint:errcheck // checked when the run began
	if l.open != nil {
		name = l.open.name
	}
	return name
}
