package plan

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// RowsQuery asks for planned rows with what became of them (SY-71, SY-73).
type RowsQuery struct {
	Plan     *Plan
	Outcomes Outcomes // so far; may be nil
	Default  State    // of rows without an outcome

	Operation connector.Operation // empty means all
	States    []State             // empty means all
	Key       string              // exactly this primary key; empty means all
	Cursor    string              // where the previous page ended; empty means the start
	Limit     int                 // rows in a page; 0 means 50
}

// RowView is one row of a plan.
type RowView struct {
	Ordinal   int64
	Key       string
	Operation connector.Operation
	State     State
	Values    []value.Value // by Plan.Schema
	Before    []value.Value // by Plan.Before, for changed rows
}

const defaultPage = 50

// Search returns a page of rows in the order of their ordinals, and the cursor of the next page, which
// is empty after the last one. Unplanned rows come last and count as additions.
func (e *Engine) Search(ctx context.Context, q RowsQuery) (page []RowView, next string, err error) {
	s := &search{ctx: ctx, q: q, limit: q.Limit}
	if s.limit <= 0 {
		s.limit = defaultPage
	}
	if s.from, err = parseCursor(q.Cursor); err != nil {
		return nil, "", err
	}
	if q.Key != "" {
		if s.only, err = e.locate(ctx, q.Plan, q.Key); err != nil {
			return nil, "", failure(ctx, err, "looking for the row")
		}
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.run(); err != nil {
		return nil, "", failure(ctx, err, "reading the plan's rows")
	}
	return s.page, s.next, nil
}

func parseCursor(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n < 0 {
		return 0, fault.New(fault.CodeInvalid, "the cursor is not one that a page of rows gave").WithPath("cursor")
	}
	return n, nil
}

// locate returns the ordinals of the rows with a key, ascending.
func (e *Engine) locate(ctx context.Context, p *Plan, key string) (_ []int64, err error) {
	s, err := e.open(ctx, p.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	found := []int64{}
	first := int64(0)
	for _, f := range p.files() {
		at, err := s.find(ctx, p.Dir, f.Name, key)
		if err != nil {
			return nil, err
		}
		for _, row := range at {
			found = append(found, first+row)
		}
		first += f.Rows
	}
	slices.Sort(found)
	return found, nil
}

// files returns all files in the order of their ordinals.
func (p *Plan) files() []File {
	return slices.Concat(p.Removed.Files, p.Changed.Files, p.Added.Files, p.Duplicates.Files, p.Repeated.Files, p.NoArray.Files)
}

// find returns the numbers of a file's rows with a key.
func (s *session) find(ctx context.Context, dir, name, key string) ([]int64, error) {
	path, err := local(dir, name)
	if err != nil {
		return nil, err
	}
	rows, err := s.conn.QueryContext(ctx, "SELECT file_row_number FROM read_parquet("+literal(path)+", file_row_number = true) WHERE _k = ?", key) //nolint:gosec // a quoted path of our own
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() //nolint:errcheck // Err has told already
	var found []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, rows.Err()
}

type search struct {
	ctx   context.Context //nolint:containedctx // one call
	q     RowsQuery
	limit int
	from  int64
	only  []int64 // with a key: the ordinals to look at

	page []RowView
	next string
	rows *Rows
	part int // number of the section that rows reads
}

// run goes through the wanted ranges until the page is full.
func (s *search) run() error {
	for r, err := range s.wanted() {
		if err != nil {
			return err
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if err := s.read(r); err != nil || s.next != "" {
			return err
		}
	}
	return nil
}

// wanted yields the ranges of rows that the query asks for, each within one section.
func (s *search) wanted() Outcomes {
	return func(yield func(Range, error) bool) {
		for r, err := range s.states() {
			if err != nil {
				yield(Range{}, err)
				return
			}
			if len(s.q.States) > 0 && !slices.Contains(s.q.States, r.State) {
				continue
			}
			for piece := range s.pieces(r) {
				if !yield(piece, nil) {
					return
				}
			}
		}
	}
}

// states yields what became of every row from the cursor on, unplanned ones included.
func (s *search) states() Outcomes {
	total := s.q.Plan.Total()
	return func(yield func(Range, error) bool) {
		for r, err := range complete(s.q.Outcomes, s.q.Default, min(s.from, total), total) {
			if !yield(r, err) || err != nil {
				return
			}
		}
		for _, u := range s.q.Plan.Unplanned() {
			end := total + u.Rows
			if from := max(s.from, total); from < end && !yield(Range{from, end, u.State}, nil) {
				return
			}
			total = end
		}
	}
}

// pieces cuts a range by section and, with a key, down to the rows that have it.
func (s *search) pieces(r Range) iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for _, part := range s.q.Plan.parts() {
			from, to := max(r.From, part.first), min(r.To, part.first+part.Rows)
			if from >= to || s.q.Operation != "" && s.q.Operation != part.op {
				continue
			}
			if s.q.Key == "" {
				if !yield(Range{from, to, r.State}) {
					return
				}
				continue
			}
			for _, at := range s.only {
				if at >= from && at < to && !yield(Range{at, at + 1, r.State}) {
					return
				}
			}
		}
	}
}

// part is a section with its place.
type part struct {
	Section
	op    connector.Operation
	first int64
}

// parts returns the sections in the order of their ordinals, unplanned rows last.
func (p *Plan) parts() []part {
	var parts []part
	for _, op := range sectionOrder {
		parts = append(parts, part{*p.section(op), op, p.First(op)})
	}
	first := p.Total()
	for _, u := range p.Unplanned() {
		parts = append(parts, part{u.Section, connector.Added, first})
		first += u.Rows
	}
	return parts
}

// read appends a range's rows to the page. A row beyond the page only makes the cursor.
func (s *search) read(r Range) error {
	if err := s.seek(r.From); err != nil {
		return err
	}
	for at := r.From; at < r.To; {
		if len(s.page) == s.limit {
			s.next = strconv.FormatInt(at, 10)
			return nil
		}
		if !s.rows.Next() {
			return s.rows.Err()
		}
		n, err := s.take(r)
		if err != nil {
			return err
		}
		at += n
	}
	return nil
}

// take appends the batch's rows that are in the range, as long as the page has room.
func (s *search) take(r Range) (int64, error) {
	b := s.rows.Batch()
	now, err := readersOf(b.Values)
	if err != nil {
		return 0, err
	}
	before, err := readersOf(b.Before)
	if err != nil {
		return 0, err
	}
	n := min(int64(b.Len()), r.To-b.First, int64(s.limit-len(s.page)))
	for i := range int(n) {
		s.page = append(s.page, RowView{
			Ordinal: b.First + int64(i), Key: strings.Clone(b.Keys.Value(i)), Operation: s.op(), State: r.State,
			Values: values(now, i), Before: values(before, i),
		})
	}
	return n, nil
}

func (s *search) op() connector.Operation { return s.q.Plan.parts()[s.part].op }

func (s *search) seek(ordinal int64) (err error) {
	parts := s.q.Plan.parts()
	at := slices.IndexFunc(parts, func(p part) bool { return ordinal < p.first+p.Rows })
	if s.rows == nil || at != s.part {
		if err := s.close(); err != nil {
			return err
		}
		s.part = at
		if s.rows, err = s.q.Plan.rows(parts[at].Section, parts[at].first, false); err != nil {
			return err
		}
	}
	return s.rows.SeekTo(ordinal)
}

func (s *search) close() error {
	if s.rows == nil {
		return nil
	}
	return s.rows.Close()
}
