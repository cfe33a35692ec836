package template

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// filter turns one value into another. Named arguments come as one object after the others.
type filter func(s *Scope, in value.Value, args []value.Value) (value.Value, error)

// filters are all filters by name. It is filled at the start, because filters with expressions read expressions,
// which name filters.
var filters = map[string]filter{}

func init() {
	for _, family := range []map[string]filter{mathFilters, textFilters, webFilters, hashFilters, listFilters, searchFilters, dateFilters, rowFilters, lookupFilters} {
		maps.Copy(filters, family)
	}
}

var filterNames = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(filters)) })

// Filters returns the names of all filters, sorted.
func Filters() []string { return slices.Clone(filterNames()) }

// Tags returns the names of all tags that begin something, sorted.
func Tags() []string { return slices.Clone(tagNames()) }

// arg returns an argument, or null where it is missing.
func arg(args []value.Value, i int) value.Value {
	if i >= len(args) {
		return value.Value{}
	}
	return args[i]
}

// textArg returns an argument as text, or a default where it is missing.
func textArg(args []value.Value, i int, otherwise string) string {
	if i >= len(args) {
		return otherwise
	}
	return textOf(args[i])
}

// intArg returns an argument as a whole number, or a default where it is missing.
func intArg(args []value.Value, i int, otherwise int64) int64 {
	if i >= len(args) {
		return otherwise
	}
	return toInt(number(args[i]))
}

// option returns a named argument.
func option(args []value.Value, name string) value.Value {
	for _, a := range args {
		if a.Kind() == value.Map {
			if v, ok := a.Get(name); ok {
				return v
			}
		}
	}
	return value.Value{}
}

// number reads a number from anything: a text that is one, true as 1, and 0 from what is none.
func number(v value.Value) value.Value {
	switch v.Kind() {
	case value.Int, value.Float, value.Decimal:
		return v
	case value.Bool:
		if v.Bool() {
			return value.OfInt(1)
		}
		return value.OfInt(0)
	case value.Text:
		return numberIn(v.Raw())
	case value.Time, value.Day:
		return value.OfInt(v.Time().UnixMilli())
	default:
		return value.OfInt(0)
	}
}

func numberIn(text string) value.Value {
	text = strings.TrimSpace(text)
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return value.OfInt(i)
	}
	if f, ok := decimalIn(text); ok {
		return value.OfFloat(f)
	}
	return value.OfInt(0)
}

// decimalIn reads a number as people write it: not hexadecimal, infinite or with underscores, as ParseFloat also does.
func decimalIn(text string) (float64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && strings.Trim(text, "0123456789+-.eE") == ""
}

// listOf makes a list: of nothing none, of one thing one.
func listOf(v value.Value) []value.Value {
	switch v = v.Parsed(); v.Kind() {
	case value.Null:
		return nil
	case value.List:
		return v.List()
	default:
		return []value.Value{v}
	}
}

// ofText makes a filter from text to text.
func ofText(do func(string) string) filter {
	return func(s *Scope, in value.Value, _ []value.Value) (value.Value, error) {
		text := textOf(in)
		if err := s.fits(len(text)); err != nil {
			return value.Value{}, err
		}
		return value.OfText(do(text)), nil
	}
}

// reject refuses the row. The message never holds the row's value.
func reject(format string, args ...any) (value.Value, error) {
	return value.Value{}, fault.New(fault.CodeMappingReject, format, args...)
}
