package clickhouse

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/source/trino/trinotype"
)

// The types, as what their JSON is read like: https://clickhouse.com/docs/sql-reference/data-types
var types = map[string]trinotype.Type{
	"Bool": {Base: "boolean"}, "Int8": {Base: "tinyint"}, "UInt8": {Base: "smallint"}, "Int16": {Base: "smallint"}, "UInt16": {Base: "integer"},
	"Int32": {Base: "integer"}, "UInt32": {Base: "bigint"}, "Int64": {Base: "bigint"}, "UInt64": {Base: "decimal", Precision: 20},
	"Int128": {Base: "decimal"}, "UInt128": {Base: "decimal"}, "Int256": {Base: "decimal"}, "UInt256": {Base: "decimal"},
	"Float32": {Base: "real"}, "Float64": {Base: "double"}, "BFloat16": {Base: "real"}, "Date": {Base: "date"}, "Date32": {Base: "date"},
	"JSON": {Base: "json"}, "Object": {Base: "json"},
}

// precisions are those of the decimals that have theirs in the name.
var precisions = map[string]int{"Decimal32": 9, "Decimal64": 18, "Decimal128": 38, "Decimal256": 76}

// typeOf says how values of a type are read; zone is that of instants that have none of their own. What is not known is
// read as text, or as JSON where the server writes a list or an object.
func typeOf(native, zone string) trinotype.Type {
	t := parsed(native, zone, 0)
	t.Text = native
	return t
}

// maxDepth is how deep a type may be nested.
const maxDepth = 64

func parsed(native, zone string, depth int) trinotype.Type {
	name, inside, _ := strings.Cut(native, "(")
	args := arguments(strings.TrimSuffix(inside, ")"))
	if known, ok := types[name]; ok {
		return known
	}
	if depth > maxDepth {
		return trinotype.Type{Base: "varchar"}
	}
	of := func(i int) trinotype.Type { return parsed(args[i], zone, depth+1) }
	switch {
	case (name == "Nullable" || name == "LowCardinality") && len(args) == 1:
		return of(0)
	case name == "SimpleAggregateFunction" && len(args) > 1:
		return of(len(args) - 1)
	case name == "Array" && len(args) == 1:
		return trinotype.Type{Base: "array", Args: []trinotype.Type{of(0)}}
	case name == "Map" && len(args) == 2:
		return trinotype.Type{Base: "map", Args: []trinotype.Type{of(0), of(1)}}
	case name == "Tuple":
		return tuple(args, zone, depth)
	case name == "Nested":
		return trinotype.Type{Base: "array", Args: []trinotype.Type{tuple(args, zone, depth)}}
	case name == "Decimal" && len(args) == 2:
		return decimal(args[0], args[1])
	case precisions[name] > 0 && len(args) == 1:
		return decimal(strconv.Itoa(precisions[name]), args[0])
	case name == "DateTime" || name == "DateTime64":
		if n := len(args); n > 0 && strings.HasPrefix(args[n-1], "'") {
			zone = strings.Trim(args[n-1], "'")
		}
		return trinotype.Type{Base: "timestamp with time zone", Zone: zone}
	default:
		return trinotype.Type{Base: "varchar"}
	}
}

func decimal(precision, scale string) trinotype.Type {
	p, err1 := strconv.Atoi(precision)
	s, err2 := strconv.Atoi(scale)
	if err1 != nil || err2 != nil {
		return trinotype.Type{Base: "varchar"}
	}
	return trinotype.Type{Base: "decimal", Precision: p, Scale: s}
}

// tuple reads (a Int32, `b c` String) or (Int32, String).
func tuple(args []string, zone string, depth int) trinotype.Type {
	t := trinotype.Type{Base: "row"}
	for i, a := range args {
		name, native := field(a)
		if name == "" {
			name = strconv.Itoa(i + 1) // what the server calls an element without a name
		}
		t.Names, t.Args = append(t.Names, name), append(t.Args, parsed(native, zone, depth+1))
	}
	return t
}

// field tells the name of an element from its type.
func field(text string) (name, native string) {
	if strings.HasPrefix(text, "`") {
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '`':
				return unescape(text[1:i]), strings.TrimSpace(text[i+1:])
			}
		}
	}
	first, rest, spaced := strings.Cut(text, " ")
	if !spaced || strings.ContainsAny(first, "(,'") {
		return "", text
	}
	return first, strings.TrimSpace(rest)
}

func unescape(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '\\' && i+1 < len(name) {
			i++
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// arguments splits at commas that stand in no parentheses and no quotes.
func arguments(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	var all []string
	depth, begin, quote := 0, 0, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '`' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			all, begin = append(all, strings.TrimSpace(text[begin:i])), i+1
		}
	}
	return append(all, strings.TrimSpace(text[begin:]))
}
