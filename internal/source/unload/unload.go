// Package unload reads the results that warehouses write into a bucket as Parquet files (connector.Results). Files come to a
// local folder one after another, the next while one is being read, so that memory holds one batch and the disk two files.
package unload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/millrace/millrace/internal/connector"
)

// Convert makes a batch of the source's own form of one of a file's. It does not keep the batch that it gets.
type Convert func(arrow.RecordBatch) (arrow.RecordBatch, error)

// Rows are the rows of a result. They are for one goroutine.
type Rows struct {
	results *connector.Results
	convert Convert
	names   []string // of files that are not fetched yet
	fetched int
	next    chan fetch      // of the file that is being fetched; nil: none is
	life    context.Context // of fetching; ends with Close
	stop    context.CancelFunc
	current *reading
}

// fetch is what became of a file's way here.
type fetch struct {
	path string
	err  error
}

// A batch has at most so many rows, and roughly so many bytes; of a column so many bytes are read at a time.
const (
	resultRows  = 16 << 10
	resultBytes = 16 << 20
	buffer      = 1 << 20
)

// errForm: the warehouse wrote something that it does not say that it writes.
var errForm = errors.New("a file has another form than the warehouse's documentation says")

// Accepts reports whether a column of a file may have a type.
type Accepts func(column int, t arrow.DataType) bool

// Open fetches the first file, which must have so many columns of accepted types. What it refuses can still be had in
// another way: no row has been read.
func Open(ctx context.Context, r *connector.Results, columns int, accepts Accepts, convert Convert) (*Rows, error) {
	names, err := r.Files.List(ctx)
	if err != nil {
		return nil, err
	}
	u := &Rows{results: r, convert: convert, names: names}
	u.life, u.stop = context.WithCancel(context.WithoutCancel(ctx))
	u.prefetch()
	if err := u.advance(ctx); err != nil && !errors.Is(err, io.EOF) {
		u.Close()
		return nil, err
	}
	if u.current != nil {
		if err := u.current.check(columns, accepts); err != nil {
			u.Close()
			return nil, err
		}
	}
	return u, nil
}

// Next returns the next batch, io.EOF after the last. The caller releases it.
func (u *Rows) Next(ctx context.Context) (arrow.RecordBatch, error) {
	for u.current != nil {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		if u.current.rows.Next() {
			return u.convert(u.current.rows.RecordBatch())
		}
		if err := u.current.rows.Err(); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading a result's file: %w", err)
		}
		if err := u.advance(ctx); err != nil {
			return nil, err
		}
	}
	return nil, io.EOF
}

// Close ends the reading and removes the local files.
func (u *Rows) Close() {
	u.stop()
	if u.next != nil {
		remove((<-u.next).path)
		u.next = nil
	}
	u.end()
}

// advance goes on to the next file; io.EOF where there is none.
func (u *Rows) advance(ctx context.Context) error {
	u.end()
	if u.next == nil {
		return io.EOF
	}
	var f fetch
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case f = <-u.next:
	}
	u.next = nil
	if f.err != nil {
		remove(f.path)
		return f.err
	}
	u.prefetch()
	var err error
	u.current, err = open(f.path)
	return err
}

// prefetch begins to fetch the next file.
func (u *Rows) prefetch() {
	if len(u.names) == 0 {
		return
	}
	name, done := u.names[0], make(chan fetch, 1)
	path := filepath.Join(u.results.Dir, "result-"+strconv.Itoa(u.fetched)+".parquet")
	u.names, u.next = u.names[1:], done
	u.fetched++
	go func() { done <- fetch{path, u.results.Files.Fetch(u.life, name, path)} }()
}

func (u *Rows) end() {
	if u.current != nil {
		u.current.close()
		u.current = nil
	}
}

// reading is a local file that is being read.
type reading struct {
	path string
	file *file.Reader
	rows array.RecordReader // pqarrow's
}

func open(path string) (*reading, error) {
	properties := parquet.NewReaderProperties(memory.DefaultAllocator)
	properties.BufferedStreamEnabled, properties.BufferSize = true, buffer
	f, err := file.OpenParquetFile(path, false, file.WithReadProps(properties))
	if err != nil {
		remove(path)
		return nil, fmt.Errorf("opening a result's file: %w", err)
	}
	r := &reading{path: path, file: f}
	in, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: batchRows(f)}, memory.DefaultAllocator)
	if err == nil {
		r.rows, err = in.GetRecordReader(context.Background(), nil, nil)
	}
	if err != nil {
		r.close()
		return nil, fmt.Errorf("opening a result's file: %w", err)
	}
	return r, nil
}

// batchRows is how many rows of the widest row group make a batch.
func batchRows(f *file.Reader) int64 {
	rows := int64(resultRows)
	for i := range f.NumRowGroups() {
		group := f.MetaData().RowGroup(i)
		if n := group.NumRows(); n > 0 {
			rows = min(rows, max(1, resultBytes/max(1, group.TotalByteSize()/n)))
		}
	}
	return rows
}

// check compares the columns with what is expected.
func (r *reading) check(columns int, accepts Accepts) error {
	fields := r.rows.Schema().Fields()
	if len(fields) != columns {
		return fmt.Errorf("%w: %d columns instead of %d", errForm, len(fields), columns)
	}
	for i, f := range fields {
		if !accepts(i, f.Type) {
			return fmt.Errorf("%w: column %d is of the type %s", errForm, i+1, f.Type)
		}
	}
	return nil
}

func (r *reading) close() {
	if r.rows != nil {
		r.rows.Release()
	}
	_ = r.file.Close() //nolint:errcheck // it has been read, or is not wanted
	remove(r.path)
}

func remove(path string) {
	_ = os.Remove(path) //nolint:errcheck // the run's folder goes with all that is in it
}
