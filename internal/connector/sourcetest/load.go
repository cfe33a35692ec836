package sourcetest

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// testLoad writes rows of every type, twice, and reads them again.
func testLoad(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	loader, ok := s.(connector.Loader)
	if !ok {
		t.Skip("the source is no Loader")
	}
	table := query.TableRef{Schema: "conformance", Name: w.named(`loaded "table"`)}
	for _, rows := range []int{20_000, 3} { // the second replaces the first
		r := w.sample(t, rows)
		want := Read(t, w.sample(t, rows))
		if err := loader.Load(t.Context(), table, r); err != nil {
			t.Fatalf("loading %d rows: %v", rows, err)
		}
		w.kept(&want)
		got := Read(t, w.query(t, s, connector.Query{SQL: s.Dialect().SelectTable(table) + " ORDER BY 1"}))
		compare(t, got, want)
	}
	want := Read(t, w.sample(t, 3))
	want.Rows = append(want.Rows, Read(t, w.sample(t, 3)).Rows...)
	slices.SortStableFunc(want.Rows, func(a, b []value.Value) int { return cmp.Compare(a[0].Int(), b[0].Int()) })
	if err := loader.Append(t.Context(), table, w.sample(t, 3)); err != nil {
		t.Fatalf("appending: %v", err)
	}
	w.kept(&want)
	compare(t, Read(t, w.query(t, s, connector.Query{SQL: s.Dialect().SelectTable(table) + " ORDER BY 1"})), want)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := loader.Load(ctx, table, w.sample(t, 1)); err == nil {
		t.Error("loading worked with a cancelled context")
	} else {
		w.checkError(t, w.Settings, err)
	}
}

// named is a name that the source allows.
func (w world) named(name string) string {
	if w.PlainNames {
		return strings.ReplaceAll(name, `"`, "")
	}
	return name
}

// kept turns what the source has no type for into what it keeps of it.
func (w world) kept(t *Table) {
	if w.NoDigits {
		t.asText(len(t.Schema) - 1)
	}
	for i, c := range t.Schema {
		if w.NoObjects && c.Type == value.TypeObject {
			t.asText(i)
		}
	}
	if w.NoZeros {
		t.withoutZeros()
	}
}

// asText turns a column into text.
func (t *Table) asText(column int) {
	t.Schema[column].Type = value.TypeString
	for _, row := range t.Rows {
		if !row[column].IsNull() {
			row[column] = value.OfText(row[column].String())
		}
	}
}

// withoutZeros shortens the decimals.
func (t *Table) withoutZeros() {
	for _, row := range t.Rows {
		for i, v := range row {
			if v.Kind() == value.Decimal && strings.Contains(v.Raw(), ".") {
				row[i] = value.OfDecimal(strings.TrimRight(strings.TrimRight(v.Raw(), "0"), "."))
			}
		}
	}
}

// sampleSchema has a column of each kind.
var sampleSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "Big", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
	{Name: `a "quoted" name`, Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "float", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "amount", Type: &arrow.Decimal128Type{Precision: 38, Scale: 4}, Nullable: true},
	{Name: "yes", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "raw", Type: arrow.BinaryTypes.Binary, Nullable: true},
	{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "items", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	{Name: "json", Type: arrow.BinaryTypes.String, Nullable: true, Metadata: arrow.MetadataFrom(map[string]string{value.MetaType: string(value.TypeObject)})},
	{Name: "digits", Type: arrow.BinaryTypes.String, Nullable: true, Metadata: arrow.MetadataFrom(map[string]string{value.MetaType: string(value.TypeNumber)})},
}, nil)

// sample makes rows of sampleSchema; each third one is all null but for its id.
func (w world) sample(t *testing.T, rows int) array.RecordReader {
	t.Helper()
	fields := sampleSchema.Fields()
	for i := range fields {
		fields[i].Name = w.named(fields[i].Name)
	}
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range rows {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if i%3 == 2 {
			for _, f := range b.Fields()[1:] {
				f.AppendNull()
			}
			continue
		}
		appendSample(b, i)
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	r, err := array.NewRecordReader(schema, []arrow.RecordBatch{batch})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Release)
	return r
}

func appendSample(b *array.RecordBuilder, i int) {
	b.Field(1).(*array.Uint64Builder).Append(18_446_744_073_709_551_615 - uint64(i))
	b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("O'Brien \\ \"%d\"\t\n😀", i))
	b.Field(3).(*array.Float64Builder).Append(0.1 + float64(i))
	b.Field(4).(*array.Decimal128Builder).Append(decimal128.FromI64(-1_234_500 - int64(i)))
	b.Field(5).(*array.BooleanBuilder).Append(i%2 == 0)
	b.Field(6).(*array.BinaryBuilder).Append([]byte{0, 255, byte(i)})
	b.Field(7).(*array.TimestampBuilder).Append(arrow.Timestamp(1_709_210_096_789_012 + int64(i)))
	b.Field(8).(*array.Date32Builder).Append(arrow.Date32(19_782 - i))
	list := b.Field(9).(*array.ListBuilder)
	list.Append(true)
	list.ValueBuilder().(*array.Int32Builder).Append(int32(i))
	list.ValueBuilder().AppendNull()
	b.Field(10).(*array.StringBuilder).Append(fmt.Sprintf(`{"b":[%d,null],"a":"ü"}`, i))
	b.Field(11).(*array.StringBuilder).Append(fmt.Sprintf("%d.1234567890123456789012345678901234567890", i))
}

// compare finds the first rows that differ. The types of columns must be the same.
func compare(t *testing.T, got, want Table) {
	t.Helper()
	if len(got.Rows) != len(want.Rows) || !slices.Equal(got.Schema.Names(), want.Schema.Names()) {
		t.Fatalf("%d rows of %v, want %d of %v", len(got.Rows), got.Schema.Names(), len(want.Rows), want.Schema.Names())
	}
	for i, c := range want.Schema {
		if got.Schema[i].Type != c.Type {
			t.Errorf("the column %q is of the type %s, want %s", c.Name, got.Schema[i].Type, c.Type)
		}
	}
	for n, row := range want.Rows {
		for i, v := range row {
			if !same(got.Rows[n][i], v) {
				t.Fatalf("row %d, column %q: %s %q, want %s %q", n, want.Schema[i].Name, got.Rows[n][i].Kind(), got.Rows[n][i], v.Kind(), v)
			}
		}
	}
}

// testUnload proves that a file holds what a query yields.
func testUnload(t *testing.T, w world) {
	s := w.open(t, w.Settings)
	unloader, ok := s.(connector.Unloader)
	if !ok {
		t.Skip("the source is no Unloader")
	}
	for name, sql := range map[string]string{"rows": w.Rows(20_000), "empty": "SELECT id, name FROM (" + w.Rows(1) + ") AS r WHERE id < 0", "values": w.everything()} {
		for _, limit := range []int64{0, 20_000} {
			q := connector.Query{SQL: sql, Limit: limit}
			path := filepath.Join(t.TempDir(), "unloaded.parquet")
			n, err := unloader.Unload(t.Context(), q, path)
			if err != nil {
				t.Fatalf("%s: unloading: %v", name, err)
			}
			got, want := readParquet(t, path), Read(t, w.query(t, s, q))
			if n != int64(len(want.Rows)) {
				t.Errorf("%s: Unload says %d rows, Query yields %d", name, n, len(want.Rows))
			}
			compareFile(t, byID(got), byID(want))
		}
	}
	_, err := unloader.Unload(t.Context(), connector.Query{SQL: "SELECT * FROM no_such_table"}, filepath.Join(t.TempDir(), "broken.parquet"))
	if err == nil {
		t.Fatal("unloading a missing table worked")
	}
	w.checkError(t, w.Settings, err)
}

// everything selects all values at once.
func (w world) everything() string {
	var sql strings.Builder
	sql.WriteString("SELECT 1 AS id")
	for i, c := range w.cases() {
		fmt.Fprintf(&sql, ", %s AS v%d", c.SQL, i)
	}
	return sql.String()
}

func byID(t Table) Table {
	slices.SortFunc(t.Rows, func(a, b []value.Value) int { return cmp.Compare(a[0].Int(), b[0].Int()) })
	return t
}

func readParquet(t *testing.T, path string) Table {
	t.Helper()
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	fr, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 4096}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	r, err := fr.GetRecordReader(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	return Read(t, r)
}

// compareFile compares what a Parquet file can say: its JSON columns read as text or bytes.
func compareFile(t *testing.T, got, want Table) {
	t.Helper()
	if len(got.Rows) != len(want.Rows) || !slices.Equal(got.Schema.Names(), want.Schema.Names()) {
		t.Fatalf("%d rows of %v, want %d of %v", len(got.Rows), got.Schema.Names(), len(want.Rows), want.Schema.Names())
	}
	for n, row := range want.Rows {
		for i, v := range row {
			g := got.Rows[n][i]
			if want.Schema[i].Type == value.TypeObject && (g.Kind() == value.Text || g.Kind() == value.Bytes) {
				g = parse(g.Raw())
			}
			if !same(g, v) {
				t.Fatalf("row %d, column %q: %s %q, want %s %q", n, want.Schema[i].Name, g.Kind(), g, v.Kind(), v)
			}
		}
	}
}
