package databricks

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// filesPath is the Files API, which takes files of 5 GiB at most: https://docs.databricks.com/api/workspace/files/upload
const filesPath = "/api/2.0/fs/files"

// fileBytes is how long a file becomes before the next one begins.
const fileBytes = 128 << 20

// byFiles writes rows into Parquet files of a folder of its own in the volume, and settles them with one statement.
// https://docs.databricks.com/aws/en/sql/language-manual/functions/read_files
func (l *load) byFiles(r array.RecordReader, dir string, volume []string) error {
	folder := "/Volumes/" + strings.Join(volume, "/") + "/millrace-" + strings.ToLower(rand.Text()[:16])
	up := &uploads{load: l, folder: folder, dir: dir}
	defer up.remove()
	if err := up.write(r); err != nil {
		return err
	}
	if len(up.files) == 0 {
		return l.whole("")
	}
	columns := make([]string, len(l.columns))
	for i, c := range l.columns {
		// The files' columns have names of ours: a person's may hold letters that files cannot name.
		columns[i] = c.read(fmt.Sprintf("c%d", i)) + " AS " + query.Databricks.Ident(c.name)
	}
	return l.settle("SELECT "+strings.Join(columns, ", ")+" FROM read_files("+query.Databricks.Text(folder)+", format => 'parquet')", l.columns)
}

// uploads are the files of one load.
type uploads struct {
	*load

	folder string
	dir    string
	files  []string
}

// write writes the rows into files and sends each when it is full.
func (u *uploads) write(r array.RecordReader) error {
	if err := os.MkdirAll(u.dir, 0o700); err != nil {
		return fault.Disk(err, "making the source's folder")
	}
	schema := fileSchema(u.columns)
	for more := r.Next(); more; {
		name := filepath.Join(u.dir, "load-"+strings.ToLower(rand.Text()[:16])+".parquet")
		var err error
		if more, err = u.file(name, schema, r); err == nil {
			err = u.send(name)
		}
		_ = os.Remove(name) //nolint:errcheck // it was sent, or the load has failed
		if err != nil {
			return err
		}
	}
	return r.Err()
}

// file writes one file, beginning with the reader's batch. It reports whether the reader has another one.
func (u *uploads) file(name string, schema *arrow.Schema, r array.RecordReader) (more bool, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // a name of ours
	if err != nil {
		return false, fault.Disk(err, "writing a file to load")
	}
	out := &counted{w: f}
	w, err := pqarrow.NewFileWriter(schema, out, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy)), pqarrow.DefaultWriterProps())
	if err != nil {
		_ = f.Close() //nolint:errcheck // the load has failed
		return false, fmt.Errorf("writing a file to load: %w", err)
	}
	for more = true; more && out.n < fileBytes; more = r.Next() {
		if err := u.batch(w, schema, r.RecordBatch()); err != nil {
			_ = w.Close() //nolint:errcheck // the load has failed
			return false, err
		}
	}
	if err := w.Close(); err != nil { // closes the file
		return false, fault.Disk(err, "writing a file to load")
	}
	return more, nil
}

type counted struct {
	w io.WriteCloser
	n int64
}

// Write counts.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// Close closes the file.
func (c *counted) Close() error { return c.w.Close() }

func (u *uploads) batch(w *pqarrow.FileWriter, schema *arrow.Schema, in arrow.RecordBatch) error {
	read, err := readersOf(in)
	if err != nil {
		return err
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i, r := range read {
		into := b.Field(i)
		for n := range int(in.NumRows()) {
			if err := appendTo(into, r(n)); err != nil {
				return fault.Wrap(err, fault.CodeSourceType, "writing the column %s", query.Databricks.Ident(u.columns[i].name))
			}
		}
	}
	out := b.NewRecordBatch()
	defer out.Release()
	if err := w.Write(out); err != nil {
		return fault.Disk(err, "writing a file to load")
	}
	return nil
}

// send puts a file into the volume.
func (u *uploads) send(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return fault.Disk(err, "reading a file to load")
	}
	at := fmt.Sprintf("%s/%05d.parquet", u.folder, len(u.files))
	u.files = append(u.files, at)
	return u.client.do(u.ctx, call{
		method: http.MethodPut, path: filesPath + escaped(at) + "?overwrite=true", size: info.Size(),
		file: func() (io.ReadCloser, error) { return os.Open(name) }, //nolint:gosec // a name of ours
	}, nil)
}

// remove deletes the files and their folder, even when the context has ended.
func (u *uploads) remove() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), farewell)
	defer cancel()
	for _, at := range u.files {
		_ = u.client.do(ctx, call{method: http.MethodDelete, path: filesPath + escaped(at)}, nil) //nolint:errcheck // nobody needs them
	}
	if len(u.files) > 0 {
		_ = u.client.do(ctx, call{method: http.MethodDelete, path: "/api/2.0/fs/directories" + escaped(u.folder)}, nil) //nolint:errcheck // nobody needs it
	}
}

func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// fileSchema has the types that files hold; what is read as JSON is text in them.
func fileSchema(columns []loadColumn) *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: fmt.Sprintf("c%d", i), Nullable: true, Type: arrow.BinaryTypes.String}
		if f, err := fieldOf("", c.native, ""); err == nil {
			fields[i].Type = f.Type
		}
	}
	return arrow.NewSchema(fields, nil)
}

// appendTo adds a value to a column of a file.
func appendTo(b array.Builder, v value.Value) error {
	if v.IsNull() {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v.Bool())
	case *array.Int64Builder:
		b.Append(v.Int())
	case *array.Float64Builder:
		b.Append(v.Float())
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.Micros()))
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.Days()))
	case *array.BinaryBuilder:
		b.Append([]byte(v.Raw()))
	case *array.Decimal128Builder:
		t := b.Type().(*arrow.Decimal128Type) //nolint:forcetypeassert // the builder's own type
		n, err := decimal128.FromString(v.String(), t.Precision, t.Scale)
		if err != nil {
			return err
		}
		b.Append(n)
	case *array.StringBuilder:
		b.Append(textValue(v))
	default:
		return fmt.Errorf("no column of a file holds %s", b.Type())
	}
	return nil
}

// textValue is a value as text: lists and objects as JSON.
func textValue(v value.Value) string {
	switch v.Kind() {
	case value.List, value.Map, value.JSON:
		return string(bytes.TrimSpace(v.AppendJSON(nil)))
	default:
		return v.String()
	}
}
