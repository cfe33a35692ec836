// Package objects reads CSV, JSON and Parquet files that are kept elsewhere: in Amazon S3, Google Cloud Storage, Azure
// Blob Storage, and on SFTP servers (S-31 to S-34).
//
// A model chooses one file, or the newest below a prefix. The file is fetched to a private temporary file, which
// DuckDB reads; it is fetched once for every source that is opened, so that all queries of a run see one state of it.
package objects

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/source/file"
	"golang.org/x/sync/semaphore"
)

// store is a place that files are kept in. Its errors are *fault.Error with a code of sources, or of the context.
type store interface {
	// list yields the files whose paths begin with the prefix, in the order of the paths.
	list(ctx context.Context, prefix string) iter.Seq2[connector.FileEntry, error]
	// open begins to read a file. A file that ends early is an error of its reader.
	open(ctx context.Context, path string) (io.ReadCloser, error)
	// test proves that files can be listed, or that the place can be reached where nothing lists them.
	test(ctx context.Context) error
	// close ends every connection.
	close() error
}

// source reads files of a store.
type source struct {
	info  connector.SourceInfo
	store store
	dir   string

	turn  *semaphore.Weighted // one fetch at a time
	files map[connector.File]fetched
}

// fetched is a file on this machine.
type fetched struct {
	dir  string // its own
	path string
	from string // its path in the store
}

var (
	_ connector.Source     = (*source)(nil)
	_ connector.Unloader   = (*source)(nil)
	_ connector.FileLister = (*source)(nil)
)

func newSource(info connector.SourceInfo, s store, dir string) *source {
	return &source{info: info, store: s, dir: dir, turn: semaphore.NewWeighted(1), files: map[connector.File]fetched{}}
}

// Test connects and lists.
func (s *source) Test(ctx context.Context) error { return stopped(ctx, s.store.test(ctx)) }

// Introspect finds nothing: models choose files.
func (s *source) Introspect(ctx context.Context) ([]connector.Table, error) {
	return nil, s.Test(ctx)
}

// Dialect is DuckDB's, which reads the files.
func (s *source) Dialect() query.Dialect { return query.DuckDB }

// Close ends the connections and removes what was fetched.
func (s *source) Close() error {
	if err := s.turn.Acquire(context.Background(), 1); err != nil {
		return err
	}
	defer s.turn.Release(1)
	errs := []error{s.store.close()}
	for key, f := range s.files {
		errs = append(errs, os.RemoveAll(f.dir))
		delete(s.files, key)
	}
	return errors.Join(errs...)
}

// Query streams the rows of a file.
func (s *source) Query(ctx context.Context, q connector.Query) (r array.RecordReader, err error) {
	err = s.read(ctx, q, func(d *duckdb.Source) (err error) {
		r, err = d.Query(ctx, q)
		return err
	})
	return r, err
}

// Unload writes the rows of a file to a Parquet file.
func (s *source) Unload(ctx context.Context, q connector.Query, path string) (n int64, err error) {
	err = s.read(ctx, q, func(d *duckdb.Source) (err error) {
		n, err = d.Unload(ctx, q, path)
		return err
	})
	return n, err
}

// read fetches the file of a query and gives f what reads it.
func (s *source) read(ctx context.Context, q connector.Query, f func(d *duckdb.Source) error) error {
	if q.File == nil {
		return fault.New(fault.CodeSourceQuery, "a model of %s reads a file", s.info.Name).
			WithSuggestion("Choose the method file, and the path of a file.")
	}
	got, err := s.fetch(ctx, *q.File)
	if err != nil {
		return stopped(ctx, err)
	}
	err = f(duckdb.New(duckdb.Options{
		Dir: s.dir, Files: []string{got.path}, Views: func(ctx context.Context, c *sql.Conn, _ string) error {
			return file.View(ctx, c, connector.RowsTable.Name, got.path)
		},
	}))
	return got.named(err)
}

// named says in an error the name that the file has in the store, instead of that of the copy.
func (f fetched) named(err error) error {
	if err == nil {
		return nil
	}
	e := *fault.As(err)
	if text := strings.ReplaceAll(err.Error(), f.path, f.from); e.Code == fault.CodeSourceFile {
		statement, _, _ := strings.Cut(text, "\n\nLINE 1: ") // of our own
		e.Message, e.Err = "reading "+f.from+": "+shortened(statement), nil
	}
	return &e
}

// maxWords is how many characters of what DuckDB says about a file are shown: it repeats lines of the file.
const maxWords = 2000

func shortened(text string) string {
	if runes := []rune(text); len(runes) > maxWords {
		return string(runes[:maxWords]) + " …"
	}
	return text
}

// fetch brings a file to this machine, unless that was done already.
func (s *source) fetch(ctx context.Context, f connector.File) (fetched, error) {
	if err := s.turn.Acquire(ctx, 1); err != nil {
		return fetched{}, err
	}
	defer s.turn.Release(1)
	if got, ok := s.files[f]; ok {
		return got, nil
	}
	from, err := s.choose(ctx, f)
	if err != nil {
		return fetched{}, err
	}
	got, err := s.download(ctx, from)
	if err == nil {
		s.files[f] = got
	}
	return got, err
}

// download copies a file of the store to a folder of its own.
func (s *source) download(ctx context.Context, from string) (_ fetched, err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fetched{}, fault.Disk(err, "making the source's folder")
	}
	dir, err := os.MkdirTemp(s.dir, "fetched-*")
	if err != nil {
		return fetched{}, fault.Disk(err, "making the source's folder")
	}
	got := fetched{dir: dir, path: filepath.Join(dir, "file"+extension(from)), from: from}
	if err := s.copy(ctx, got); err != nil {
		return fetched{}, errors.Join(err, os.RemoveAll(dir))
	}
	return got, nil
}

func (s *source) copy(ctx context.Context, f fetched) (err error) {
	in, err := s.store.open(ctx, f.from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // read only
	out, err := os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Disk(err, "writing a file of the source")
	}
	var from io.Reader = in
	if extension(f.from) != ".parquet" {
		from = file.Text(in)
	}
	n, err := io.CopyBuffer(diskWriter{out}, from, make([]byte, copyBytes))
	if err := errors.Join(err, out.Close()); err != nil {
		return f.named(err)
	}
	if n == 0 {
		return fault.New(fault.CodeSourceFile, "%s is empty", f.from).WithSuggestion("A CSV file has at least its header row, a JSON file at least [].")
	}
	return nil
}

const copyBytes = 1 << 20

// diskWriter gives errors of the disk their code.
type diskWriter struct{ to *os.File }

// Write implements io.Writer.
func (w diskWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if err != nil {
		err = fault.Disk(err, "writing a file of the source")
	}
	return n, err
}

// stopped says that the caller's time is over, where it is.
func stopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fault.Wrap(context.Cause(ctx), fault.CodeSourceTimeout, "reading the files was stopped")
	}
	return err
}
