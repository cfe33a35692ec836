package mapping_test

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

// tenColumns is a batch with columns of every type.
func tenColumns(rows int) (arrow.RecordBatch, []model.Column) {
	object := arrow.NewMetadata([]string{value.MetaType}, []string{string(value.TypeObject)})
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "email", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "first_name", Type: arrow.BinaryTypes.String}, {Name: "last_name", Type: arrow.BinaryTypes.String},
		{Name: "visits", Type: arrow.PrimitiveTypes.Int64}, {Name: "score", Type: arrow.PrimitiveTypes.Float64},
		{Name: "active", Type: arrow.FixedWidthTypes.Boolean}, {Name: "since", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "born", Type: arrow.FixedWidthTypes.Date32}, {Name: "attributes", Type: arrow.BinaryTypes.String, Metadata: object},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range rows {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("person%d@example.com", i))
		b.Field(2).(*array.StringBuilder).Append("Ann")
		b.Field(3).(*array.StringBuilder).Append("O'Brien")
		b.Field(4).(*array.Int64Builder).Append(int64(i % 100))
		b.Field(5).(*array.Float64Builder).Append(float64(i) / 8)
		b.Field(6).(*array.BooleanBuilder).Append(i%2 == 0)
		b.Field(7).(*array.TimestampBuilder).Append(arrow.Timestamp(1_772_366_400_000_000 + int64(i)*1000))
		b.Field(8).(*array.Date32Builder).Append(arrow.Date32(10_000 + i%5000))
		b.Field(9).(*array.StringBuilder).Append(`{"plan":"pro","seats":5}`)
	}
	known, err := value.SchemaOf(schema)
	if err != nil {
		panic(err)
	}
	columns := make([]model.Column, len(known))
	for i, c := range known {
		columns[i] = model.Column{Name: c.Name, Type: c.Type}
	}
	return b.NewRecordBatch(), columns
}

// BenchmarkMapAndEncode maps rows of ten columns and writes them as JSON to memory. The aim is 400,000 rows a
// second on one core.
func BenchmarkMapAndEncode(b *testing.B) {
	batch, columns := tenColumns(8192)
	m, err := mapping.Compile(mapping.Input{Columns: columns, PrimaryKey: "id", AllColumns: true})
	if err != nil {
		b.Fatal(err)
	}
	binding := bindBatch(b, m, batch)
	targets := m.Columns()
	var sink []byte
	var values []value.Value
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		sink = sink[:0]
		for i := range int(batch.NumRows()) {
			binding.Row(i, connector.Added)
			if values, err = binding.Values(values[:0]); err != nil {
				b.Fatal(err)
			}
			sink = appendRow(sink, targets, values)
		}
		rows += int(batch.NumRows())
	}
	b.SetBytes(int64(len(sink)))
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

func appendRow(dst []byte, targets []connector.TargetColumn, values []value.Value) []byte {
	dst = append(dst, '{')
	for c, v := range values {
		if c > 0 {
			dst = append(dst, ',')
		}
		dst = append(value.AppendJSONString(dst, targets[c].Name), ':')
		dst = v.AppendJSON(dst)
	}
	return append(dst, '}', '\n')
}
