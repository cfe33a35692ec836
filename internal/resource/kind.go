// Package resource is the one mechanism for everything that a person configures: documents of a kind, with
// versions, references, labels, folders, activity and revision-checked writes.
package resource

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// Kind describes one kind of document. A new kind is one of these; nothing else changes.
type Kind struct {
	Name   string // such as "source"
	Plural string // such as "sources": its name in addresses
	Space  string // kinds with one space share their slugs; empty means the kind's own

	// New returns a pointer to an empty spec.
	New func() any
	// Validate reports every error of a spec, without the network. stored tells whether a secret at a
	// path is kept from before.
	Validate func(spec any, stored func(path string) bool) fault.Issues
	// References lists the documents that a spec refers to.
	References func(spec any) []Ref
	// Related reports the errors of a spec that depend on other documents, whose specs get returns; nil
	// where there are none.
	Related func(spec any, get func(kind, slug string) (any, error)) fault.Issues
	// Change reports what may not become of a spec that is stored; nil where everything may.
	Change func(before, after any) fault.Issues
	// Along lists the documents that move into the folder that a person moves this one to; nil where there are none.
	Along func(spec any) []Ref
	// Secrets visits the places of a spec that hold secrets; nil where there are none.
	Secrets func(spec any, visit func(Place))
}

// Ref is a reference from one document to another.
type Ref struct {
	Kind string
	Slug string
	Path string // where in the document it stands, such as "spec.source"
}

// Place is where a secret stands in a spec.
type Place struct {
	Path   string
	Value  any       // text: a new secret; a map with SecretKey: one that is stored
	Absent bool      // the document does not mention it; Value is nil
	Set    func(any) // puts another value there
}

// SecretKey marks a stored secret in a document: {"$secret": "…"}.
const SecretKey = "$secret"

// secretSet is what readers of a document see of a stored secret, and send back to keep it.
const secretSet = "set"

// Define returns a kind with a typed spec.
func Define[T any](name, plural string, validate func(spec *T, stored func(path string) bool) fault.Issues, references func(spec *T) []Ref, secrets func(spec *T, visit func(Place))) Kind {
	k := Kind{Name: name, Plural: plural, Space: name, New: func() any { return new(T) }}
	k.Validate = func(spec any, stored func(string) bool) fault.Issues { return validate(spec.(*T), stored) } //nolint:forcetypeassert // made by New
	k.References = func(spec any) []Ref { return references(spec.(*T)) }                                      //nolint:forcetypeassert // made by New
	if secrets != nil {
		k.Secrets = func(spec any, visit func(Place)) { secrets(spec.(*T), visit) } //nolint:forcetypeassert // made by New
	}
	return k
}

// Decode reads a spec strictly: every unknown field is an error that names its path.
func (k Kind) Decode(text []byte) (any, error) {
	spec := k.New()
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fault.New(fault.CodeRequired, "the %s has no spec", k.Name).WithPath("spec")
	}
	if err := json.Unmarshal(text, spec); err != nil {
		return nil, decodeError(err)
	}
	unknown, err := unknownFields("spec", text, reflect.TypeOf(spec))
	if err != nil {
		return nil, decodeError(err)
	}
	var issues fault.Issues
	for _, u := range unknown {
		issues.Add(u.path, fault.CodeUnknownField, "there is no field %q%s", u.name, fault.DidYouMean(u.name, u.known))
	}
	return spec, issues.Err()
}

func decodeError(err error) error {
	var wrongType *json.UnmarshalTypeError
	if !errors.As(err, &wrongType) {
		return fault.Wrap(err, fault.CodeMalformed, "the spec cannot be read").WithPath("spec")
	}
	path := strings.TrimSuffix("spec."+wrongType.Field, ".")
	return fault.New(fault.CodeInvalid, "%s must be %s, not %s", path, article(wrongType.Type.Kind().String()), wrongType.Value).WithPath(path)
}

// article names a Go kind as a person would.
func article(kind string) string {
	switch kind {
	case "struct", "map":
		return "an object"
	case "slice":
		return "a list"
	case "bool":
		return "true or false"
	case "string":
		return "text"
	default:
		return "a number"
	}
}

// Registry knows every kind, in the order in which documents must be made: what is referred to comes first.
type Registry struct {
	kinds []Kind
}

// NewRegistry returns a registry of the kinds.
func NewRegistry(kinds ...Kind) *Registry { return &Registry{kinds: kinds} }

// Kinds lists the kinds in order.
func (r *Registry) Kinds() []Kind { return r.kinds }

// Kind returns a kind by its name or plural.
func (r *Registry) Kind(name string) (Kind, error) {
	names := make([]string, len(r.kinds))
	for i, k := range r.kinds {
		if name == k.Name || name == k.Plural {
			return k, nil
		}
		names[i] = k.Name
	}
	return Kind{}, fault.New(fault.CodeInvalid, "there is no kind %q; there are %s", name, strings.Join(names, ", ")).WithPath("kind")
}

// order returns a kind's place among the kinds.
func (r *Registry) order(name string) int {
	for i, k := range r.kinds {
		if k.Name == name {
			return i
		}
	}
	return len(r.kinds)
}

var slugPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}$`)

// CheckSlug says what is wrong with a slug.
func CheckSlug(slug string) error {
	if slugPattern.MatchString(slug) {
		return nil
	}
	return fault.New(fault.CodeInvalid, "%q is not a slug: use up to 100 lower-case letters, digits, - and _, beginning with a letter or digit", slug).WithPath("metadata.slug")
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// Slugify makes a slug of a name.
func Slugify(name string) string {
	slug := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if len(slug) > 90 {
		slug = strings.Trim(slug[:90], "-")
	}
	if slug == "" {
		return "untitled"
	}
	return slug
}

// Encode returns a spec as it is stored.
func (k Kind) Encode(spec any) (string, error) { return encode(spec) }

func encode(spec any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(spec); err != nil {
		return "", fmt.Errorf("encoding a spec: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
