package sqlservertest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
)

// What a DONE token says.
const (
	doneFailed    = 0x02
	doneCount     = 0x10
	doneAttention = 0x20
)

func doneToken(status uint16, rows uint64) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{0xfd}, status)
	return binary.LittleEndian.AppendUint64(append(b, 0, 0), rows)
}

func shortText(s string) []byte {
	text := encode(s)
	return append([]byte{byte(len(text) / 2)}, text...)
}

func longText(s string) []byte {
	text := encode(s)
	return append(binary.LittleEndian.AppendUint16(nil, uint16(len(text)/2)), text...)
}

// sized puts the length before the content of a token.
func sized(kind byte, content []byte) []byte {
	return append(binary.LittleEndian.AppendUint16([]byte{kind}, uint16(len(content))), content...)
}

func errorToken(e *Error) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(e.Number))
	b = append(append(b, e.State, e.Class), longText(e.Message)...)
	b = append(append(b, shortText("stand-in")...), shortText("")...)
	return sized(0xaa, binary.LittleEndian.AppendUint32(b, uint32(e.Line)))
}

func envToken(kind byte, now, before string) []byte {
	return sized(0xe3, append(append([]byte{kind}, shortText(now)...), shortText(before)...))
}

// ackToken says that the client is in, and speaks TDS 7.4.
func ackToken() []byte {
	return sized(0xad, append(append([]byte{1, 0x74, 0, 0, 4}, shortText("stand-in")...), 16, 0, 0, 0))
}

// wire is how a type of DuckDB's travels.
type wire struct {
	info []byte // TYPE_INFO
	add  func(b []byte, col arrow.Array, row int) []byte
}

// collation is Latin1_General_100_BIN2 with UTF-16 texts.
var collation = []byte{0x09, 0x04, 0xd0, 0x00, 0x34}

const noLength = "\xfe\xff\xff\xff\xff\xff\xff\xff"

// maxText is a value whose length is not said before, in one piece.
func maxText(b, content []byte) []byte {
	b = append(b, noLength...)
	if len(content) > 0 {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(content))), content...)
	}
	return append(b, 0, 0, 0, 0)
}

func maxWire(kind byte, collation []byte, content func(arrow.Array, int) []byte) wire {
	return wire{append([]byte{kind, 0xff, 0xff}, collation...), func(b []byte, col arrow.Array, row int) []byte {
		if col.IsNull(row) {
			return append(b, "\xff\xff\xff\xff\xff\xff\xff\xff"...)
		}
		return maxText(b, content(col, row))
	}}
}

// byteWire is a type whose values have a length of one byte.
func byteWire[A arrow.Array](info []byte, content func(A, int) []byte) wire {
	return wire{info, func(b []byte, col arrow.Array, row int) []byte {
		if col.IsNull(row) {
			return append(b, 0)
		}
		c := content(col.(A), row)
		return append(append(b, byte(len(c))), c...)
	}}
}

func wireOf(t arrow.DataType) (wire, error) {
	le := binary.LittleEndian
	switch t := t.(type) {
	case *arrow.NullType:
		return byteWire([]byte{0x26, 4}, func(*array.Null, int) []byte { return nil }), nil
	case *arrow.BooleanType:
		return byteWire([]byte{0x68, 1}, func(a *array.Boolean, i int) []byte {
			if a.Value(i) {
				return []byte{1}
			}
			return []byte{0}
		}), nil
	case *arrow.Int16Type:
		return byteWire([]byte{0x26, 2}, func(a *array.Int16, i int) []byte { return le.AppendUint16(nil, uint16(a.Value(i))) }), nil
	case *arrow.Int32Type:
		return byteWire([]byte{0x26, 4}, func(a *array.Int32, i int) []byte { return le.AppendUint32(nil, uint32(a.Value(i))) }), nil
	case *arrow.Int64Type:
		return byteWire([]byte{0x26, 8}, func(a *array.Int64, i int) []byte { return le.AppendUint64(nil, uint64(a.Value(i))) }), nil
	case *arrow.Float32Type:
		return byteWire([]byte{0x6d, 4}, func(a *array.Float32, i int) []byte { return le.AppendUint32(nil, math.Float32bits(a.Value(i))) }), nil
	case *arrow.Float64Type:
		return byteWire([]byte{0x6d, 8}, func(a *array.Float64, i int) []byte { return le.AppendUint64(nil, math.Float64bits(a.Value(i))) }), nil
	case *arrow.Decimal128Type:
		return byteWire([]byte{0x6a, 17, byte(t.Precision), byte(t.Scale)}, func(a *array.Decimal128, i int) []byte { return decimalBytes(a.Value(i).BigInt()) }), nil
	case *arrow.Date32Type:
		return byteWire([]byte{0x28}, func(a *array.Date32, i int) []byte { return dayBytes(int(a.Value(i)) + epochDays) }), nil
	case *arrow.Time64Type:
		return byteWire([]byte{0x29, 7}, func(a *array.Time64, i int) []byte { return tickBytes(a.Value(i).ToTime(t.Unit)) }), nil
	case *arrow.TimestampType:
		return instantWire(t), nil
	default:
		return textWire(t)
	}
}

func textWire(t arrow.DataType) (wire, error) {
	switch t := t.(type) {
	case *arrow.StringType:
		return maxWire(0xe7, collation, func(a arrow.Array, i int) []byte { return encode(a.(*array.String).Value(i)) }), nil
	case *arrow.BinaryType:
		return maxWire(0xa5, nil, func(a arrow.Array, i int) []byte { return a.(*array.Binary).Value(i) }), nil
	case *extensions.UUIDType:
		return byteWire([]byte{0x24, 16}, func(a *extensions.UUIDArray, i int) []byte {
			v := a.Value(i)
			return []byte{v[3], v[2], v[1], v[0], v[5], v[4], v[7], v[6], v[8], v[9], v[10], v[11], v[12], v[13], v[14], v[15]}
		}), nil
	case arrow.ExtensionType:
		inner, err := wireOf(t.StorageType())
		return wire{inner.info, func(b []byte, col arrow.Array, row int) []byte {
			return inner.add(b, col.(array.ExtensionArray).Storage(), row)
		}}, err
	default:
		return wire{}, fmt.Errorf("the stand-in has no form for %s", t)
	}
}

// instantWire is datetime2(7), or datetimeoffset(7) for what has a zone.
func instantWire(t *arrow.TimestampType) wire {
	moment := func(a *array.Timestamp, i int) []byte {
		at := a.Value(i).ToTime(t.Unit)
		return append(tickBytes(at), dayBytes(int(math.Floor(float64(at.Unix())/86_400))+epochDays)...)
	}
	if t.TimeZone == "" {
		return byteWire([]byte{0x2a, 7}, moment)
	}
	return byteWire([]byte{0x2b, 7}, func(a *array.Timestamp, i int) []byte { return append(moment(a, i), 0, 0) })
}

// epochDays are the days from 0001-01-01 to 1970-01-01.
const epochDays = 719_162

func dayBytes(days int) []byte { return []byte{byte(days), byte(days >> 8), byte(days >> 16)} }

// tickBytes is a time of day in tenths of microseconds.
func tickBytes(t time.Time) []byte {
	t = t.UTC()
	ticks := uint64(t.Hour()*3600+t.Minute()*60+t.Second())*10_000_000 + uint64(t.Nanosecond()/100)
	return binary.LittleEndian.AppendUint64(nil, ticks)[:5]
}

func decimalBytes(n *big.Int) []byte {
	b := make([]byte, 17)
	if n.Sign() >= 0 {
		b[0] = 1
	}
	digits := new(big.Int).Abs(n).FillBytes(make([]byte, 16))
	for i, d := range digits {
		b[16-i] = d
	}
	return b
}

// columnsToken describes the columns of a result.
func columnsToken(s *arrow.Schema) ([]byte, []wire, error) {
	b := binary.LittleEndian.AppendUint16([]byte{0x81}, uint16(s.NumFields()))
	wires := make([]wire, s.NumFields())
	for i, f := range s.Fields() {
		w, err := wireOf(f.Type)
		if err != nil {
			return nil, nil, err
		}
		wires[i] = w
		b = append(append(b, 0, 0, 0, 0, 1, 0), w.info...)
		b = append(b, shortText(f.Name)...)
	}
	return b, wires, nil
}
