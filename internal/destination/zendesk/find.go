package zendesk

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/value"
)

// several stands for the id of a record where there are more than one.
const several = "*"

// perPage is how many records an answer or a request has at most.
const perPage = 100

func sorted(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// number is an id as Zendesk writes it.
func number(id string) any {
	if n, err := strconv.ParseInt(id, 10, 64); err == nil {
		return n
	}
	return id
}

// find looks for the items' records.
func (b *batch) find(ctx context.Context, items []*item) error {
	if b.match == "record.id" {
		for _, it := range items {
			it.id = it.row.Match().String()
		}
		return nil
	}
	found := map[string]string{}
	look := b.search
	if b.match == "external_id" && b.object != "tickets" {
		look = b.show
	}
	if err := look(ctx, items, found); err != nil {
		return err
	}
	for _, it := range items {
		it.id = found[fold(it.row.Match().String())]
	}
	return nil
}

// fold is a value as Zendesk compares it: upper and lower case are the same.
func fold(text string) string { return strings.ToLower(text) }

func keep(found map[string]string, text, id string) {
	if there := found[fold(text)]; there != "" && there != id {
		id = several
	}
	found[fold(text)] = id
}

// show asks for users or organizations by their external ids, which sees at once what was written.
func (b *batch) show(ctx context.Context, items []*item, found map[string]string) error {
	for chunk := range slices.Chunk(items, perPage) {
		var texts []string
		for _, it := range chunk {
			if text := it.row.Match().String(); !strings.Contains(text, ",") {
				texts = append(texts, text)
			}
		}
		if len(texts) == 0 {
			continue
		}
		answer, _, err := b.run.Fetch(ctx, "GET", "api/v2/"+b.object+"/show_many?"+url.Values{"external_ids": {strings.Join(texts, ",")}}.Encode(), nil)
		if err != nil {
			return err
		}
		for _, rec := range manifest.At(answer, b.object).List() {
			keep(found, manifest.TextAt(rec, "external_id"), manifest.TextAt(rec, "id"))
		}
	}
	return nil
}

// searchTypes are what the search calls objects.
var searchTypes = map[string]string{"users": "user", "organizations": "organization", "tickets": "ticket"}

// search finds records by any field, all of the batch at once. Words of the same field are alternatives.
// https://developer.zendesk.com/api-reference/ticketing/ticket-management/search/
func (b *batch) search(ctx context.Context, items []*item, found map[string]string) error {
	word, custom := strings.CutPrefix(b.match, customField)
	if custom && b.object == "tickets" {
		word = "custom_field_" + word
	}
	query := []string{"type:" + searchTypes[b.object]}
	for _, it := range items {
		query = append(query, word+":"+quote(it.row.Match().String()))
	}
	path := "api/v2/search?" + url.Values{"query": {strings.Join(query, " ")}, "per_page": {strconv.Itoa(perPage)}}.Encode()
	for page := 1; ; page++ {
		answer, _, err := b.run.Fetch(ctx, "GET", path+"&page="+strconv.Itoa(page), nil)
		if err != nil {
			return err
		}
		for _, rec := range manifest.At(answer, "results").List() {
			keep(found, b.valueOf(rec), manifest.TextAt(rec, "id"))
		}
		if manifest.TextAt(answer, "next_page") == "" || page*perPage >= mostFound {
			return nil
		}
	}
}

// mostFound is how many results a search has at most.
const mostFound = 1000

// quote is a value in a search. A quotation mark cannot stand in one.
func quote(text string) string { return `"` + strings.ReplaceAll(text, `"`, " ") + `"` }

// valueOf is what a record has in the field that rows are matched by.
func (b *batch) valueOf(rec value.Value) string {
	name, custom := strings.CutPrefix(b.match, customField)
	switch {
	case !custom:
		return manifest.TextAt(rec, name)
	case b.object != "tickets":
		return manifest.TextAt(rec, sections[b.object], name)
	}
	for _, f := range manifest.At(rec, "custom_fields").List() {
		if manifest.TextAt(f, "id") == name {
			return manifest.TextAt(f, "value")
		}
	}
	return ""
}
