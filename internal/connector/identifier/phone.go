package identifier

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

func e164(text []byte, o options) ([]byte, *problem) {
	n, p := parsePhone(string(trimmed(text)), o.country)
	if p != nil {
		return nil, p
	}
	return append(text[:0], phonenumbers.Format(n, phonenumbers.E164)...), nil
}

func e164Digits(text []byte, o options) ([]byte, *problem) {
	n, p := parsePhone(string(trimmed(text)), o.country)
	if p != nil {
		return nil, p
	}
	return append(text[:0], phonenumbers.Format(n, phonenumbers.E164)[1:]...), nil
}

// callingCodeOfChina is the one that E164China leaves out.
const callingCodeOfChina = 86

func e164China(text []byte, o options) ([]byte, *problem) {
	n, p := parsePhone(string(trimmed(text)), o.country)
	if p != nil {
		return nil, p
	}
	if n.GetCountryCode() == callingCodeOfChina {
		return append(text[:0], phonenumbers.GetNationalSignificantNumber(n)...), nil
	}
	return append(text[:0], phonenumbers.Format(n, phonenumbers.E164)...), nil
}

// parsePhone reads a phone number and refuses one that no numbering plan has.
func parsePhone(text, country string) (*phonenumbers.PhoneNumber, *problem) {
	if n, ok := validPhone(text, country); ok {
		return n, nil
	}
	// People write the prefix of a call abroad, 00, in countries whose own prefix is another one.
	if abroad, ok := strings.CutPrefix(text, "00"); ok {
		if n, ok := validPhone("+"+abroad, ""); ok {
			return n, nil
		}
	}
	if country != "" {
		return nil, because("is not valid, neither with its calling code nor in "+country,
			"Correct the row in the source; a number of another country needs + and its calling code.")
	}
	if n, ok := validPhone("+"+text, ""); ok && !strings.HasPrefix(text, "+") {
		return n, nil
	}
	return nil, because("is not valid with a calling code at its beginning",
		"Correct the row in the source, or name the country that numbers without a calling code belong to.")
}

func validPhone(text, country string) (*phonenumbers.PhoneNumber, bool) {
	n, err := phonenumbers.Parse(text, country)
	return n, err == nil && phonenumbers.IsValidNumber(n)
}
