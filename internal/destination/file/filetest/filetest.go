// Package filetest reads files back with readers that know nothing of the package that wrote them,
// and supplies what the tests of every file destination share.
package filetest

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/value"
)

// Formats lists the formats as the settings name them.
var Formats = []string{"csv", "json", "ndjson", "xml", "parquet"}

// Job is a job that writes everything to the file "rows.out".
func Job(format string, columns []connector.TargetColumn) connector.SyncJob {
	job := connector.SyncJob{
		SyncID:    7,
		SyncSlug:  "customers-to-files",
		RunID:     42,
		StartedAt: time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC),
		Type:      "file",
		Mode:      connector.ModeAll,
		Columns:   columns,
		Settings:  connector.Settings{"format": format, "filename": "rows.out"},
		Model:     connector.ModelInfo{ID: 3, Name: "Customers", Slug: "customers", PrimaryKey: "id"},
	}
	for _, c := range columns {
		job.Model.Schema = append(job.Model.Schema, value.Column{Name: c.From, Type: c.Type, Nullable: true})
	}
	return job
}

// Read returns the rows of a file with a comma and a header if it is CSV.
func Read(t *testing.T, format string, data []byte) []destinationtest.Record {
	t.Helper()
	switch format {
	case "csv":
		return readCSV(t, string(data))
	case "json":
		v, err := value.ParseJSON(string(data))
		if err != nil {
			t.Fatalf("the file is not JSON: %v", err)
		}
		return records(v.List())
	case "ndjson":
		return readNDJSON(t, string(data))
	case "xml":
		return readXML(t, data)
	default:
		return readParquet(t, data)
	}
}

func records(items []value.Value) []destinationtest.Record {
	rows := make([]destinationtest.Record, len(items))
	for i, item := range items {
		rows[i] = destinationtest.Record{}
		for _, f := range item.Fields() {
			rows[i][f.Name] = f.Value
		}
	}
	return rows
}

func readNDJSON(t *testing.T, text string) []destinationtest.Record {
	t.Helper()
	var items []value.Value
	for line := range strings.Lines(text) {
		v, err := value.ParseJSON(line)
		if err != nil {
			t.Fatalf("a line is not JSON: %v", err)
		}
		items = append(items, v)
	}
	return records(items)
}

func readCSV(t *testing.T, text string) []destinationtest.Record {
	t.Helper()
	lines := Fields(t, text, ',')
	if len(lines) == 0 {
		t.Fatal("the file has no header")
	}
	rows := make([]destinationtest.Record, len(lines)-1)
	for i, line := range lines[1:] {
		rows[i] = destinationtest.Record{}
		for j, v := range line {
			rows[i][lines[0][j].String()] = v
		}
	}
	return rows
}

// Fields reads RFC 4180 to the letter: unlike encoding/csv it tells an empty field (null) from a
// quoted empty one, and keeps carriage returns.
func Fields(t *testing.T, text string, delimiter byte) [][]value.Value {
	t.Helper()
	var lines [][]value.Value
	var line []value.Value
	for text != "" {
		field, rest := nextField(t, text, delimiter)
		line = append(line, field)
		if rest == "" || rest[0] == '\n' {
			lines, line = append(lines, line), nil
		}
		text = rest[min(1, len(rest)):]
	}
	return lines
}

func nextField(t *testing.T, text string, delimiter byte) (value.Value, string) {
	t.Helper()
	if text[0] != '"' {
		end := strings.IndexAny(text, string(delimiter)+"\n")
		if end < 0 {
			end = len(text)
		}
		if strings.ContainsAny(text[:end], "\"\r") {
			t.Errorf("a field without quotes has a special byte: %.40q", text[:end])
		}
		if end == 0 {
			return value.Value{}, text
		}
		return value.OfText(text[:end]), text[end:]
	}
	var b strings.Builder
	for rest := text[1:]; ; {
		before, after, closed := strings.Cut(rest, `"`)
		if !closed {
			t.Fatal("a quoted field does not end")
		}
		b.WriteString(before)
		if after == "" || after[0] != '"' {
			return value.OfText(b.String()), after
		}
		b.WriteByte('"')
		rest = after[1:]
	}
}

// element is any XML element.
type element struct {
	XMLName  xml.Name
	Name     *string   `xml:"name,attr"`
	Nil      string    `xml:"http://www.w3.org/2001/XMLSchema-instance nil,attr"`
	Encoding string    `xml:"encoding,attr"`
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

func readXML(t *testing.T, data []byte) []destinationtest.Record {
	t.Helper()
	var root element
	d := xml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&root); err != nil {
		t.Fatalf("the file is not XML: %v", err)
	}
	rows := make([]destinationtest.Record, len(root.Children))
	for i, row := range root.Children {
		rows[i] = destinationtest.Record{}
		for _, e := range row.Children {
			rows[i][e.column()] = e.value(t)
		}
	}
	return rows
}

func (e element) column() string {
	if e.Name != nil {
		return *e.Name
	}
	return e.XMLName.Local
}

func (e element) value(t *testing.T) value.Value {
	t.Helper()
	switch {
	case e.Nil == "true":
		return value.Value{}
	case e.Encoding == "base64":
		b, err := base64.StdEncoding.DecodeString(e.Text)
		if err != nil {
			t.Errorf("not base64: %v", err)
		}
		return value.OfText(string(b))
	default:
		return value.OfText(e.Text)
	}
}

func readParquet(t *testing.T, data []byte) []destinationtest.Record {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("the file is not Parquet: %v", err)
	}
	defer r.Close() //nolint:errcheck // in memory
	arrow, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: 1000}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	batches, err := arrow.GetRecordReader(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer batches.Release()
	return readBatches(t, batches)
}

func readBatches(t *testing.T, batches array.RecordReader) []destinationtest.Record {
	t.Helper()
	var rows []destinationtest.Record
	for batches.Next() {
		batch := batches.RecordBatch()
		start := len(rows)
		for range batch.NumRows() {
			rows = append(rows, destinationtest.Record{})
		}
		for i, f := range batch.Schema().Fields() {
			read, err := value.NewReader(f, batch.Column(i))
			if err != nil {
				t.Fatal(err)
			}
			for r := range int(batch.NumRows()) {
				rows[start+r][f.Name] = owned(read(r))
			}
		}
	}
	if err := batches.Err(); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return rows
}

// owned copies a text out of the batch's memory.
func owned(v value.Value) value.Value {
	if v.Kind() == value.Text {
		return value.OfText(strings.Clone(v.Raw()))
	}
	return v
}

// Arrival says what becomes of a value in a format.
func Arrival(format string) func(connector.TargetColumn, value.Value) destinationtest.Arrival {
	return func(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
		if v.IsNull() {
			return destinationtest.Arrival{Absent: c.Omit && format != "csv" && format != "parquet"}
		}
		switch format {
		case "csv":
			return destinationtest.Text(v)
		case "xml":
			return xmlArrival(v)
		case "parquet":
			return parquetArrival(c, v)
		default:
			return jsonArrival(v)
		}
	}
}

func xmlArrival(v value.Value) destinationtest.Arrival {
	switch v.Kind() {
	case value.Bytes:
		return destinationtest.As(value.OfText(v.Raw()))
	case value.JSON, value.List, value.Map:
		return destinationtest.Arrival{Skip: true} // elements inside elements: golden files show them
	default:
		return destinationtest.Text(v)
	}
}

func jsonArrival(v value.Value) destinationtest.Arrival {
	switch v.Kind() {
	case value.Bytes, value.Time, value.Day:
		return destinationtest.Text(v)
	default:
		return destinationtest.As(v)
	}
}

// parquetArrival knows that a number column without a known native type is a DOUBLE.
func parquetArrival(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch {
	case c.Type == value.TypeNumber:
		refused := v.String() == "9007199254740993" || v.String() == "9223372036854775807" || len(v.String()) > 25 && v.Kind() == value.Decimal
		return destinationtest.Arrival{Value: value.OfFloat(v.Float()), Refused: refused}
	case v.Kind() == value.Bytes, v.Kind() == value.JSON, v.Kind() == value.List, v.Kind() == value.Map:
		return destinationtest.Text(v)
	default:
		return destinationtest.As(v)
	}
}
