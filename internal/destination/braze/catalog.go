package braze

import (
	"context"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// catalog is a catalog that a sync made: its fields stay as they were at first.
type catalog struct {
	Name   string         `json:"name"`
	Fields []catalogField `json:"fields"`
}

type catalogField struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// writeCatalog sends items to the catalog that the sync makes with its first rows, or deletes them there.
func writeCatalog(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	c, err := ensured(ctx, r)
	if err != nil {
		return connector.Result{}, err
	}
	gone := r.Batch().Operation == connector.Removed
	var items []value.Value
	for _, w := range r.Rows() {
		fields := []value.Field{{Name: "id", Value: w.Match()}}
		if !gone {
			fields = append(fields, w.Get("fields").Fields()...)
		}
		items = append(items, value.OfMap(fields))
	}
	if len(items) == 0 {
		return r.Result(), nil
	}
	method := "PUT"
	switch {
	case gone:
		method = "DELETE"
	case r.Job().Mode == connector.ModeUpdate:
		method = "PATCH"
	}
	body := value.OfMap([]value.Field{{Name: "items", Value: value.OfList(items)}})
	if _, err = r.Ask(ctx, method, "/catalogs/"+c.Name+"/items", body.AppendJSON(nil), nil); err != nil {
		return connector.Result{}, err
	}
	return r.Result(), nil
}

// ensured returns the sync's catalog, which is made once.
func ensured(ctx context.Context, r *manifest.Run) (catalog, error) {
	want := catalog{Name: catalogName(r.Job()), Fields: catalogFields(r.Job())}
	key := "catalog " + want.Name + " of " + strconv.FormatInt(r.Job().SyncID, 10)
	text, found, err := r.State().Load(ctx, key)
	if err == nil && (!found || text == "") {
		text, err = r.State().Update(ctx, key, func(ctx context.Context, old string) (string, error) {
			if old != "" {
				return old, nil
			}
			return want.make(ctx, r)
		})
	}
	if err != nil {
		return catalog{}, err
	}
	var made catalog
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		return catalog{}, fault.Wrap(err, fault.CodeInternal, "reading what is known of the catalog %s", want.Name)
	}
	return made, made.takes(want)
}

// takes reports a field that the catalog does not have, or has with another type.
func (c catalog) takes(want catalog) error {
	have := map[string]string{}
	for _, f := range c.Fields {
		have[f.Name] = f.Type
	}
	for _, f := range want.Fields {
		switch have[f.Name] {
		case f.Type:
		case "":
			return frozen(fault.New(fault.CodeDestinationSchema, "the catalog %s was made without the field %s", c.Name, f.Name))
		default:
			return frozen(fault.New(fault.CodeDestinationSchema, "the field %s of the catalog %s was made for values of type %s, and they are of type %s now", f.Name, c.Name, have[f.Name], f.Type))
		}
	}
	return nil
}

func frozen(e *fault.Error) error {
	return e.WithSuggestion("A catalog keeps its first fields. Take the field out of the mapping, or give the sync another catalog name: a new catalog is made then.")
}

func (c catalog) make(ctx context.Context, r *manifest.Run) (string, error) {
	if _, err := r.Ask(ctx, "POST", "/catalogs", c.body(r.Job().Model.Name), nil); err != nil {
		if fault.ClassOf(err) == fault.Permanent {
			err = fault.Reclass(fault.As(err).WithSuggestion("Choose another name for the catalog, or use the catalog that exists."), fault.Fatal)
		}
		return "", err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", fault.Wrap(err, fault.CodeInternal, "encoding a catalog")
	}
	return string(text), nil
}

func (c catalog) body(model string) []byte {
	fields := make([]value.Value, len(c.Fields))
	for i, f := range c.Fields {
		fields[i] = value.OfMap([]value.Field{{Name: "name", Value: value.OfText(f.Name)}, {Name: "type", Value: value.OfText(f.Type)}})
	}
	one := value.OfMap([]value.Field{
		{Name: "name", Value: value.OfText(c.Name)}, {Name: "description", Value: value.OfText("Rows of the model " + model)},
		{Name: "fields", Value: value.OfList(fields)},
	})
	return value.OfMap([]value.Field{{Name: "catalogs", Value: value.OfList([]value.Value{one})}}).AppendJSON(nil)
}

// unfit are characters that a catalog's name cannot have.
// https://www.braze.com/docs/api/endpoints/catalogs/catalog_management/synchronous/post_create_catalog/
var unfit = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

const maxCatalogName = 250

func catalogName(job connector.SyncJob) string {
	name := job.Settings.Text("catalogName")
	if name == "" {
		name = job.Model.Name
	}
	name = strings.Trim(unfit.ReplaceAllString(name, "_"), "_")
	return name[:min(len(name), maxCatalogName)]
}

// catalogTypes are Braze's names of the types of columns.
var catalogTypes = map[value.Type]string{
	value.TypeBoolean: "boolean", value.TypeNumber: "number", value.TypeTimestamp: "time", value.TypeDate: "time", value.TypeObject: "object",
}

// catalogFields are the fields that a catalog gets of the mapping. Its first one is always the item's id.
func catalogFields(job connector.SyncJob) []catalogField {
	fields := []catalogField{{"id", "string"}}
	for _, c := range job.Columns {
		kind := c.Type
		if i := job.Model.Schema.Index(c.From); kind == "" && i >= 0 {
			kind = job.Model.Schema[i].Type
		}
		native := catalogTypes[kind]
		if native == "" {
			native = "string"
		}
		fields = append(fields, catalogField{c.Name, native})
	}
	return fields
}
