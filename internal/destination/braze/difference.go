package braze

import (
	"slices"
	"time"

	"github.com/millrace/millrace/internal/value"
)

// merging tells Braze whether an object is merged with the one that a user has, or replaces it.
// https://www.braze.com/docs/user_guide/data/custom_data/custom_attributes/nested_custom_attribute_support/
const merging = "_merge_objects"

// difference returns what must be sent so that a user who has the attributes known gets those of next: no object where
// nothing differs, and two where nested objects are merged as well as replaced.
func difference(next, known []value.Field) [][]value.Field {
	var plain, merged, replaced []value.Field
	for _, f := range next {
		old := get(known, f.Name)
		switch {
		case same(f.Value, old):
		case f.Value.Parsed().Kind() != value.Map || old.Parsed().Kind() != value.Map:
			plain = append(plain, value.Field{Name: f.Name, Value: withoutNulls(f.Value)})
		default:
			if part, possible := grown(f.Value.Parsed(), old.Parsed()); possible {
				merged = append(merged, value.Field{Name: f.Name, Value: part})
			} else {
				replaced = append(replaced, value.Field{Name: f.Name, Value: withoutNulls(f.Value.Parsed())})
			}
		}
	}
	var all [][]value.Field
	if len(merged) > 0 {
		merged = append(merged, value.Field{Name: merging, Value: value.OfBool(true)})
		all = append(all, append(plain, merged...))
		plain = nil
	}
	if len(replaced) > 0 {
		replaced = append(replaced, value.Field{Name: merging, Value: value.OfBool(false)})
		all = append(all, append(plain, replaced...))
		plain = nil
	}
	if len(plain) > 0 {
		all = append(all, plain)
	}
	return all
}

// grown returns the members of an object that differ from an earlier one, where merging them makes the one of the
// other: nothing is emptied or gone.
func grown(next, old value.Value) (part value.Value, possible bool) {
	for _, f := range old.Fields() {
		if v, there := next.Get(f.Name); !f.Value.IsNull() && (!there || v.IsNull()) {
			return part, false
		}
	}
	var fields []value.Field
	for _, f := range next.Fields() {
		was, _ := old.Get(f.Name)
		v, before := f.Value.Parsed(), was.Parsed()
		switch {
		case same(v, before):
		case v.Kind() == value.Map && before.Kind() == value.Map:
			inner, possible := grown(v, before)
			if !possible {
				return part, false
			}
			fields = append(fields, value.Field{Name: f.Name, Value: inner})
		default:
			fields = append(fields, value.Field{Name: f.Name, Value: withoutNulls(v)})
		}
	}
	return value.OfMap(fields), true
}

// withoutNulls leaves out empty members of objects: Braze drops a nested object that has one, and an object that
// replaces another has no member that it does not name.
func withoutNulls(v value.Value) value.Value {
	v = v.Parsed()
	switch v.Kind() {
	case value.Map:
		var fields []value.Field
		for _, f := range v.Fields() {
			if !f.Value.IsNull() {
				fields = append(fields, value.Field{Name: f.Name, Value: withoutNulls(f.Value)})
			}
		}
		return value.OfMap(fields)
	case value.List:
		items := make([]value.Value, len(v.List()))
		for i, item := range v.List() {
			items[i] = withoutNulls(item)
		}
		return value.OfList(items)
	default:
		return v
	}
}

func get(fields []value.Field, name string) value.Value {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return value.Value{}
}

// same reports whether two values are the same for Braze, which gives times back as texts.
func same(v, w value.Value) bool {
	v, w = v.Parsed(), w.Parsed()
	switch {
	case v.Kind() == value.Map && w.Kind() == value.Map:
		return sameFields(v.Fields(), w.Fields())
	case v.Kind() == value.List && w.Kind() == value.List:
		return slices.EqualFunc(v.List(), w.List(), same)
	case v.IsNull() || w.IsNull():
		return v.IsNull() && w.IsNull()
	case v.Equal(w):
		return true
	}
	at, is := instant(v)
	other, too := instant(w)
	return is && too && at.Equal(other)
}

func sameFields(a, b []value.Field) bool {
	for _, f := range a {
		if !same(f.Value, get(b, f.Name)) {
			return false
		}
	}
	for _, f := range b {
		if !same(get(a, f.Name), f.Value) {
			return false
		}
	}
	return true
}

func instant(v value.Value) (time.Time, bool) {
	switch v.Kind() {
	case value.Time, value.Day:
		return v.Time(), true
	case value.Text:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", time.DateOnly} {
			if t, err := time.Parse(layout, v.Raw()); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}
