package databricks

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Load creates or replaces a table. Rows that do not fit into one statement, or that come by files, are put into it
// with its creation; before, the table stays as it was.
func (s *Source) Load(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	return s.load(ctx, table, r, true)
}

// Append adds rows to a table with one statement, which is a transaction.
func (s *Source) Append(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	return s.load(ctx, table, r, false)
}

// load is one load.
type load struct {
	*session

	table   query.TableRef
	columns []loadColumn
	replace bool
}

// loadTag is what loads are called in the history of queries.
const loadTag = "load"

func (s *Source) load(ctx context.Context, table query.TableRef, r array.RecordReader, replace bool) error {
	columns, err := loadColumns(r.Schema())
	if err != nil {
		return err
	}
	x, err := s.connect(ctx, connector.WorkloadBatch)
	if err != nil {
		return err
	}
	defer x.end(errReleased)
	l := &load{session: x, table: table, columns: columns, replace: replace}
	if replace {
		err = l.makeSchema()
	}
	switch {
	case err != nil:
	case s.settings.Volume != "":
		err = l.byFiles(r, s.dir, s.settings.volume())
	default:
		err = l.byStatements(r)
	}
	return x.explain(err)
}

// makeSchema makes a schema that does not exist. A user who may write in a schema may seldom make one, and may be
// refused even CREATE SCHEMA IF NOT EXISTS.
func (l *load) makeSchema() error {
	if l.table.Schema == "" {
		return nil
	}
	found := filled("SELECT schema_name FROM information_schema.schemata WHERE lower(schema_name) = lower(%s)", l.table.Schema)
	_, rows, err := l.rows(statement{prefix: query.Comment(loadTag), own: found}, loadTag)
	if err != nil || len(rows) > 0 {
		return err
	}
	return l.do(query.Databricks.Command(query.CreateSchema{Name: l.table.Schema}))
}

func (l *load) do(sql string) error {
	_, err := l.execute(statement{prefix: query.Comment(loadTag), own: sql}, loadTag)
	return err
}

// byStatements writes rows as constants. What needs several statements goes to a table of its own first, and from
// there to its place with one.
func (l *load) byStatements(r array.RecordReader) error {
	w := newRows(l.columns)
	staged := query.TableRef{Schema: l.table.Schema, Name: strings.ToLower(l.table.Name + "_" + rand.Text()[:10])}
	made := false
	defer func() {
		if made {
			l.drop(staged)
		}
	}()
	err := w.each(r, func(values string, last bool) error {
		if last && !made {
			return l.whole(values)
		}
		if !made {
			if err := l.do(createTable("CREATE TABLE ", staged, l.columns)); err != nil {
				return err
			}
			made = true
		}
		if values == "" {
			return nil
		}
		return l.do(l.insert(staged, values))
	})
	if err != nil || !made {
		return err
	}
	return l.settle("SELECT "+names(l.columns)+" FROM "+query.Databricks.Table(staged), l.columns)
}

// whole writes rows that fit into one statement; there may be none.
func (l *load) whole(values string) error {
	if l.replace {
		if err := l.do(createTable("CREATE OR REPLACE TABLE ", l.table, l.columns)); err != nil {
			return err
		}
	}
	if values == "" {
		return nil
	}
	return l.do(l.insert(l.table, values))
}

// settle makes the table of a query's rows, or adds them to it.
func (l *load) settle(sql string, columns []loadColumn) error {
	d := query.Databricks
	if l.replace {
		return l.do("CREATE OR REPLACE TABLE " + d.Table(l.table) + properties(columns) + " AS " + sql)
	}
	return l.do("INSERT INTO " + d.Table(l.table) + " (" + names(columns) + ") " + sql)
}

// drop removes a table even when the context has ended.
func (l *load) drop(table query.TableRef) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), farewell)
	defer cancel()
	_, _ = l.owner.Execute(ctx, connector.Query{SQL: l.owner.Dialect().Command(query.DropTable{Table: table}), Tag: loadTag}) //nolint:errcheck // there is nothing else to do
}

// insert writes the rows of constants, of which JSON is made where a column holds it.
func (l *load) insert(table query.TableRef, values string) string {
	d := query.Databricks
	var read, given strings.Builder
	for i, c := range l.columns {
		if i > 0 {
			read.WriteString(", ")
			given.WriteString(", ")
		}
		name := fmt.Sprintf("c%d", i)
		given.WriteString(name)
		read.WriteString(c.read(name))
	}
	return "INSERT INTO " + d.Table(table) + " (" + names(l.columns) + ") SELECT " + read.String() + " FROM (VALUES " + values + ") AS v(" + given.String() + ")"
}

// loadColumn is a column of a table that is loaded.
type loadColumn struct {
	name   string
	native string
}

// variant is the type of JSON: https://docs.databricks.com/aws/en/sql/language-manual/data-types/variant-type
const variant = "VARIANT"

// read is what reads a constant, or a file's column, as the column's type.
func (c loadColumn) read(name string) string {
	if c.native == variant {
		return "parse_json(" + name + ")"
	}
	return name
}

func loadColumns(schema *arrow.Schema) ([]loadColumn, error) {
	columns := make([]loadColumn, schema.NumFields())
	for i, f := range schema.Fields() {
		native, err := nativeOf(f)
		if err != nil {
			return nil, err
		}
		columns[i] = loadColumn{f.Name, native}
	}
	return columns, nil
}

// nativeOf returns the type of a column that holds an Arrow column.
func nativeOf(f arrow.Field) (string, error) {
	schema, err := value.SchemaOf(arrow.NewSchema([]arrow.Field{f}, nil))
	if err != nil {
		return "", fault.Wrap(err, fault.CodeSourceType, "")
	}
	switch schema[0].Type {
	case value.TypeBoolean:
		return "BOOLEAN", nil
	case value.TypeNumber:
		return nativeNumber(f.Type), nil
	case value.TypeTimestamp:
		return "TIMESTAMP", nil
	case value.TypeDate:
		return "DATE", nil
	case value.TypeObject:
		return variant, nil
	default:
		switch f.Type.ID() {
		case arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY:
			return "BINARY", nil
		default:
			return "STRING", nil
		}
	}
}

// nativeNumber: a decimal has 38 digits at most; numbers of more, or of any number, are texts.
func nativeNumber(t arrow.DataType) string {
	if d, ok := t.(arrow.DecimalType); ok && d.GetScale() >= 0 && d.GetScale() <= d.GetPrecision() && d.GetPrecision() <= 38 {
		return fmt.Sprintf("DECIMAL(%d, %d)", d.GetPrecision(), d.GetScale())
	}
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32:
		return "BIGINT"
	case arrow.UINT64:
		return "DECIMAL(20, 0)"
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return "DOUBLE"
	default:
		return "STRING"
	}
}

func names(columns []loadColumn) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = query.Databricks.Ident(c.name)
	}
	return strings.Join(quoted, ", ")
}

func createTable(command string, table query.TableRef, columns []loadColumn) string {
	d := query.Databricks
	defined := make([]string, len(columns))
	for i, c := range columns {
		defined[i] = d.Ident(c.name) + " " + c.native
	}
	return command + d.Table(table) + " (" + strings.Join(defined, ", ") + ")" + properties(columns)
}

// properties let a table have columns whose names hold letters that its files cannot name:
// https://docs.databricks.com/aws/en/delta/column-mapping
func properties(columns []loadColumn) string {
	for _, c := range columns {
		if strings.ContainsAny(c.name, " ,;{}()\n\t=") {
			return " TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"
		}
	}
	return ""
}

// The size of a statement: whichever is reached first. The text of a statement has 16 MiB at most:
// https://docs.databricks.com/api/workspace/statementexecution/executestatement
const (
	statementRows  = 2000
	statementBytes = 2 << 20
	longestText    = 15 << 20
)

// rows writes rows as constants.
type rows struct {
	columns []loadColumn
	text    strings.Builder
	n       int
}

func newRows(columns []loadColumn) *rows { return &rows{columns: columns} }

// each gives out the rows in texts of one statement each; the last may be empty.
func (w *rows) each(r array.RecordReader, do func(values string, last bool) error) error {
	for r.Next() {
		b := r.RecordBatch()
		read, err := readersOf(b)
		if err != nil {
			return err
		}
		for n := range int(b.NumRows()) {
			if w.n == statementRows || w.text.Len() > statementBytes {
				if err := do(w.take(), false); err != nil {
					return err
				}
			}
			if err := w.row(read, n); err != nil {
				return err
			}
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	return do(w.take(), true)
}

func (w *rows) take() string {
	text := w.text.String()
	w.text.Reset()
	w.n = 0
	return text
}

func readersOf(b arrow.RecordBatch) ([]value.Reader, error) {
	read := make([]value.Reader, b.NumCols())
	for i, f := range b.Schema().Fields() {
		r, err := value.NewReader(f, b.Column(i))
		if err != nil {
			return nil, err
		}
		read[i] = r
	}
	return read, nil
}

func (w *rows) row(read []value.Reader, n int) error {
	before := w.text.Len()
	if w.n > 0 {
		w.text.WriteString(", ")
	}
	for i, r := range read {
		w.text.WriteString([]string{"(", ", "}[min(i, 1)])
		w.text.WriteString(constant(r(n), w.columns[i].native))
	}
	w.text.WriteString(")")
	w.n++
	if w.text.Len()-before > longestText {
		return fault.New(fault.CodeSourceQuery, "a row is too long for a statement").WithSuggestion("Enter a volume for loads in the source: files have no such limit.")
	}
	return nil
}

// constant writes a value so that it has the column's type.
func constant(v value.Value, native string) string {
	d := query.Databricks
	switch {
	case v.IsNull():
		return "CAST(NULL AS " + textType(native) + ")"
	case native == variant:
		return d.Text(string(v.AppendJSON(nil)))
	case native == "STRING":
		return d.Text(v.String())
	case strings.HasPrefix(native, "DECIMAL"):
		return "CAST('" + v.String() + "' AS " + native + ")"
	default:
		return d.Expr(query.Value(v))
	}
}

// textType is the type that a column's constants have.
func textType(native string) string {
	if native == variant {
		return "STRING"
	}
	return native
}
