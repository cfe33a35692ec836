package file

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/millrace/millrace/internal/fault"
)

// stage is the private folder of one run's unfinished files. They are encrypted with keys that exist
// only in this process: what a killed process leaves behind cannot be read by anybody.
type stage struct {
	dir string
}

// newStage makes the folder and deletes what earlier runs of the sync left. Two runs of one sync
// never overlap, so nobody else uses it.
func newStage(dir string, syncID int64) (*stage, error) {
	home := filepath.Join(dir, "staging", strconv.FormatInt(syncID, 10))
	if err := os.RemoveAll(home); err != nil {
		return nil, storageFault(err, "deleting the staging files of an earlier run")
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, storageFault(err, "creating the staging folder")
	}
	own, err := os.MkdirTemp(home, "run-")
	if err != nil {
		return nil, storageFault(err, "creating the staging folder")
	}
	return &stage{dir: own}, nil
}

// close deletes the folder with all files.
func (s *stage) close() error {
	if err := os.RemoveAll(s.dir); err != nil {
		return storageFault(err, "deleting the staging files")
	}
	return nil
}

// storageFault is fatal whatever it is: a file of which a part was written cannot be continued.
func storageFault(err error, format string, args ...any) error {
	code := fault.CodeStorage
	if errors.Is(err, syscall.ENOSPC) {
		code = fault.CodeDiskFull
	}
	return fault.Reclass(fault.Wrap(err, code, format, args...), fault.Fatal)
}

const stageBuffer = 256 << 10

// Staged is a finished file that waits to be published.
type Staged struct {
	Size        int64  // bytes
	ContentType string // as HTTP says it

	path string
	key  []byte
}

// Open reads the file from its start.
func (f *Staged) Open() (io.ReadCloser, error) {
	if f.path == "" {
		return io.NopCloser(eofReader{}), nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, storageFault(err, "opening a staging file")
	}
	stream, err := keyStream(f.key)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	r := cipher.StreamReader{S: stream, R: bufio.NewReaderSize(file, stageBuffer)}
	return struct {
		io.Reader
		io.Closer
	}{r, file}, nil
}

// eofReader is an empty file.
type eofReader struct{}

func (eofReader) Read([]byte) (int, error) { return 0, io.EOF }

// keyStream uses each key for one file, so that a zero counter is safe.
func keyStream(key []byte) (cipher.Stream, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("preparing encryption: %w", err)
	}
	return cipher.NewCTR(block, make([]byte, aes.BlockSize)), nil //nolint:gosec // each key is used once
}

// stageWriter writes one staging file.
type stageWriter struct {
	file   *os.File
	buffer *bufio.Writer
	stream cipher.Stream
	work   []byte
	staged Staged
}

// create starts a file.
func (s *stage) create(contentType string) (*stageWriter, error) {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	stream, err := keyStream(key)
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(s.dir, "file-")
	if err != nil {
		return nil, storageFault(err, "creating a staging file")
	}
	return &stageWriter{
		file:   file,
		buffer: bufio.NewWriterSize(file, stageBuffer),
		stream: stream,
		staged: Staged{ContentType: contentType, path: file.Name(), key: key},
	}, nil
}

// Write encrypts p and appends it.
func (w *stageWriter) Write(p []byte) (int, error) {
	w.work = append(w.work[:0], p...)
	w.stream.XORKeyStream(w.work, w.work)
	n, err := w.buffer.Write(w.work)
	w.staged.Size += int64(n)
	return n, err
}

// finish completes the file.
func (w *stageWriter) finish() (*Staged, error) {
	if err := errors.Join(w.buffer.Flush(), w.file.Close()); err != nil {
		return nil, storageFault(err, "writing a staging file")
	}
	return &w.staged, nil
}

// abandon closes the file; its folder is deleted later.
func (w *stageWriter) abandon() error { return w.file.Close() }
