package zendesk

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
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

func (b *batch) doubled(it *item) {
	b.run.Reject(it.row, "several records have this value of "+b.match+"; which of them is meant is not known", false)
}

// custom writes a record of a custom object. Its external id makes one that is not there.
func (b *batch) custom(ctx context.Context, it *item) error {
	key := strings.TrimPrefix(b.object, customPrefix)
	base := "api/v2/custom_objects/" + url.PathEscape(key) + "/records"
	upsert := b.run.Job().Mode == connector.ModeUpsert
	if upsert && b.match == "external_id" {
		query := url.Values{"external_id": {it.row.Match().String()}}
		_, _, err := b.run.Send(ctx, "PATCH", base+"?"+query.Encode(), b.record(it))
		return err
	}
	if err := b.locate(ctx, it, base); err != nil {
		return err
	}
	switch {
	case it.id == several:
		b.doubled(it)
	case it.id != "":
		return b.patch(ctx, it, base+"/"+url.PathEscape(it.id), b.record(it))
	case upsert:
		_, _, err := b.run.Send(ctx, "POST", base, b.record(it))
		return err
	default:
		b.missing(it)
	}
	return nil
}

// record is what is written of a record of a custom object, with the custom field that it is matched by.
func (b *batch) record(it *item) map[string]any {
	rec := map[string]any{}
	for _, f := range it.row.Get("fields").Fields() {
		rec[f.Name] = f.Value
	}
	if fields := b.attributes(it); len(fields) > 0 {
		rec["custom_object_fields"] = fields
	}
	return map[string]any{"custom_object_record": rec}
}

// attributes are the custom fields of a row, with the one that it is matched by.
func (b *batch) attributes(it *item) map[string]any {
	all := map[string]any{}
	for _, f := range it.row.Get("custom").Fields() {
		all[f.Name] = f.Value
	}
	if name, is := strings.CutPrefix(b.match, customField); is {
		all[name] = it.row.Match()
	}
	return all
}

// locate notes the id of the row's record: several where there are more than one.
func (b *batch) locate(ctx context.Context, it *item, base string) error {
	text := it.row.Match().String()
	name, custom := strings.CutPrefix(b.match, customField)
	switch {
	case b.match == "record.id":
		it.id = text
		return nil
	case custom:
		return b.filter(ctx, it, base, name)
	case b.match != "external_id":
		return unmatched(b.match)
	}
	answer, _, err := b.run.Fetch(ctx, "GET", base+"?"+url.Values{"filter[external_ids]": {text}}.Encode(), nil)
	for _, found := range manifest.At(answer, "custom_object_records").List() {
		if manifest.TextAt(found, "external_id") == text {
			it.id = manifest.TextAt(found, "id")
		}
	}
	return err
}

// filter looks for the row's record by a custom field.
// https://developer.zendesk.com/documentation/custom-data/v2/searching-custom-object-records
func (b *batch) filter(ctx context.Context, it *item, base, name string) error {
	ask := map[string]any{"filter": map[string]any{"custom_object_fields." + name: map[string]any{"$eq": it.row.Match()}}}
	page := url.Values{"page[size]": {strconv.Itoa(perPage)}}
	for {
		answer, _, err := b.run.Fetch(ctx, "POST", base+"/search?"+page.Encode(), ask)
		if err != nil {
			return err
		}
		for _, rec := range manifest.At(answer, "custom_object_records").List() {
			it.note(manifest.TextAt(rec, "custom_object_fields", name), manifest.TextAt(rec, "id"))
		}
		next := manifest.TextAt(answer, "meta", "after_cursor")
		if !manifest.At(answer, "meta", "has_more").Bool() || next == "" {
			return nil
		}
		page.Set("page[after]", next)
	}
}

// note notes a record that was found, if it has the row's value indeed.
func (it *item) note(text, id string) {
	switch {
	case fold(text) != fold(it.row.Match().String()):
	case it.id != "" && it.id != id:
		it.id = several
	default:
		it.id = id
	}
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
		WithSuggestion("Match by the external ID, by a custom field, or by the Zendesk ID in the mode update.")
}
