package hubspot

import (
	"cmp"
	"slices"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

// property is a mapped property of the object.
type property struct {
	manifest.Column

	key []byte // its name as JSON with the colon
}

// propertiesOf are the mapped properties in the order of their names.
func propertiesOf(r *manifest.Run) []property {
	columns := r.Columns("fields")
	slices.SortFunc(columns, func(a, b manifest.Column) int { return cmp.Compare(a.Name, b.Name) })
	all := make([]property, len(columns))
	for i, c := range columns {
		all[i] = property{c, append(value.AppendJSONString(nil, c.Name), ':')}
	}
	return all
}

// sends reports whether the row has a property to send.
func (s *session) sends(it *item, name string) bool {
	return slices.ContainsFunc(s.properties, func(p property) bool {
		_, sends := it.row.Sent(p.Column)
		return p.Name == name && sends
	})
}

// appendProperties writes the row's properties, but for those that its record keeps, as HubSpot takes them. The one that
// a new record is found by is among them.
func (s *session) appendProperties(dst []byte, it *item) []byte {
	dst = append(dst, '{')
	start, by := len(dst), it.by
	own := func(dst []byte) []byte {
		dst = append(value.AppendJSONString(comma(dst, start), by), ':')
		by = ""
		return value.AppendJSONString(dst, it.match)
	}
	for i := range s.properties {
		p := &s.properties[i]
		same := p.Name == by
		if by != "" && by <= p.Name {
			dst = own(dst)
		}
		v, sends := it.row.Sent(p.Column)
		if same || !sends || slices.Contains(it.keeps, p.Name) {
			continue
		}
		dst = appendText(append(comma(dst, start), p.key...), v)
	}
	if by != "" {
		dst = own(dst)
	}
	return append(dst, '}')
}

// comma writes what stands before all members but the first one.
func comma(dst []byte, start int) []byte {
	if len(dst) > start {
		return append(dst, ',')
	}
	return dst
}

// appendText writes text(v) as JSON.
func appendText(dst []byte, v value.Value) []byte {
	switch v.Kind() {
	case value.Bool, value.Int, value.Float, value.Decimal, value.Time, value.Day: // nothing in them is escaped
		return append(v.AppendText(append(dst, '"')), '"')
	default:
		return value.AppendJSONString(dst, text(v))
	}
}
