package hubspot

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// section is the section of fields that are associations: associations.NAME links by the other record's id,
// associations.NAME.property finds it by a property.
const section = "associations"

// The association modes.
const (
	modeOverwrite = "overwrite"
	modeDiff      = "diff"
)

// association is a mapped association.
type association struct {
	field string
	to    string  // the type of the other object
	by    *finder // how the other record is found
	plain spec    // the type of links without a label
	named map[string]spec
}

// spec is a type of association.
type spec struct {
	Category string `json:"associationCategory"`
	Type     int    `json:"associationTypeId"`
}

// definition is an association that two objects have.
type definition struct {
	ID   string `json:"id"`
	From string `json:"fromObjectTypeId"`
	To   string `json:"toObjectTypeId"`
	Name string `json:"name"`
}

// definitions are the associations that begin at an object.
func definitions(ctx context.Context, r *manifest.Run, object string) ([]definition, error) {
	var schema struct {
		Type         string       `json:"objectTypeId"`
		Associations []definition `json:"associations"`
	}
	if err := read(ctx, r, "GET", "/crm-object-schemas/v3/schemas/"+url.PathEscape(object), nil, &schema); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(schema.Associations, func(d definition) bool {
		return d.Name == "" || schema.Type != "" && d.From != schema.Type
	}), nil
}

// fields are the associations that can be mapped, and the properties whose values are sent as they are.
func fields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	var list []manifest.Discovered
	for _, name := range r.Job().Settings.List("asTheyAre") {
		list = append(list, manifest.Discovered{TargetField: connector.TargetField{Name: name, Label: name, Type: "unknown", Native: "unknown"}})
	}
	all, err := definitions(ctx, r, r.Job().Settings.Text("object"))
	switch {
	case fault.ClassOf(err) == fault.Permanent, fault.Is(err, fault.CodeDestinationDenied):
		return list, nil // an object without a schema, or without the permission to see it, can be written nevertheless
	case err != nil:
		return nil, err
	}
	for _, d := range all {
		list = append(list, manifest.Discovered{TargetField: connector.TargetField{
			Name: section + "." + d.Name, Label: d.Name, Type: "reference", Native: d.To, Section: "Associations",
			Help: "The ids of the other records, or objects with value and label. To find them by a property instead, add its name: " +
				section + "." + d.Name + ".email.",
		}})
	}
	return list, nil
}

// associations reads what the account says of the associations that are mapped.
func associations(ctx context.Context, r *manifest.Run, object string) ([]association, error) {
	var all []association
	var known []definition
	for _, c := range r.Job().Columns {
		name, mapped := strings.CutPrefix(c.Name, section+".")
		if !mapped {
			continue
		}
		if known == nil {
			var err error
			if known, err = definitions(ctx, r, object); err != nil {
				return nil, err
			}
		}
		a, err := newAssociation(ctx, r, known, name)
		if err != nil {
			return nil, err
		}
		a.field = c.Name
		all = append(all, a)
	}
	return all, nil
}

func newAssociation(ctx context.Context, r *manifest.Run, known []definition, name string) (association, error) {
	name, property, byProperty := strings.Cut(name, ".")
	at := slices.IndexFunc(known, func(d definition) bool { return strings.EqualFold(d.Name, name) })
	if at < 0 {
		names := make([]string, len(known))
		for i, d := range known {
			names[i] = d.Name
		}
		return association{}, fault.Reclass(fault.New(fault.CodeDestinationSchema, "HubSpot has no association %q of this object", name).
			WithSuggestion("Choose one of: %s.", strings.Join(names, ", ")), fault.Fatal)
	}
	d := known[at]
	if !byProperty {
		property = recordID
	}
	a := association{to: d.To, plain: spec{"HUBSPOT_DEFINED", number(d.ID)}, named: map[string]spec{}}
	var err error
	if a.by, err = newFinder(ctx, r, d.To, property); err != nil {
		return a, err
	}
	return a, a.labels(ctx, r, d)
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// labels reads the labels between the two objects.
func (a *association) labels(ctx context.Context, r *manifest.Run, d definition) error {
	var page struct {
		Results []struct {
			Category string  `json:"category"`
			Type     int     `json:"typeId"`
			Label    *string `json:"label"`
		} `json:"results"`
	}
	path := "/crm/v4/associations/" + url.PathEscape(d.From) + "/" + url.PathEscape(d.To) + "/labels"
	if err := read(ctx, r, "GET", path, nil, &page); err != nil {
		return err
	}
	for _, l := range page.Results {
		if l.Type == a.plain.Type {
			a.plain.Category = l.Category
		}
		if l.Label != nil {
			a.named[strings.ToLower(*l.Label)] = spec{l.Category, l.Type}
		}
	}
	return nil
}

// link is an association with one record.
type link struct {
	of    *association
	value string // what the row has
	to    string // the other record's id, once it is known
	types []spec
}

// linked is a link in the request that makes a record.
type linked struct {
	To struct {
		ID string `json:"id"`
	} `json:"to"`
	Types []spec `json:"types"`
}

// links are the row's links as the request that makes its record takes them.
func (it *item) links() []linked {
	all := make([]linked, len(it.now))
	for i, l := range it.now {
		all[i].To.ID, all[i].Types = l.to, l.types
	}
	return all
}

// resolve finds the records that the rows are to be associated with. A row that names one that does not exist is
// refused before anything of it is written.
func (w *batch) resolve(ctx context.Context) error {
	for i := range w.links {
		a := &w.links[i]
		for _, it := range slices.Clone(w.items) {
			if err := it.ask(a, w.mode); err != nil {
				w.drop(it, err.Error(), false)
			}
		}
	}
	for i := range w.links {
		if err := w.resolveOf(ctx, &w.links[i]); err != nil {
			return err
		}
	}
	return nil
}

// ask reads the row's links of an association.
func (it *item) ask(a *association, mode string) error {
	now, then := it.row.Value(a.field), it.row.Before(a.field)
	if !now.Equal(then) {
		it.changed = true
	}
	links, err := a.parse(now)
	if err != nil {
		return err
	}
	it.now = append(it.now, links...)
	if mode == modeDiff && !then.IsNull() {
		it.then = append(it.then, a.former(then)...)
	}
	return nil
}

// parse reads a row's value: one record or several, each perhaps with labels.
func (a *association) parse(v value.Value) ([]link, error) {
	if v = v.Parsed(); v.Kind() == value.Text {
		raw := strings.TrimSpace(v.Raw())
		if parsed, err := value.ParseJSON(raw); err == nil && (strings.HasPrefix(raw, "[") || strings.HasPrefix(raw, "{")) {
			v = parsed
		}
	}
	switch v.Kind() {
	case value.Null:
		return nil, nil
	case value.List:
		var all []link
		for _, item := range v.List() {
			l, err := a.parse(item)
			if err != nil {
				return nil, err
			}
			all = append(all, l...)
		}
		return all, nil
	case value.Map:
		return a.labelled(v)
	default:
		var all []link
		for part := range strings.SplitSeq(v.String(), ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, link{of: a, value: part, types: []spec{a.plain}})
			}
		}
		return all, nil
	}
}

// former reads what a row asked for before. A label that is gone took its links with it.
func (a *association) former(v value.Value) []link {
	if v = v.Parsed(); v.Kind() != value.List {
		v = value.OfList([]value.Value{v})
	}
	var all []link
	for _, item := range v.List() {
		if links, err := a.parse(item); err == nil {
			all = append(all, links...)
		}
	}
	return all
}

// labelled reads an object with value and label.
func (a *association) labelled(v value.Value) ([]link, error) {
	to, known := v.Get("value")
	label, told := v.Get("label")
	if !known || !told {
		return nil, fault.New(fault.CodeMappingReject, "field %s: an object needs the members value and label; label may be null", a.field)
	}
	if to.IsNull() || to.String() == "" {
		return nil, nil
	}
	l := link{of: a, value: to.String()}
	for _, name := range names(label) {
		s, exists := a.named[strings.ToLower(name)]
		if !exists {
			return nil, fault.New(fault.CodeMappingReject, "field %s: HubSpot has no such label between the two objects", a.field)
		}
		l.types = append(l.types, s)
	}
	if l.types == nil {
		l.types = []spec{a.plain}
	}
	return []link{l}, nil
}

// names are the labels of a link: one, a list, or several between commas.
func names(v value.Value) []string {
	var all []string
	if v = v.Parsed(); v.Kind() == value.List {
		for _, item := range v.List() {
			all = append(all, item.String())
		}
		return all
	}
	if v.IsNull() {
		return nil
	}
	for part := range strings.SplitSeq(v.String(), ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// resolveOf finds the other records of one association.
func (w *batch) resolveOf(ctx context.Context, a *association) error {
	var values []string
	seen := map[string]bool{}
	w.each(a, func(_ *item, l *link, _ bool) {
		if key := strings.ToLower(l.value); !seen[key] {
			seen[key] = true
			values = append(values, l.value)
		}
	})
	records := map[string]*found{}
	if a.by.how != byID && len(values) > 0 {
		var err error
		if records, err = a.by.find(ctx, w.run, values, nil); err != nil {
			return err
		}
	}
	bad := map[*item]string{}
	w.each(a, func(it *item, l *link, now bool) {
		rec := records[strings.ToLower(l.value)]
		switch {
		case a.by.how == byID:
			l.to = l.value
		case rec != nil && !rec.several:
			l.to = rec.id
		case now && rec == nil:
			bad[it] = "field " + a.field + ": the record to associate with was not found by its " + a.by.property
		case now:
			bad[it] = "field " + a.field + ": several records have the same " + a.by.property
		}
	})
	for _, it := range slices.Clone(w.items) {
		if reason := bad[it]; reason != "" {
			w.drop(it, reason, false)
		}
		it.then = slices.DeleteFunc(it.then, func(l link) bool { return l.of == a && l.to == "" })
	}
	return nil
}

// each visits the links of an association.
func (w *batch) each(a *association, visit func(it *item, l *link, now bool)) {
	for _, it := range w.items {
		for i := range it.now {
			if it.now[i].of == a {
				visit(it, &it.now[i], true)
			}
		}
		for i := range it.then {
			if it.then[i].of == a {
				visit(it, &it.then[i], false)
			}
		}
	}
}
