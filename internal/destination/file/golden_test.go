package file

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"golang.org/x/tools/txtar"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/value"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldenJob is the file job.json of a case.
type goldenJob struct {
	Mode     connector.Mode     `json:"mode"`
	Settings connector.Settings `json:"settings"`
	Columns  []struct {
		Name   string     `json:"name"`
		Type   value.Type `json:"type"`
		Native string     `json:"native"`
		Omit   bool       `json:"omit"`
	} `json:"columns"`
}

// goldenRow is one line of rows.ndjson.
type goldenRow struct {
	Operation connector.Operation `json:"op"`
	Values    []value.Value       `json:"values"`
}

// TestGolden writes the rows of each case and compares the files: names, bytes, and for Parquet what
// an independent reader finds.
//
// Req: SY-18, SY-75
func TestGolden(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) < 20 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			golden(t, path)
		})
	}
}

func golden(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var inputs, want []txtar.File
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "out/") {
			want = append(want, f)
		} else {
			inputs = append(inputs, f)
		}
	}
	got := runGolden(t, inputs)
	if *update {
		text := txtar.Format(&txtar.Archive{Comment: archive.Comment, Files: append(inputs, got...)})
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if g, w := txtar.Format(&txtar.Archive{Files: got}), txtar.Format(&txtar.Archive{Files: want}); !bytes.Equal(g, w) {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// runGolden writes the rows and returns the files in the order in which they were published.
func runGolden(t *testing.T, inputs []txtar.File) []txtar.File {
	t.Helper()
	job, rows := parseGolden(t, inputs)
	place := newShelf()
	s, err := Begin(Options{Place: place, Dir: t.TempDir(), Clock: clock.System{}}, job)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range connector.Operations {
		if batch := rows[op]; len(batch) > 0 {
			if _, err := s.Write(t.Context(), &connector.Batch{ID: string(op), Operation: op, Rows: batch}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var files []txtar.File
	for _, name := range place.order {
		text := place.files[name]
		if strings.HasPrefix(text, "PAR1") {
			text = dumpParquet(t, text)
		}
		files = append(files, txtar.File{Name: "out/" + name, Data: visible(text)})
	}
	return files
}

// visible makes a text fit for txtar, which knows only whole lines: carriage returns, byte order
// marks and NUL are written out.
func visible(text string) []byte {
	text = strings.NewReplacer("\r", "<CR>", "\xef\xbb\xbf", "<BOM>", "\x00", "<NUL>").Replace(text)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "<no line end>\n"
	}
	return []byte(text)
}

func parseGolden(t *testing.T, inputs []txtar.File) (connector.SyncJob, map[connector.Operation][]connector.Row) {
	t.Helper()
	var g goldenJob
	rows := map[connector.Operation][]connector.Row{}
	job := filetest.Job("", nil)
	for _, f := range inputs {
		switch f.Name {
		case "job.json":
			if err := json.Unmarshal(f.Data, &g); err != nil {
				t.Fatal(err)
			}
			job.Mode, job.Settings = g.Mode, g.Settings
			for _, c := range g.Columns {
				job.Columns = append(job.Columns, connector.TargetColumn{Name: c.Name, From: c.Name, Type: c.Type, Omit: c.Omit})
				job.Model.Schema = append(job.Model.Schema, value.Column{Name: c.Name, Type: c.Type, Native: c.Native})
			}
		case "rows.ndjson":
			for line := range strings.Lines(string(f.Data)) {
				var r goldenRow
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatal(err)
				}
				rows[r.Operation] = append(rows[r.Operation], connector.Row{Values: typed(t, r.Values, job.Columns)})
			}
		}
	}
	return job, rows
}

// typed gives values their columns' types.
func typed(t *testing.T, values []value.Value, columns []connector.TargetColumn) []value.Value {
	t.Helper()
	out := make([]value.Value, len(values))
	for i, v := range values {
		out[i] = v
		if v.Kind() != value.Text {
			continue
		}
		switch columns[i].Type { //nolint:exhaustive // the other types are what JSON says
		case value.TypeTimestamp:
			at, err := time.Parse(time.RFC3339Nano, v.Raw())
			if err != nil {
				t.Fatal(err)
			}
			out[i] = value.OfTime(at)
		case value.TypeDate:
			day, err := time.Parse(time.DateOnly, v.Raw())
			if err != nil {
				t.Fatal(err)
			}
			out[i] = value.OfDay(int32(day.Unix() / 86400))
		}
	}
	return out
}

// dumpParquet shows the schema as Parquet has it and the rows as JSON.
func dumpParquet(t *testing.T, data string) string {
	t.Helper()
	r, err := file.NewParquetReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // in memory
	var b strings.Builder
	schema := r.MetaData().Schema
	for i := range schema.NumColumns() {
		c := schema.Column(i)
		fmt.Fprintf(&b, "%s %s %s\n", c.Name(), c.PhysicalType(), c.LogicalType())
	}
	table, err := pqarrow.ReadTable(t.Context(), strings.NewReader(data), nil, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	for _, row := range filetest.Read(t, "parquet", []byte(data)) {
		fields := make([]value.Field, table.NumCols())
		for i, f := range table.Schema().Fields() {
			fields[i] = value.Field{Name: f.Name, Value: row[f.Name]}
		}
		b.Write(value.OfMap(fields).AppendJSON(nil))
		b.WriteByte('\n')
	}
	return b.String()
}
