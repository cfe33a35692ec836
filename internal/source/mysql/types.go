package mysql

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// native is a type as the server knows it: https://dev.mysql.com/doc/refman/8.4/en/data-types.html
type native struct {
	base     string // in small letters, without what follows
	unsigned bool
	length   int64 // of what has one, or the digits of a decimal; 0 where it is not known
	scale    int64 // digits after the point of a decimal or a second
}

// String is how columns are declared, as far as the server says it of results.
func (n native) String() string {
	name := n.base
	switch {
	case n.base == "decimal":
		name = fmt.Sprintf("decimal(%d,%d)", n.length, n.scale)
	case isTime[n.base] && n.scale > 0:
		name = fmt.Sprintf("%s(%d)", n.base, n.scale)
	case n.base == "bit" && n.length > 0, n.base == "tinyint" && n.length == 1:
		name = fmt.Sprintf("%s(%d)", n.base, n.length)
	}
	if n.unsigned {
		name += " unsigned"
	}
	return name
}

var isTime = map[string]bool{"time": true, "datetime": true, "timestamp": true}

var declared = regexp.MustCompile(`^([a-z][a-z0-9_ ]*?)\s*(?:\((\d+)(?:\s*,\s*(\d+))?\))?(?:\s.*)?$`)

// parseNative reads a type as information_schema writes it, such as decimal(12,2) unsigned.
func parseNative(text string) native {
	text = strings.ToLower(text)
	n := native{base: text}
	if m := declared.FindStringSubmatch(text); m != nil {
		n.base, _, _ = strings.Cut(m[1], " ")
		n.length, n.scale = number(m[2]), number(m[3])
	} else {
		n.base, _, _ = strings.Cut(text, "(") // enum('a','b')
	}
	n.unsigned = strings.Contains(text[strings.LastIndexByte(text, ')')+1:], " unsigned")
	if isTime[n.base] {
		n.length, n.scale = 0, n.length
	}
	return n
}

func number(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// The flag of unsigned numbers: https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__column__definition__flags.html
const flagUnsigned = 32

// notFixed is said of a number of digits that differs from value to value.
const notFixed = 31

// nativeOf is the type of a result's column, as the driver describes it.
func nativeOf(rows driver.Rows, i int) native {
	var n native
	if named, ok := rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		name := strings.ToLower(named.ColumnTypeDatabaseTypeName(i))
		n.base, n.unsigned = strings.TrimPrefix(name, "unsigned "), strings.HasPrefix(name, "unsigned ")
	}
	length, flags, known := wire(rows, i)
	if sized, ok := rows.(driver.RowsColumnTypePrecisionScale); ok {
		n.length, n.scale, _ = sized.ColumnTypePrecisionScale(i)
	}
	switch {
	case n.base == "decimal" && known && flags&flagUnsigned != 0:
		n.length++ // the driver counts a sign
		n.unsigned = true
	case n.base != "decimal" && known:
		n.length = length
	case n.base != "decimal":
		n.length = 0
	}
	return n
}

// wire returns what the server says of a column's length and flags. The driver keeps both and tells neither, so that
// TINYINT(1), which is MySQL's BOOLEAN, and BIT(1) could not be told from numbers; they are read where it keeps them. A
// driver that keeps them elsewhere yields nothing, and the columns read as numbers.
func wire(rows driver.Rows, i int) (length int64, flags uint64, known bool) {
	v := reflect.ValueOf(rows)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return 0, 0, false
	}
	set := v.Elem().FieldByName("rs")
	if !set.IsValid() || set.Kind() != reflect.Struct {
		return 0, 0, false
	}
	columns := set.FieldByName("columns")
	if !columns.IsValid() || columns.Kind() != reflect.Slice || i >= columns.Len() || columns.Index(i).Kind() != reflect.Struct {
		return 0, 0, false
	}
	l, f := columns.Index(i).FieldByName("length"), columns.Index(i).FieldByName("flags")
	if !l.IsValid() || !f.IsValid() || !l.CanUint() || !f.CanUint() {
		return 0, 0, false
	}
	return int64(l.Uint()), f.Uint(), true
}

// columnsOf plans how to read the columns of a result; said are their comments.
func (s *Source) columnsOf(rows driver.Rows, said map[string]string) ([]column, error) {
	names := rows.Columns()
	columns := make([]column, len(names))
	for i, name := range names {
		n := nativeOf(rows, i)
		if isTime[n.base] && n.scale == notFixed && s.product.prepares {
			return nil, fault.New(fault.CodeSourceType, "the column %s has no fixed number of digits after the second", strconv.Quote(name)).
				WithSuggestion("Cast it: CAST(… AS %s(6)).", strings.ToUpper(n.base))
		}
		columns[i] = s.column(name, n)
		if text := said[name]; text != "" {
			m := columns[i].field.Metadata
			columns[i].field.Metadata = arrow.NewMetadata(append(slices.Clone(m.Keys()), value.MetaDescription), append(slices.Clone(m.Values()), text))
		}
	}
	return columns, nil
}

// column says how a column of the type is read. What has no form of its own in Arrow travels as text.
//
//   - DATETIME has no time zone: it is read as if it were of UTC, since that is the only reading that is the same for
//     every server and every season. TIMESTAMP is an instant, and the session asks for it in UTC.
//   - TIME is a span of up to 838 hours as much as a time of day: it stays text.
//   - GEOMETRY and VECTOR are the server's own bytes; ST_AsText, ST_AsGeoJSON and VEC_ToText make texts of them.
//   - JSON is text in MariaDB, which does not say that it is more (https://mariadb.com/kb/en/json/).
func (s *Source) column(name string, n native) column {
	c := s.plan(n)
	c.field.Name, c.field.Nullable = name, true
	keys, values := []string{value.MetaNative}, []string{n.String()}
	if c.as != "" {
		keys, values = append(keys, value.MetaType), append(values, string(c.as))
	}
	c.field.Metadata = arrow.NewMetadata(keys, values)
	return c
}

func (s *Source) plan(n native) column {
	switch n.base {
	case "tinyint":
		if n.length == 1 && !n.unsigned && !s.numeric {
			return booleanColumn(putBoolean)
		}
		return integerColumn()
	case "smallint", "mediumint", "int", "integer", "year":
		return integerColumn()
	case "bigint":
		if n.unsigned {
			return unsignedColumn(putUnsigned)
		}
		return integerColumn()
	case "bit":
		if n.length == 1 {
			return booleanColumn(putBit)
		}
		return unsignedColumn(putBits)
	case "float":
		return floatColumn()
	case "double", "real":
		return doubleColumn()
	case "decimal", "numeric":
		return decimalColumn(n)
	case "date":
		return dateColumn()
	case "datetime":
		return timestampColumn("")
	case "timestamp":
		return timestampColumn("UTC")
	case "json":
		return textColumn(value.TypeObject)
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector", "geometry", "point", "linestring", "polygon",
		"multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection", "geography", "geographypoint":
		return bytesColumn()
	default:
		return textColumn("")
	}
}
