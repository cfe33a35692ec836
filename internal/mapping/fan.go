package mapping

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// MaxRecords is how many records one row may become.
const MaxRecords = 10_000

// Fan makes a record of each element of the arrays in a row's identifiers (SY-92, SY-93). It holds no rows and is safe
// for concurrent use.
type Fan struct {
	groups [][]int // places of the identifiers, in the values and behind them in the match values
	values int     // how many values a row has
}

// NewFan returns the fan of a sync type's identifiers, as far as they are mapped or matched by; nil where none is.
func NewFan(ids connector.Identifiers, columns []connector.TargetColumn, match []connector.MatchPair) *Fan {
	f := &Fan{values: len(columns)}
	for _, group := range ids {
		var places []int
		for i, c := range columns {
			if slices.Contains(group, c.Name) {
				places = append(places, i)
			}
		}
		for i, pair := range match {
			if slices.Contains(group, pair.To) {
				places = append(places, len(columns)+i)
			}
		}
		if len(places) > 0 {
			f.groups = append(f.groups, places)
		}
	}
	if len(f.groups) == 0 {
		return nil
	}
	return f
}

// Identity is the values of a record's identifiers, to compare records of one row by. It is empty where all of them are
// null.
type Identity string

func identityOf(values []value.Value) Identity {
	var b strings.Builder
	some := false
	for _, v := range values {
		some = some || !v.IsNull()
		b.WriteString(v.Kind().String())
		b.WriteString(strings.NewReplacer(`\`, `\\`, ";", `\;`).Replace(v.String()))
		b.WriteByte(';')
	}
	if !some {
		return ""
	}
	return Identity(b.String())
}

// Applies reports whether one of the row's identifiers is an array.
func (f *Fan) Applies(values, match []value.Value) bool {
	for _, places := range f.groups {
		for _, place := range places {
			if place < f.values && isArray(values[place]) || place >= f.values && isArray(match[place-f.values]) {
				return true
			}
		}
	}
	return false
}

// Records calls each with the values and match values of every record of a row, and its identity. They are valid until
// the next call. A row without arrays is one record: the row itself. An array that is empty is null, and so is what a
// shorter array of a group lacks; a record without any identifier of a group is left out. An error refuses the row.
func (f *Fan) Records(values, match []value.Value, each func(id Identity, values, match []value.Value)) error {
	all := slices.Concat(values, match)
	combinations := make([][][]value.Value, len(f.groups))
	total := 1
	for i, places := range f.groups {
		tuples, err := zip(all, places)
		if err != nil {
			return err
		}
		combinations[i] = tuples
		if total *= len(tuples); total > MaxRecords {
			return fault.New(fault.CodeMappingReject, "the arrays of identifiers make more than %d records", MaxRecords).
				WithSuggestion("Send fewer identifiers for a row: every combination of independent ones is a record.")
		}
	}
	chosen := make([]int, len(f.groups))
	var identifiers []value.Value
	for range total {
		identifiers = identifiers[:0]
		for i, places := range f.groups {
			for n, place := range places {
				all[place] = combinations[i][chosen[i]][n]
				identifiers = append(identifiers, all[place])
			}
		}
		each(identityOf(identifiers), all[:f.values], all[f.values:])
		advance(chosen, combinations)
	}
	return nil
}

// advance goes on to the next combination, the last group fastest.
func advance(chosen []int, combinations [][][]value.Value) {
	for i := len(chosen) - 1; i >= 0; i-- {
		if chosen[i]++; chosen[i] < len(combinations[i]) {
			return
		}
		chosen[i] = 0
	}
}

// zip makes tuples of the values at some places: elements of arrays by their index, and any other value in each.
func zip(all []value.Value, places []int) ([][]value.Value, error) {
	arrays := make([][]value.Value, len(places))
	longest, several := 0, false
	for i, place := range places {
		if v := all[place]; isArray(v) {
			arrays[i], several = v.Parsed().List(), true
			if arrays[i] == nil {
				arrays[i] = []value.Value{}
			}
			longest = max(longest, len(arrays[i]))
		}
	}
	if longest > MaxRecords {
		return nil, fault.New(fault.CodeMappingReject, "an array of identifiers has %d elements, and a row may become %d records", longest, MaxRecords)
	}
	var tuples [][]value.Value
	seen := map[Identity]bool{}
	for n := range max(longest, 1) {
		tuple, empty, err := tupleAt(all, places, arrays, n)
		if err != nil {
			return nil, err
		}
		if id := identityOf(tuple); !seen[id] && (!empty || !several) {
			seen[id] = true
			tuples = append(tuples, tuple)
		}
	}
	if len(tuples) == 0 { // the arrays have nothing: as null
		tuple, _, err := tupleAt(all, places, arrays, longest)
		return [][]value.Value{tuple}, err
	}
	return tuples, nil
}

// tupleAt is the values at an index of the arrays, and whether no array has anything there.
func tupleAt(all []value.Value, places []int, arrays [][]value.Value, n int) (tuple []value.Value, empty bool, err error) {
	tuple, empty = make([]value.Value, len(places)), true
	for i, place := range places {
		switch {
		case arrays[i] == nil:
			tuple[i] = all[place]
		case n < len(arrays[i]):
			tuple[i] = arrays[i][n].Parsed()
			empty = empty && tuple[i].IsNull()
		}
		if k := tuple[i].Kind(); arrays[i] != nil && (k == value.List || k == value.Map) {
			return nil, false, fault.New(fault.CodeMappingReject, "element %d of an array of identifiers is no plain value", n+1)
		}
	}
	return tuple, empty, nil
}

// isArray reports whether a value is a list: text that looks like one is not.
func isArray(v value.Value) bool {
	return v.Kind() == value.List || v.Kind() == value.JSON && strings.HasPrefix(strings.TrimLeft(v.Raw(), " \t\r\n"), "[")
}
