package hubspot

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// How records are found.
const (
	byID     = "id"     // the value is the record's own id
	byUnique = "unique" // HubSpot keeps the property's values unique: it can be written by
	byEmail  = "email"  // a contact's address: it can be read by, but records are not written by it
	bySearch = "search" // any other property
)

// finder finds records of an object by a property.
type finder struct {
	object   string
	property string
	how      string
}

// contactNames are what the object of contacts is called.
var contactNames = []string{"contacts", "contact", "0-1"}

// newFinder asks the account whether the property's values are unique.
func newFinder(ctx context.Context, r *manifest.Run, object, property string) (*finder, error) {
	f := &finder{object: object, property: property, how: bySearch}
	switch {
	case property == recordID:
		f.how = byID
		return f, nil
	case property == "email" && slices.Contains(contactNames, object):
		f.how = byEmail
		return f, nil
	}
	var p struct {
		Unique bool `json:"hasUniqueValue"`
	}
	path := "/crm/v3/properties/" + url.PathEscape(object) + "/" + url.PathEscape(property)
	if err := read(ctx, r, "GET", path, nil, &p); err != nil {
		return nil, err
	}
	if p.Unique {
		f.how = byUnique
	}
	return f, nil
}

// found is a record that was found.
type found struct {
	id         string
	properties map[string]string
	several    bool // others have the same value
}

// perRequest is how many records a request of HubSpot's batch endpoints may name.
const perRequest = 100

// find returns the records that have the values, by the values in lower case, with some of their properties.
func (f *finder) find(ctx context.Context, r *manifest.Run, values, properties []string) (map[string]*found, error) {
	all := map[string]*found{}
	for chunk := range slices.Chunk(values, perRequest) {
		ask := f.read
		if f.how == bySearch {
			ask = f.search
		}
		if err := ask(ctx, r, chunk, properties, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// records is an answer with records.
type records struct {
	Results []struct {
		ID         string             `json:"id"`
		Properties map[string]*string `json:"properties"`
	} `json:"results"`
	Paging struct {
		Next struct {
			After string `json:"after"`
		} `json:"next"`
	} `json:"paging"`
}

func (f *finder) read(ctx context.Context, r *manifest.Run, values, properties []string, all map[string]*found) error {
	inputs := make([]map[string]string, len(values))
	for i, v := range values {
		inputs[i] = map[string]string{"id": v}
	}
	body := map[string]any{"inputs": inputs, "properties": f.wanted(properties), "propertiesWithHistory": []string{}}
	if f.how != byID {
		body["idProperty"] = f.property
	}
	var answer records
	err := read(ctx, r, "POST", "/crm/v3/objects/"+url.PathEscape(f.object)+"/batch/read", body, &answer)
	if err != nil {
		return err
	}
	f.collect(answer, all)
	return nil
}

// wanted are the properties to ask for: those by which a record is recognised are among them.
func (f *finder) wanted(properties []string) []string {
	list := append([]string{}, properties...)
	for _, own := range []string{f.property, secondAddresses} {
		if (own == f.property || f.how == byEmail) && !slices.Contains(list, own) {
			list = append(list, own)
		}
	}
	return list
}

// secondAddresses has the addresses of a contact besides the first one. HubSpot finds a contact by each of them.
const secondAddresses = "hs_additional_emails"

// pagesPerSearch ends a search that finds more and more.
const pagesPerSearch = 50

// search asks for records by a property that is not unique. Texts are compared in lower case.
func (f *finder) search(ctx context.Context, r *manifest.Run, values, properties []string, all map[string]*found) error {
	lower := make([]string, len(values))
	for i, v := range values {
		lower[i] = strings.ToLower(v)
	}
	after := "0" // pages begin at a record's number
	for range pagesPerSearch {
		body := map[string]any{
			"filterGroups": []any{map[string]any{"filters": []any{map[string]any{"propertyName": f.property, "operator": "IN", "values": lower}}}},
			"properties":   f.wanted(properties), "sorts": []string{}, "limit": 200, "after": after,
		}
		var answer records
		if err := read(ctx, r.Class(searches), "POST", "/crm/v3/objects/"+url.PathEscape(f.object)+"/search", body, &answer); err != nil {
			return err
		}
		f.collect(answer, all)
		if after = answer.Paging.Next.After; after == "" {
			return nil
		}
	}
	return fault.New(fault.CodeDestinationRejected, "more records have the same value of %s than can be told apart", f.property).
		WithSuggestion("Match by a property whose values are unique.")
}

// collect notes the records of an answer under the values that they were asked by.
func (f *finder) collect(answer records, all map[string]*found) {
	for _, rec := range answer.Results {
		known := map[string]string{}
		for name, v := range rec.Properties {
			if v != nil {
				known[name] = *v
			}
		}
		keys := []string{known[f.property]}
		switch f.how {
		case byID:
			keys = []string{rec.ID}
		case byEmail:
			keys = append(keys, strings.Split(known[secondAddresses], ";")...)
		}
		for _, key := range keys {
			key = strings.ToLower(strings.TrimSpace(key))
			if key == "" {
				continue
			}
			if other := all[key]; other != nil && other.id != rec.ID {
				other.several = true
				continue
			}
			all[key] = &found{id: rec.ID, properties: known}
		}
	}
}
