// Package salesforce is what the manifest of Salesforce cannot say: objects and fields as the organisation describes
// them, records and references that are found with SOQL, batches that become asynchronous jobs, and the values of
// picklists, which are metadata.
//
// Salesforce's pages are named in README.md.
package salesforce

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Hooks returns the Go code beside the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Begin: map[string]func(context.Context, *manifest.Run) (connector.Session, error){
			"objects": begin, "picklist": beginPicklist,
		},
		Lists: map[string]func(context.Context, *manifest.Run) ([]connector.Option, error){
			"objects": objects, "events": events, "picklistObjects": picklistObjects, "picklists": picklists,
		},
		Fields: map[string]func(context.Context, *manifest.Run) ([]manifest.Discovered, error){
			"objects": objectFields, "events": eventFields,
		},
	}
}

// The interfaces of one version, behind the address of all services.
const (
	rest = "/data/v63.0"
	soap = "/Soap/u/63.0"
)

// call makes a request of the REST API and reads its answer into to, which may be nil.
func call(ctx context.Context, r *manifest.Run, method, path string, body, to any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fault.Wrap(err, fault.CodeInternal, "encoding a request")
		}
	}
	resp, err := r.Ask(ctx, method, rest+path, text, nil)
	if err != nil {
		return err
	}
	if resp.Truncated {
		return fault.Reclass(fault.New(fault.CodeDestinationAnswer, "the answer is too long to be read"), fault.Unknown)
	}
	if to == nil || len(resp.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(resp.Body, to); err != nil {
		return fault.Reclass(fault.Wrap(err, fault.CodeDestinationAnswer, "reading Salesforce's answer"), fault.Unknown)
	}
	return nil
}

// read makes a request that changes nothing: where its answer is lost, it can be made again.
func read(ctx context.Context, r *manifest.Run, path string, to any) error {
	return harmless(call(ctx, r, "GET", path, nil, to))
}

func harmless(err error) error {
	if fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable)
	}
	return err
}

// text is a value as a record has it: the choices of a multi-select picklist stand between semicolons.
func text(v value.Value) string {
	if v = v.Parsed(); v.Kind() != value.List {
		if v.IsNull() {
			return ""
		}
		return v.String()
	}
	parts := make([]string, len(v.List()))
	for i, item := range v.List() {
		parts[i] = item.String()
	}
	return strings.Join(parts, ";")
}

// segment is a name as part of a path.
func segment(name string) string { return url.PathEscape(name) }
