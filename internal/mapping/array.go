package mapping

import (
	"strings"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Arrays returns the columns that hold arrays of plain values: those of the database's own arrays, and those of JSON
// or text whose rows all show one (SY-91). A row in which they do not is rejected when the array is expanded.
func (s *Sample) Arrays() []string {
	var names []string
	for i, c := range s.Schema {
		if s.holdsArrays(i, query.ArrayOf(c.Type, c.Native)) {
			names = append(names, c.Name)
		}
	}
	return names
}

func (s *Sample) holdsArrays(column int, kind query.ArrayKind) bool {
	if kind == query.NativeArray || kind == query.NoArray {
		return kind == query.NativeArray
	}
	seen := false
	for _, row := range s.Rows {
		v := row[column]
		if v.Kind() == value.Text {
			v = fromText(v.Raw())
		}
		if v = v.Parsed(); v.IsNull() {
			continue
		}
		if !plainArray(v) {
			return false
		}
		seen = true
	}
	return seen
}

// fromText reads a text as JSON; one that is blank is null.
func fromText(text string) value.Value {
	if strings.TrimSpace(text) == "" {
		return value.Value{}
	}
	v, err := value.ParseJSON(text)
	if err != nil {
		return value.OfText(text)
	}
	return v
}

func plainArray(v value.Value) bool {
	if v.Kind() != value.List {
		return false
	}
	for _, item := range v.List() {
		if k := item.Parsed().Kind(); k == value.List || k == value.Map {
			return false
		}
	}
	return true
}
