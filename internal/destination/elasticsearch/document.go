package elasticsearch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// maxID is how long an _id may be, in bytes.
// https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/mapping-id-field
const maxID = 512

// composer makes documents of rows.
type composer struct {
	columns []connector.TargetColumn
	match   string // the field that documents are found by; idField where they are named
}

// matched returns the value that a row's document is found by.
func (c composer) matched(r connector.Row) (value.Value, error) {
	if len(r.Match) == 0 || r.Match[0].IsNull() || r.Match[0].String() == "" {
		return value.Value{}, fmt.Errorf("the row has no %s: the matched column is empty", c.match)
	}
	switch v := r.Match[0]; v.Parsed().Kind() {
	case value.List, value.Map:
		return value.Value{}, fmt.Errorf("the matched column has a value of the type %s, which names no document", v.Kind())
	default:
		if n := len(v.String()); c.match == idField && n > maxID {
			return value.Value{}, fmt.Errorf("the row's _id has %d bytes, and at most %d can be", n, maxID)
		}
		return v, nil
	}
}

// named is the _id of a document that is added for a value of another field: the same in each attempt.
func (c composer) named(v value.Value) string {
	sum := sha256.Sum256(v.AppendJSON([]byte(c.match + "=")))
	return hex.EncodeToString(sum[:])
}

// document is what a row sets. A member of an object that the row had before and no longer has is set to null, since
// the server merges objects.
func (c composer) document(r connector.Row, match value.Value) value.Value {
	var fields []value.Field
	filled := c.match == idField
	for i, column := range c.columns {
		v := r.Values[i]
		filled = filled || column.Name == c.match
		if v.IsNull() && column.Omit {
			continue
		}
		if i < len(r.Before) {
			v = withGone(v, r.Before[i])
		}
		fields = put(fields, strings.Split(column.Name, "."), v)
	}
	if !filled {
		fields = put(fields, strings.Split(c.match, "."), match)
	}
	return value.OfMap(fields)
}

// cleared is a document that empties the mapped fields.
func (c composer) cleared() value.Value {
	var fields []value.Field
	for _, column := range c.columns {
		if column.Name != c.match {
			fields = put(fields, strings.Split(column.Name, "."), value.Value{})
		}
	}
	return value.OfMap(fields)
}

// put sets a value at a path of names.
func put(fields []value.Field, path []string, v value.Value) []value.Field {
	at := -1
	for i, f := range fields {
		if f.Name == path[0] {
			at = i
		}
	}
	if at < 0 {
		at = len(fields)
		fields = append(fields, value.Field{Name: path[0]})
	}
	if len(path) == 1 {
		fields[at].Value = v
	} else {
		fields[at].Value = value.OfMap(put(fields[at].Value.Fields(), path[1:], v))
	}
	return fields
}

// withGone returns an object with nulls for the members that only the one before had.
func withGone(now, before value.Value) value.Value {
	now, before = now.Parsed(), before.Parsed()
	if now.Kind() != value.Map || before.Kind() != value.Map {
		return now
	}
	var fields []value.Field
	for _, f := range now.Fields() {
		if old, had := before.Get(f.Name); had {
			f.Value = withGone(f.Value, old)
		}
		fields = append(fields, f)
	}
	for _, f := range before.Fields() {
		if _, has := now.Get(f.Name); !has {
			fields = append(fields, value.Field{Name: f.Name})
		}
	}
	return value.OfMap(fields)
}
