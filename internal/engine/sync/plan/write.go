package plan

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow/array"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// The size of a row group: whichever is reached first. It bounds the memory of writers and readers.
const (
	groupRows  = 122_880
	groupBytes = 32 << 20
)

// WriteFile writes rows, with the columns that Rows reads, to a new Parquet file of a plan. The file appears under
// its name only when it is complete; an error of r is returned as it is, and leaves no file.
func WriteFile(dir, name string, r array.RecordReader) (File, error) {
	path, err := local(dir, name)
	if err != nil {
		return File{}, err
	}
	part := path + ".part"
	rows, err := writeRows(part, r)
	if err == nil {
		err = publish(part, filepath.Join(dir, name))
	}
	if err != nil {
		return File{}, errors.Join(err, removeIfThere(part))
	}
	return File{Name: name, Rows: rows}, nil
}

func writeRows(path string, r array.RecordReader) (rows int64, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return 0, err
	}
	properties := pq.NewWriterProperties(pq.WithCompression(compress.Codecs.Zstd),
		pq.WithDictionaryDefault(false), pq.WithMaxRowGroupLength(groupRows))
	w, err := pqarrow.NewFileWriter(r.Schema(), f, properties, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return 0, errors.Join(err, f.Close())
	}
	defer func() { err = errors.Join(err, w.Close()) }() // closes the file as well
	for started := false; r.Next(); {
		if started && w.RowGroupTotalBytesWritten() >= groupBytes {
			if err := w.NewBufferedRowGroupChecked(); err != nil {
				return rows, err
			}
		}
		started = true
		if err := w.WriteBuffered(r.RecordBatch()); err != nil {
			return rows, err
		}
		rows += r.RecordBatch().NumRows()
	}
	return rows, r.Err()
}
