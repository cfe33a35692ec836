package identifier

import (
	"bytes"
	"maps"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// states are the codes of the US states, districts and territories by their folded names.
var states = map[string]string{
	"alabama": "al", "alaska": "ak", "arizona": "az", "arkansas": "ar", "california": "ca", "colorado": "co",
	"connecticut": "ct", "delaware": "de", "districtofcolumbia": "dc", "florida": "fl", "georgia": "ga", "hawaii": "hi",
	"idaho": "id", "illinois": "il", "indiana": "in", "iowa": "ia", "kansas": "ks", "kentucky": "ky", "louisiana": "la",
	"maine": "me", "maryland": "md", "massachusetts": "ma", "michigan": "mi", "minnesota": "mn", "mississippi": "ms",
	"missouri": "mo", "montana": "mt", "nebraska": "ne", "nevada": "nv", "newhampshire": "nh", "newjersey": "nj",
	"newmexico": "nm", "newyork": "ny", "northcarolina": "nc", "northdakota": "nd", "ohio": "oh", "oklahoma": "ok",
	"oregon": "or", "pennsylvania": "pa", "rhodeisland": "ri", "southcarolina": "sc", "southdakota": "sd",
	"tennessee": "tn", "texas": "tx", "utah": "ut", "vermont": "vt", "virginia": "va", "washington": "wa",
	"washingtondc": "dc", "westvirginia": "wv", "wisconsin": "wi", "wyoming": "wy", "americansamoa": "as", "guam": "gu",
	"northernmarianaislands": "mp", "puertorico": "pr", "virginislands": "vi", "usvirginislands": "vi",
}

func state(text []byte, o options) ([]byte, *problem) {
	text, _ = lower(text, o)
	text, _ = alphanumeric(text, o)
	if o.country == "" || o.country == "US" {
		if code, ok := states[string(text)]; ok {
			return append(text[:0], code...), nil
		}
	}
	return text, nil
}

func zip(text []byte, o options) ([]byte, *problem) {
	text, _ = removeSpaces(text, o)
	hyphen := bytes.IndexByte(text, '-')
	plain := keep(text, func(r rune) bool { return r != '-' })
	allDigits := bytes.IndexFunc(plain, notDigit) < 0
	if o.country == "US" {
		if !allDigits || (len(plain) != 5 && len(plain) != 9) {
			return nil, because("is not a ZIP code of five digits", "Keep the column as text: a number loses the zeros at its beginning.")
		}
		return plain[:5], nil
	}
	if o.country == "" && allDigits && len(plain) == 9 && hyphen == 5 {
		return plain[:5], nil
	}
	return plain, nil
}

// otherNames are common names of countries besides the ones that Unicode lists.
var otherNames = map[string]string{
	"unitedstatesofamerica": "US", "greatbritain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
	"northernireland": "GB", "uae": "AE", "korea": "KR", "republicofkorea": "KR", "russianfederation": "RU",
	"czechrepublic": "CZ", "turkiye": "TR", "hongkong": "HK", "macau": "MO", "macao": "MO", "holland": "NL",
	"ivorycoast": "CI", "burma": "MM", "capeverde": "CV", "swaziland": "SZ", "thenetherlands": "NL",
	"republicofireland": "IE", "macedonia": "MK", "palestine": "PS",
}

var countries = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	names := display.Regions(language.English)
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			r, err := language.ParseRegion(string(a) + string(b))
			if err == nil && r.IsCountry() && r.Canonicalize() == r {
				m[fold(names.Name(r))] = r.String()
			}
		}
	}
	maps.Copy(m, otherNames)
	return m
})

func countryCode(text []byte, _ options) ([]byte, *problem) {
	name := fold(string(text))
	if r, err := language.ParseRegion(strings.ToUpper(name)); err == nil && len(name) <= 3 {
		if r = r.Canonicalize(); r.IsCountry() {
			return append(text[:0], r.String()...), nil
		}
	}
	if code, ok := countries()[name]; ok {
		return append(text[:0], code...), nil
	}
	return nil, because("is not a country", "Write it as an ISO 3166-1 code of two letters in the model's query.")
}
