package trinotest

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
	"github.com/millrace/millrace/internal/value"
)

// names are Trino's of DuckDB's types.
var names = map[string]string{
	"BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "integer", "BIGINT": "bigint", "HUGEINT": "decimal(38,0)",
	"FLOAT": "real", "DOUBLE": "double", "VARCHAR": "varchar", "BLOB": "varbinary", "DATE": "date", "TIME": "time(6)", "TIMESTAMP": "timestamp(6)",
	"TIMESTAMP WITH TIME ZONE": "timestamp(6) with time zone", "UUID": "uuid", "JSON": "json", "INTERVAL": "interval day to second", `"NULL"`: "unknown",
	"UBIGINT": "decimal(20,0)", "UINTEGER": "bigint",
}

// TypeName is Trino's name of a type of DuckDB.
func TypeName(duck string) string {
	if known := names[duck]; known != "" {
		return known
	}
	switch {
	case strings.HasSuffix(duck, "]"):
		return "array(" + TypeName(duck[:strings.LastIndexByte(duck, '[')]) + ")"
	case strings.HasPrefix(duck, "DECIMAL("):
		return strings.ToLower(duck)
	case strings.HasPrefix(duck, "MAP("):
		parts := parts(duck[len("MAP(") : len(duck)-1])
		return "map(" + TypeName(parts[0]) + ", " + TypeName(parts[1]) + ")"
	case strings.HasPrefix(duck, "STRUCT("):
		fields := parts(duck[len("STRUCT(") : len(duck)-1])
		for i, f := range fields {
			name, kind := field(f)
			fields[i] = `"` + strings.ReplaceAll(name, `"`, `""`) + `" ` + TypeName(kind)
		}
		return "row(" + strings.Join(fields, ", ") + ")"
	default:
		return "plugin_" + strings.ToLower(duck)
	}
}

// parts splits at commas that stand in no parentheses and no quotes.
func parts(text string) []string {
	var all []string
	depth, begin, quoted := 0, 0, false
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
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

func field(text string) (name, kind string) {
	if text[0] != '"' {
		name, kind, _ = strings.Cut(text, " ")
		return name, kind
	}
	end := 1
	for end < len(text) && (text[end] != '"' || end+1 < len(text) && text[end+1] == '"') {
		if text[end] == '"' {
			end++
		}
		end++
	}
	return strings.ReplaceAll(text[1:end], `""`, `"`), strings.TrimSpace(text[end+1:])
}

// Cells reads a column of a batch as JSON.
func Cells(f arrow.Field, col arrow.Array, t trinotype.Type) (func(row int) json.RawMessage, error) {
	read, err := value.NewReader(f, col)
	if err != nil {
		return nil, err
	}
	return func(row int) json.RawMessage {
		switch a := col.(type) {
		case *array.Float64:
			if v := a.Value(row); !a.IsNull(row) && (math.IsNaN(v) || math.IsInf(v, 0)) {
				return special(v)
			}
		case *array.Float32:
			if v := float64(a.Value(row)); !a.IsNull(row) && (math.IsNaN(v) || math.IsInf(v, 0)) {
				return special(v)
			}
		}
		return cell(read(row), t)
	}, nil
}

func special(v float64) json.RawMessage {
	switch {
	case math.IsNaN(v):
		return json.RawMessage(`"NaN"`)
	case v > 0:
		return json.RawMessage(`"Infinity"`)
	default:
		return json.RawMessage(`"-Infinity"`)
	}
}

func cell(v value.Value, t trinotype.Type) json.RawMessage {
	if v.IsNull() {
		return json.RawMessage("null")
	}
	switch t.Base {
	case "boolean", "tinyint", "smallint", "integer", "bigint", "real", "double":
		return json.RawMessage(v.String())
	case "array":
		return list(v.Parsed().List(), func(int) trinotype.Type { return t.Args[0] })
	case "row":
		fields := v.Parsed().Fields()
		values := make([]value.Value, len(fields))
		for i, f := range fields {
			values[i] = f.Value
		}
		return list(values, func(i int) trinotype.Type { return t.Args[i] })
	case "map":
		var all []string
		for _, f := range v.Parsed().Fields() {
			all = append(all, string(value.AppendJSONString(nil, f.Name))+":"+string(cell(f.Value, t.Args[1])))
		}
		return json.RawMessage("{" + strings.Join(all, ",") + "}")
	default:
		return value.AppendJSONString(nil, Text(v, t))
	}
}

func list(items []value.Value, of func(int) trinotype.Type) json.RawMessage {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = string(cell(item, of(i)))
	}
	return json.RawMessage("[" + strings.Join(all, ",") + "]")
}

// Text is a scalar as servers write it.
func Text(v value.Value, t trinotype.Type) string {
	switch t.Base {
	case "varbinary":
		return base64.StdEncoding.EncodeToString([]byte(v.Raw()))
	case "timestamp":
		return v.Time().UTC().Format("2006-01-02 15:04:05.000000")
	case "timestamp with time zone":
		return v.Time().UTC().Format("2006-01-02 15:04:05.000000") + " UTC"
	case "decimal":
		text := v.String()
		if whole, fraction, _ := strings.Cut(text, "."); len(fraction) < t.Scale {
			return whole + "." + fraction + strings.Repeat("0", t.Scale-len(fraction))
		}
		return text
	default:
		return v.String()
	}
}
