package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Where errors of a sync are shown.
const (
	pathSettings = "spec.settings"
	pathOptions  = pathSettings + ".options"
	pathMappings = "spec.mappings"
)

// configuration is what the connector is told of the sync. What is wrong with it, by its descriptions or in its own
// words, is fault.Issues; any other error says that it could not be asked.
func (r *rpc) configuration(ctx context.Context, job connector.SyncJob, at place, options members) (json.RawMessage, error) {
	known, err := r.options(ctx, at)
	if err != nil {
		return nil, err
	}
	issues := known.fill(options)
	found, err := r.fields(ctx, at)
	if err != nil {
		return nil, err
	}
	mapped, more := newMapping(job.Columns, found)
	if err := append(issues, more...).Err(); err != nil {
		return nil, err
	}
	text, err := encode(options, at, mapped)
	if err != nil {
		return nil, err
	}
	complaints, err := r.validate(ctx, text)
	if err != nil {
		return nil, err
	}
	for _, c := range complaints {
		issues.Add(c.path(job, known, options), fault.CodeInvalid, "%s", r.http.Redact(cmp.Or(strings.TrimSpace(c.Message), "refused without a reason")))
	}
	return text, issues.Err()
}

// encode spreads the parts into one object, to which the options belong.
func encode(options members, parts ...any) (json.RawMessage, error) {
	all := maps.Clone(options)
	for _, part := range parts {
		text, err := json.Marshal(part)
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeInternal, "encoding the configuration")
		}
	}
	return json.Marshal(all) //nolint:wrapcheck // it was JSON before
}

// complaint is what the connector has against a configuration: a text, or an object that names the field too.
type complaint struct {
	Message string `json:"message"`
	Field   string `json:"field"`
}

// UnmarshalJSON reads either form.
func (c *complaint) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &c.Message) //nolint:wrapcheck // the caller says what was read
	}
	type plain complaint
	return json.Unmarshal(text, (*plain)(c)) //nolint:wrapcheck // the caller says what was read
}

// path is where the field stands in the sync: an option, the object or mode, or a mapped field.
func (c complaint) path(job connector.SyncJob, known described, options members) string {
	option, _, _ := strings.Cut(c.Field, ".") // of a member of an object among the options
	if _, given := options[option]; given || known.has(option) {
		return pathOptions + "." + c.Field
	}
	switch {
	case c.Field == "object" || c.Field == "mode":
		return pathSettings + "." + c.Field
	case c.Field == "mappings" || slices.ContainsFunc(job.Columns, func(column connector.TargetColumn) bool { return column.Name == c.Field }):
		return pathMappings
	default:
		return pathSettings
	}
}

// validate asks the connector what is wrong with a configuration.
func (r *rpc) validate(ctx context.Context, configuration json.RawMessage) ([]complaint, error) {
	var result struct {
		Errors []complaint `json:"errors"`
	}
	_, err := r.ask(ctx, "validate", map[string]json.RawMessage{"configuration": configuration}, &result)
	return result.Errors, err
}
