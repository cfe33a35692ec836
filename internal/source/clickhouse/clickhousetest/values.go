package clickhousetest

import (
	"strings"
	"time"
	_ "time/tzdata" // zones that the machine may lack

	"github.com/millrace/millrace/internal/value"
)

// names are ClickHouse's of DuckDB's types.
var names = map[string]string{
	"BOOLEAN": "Bool", "TINYINT": "Int8", "SMALLINT": "Int16", "INTEGER": "Int32", "BIGINT": "Int64", "HUGEINT": "Int128", "UBIGINT": "UInt64",
	"FLOAT": "Float32", "DOUBLE": "Float64", "VARCHAR": "String", "BLOB": "String", "DATE": "Date32", "TIMESTAMP WITH TIME ZONE": "DateTime64(6)",
	"TIMESTAMP": "DateTime64(6, 'UTC')", "UUID": "UUID", "JSON": "JSON", `"NULL"`: "Nothing", "TIME": "String",
}

func typeName(duck string, nullable bool) string {
	wrap := func(s string) string {
		if nullable {
			return "Nullable(" + s + ")"
		}
		return s
	}
	switch {
	case names[duck] == "JSON":
		return "JSON"
	case names[duck] != "":
		return wrap(names[duck])
	case strings.HasSuffix(duck, "]"):
		return "Array(" + typeName(duck[:strings.LastIndexByte(duck, '[')], true) + ")"
	case strings.HasPrefix(duck, "DECIMAL("):
		return wrap("Decimal(" + duck[len("DECIMAL("):])
	case strings.HasPrefix(duck, "MAP("):
		key, item, _ := strings.Cut(duck[len("MAP("):len(duck)-1], ", ")
		return "Map(" + typeName(key, false) + ", " + typeName(item, true) + ")"
	default:
		return wrap("Unknown_" + strings.ToLower(duck))
	}
}

// cell writes a value as JSON.
func (s *Server) cell(dst []byte, v value.Value, duck string, iso bool) []byte {
	switch {
	case v.IsNull():
		return append(dst, "null"...)
	case v.Kind() == value.Bytes:
		return append(append(append(dst, '"'), v.Raw()...), '"')
	case strings.HasPrefix(duck, "TIMESTAMP") && !strings.HasSuffix(duck, "]"):
		at := v.Time().UTC()
		if iso {
			return append(dst, at.Format(`"2006-01-02T15:04:05.000000Z"`)...)
		}
		if duck != "TIMESTAMP" {
			l, err := time.LoadLocation(s.zone())
			if err != nil {
				panic(err) // a mistake of the test
			}
			at = at.In(l)
		}
		return append(dst, at.Format(`"2006-01-02 15:04:05.000000"`)...)
	default:
		return v.AppendJSON(dst)
	}
}
