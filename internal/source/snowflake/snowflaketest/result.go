package snowflaketest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// Column is a column of an answer, as the wire describes it.
type Column struct {
	Name      string `json:"name"`
	Database  string `json:"database"`
	Schema    string `json:"schema"`
	Table     string `json:"table"`
	Type      string `json:"type"`
	Length    int64  `json:"length"`
	Precision int64  `json:"precision"`
	Scale     int64  `json:"scale"`
	Nullable  bool   `json:"nullable"`
}

// Answer is a fixed answer: columns, and the rows in the form of the wire, each batch a part of the result.
type Answer struct {
	Columns []Column
	Batches []arrow.RecordBatch
}

// file is a part of a result on disk, packed.
type file struct {
	path string
	rows int64
}

// serveCut sends what f leaves of a part.
func (p *file) serveCut(w http.ResponseWriter, f func([]byte) []byte) {
	raw, err := os.Open(p.path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer raw.Close() //nolint:errcheck // read only
	unpacked, err := gzip.NewReader(raw)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	all, err := io.ReadAll(unpacked)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(f(all)) //nolint:errcheck // the client may be gone
}

// inlineBytes is how large the part of a result may be that is in the answer itself.
const inlineBytes = 100 << 10

// spool writes a result: a first small part for the answer, and files.
type spool struct {
	dir    string
	inline string
	total  int64
	parts  []*file

	batches []arrow.RecordBatch
	bytes   uint64
}

func (p *spool) add(b arrow.RecordBatch) error {
	if b.NumRows() == 0 {
		return nil
	}
	var size uint64
	for _, c := range b.Columns() {
		size += c.Data().SizeInBytes()
	}
	if p.total += b.NumRows(); p.total == b.NumRows() && size < inlineBytes {
		var text bytes.Buffer
		if err := writeStream(&text, []arrow.RecordBatch{b}); err != nil {
			return err
		}
		p.inline = base64.StdEncoding.EncodeToString(text.Bytes())
		return nil
	}
	b.Retain()
	p.batches, p.bytes = append(p.batches, b), p.bytes+size
	if p.bytes < chunkHint {
		return nil
	}
	return p.flush()
}

func (p *spool) flush() (err error) {
	if len(p.batches) == 0 {
		return nil
	}
	f, err := os.Create(filepath.Join(p.dir, newToken()))
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	packed, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := writeStream(packed, p.batches); err != nil {
		return err
	}
	part := &file{path: f.Name()}
	for _, b := range p.batches {
		part.rows += b.NumRows()
		b.Release()
	}
	p.parts, p.batches, p.bytes = append(p.parts, part), nil, 0
	return packed.Close()
}

// writeStream writes batches that may have columns of different widths: each has the schema of the first.
func writeStream(w io.Writer, batches []arrow.RecordBatch) error {
	out := ipc.NewWriter(w, ipc.WithSchema(batches[0].Schema()))
	for _, b := range batches {
		if err := out.Write(b); err != nil {
			return err
		}
	}
	return out.Close()
}

// rows runs a statement that yields rows, or describes it.
func (s *Server) rows(ctx context.Context, x *session, e *execution, body queryRequest) error {
	names, types, err := x.duck.Columns(ctx, body.SQL)
	if err != nil {
		return err
	}
	columns := make([]Column, len(names))
	for i, name := range names {
		if columns[i], err = columnOf(name, types[i]); err != nil {
			return err
		}
	}
	origin(body.SQL, columns)
	if body.Describe {
		return s.fixed(e, Answer{Columns: columns}, true)
	}
	r, err := x.duck.Query(ctx, body.SQL)
	if err != nil {
		return err
	}
	defer r.Release()
	p := &spool{dir: s.dir}
	for ctx.Err() == nil && r.Next() {
		wire, err := encode(r.RecordBatch(), columns)
		if err != nil {
			return err
		}
		err = p.add(wire)
		wire.Release()
		if err != nil {
			return err
		}
	}
	if r.Err() != nil {
		return r.Err()
	}
	return s.finish(e, columns, p)
}

// fixed answers with batches that are given: the first in the answer, the others in files.
func (s *Server) fixed(e *execution, a Answer, describe bool) error {
	p := &spool{dir: s.dir}
	for _, b := range a.Batches {
		if describe {
			break
		}
		if err := p.add(b); err != nil {
			return err
		}
		if err := p.flush(); err != nil {
			return err
		}
	}
	return s.finish(e, a.Columns, p)
}

func (s *Server) finish(e *execution, columns []Column, p *spool) error {
	if err := p.flush(); err != nil {
		return err
	}
	chunks := make([]map[string]any, len(p.parts))
	for i, part := range p.parts {
		chunks[i] = map[string]any{"url": s.http.URL + "/results/" + e.id + "/" + strconv.Itoa(i) + "?Signature=signed-secret", "rowCount": part.rows, "uncompressedSize": 0, "compressedSize": 0}
	}
	e.parts = p.parts
	e.data = map[string]any{
		"queryId": e.id, "statementTypeId": typeSelect, "queryResultFormat": "arrow", "rowtype": columns, "rowsetBase64": p.inline,
		"total": p.total, "returned": p.total, "chunks": chunks, "chunkHeaders": map[string]string{"x-standin": "1"}, "finalDatabaseName": Database,
	}
	return nil
}

var decimalType = regexp.MustCompile(`^DECIMAL\((\d+),(\d+)\)$`)

// textLength and bytesLength are the largest that columns have.
const (
	textLength  = 16_777_216
	bytesLength = 8_388_608
)

// columnOf says how Snowflake would describe a column of DuckDB's type.
func columnOf(name, kind string) (Column, error) {
	c := Column{Name: name, Nullable: true}
	if m := decimalType.FindStringSubmatch(kind); m != nil {
		c.Type = "fixed"
		_, err := fmt.Sscan(m[1]+" "+m[2], &c.Precision, &c.Scale)
		return c, err
	}
	switch kind {
	case "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", `"NULL"`:
		c.Type, c.Precision = "fixed", 38
	case "DOUBLE", "FLOAT":
		c.Type = "real"
	case "VARCHAR":
		c.Type, c.Length = "text", textLength
	case "BOOLEAN":
		c.Type = "boolean"
	case "DATE":
		c.Type = "date"
	case "TIME":
		c.Type, c.Scale = "time", 9
	case "TIMESTAMP":
		c.Type, c.Scale = "timestamp_ntz", 9
	case "TIMESTAMP WITH TIME ZONE":
		c.Type, c.Scale = "timestamp_tz", 9
	case "BLOB":
		c.Type, c.Length = "binary", bytesLength
	case "JSON":
		c.Type = "variant"
	default:
		return c, fmt.Errorf("the stand-in has no type for %s", kind)
	}
	return c, nil
}

var wholeTable = regexp.MustCompile(`^SELECT \* FROM (?:"` + Database + `"\.)?"((?:[^"]|"")+)"\."((?:[^"]|"")+)"(?: AS t WHERE .*)?$`)

// origin names the table that all columns are taken from, in the one form of a statement that it understands.
func origin(sql string, columns []Column) {
	m := wholeTable.FindStringSubmatch(sql)
	if m == nil {
		return
	}
	for i := range columns {
		columns[i].Database, columns[i].Schema, columns[i].Table = Database, strings.ReplaceAll(m[1], `""`, `"`), strings.ReplaceAll(m[2], `""`, `"`)
	}
}
