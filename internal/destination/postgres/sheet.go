package postgres

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// sheet is the rows of a batch in COPY's text form.
type sheet struct {
	text    []byte
	ends    []int // where each line ends
	rows    []int // each line's index in Batch.Rows
	scratch []byte
}

// fill writes the rows. Those without a value to match by are returned: they match nothing, and would be
// added again and again.
func (s *sheet) fill(b *connector.Batch, p *program) []connector.Rejection {
	s.text, s.ends, s.rows = s.text[:0], s.ends[:0], s.rows[:0]
	var refused []connector.Rejection
	for i := range b.Rows {
		if missing := unmatchable(&b.Rows[i], p.match); missing != "" {
			refused = append(refused, connector.Rejection{Row: i, Reason: "the row has no value for " + sql.Ident(missing) + ", by which rows are matched"})
			continue
		}
		s.line(&b.Rows[i], p.cells)
		s.ends, s.rows = append(s.ends, len(s.text)), append(s.rows, i)
	}
	return refused
}

func (s *sheet) line(r *connector.Row, cells []cell) {
	for i := range cells {
		if i > 0 {
			s.text = append(s.text, '\t')
		}
		s.cell(&cells[i], r)
	}
	s.text = append(s.text, '\n')
}

func (s *sheet) cell(c *cell, r *connector.Row) {
	v := c.of(r)
	switch {
	case v.IsNull():
		s.text = append(s.text, `\N`...)
	case c.text && v.Kind() == value.Text:
		s.text = appendEscaped(s.text, v.Raw())
	default:
		s.scratch = c.write(s.scratch[:0], v)
		s.text = appendEscaped(s.text, s.scratch)
	}
}

// unmatchable returns a matched column that the row has no value for.
func unmatchable(r *connector.Row, match []cell) string {
	for i := range match {
		if match[i].of(r).IsNull() {
			return match[i].column.name
		}
	}
	return ""
}

// lines returns the text of some lines.
func (s *sheet) lines(from, to int) []byte {
	start := 0
	if from > 0 {
		start = s.ends[from-1]
	}
	return s.text[start:s.ends[to-1]]
}
