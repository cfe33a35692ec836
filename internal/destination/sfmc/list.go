package sfmc

import (
	"cmp"
	"context"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
)

// listExtensions lists the data extensions by their customer keys.
func listExtensions(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	all, err := retrieve(ctx, r, "DataExtension", []string{"CustomerKey", "Name"}, nil)
	return options(all, "CustomerKey"), err
}

// listFolders lists the folders that a data extension can be made in.
func listFolders(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	all, err := folders(ctx, r)
	return options(all, "ID"), err
}

// listTriggers lists the definitions of classic triggered sends that are running.
// https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/triggeredsenddefinition.html
func listTriggers(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	all, err := retrieve(ctx, r, "TriggeredSendDefinition", []string{"CustomerKey", "Name"}, equals("TriggeredSendStatus", "Active"))
	return options(all, "CustomerKey"), err
}

func options(all []*node, id string) []connector.Option {
	list := make([]connector.Option, len(all))
	for i, n := range all {
		list[i] = connector.Option{Value: n.text(id), Label: n.text("Name")}
	}
	slices.SortFunc(list, func(a, b connector.Option) int { return cmp.Compare(a.Label, b.Label) })
	return list
}

// kinds are what types of fields are to people.
var kinds = map[string]string{
	"Text": "string", "EmailAddress": "string", "Phone": "string", "Locale": "string",
	"Number": "number", "Decimal": "number", "Date": "timestamp", "Boolean": "boolean",
}

// extensionFields lists the fields of a data extension that exists. One that is made gets the fields that are mapped.
func extensionFields(ctx context.Context, r *manifest.Run) ([]manifest.Discovered, error) {
	s := r.Job().Settings
	if s.Text("target") == targetNew || s.Text("key") == "" {
		return nil, nil
	}
	all, err := retrieve(ctx, r, "DataExtensionField",
		[]string{"Name", "FieldType", "IsPrimaryKey", "IsRequired", "DefaultValue"}, equals("DataExtension.CustomerKey", s.Text("key")))
	fields := make([]manifest.Discovered, len(all))
	for i, n := range all {
		native := n.text("FieldType")
		kind := kinds[native]
		if kind == "" {
			kind = "unknown"
		}
		key := n.text("IsPrimaryKey") == "true"
		fields[i].TargetField = connector.TargetField{
			Name: n.text("Name"), Type: kind, Native: native, Match: key,
			Help: help(n.text("IsRequired") == "true" && n.text("DefaultValue") == "" && !key),
		}
	}
	return fields, err
}

// help says of a field that new rows need a value. Rows that exist do without.
func help(needed bool) string {
	if needed {
		return "New rows need a value."
	}
	return ""
}
