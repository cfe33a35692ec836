package salesforce

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// mostValues is how many values a custom picklist may have, inactive ones among them.
const mostValues = 1000

// picklist replaces the values of a custom picklist once all rows of a run were seen.
type picklist struct {
	connector.Session // the manifest's own

	run *manifest.Run

	mu     sync.Mutex
	values []entry
	names  map[string]bool
	labels map[string]bool
}

// entry is one value of a picklist.
type entry struct {
	Name    string `json:"valueName"`
	Label   string `json:"label"`
	Default bool   `json:"default"`
	Active  *bool  `json:"isActive"`
}

func beginPicklist(_ context.Context, r *manifest.Run) (connector.Session, error) {
	return &picklist{Session: r.Session(), run: r, names: map[string]bool{}, labels: map[string]bool{}}, nil
}

// Limits: nothing is sent before all rows are there.
func (p *picklist) Limits() connector.Limits {
	l := p.Session.Limits()
	l.Deferred, l.Concurrency, l.Idempotency = true, 1, connector.Idempotent
	return l
}

// Write keeps the values of some rows.
func (p *picklist) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	r, err := p.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, row := range r.Rows() {
		e := entry{Name: text(row.Match()), Label: text(row.Value("label"))}
		if e.Label == "" {
			e.Label = e.Name
		}
		if reason := p.problem(e); reason != "" {
			r.Reject(row, reason, false)
			continue
		}
		p.names[strings.ToLower(e.Name)], p.labels[strings.ToLower(e.Label)] = true, true
		p.values = append(p.values, e)
	}
	return r.Result(), nil
}

func (p *picklist) problem(e entry) string {
	switch {
	case e.Name == "":
		return "a value of a picklist needs an API name"
	case p.names[strings.ToLower(e.Name)]:
		return "another row has the same API name"
	case p.labels[strings.ToLower(e.Label)]:
		return "another row has the same label"
	case len(p.values) >= mostValues:
		return "a picklist has 1,000 values at most"
	default:
		return ""
	}
}

// Finish replaces the picklist's values.
func (p *picklist) Finish(ctx context.Context) error {
	settings := p.run.Job().Settings
	id, full, metadata, err := p.definition(ctx, settings.Text("object"), settings.Text("picklist"))
	if err != nil {
		return err
	}
	if err := p.replace(metadata); err != nil {
		return err
	}
	err = call(ctx, p.run, "PATCH", "/tooling/sobjects/CustomField/"+segment(id), map[string]any{"FullName": full, "Metadata": metadata}, nil)
	if fault.ClassOf(err) == fault.Unknown {
		return fault.Reclass(err, fault.Retryable) // the same values may be set again
	}
	return err
}

// definition reads the field's definition, which is written as a whole.
func (p *picklist) definition(ctx context.Context, object, field string) (id, full string, metadata map[string]json.RawMessage, err error) {
	developer := strings.TrimSuffix(field, "__c")
	namespace, rest, packaged := strings.Cut(developer, "__")
	condition := " AND NamespacePrefix = null"
	if packaged {
		developer, condition = rest, " AND NamespacePrefix = "+soqlText(namespace)
	}
	soql := "SELECT Id, FullName, Metadata FROM CustomField WHERE EntityDefinition.QualifiedApiName = " + soqlText(object) +
		" AND DeveloperName = " + soqlText(developer) + condition
	var page struct {
		Records []struct {
			ID       string                     `json:"Id"`
			Full     string                     `json:"FullName"`
			Metadata map[string]json.RawMessage `json:"Metadata"`
		} `json:"records"`
	}
	if err := read(ctx, p.run, "/tooling/query?q="+url.QueryEscape(soql), &page); err != nil {
		return "", "", nil, err
	}
	if len(page.Records) != 1 {
		return "", "", nil, fault.Reclass(fault.New(fault.CodeDestinationSchema, "the object %s has no custom field %q", object, field).
			WithSuggestion("Choose another picklist. The user who allowed the access needs the permission to customize the application."), fault.Fatal)
	}
	rec := page.Records[0]
	return rec.ID, rec.Full, rec.Metadata, nil
}

func soqlText(v string) string {
	text, _ := (&finder{field: &field{Type: "string"}}).literal(v)
	return text
}

// replace puts the rows' values in the place of those that the definition has. A default value stays one.
func (p *picklist) replace(metadata map[string]json.RawMessage) error {
	set := map[string]json.RawMessage{}
	if err := json.Unmarshal(metadata["valueSet"], &set); err != nil {
		return fault.Reclass(fault.Wrap(err, fault.CodeDestinationAnswer, "reading the picklist's definition"), fault.Fatal)
	}
	var name string
	if json.Unmarshal(set["valueSetName"], &name) == nil && name != "" {
		return fault.Reclass(fault.New(fault.CodeDestinationSchema, "the picklist takes its values from the global value set %s", name).
			WithSuggestion("Choose a picklist that has values of its own."), fault.Fatal)
	}
	var had struct {
		Sorted bool    `json:"sorted"`
		Values []entry `json:"value"`
	}
	if err := json.Unmarshal(set["valueSetDefinition"], &had); err != nil {
		return fault.Reclass(fault.Wrap(err, fault.CodeDestinationAnswer, "reading the picklist's values"), fault.Fatal)
	}
	standard := map[string]bool{}
	for _, e := range had.Values {
		standard[e.Name] = e.Default
	}
	values := make([]entry, len(p.values))
	for i, e := range p.values {
		e.Default = standard[e.Name]
		values[i] = e
	}
	set["valueSetDefinition"] = encoded(map[string]any{"sorted": had.Sorted, "value": values})
	metadata["valueSet"] = encoded(set)
	return nil
}

func encoded(x any) json.RawMessage {
	text, _ := json.Marshal(x) //nolint:errcheck,errchkjson // made of texts
	return text
}
