package bigquerytest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	rest "google.golang.org/api/bigquery/v2"
)

// types are DuckDB's types as BigQuery calls what holds them.
var types = map[string]string{
	"BIGINT": "INTEGER", "INTEGER": "INTEGER", "SMALLINT": "INTEGER", "TINYINT": "INTEGER", "HUGEINT": "INTEGER", "UBIGINT": "INTEGER", "UINTEGER": "INTEGER",
	`"NULL"`: "INTEGER", "DOUBLE": "FLOAT", "FLOAT": "FLOAT", "BOOLEAN": "BOOLEAN", "VARCHAR": "STRING", "BLOB": "BYTES", "DATE": "DATE", "TIME": "TIME",
	"TIMESTAMP": "DATETIME", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "JSON": "JSON", "INTERVAL": "INTERVAL",
}

// fieldOf describes a column of DuckDB as BigQuery would.
func fieldOf(name, duck string) (*rest.TableFieldSchema, error) {
	f := &rest.TableFieldSchema{Name: name, Mode: "NULLABLE"}
	if items, list := strings.CutSuffix(duck, "[]"); list {
		inner, err := fieldOf(name, items)
		if err != nil {
			return nil, err
		}
		if inner.Mode == "REPEATED" {
			return nil, failure(http.StatusBadRequest, "invalidQuery", "Cannot construct array with element type ARRAY because nested arrays are not supported")
		}
		inner.Mode = "REPEATED"
		return inner, nil
	}
	if members, ok := strings.CutPrefix(duck, "STRUCT("); ok {
		f.Type = "RECORD"
		for _, member := range split(strings.TrimSuffix(members, ")")) {
			name, typ, err := cutName(member)
			if err != nil {
				return nil, err
			}
			inner, err := fieldOf(name, typ)
			if err != nil {
				return nil, err
			}
			f.Fields = append(f.Fields, inner)
		}
		return f, nil
	}
	if digits, ok := strings.CutPrefix(duck, "DECIMAL("); ok {
		return decimal(f, digits)
	}
	var known bool
	if f.Type, known = types[duck]; !known {
		return nil, fmt.Errorf("the stand-in has no type for %s", duck)
	}
	return f, nil
}

// decimal: NUMERIC has 29 digits before the point and 9 behind it.
func decimal(f *rest.TableFieldSchema, digits string) (*rest.TableFieldSchema, error) {
	precision, scale, _ := strings.Cut(strings.TrimSuffix(digits, ")"), ",")
	var err error
	if f.Precision, err = strconv.ParseInt(precision, 10, 64); err != nil {
		return nil, err
	}
	if f.Scale, err = strconv.ParseInt(scale, 10, 64); err != nil {
		return nil, err
	}
	f.Type = "NUMERIC"
	if f.Precision-f.Scale > 29 || f.Scale > 9 {
		f.Type = "BIGNUMERIC"
	}
	return f, nil
}

// split cuts at commas that stand in no parentheses and no quotes.
func split(text string) []string {
	var parts []string
	depth, quoted, from := 0, false, 0
	for i, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(text[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(text[from:]))
}

func cutName(member string) (name, typ string, err error) {
	if strings.HasPrefix(member, `"`) {
		end := strings.Index(member[1:], `" `)
		if end < 0 {
			return "", "", fmt.Errorf("a member without a type: %s", member)
		}
		return strings.ReplaceAll(member[1:end+1], `""`, `"`), member[end+3:], nil
	}
	name, typ, ok := strings.Cut(member, " ")
	if !ok {
		return "", "", fmt.Errorf("a member without a type: %s", member)
	}
	return name, typ, nil
}

// unparameterized is a field of a result: results do not keep the digits of decimals.
// https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#parameterized_data_types
func unparameterized(f *rest.TableFieldSchema) *rest.TableFieldSchema {
	c := *f
	c.Precision, c.Scale = 0, 0
	c.Fields = nil
	for _, inner := range f.Fields {
		c.Fields = append(c.Fields, unparameterized(inner))
	}
	return &c
}

// castTo is DuckDB's type that holds a field's values in the form in which they are sent; scale is of BIGNUMERIC.
func castTo(f *rest.TableFieldSchema) string {
	suffix := ""
	if f.Mode == "REPEATED" {
		suffix = "[]"
	}
	switch f.Type {
	case "INTEGER":
		return "BIGINT" + suffix
	case "FLOAT":
		return "DOUBLE" + suffix
	case "NUMERIC":
		return "DECIMAL(38, 9)" + suffix
	case "BIGNUMERIC":
		return fmt.Sprintf("DECIMAL(38, %d)%s", f.Scale, suffix)
	case "JSON":
		return "VARCHAR" + suffix
	case "RECORD":
		parts := make([]string, len(f.Fields))
		for i, inner := range f.Fields {
			parts[i] = quote(inner.Name) + " " + castTo(inner)
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")" + suffix
	default:
		for duck, name := range map[string]string{"BOOLEAN": "BOOLEAN", "VARCHAR": "STRING", "BLOB": "BYTES", "DATE": "DATE", "TIME": "TIME", "TIMESTAMP": "DATETIME", "TIMESTAMPTZ": "TIMESTAMP", "INTERVAL": "INTERVAL"} {
			if name == f.Type {
				return duck + suffix
			}
		}
		return "VARCHAR" + suffix
	}
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
