// Package iterable is what the manifest of Iterable cannot say: the items of a catalog are sent as an object with a member
// for each row.
package iterable

import (
	"context"
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

// Hooks are the Go code of the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{Write: map[string]func(context.Context, *manifest.Run) (connector.Result, error){"items": writeItems}}
}

// writeItems makes items of a catalog, and changes the mapped fields of those that exist.
// https://support.iterable.com/hc/en-us/articles/204780579-API-Overview-and-Sample-Payloads
func writeItems(ctx context.Context, r *manifest.Run) (connector.Result, error) {
	var documents []value.Field
	for _, w := range r.Rows() {
		documents = append(documents, value.Field{Name: w.Match().String(), Value: w.Get("fields")})
	}
	if len(documents) == 0 {
		return r.Result(), nil
	}
	body := value.OfMap([]value.Field{
		{Name: "documents", Value: value.OfMap(documents)}, {Name: "replaceUploadedFieldsOnly", Value: value.OfBool(true)},
	})
	path := "/api/catalogs/" + url.PathEscape(r.Job().Settings.Text("catalog")) + "/items"
	if _, err := r.Ask(ctx, "POST", path, body.AppendJSON(nil), map[string]string{"Content-Type": "application/json"}); err != nil {
		return connector.Result{}, err
	}
	return r.Result(), nil
}
