//go:build teradata

package odbc

import (
	"encoding/binary"
	"math"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/alexbrainman/odbc/api"
)

// cell is where a column's values are read from: a buffer that the driver writes into with each row, or, where values may
// be long, pieces that are asked for.
type cell struct {
	buffer []byte
	length *api.SQLLEN // in bytes, or that there is none
	bound  bool
	text   []byte // the last text in UTF-8
}

// place is the buffer as the driver takes it.
func (x *cell) place() api.SQLPOINTER {
	return api.SQLPOINTER(unsafe.Pointer(&x.buffer[0])) //nolint:gosec // pinned, or used within the call
}

const (
	boundUnits = 4096     // the longest text that has a buffer, in characters
	minUnits   = 64       // room for numbers and times, whose sizes are those of their digits
	pieceSize  = 64 << 10 // bytes of one piece of a long value
)

// ctype is the form in which the driver hands a column over.
func (f form) ctype() api.SQLSMALLINT {
	switch f {
	case asInteger:
		return api.SQL_C_SBIGINT
	case asFloat:
		return api.SQL_C_DOUBLE
	case asBytes:
		return api.SQL_C_BINARY
	default:
		return api.SQL_C_WCHAR
	}
}

// room is how many bytes a buffer for the column has; 0 where values may be long.
func (c Column) room() int64 {
	switch c.form() {
	case asInteger, asFloat:
		return 8
	case asBytes:
		if c.Size > 0 && c.Size <= 2*boundUnits {
			return c.Size
		}
	default:
		if c.Size > 0 && c.Size <= boundUnits {
			return 2 * (2*max(c.Size, minUnits) + 1) // a character may take two units; one ends the text
		}
	}
	return 0
}

// bind gives the driver buffers. Behind the first column that has none, drivers want every column to be asked for.
func (r *rows) bind() {
	r.cells = make([]cell, len(r.columns))
	binding := true
	for i, c := range r.columns {
		room := c.room()
		binding = binding && room > 0
		x := &r.cells[i]
		x.length = new(api.SQLLEN)
		if room == 0 {
			room = pieceSize
		}
		x.buffer = make([]byte, room)
		if !binding {
			continue
		}
		r.pinner.Pin(&x.buffer[0]) // the driver writes into them later
		r.pinner.Pin(x.length)
		x.bound = !failed(api.SQLBindCol(r.h, api.SQLUSMALLINT(i+1), c.form().ctype(), x.place(), api.SQLLEN(len(x.buffer)), x.length))
		binding = x.bound
	}
}

// raw returns a value as the driver wrote it.
func (r *rows) raw(i int) (v []byte, null bool, err error) {
	x := &r.cells[i]
	if !x.bound {
		return r.pieces(i)
	}
	switch n := *x.length; {
	case n == api.SQL_NULL_DATA:
		return nil, true, nil
	case n < 0 || int(n) > len(x.buffer)-r.columns[i].form().terminator():
		return nil, false, errLonger
	default:
		return x.buffer[:n], false, nil
	}
}

// terminator is how many bytes the driver puts behind a value.
func (f form) terminator() int {
	if f == asText {
		return 2
	}
	return 0
}

// pieces asks for a value piece by piece.
func (r *rows) pieces(i int) (v []byte, null bool, err error) {
	x, f := &r.cells[i], r.columns[i].form()
	for {
		ret := api.SQLGetData(r.h, api.SQLUSMALLINT(i+1), f.ctype(), x.place(), api.SQLLEN(len(x.buffer)), x.length)
		if ret == api.SQL_NO_DATA {
			return v, false, nil
		}
		if err := r.check(ret, "SQLGetData"); err != nil {
			return nil, false, err
		}
		n, whole := int(*x.length), len(x.buffer)-f.terminator()
		switch {
		case *x.length == api.SQL_NULL_DATA:
			return nil, true, nil
		case ret == api.SQL_SUCCESS_WITH_INFO && (n < 0 || n > whole): // there is more
			v = append(v, x.buffer[:whole]...)
		case n < 0 || n > whole:
			return nil, false, errLonger
		default:
			return append(v, x.buffer[:n]...), false, nil
		}
	}
}

func (r *rows) Integer(i int) (v int64, null bool, err error) {
	b, null, err := r.raw(i)
	if err != nil || null {
		return 0, null, err
	}
	return int64(binary.NativeEndian.Uint64(b)), false, nil
}

func (r *rows) Float(i int) (v float64, null bool, err error) {
	n, null, err := r.Integer(i)
	return math.Float64frombits(uint64(n)), null, err
}

func (r *rows) Bytes(i int) (v []byte, null bool, err error) { return r.raw(i) }

func (r *rows) Text(i int) (v []byte, null bool, err error) {
	b, null, err := r.raw(i)
	if err != nil || null || len(b) == 0 {
		return nil, null, err
	}
	x := &r.cells[i]
	x.text = appendUTF8(x.text[:0], b)
	return x.text, false, nil
}

// appendUTF8 adds a text of UTF-16, in which what is no character becomes the replacement character.
func appendUTF8(to, units []byte) []byte {
	for len(units) >= 2 {
		u := rune(binary.NativeEndian.Uint16(units))
		units = units[2:]
		if u < utf8.RuneSelf {
			to = append(to, byte(u))
			continue
		}
		if utf16.IsSurrogate(u) {
			next := rune(utf8.RuneError)
			if len(units) >= 2 {
				next = rune(binary.NativeEndian.Uint16(units))
			}
			if u = utf16.DecodeRune(u, next); u != utf8.RuneError {
				units = units[2:]
			}
		}
		to = utf8.AppendRune(to, u)
	}
	return to
}
