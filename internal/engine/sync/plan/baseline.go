package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
)

// Baseline is what was settled last, per key: the staged rows whose key is not in the overlay, and the
// overlay's rows that are kept or dirty. It survives as JSON. Names are relative to a folder that the
// caller names whenever it hands the baseline back, and may be changed as the files are moved.
type Baseline struct {
	Files   []string `json:"files,omitempty"`   // of the run's Staged
	Overlay string   `json:"overlay,omitempty"` // exceptions; empty means none
	Tables  *Tables  `json:"tables,omitempty"`  // instead of Files and Overlay: where a warehouse has them
	Layout
	Rows    int64 `json:"rows"`    // keys that the destination has, as far as is known
	Overlap int64 `json:"overlap"` // keys in the overlay
	Dirty   int64 `json:"dirty"`   // of those, keys whose outcome is unknown

	Duplicates bool `json:"duplicates,omitempty"` // in a warehouse: keys appeared twice, and may again
}

// Tables are what was settled last in a warehouse: the staged rows, and the overlay.
type Tables struct {
	Plan       query.TableRef `json:"plan"`
	Rejections query.TableRef `json:"rejections"`
}

// The states of a key in an overlay.
const (
	StateAbsent = "absent"
	StateKept   = "kept"
	StateDirty  = "dirty"
)

// check finds the baseline's files in dir.
func (b *Baseline) check(dir string) error {
	for _, name := range b.names() {
		path, err := local(dir, name)
		if err != nil {
			return err
		}
		p, err := openParquet(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fault.New(fault.CodeRunBaseline, "the baseline's file %q is gone", name)
		case err != nil:
			return fault.Wrap(err, fault.CodeRunBaseline, "the baseline's file %q cannot be read", name)
		}
		if err := p.Close(); err != nil {
			return fault.Wrap(err, fault.CodeRunBaseline, "the baseline's file %q cannot be read", name)
		}
	}
	return nil
}

func (b *Baseline) names() []string {
	if b.Overlay == "" {
		return b.Files
	}
	return append(slices.Clone(b.Files), b.Overlay)
}

// Comparison is how the hashes of two layouts are compared.
type Comparison struct {
	Direct bool  // the hashes that were staged are comparable
	Shared []int // positions, in the current layout, of the compared columns that both have
}

// CompareWith says how rows of the layout l are compared with rows of an older one. Hashes of another
// DuckDB, of other columns or of other types say nothing; the values do, for the columns that both
// layouts have.
func (l Layout) CompareWith(old Layout) Comparison {
	c := Comparison{Direct: l.HashVersion == old.HashVersion && slices.Equal(l.Compare, old.Compare)}
	for _, p := range l.ComparePositions() {
		o := old.Schema.Index(l.Schema[p].Name)
		if o < 0 {
			continue
		}
		c.Shared = append(c.Shared, p)
		c.Direct = c.Direct && old.Physical[o] == l.Physical[p]
	}
	return c
}

// hash is the SQL of a row's hash; prefix names the table.
func (c Comparison) hash() string {
	if c.Direct {
		return "_h"
	}
	return hashOf("", c.Shared)
}

// current is the relation of the staged rows: _k, _x (the hash to compare by) and the kept columns.
func (s Staged) current(c Comparison) (string, error) {
	paths, err := locals(s.Dir, s.Files)
	if err != nil {
		return "", err
	}
	return "SELECT _k, " + c.hash() + " AS _x, " + columnList("c", len(s.Schema)) + " FROM " + parquet(paths...), nil
}

// relation is the SQL of the baseline's rows as the layout l sees them: columns are found by name, and
// those that the baseline does not have are null. hash is computed over l's columns.
//
// Its columns: _k, _x (null where the row must be planned again), _held (whether c0 … were settled),
// _dirty, _op (the operation in doubt), _attempts (values sent in doubt), c0 …, p0 … (of previous).
func (b *Baseline) relation(dir string, l Layout, previous []string, c Comparison) (string, error) {
	files, err := locals(dir, b.Files)
	if err != nil {
		return "", err
	}
	view := view{old: b.Layout, now: l, previous: previous, hash: c}
	if b.Overlay == "" {
		return view.sql(parquet(files...), "_h", "true AS _held, false AS _dirty, NULL::VARCHAR AS _op, "+view.noAttempts()), nil
	}
	path, err := local(dir, b.Overlay)
	if err != nil {
		return "", err
	}
	overlay := parquet(path)
	settled := "(SELECT * FROM " + parquet(files...) + " AS f ANTI JOIN " + overlay + " AS o ON f._k = o._k)"
	excepted := "(SELECT * FROM " + overlay + " WHERE _state <> '" + StateAbsent + "')"
	attempts := view.noAttempts()
	if b.Dirty > 0 {
		attempts = view.attempts() + " AS _attempts"
	}
	return view.sql(settled, "_h", "true AS _held, false AS _dirty, NULL::VARCHAR AS _op, "+view.noAttempts()) +
		" UNION ALL " +
		view.sql(excepted, "_h", "_held, _state = '"+StateDirty+"' AS _dirty, _op, "+attempts), nil
}

// view translates rows of an older layout.
type view struct {
	old, now Layout
	previous []string
	hash     Comparison
}

func (v view) sql(from, stored, flags string) string {
	hash := stored
	if !v.hash.Direct {
		hash = "CASE WHEN " + stored + " IS NOT NULL THEN " + hashOf("n", v.hash.Shared) + " END"
	}
	columns := []string{"_k", hash + " AS _x", flags}
	for i := range v.now.Schema {
		columns = append(columns, fmt.Sprintf("nc%d AS c%d", i, i))
	}
	for i := range v.previous {
		columns = append(columns, fmt.Sprintf("p%d", i))
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM (SELECT *, " + strings.Join(v.translated(), ", ") + " FROM " + from + ")"
}

// translated names the current columns nc0 … and the previous values p0 ….
func (v view) translated() []string {
	var columns []string
	for i, col := range v.now.Schema {
		columns = append(columns, v.column("", col.Name, v.now.Physical[i])+fmt.Sprintf(" AS nc%d", i))
	}
	for i, name := range v.previous {
		columns = append(columns, v.column("", name, v.previousType(name))+fmt.Sprintf(" AS p%d", i))
	}
	return columns
}

// previousType is the type of a previous value: today's where the column still exists.
func (v view) previousType(name string) string {
	if i := v.now.Schema.Index(name); i >= 0 {
		return v.now.Physical[i]
	}
	if i := v.old.Schema.Index(name); i >= 0 {
		return v.old.Physical[i]
	}
	return "VARCHAR"
}

// column is the SQL of an old column as today's type. What does not convert is null.
func (v view) column(prefix, name, physical string) string {
	o := v.old.Schema.Index(name)
	switch {
	case o < 0:
		return "NULL::" + physical
	case v.old.Physical[o] == physical:
		return fmt.Sprintf("%sc%d", prefix, o)
	default:
		return fmt.Sprintf("TRY_CAST(%sc%d AS %s)", prefix, o, physical)
	}
}

// attemptType is the type of _attempts.
func (l Layout) attemptType() string {
	fields := make([]string, len(l.Physical))
	for i, physical := range l.Physical {
		fields[i] = fmt.Sprintf("c%d %s", i, physical)
	}
	return "STRUCT(" + strings.Join(fields, ", ") + ")[]"
}

func (v view) noAttempts() string { return "NULL::" + v.now.attemptType() + " AS _attempts" }

// attempts translates what was sent in doubt.
func (v view) attempts() string {
	fields := make([]string, len(v.now.Schema))
	for i, col := range v.now.Schema {
		fields[i] = fmt.Sprintf("c%d := %s", i, v.column("a.", col.Name, v.now.Physical[i]))
	}
	return "list_transform(_attempts, lambda a: struct_pack(" + strings.Join(fields, ", ") + "))"
}

func locals(dir string, names []string) ([]string, error) {
	paths := make([]string, len(names))
	for i, name := range names {
		path, err := local(dir, name)
		if err != nil {
			return nil, err
		}
		paths[i] = path
	}
	return paths, nil
}

// columnList is "c0, c1, …", or with a table before each.
func columnList(prefix string, n int) string {
	columns := make([]string, n)
	for i := range columns {
		columns[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return strings.Join(columns, ", ")
}
