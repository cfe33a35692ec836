package plantest

import (
	"slices"
	"sort"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// naive is the planner that others are compared with: the rules, over a map.
type naive struct {
	held   map[string]*held
	ran    bool
	rows   map[string][]map[string]value.Value // of the run that was planned last
	s      Settings
	result Result
	fresh  bool // the run was planned without a comparison
}

type held struct {
	values   map[string]value.Value // nil: never settled
	forced   bool                   // plan it again even if nothing differs
	dirty    connector.Operation
	attempts []map[string]value.Value
}

func newNaive() *naive { return &naive{held: map[string]*held{}} }

// plan decides on every key.
func (n *naive) plan(rows []map[string]value.Value, s Settings) Result {
	n.s, n.rows = s, map[string][]map[string]value.Value{}
	n.fresh = !n.ran || s.FullResync || s.ResetCDC || s.EveryRow
	n.result = Result{}
	c := &n.result.Counts
	for _, r := range rows {
		c.Read++
		if r[s.Key].IsNull() {
			c.NullKeys++
			continue
		}
		key := r[s.Key].String()
		n.rows[key] = append(n.rows[key], pick(r, s.Columns))
	}
	for _, key := range n.keys() {
		n.decide(key)
	}
	return n.result
}

func (n *naive) keys() []string {
	set := map[string]bool{}
	for k := range n.rows {
		set[k] = true
	}
	if !n.fresh {
		for k := range n.held {
			set[k] = true
		}
	}
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (n *naive) decide(key string) {
	c := &n.result.Counts
	now, was := n.rows[key], n.held[key]
	if n.fresh {
		was = nil
	}
	switch {
	case len(now) > 1:
		c.Duplicates += int64(len(now))
		c.DuplicateKeys++
		for _, values := range now {
			n.result.Rows = append(n.result.Rows, Row{Operation: connector.Added, Duplicate: true, Key: key, Values: values})
		}
	case len(now) == 0 && n.claimed(n.lastKnown(was)):
		c.Found.Removed++
		c.Ignored.Removed++
	case len(now) == 0:
		n.found(connector.Removed, key, n.lastKnown(was), was)
	case n.s.ResetCDC:
		c.Unchanged++
	case was == nil || was.values == nil || n.readded(was):
		n.found(connector.Added, key, now[0], was)
	case n.differs(now[0], was):
		n.found(connector.Changed, key, now[0], was)
	default:
		c.Unchanged++
	}
}

// lastKnown is what a removal has to name.
func (n *naive) lastKnown(h *held) map[string]value.Value {
	if h.values == nil {
		return pick(h.attempts[len(h.attempts)-1], n.s.Columns)
	}
	return pick(h.values, n.s.Columns)
}

// claimed reports whether a row of the model has the record of one that left.
func (n *naive) claimed(gone map[string]value.Value) bool {
	if !n.s.Removed || len(n.s.Identify) == 0 || slices.Contains(n.s.Identify, n.s.Key) {
		return false
	}
	for _, rows := range n.rows {
		for _, row := range rows {
			if n.sameRecord(row, gone) {
				return true
			}
		}
	}
	return false
}

func (n *naive) sameRecord(a, b map[string]value.Value) bool {
	for _, column := range n.s.Identify {
		if a[column].IsNull() || b[column].IsNull() || !a[column].Equal(b[column]) {
			return false
		}
	}
	return true
}

func (n *naive) readded(h *held) bool {
	return h.dirty == connector.Removed && n.s.Added && !n.s.Changed
}

func (n *naive) differs(now map[string]value.Value, h *held) bool {
	if n.s.MappingChanged || h.forced || h.dirty != "" {
		return true
	}
	for _, column := range n.s.Compare {
		old, known := h.values[column]
		if known && !same(old, now[column]) {
			return true
		}
	}
	return false
}

func same(a, b value.Value) bool { return a.IsNull() == b.IsNull() && a.Equal(b) }

func (n *naive) found(op connector.Operation, key string, values map[string]value.Value, was *held) {
	c := &n.result.Counts
	*c.Found.of(op)++
	if !n.acts(op) {
		*c.Ignored.of(op)++
		return
	}
	*c.Planned.of(op)++
	row := Row{Operation: op, Key: key, Values: values}
	if was != nil {
		row.Attempts = pickAll(was.attempts, n.s.Columns)
	}
	if op == connector.Changed {
		row.Before = pick(was.values, n.s.Before)
	}
	n.result.Rows = append(n.result.Rows, row)
}

func (n *naive) acts(op connector.Operation) bool {
	switch op {
	case connector.Added:
		return n.s.Added || n.s.EveryRow
	case connector.Changed:
		return n.s.Changed
	default:
		return n.s.Removed
	}
}

func (t *Tally) of(op connector.Operation) *int64 {
	switch op {
	case connector.Added:
		return &t.Added
	case connector.Changed:
		return &t.Changed
	default:
		return &t.Removed
	}
}

// settle makes the next state: what the model has now, except for what was not accepted.
func (n *naive) settle(outcome func(Row) string) {
	next := map[string]*held{}
	for key, rows := range n.rows {
		next[key] = &held{values: rows[0]}
	}
	for _, row := range n.result.Rows {
		state := Aborted
		if !row.Duplicate {
			state = outcome(row)
		}
		if state == Accepted {
			continue
		}
		delete(next, row.Key)
		if h := n.excepted(row, state); h != nil {
			next[row.Key] = h
		}
	}
	n.held, n.ran = next, true
}

// excepted is the state of a key whose row was not accepted; nil: the destination does not have it.
func (n *naive) excepted(row Row, state string) *held {
	var h held
	was := n.held[row.Key]
	if was == nil || n.fresh {
		was = nil
	} else {
		h = held{values: pick(was.values, n.s.Columns), forced: was.forced || n.s.MappingChanged, dirty: was.dirty, attempts: pickAll(was.attempts, n.s.Columns)}
	}
	if state == Dirty {
		h.dirty = row.Operation
		if row.Operation != connector.Removed {
			h.attempts = append(slices.Clone(h.attempts), row.Values)
		}
		return &h
	}
	if was == nil {
		return nil
	}
	return &h
}

func (n *naive) settled() []Held {
	var all []Held
	for key, h := range n.held {
		all = append(all, Held{Key: key, Dirty: h.dirty, Values: h.values, Attempts: h.attempts})
	}
	return all
}

// pick takes columns by name; those that do not exist are null.
func pick(row map[string]value.Value, columns []string) map[string]value.Value {
	if row == nil {
		return nil
	}
	out := map[string]value.Value{}
	for _, c := range columns {
		out[c] = row[c]
	}
	return out
}

func pickAll(rows []map[string]value.Value, columns []string) []map[string]value.Value {
	var out []map[string]value.Value
	for _, r := range rows {
		out = append(out, pick(r, columns))
	}
	return out
}
