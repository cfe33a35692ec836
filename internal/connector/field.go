// Package connector holds the contracts of sources and destinations: what they say about
// themselves, what a run asks of them, and the registry that finds them.
//
// The lifecycle of both is Decode (no network) → Open (no network) → Test (network) → use → Close.
package connector

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// FieldType says how a field is asked for and stored.
type FieldType string

// The field types.
const (
	FieldString  FieldType = "string"
	FieldText    FieldType = "text" // several lines
	FieldSecret  FieldType = "secret"
	FieldNumber  FieldType = "number"
	FieldBoolean FieldType = "boolean"
	FieldSelect  FieldType = "select"  // one of Options or OptionsFrom
	FieldList    FieldType = "list"    // an array of strings
	FieldHeaders FieldType = "headers" // an array of {name, value, secret}
	FieldObject  FieldType = "object"  // an object whose members are Fields

	// FieldCredential is the slug of a credential document of one of Field.Providers. Where a connector is opened, the
	// setting is the credential itself, as an object that cloud.AWS, cloud.GCP or cloud.Azure decode.
	FieldCredential FieldType = "credential"
)

// Field is one setting of a connection or of a sync. One list of fields draws the web form, checks
// the input, and writes the reference.
type Field struct {
	Name        string    `json:"name"`
	Label       string    `json:"label"`
	Help        string    `json:"help,omitempty"`
	Type        FieldType `json:"type"`
	Default     any       `json:"default,omitempty"`
	Example     string    `json:"example,omitempty"`
	Required    bool      `json:"required,omitempty"`
	Advanced    bool      `json:"advanced,omitempty"`
	Secret      bool      `json:"secret,omitempty"` // stored encrypted, never returned
	Target      bool      `json:"target,omitempty"` // names the place that rows go to: another value is another target
	Options     []Option  `json:"options,omitempty"`
	OptionsFrom string    `json:"optionsFrom,omitempty"` // name of a list that the connector loads (OptionLister)
	FieldsFrom  string    `json:"fieldsFrom,omitempty"`  // of a text that holds a JSON object: a form of its members that the connector loads (FormLister)
	Creatable   bool      `json:"creatable,omitempty"`   // a value outside the list may be typed in
	Providers   []string  `json:"providers,omitempty"`   // whose credentials fit: cloud.ProviderAWS …
	ShowIf      *ShowIf   `json:"showIf,omitempty"`
	Min         *float64  `json:"min,omitempty"`
	Max         *float64  `json:"max,omitempty"`
	Fields      []Field   `json:"fields,omitempty"` // the members of an object
}

// Option is one entry of a pick-list.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
	Help  string `json:"help,omitempty"`
}

// ShowIf makes a field depend on another one: it exists only while Field's value is one of In. A
// field that does not exist is neither required nor kept. Without In every value fits.
type ShowIf struct {
	Field string   `json:"field"`
	In    []string `json:"in"`
}

// Settings are the values of fields, as JSON holds them.
type Settings map[string]any

// Decode reads the settings into the struct that target points to, by its json tags.
func (s Settings) Decode(target any) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encoding settings: %w", err)
	}
	if err := json.Unmarshal(b, target); err != nil {
		return fault.Wrap(err, fault.CodeInvalid, "the settings do not fit")
	}
	return nil
}

// Text returns a setting as text; an absent one is empty.
func (s Settings) Text(name string) string {
	switch v := s[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// List returns a setting that is a list of texts; anything in it that is no text is left out.
func (s Settings) List(name string) []string {
	items, _ := s[name].([]any)
	all := make([]string, 0, len(items))
	for _, item := range items {
		if text, ok := item.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// WithDefaults returns a copy in which absent fields have their defaults.
func (s Settings) WithDefaults(fields []Field) Settings {
	out := make(Settings, len(s)+len(fields))
	maps.Copy(out, s)
	for _, f := range fields {
		if _, set := out[f.Name]; !set && f.Default != nil && f.exists(out) {
			out[f.Name] = f.Default
		}
	}
	return out
}

// Exists reports whether the field exists for these settings (ShowIf), which have their defaults.
func (f Field) Exists(s Settings) bool { return f.exists(s) }

func (f Field) exists(s Settings) bool {
	return f.ShowIf == nil || f.ShowIf.holds(s)
}

// holds reports whether the condition is met by settings that have their defaults.
func (c ShowIf) holds(s Settings) bool {
	got := s.Text(c.Field)
	return len(c.In) == 0 || slices.Contains(c.In, got)
}

// Check reports every error of the settings against the fields, under the path prefix (such as
// "spec.configuration"). Defaults count as given. present tells whether a secret that the settings
// leave out is stored already.
func (s Settings) Check(prefix string, fields []Field, present func(secret string) bool) fault.Issues {
	var issues fault.Issues
	full := s.WithDefaults(fields)
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Name] = true
		if f.exists(full) {
			f.check(prefix+"."+f.Name, full[f.Name], present, &issues)
		}
	}
	for _, name := range unknownNames(s, known) {
		issues.Add(prefix+"."+name, fault.CodeUnknownField, "there is no setting %q", name)
	}
	return issues
}

func unknownNames(s Settings, known map[string]bool) []string {
	var names []string
	for name := range s {
		if !known[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func (f Field) check(path string, v any, present func(string) bool, issues *fault.Issues) {
	if v == nil || v == "" {
		stored := f.Secret && present != nil && present(f.Name)
		if f.Required && !stored {
			issues.Add(path, fault.CodeRequired, "%s is required", f.Label)
		}
		return
	}
	if problem := f.problem(v); problem != "" {
		issues.Add(path, fault.CodeInvalid, "%s %s", f.Label, problem)
	}
}

// problem says what is wrong with a value that is present, or nothing.
func (f Field) problem(v any) string {
	switch f.Type {
	case FieldNumber:
		return f.numberProblem(v)
	case FieldBoolean:
		if _, ok := v.(bool); !ok {
			return "must be true or false"
		}
	case FieldSelect:
		return f.optionProblem(v)
	case FieldList, FieldHeaders:
		if !isArray(v) {
			return "must be a list"
		}
	case FieldObject:
		if _, ok := v.(map[string]any); !ok {
			return "must be an object"
		}
	default:
		if _, ok := v.(string); !ok {
			return "must be text"
		}
	}
	return ""
}

func (f Field) numberProblem(v any) string {
	n, ok := toFloat(v)
	switch {
	case !ok:
		return "must be a number"
	case f.Min != nil && n < *f.Min:
		return fmt.Sprintf("must be at least %v", *f.Min)
	case f.Max != nil && n > *f.Max:
		return fmt.Sprintf("must be at most %v", *f.Max)
	default:
		return ""
	}
}

func toFloat(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	default:
		return 0, false
	}
}

func (f Field) optionProblem(v any) string {
	if len(f.Options) == 0 || f.Creatable {
		return ""
	}
	values := make([]string, len(f.Options))
	for i, o := range f.Options {
		if o.Value == fmt.Sprint(v) {
			return ""
		}
		values[i] = o.Value
	}
	return "must be one of " + strings.Join(values, ", ")
}

func isArray(v any) bool {
	switch v.(type) {
	case []any, []string, []map[string]any:
		return true
	default:
		return false
	}
}
