package file

import (
	"io"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// csvFormat writes RFC 4180 with a choice of delimiter. Lines end with a line feed. A null is an
// empty field and an empty string a quoted one (""), so that readers can tell them apart; in a file
// with a single column both are quoted, since readers skip an empty line.
// https://www.rfc-editor.org/rfc/rfc4180
type csvFormat struct {
	delimiter byte
	header    string
	single    bool
	one       bool      // booleans are 1 and empty
	special   [256]bool // bytes that make quotes necessary
}

// byteOrderMark is U+FEFF in UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

func newCSV(columns []connector.TargetColumn, s settings) *csvFormat {
	f := &csvFormat{delimiter: delimiters[s.CSVDelimiter], single: len(columns) == 1, one: s.CSVBooleans == booleanOne}
	for _, b := range []byte{f.delimiter, '"', '\r', '\n'} {
		f.special[b] = true
	}
	if s.CSVBOM {
		f.header = byteOrderMark
	}
	if s.CSVHeader {
		f.header += string(f.headerRow(columns))
	}
	return f
}

func (f *csvFormat) headerRow(columns []connector.TargetColumn) []byte {
	var row []byte
	for i, c := range columns {
		if i > 0 {
			row = append(row, f.delimiter)
		}
		row = f.appendText(row, c.Name)
	}
	return append(row, '\n')
}

func (f *csvFormat) contentType() string { return "text/csv; charset=utf-8" }

func (f *csvFormat) encode(rows []connector.Row) (chunk, []connector.Rejection) {
	c := newChunk(rows)
	for i := range rows {
		for j, v := range rows[i].Values {
			if j > 0 {
				c.text = append(c.text, f.delimiter)
			}
			c.text = f.appendValue(c.text, v)
		}
		c.text = append(c.text, '\n')
		c.ends = append(c.ends, len(c.text))
	}
	return c, nil
}

// appendValue writes one field.
func (f *csvFormat) appendValue(dst []byte, v value.Value) []byte {
	switch v.Kind() {
	case value.Null:
		return f.appendEmpty(dst)
	case value.Bool:
		return f.appendBool(dst, v)
	case value.Text:
		return f.appendText(dst, v.Raw())
	case value.JSON, value.List, value.Map, value.Bytes:
		return f.appendText(dst, v.String())
	default: // numbers and times have no special bytes
		return v.AppendText(dst)
	}
}

// appendEmpty writes a field without a value.
func (f *csvFormat) appendEmpty(dst []byte) []byte {
	if f.single {
		dst = append(dst, `""`...)
	}
	return dst
}

func (f *csvFormat) appendBool(dst []byte, v value.Value) []byte {
	switch {
	case !f.one:
		return v.AppendText(dst)
	case v.Bool():
		return append(dst, '1')
	default:
		return f.appendEmpty(dst)
	}
}

// appendText quotes a text where it must: also when it is empty, and when it starts or ends with a
// blank, which some readers trim.
func (f *csvFormat) appendText(dst []byte, s string) []byte {
	if !f.needsQuotes(s) {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		if s[i] == '"' {
			dst = append(dst, s[start:i+1]...)
			start = i
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func (f *csvFormat) needsQuotes(s string) bool {
	if s == "" || s[0] == ' ' || s[len(s)-1] == ' ' {
		return true
	}
	for i := range len(s) {
		if f.special[s[i]] {
			return true
		}
	}
	return false
}

func (f *csvFormat) layout(w io.Writer) (layout, error) { return newTextLayout(w, f.header, "", 0) }
