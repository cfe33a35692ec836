package model

import (
	"slices"
	"strconv"

	"github.com/millrace/millrace/internal/value"
)

// Drift is how the columns that a model's query has now differ from those that the model knows.
type Drift struct {
	Added   []Column  `json:"added"`
	Removed []Column  `json:"removed"`
	Retyped []Retyped `json:"retyped"`
	Renamed []Renamed `json:"renamed"`
}

// Retyped is a column whose type is another one now.
type Retyped struct {
	Name   string     `json:"name"`
	From   value.Type `json:"from"`
	To     value.Type `json:"to"`
	Native string     `json:"native,omitempty"` // the source's own name of the new type
}

// Renamed is a column that went, and one of the same type that came to its place: probably the same one.
type Renamed struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Any reports whether there is a difference.
func (d Drift) Any() bool {
	return len(d.Added)+len(d.Removed)+len(d.Retyped)+len(d.Renamed) > 0
}

// Compare lists how the columns that were found differ from those that are known.
func Compare(known, found []Column) Drift {
	d := Drift{Added: missing(found, known), Removed: missing(known, found), Retyped: []Retyped{}, Renamed: []Renamed{}}
	for _, c := range known {
		if now, ok := named(found, c.Name); ok && now.Type != c.Type {
			d.Retyped = append(d.Retyped, Retyped{Name: c.Name, From: c.Type, To: now.Type, Native: now.Native})
		}
	}
	before, after := places(known, found), places(found, known)
	for _, old := range slices.Clone(d.Removed) {
		i := slices.IndexFunc(d.Added, func(c Column) bool { return c.Type == old.Type && after[c.Name] == before[old.Name] })
		if i < 0 {
			continue
		}
		d.Renamed = append(d.Renamed, Renamed{From: old.Name, To: d.Added[i].Name})
		d.Added = slices.Delete(d.Added, i, i+1)
		d.Removed = slices.DeleteFunc(d.Removed, func(c Column) bool { return c.Name == old.Name })
	}
	return d
}

// missing returns the columns that others have no namesake of.
func missing(columns, others []Column) []Column {
	lone := []Column{}
	for _, c := range columns {
		if _, ok := named(others, c.Name); !ok {
			lone = append(lone, c)
		}
	}
	return lone
}

// places says of each column that others lack after which column that both have it stands, and as the how manyth.
func places(columns, others []Column) map[string]string {
	at := map[string]string{}
	last, n := "", 0
	for _, c := range columns {
		if _, shared := named(others, c.Name); shared {
			last, n = c.Name, 0
			continue
		}
		n++
		at[c.Name] = strconv.Itoa(n) + " " + last
	}
	return at
}

// Refresh returns the known columns with what the source says of them now: their descriptions and its names of
// their types. Which columns there are, and of which type, stays as a person has accepted it. Where nothing is known
// yet, it returns what was found.
func Refresh(known, found []Column) []Column {
	if len(known) == 0 {
		return found
	}
	next := slices.Clone(known)
	for i, c := range next {
		if now, ok := named(found, c.Name); ok && now.Type == c.Type {
			next[i].Native, next[i].Description = now.Native, now.Description
		}
	}
	return next
}

// Adopt returns the columns that were found, with what a person has set on those that are known: under the same name,
// or under the one that it had.
func Adopt(known, found []Column) []Column {
	origin := map[string]string{}
	for _, r := range Compare(known, found).Renamed {
		origin[r.To] = r.From
	}
	next := slices.Clone(found)
	for i, c := range next {
		was, ok := named(known, c.Name)
		if !ok {
			was, ok = named(known, origin[c.Name])
		}
		if ok {
			next[i].Cast, next[i].Override = was.Cast, was.Override
		}
	}
	return next
}

func named(columns []Column, name string) (Column, bool) {
	i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return columns[i], true
}
