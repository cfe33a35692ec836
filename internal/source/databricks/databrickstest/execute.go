package databrickstest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/value"
)

// The size of a part of a result, unless the options say otherwise.
const (
	chunkRows  = 50_000
	chunkBytes = 16 << 20
)

// execute runs a statement.
func (s *Server) execute(ctx context.Context, st *statement) error {
	defer st.stop()
	all, err := tokens(st.sql)
	if err != nil {
		return err
	}
	first := words(all, 3)
	s.mu.Lock()
	refused := s.refused
	s.mu.Unlock()
	if refused != "" && !isQuery(first[0]) && first[0] != "DESCRIBE" && strings.Contains(st.sql, refused) {
		return errors.New("[INSUFFICIENT_PERMISSIONS] Insufficient privileges. SQLSTATE: 42501")
	}
	switch first[0] {
	case "DESCRIBE":
		at := regexp.MustCompile(`(?i)describe\s+query\s`).FindStringIndex(st.sql)
		if at == nil || !isQuery(first[2]) {
			return fmt.Errorf("[PARSE_SYNTAX_ERROR] Syntax error at or near '%s'. SQLSTATE: 42601", first[2])
		}
		return s.describe(ctx, st, st.sql[:at[0]]+st.sql[at[1]:]) // what is before it keeps the lines
	case "INSERT", "UPDATE", "DELETE":
		return s.change(ctx, st)
	case "CREATE", "DROP", "ALTER":
		_, err := s.Execute(ctx, st.sql)
		return err
	default:
		if !isQuery(first[0]) {
			return fmt.Errorf("[PARSE_SYNTAX_ERROR] Syntax error at or near '%s'. SQLSTATE: 42601", first[0])
		}
		return s.query(ctx, st)
	}
}

func isQuery(word string) bool {
	switch word {
	case "SELECT", "WITH", "VALUES", "TABLE", "FROM", "(":
		return true
	default:
		return false
	}
}

// describe answers a DESCRIBE QUERY.
func (s *Server) describe(ctx context.Context, st *statement, sql string) error {
	columns, err := s.columns(ctx, sql)
	if err != nil {
		return err
	}
	st.columns = []column{{name: "col_name", native: "string"}, {name: "data_type", native: "string"}, {name: "comment", native: "string"}}
	for _, c := range columns {
		row := []*string{&c.name, &c.native, nil}
		if c.comment != "" {
			row[2] = &c.comment
		}
		st.data = append(st.data, row)
	}
	st.rows = int64(len(st.data))
	for left := st.rows; left > 0; left -= describedRows {
		st.chunks = append(st.chunks, min(left, describedRows))
	}
	return nil
}

// describedRows are the rows of a part of an inline result.
const describedRows = 20

// again is what DuckDB puts behind a name that a query has twice.
var again = regexp.MustCompile(`(_\d+|:\d+)$`)

// columns are those that a query would have.
func (s *Server) columns(ctx context.Context, sql string) ([]column, error) {
	names, types, err := s.Columns(ctx, sql+"\n")
	if err != nil {
		return nil, err
	}
	comments, err := s.comments(ctx, sql)
	if err != nil {
		return nil, err
	}
	columns := make([]column, len(names))
	seen := map[string]bool{}
	for i, name := range names {
		if base := again.ReplaceAllString(name, ""); seen[strings.ToLower(base)] {
			name = base
		}
		seen[strings.ToLower(name)] = true
		columns[i] = column{name: name, native: sparkType(types[i]), comment: comments[name]}
	}
	return columns, nil
}

// comments are those of the columns of the tables that a query reads; a real warehouse follows each column.
func (s *Server) comments(ctx context.Context, sql string) (map[string]string, error) {
	all, err := tokens(sql)
	if err != nil {
		return nil, err
	}
	said := map[string]string{}
	for i, t := range all {
		if !t.is("FROM", "JOIN") {
			continue
		}
		var parts []string
		for _, p := range all[i+1:] {
			if p.kind == ident || p.kind == word && len(parts) == 0 {
				parts = append(parts, p.text)
			} else if p.kind != space && !p.is(".") {
				break
			}
		}
		if len(parts) < 2 {
			continue
		}
		r, err := s.Query(ctx, fmt.Sprintf("SELECT column_name, comment FROM information_schema.columns WHERE comment IS NOT NULL AND table_schema = '%s' AND table_name = '%s'", parts[len(parts)-2], parts[len(parts)-1]))
		if err != nil {
			return nil, err
		}
		for r.Next() {
			for row := range int(r.RecordBatch().NumRows()) {
				said[strings.Clone(r.RecordBatch().Column(0).ValueStr(row))] = strings.Clone(r.RecordBatch().Column(1).ValueStr(row))
			}
		}
		r.Release()
	}
	return said, nil
}

// change answers a command that writes rows.
func (s *Server) change(ctx context.Context, st *statement) error {
	n, err := s.Execute(ctx, st.sql)
	if err != nil {
		return err
	}
	text := strconv.FormatInt(n, 10)
	st.columns = []column{{name: "num_affected_rows", native: "bigint"}}
	st.data, st.rows, st.chunks = [][]*string{{&text}}, 1, []int64{1}
	return nil
}

// query answers a query: its rows go to files, or into the answer.
func (s *Server) query(ctx context.Context, st *statement) error {
	columns, err := s.columns(ctx, st.sql)
	if err != nil {
		return err
	}
	r, err := s.Query(ctx, st.sql)
	if err != nil {
		return err
	}
	defer r.Release()
	out := &output{server: s, st: st, columns: columns}
	defer out.close() //nolint:errcheck // a second time it does nothing
	st.columns = columns
	for r.Next() {
		b := r.RecordBatch()
		if st.limit > 0 && st.rows+b.NumRows() > st.limit {
			b = b.NewSlice(0, st.limit-st.rows)
			defer b.Release()
		}
		if err := out.write(b); err != nil {
			return err
		}
		if st.limit > 0 && st.rows == st.limit {
			break
		}
	}
	return errors.Join(r.Err(), ctx.Err(), out.close())
}

// output writes the parts of a result.
type output struct {
	server  *Server
	st      *statement
	columns []column
	file    *os.File
	writer  *ipc.Writer
	bytes   int64
}

func (o *output) write(b arrow.RecordBatch) error {
	if b.NumRows() == 0 {
		return nil
	}
	wire, err := onWire(b, o.columns, o.server.options.Native)
	if err != nil {
		return err
	}
	defer wire.Release()
	o.st.rows += wire.NumRows()
	if o.st.inline {
		o.st.data = append(o.st.data, texts(wire)...)
		o.st.chunks = append(o.st.chunks, wire.NumRows())
		return nil
	}
	if o.writer == nil {
		name := o.server.chunkFile(o.st.id, strconv.Itoa(len(o.st.chunks)))
		if o.file, err = os.Create(name); err != nil {
			return err
		}
		o.writer = ipc.NewWriter(o.file, ipc.WithSchema(wire.Schema()))
		o.st.chunks = append(o.st.chunks, 0)
		o.bytes = 0
	}
	if err := o.writer.Write(wire); err != nil {
		return err
	}
	last := len(o.st.chunks) - 1
	o.st.chunks[last] += wire.NumRows()
	for _, c := range wire.Columns() {
		o.bytes += int64(c.Data().SizeInBytes())
	}
	rows := o.server.options.ChunkRows
	if rows == 0 {
		rows = chunkRows
	}
	if o.st.chunks[last] >= rows || o.bytes >= chunkBytes {
		return o.close()
	}
	return nil
}

func (o *output) close() error {
	if o.writer == nil {
		return nil
	}
	err := errors.Join(o.writer.Close(), o.file.Close())
	o.writer, o.file = nil, nil
	return err
}

// texts are the rows of an inline result.
func texts(b arrow.RecordBatch) [][]*string {
	rows := make([][]*string, b.NumRows())
	for i, f := range b.Schema().Fields() {
		read, err := value.NewReader(f, b.Column(i))
		if err != nil {
			panic(err) // the stand-in has made the column
		}
		for n := range rows {
			var cell *string
			if v := read(n); !v.IsNull() {
				cell = new(strings.Clone(v.String()))
			}
			rows[n] = append(rows[n], cell)
		}
	}
	return rows
}

// onWire gives columns the types in which Databricks sends them.
func onWire(b arrow.RecordBatch, columns []column, native bool) (arrow.RecordBatch, error) {
	fields, arrays := make([]arrow.Field, len(columns)), make([]arrow.Array, len(columns))
	for i, c := range columns {
		a, err := wireColumn(c, b.Schema().Field(i), b.Column(i), native)
		if err != nil {
			return nil, err
		}
		defer a.Release()
		arrays[i] = a
		fields[i] = arrow.Field{Name: c.name, Type: a.DataType(), Nullable: true, Metadata: arrow.MetadataFrom(map[string]string{"Spark:DataType:SqlName": strings.ToUpper(c.native)})}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), arrays, b.NumRows()), nil
}

func wireColumn(c column, f arrow.Field, a arrow.Array, native bool) (arrow.Array, error) {
	base, _, _ := strings.Cut(c.native, "<")
	nested := base == "array" || base == "struct" || base == "map"
	if e, ok := a.(array.ExtensionArray); ok {
		a = e.Storage()
	}
	switch {
	case c.native == "bigint" && a.DataType().ID() == arrow.DECIMAL128: // DuckDB sums in more digits
		return build(array.NewInt64Builder(memory.DefaultAllocator), a, func(b *array.Int64Builder, i int) {
			b.Append(int64(a.(*array.Decimal128).Value(i).LowBits()))
		}), nil
	case c.native == "interval day to second":
		at := a.(*array.MonthDayNanoInterval)
		return build(array.NewStringBuilder(memory.DefaultAllocator), a, func(b *array.StringBuilder, i int) { b.Append(dayTime(at.Value(i))) }), nil
	case nested && !native || c.native == "variant":
		f.Metadata = arrow.MetadataFrom(map[string]string{value.MetaType: string(value.TypeObject)})
		read, err := value.NewReader(f, a)
		if err != nil {
			return nil, err
		}
		return build(array.NewStringBuilder(memory.DefaultAllocator), a, func(b *array.StringBuilder, i int) { b.Append(string(read(i).AppendJSON(nil))) }), nil
	default:
		a.Retain()
		return a, nil
	}
}

func build[B array.Builder](b B, a arrow.Array, put func(B, int)) arrow.Array {
	defer b.Release()
	for i := range a.Len() {
		if a.IsNull(i) {
			b.AppendNull()
		} else {
			put(b, i)
		}
	}
	return b.NewArray()
}

func dayTime(v arrow.MonthDayNanoInterval) string {
	d := time.Duration(v.Nanoseconds)
	return fmt.Sprintf("%d %02d:%02d:%02d.%09d", v.Days, int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, d%time.Second)
}

// duckErrors are DuckDB's errors in the words of Databricks.
// https://docs.databricks.com/aws/en/error-messages/error-classes
var duckErrors = []struct {
	mark     *regexp.Regexp
	words    string
	sqlState string
}{
	{regexp.MustCompile(`Table with name (\S+) does not exist`), "[TABLE_OR_VIEW_NOT_FOUND] The table or view `%s` cannot be found. Verify the spelling and correctness of the schema and catalog.", "42P01"},
	{regexp.MustCompile(`Referenced column "([^"]+)" not found|does not have a column named "([^"]+)"`), "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name `%s` cannot be resolved. Did you mean one of the following? [`id`].", "42703"},
	{regexp.MustCompile(`syntax error at or near "([^"]*)"`), "[PARSE_SYNTAX_ERROR] Syntax error at or near '%s'.", "42601"},
	{regexp.MustCompile(`Table with name "([^"]+)" already exists`), "[TABLE_OR_VIEW_ALREADY_EXISTS] Cannot create table or view `%s` because it already exists.", "42P07"},
	{regexp.MustCompile(`Could not convert string '([^']*)'`), "[CAST_INVALID_INPUT] The value '%s' cannot be cast because it is malformed.", "22018"},
}

var duckLine = regexp.MustCompile(`LINE (\d+):`)

// failed is an error in the words of Databricks, with the place of the name that it names.
func failed(sql string, err error) *failure {
	text := err.Error()
	for _, e := range duckErrors {
		found := e.mark.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		name := strings.Join(found[1:], "")
		words := fmt.Sprintf(e.words, name) + " SQLSTATE: " + e.sqlState
		if line, pos := where(sql, name, duckLine.FindStringSubmatch(text)); line > 0 {
			words += fmt.Sprintf("; line %d pos %d", line, pos)
		}
		return &failure{words, e.sqlState}
	}
	return &failure{message: strings.TrimPrefix(text, "Invalid Input Error: "), sqlState: "XX000"} // of raise_error
}

// where finds a name in a statement: in the line that DuckDB names, or in the first.
func where(sql, name string, found []string) (line, pos int) {
	for i, text := range strings.Split(sql, "\n") {
		if found != nil && found[1] != strconv.Itoa(i+1) {
			continue
		}
		if at := strings.Index(strings.ToLower(text), strings.ToLower(name)); at >= 0 && name != "" {
			return i + 1, utf8.RuneCountInString(text[:at])
		}
	}
	return 0, 0
}
