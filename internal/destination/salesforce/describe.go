package salesforce

import (
	"context"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// field is a field of an object as Salesforce describes it.
type field struct {
	Name          string   `json:"name"`
	Label         string   `json:"label"`
	Type          string   `json:"type"`
	Createable    bool     `json:"createable"`
	Updateable    bool     `json:"updateable"`
	Nillable      bool     `json:"nillable"`
	Defaulted     bool     `json:"defaultedOnCreate"`
	ExternalID    bool     `json:"externalId"`
	Unique        bool     `json:"unique"`
	IDLookup      bool     `json:"idLookup"`
	CaseSensitive bool     `json:"caseSensitive"`
	Custom        bool     `json:"custom"`
	Help          string   `json:"inlineHelpText"`
	References    []string `json:"referenceTo"`
	Values        []struct {
		Value  string `json:"value"`
		Label  string `json:"label"`
		Active bool   `json:"active"`
	} `json:"picklistValues"`
}

// object is an object as Salesforce describes it.
type object struct {
	Name       string  `json:"name"`
	Label      string  `json:"label"`
	Createable bool    `json:"createable"`
	Updateable bool    `json:"updateable"`
	Queryable  bool    `json:"queryable"`
	Fields     []field `json:"fields"`
}

func describe(ctx context.Context, r *manifest.Run, name string) (*object, error) {
	o := &object{}
	return o, read(ctx, r, "/sobjects/"+segment(name)+"/describe", o)
}

// field returns a field by its name, in upper or lower case.
func (o *object) field(name string) *field {
	for i := range o.Fields {
		if strings.EqualFold(o.Fields[i].Name, name) {
			return &o.Fields[i]
		}
	}
	return nil
}

// eventSuffix ends the names of platform events.
const eventSuffix = "__e"

func everyObject(ctx context.Context, r *manifest.Run) ([]object, error) {
	var all struct {
		Objects []object `json:"sobjects"`
	}
	err := read(ctx, r, "/sobjects", &all)
	return all.Objects, err
}

// separator parts the objects of a sync that writes to either of two.
const separator = "|"

// pairs are the objects that a person is found in: of one and the same record, Salesforce makes the other.
var pairs = []connector.Option{
	{Value: "Contact|Lead", Label: "Contact or Lead"}, {Value: "Account|Lead", Label: "Account or Lead"},
}

// objects are the objects whose records can be written.
func objects(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	all, err := everyObject(ctx, r)
	list := slices.Clone(pairs)
	for _, o := range all {
		if (o.Createable || o.Updateable) && o.Queryable && !strings.HasSuffix(o.Name, eventSuffix) {
			list = append(list, connector.Option{Value: o.Name, Label: o.Label})
		}
	}
	return list, err
}

// events are the organisation's platform events.
func events(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	all, err := everyObject(ctx, r)
	var list []connector.Option
	for _, o := range all {
		if strings.HasSuffix(o.Name, eventSuffix) && o.Createable {
			list = append(list, connector.Option{Value: o.Name, Label: o.Label})
		}
	}
	return list, err
}

// picklistObjects are the objects that have fields.
func picklistObjects(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	all, err := everyObject(ctx, r)
	var list []connector.Option
	for _, o := range all {
		if o.Queryable && o.Createable && !strings.HasSuffix(o.Name, eventSuffix) {
			list = append(list, connector.Option{Value: o.Name, Label: o.Label})
		}
	}
	return list, err
}

// picklists are the custom picklists of an object.
func picklists(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	o, err := describe(ctx, r, r.Job().Settings.Text("object"))
	if err != nil {
		return nil, err
	}
	var list []connector.Option
	for _, f := range o.Fields {
		if f.Custom && (f.Type == "picklist" || f.Type == "multipicklist") {
			list = append(list, connector.Option{Value: f.Name, Label: f.Label})
		}
	}
	return list, nil
}

// kinds are the types of fields: what they are called elsewhere, and the form that values take.
var kinds = map[string]struct{ kind, form string }{
	"string": {"string", ""}, "textarea": {"string", ""}, "email": {"string", ""}, "phone": {"string", ""}, "url": {"string", ""},
	"picklist": {"string", ""}, "multipicklist": {"string", ""}, "combobox": {"string", ""}, "encryptedstring": {"string", ""},
	"boolean": {"boolean", "boolean"}, "int": {"number", "integer"}, "long": {"number", "integer"}, "double": {"number", "number"},
	"currency": {"number", "number"}, "percent": {"number", "number"}, "date": {"date", "date"}, "datetime": {"timestamp", "iso"},
	"time": {"string", ""}, "id": {"string", "text"}, "reference": {"reference", "text"}, "base64": {"string", ""},
}

// described are the objects of a sync.
func described(ctx context.Context, r *manifest.Run) ([]*object, error) {
	var all []*object
	for name := range strings.SplitSeq(r.Job().Settings.Text("object"), separator) {
		o, err := describe(ctx, r, name)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// objectFields are the fields that a mapping can fill in the sync's mode: those of all objects where there are two.
func objectFields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	all, err := described(ctx, r)
	if err != nil {
		return nil, err
	}
	var list []manifest.Discovered
	for i := range all[0].Fields {
		f := all[0].Fields[i]
		shared := true
		for _, o := range all[1:] {
			other := o.field(f.Name)
			if shared = shared && other != nil && other.Type == f.Type; shared {
				f.restrict(other)
			}
		}
		if shared {
			list = append(list, f.offer(r.Job().Mode))
		}
	}
	return list, nil
}

// restrict leaves of what the field can do what the other object's can do too.
func (f *field) restrict(other *field) {
	f.Createable, f.Updateable = f.Createable && other.Createable, f.Updateable && other.Updateable
	f.ExternalID, f.IDLookup = f.ExternalID && other.ExternalID, f.IDLookup && other.IDLookup
}

func (f *field) offer(mode connector.Mode) manifest.Discovered {
	d := manifest.Discovered{TargetField: connector.TargetField{
		Name: f.Name, Label: f.Label, Native: f.Type, Type: "unknown", Help: f.Help,
		Match: f.matches(mode), ReadOnly: !f.writable(mode),
		Required: mode == connector.ModeInsert && f.Createable && !f.Nillable && !f.Defaulted,
	}}
	if k, known := kinds[f.Type]; known {
		d.Type, d.Form = k.kind, k.form
	}
	if f.ExternalID && d.Match {
		d.Label += " (recommended)"
	}
	if f.Type == "reference" {
		d.Help = strings.TrimSpace(f.Help + " Takes ids. To find the record by a field of its own, add the field's name: " + f.Name + f.example() + ".")
	}
	for _, v := range f.Values {
		if v.Active {
			d.Options = append(d.Options, connector.Option{Value: v.Value, Label: v.Label})
		}
	}
	return d
}

// example is how a reference is followed.
func (f *field) example() string {
	if len(f.References) > 1 {
		return "." + f.References[0] + ".Name"
	}
	return ".Name"
}

// writable reports whether a mapping can fill the field. Salesforce takes some only when it makes a record.
func (f *field) writable(mode connector.Mode) bool {
	switch mode {
	case connector.ModeUpdate:
		return f.Updateable
	case connector.ModeInsert:
		return f.Createable
	default:
		return f.Createable || f.Updateable
	}
}

// matches reports whether rows can be matched by the field: by fields that are made for that, and by the id where no
// record is made.
func (f *field) matches(mode connector.Mode) bool {
	if f.Type == "id" {
		return mode == connector.ModeUpdate || mode == connector.ModeArchive
	}
	return f.ExternalID || f.IDLookup
}

// eventFields are the fields of a platform event.
func eventFields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	o, err := describe(ctx, r, r.Job().Settings.Text("event"))
	if err != nil {
		return nil, err
	}
	var list []manifest.Discovered
	for i := range o.Fields {
		if f := &o.Fields[i]; f.Createable {
			list = append(list, f.offer(connector.ModeInsert))
		}
	}
	return list, nil
}

// unknownField says that a mapped field does not exist.
func unknownField(o *object, name string) error {
	return fault.Reclass(fault.New(fault.CodeDestinationSchema, "the object %s has no field %q", o.Name, name).
		WithSuggestion("Refresh the fields; one that was added needs field-level security for the user who allowed the access."), fault.Fatal)
}
