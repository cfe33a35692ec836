package plan

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/internal/connector"
)

// SettleInput is a run that ended, however it ended.
type SettleInput struct {
	Staged   Staged
	Plan     *Plan
	Old      *Baseline // what the plan was made against; nil: nothing was ever settled
	OldDir   string    // where its files are
	Outcomes Outcomes  // may be nil
	Default  State     // of rows without an outcome
	Dir      string    // where to write the overlay; exists
}

const overlayFile = "overlay.parquet"

// Settle returns what the next run compares with: the staged files, except for the rows that were not
// accepted (FLD-31). Accepted rows and those that the configuration passes over advance; a rejected or
// aborted row stays what it was before the run; a row in doubt becomes dirty, and one that was dirty
// stays so until it is accepted. Without exceptions nothing is written. Settling twice gives the same
// result.
func (e *Engine) Settle(ctx context.Context, in SettleInput) (_ Baseline, err error) {
	st := &settler{in: in}
	st.exceptions, err = newExceptions(in.Plan, in.Outcomes, in.Default)
	if err != nil {
		return Baseline{}, failure(ctx, err, "settling the run")
	}
	defer func() { err = errors.Join(err, st.exceptions.close()) }()

	baseline := Baseline{Files: in.Staged.Files, Layout: in.Staged.Layout, Rows: in.Staged.Kept}
	if !st.exceptions.any() {
		return baseline, nil
	}
	if st.session, err = e.open(ctx, in.Dir); err != nil {
		return Baseline{}, err
	}
	defer func() { err = errors.Join(err, st.session.close()) }()
	if err := st.run(ctx, &baseline); err != nil {
		return Baseline{}, failure(ctx, err, "settling the run")
	}
	return baseline, nil
}

type settler struct {
	session    *session
	in         SettleInput
	exceptions *exceptions
	compares   bool
}

func (st *settler) run(ctx context.Context, b *Baseline) error {
	st.compares = st.in.Plan.Compares()
	if st.compares {
		if err := st.in.Old.check(st.in.OldDir); err != nil {
			return err
		}
	}
	if err := st.loadExceptions(ctx); err != nil {
		return err
	}
	if err := st.prepare(ctx); err != nil {
		return err
	}
	if _, err := st.session.write(ctx, st.overlay(), filepath.Join(st.in.Dir, overlayFile)); err != nil {
		return err
	}
	b.Overlay = overlayFile
	return st.count(ctx, b)
}

// loadExceptions makes the table exception (_k, op, state), one row a key.
func (st *settler) loadExceptions(ctx context.Context) error {
	if err := st.session.view("stream", st.exceptions); err != nil {
		return err
	}
	_, err := st.session.exec(ctx, "CREATE TEMP TABLE exception AS SELECT _k, op, state FROM stream")
	if st.exceptions.err != nil {
		return st.exceptions.err
	}
	return err
}

// prepare makes the relations old (the baseline's rows of those keys) and sent (the staged rows of the
// keys that are in doubt now). Duplicate keys join the exceptions.
func (st *settler) prepare(ctx context.Context) error {
	if st.in.Plan.Duplicates.Rows > 0 {
		files, err := locals(st.in.Plan.Dir, st.in.Plan.Duplicates.names())
		if err != nil {
			return err
		}
		if err := st.session.run(ctx, "INSERT INTO exception SELECT DISTINCT _k, '', '"+string(Duplicate)+"' FROM "+parquet(files...)); err != nil {
			return err
		}
	}
	old, err := st.old()
	if err != nil {
		return err
	}
	now, err := st.in.Staged.current(Comparison{Direct: true})
	if err != nil {
		return err
	}
	return st.session.run(ctx, "CREATE TEMP VIEW old AS "+old,
		"CREATE TEMP VIEW now AS "+now,
		"CREATE TEMP VIEW sent AS SELECT * FROM now SEMI JOIN (SELECT _k FROM exception WHERE state = 'dirty' AND op <> 'removed') AS x ON now._k = x._k")
}

// old is the baseline's relation with hashes over all compared columns, since the overlay's hashes are
// compared with staged ones.
func (st *settler) old() (string, error) {
	l := st.in.Staged.Layout
	if !st.compares {
		v := view{now: l, hash: Comparison{Direct: true}}
		return "SELECT NULL::VARCHAR AS _k, NULL::UBIGINT AS _x, false AS _held, false AS _dirty, NULL::VARCHAR AS _op, " +
			v.noAttempts() + ", " + st.nulls() + " WHERE false", nil
	}
	c := l.CompareWith(st.in.Old.Layout)
	c.Shared = l.ComparePositions()
	return st.in.Old.relation(st.in.OldDir, l, nil, c)
}

func (st *settler) nulls() string {
	columns := make([]string, len(st.in.Staged.Physical))
	for i, physical := range st.in.Staged.Physical {
		columns[i] = fmt.Sprintf("NULL::%s AS c%d", physical, i)
	}
	return strings.Join(columns, ", ")
}

// overlay is the state of every exception. A row that is kept in a run whose mapping changed has no
// hash: its values may be the settled ones, and yet it must be sent.
func (st *settler) overlay() string {
	hash := "CASE WHEN x.state <> 'dirty' AND NOT o._dirty THEN o._x END"
	if st.in.Plan.MappingChanged {
		hash = "NULL::UBIGINT"
	}
	return `SELECT x._k,
		CASE WHEN x.state = 'dirty' OR o._dirty THEN 'dirty' WHEN o._k IS NULL THEN 'absent' ELSE 'kept' END AS _state,
		coalesce(o._held, false) AS _held,
		CASE WHEN x.state = 'dirty' THEN x.op ELSE o._op END AS _op,
		` + hash + ` AS _h, ` + columnList("o.c", len(st.in.Staged.Schema)) + st.attempts() + `
		FROM exception AS x LEFT JOIN old AS o ON o._k = x._k` + st.joinSent()
}

// attempts appends what is in doubt now to what was before.
func (st *settler) attempts() string {
	if !st.exceptions.dirty {
		return ", o._attempts"
	}
	fields := make([]string, len(st.in.Staged.Schema))
	for i := range fields {
		fields[i] = fmt.Sprintf("c%d := s.c%d", i, i)
	}
	return ", CASE WHEN s._k IS NULL THEN o._attempts ELSE list_append(coalesce(o._attempts, []), struct_pack(" +
		strings.Join(fields, ", ") + ")) END AS _attempts"
}

func (st *settler) joinSent() string {
	if !st.exceptions.dirty {
		return ""
	}
	return " LEFT JOIN sent AS s ON s._k = x._k"
}

// count derives the baseline's numbers: staged rows, less those that the overlay replaces, plus those
// that the overlay holds.
func (st *settler) count(ctx context.Context, b *Baseline) error {
	var held int64
	path := filepath.Join(st.in.Dir, overlayFile)
	row := st.session.conn.QueryRowContext(ctx, "SELECT count(*), count(*) FILTER (_state = 'dirty'), count(*) FILTER (_held) FROM "+parquet(path)) //nolint:gosec // a quoted path of our own
	if err := row.Scan(&b.Overlap, &b.Dirty, &held); err != nil {
		return err
	}
	present, err := st.session.number(ctx, "SELECT count(*) FROM exception WHERE op IN ('added', 'changed')")
	b.Rows += held - present - st.in.Plan.Counts.Duplicates
	return err
}

func (s Section) names() []string {
	names := make([]string, len(s.Files))
	for i, f := range s.Files {
		names[i] = f.Name
	}
	return names
}

// refused reports whether a row with the state is an exception of the new baseline.
func (s State) refused() bool { return s != Accepted }

// Piece is consecutive rows of one operation with one state.
type Piece struct {
	Op connector.Operation
	Range
}

// Refused returns the rows of the plan that were not accepted, piece by piece; rows without an outcome have the
// state standard.
func (p *Plan) Refused(outcomes Outcomes, standard State) ([]Piece, error) {
	var all []Piece
	for r, err := range complete(outcomes, standard, 0, p.Total()) {
		if err != nil {
			return nil, err
		}
		if r.State.refused() {
			all = append(all, p.pieces(r)...)
		}
	}
	return all, nil
}

// pieces cuts a range at the borders between operations.
func (p *Plan) pieces(r Range) []Piece {
	var out []Piece
	for _, op := range sectionOrder {
		first := p.First(op)
		from, to := max(r.From, first), min(r.To, first+p.section(op).Rows)
		if from < to {
			out = append(out, Piece{op, Range{from, to, r.State}})
		}
	}
	return out
}
