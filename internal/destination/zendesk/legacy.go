package zendesk

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

const (
	legacyRecords   = "api/sunshine/objects/records"
	relationSection = "relationships"
)

// relationships offers the relationship types whose source is a legacy object.
func relationships(ctx context.Context, r *manifest.Run, key string) ([]manifest.Discovered, error) {
	answer, _, err := r.Fetch(ctx, "GET", "api/sunshine/relationships/types", nil)
	if err != nil {
		return nil, err
	}
	var list []manifest.Discovered
	for _, t := range manifest.At(answer, "data").List() {
		if manifest.TextAt(t, "source") != key {
			continue
		}
		name := manifest.TextAt(t, "key")
		f := connector.TargetField{Name: relationSection + "." + name, Label: name, Native: "relationship", Type: "reference", Section: "Relationships", Help: "Zendesk's ids of the records that it leads to, such as zen:user:10002."}
		list = append(list, manifest.Discovered{TargetField: f, Form: "list"})
	}
	return list, nil
}

// legacy writes a record of a legacy object, and the relationships that it lacks.
func (b *batch) legacy(ctx context.Context, it *item) error {
	data := map[string]any{"attributes": b.attributes(it)}
	if err := b.legacyRecord(ctx, it, data); err != nil || it.id == "" {
		return err
	}
	for _, f := range it.row.Get(relationSection).Fields() {
		if err := b.relate(ctx, it.id, f.Name, f.Value); err != nil {
			return err
		}
	}
	return nil
}

// legacyRecord writes the record itself, and notes its id.
func (b *batch) legacyRecord(ctx context.Context, it *item, data map[string]any) error {
	key := strings.TrimPrefix(b.object, legacyPrefix)
	upsert := b.run.Job().Mode == connector.ModeUpsert
	if upsert && b.match == "external_id" {
		data["type"], data["external_id"] = key, it.row.Match().String()
		return b.store(ctx, it, "PUT", data)
	}
	if err := b.locateLegacy(ctx, it, key); err != nil {
		return err
	}
	switch {
	case it.id == several:
		it.id = ""
		b.doubled(it)
	case it.id != "":
		return b.merge(ctx, it, data)
	case upsert:
		data["type"] = key
		return b.store(ctx, it, "POST", data)
	default:
		b.missing(it)
	}
	return nil
}

func (b *batch) store(ctx context.Context, it *item, method string, data map[string]any) error {
	answer, _, err := b.run.Send(ctx, method, legacyRecords, map[string]any{"data": data})
	it.id = manifest.TextAt(answer, "data", "id")
	return err
}

// locateLegacy notes the id of the row's record: several where there are more than one.
func (b *batch) locateLegacy(ctx context.Context, it *item, key string) error {
	text := it.row.Match().String()
	name, custom := strings.CutPrefix(b.match, customField)
	switch {
	case b.match == "record.id":
		it.id = text
		return nil
	case custom:
		return b.query(ctx, it, key, name)
	case b.match != "external_id":
		return unmatched(b.match)
	}
	answer, status, err := b.run.Fetch(ctx, "GET", legacyRecords+"?"+url.Values{"type": {key}, "external_id": {text}}.Encode(), nil)
	if status == http.StatusNotFound {
		return nil
	}
	if found := manifest.At(answer, "data").List(); len(found) > 0 {
		it.id = manifest.TextAt(found[0], "id")
	}
	return err
}

// query looks for the row's record by an attribute.
// https://developer.zendesk.com/documentation/custom-data/custom-objects/searching-object-records
func (b *batch) query(ctx context.Context, it *item, key, name string) error {
	ask := map[string]any{"query": map[string]any{"$and": []any{
		map[string]any{name: map[string]any{"$eq": it.row.Match()}},
		map[string]any{"_type": map[string]any{"$eq": key}},
	}}}
	answer, _, err := b.run.Fetch(ctx, "POST", "api/sunshine/objects/query", ask)
	for _, rec := range manifest.At(answer, "data").List() {
		it.note(manifest.TextAt(rec, "attributes", name), manifest.TextAt(rec, "id"))
	}
	return err
}

// merge changes the attributes that are mapped and leaves the others alone.
func (b *batch) merge(ctx context.Context, it *item, data map[string]any) error {
	text, err := json.Marshal(map[string]any{"data": data})
	if err != nil {
		return fault.Wrap(err, fault.CodeInternal, "encoding a request")
	}
	answer, err := b.run.Ask(ctx, "PATCH", legacyRecords+"/"+url.PathEscape(it.id), text, map[string]string{"Content-Type": "application/merge-patch+json"})
	if answer != nil && answer.Status == http.StatusNotFound {
		it.id = ""
		b.missing(it)
		return nil
	}
	return err
}

// relate makes the relationships that a record has not yet.
func (b *batch) relate(ctx context.Context, id, kind string, targets value.Value) error {
	if len(targets.List()) == 0 {
		return nil
	}
	answer, _, err := b.run.Fetch(ctx, "GET", legacyRecords+"/"+url.PathEscape(id)+"/relationships/"+url.PathEscape(kind), nil)
	if err != nil {
		return err
	}
	var there []string
	for _, rel := range manifest.At(answer, "data").List() {
		there = append(there, manifest.TextAt(rel, "target"))
	}
	for _, t := range targets.List() {
		target := t.String()
		if t.IsNull() || target == "" || slices.Contains(there, target) {
			continue
		}
		data := map[string]any{"relationship_type": kind, "source": id, "target": target}
		if _, _, err := b.run.Send(ctx, "POST", "api/sunshine/relationships/records", map[string]any{"data": data}); err != nil {
			return err
		}
		there = append(there, target)
	}
	return nil
}
