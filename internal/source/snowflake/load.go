package snowflake

import (
	"compress/gzip"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Load creates or replaces a table: files are put into the user's own stage, and copied at once into a table that is
// made anew.
func (s *Source) Load(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	targets, err := s.targetsOf(r.Schema())
	if err != nil {
		return err
	}
	columns := make([]query.NewColumn, len(targets))
	for i, t := range targets {
		columns[i] = query.NewColumn{Name: t.name, Type: query.Native(t.native)}
	}
	return s.copy(ctx, table, r, targets, func(ctx context.Context, x *session) error {
		if err := s.makeSchema(ctx, x, table.Schema); err != nil {
			return err
		}
		for _, c := range []query.Command{query.DropTable{Table: table}, query.CreateTable{Table: table, Columns: columns}} {
			if _, err := x.execute(ctx, statement{text: s.dialect.Command(c)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Append adds rows to a table, with one COPY.
func (s *Source) Append(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	targets, err := s.targetsOf(r.Schema())
	if err != nil {
		return err
	}
	return s.copy(ctx, table, r, targets, func(context.Context, *session) error { return nil })
}

// makeSchema makes a schema that does not exist. Who owns a schema may seldom make one, and would be refused even
// CREATE SCHEMA IF NOT EXISTS.
func (s *Source) makeSchema(ctx context.Context, x *session, name string) error {
	if name == "" {
		return nil
	}
	there, err := s.texts(ctx, x, `SELECT SCHEMA_NAME AS "name" FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = `+s.dialect.Text(name))
	if err != nil || len(there) > 0 {
		return err
	}
	_, err = x.execute(ctx, statement{text: s.dialect.Command(query.CreateSchema{Name: name})})
	return err
}

// target is a column that is loaded into.
type target struct {
	name, native string
	json         bool // its text is parsed
}

func (s *Source) targetsOf(schema *arrow.Schema) ([]target, error) {
	columns, err := value.SchemaOf(schema)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSourceType, "")
	}
	targets := make([]target, len(columns))
	for i, c := range columns {
		native := s.nativeOf(c.Type, schema.Field(i).Type)
		targets[i] = target{c.Name, native, native == "VARIANT"}
	}
	return targets, nil
}

// nativeOf returns the type of a column that holds an Arrow column. Numbers of more than 38 digits are kept as text.
func (s *Source) nativeOf(t value.Type, a arrow.DataType) string {
	switch t {
	case value.TypeBoolean:
		return s.dialect.Type(query.TypeBoolean)
	case value.TypeNumber:
		if native := nativeNumber(a); native != "" {
			return native
		}
	case value.TypeTimestamp:
		return s.dialect.Type(query.TypeTimestamp)
	case value.TypeDate:
		return s.dialect.Type(query.TypeDate)
	case value.TypeObject:
		return s.dialect.Type(query.TypeJSON)
	}
	switch a.ID() {
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY:
		return "BINARY"
	default:
		return s.dialect.Type(query.TypeText)
	}
}

// mostDigits is how many digits a NUMBER has at most.
const mostDigits = 38

func nativeNumber(t arrow.DataType) string {
	if d, ok := t.(arrow.DecimalType); ok && d.GetScale() >= 0 && d.GetPrecision() <= mostDigits {
		return fmt.Sprintf("NUMBER(%d, %d)", d.GetPrecision(), d.GetScale())
	}
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return "NUMBER(20, 0)"
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return "FLOAT"
	default:
		return ""
	}
}

// copy puts the rows into files, the files into a stage, and from there into the table that ready may make.
func (s *Source) copy(ctx context.Context, table query.TableRef, r array.RecordReader, targets []target, ready func(context.Context, *session) error) error {
	return s.with(ctx, connector.WorkloadBatch, func(ctx context.Context, x *session) error {
		dir, err := s.workDir() // in the source's folder, which is there since there is a session
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // what is left is emptied with the source's folder
		stage := "@~/millrace/" + strings.ToLower(rand.Text()) + "/"
		x.used = true // the rows can be read once only
		files, err := s.put(ctx, x, dir, stage, r)
		defer x.remove(ctx, stage)
		if err != nil {
			return err
		}
		if err := ready(ctx, x); err != nil || files == 0 {
			return err
		}
		_, err = x.execute(ctx, statement{text: s.copyCommand(table, targets, stage)})
		return err
	})
}

// remove empties a path of the stage, whatever became of its rows.
func (x *session) remove(ctx context.Context, stage string) {
	_, _ = x.execute(context.WithoutCancel(ctx), statement{text: "REMOVE " + stage}) //nolint:errcheck // rows are there or not
}

func (s *Source) workDir() (string, error) {
	dir, err := os.MkdirTemp(s.dir, "load-")
	if err != nil {
		return "", fault.Disk(err, "making a folder for rows")
	}
	return dir, nil
}

// fileBytes is how much text goes into a file, which has a fifth of it or less when it is packed: files of 100 to 250 MB
// are loaded best (https://docs.snowflake.com/en/user-guide/data-load-considerations-prepare).
const fileBytes = 512 << 20

// put writes files one by one and uploads each.
func (s *Source) put(ctx context.Context, x *session, dir, stage string, r array.RecordReader) (files int, err error) {
	w := &rowWriter{reader: r}
	for {
		path := filepath.Join(dir, fmt.Sprintf("rows-%06d.csv.gz", files))
		n, err := w.writeFile(ctx, path)
		if err != nil || n == 0 {
			return files, err
		}
		put := "PUT " + s.dialect.Text("file://"+filepath.ToSlash(path)) + " " + stage + " SOURCE_COMPRESSION = GZIP AUTO_COMPRESS = FALSE OVERWRITE = TRUE"
		if _, err := x.execute(ctx, statement{text: put}); err != nil {
			return files, err
		}
		files++
		if err := os.Remove(path); err != nil {
			return files, fault.Disk(err, "removing a file of rows")
		}
	}
}

// csvFormat is how rows are written: texts in quotes, which are doubled inside, and nothing at all for null
// (https://docs.snowflake.com/en/sql-reference/sql/copy-into-table#format-type-options-formattypeoptions).
const csvFormat = `FILE_FORMAT = (TYPE = CSV COMPRESSION = GZIP FIELD_OPTIONALLY_ENCLOSED_BY = '"' ESCAPE = NONE ESCAPE_UNENCLOSED_FIELD = NONE NULL_IF = () EMPTY_FIELD_AS_NULL = TRUE ` +
	`TRIM_SPACE = FALSE ENCODING = 'UTF8' REPLACE_INVALID_CHARACTERS = FALSE BINARY_FORMAT = HEX DATE_FORMAT = 'YYYY-MM-DD' TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM') ON_ERROR = ABORT_STATEMENT`

// instantLayout is how Go writes TIMESTAMP_FORMAT.
const instantLayout = "2006-01-02 15:04:05.000000 -07:00"

// copyCommand copies the columns of files by their places. JSON is parsed, as a file's text would stay one in a VARIANT.
func (s *Source) copyCommand(table query.TableRef, targets []target, stage string) string {
	names, sources := make([]string, len(targets)), make([]string, len(targets))
	for i, t := range targets {
		names[i], sources[i] = s.dialect.Ident(t.name), "$"+strconv.Itoa(i+1)
		if t.json {
			sources[i] = "PARSE_JSON(" + sources[i] + ")"
		}
	}
	return "COPY INTO " + s.dialect.Table(table) + " (" + strings.Join(names, ", ") + ") FROM (SELECT " + strings.Join(sources, ", ") +
		" FROM " + stage + ") " + csvFormat
}

// rowWriter writes the rows of a reader as CSV.
type rowWriter struct {
	reader array.RecordReader
	read   []value.Reader
	row    int
	rows   int
	line   []byte
	last   bool // the reader has ended
}

// writeFile writes as many rows as belong into one file, and returns how many.
func (w *rowWriter) writeFile(ctx context.Context, path string) (rows int, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // in a folder of our own
	if err != nil {
		return 0, fault.Disk(err, "making a file of rows")
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = fault.Disk(closeErr, "writing rows")
		}
	}()
	packed, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return 0, err
	}
	for size := 0; size < fileBytes; rows++ {
		more, err := w.next(ctx)
		if err != nil {
			return rows, err
		}
		if !more {
			break
		}
		if err := w.write(packed); err != nil {
			return rows, err
		}
		size += len(w.line)
	}
	if err := packed.Close(); err != nil {
		return rows, fault.Disk(err, "writing rows")
	}
	return rows, nil
}

// next goes to the next row.
func (w *rowWriter) next(ctx context.Context) (bool, error) {
	for w.row++; w.row >= w.rows; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if w.last || !w.reader.Next() {
			w.last = true
			return false, w.reader.Err()
		}
		if err := w.open(w.reader.RecordBatch()); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (w *rowWriter) open(b arrow.RecordBatch) error {
	w.row, w.rows, w.read = 0, int(b.NumRows()), w.read[:0]
	for i, f := range b.Schema().Fields() {
		read, err := value.NewReader(f, b.Column(i))
		if err != nil {
			return fault.Wrap(err, fault.CodeSourceType, "")
		}
		w.read = append(w.read, read)
	}
	return nil
}

// write writes a row. What stands behind its last column keeps a row of nulls from being an empty line.
func (w *rowWriter) write(to io.Writer) error {
	w.line = w.line[:0]
	for _, read := range w.read {
		w.line = append(appendCell(w.line, read(w.row)), ',')
	}
	w.line = append(w.line, '.', '\n')
	if _, err := to.Write(w.line); err != nil {
		return fault.Disk(err, "writing rows")
	}
	return nil
}

func appendCell(line []byte, v value.Value) []byte {
	if v.IsNull() {
		return line
	}
	line = append(line, '"')
	switch v.Kind() {
	case value.Bytes:
		line = fmt.Appendf(line, "%x", v.Raw())
	case value.Time:
		line = v.Time().UTC().AppendFormat(line, instantLayout)
	case value.List, value.Map, value.JSON:
		line = append(line, strings.ReplaceAll(string(v.AppendJSON(nil)), `"`, `""`)...)
	default:
		line = append(line, strings.ReplaceAll(v.String(), `"`, `""`)...)
	}
	return append(line, '"')
}
