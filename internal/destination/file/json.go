package file

import (
	"io"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// jsonFormat writes an object for each row: one array of them, or one on each line (NDJSON). A null
// that the mapping omits has no member.
type jsonFormat struct {
	columns []connector.TargetColumn
	names   [][]byte // "name":
	array   bool
}

func newJSON(columns []connector.TargetColumn, array bool) *jsonFormat {
	f := &jsonFormat{columns: columns, array: array, names: make([][]byte, len(columns))}
	for i, c := range columns {
		f.names[i] = append(value.AppendJSONString(nil, c.Name), ':')
	}
	return f
}

func (f *jsonFormat) contentType() string {
	if f.array {
		return "application/json"
	}
	return "application/x-ndjson"
}

func (f *jsonFormat) encode(rows []connector.Row) (chunk, []connector.Rejection) {
	c := newChunk(rows)
	for i := range rows {
		if f.array {
			c.text = append(c.text, ",\n"...)
		}
		c.text = f.appendRow(c.text, rows[i].Values)
		if !f.array {
			c.text = append(c.text, '\n')
		}
		c.ends = append(c.ends, len(c.text))
	}
	return c, nil
}

func (f *jsonFormat) appendRow(dst []byte, values []value.Value) []byte {
	dst = append(dst, '{')
	separate := false
	for i, v := range values {
		if f.columns[i].Omit && v.IsNull() {
			continue
		}
		if separate {
			dst = append(dst, ',')
		}
		separate = true
		dst = append(dst, f.names[i]...)
		dst = v.AppendJSON(dst)
	}
	return append(dst, '}')
}

func (f *jsonFormat) layout(w io.Writer) (layout, error) {
	if f.array {
		return newTextLayout(w, "[", "\n]\n", len(","))
	}
	return newTextLayout(w, "", "", 0)
}

// newChunk has room for rows of ordinary size.
func newChunk(rows []connector.Row) chunk {
	width := 0
	if len(rows) > 0 {
		width = 24 * len(rows[0].Values)
	}
	return chunk{text: make([]byte, 0, len(rows)*width), ends: make([]int, 0, len(rows))}
}
