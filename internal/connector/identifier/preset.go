package identifier

import (
	"slices"
	"strings"
)

// Preset is a rule with a name: what Spec.Kind names.
type Preset struct {
	Name      string
	Label     string // what the value is, as errors call it: "email address"
	Normalize []Step
	Hash      Algorithm
	Accept    []Algorithm
	Encoding  Encoding // empty is Hex

	// Opaque says that plain values may look like a hash, as a customer's id does. A hash of another algorithm cannot
	// be told from one then, and is hashed.
	Opaque bool

	// Source is the address of the page that the rule comes from: the vendor's own, or its code. It is empty where the
	// rule is nobody's.
	Source string

	// Unverified says what of the rule has not been read in the vendor's own words. Empty is nothing.
	Unverified string
}

// rule makes a preset that hashes with SHA-256 in hexadecimal digits, as nearly all do.
func rule(name, label string, normalize ...Step) Preset {
	return Preset{Name: name, Label: label, Normalize: normalize, Hash: SHA256, Opaque: label == labelExternal || label == labelDevice}
}

// What identifiers are, as errors call them.
const (
	labelEmail      = "email address"
	labelPhone      = "phone number"
	labelFirstName  = "first name"
	labelLastName   = "last name"
	labelStreet     = "street address"
	labelCity       = "city"
	labelState      = "state"
	labelPostalCode = "postal code"
	labelCountry    = "country"
	labelBirth      = "date of birth"
	labelGender     = "gender"
	labelDevice     = "mobile advertising id"
	labelExternal   = "external id"
	labelIP         = "IP address"
)

// readable leaves a rule's values unhashed.
func (p Preset) readable() Preset {
	p.Hash = None
	return p
}

func (p Preset) with(a Algorithm) Preset {
	p.Hash = a
	return p
}

func (p Preset) accepting(others ...Algorithm) Preset {
	p.Accept = others
	return p
}

func (p Preset) unverified(what string) Preset {
	p.Unverified = what
	return p
}

func (p Preset) base64() Preset {
	p.Encoding = Base64
	return p
}

// from sets the page that rules come from.
func from(source string, rules ...Preset) []Preset {
	for i := range rules {
		rules[i].Source = source
	}
	return rules
}

var presets = slices.Concat(plainRules, googleRules, displayVideoRules, metaRules, tiktokRules, snapchatRules, pinterestRules,
	linkedinRules, microsoftRules, amazonRules, xRules, otherRules)

var presetByName = func() map[string]Preset {
	m := make(map[string]Preset, len(presets))
	for _, p := range presets {
		m[p.Name] = p
	}
	return m
}()

// Presets returns every rule that has a name, vendor by vendor.
func Presets() []Preset { return slices.Clone(presets) }

// Lookup returns the rule of a name, and whether there is one.
func Lookup(name string) (Preset, bool) {
	p, ok := presetByName[name]
	return p, ok
}

func names() []string {
	all := make([]string, len(presets))
	for i, p := range presets {
		all[i] = p.Name
	}
	slices.SortFunc(all, strings.Compare)
	return all
}
