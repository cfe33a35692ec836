package plantest

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// The text form of plans and settled rows, which cases are written in and differences shown in.

// String returns the plan's rows in the order of operation and key, and its counts.
func (r Result) String() string {
	lines := make([]string, 0, len(r.Rows))
	for _, row := range r.Rows {
		lines = append(lines, row.sortKey()+row.String())
	}
	sort.Strings(lines)
	for i := range lines {
		_, lines[i], _ = strings.Cut(lines[i], "\x00")
	}
	if r.KeyTypeChanged {
		lines = append(lines, "key type changed")
	}
	return strings.Join(append(lines, r.Counts.String()), "\n") + "\n"
}

func (r Row) sortKey() string {
	order := slices.Index(connector.Operations, r.Operation)
	if r.Duplicate {
		order = len(connector.Operations)
	}
	return fmt.Sprintf("%d%s\x00", order, r.Key)
}

// String returns the row, then what was there before, then what was sent in doubt.
func (r Row) String() string {
	name := string(r.Operation)
	if r.Duplicate {
		name = "duplicate"
	}
	line := name + " " + r.Key + " " + show(r.Values)
	if r.Before != nil {
		line += " was " + show(r.Before)
	}
	return line + showAttempts(r.Attempts)
}

// String returns the settled row.
func (h Held) String() string {
	line := h.Key
	if h.Values != nil {
		line += " " + show(h.Values)
	}
	if h.Dirty != "" {
		line += " in doubt: " + string(h.Dirty)
	}
	return line + showAttempts(h.Attempts)
}

func showAttempts(attempts []map[string]value.Value) string {
	var b strings.Builder
	for _, a := range attempts {
		b.WriteString(" tried " + show(a))
	}
	return b.String()
}

func show(values map[string]value.Value) string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		names[i] = name + "=" + string(values[name].AppendJSON(nil))
	}
	return "{" + strings.Join(names, " ") + "}"
}

func showSettled(all []Held) string {
	lines := make([]string, len(all))
	for i, h := range all {
		lines[i] = h.String() + "\n"
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}

// String leaves out what is zero.
func (c Counts) String() string {
	parts := []string{fmt.Sprintf("read %d", c.Read)}
	for _, p := range []struct {
		name string
		n    int64
	}{{"null keys", c.NullKeys}, {"duplicates", c.Duplicates}, {"duplicate keys", c.DuplicateKeys}, {"unchanged", c.Unchanged}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.name, p.n))
		}
	}
	parts = append(parts, "found "+c.Found.String(), "planned "+c.Planned.String())
	if c.Ignored != (Tally{}) {
		parts = append(parts, "ignored "+c.Ignored.String())
	}
	return strings.Join(parts, ", ")
}

// String returns added, changed and removed.
func (t Tally) String() string { return fmt.Sprintf("+%d ~%d -%d", t.Added, t.Changed, t.Removed) }

// adds reports whether the counts add up (FLD-02).
func (c Counts) adds() bool {
	return c.Read == c.Found.Added+c.Found.Changed+c.Unchanged+c.NullKeys+c.Duplicates &&
		c.Found == Tally{c.Planned.Added + c.Ignored.Added, c.Planned.Changed + c.Ignored.Changed, c.Planned.Removed + c.Ignored.Removed}
}
