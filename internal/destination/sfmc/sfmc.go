// Package sfmc is what the manifest of Salesforce Marketing Cloud cannot say: data extensions that are made and extended
// with the SOAP API, files that an import definition reads from a place outside, and the attribute sets of contacts.
//
// Salesforce's pages are named in README.md.
package sfmc

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// Slugs of sync types that hooks are about.
const (
	typeExtensions = "data-extensions"
	typeContacts   = "contacts"
)

// Hooks are the Go code of the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Begin: map[string]func(context.Context, *manifest.Run) (connector.Session, error){"extension": begin},
		Write: map[string]func(context.Context, *manifest.Run) (connector.Result, error){"contact": writeContact},
		Lists: map[string]func(context.Context, *manifest.Run) ([]connector.Option, error){
			"extensions": listExtensions, "folders": listFolders, "triggers": listTriggers,
		},
		Fields: map[string]func(context.Context, *manifest.Run) ([]manifest.Discovered, error){
			typeExtensions: extensionFields, typeContacts: contactFields,
		},
		Formless: map[string]bool{typeExtensions: true, typeContacts: true},
		Check:    map[string]func(*manifest.Destination, connector.SyncJob) fault.Issues{typeExtensions: check},
		Test:     testLocation,
	}
}

// ask makes a request of the REST API and reads its answer into to, which may be nil.
func ask(ctx context.Context, r *manifest.Run, method, path string, body, to any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fault.Wrap(err, fault.CodeInternal, "encoding a request")
		}
	}
	resp, err := r.Ask(ctx, method, path, text, nil)
	if err != nil || to == nil {
		return err
	}
	if resp.Truncated {
		return fault.New(fault.CodeDestinationAnswer, "the answer is too long to be read")
	}
	if err := json.Unmarshal(resp.Body, to); err != nil {
		return fault.Wrap(err, fault.CodeDestinationAnswer, "reading the answer")
	}
	return nil
}

// harmless is an error of a request that changed nothing: where its answer is lost, it can be made again.
func harmless(err error) error {
	if fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable)
	}
	return err
}

// segment is a name as part of a path.
func segment(name string) string { return url.PathEscape(name) }
