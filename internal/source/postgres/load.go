package postgres

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Load creates or replaces a table in one transaction.
func (s *Source) Load(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	create, err := s.createTable(table, r.Schema())
	if err != nil {
		return err
	}
	return s.fill(ctx, table, r, func(x *session) error {
		if err := x.makeSchema(table.Schema); err != nil {
			return err
		}
		_, err := x.conn.PgConn().Exec(x.ctx, create).ReadAll()
		return err
	})
}

// Append adds rows in one transaction.
func (s *Source) Append(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	return s.fill(ctx, table, r, func(*session) error { return nil })
}

// fill adds the rows to a table that before may make.
func (s *Source) fill(ctx context.Context, table query.TableRef, r array.RecordReader, before func(*session) error) error {
	x, err := s.write(ctx)
	if err != nil {
		return err
	}
	defer x.close()
	if err := before(x); err != nil {
		return explain(x.ctx, err, statement{})
	}
	if err := s.variant.load(x, table, r); err != nil {
		return explain(x.ctx, err, statement{})
	}
	_, err = x.conn.PgConn().Exec(x.ctx, "COMMIT").ReadAll()
	return explain(x.ctx, err, statement{})
}

// copyRows sends the rows with COPY.
func (x *session) copyRows(table query.TableRef, r array.RecordReader) error {
	_, err := x.conn.CopyFrom(x.ctx, identifier(table), namesOf(r.Schema()), &copied{reader: r})
	return err
}

func namesOf(s *arrow.Schema) []string {
	names := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		names[i] = f.Name
	}
	return names
}

// makeSchema makes a schema that does not exist. A user who may write in a schema may seldom make one, and the server
// would refuse even CREATE SCHEMA IF NOT EXISTS. Two that make one at the same time wait for each other: the server would
// refuse the second one.
func (x *session) makeSchema(name string) error {
	if name == "" {
		return nil
	}
	if there, err := x.hasSchema(name); err != nil || there {
		return err
	}
	d := x.owner.Dialect()
	if x.owner.variant.locks {
		if _, err := x.ask("SELECT pg_advisory_xact_lock(hashtextextended(" + d.Text("millrace schema "+name) + ", 0))"); err != nil {
			return err
		}
		if there, err := x.hasSchema(name); err != nil || there {
			return err
		}
	}
	_, err := x.ask(d.Command(query.CreateSchema{Name: name}))
	return err
}

func (x *session) hasSchema(name string) (bool, error) {
	rows, err := x.ask("SELECT 1 FROM pg_namespace WHERE nspname = " + x.owner.Dialect().Text(name))
	return len(rows) > 0, err
}

func identifier(t query.TableRef) pgx.Identifier {
	if t.Schema == "" {
		return pgx.Identifier{t.Name}
	}
	return pgx.Identifier{t.Schema, t.Name}
}

func (s *Source) createTable(table query.TableRef, schema *arrow.Schema) (string, error) {
	d := s.Dialect()
	columns := make([]query.NewColumn, schema.NumFields())
	for i, f := range schema.Fields() {
		t, err := s.variant.typeOf(f)
		if err != nil {
			return "", err
		}
		columns[i] = query.NewColumn{Name: f.Name, Type: t}
	}
	return d.Command(query.DropTable{Table: table}) + "; " + d.Command(query.CreateTable{Table: table, Columns: columns}), nil
}

// typeOf returns the type of a column that holds an Arrow column.
func (v variant) typeOf(f arrow.Field) (query.Type, error) {
	schema, err := value.SchemaOf(arrow.NewSchema([]arrow.Field{f}, nil))
	if err != nil {
		return query.Type{}, fault.Wrap(err, fault.CodeSourceType, "")
	}
	switch schema[0].Type {
	case value.TypeBoolean:
		return query.TypeBoolean, nil
	case value.TypeNumber:
		return v.numberOf(f.Type), nil
	case value.TypeTimestamp:
		return query.TypeTimestamp, nil
	case value.TypeDate:
		return query.TypeDate, nil
	case value.TypeObject:
		return query.TypeJSON, nil
	default:
		switch f.Type.ID() {
		case arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY:
			return query.TypeBytes, nil
		default:
			return query.TypeText, nil
		}
	}
}

func (v variant) numberOf(t arrow.DataType) query.Type {
	if d, ok := t.(arrow.DecimalType); ok && d.GetScale() >= 0 && d.GetPrecision() <= maxPrecision {
		return query.TypeDecimal(int(d.GetPrecision()), int(d.GetScale()))
	}
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32:
		return query.TypeInteger
	case arrow.UINT64:
		return query.TypeDecimal(20, 0)
	case arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return query.TypeFloat
	default:
		return v.digits
	}
}

// copied gives the rows of a reader to the driver.
type copied struct {
	reader array.RecordReader
	read   []value.Reader
	row    int
	rows   int
	err    error
}

// Next goes to the next row.
func (c *copied) Next() bool {
	for c.row++; c.row >= c.rows; {
		if c.err != nil || !c.reader.Next() {
			return false
		}
		c.err = c.open(c.reader.RecordBatch())
	}
	return c.err == nil
}

func (c *copied) open(b arrow.RecordBatch) error {
	c.row, c.rows, c.read = 0, int(b.NumRows()), c.read[:0]
	for i, f := range b.Schema().Fields() {
		read, err := value.NewReader(f, b.Column(i))
		if err != nil {
			return err
		}
		c.read = append(c.read, read)
	}
	return nil
}

// Values returns the row.
func (c *copied) Values() ([]any, error) {
	row := make([]any, len(c.read))
	for i, read := range c.read {
		row[i] = goValue(read(c.row))
	}
	return row, nil
}

// Err returns what ended the rows early.
func (c *copied) Err() error {
	if c.err != nil {
		return c.err
	}
	return c.reader.Err()
}

// goValue returns what the driver understands.
func goValue(v value.Value) any {
	switch v.Kind() {
	case value.Null:
		return nil
	case value.Bool:
		return v.Bool()
	case value.Int:
		return v.Int()
	case value.Float:
		return v.Float()
	case value.Bytes:
		return []byte(v.Raw())
	case value.Time, value.Day:
		return v.Time()
	case value.List, value.Map:
		return string(v.AppendJSON(nil))
	default:
		return v.String()
	}
}
