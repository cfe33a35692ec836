package manifest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// attempt is one batch on its way.
type attempt struct {
	*session

	batch    *connector.Batch
	scope    *scope
	records  []*record // the rows that were not refused yet
	rejected []connector.Rejection
	wrote    bool              // a request that changes something was answered
	strays   map[string]string // by what the last answer calls rows: why those were refused that no reader found
	alone    bool              // there are no rows: the requests are about the run

	more bool                         // a further page of the answer follows
	met  map[*Reader]map[*record]bool // which rows the pages of an answer were about so far
}

// prepare gives the scope what is special to the batch.
func (a *attempt) prepare(resources value.Value) {
	a.scope.setVars(nil)
	a.scope.forget()
	a.scope.set("resources", resources)
	a.scope.set("batch", value.OfMap([]value.Field{
		{Name: "id", Value: value.OfText(a.batch.ID)}, {Name: "origin", Value: value.OfText(cmp.Or(a.batch.Origin, a.batch.ID))},
		{Name: "operation", Value: value.OfText(string(a.batch.Operation))},
		{Name: "rows", Value: value.OfInt(int64(len(a.batch.Rows)))},
		{Name: "fresh", Value: value.OfBool(a.session.resources.fresh)},
	}))
}

// read makes records of the batch's rows. Rows that do not fit are refused.
func (a *attempt) read() {
	each := a.layout.room()
	all, values := a.scope.room(len(a.batch.Rows), each)
	a.records = a.scope.rows[:0]
	for i := range a.batch.Rows {
		r := &all[i]
		err := a.layout.fill(r, a.batch.Operation, i, &a.batch.Rows[i], values[i*each:(i+1)*each])
		if err == nil {
			err = a.obeys(r)
		}
		if err != nil {
			a.reject(i, err.Error(), false)
			continue
		}
		a.records = append(a.records, r)
	}
}

// obeys checks a row against the rules.
func (a *attempt) obeys(r *record) error {
	for _, c := range a.rules {
		if err := c.obeyed(a.scope, r); err != nil {
			return err
		}
	}
	return nil
}

func (a *attempt) reject(index int, reason string, retry bool) {
	a.rejected = append(a.rejected, connector.Rejection{Row: index, Reason: reason, Retry: retry})
}

// drop refuses rows, which take no part in what follows. A row that was refused already stays as it is: vendors repeat
// themselves.
func (a *attempt) drop(rows []*record, reason string, retry bool) {
	for _, r := range rows {
		if slices.Contains(a.records, r) {
			a.reject(r.index, reason, retry)
		}
	}
	a.records = slices.DeleteFunc(slices.Clone(a.records), func(r *record) bool { return slices.Contains(rows, r) })
}

// groups sends the rows that belong together, one group after another.
func (a *attempt) groups(ctx context.Context, w *Write) error {
	groups := a.grouped()
	vars := a.scope.vars
	for _, g := range groups {
		a.scope.setVars(vars) // what an answer said to one group is about that group
		a.scope.forget()
		a.records = g
		if err := a.steps(ctx, w.Steps); err != nil {
			if err := a.lost(err, a.records, len(groups) > 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// grouped parts the rows by the values that a request has in common.
func (a *attempt) grouped() [][]*record {
	batch := &a.kind.Batch
	if len(batch.Group) == 0 && !batch.Unique.given() {
		if len(a.records) == 0 {
			return nil
		}
		return [][]*record{a.records}
	}
	var groups [][]*record
	places := map[string]int{}
	seen := map[string]bool{}
	for _, r := range a.records {
		a.scope.bind(r)
		key, err := a.groupKey(batch.Group)
		if err != nil {
			a.reject(r.index, err.Error(), false)
			continue
		}
		if batch.Unique.given() {
			v, err := a.scope.eval(&batch.Unique.source)
			if err != nil {
				a.reject(r.index, err.Error(), false)
				continue
			}
			own := key + v.String()
			if seen[own] && !v.IsNull() {
				a.reject(r.index, "another row of the request is about the same record", true)
				continue
			}
			seen[own] = true
		}
		at, known := places[key]
		if !known {
			at = len(groups)
			places[key] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], r)
	}
	return groups
}

func (a *attempt) groupKey(exprs []Expr) (string, error) {
	var key strings.Builder
	for i := range exprs {
		v, err := a.scope.eval(&exprs[i].source)
		if err != nil {
			return "", err
		}
		key.Write(v.AppendJSON(nil))
		key.WriteByte(0)
	}
	return key.String(), nil
}

// steps makes the requests of the rows.
func (a *attempt) steps(ctx context.Context, steps []Step) error {
	for i := range steps {
		st := &steps[i]
		rows, run, err := a.taking(st)
		if err != nil {
			return err
		}
		if !run {
			continue
		}
		if err := a.step(ctx, st, rows); err != nil {
			return err
		}
		if len(a.records) == 0 && !a.alone {
			return nil
		}
	}
	return nil
}

// taking returns the rows that take part in a step, and whether it is made.
func (a *attempt) taking(st *Step) ([]*record, bool, error) {
	if len(a.records) > 0 {
		a.scope.bind(a.records[0])
	}
	if run, err := a.scope.holds(&st.When); err != nil || !run {
		return nil, false, err
	}
	if a.alone {
		return nil, true, nil
	}
	if !st.Where.given() {
		return a.records, len(a.records) > 0, nil
	}
	var rows []*record
	for _, r := range a.records {
		a.scope.bind(r)
		in, err := a.scope.meets(&st.Where)
		if err != nil {
			a.drop([]*record{r}, err.Error(), false)
			continue
		}
		if in {
			rows = append(rows, r)
		}
	}
	return rows, len(rows) > 0, nil
}

func (a *attempt) step(ctx context.Context, st *Step, rows []*record) error {
	most := st.Most
	switch {
	case st.Per == "row":
		most = 1
	case most == 0 || len(rows) <= most:
		return a.part(ctx, st, rows)
	}
	for some := range slices.Chunk(rows, most) {
		if err := a.part(ctx, st, some); err != nil {
			return err
		}
	}
	return nil
}

// part makes the request of some rows, and decides what its failure means for the others.
func (a *attempt) part(ctx context.Context, st *Step, rows []*record) error {
	if err := a.stopped(); err != nil && a.wrote && !sent(rows) { // what was begun for rows is brought to its end
		return a.lost(err, rows, true)
	}
	for {
		err := a.exchange(ctx, st, rows)
		bad, about := rowOf(err)
		if !about {
			if err == nil {
				return nil
			}
			if a.halves(st, err) {
				return a.halve(ctx, st, rows)
			}
			return a.lost(err, rows, len(rows) < len(a.records) || len(rows) == 1 && len(a.batch.Rows) > 1)
		}
		a.drop([]*record{bad}, err.Error(), false)
		if rows = slices.DeleteFunc(slices.Clone(rows), func(r *record) bool { return r == bad }); len(rows) == 0 {
			return nil
		}
	}
}

// halves reports whether an error is that of a refusal that names no row, and the request may be repeated until it is
// clear whom it is about.
func (a *attempt) halves(st *Step, err error) bool {
	_, stray := err.(*strayError) //nolint:errorlint // made by answered alone, and never wrapped
	w := a.writes[a.batch.Operation]
	return stray && !st.Until.given() && w != nil && w.idempotent(a.kind)
}

func (w *Write) idempotent(t *SyncType) bool {
	return connector.Idempotency(orElse(w.Idempotency, t.Idempotency)) == connector.Idempotent
}

// halve makes the request again for either half of the rows that were not refused.
func (a *attempt) halve(ctx context.Context, st *Step, rows []*record) error {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r *record) bool { return !slices.Contains(a.records, r) })
	half := (len(rows) + 1) / 2
	for _, part := range [][]*record{rows[:half], rows[half:]} {
		if len(part) == 0 {
			continue
		}
		if err := a.part(ctx, st, part); err != nil {
			return err
		}
	}
	return nil
}

// result is the answer to the batch.
func (a *attempt) result() connector.Result {
	return connector.Result{Rejected: a.rejected, Stop: a.stopped()}
}

// lost decides what an error means: for the whole batch where nothing was done before it, else for the rows that it is
// about. Where nobody knows what became of them, nobody knows of the batch.
func (a *attempt) lost(err error, rows []*record, others bool) error {
	class := fault.ClassOf(err)
	if class == fault.Unknown || a.alone || !a.wrote && (!others || class != fault.Permanent) {
		return err
	}
	again := class == fault.Retryable || class == fault.Throttled
	if again && a.doubles(rows) {
		return fault.Reclass(err, fault.Unknown)
	}
	if class == fault.Fatal {
		a.stop(err)
	}
	whole := class == fault.Permanent && len(rows) > 1 && (a.kind.Batch.Whole || fault.Is(err, fault.CodeDestinationTooLarge))
	if w := a.writes[a.batch.Operation]; whole && !others && w != nil && w.idempotent(a.kind) {
		return err // it is halved
	}
	a.drop(rows, fault.As(err).Error(), whole && !a.doubles(rows) || again)
	return nil
}

func sent(rows []*record) bool {
	return slices.ContainsFunc(rows, func(r *record) bool { return r.sent })
}

// doubles reports whether trying rows again by themselves does harm: an earlier request of the batch was carried out for
// them, and would be repeated in a batch with another id.
func (a *attempt) doubles(rows []*record) bool {
	w := a.writes[a.batch.Operation]
	return w != nil && sent(rows) && !w.idempotent(a.kind)
}

// rowError is an error about one row of a request.
type rowError struct {
	row *record
	err error
}

func (e *rowError) Error() string { return e.err.Error() }

func (e *rowError) Unwrap() error { return e.err }

func rowOf(err error) (*record, bool) {
	e, ok := err.(*rowError) //nolint:errorlint // made by the builder alone, and never wrapped
	if !ok {
		return nil, false
	}
	return e.row, true
}
