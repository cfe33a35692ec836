package zendesk

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// records writes records of custom objects one by one.
func (b *batch) records(ctx context.Context) error {
	send := b.custom
	if strings.HasPrefix(b.object, legacyPrefix) {
		send = b.legacy
	}
	for _, row := range b.run.Rows() {
		it := &item{row: row}
		if err := b.lost(send(ctx, it), []*item{it}); err != nil {
			return err
		}
		b.wrote = true
	}
	return nil
}

func (b *batch) missing(it *item) {
	b.run.Reject(it.row, "no record has this value of "+b.match, false)
}

// custom writes a record of a custom object. Its external id makes one that is not there.
func (b *batch) custom(ctx context.Context, it *item) error {
	key := strings.TrimPrefix(b.object, customPrefix)
	base := "api/v2/custom_objects/" + url.PathEscape(key) + "/records"
	rec := map[string]any{}
	for _, f := range it.row.Get("fields").Fields() {
		rec[f.Name] = f.Value
	}
	if fields := it.row.Get("custom"); len(fields.Fields()) > 0 {
		rec["custom_object_fields"] = fields
	}
	text := it.row.Match().String()
	body := map[string]any{"custom_object_record": rec}
	switch {
	case b.match == "record.id":
		return b.patch(ctx, it, base+"/"+url.PathEscape(text), body)
	case b.match != "external_id":
		return unmatched(b.match)
	case b.run.Job().Mode == connector.ModeUpsert:
		_, _, err := b.run.Send(ctx, "PATCH", base+"?"+url.Values{"external_id": {text}}.Encode(), body)
		return err
	}
	answer, _, err := b.run.Fetch(ctx, "GET", base+"?"+url.Values{"filter[external_ids]": {text}}.Encode(), nil)
	if err != nil {
		return err
	}
	for _, found := range manifest.At(answer, "custom_object_records").List() {
		if manifest.TextAt(found, "external_id") == text {
			return b.patch(ctx, it, base+"/"+url.PathEscape(manifest.TextAt(found, "id")), body)
		}
	}
	b.missing(it)
	return nil
}

func (b *batch) patch(ctx context.Context, it *item, path string, body any) error {
	_, status, err := b.run.Send(ctx, "PATCH", path, body)
	if status == http.StatusNotFound {
		b.missing(it)
		return nil
	}
	return err
}

func unmatched(field string) error {
	return fault.New(fault.CodeInvalid, "records of custom objects are not matched by %s", field).
		WithSuggestion("Match by the external ID, or by the Zendesk ID in the mode update.")
}
