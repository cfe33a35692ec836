package run

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

// fanOf returns the fan of a sync's identifiers; nil where each row is one record.
func fanOf(kind connector.SyncType, m *mapping.Mapping, match []connector.MatchPair) *mapping.Fan {
	return mapping.NewFan(kind.Identifiers, m.Columns(), match)
}

// checkFan refuses a session that cannot take several records of a row: what became of a part of them must be known
// at once, and what a row lost cannot be told without what it had.
func checkFan(kind connector.SyncType, limits connector.Limits, r rules) error {
	if len(kind.Identifiers) == 0 {
		return nil
	}
	switch {
	case limits.Deferred, limits.Idempotency == connector.Transactional:
		return fault.New(fault.CodeInternal, "the sync type %q has identifiers, and its sessions are deferred or transactional", kind.Slug)
	case r.acts[connector.Removed] && !limits.NeedBefore:
		return fault.New(fault.CodeInternal, "the sync type %q has identifiers and removes rows, and its session does not ask for the values before", kind.Slug)
	}
	return nil
}

// fanned reads rows whose identifiers may be arrays (SY-92).
type fanned struct {
	*mappedRows

	fan     *mapping.Fan
	retract bool
	earlier earlier
}

var _ delivery.RecordReader = (*fanned)(nil)

// Records fills the records of a row; for a retraction those that it had and lost.
func (f *fanned) Records(i int, next func() *connector.Row) error {
	switch {
	case f.retract:
		return f.lost(i, next)
	case f.op == connector.Removed:
		return f.removed(i, next)
	default:
		_, err := f.spread(i, next)
		return err
	}
}

// spread fills the records of the row as it is, and returns their identities.
func (f *fanned) spread(i int, next func() *connector.Row) (map[mapping.Identity]bool, error) {
	row := next()
	if err := f.Read(i, row); err != nil {
		return nil, err
	}
	row.Matched = row.Matched[:0] // it is the row's, and not that of one of its records
	whole, at := *row, row
	whole.Values, whole.Match = slices.Clone(row.Values), slices.Clone(row.Match)
	seen := map[mapping.Identity]bool{}
	err := f.fan.Records(whole.Values, whole.Match, func(id mapping.Identity, values, match []value.Value) {
		seen[id] = true
		if at == nil {
			at = like(next(), whole)
		}
		at.Values, at.Match = append(at.Values[:0], values...), append(at.Match[:0], match...)
		at = nil
	})
	return seen, err
}

// like makes a record of a row, without the values that tell records apart.
func like(record *connector.Row, row connector.Row) *connector.Row {
	record.Ordinal, record.Key = row.Ordinal, row.Key
	record.Source, record.Before = append(record.Source[:0], row.Source...), append(record.Before[:0], row.Before...)
	return record
}

// removed fills the records of a row that left the model, and of what was sent of it in doubt or in part.
func (f *fanned) removed(i int, next func() *connector.Row) error {
	seen, err := f.spread(i, next)
	if err != nil {
		return err
	}
	return f.gone(i, seen, next)
}

// lost fills the records that the row had before, or that were sent of it in doubt or in part, and that it has no
// more. A row that cannot be mapped now is refused when its own turn comes.
func (f *fanned) lost(i int, next func() *connector.Row) error {
	var scratch connector.Row
	has, err := f.spread(i, func() *connector.Row { return &scratch })
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	return f.gone(i, has, next)
}

// gone fills the records of earlier versions of the row, without those that are known.
func (f *fanned) gone(i int, known map[mapping.Identity]bool, next func() *connector.Row) error {
	for _, b := range f.versions(i) {
		version := connector.Row{Ordinal: f.first + int64(i), Key: f.key(i)}
		err := f.read(b, &version)
		if err == nil {
			err = f.fan.Records(version.Values, version.Match, func(id mapping.Identity, values, match []value.Value) {
				if id == "" || known[id] {
					return
				}
				known[id] = true
				record := like(next(), version)
				record.Values, record.Match = append(record.Values[:0], values...), append(record.Match[:0], match...)
			})
		}
		if err != nil {
			return fmt.Errorf("reading what the row had before: %w", err)
		}
	}
	return nil
}

// read maps an earlier version of a row.
func (f *fanned) read(b *mapping.Binding, row *connector.Row) (err error) {
	if row.Values, err = b.Values(row.Values); err != nil {
		return err
	}
	if row.Match, err = b.Match(row.Match); err != nil {
		return err
	}
	if f.source {
		row.Source, err = b.Source(row.Source)
	}
	return err
}

// versions yields what the row was before: as it was settled, and as it was sent since.
func (f *fanned) versions(i int) []*mapping.Binding {
	var all []*mapping.Binding
	if f.before != nil {
		f.before.Row(i, f.op)
		all = append(all, f.before)
	}
	return append(all, f.earlier.of(i, f.op)...)
}

// earlier binds what was sent of rows and has no answer.
type earlier struct {
	attempts func(row int) [][]value.Value // nil where there is none
	schema   value.Schema
	mapping  *mapping.Mapping
	vars     *mapping.Variables
}

func (e *earlier) of(i int, op connector.Operation) []*mapping.Binding {
	if e.attempts == nil {
		return nil
	}
	var all []*mapping.Binding
	for _, sent := range e.attempts(i) {
		readers := make([]value.Reader, len(sent))
		for n, v := range sent {
			readers[n] = func(int) value.Value { return v }
		}
		b := e.mapping.Bind(e.schema, readers, e.vars)
		b.Row(0, op)
		all = append(all, b)
	}
	return all
}
