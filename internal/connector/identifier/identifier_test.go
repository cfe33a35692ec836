package identifier_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector/identifier"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Hashes of jane@example.com, computed with other programs.
const (
	janeSHA256 = "8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d"
	janeSHA1   = "0850a4cffb73cbc53fd33e8990c2184c915ff041"
	janeMD5    = "9e26471d35a78862c17e467d87cddedf"
	janeBase64 = "jIe0ic41zy4vOfgOKCyy6ASTKlaiE5g+7rQoQH1DtS0="
)

// Hashes of the empty text.
const (
	nothingSHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	nothingSHA1   = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
)

func text(s string) value.Value { return value.OfText(s) }

var null value.Value

func TestApply(t *testing.T) {
	t.Parallel()
	raw, err := hex.DecodeString(janeSHA256)
	if err != nil {
		t.Fatal(err)
	}
	sha := identifier.Spec{Kind: "email", Hash: identifier.SHA256}
	never := new(false)
	for _, c := range []struct {
		name string
		spec identifier.Spec
		in   value.Value
		want value.Value
	}{
		{"plain text is hashed", sha, text("Jane@Example.com"), text(janeSHA256)},
		{"a hash passes", sha, text(janeSHA256), text(janeSHA256)},
		{"a hash passes in small letters and trimmed", sha, text(" " + strings.ToUpper(janeSHA256) + "\n"), text(janeSHA256)},
		{"a hash in base64 passes in the wanted encoding", sha, text(janeBase64), text(janeSHA256)},
		{"a hash is written as base64", identifier.Spec{Kind: "email", Hash: identifier.SHA256, Encoding: identifier.Base64}, text(janeSHA256), text(janeBase64)},
		{"the bytes of a hash pass", sha, value.OfBytes(raw), text(janeSHA256)},
		{"binary text is text", sha, value.OfBytes([]byte("Jane@Example.com")), text(janeSHA256)},
		{"null", sha, null, null},
		{"empty", sha, text(""), null},
		{"blank", sha, text(" \t "), null},
		{"the hash of nothing is nothing", sha, text(nothingSHA256), null},
		{"nothing is left", identifier.Spec{Kind: "meta.fn"}, text("-"), null},
		{"an array keeps its places", sha, value.OfList([]value.Value{text("jane@example.com"), null, text(janeSHA256)}), value.OfList([]value.Value{text(janeSHA256), null, text(janeSHA256)})},
		{"an array in JSON", sha, value.OfJSON(`["jane@example.com"]`), value.OfList([]value.Value{text(janeSHA256)})},
		{"an array of nothing", sha, value.OfList([]value.Value{null, text("")}), null},
		{"an empty array", sha, value.OfList(nil), null},
		{"SHA-1", identifier.Spec{Kind: "email", Hash: identifier.SHA1}, text("jane@example.com"), text(janeSHA1)},
		{"MD5", identifier.Spec{Kind: "email", Hash: identifier.MD5}, text("jane@example.com"), text(janeMD5)},
		{"another algorithm that is taken", identifier.Spec{Kind: "pinterest.list_email"}, text(strings.ToUpper(janeMD5)), text(janeMD5)},
		{"a taken algorithm's hash of nothing", identifier.Spec{Kind: "pinterest.list_email"}, text(nothingSHA1), null},
		{"no detection", identifier.Spec{Kind: "text", Hash: identifier.SHA256, Detect: never}, text("jane@example.com"), text(janeSHA256)},
		{"an id that looks like a hash", identifier.Spec{Kind: "external_id", Hash: identifier.SHA256}, text(janeMD5), text("495b68c80cfb508ed7bd9f72adc1af4e658fdd0a54d3b3f3bfbfa31e85809319")},
		{"what is not seen", sha, text("\ufeffjane@example.com\u200b"), text(janeSHA256)},
		{"nothing that is seen", sha, text("\u200b \u00a0"), null},
		{"what is not seen, inside", identifier.Spec{Kind: "google.email"}, text("jane\u00ad@example.com"), text(janeSHA256)},
		{"invalid values are left out", identifier.Spec{Kind: "meta.ph", Invalid: identifier.Drop}, value.OfList([]value.Value{text("5"), text("+16505551212")}), value.OfList([]value.Value{null, text("e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176")})},
		{"an invalid value is left out", identifier.Spec{Kind: "email", Invalid: identifier.Drop}, text("jane"), null},
		{"steps one by one", identifier.Spec{Normalize: []identifier.Step{identifier.RemovePunctuation, identifier.Upper}}, text("a+b-c €ß’"), text("ABC €ß")},
		{"capital letters of an id", identifier.Spec{Kind: "maid", Normalize: []identifier.Step{identifier.MAID, identifier.Upper}}, text("{aece52e7-03ee-455a-b3c4-e57283966239}"), text("AECE52E7-03EE-455A-B3C4-E57283966239")},
		{"a date as ISO 8601 has it", identifier.Spec{Normalize: []identifier.Step{identifier.DateISO}, Country: "US"}, text("2/16/1997 0:00"), text("1997-02-16")},
		{"zeros", identifier.Spec{Normalize: []identifier.Step{identifier.Digits, identifier.TrimZeros}}, text("00 49-0"), text("490")},
		{"plain letters", identifier.Spec{Normalize: []identifier.Step{identifier.StripAccents}}, text("Żółć Straße Ærø"), text("Zolc Strasse AEro")},
		{"a salt before", identifier.Spec{Hash: identifier.SHA256, Salt: "jane@"}, text("example.com"), text(janeSHA256)},
		{"a salt after", identifier.Spec{Hash: identifier.SHA256, Salt: "example.com", SaltAt: identifier.SaltAfter}, text("jane@"), text(janeSHA256)},
		{"hashes only", identifier.Spec{Kind: "email", Hash: identifier.SHA256, Prehashed: true}, text(janeSHA256), text(janeSHA256)},
		{"a list without steps", identifier.Spec{Kind: "email", Normalize: []identifier.Step{}}, text(" Jane "), text(" Jane ")},
		{"a whole number", identifier.Spec{Kind: "meta.ph", Hash: identifier.None}, value.OfInt(16505551212), text("16505551212")},
		{"a number with a fraction of nothing", identifier.Spec{Kind: "meta.ph", Hash: identifier.None}, value.OfFloat(16505551212), text("16505551212")},
		{"a date", identifier.Spec{Kind: "date_of_birth"}, value.OfDay(0), text("19700101")},
		{"an instant", identifier.Spec{Kind: "date_of_birth"}, value.OfMicros(86400e6), text("19700102")},
		{"a number that is hashed", identifier.Spec{Kind: "external_id", Hash: identifier.MD5}, value.OfInt(12345), text("827ccb0eea8a706c4c34a16891f84e7b")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := mustNew(t, c.spec).Apply(c.in)
			if err != nil || !got.Equal(c.want) {
				t.Fatalf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

// Rows of one column belong to several countries.
func TestApplyIn(t *testing.T) {
	t.Parallel()
	phone := identifier.Spec{Kind: "phone", Country: "US"}
	for _, c := range []struct {
		name    string
		spec    identifier.Spec
		in      value.Value
		country value.Value
		want    value.Value
	}{
		{"a code", phone, text("030 901820"), text("de"), text("+4930901820")},
		{"a name", phone, text("020 7946 0958"), text(" United Kingdom "), text("+442079460958")},
		{"no country", phone, text("(650)555-1212"), null, text("+16505551212")},
		{"blank", phone, text("(650)555-1212"), text(" "), text("+16505551212")},
		{"an array", phone, value.OfList([]value.Value{text("030 901820")}), text("DE"), value.OfList([]value.Value{text("+4930901820")})},
		{"a postal code", identifier.Spec{Kind: "zip"}, text("940351234"), text("USA"), text("94035")},
		{"a state", identifier.Spec{Kind: "state"}, text("Victoria"), text("AU"), text("victoria")},
		{"a date", identifier.Spec{Kind: "date_of_birth"}, text("03/04/1990"), text("FR"), text("19900403")},
		{"an email address has no country", identifier.Spec{Kind: "email"}, text("jane@example.com"), text("Atlantis"), text("jane@example.com")},
		{"no country, left out", identifier.Spec{Kind: "phone", Invalid: identifier.Drop}, text("+16505551212"), text("Atlantis"), null},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := mustNew(t, c.spec).ApplyIn(c.in, c.country)
			if err != nil || !got.Equal(c.want) {
				t.Fatalf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
	_, err := mustNew(t, phone).ApplyIn(text("(650)555-1212"), text("Atlantis"))
	if e := fault.As(err); e == nil || e.Code != fault.CodeMappingReject || e.Message != "the country of the phone number is not a country" {
		t.Fatalf("got %v", err)
	}
}

// Req: FLD-18
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		spec identifier.Spec
		in   value.Value
		want string
	}{
		{"a hash of another algorithm", identifier.Spec{Kind: "meta.em"}, text(janeSHA1), "the email address is a hash already, of SHA-1 by its length, where SHA-256 is needed"},
		{"a shorter hash", identifier.Spec{Kind: "google.email"}, text(strings.ToUpper(janeMD5)), "of MD5 by its length, where SHA-256"},
		{"a longer hash", identifier.Spec{Kind: "meta.ph"}, text(janeSHA256 + janeSHA256), "of SHA-512 by its length, where SHA-256"},
		{"a longer hash for SHA-1", identifier.Spec{Kind: "impact.email", Accept: []identifier.Algorithm{}}, text(janeSHA256), "of SHA-256 by its length, where SHA-1"},
		{"plain text where hashes are", identifier.Spec{Kind: "meta.em", Prehashed: true}, text("jane@example.com"), "the email address is not a SHA-256 hash"},
		{"a foreign hash where hashes are", identifier.Spec{Kind: "external_id", Hash: identifier.SHA256, Prehashed: true}, text(janeMD5), "of MD5 by its length"},
		{"no email address", identifier.Spec{Kind: "meta.em"}, text("jane"), "is not an email address"},
		{"two at signs", identifier.Spec{Kind: "meta.em"}, text("jane@doe@example.com"), "is not an email address"},
		{"no name", identifier.Spec{Kind: "google.email"}, text(" @googlemail.com"), "is not an email address"},
		{"dots for a name", identifier.Spec{Kind: "google.email"}, text(" ...@gmail.com"), "is not an email address"},
		{"a tag for a name", identifier.Spec{Kind: "microsoft.em"}, text("+x@example.com"), "is not an email address"},
		{"space within", identifier.Spec{Kind: "meta.em"}, text("jane doe@example.com"), "is not an email address"},
		{"a domain without dot", identifier.Spec{Kind: "meta.em"}, text("jane@localhost"), "is not an email address"},
		{"a domain with a gap", identifier.Spec{Kind: "meta.em"}, text("jane@example..com"), "is not an email address"},
		{"a domain that ends in a dot", identifier.Spec{Kind: "meta.em"}, text("jane@example.com."), "is not an email address"},
		{"what is not seen", identifier.Spec{Kind: "meta.em"}, text("jane\u200b@example.com"), "is not an email address"},
		{"a foreign hash, although invalid values are left out", identifier.Spec{Kind: "meta.em", Invalid: identifier.Drop}, text(janeMD5), "of MD5 by its length"},
		{"plain text where hashes are, likewise", identifier.Spec{Kind: "meta.em", Invalid: identifier.Drop, Prehashed: true}, text("jane"), "is not a SHA-256 hash"},
		{"a day that the month has not", identifier.Spec{Kind: "meta.db"}, text("1991-04-31"), "is not a date"},
		{"a phone number of nowhere", identifier.Spec{Kind: "meta.ph", Country: "US"}, text("1234567890"), "the phone number is not valid, neither with its calling code nor in US"},
		{"a phone number without country", identifier.Spec{Kind: "meta.ph"}, text("(650)555-1212"), "is not valid with a calling code at its beginning"},
		{"letters", identifier.Spec{Kind: "google.phone"}, text(" +A BCD EFG "), "is not valid"},
		{"one of an array", identifier.Spec{Kind: "meta.ph", Country: "US"}, value.OfList([]value.Value{text("(650)555-1212"), text("5")}), "item 2 of the list: the phone number is not valid"},
		{"an array in an array", identifier.Spec{Kind: "meta.em"}, value.OfJSON(`[["jane@example.com"]]`), "item 1 of the list: the email address is an array"},
		{"an object", identifier.Spec{Kind: "meta.em"}, value.OfJSON(`{"a":1}`), "is an object"},
		{"a boolean", identifier.Spec{Kind: "meta.em"}, value.OfBool(true), "is a boolean"},
		{"binary data", identifier.Spec{Kind: "meta.em"}, value.OfBytes([]byte{0xff, 0xfe, 1}), "is binary data"},
		{"text in another encoding", identifier.Spec{Kind: "meta.fn"}, text("Val\xe9ry"), "is not UTF-8 text"},
		{"a gender", identifier.Spec{Kind: "meta.ge"}, text("unknown"), "is neither male nor female"},
		{"a gender of three", identifier.Spec{Kind: "pinterest.ge"}, text("unknown"), "is not male, female or non-binary"},
		{"a country", identifier.Spec{Kind: "meta.country"}, text("Atlantis"), "is not a country"},
		{"a union of countries", identifier.Spec{Kind: "meta.country"}, text("EU"), "is not a country"},
		{"a ZIP code that was a number", identifier.Spec{Kind: "meta.zp", Country: "US"}, value.OfInt(2139), "is not a ZIP code of five digits"},
		{"a ZIP code of letters", identifier.Spec{Kind: "meta.zp", Country: "US"}, text("M1 1AE"), "is not a ZIP code of five digits"},
		{"a date with two meanings", identifier.Spec{Kind: "meta.db"}, text("03/04/1990"), "may mean two dates"},
		{"a date that is none", identifier.Spec{Kind: "meta.db"}, text("1990-02-30"), "is not a date"},
		{"a date before anybody", identifier.Spec{Kind: "meta.db"}, text("1899-12-31"), "is not a date between 1900"},
		{"a date of words", identifier.Spec{Kind: "meta.db"}, text("April 3rd, 1990"), "is not a date"},
		{"a short year", identifier.Spec{Kind: "meta.db"}, text("3/4/90"), "is not a date"},
		{"a month", identifier.Spec{Kind: "meta.dobm"}, text("13"), "is not a date"},
		{"a year of two digits", identifier.Spec{Kind: "meta.doby"}, text("97"), "is not a date"},
		{"a device", identifier.Spec{Kind: "snapchat.madid"}, text("af3802a465767e36"), "is not a mobile advertising id"},
		{"an address of the internet", identifier.Spec{Kind: "meta.client_ip_address"}, text("1.2.3"), "is not an IP address"},
		{"an address with a zone", identifier.Spec{Kind: "meta.client_ip_address"}, text("fe80::1%eth0"), "is not an IP address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := mustNew(t, c.spec).Apply(c.in)
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || e.Code != fault.CodeMappingReject || e.Class != fault.Permanent || e.Suggestion == "" || !strings.Contains(e.Error(), c.want) {
				t.Fatalf("got %q, %v; want an error about the row: %s", got, err, c.want)
			}
			if in := strings.TrimSpace(c.in.String()); len(in) > 3 && strings.Contains(e.Error()+e.Suggestion, in) {
				t.Fatalf("the error tells the value: %v", e)
			}
		})
	}
}

func TestSpecsAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spec  identifier.Spec
		paths string
	}{
		{"a kind", identifier.Spec{Kind: "meta.email"}, "kind"},
		{"a step", identifier.Spec{Kind: "email", Normalize: []identifier.Step{"trim", "lowercase"}}, "normalize[1]"},
		{"a hash", identifier.Spec{Kind: "email", Hash: "sha-256"}, "hash"},
		{"a further hash", identifier.Spec{Kind: "meta.em", Accept: []identifier.Algorithm{"md5", "md4"}}, "accept[1]"},
		{"an encoding", identifier.Spec{Kind: "meta.em", Encoding: "base32"}, "encoding"},
		{"a country", identifier.Spec{Kind: "meta.ph", Country: "UK"}, "country"},
		{"what becomes of the invalid", identifier.Spec{Kind: "meta.em", Invalid: "ignore"}, "invalid"},
		{"a salt's place", identifier.Spec{Kind: "meta.em", SaltAt: "within"}, "saltAt"},
		{"what needs a hash", identifier.Spec{Kind: "email", Detect: new(true), Prehashed: true, Salt: "s", SaltAt: identifier.SaltAfter, Encoding: identifier.Hex, Accept: []identifier.Algorithm{identifier.MD5}}, "accept encoding detect prehashed salt saltAt"},
		{"hashes that are not looked for", identifier.Spec{Kind: "meta.em", Detect: new(false), Prehashed: true}, "detect"},
		{"all at once", identifier.Spec{Kind: "nobody", Hash: "crc32", Country: "Mars"}, "kind country hash"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := identifier.New(c.spec)
			issues, ok := errors.AsType[fault.Issues](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			var paths []string
			for _, i := range issues {
				paths = append(paths, i.Path)
			}
			if got := strings.Join(paths, " "); got != c.paths {
				t.Fatalf("issues at %q, want %q", got, c.paths)
			}
		})
	}
}

func TestASpecIsData(t *testing.T) {
	t.Parallel()
	const document = `{"kind":"email","normalize":["trim","lower"],"hash":"sha1","accept":["md5"],"encoding":"hex","detect":true,"country":"US","salt":"s","saltAt":"after"}`
	var spec identifier.Spec
	if err := json.Unmarshal([]byte(document), &spec); err != nil {
		t.Fatal(err)
	}
	mustNew(t, spec)
	if again, err := json.Marshal(spec); err != nil || string(again) != document {
		t.Fatalf("%s, %v", again, err)
	}
}

// An identifier is shared by all workers of a run.
func TestApplyIsConcurrent(t *testing.T) {
	t.Parallel()
	id := mustNew(t, identifier.Spec{Kind: "meta.em"})
	for range 8 {
		t.Run("worker", func(t *testing.T) {
			t.Parallel()
			for range 200 {
				if got, err := id.Apply(text("Jane@Example.com")); err != nil || got.Raw() != janeSHA256 {
					t.Fatalf("%s, %v", got, err)
				}
			}
		})
	}
}
