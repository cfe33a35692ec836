package hubspot

import (
	"cmp"
	"slices"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

// property is a mapped property of a row, as HubSpot takes it.
type property struct{ name, text string }

// properties are in the order of their names.
type properties []property

func byName(columns []manifest.Column) []manifest.Column {
	slices.SortFunc(columns, func(a, b manifest.Column) int { return cmp.Compare(a.Name, b.Name) })
	return columns
}

// properties appends those of a row.
func (s *session) properties(all properties, row manifest.Row) properties {
	for _, c := range s.mapped {
		if v, sends := row.Sent(c); sends {
			all = append(all, property{c.Name, text(v)})
		}
	}
	return all
}

func (p properties) find(name string) (at int, mapped bool) {
	return slices.BinarySearchFunc(p, name, func(x property, name string) int { return cmp.Compare(x.name, name) })
}

func (p properties) has(name string) bool {
	_, mapped := p.find(name)
	return mapped
}

// with returns the properties and another one, which replaces one of its name.
func (p properties) with(name, text string) properties {
	at, mapped := p.find(name)
	if mapped {
		p[at].text = text
		return p
	}
	return slices.Insert(p, at, property{name, text})
}

// without returns the properties but for one.
func (p properties) without(name string) properties {
	if at, mapped := p.find(name); mapped {
		return slices.Delete(p, at, at+1)
	}
	return p
}

func (p properties) appendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i, x := range p {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(value.AppendJSONString(dst, x.name), ':')
		dst = value.AppendJSONString(dst, x.text)
	}
	return append(dst, '}')
}
