package identifier_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector/identifier"
	"github.com/millrace/millrace/internal/value"
)

// FuzzApply holds, for each rule that hashes: the result is a hash, null or an error; and the hash of a hash is itself.
//
// Req: FLD-18
func FuzzApply(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.input, v.country == "US")
	}
	for _, s := range []string{"", "@", "+", "0", "..@gmail.com", "\xff", "İ@example.com", "%00", "+1", "1/1/1", "----", "🙂", strings.Repeat("a", 300), janeSHA256, janeBase64, janeMD5} {
		f.Add(s, true)
	}
	var ids [][2]*identifier.Identifier
	for _, p := range identifier.Presets() {
		spec := identifier.Spec{Kind: p.Name, Encoding: identifier.Hex}
		if p.Hash == identifier.None {
			spec.Hash = identifier.SHA256
		}
		american := spec
		american.Country = "US"
		ids = append(ids, [2]*identifier.Identifier{mustNew(f, spec), mustNew(f, american)})
	}
	f.Fuzz(func(t *testing.T, in string, american bool) {
		for _, pair := range ids {
			id := pair[0]
			if american {
				id = pair[1]
			}
			got, err := id.Apply(value.OfText(in))
			if err != nil || got.IsNull() {
				if !got.IsNull() {
					t.Fatal("an error with a value")
				}
				continue
			}
			if raw, err := hex.DecodeString(got.Raw()); err != nil || len(raw) < 16 || got.Raw() != strings.ToLower(got.Raw()) {
				t.Fatalf("%q is not a hash", got)
			}
			if again, err := id.Apply(got); err != nil || !again.Equal(got) {
				t.Fatalf("the hash of a hash is %q, %v", again, err)
			}
		}
	})
}

// FuzzNormalize holds that no step panics, alone or after another one.
func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"", " Jane.Doe+x@Gmail.com", "+1 (650) 555-1212", "Dr. Valéry O’Brien, Jr.", "2/16/1997", "94035-1234", "United States", "\xff@", "00", "İ"} {
		f.Add(s)
	}
	var ids []*identifier.Identifier
	for _, a := range identifier.Steps() {
		for _, b := range identifier.Steps() {
			ids = append(ids, mustNew(f, identifier.Spec{Normalize: []identifier.Step{a.Name, b.Name}}))
		}
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, id := range ids {
			if got, err := id.Apply(value.OfText(in)); err == nil && got.Kind() != value.Text && !got.IsNull() {
				t.Fatalf("%q became a %s", in, got.Kind())
			}
		}
	})
}
