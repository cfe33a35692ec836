package identifier

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/millrace/millrace/internal/fault"
)

// Spec says what becomes of one identifier. Fields that are left out come from the rule that Kind names.
type Spec struct {
	// Kind names a rule of Presets: a plain one, such as "email", which only normalises, or a vendor's, such as
	// "meta.em". Empty is "text", which does nothing by itself.
	Kind string `json:"kind,omitempty" yaml:"kind,omitempty"`

	// Normalize are the steps, in this order, instead of the rule's own. A list without steps is none.
	Normalize []Step `json:"normalize,omitempty" yaml:"normalize,omitempty"`

	// Hash is the algorithm instead of the rule's own; None leaves the value readable.
	Hash Algorithm `json:"hash,omitempty" yaml:"hash,omitempty"`

	// Accept are further algorithms whose hashes the destination takes as well. They pass as they are.
	Accept []Algorithm `json:"accept,omitempty" yaml:"accept,omitempty"`

	// Encoding is how the hash is written, instead of the rule's own.
	Encoding Encoding `json:"encoding,omitempty" yaml:"encoding,omitempty"`

	// Detect says whether a value that looks like a hash is taken for one; true unless it is given. False hashes
	// whatever comes, for values that only look like hashes.
	Detect *bool `json:"detect,omitempty" yaml:"detect,omitempty"`

	// Prehashed says that only hashes are taken: the user hashes in the model, and plain text is an error instead of a
	// leak. Nothing is normalised then.
	Prehashed bool `json:"prehashed,omitempty" yaml:"prehashed,omitempty"`

	// Invalid says what becomes of a value that cannot be normalised: Reject, unless it is given.
	Invalid Invalid `json:"invalid,omitempty" yaml:"invalid,omitempty"`

	// Country is the ISO 3166-1 alpha-2 code of the country that values without one belong to: phone numbers without
	// a calling code, states, postal codes, dates of birth. ApplyIn takes the row's own.
	Country string `json:"country,omitempty" yaml:"country,omitempty"`

	// Salt is hashed together with the value. It is a secret. Values that are hashes already are taken to be salted.
	Salt string `json:"salt,omitempty" yaml:"salt,omitempty"`

	// SaltAt says where the salt stands: before the value unless it says SaltAfter.
	SaltAt SaltPlace `json:"saltAt,omitempty" yaml:"saltAt,omitempty"`
}

// Invalid says what becomes of a value that cannot be normalised.
type Invalid string

// What becomes of a value that cannot be normalised: its row is rejected, or the row goes without the identifier. A
// hash of an algorithm that is not taken, and plain text where only hashes are taken, reject the row in any case: it is
// the mapping that is wrong then.
const (
	Reject Invalid = "reject"
	Drop   Invalid = "drop"
)

// SaltPlace says where the salt stands.
type SaltPlace string

// The places of a salt.
const (
	SaltBefore SaltPlace = "before"
	SaltAfter  SaltPlace = "after"
)

// New compiles a spec. It reports everything that is wrong with it at once, as fault.Issues whose paths are the spec's
// fields.
func New(spec Spec) (*Identifier, error) {
	var issues fault.Issues
	preset := presetOf(spec.Kind, &issues)
	id := &Identifier{
		label:     preset.Label,
		opaque:    preset.Opaque,
		algorithm: orElse(spec.Hash, orElse(preset.Hash, None)),
		encoding:  orElse(spec.Encoding, orElse(preset.Encoding, Hex)),
		accept:    spec.Accept,
		detect:    spec.Detect == nil || *spec.Detect,
		prehashed: spec.Prehashed,
		drop:      spec.Invalid == Drop,
		salt:      spec.Salt,
		saltAfter: spec.SaltAt == SaltAfter,
	}
	if spec.Accept == nil {
		id.accept = preset.Accept
	}
	id.steps = compile(spec.Normalize, preset.Normalize, &issues)
	id.local = slices.ContainsFunc(id.steps, StepInfo.local)
	id.options.country = country(spec.Country, &issues)
	checkChoices(spec, id, &issues)
	if err := issues.Err(); err != nil {
		return nil, err
	}
	return id, nil
}

func orElse[T ~string](v, fallback T) T {
	if v == "" {
		return fallback
	}
	return v
}

func presetOf(kind string, issues *fault.Issues) Preset {
	p, ok := Lookup(orElse(kind, "text"))
	if !ok {
		issues.Add("kind", fault.CodeInvalid, "there is no kind of identifier %q; there are: %s", kind, strings.Join(names(), ", "))
	}
	return p
}

// compile finds the functions of the steps: the spec's own, or else the rule's.
func compile(own, rule []Step, issues *fault.Issues) []StepInfo {
	names := own
	if own == nil {
		names = rule
	}
	var steps []StepInfo
	for i, name := range names {
		s, ok := stepByName[name]
		if !ok {
			issues.Add(fmt.Sprintf("normalize[%d]", i), fault.CodeInvalid, "there is no step %q; there are: %s", name, stepNames())
			continue
		}
		steps = append(steps, s)
	}
	return steps
}

func country(code string, issues *fault.Issues) string {
	code = strings.ToUpper(strings.TrimSpace(code))
	if code != "" && !phonenumbers.GetSupportedRegions()[code] {
		issues.Add("country", fault.CodeInvalid, "%q is not an ISO 3166-1 code of a country, such as US, GB or DE", code)
	}
	return code
}

func checkChoices(spec Spec, id *Identifier, issues *fault.Issues) {
	known := func(path string, a Algorithm) {
		if a != None && a.size() == 0 {
			issues.Add(path, fault.CodeInvalid, "there is no hash %q; there are: sha256, sha512, sha1, md5, none", a)
		}
	}
	known("hash", id.algorithm)
	for i, a := range spec.Accept {
		known(fmt.Sprintf("accept[%d]", i), a)
	}
	if id.encoding != Hex && id.encoding != Base64 {
		issues.Add("encoding", fault.CodeInvalid, "there is no encoding %q; there are: hex, base64", id.encoding)
	}
	if !slices.Contains([]SaltPlace{"", SaltBefore, SaltAfter}, spec.SaltAt) {
		issues.Add("saltAt", fault.CodeInvalid, "a salt stands %q or %q the value, not %q", SaltBefore, SaltAfter, spec.SaltAt)
	}
	if !slices.Contains([]Invalid{"", Reject, Drop}, spec.Invalid) {
		issues.Add("invalid", fault.CodeInvalid, "what cannot be normalised is %q or %q, not %q", Reject, Drop, spec.Invalid)
	}
	if id.algorithm == None {
		checkPlain(spec, issues)
	} else if id.prehashed && !id.detect {
		issues.Add("detect", fault.CodeInvalid, "values that must be hashes already cannot be taken for plain text: leave detect out, or prehashed")
	}
}

// checkPlain refuses what has no effect on a value that is not hashed.
func checkPlain(spec Spec, issues *fault.Issues) {
	for _, field := range []struct {
		path  string
		given bool
	}{
		{"accept", len(spec.Accept) > 0},
		{"encoding", spec.Encoding != ""},
		{"detect", spec.Detect != nil},
		{"prehashed", spec.Prehashed},
		{"salt", spec.Salt != ""},
		{"saltAt", spec.SaltAt != ""},
	} {
		if field.given {
			issues.Add(field.path, fault.CodeInvalid, "%s has no effect on a value that is not hashed: add hash, or leave %s out", field.path, field.path)
		}
	}
}
