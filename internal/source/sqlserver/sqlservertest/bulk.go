package sqlservertest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// bulkTarget is the table that the next bulk load is for, quoted as DuckDB quotes.
type bulkTarget struct{ table string }

var insertBulk = regexp.MustCompile(`(?s)^INSERT BULK ((?:\[(?:[^\]]|\]\])*\]\.?)+) \(`)

func (x *client) announce(sql string) error {
	m := insertBulk.FindStringSubmatch(sql)
	if m == nil {
		return errors.New("the stand-in does not understand the bulk load")
	}
	table, err := rewrite(m[1])
	x.bulk = &bulkTarget{table}
	return err
}

// load takes rows: the description of their columns, rows, and an end.
func (x *client) load(ctx context.Context, data []byte, r *reply) error {
	if x.bulk == nil {
		return errors.New("a bulk load that nobody announced")
	}
	in := bytes.NewReader(data)
	fields, puts, err := bulkColumns(in)
	if err != nil {
		return err
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for {
		token, err := in.ReadByte()
		if err != nil {
			return err
		}
		if token != 0xd1 {
			break
		}
		for i, put := range puts {
			if err := put(in, b.Field(i)); err != nil {
				return fmt.Errorf("column %q: %w", fields[i].Name, err)
			}
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	rows, err := array.NewRecordReader(b.Schema(), []arrow.RecordBatch{batch})
	if err != nil {
		return err
	}
	defer rows.Release()
	if err := x.server.engine.Append(ctx, x.bulk.table, rows); err != nil {
		return err
	}
	r.add(doneToken(doneCount, uint64(batch.NumRows())))
	return nil
}

// put reads a value into a builder.
type put func(in *bytes.Reader, b array.Builder) error

func bulkColumns(in *bytes.Reader) ([]arrow.Field, []put, error) {
	head := make([]byte, 3)
	if _, err := io.ReadFull(in, head); err != nil || head[0] != 0x81 {
		return nil, nil, errors.Join(err, errors.New("a bulk load without columns"))
	}
	n := int(binary.LittleEndian.Uint16(head[1:]))
	fields, puts := make([]arrow.Field, n), make([]put, n)
	for i := range n {
		if _, err := in.Seek(6, io.SeekCurrent); err != nil {
			return nil, nil, err
		}
		t, p, err := bulkType(in)
		if err != nil {
			return nil, nil, err
		}
		name, err := content(in)
		if err != nil {
			return nil, nil, err
		}
		more := make([]byte, len(name)) // the length counts characters
		if _, err := io.ReadFull(in, more); err != nil {
			return nil, nil, err
		}
		fields[i], puts[i] = arrow.Field{Name: decode(append(name, more...)), Type: t, Nullable: true}, p
	}
	return fields, puts, nil
}

// content is a value with a length of one byte before it.
func content(in *bytes.Reader) ([]byte, error) {
	n, err := in.ReadByte()
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(in, b)
	return b, err
}

// scalar reads values whose length is before them.
func scalar[B array.Builder](add func(B, []byte)) put {
	return func(in *bytes.Reader, b array.Builder) error {
		c, err := content(in)
		switch {
		case err != nil:
			return err
		case len(c) == 0:
			b.AppendNull()
		default:
			add(b.(B), c)
		}
		return nil
	}
}

// large reads values in pieces.
func large(add func(array.Builder, []byte)) put {
	return func(in *bytes.Reader, b array.Builder) error {
		var size [8]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return err
		}
		if binary.LittleEndian.Uint64(size[:]) == math.MaxUint64 {
			b.AppendNull()
			return nil
		}
		var whole []byte
		for {
			if _, err := io.ReadFull(in, size[:4]); err != nil {
				return err
			}
			n := binary.LittleEndian.Uint32(size[:])
			if n == 0 {
				add(b, whole)
				return nil
			}
			piece := make([]byte, n)
			if _, err := io.ReadFull(in, piece); err != nil {
				return err
			}
			whole = append(whole, piece...)
		}
	}
}

func bulkType(in *bytes.Reader) (arrow.DataType, put, error) {
	kind, err := in.ReadByte()
	if err != nil {
		return nil, nil, err
	}
	info := make([]byte, map[byte]int{0x26: 1, 0x68: 1, 0x6d: 1, 0x6a: 3, 0x28: 0, 0x2a: 1, 0x2b: 1, 0xe7: 7, 0xa5: 2}[kind])
	if _, err := io.ReadFull(in, info); err != nil {
		return nil, nil, err
	}
	switch kind {
	case 0x26:
		return arrow.PrimitiveTypes.Int64, scalar(func(b *array.Int64Builder, c []byte) { b.Append(int64(binary.LittleEndian.Uint64(c))) }), nil
	case 0x68:
		return arrow.FixedWidthTypes.Boolean, scalar(func(b *array.BooleanBuilder, c []byte) { b.Append(c[0] != 0) }), nil
	case 0x6d:
		return arrow.PrimitiveTypes.Float64, scalar(func(b *array.Float64Builder, c []byte) {
			b.Append(math.Float64frombits(binary.LittleEndian.Uint64(c)))
		}), nil
	case 0x6a:
		return &arrow.Decimal128Type{Precision: int32(info[1]), Scale: int32(info[2])}, scalar(func(b *array.Decimal128Builder, c []byte) { b.Append(decimalOf(c)) }), nil
	case 0x28:
		return arrow.FixedWidthTypes.Date32, scalar(func(b *array.Date32Builder, c []byte) { b.Append(arrow.Date32(dayOf(c))) }), nil
	case 0x2a:
		return &arrow.TimestampType{Unit: arrow.Microsecond}, scalar(func(b *array.TimestampBuilder, c []byte) { b.Append(momentOf(c)) }), nil
	case 0x2b:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, scalar(func(b *array.TimestampBuilder, c []byte) { b.Append(momentOf(c[:8])) }), nil
	case 0xe7:
		return arrow.BinaryTypes.String, large(func(b array.Builder, c []byte) { b.(*array.StringBuilder).Append(decode(c)) }), nil
	case 0xa5:
		return arrow.BinaryTypes.Binary, large(func(b array.Builder, c []byte) { b.(*array.BinaryBuilder).Append(c) }), nil
	default:
		return nil, nil, fmt.Errorf("the stand-in does not load the type %#x", kind)
	}
}

func dayOf(c []byte) int { return int(c[0]) + int(c[1])<<8 + int(c[2])<<16 - epochDays }

func momentOf(c []byte) arrow.Timestamp {
	var ticks int64
	for i := 4; i >= 0; i-- {
		ticks = ticks<<8 | int64(c[i])
	}
	return arrow.Timestamp(int64(dayOf(c[5:]))*86_400_000_000 + ticks/10)
}

func decimalOf(c []byte) decimal128.Num {
	digits := strings.Builder{}
	for i := len(c) - 1; i > 0; i-- {
		fmt.Fprintf(&digits, "%02x", c[i])
	}
	n, _ := new(big.Int).SetString(digits.String(), 16)
	if c[0] == 0 {
		n.Neg(n)
	}
	return decimal128.FromBigInt(n)
}
