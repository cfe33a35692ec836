package mysql

import (
	"github.com/millrace/millrace/internal/connector"
)

// sheet is the rows of a batch as they stand in statements.
type sheet struct {
	text     []byte
	ends     []int    // where each row's text ends
	rows     []int    // each row's index in Batch.Rows
	patterns []string // which cells each row leaves out
	scratch  []byte
}

// fill writes the rows, and returns those that cannot be written, or are larger than the limit. A row without a value to match by matches nothing, and
// would be added again and again.
func (s *sheet) fill(b *connector.Batch, p *program, limit int) []connector.Rejection {
	s.text, s.ends, s.rows, s.patterns = s.text[:0], s.ends[:0], s.rows[:0], s.patterns[:0]
	var refused []connector.Rejection
	for i := range b.Rows {
		begins := len(s.text)
		pattern := p.pattern(&b.Rows[i])
		reason := unmatchable(&b.Rows[i], p)
		if reason == "" {
			reason = s.line(&b.Rows[i], p, pattern)
		}
		if reason == "" && len(s.text)-begins > limit {
			reason = "the row is larger than one statement may be at this server: raise its max_allowed_packet"
		}
		if reason != "" {
			s.text = s.text[:begins]
			refused = append(refused, connector.Rejection{Row: i, Reason: reason})
			continue
		}
		s.ends, s.rows, s.patterns = append(s.ends, len(s.text)), append(s.rows, i), append(s.patterns, pattern)
	}
	return refused
}

// line writes a row: its values in parentheses, or what it is found by.
func (s *sheet) line(r *connector.Row, p *program, pattern string) (reason string) {
	switch {
	case p.byRow(): // its statements are written when it is its turn
		return s.check(r, p)
	case p.byKey():
		return s.key(r, p)
	}
	cells := p.sent(pattern)
	s.text = append(s.text, '(')
	for i := range cells {
		if i > 0 {
			s.text = append(s.text, ',')
		}
		if s.text, s.scratch, reason = cells[i].literal(s.text, s.scratch, cells[i].of(r)); reason != "" {
			return reason
		}
	}
	s.text = append(s.text, ')')
	return ""
}

func (s *sheet) key(r *connector.Row, p *program) string {
	several := len(p.match) > 1
	if several {
		s.text = append(s.text, '(')
	}
	for i := range p.match {
		if i > 0 {
			s.text = append(s.text, ',')
		}
		text, f, reason := p.match[i].writer.key(s.scratch[:0], p.match[i].of(r))
		if reason != "" {
			return reason
		}
		s.text, s.scratch = appendLiteral(s.text, text, f), text
	}
	if several {
		s.text = append(s.text, ')')
	}
	return ""
}

// check writes what a row's own statement would say, to know its size and whether it can be written at all.
func (s *sheet) check(r *connector.Row, p *program) string {
	statement, reason := p.update(r)
	s.text = append(s.text, statement...)
	return reason
}

// unmatchable says that a row has no value for a matched column.
func unmatchable(r *connector.Row, p *program) string {
	for i := range p.match {
		if p.match[i].of(r).IsNull() {
			return "the row has no value for " + dialect.Ident(p.match[i].column.name) + ", by which rows are matched"
		}
	}
	return ""
}

// lines returns the text of some rows, without commas between them where they are none.
func (s *sheet) lines(dst []byte, from, to int) []byte {
	for i := from; i < to; i++ {
		if i > from {
			dst = append(dst, ',')
		}
		dst = append(dst, s.text[s.start(i):s.ends[i]]...)
	}
	return dst
}

func (s *sheet) start(i int) int {
	if i == 0 {
		return 0
	}
	return s.ends[i-1]
}

// keysAtOnce bounds what one condition lists: the server plans each value.
// https://dev.mysql.com/doc/refman/8.4/en/range-optimization.html#equality-range-optimization
const keysAtOnce = 1000

// run returns where a run of rows ends that one statement can take: of one pattern, and not too large.
func (s *sheet) run(from, limit int, byKey bool) int {
	size, to := 0, from
	for ; to < len(s.rows); to++ {
		size += s.ends[to] - s.start(to) + 1
		if to > from && (size > limit || s.patterns[to] != s.patterns[from] || byKey && to-from >= keysAtOnce) {
			break
		}
	}
	return to
}
