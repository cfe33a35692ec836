package embedded

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"

	"golang.org/x/net/http/httpguts"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/trigger"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// settings are the connection's own.
type settings struct {
	URL     string         `json:"url"`
	Secret  string         `json:"signingSecret"`
	Headers []trigger.Pair `json:"headers"`
	Timeout int            `json:"timeout"`
	CA      string         `json:"caCertificate"`
}

func fields() []connector.Field {
	return []connector.Field{
		{Name: "url", Label: "URL", Type: connector.FieldString, Required: true, Target: true, Example: "https://connector.example.com/rpc", Help: "Where your connector speaks JSON-RPC 2.0 over HTTP."},
		{Name: "signingSecret", Label: "Signing secret", Type: connector.FieldSecret, Secret: true, Help: "Requests are signed with it, in the header webhook-signature, so that the connector can tell them from others."},
		{Name: "headers", Label: "Headers", Type: connector.FieldHeaders, Help: "Sent with every request. The value of a secret one is stored encrypted and never shown again."},
		{Name: "timeout", Label: "Timeout in seconds", Type: connector.FieldNumber, Default: 60, Min: new(1.0), Max: new(600.0), Advanced: true},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, Help: "PEM of the authorities that the connector's certificate is checked with, besides those that the server trusts already."},
	}
}

const configuration = "spec.configuration."

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	if _, err := httpx.ParseBase(s.URL); err != nil {
		issues = append(issues, fault.As(err).WithPath(configuration+"url"))
	}
	for _, h := range s.Headers {
		switch name := http.CanonicalHeaderKey(h.Name); {
		case !httpguts.ValidHeaderFieldName(h.Name), !httpguts.ValidHeaderFieldValue(h.Value):
			issues.Add(configuration+"headers", fault.CodeInvalid, "the header %q has characters that a header cannot have", h.Name)
		case slices.Contains([]string{"Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Upgrade", headerID, headerTime, headerSignature}, name):
			issues.Add(configuration+"headers", fault.CodeInvalid, "the header %s cannot be set", name)
		}
	}
	if _, err := httpx.New(httpx.Options{CA: []byte(s.CA)}); err != nil {
		issues = append(issues, fault.As(err).WithPath(configuration+"caCertificate"))
	}
	return issues
}

// The pick-lists.
const (
	listObjects = "objects"
	listModes   = "modes"
)

// formOptions is the form that list_options describes.
const formOptions = "options"

// syncSettings are a sync's own.
type syncSettings struct {
	Object      string `json:"object"`
	Mode        string `json:"mode"`
	Options     string `json:"options"`
	Concurrency int    `json:"concurrency"`
	Idempotent  bool   `json:"idempotent"`
}

func syncFields() []connector.Field {
	return []connector.Field{
		{Name: "object", Label: "Object", Type: connector.FieldSelect, OptionsFrom: listObjects, Creatable: true, Help: "One of those that the connector lists. Empty where it lists none."},
		{Name: "mode", Label: "Mode", Type: connector.FieldSelect, OptionsFrom: listModes, Creatable: true, Help: "One of those that the connector lists for the object. Empty where it lists none."},
		{Name: "options", Label: "Options", Type: connector.FieldText, FieldsFrom: formOptions, Example: `{"channel": 1, "archiveOnRemove": true}`, Help: "The connector's own options, as a JSON object. What it says about them is checked when the sync is saved, and when a run begins."},
		{Name: "concurrency", Label: "Requests at once", Type: connector.FieldNumber, Default: 1, Min: new(1.0), Max: new(100.0), Advanced: true},
		{Name: "idempotent", Label: "The connector may see a row twice", Type: connector.FieldBoolean, Default: false, Advanced: true, Help: "Requests whose answer was lost are sent again. Otherwise their rows are reported."},
	}
}

// members are the members of an object, in the order in which they were written.
type members map[string]json.RawMessage

// reserved are the members of a configuration that options cannot be.
var reserved = []string{"object", "mode", "identifierMapping", "mappings", "customMappings"}

// compile reads the sync's settings and reports every error that can be known without the connector.
func compile(job connector.SyncJob) (syncSettings, members, fault.Issues) {
	issues := job.Settings.Check("spec.settings", syncFields(), nil)
	var s syncSettings
	if err := job.Settings.WithDefaults(syncFields()).Decode(&s); err != nil {
		issues = append(issues, fault.As(err).WithPath("spec.settings"))
	}
	options := members{}
	if text := bytes.TrimSpace([]byte(s.Options)); len(text) > 0 {
		if json.Unmarshal(text, &options) != nil {
			issues.Add("spec.settings.options", fault.CodeInvalid, "the options are no JSON object, as in {\"channel\": 1}")
		}
	}
	for _, name := range reserved {
		if _, taken := options[name]; taken {
			issues.Add("spec.settings.options", fault.CodeInvalid, "%q cannot be an option: the configuration has a member of that name already", name)
		}
	}
	for _, c := range job.Columns {
		if c.From == "" {
			issues.Add("spec.mappings", fault.CodeMapping, "the field %q is mapped from no column: the connector gets whole rows, and the names of the columns that it finds its fields in", c.Name)
		}
	}
	return s, options, issues
}
