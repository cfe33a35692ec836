// Package hubspot is what the manifest of HubSpot cannot say: how records are found by any property, what happens to
// fields that are only filled while they are empty, and associations with their labels.
//
// HubSpot's pages are named in README.md.
package hubspot

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Hooks returns the Go code beside the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Begin:  map[string]func(context.Context, *manifest.Run) (connector.Session, error){"objects": begin},
		Lists:  map[string]func(context.Context, *manifest.Run) ([]connector.Option, error){"contactLists": contactLists},
		Fields: map[string]func(context.Context, *manifest.Run) ([]manifest.Discovered, error){"objects": fields},
	}
}

// call makes a request and reads its answer into to, which may be nil.
func call(ctx context.Context, r *manifest.Run, method, path string, body, to any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fault.Wrap(err, fault.CodeInternal, "encoding a request")
		}
	}
	got, err := send(ctx, r, method, path, text)
	if err != nil || to == nil {
		return err
	}
	return decode(got, to)
}

// send makes a request.
func send(ctx context.Context, r *manifest.Run, method, path string, text []byte) (answer []byte, err error) {
	resp, err := r.Ask(ctx, method, path, text, nil)
	if err != nil {
		return nil, err
	}
	if resp.Truncated {
		return nil, fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the answer is too long to be read"), fault.Unknown)
	}
	return resp.Body, nil
}

// decode reads an answer; an empty one has nothing to read.
func decode(answer []byte, to any) error {
	if len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, to); err != nil {
		return fault.Reclass(fault.Wrap(err, fault.CodeDestinationAnswer, "reading HubSpot's answer"), fault.Unknown)
	}
	return nil
}

// read makes a request that changes nothing: where its answer is lost, it can be made again.
func read(ctx context.Context, r *manifest.Run, method, path string, body, to any) error {
	err := call(ctx, r, method, path, body, to)
	if fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable)
	}
	return err
}

// text is a property's value as HubSpot takes it: the values of several checkboxes stand between semicolons, and an
// empty text empties the property.
func text(v value.Value) string {
	switch v.Kind() {
	case value.Null:
		return ""
	case value.Text:
		return v.Raw()
	}
	if v = v.Parsed(); v.Kind() != value.List {
		return v.String()
	}
	parts := make([]string, len(v.List()))
	for i, item := range v.List() {
		parts[i] = item.String()
	}
	return strings.Join(parts, ";")
}

// listsPerPage is how many lists a page has.
const listsPerPage = 500

// contactLists are the lists of contacts that members can be put on: those that HubSpot does not fill by itself.
func contactLists(ctx context.Context, r *manifest.Run) ([]connector.Option, error) {
	var all []connector.Option
	for offset := 0; ; {
		var page struct {
			HasMore bool `json:"hasMore"`
			Offset  int  `json:"offset"`
			Lists   []struct {
				ID   string `json:"listId"`
				Name string `json:"name"`
			} `json:"lists"`
		}
		ask := map[string]any{
			"objectTypeId": "0-1", "processingTypes": []string{"MANUAL", "SNAPSHOT"}, "additionalProperties": []string{},
			"offset": offset, "count": listsPerPage,
		}
		if err := read(ctx, r, "POST", "/crm/v3/lists/search", ask, &page); err != nil {
			return nil, err
		}
		for _, l := range page.Lists {
			all = append(all, connector.Option{Value: l.ID, Label: l.Name})
		}
		if !page.HasMore || page.Offset <= offset {
			return all, nil
		}
		offset = page.Offset
	}
}
