package identifier

import "strings"

// Step is one step of a normalisation.
type Step string

// The steps. Steps gives them to a reference and to a JSON Schema.
const (
	// Trim removes white space at both ends, and what is not seen, such as zero-width spaces.
	Trim Step = "trim"
	// Lower makes letters small.
	Lower Step = "lower"
	// Upper makes letters capital.
	Upper Step = "upper"
	// CollapseSpaces removes white space at both ends and leaves one space of each run in between.
	CollapseSpaces Step = "collapse_spaces"
	// RemoveSpaces removes all white space, and what is not seen.
	RemoveSpaces Step = "remove_spaces"
	// RemovePunctuation removes the punctuation of every script and the signs of ASCII, such as + and $.
	RemovePunctuation Step = "remove_punctuation"
	// Compose writes an accented letter as one character where Unicode has one (NFC), so that the same name has the
	// same hash however it was typed.
	Compose Step = "compose"
	// StripAccents turns letters into those without marks: é into e, ø into o, ß into ss.
	StripAccents Step = "strip_accents"
	// ASCII strips accents and then removes what is not ASCII.
	ASCII Step = "ascii"
	// Digits keeps the digits 0 to 9.
	Digits Step = "digits"
	// Alphanumeric keeps the letters and digits of every script.
	Alphanumeric Step = "alphanumeric"
	// Words keeps the letters and digits of every script, and white space.
	Words Step = "words"
	// TrimZeros removes zeros at the beginning.
	TrimZeros Step = "trim_zeros"
	// Initial keeps the first character.
	Initial Step = "initial"

	// Email refuses what is not an email address.
	Email Step = "email"
	// Gmail removes the dots before the @, and what follows a plus sign there, of addresses at gmail.com and
	// googlemail.com, which Gmail delivers to the same mailbox.
	Gmail Step = "gmail"
	// GmailOnly does the same at gmail.com alone.
	GmailOnly Step = "gmail_only"
	// Undot removes the dots before the @, whatever the domain.
	Undot Step = "undot"
	// Untag removes a plus sign and what follows it before the @, whatever the domain.
	Untag Step = "untag"
	// EmailCharacters keeps ASCII letters, digits, and the characters . @ - of an email address.
	EmailCharacters Step = "email_characters"

	// E164 writes a phone number as E.164 does: +, calling code, number. What is no valid number is refused. A number
	// without calling code belongs to the spec's country; without a country it must begin with its calling code.
	E164 Step = "e164"
	// E164Digits is E164 without the plus sign.
	E164Digits Step = "e164_digits"
	// E164China is E164, except that numbers of the calling code 86 are left without it and without the plus sign.
	E164China Step = "e164_china"

	// RemoveTitle removes a title before a name, such as Mrs.
	RemoveTitle Step = "remove_title"
	// RemoveSuffix removes what follows a name, such as Jr.
	RemoveSuffix Step = "remove_suffix"
	// Gender makes m or f of the English words for them and refuses anything else.
	Gender Step = "gender"
	// GenderOrNeither is Gender, and n for non-binary.
	GenderOrNeither Step = "gender_or_neither"
	// DateOfBirth writes a date of birth as YYYYMMDD. 03/04/1990 is March in a spec whose country is US and April in
	// that of any other country, and is refused where the spec has none.
	DateOfBirth Step = "date_of_birth"
	// DateISO writes a date of birth as YYYY-MM-DD, and reads it as DateOfBirth does.
	DateISO Step = "date_iso"
	// BirthYear writes the year of birth as YYYY, of a date or a year.
	BirthYear Step = "birth_year"
	// BirthMonth writes the month of birth as MM, of a date or a month.
	BirthMonth Step = "birth_month"
	// BirthDay writes the day of birth as DD, of a date or a day.
	BirthDay Step = "birth_day"

	// State makes the two-letter code of the name of a state of the US, unless the spec's country is another one, and
	// keeps letters and digits of anything else.
	State Step = "state"
	// Zip removes white space and hyphens of a postal code, and of a ZIP+4 code of the US the last four digits.
	Zip Step = "zip"
	// Country makes the ISO 3166-1 alpha-2 code, in capitals, of an English name or of a code of two or three letters,
	// and refuses anything else.
	Country Step = "country"

	// MAID writes a mobile advertising id as a UUID in small letters. One of zeros, which a phone gives where its
	// owner allows no tracking, is nothing. Anything else is refused.
	MAID Step = "maid"
	// IP refuses what is not an IP address, and leaves one as it is.
	IP Step = "ip"
	// Handle removes an @ at the beginning.
	Handle Step = "handle"
)

// StepInfo describes a step.
type StepInfo struct {
	Name Step
	Help string // what it does, as a phrase
	run  run
}

// local reports whether the step asks for the country that a value belongs to.
func (s StepInfo) local() bool {
	switch s.Name {
	case E164, E164Digits, E164China, DateOfBirth, DateISO, BirthYear, BirthMonth, BirthDay, State, Zip:
		return true
	default:
		return false
	}
}

// run is a step's function. It may change text in place.
type run func(text []byte, o options) ([]byte, *problem)

var steps = []StepInfo{
	{Trim, "removes white space at both ends", trim},
	{Lower, "makes letters small", lower},
	{Upper, "makes letters capital", upper},
	{CollapseSpaces, "leaves one space of each run of white space, and none at the ends", collapseSpaces},
	{RemoveSpaces, "removes all white space", removeSpaces},
	{RemovePunctuation, "removes punctuation and ASCII signs", removePunctuation},
	{Compose, "writes accented letters as one character (NFC)", compose},
	{StripAccents, "turns accented letters into plain ones", stripAccents},
	{ASCII, "strips accents, then removes what is not ASCII", ascii},
	{Digits, "keeps the digits 0 to 9", digits},
	{Alphanumeric, "keeps letters and digits", alphanumeric},
	{Words, "keeps letters, digits and white space", words},
	{TrimZeros, "removes zeros at the beginning", trimZeros},
	{Initial, "keeps the first character", initial},
	{Email, "refuses what is not an email address", email},
	{Gmail, "removes dots and +tags of addresses at gmail.com and googlemail.com", gmail},
	{GmailOnly, "removes dots and +tags of addresses at gmail.com", gmailOnly},
	{Undot, "removes the dots before the @ of every address", undot},
	{Untag, "removes the +tag of every address", untag},
	{EmailCharacters, "keeps ASCII letters, digits and . @ -", emailCharacters},
	{E164, "writes a phone number as +14155552671, or refuses it", e164},
	{E164Digits, "writes a phone number as 14155552671, or refuses it", e164Digits},
	{E164China, "writes a phone number as +14155552671, and one of China as 13800000000, or refuses it", e164China},
	{RemoveTitle, "removes a title before a name, such as Mrs", removeTitle},
	{RemoveSuffix, "removes what follows a name, such as Jr", removeSuffix},
	{Gender, "makes m or f, or refuses the value", gender},
	{GenderOrNeither, "makes m, f or n, or refuses the value", genderOrNeither},
	{DateOfBirth, "writes a date as YYYYMMDD, or refuses it", dateOfBirth},
	{DateISO, "writes a date as YYYY-MM-DD, or refuses it", dateISO},
	{BirthYear, "writes the year of a date as YYYY, or refuses it", birthYear},
	{BirthMonth, "writes the month of a date as MM, or refuses it", birthMonth},
	{BirthDay, "writes the day of a date as DD, or refuses it", birthDay},
	{State, "makes the two-letter code of a US state, and keeps letters and digits of others", state},
	{Zip, "removes white space and hyphens of a postal code, and the +4 of a US one", zip},
	{Country, "makes the ISO 3166-1 alpha-2 code in capitals, or refuses the value", countryCode},
	{MAID, "writes a mobile advertising id as a UUID in small letters, or refuses it", maid},
	{IP, "refuses what is not an IP address", ip},
	{Handle, "removes an @ at the beginning", handle},
}

var stepByName = func() map[Step]StepInfo {
	m := make(map[Step]StepInfo, len(steps))
	for _, s := range steps {
		m[s.Name] = s
	}
	return m
}()

// Steps returns every step, in the order of a reference.
func Steps() []StepInfo { return append([]StepInfo(nil), steps...) }

func stepNames() string {
	all := make([]string, len(steps))
	for i, s := range steps {
		all[i] = string(s.Name)
	}
	return strings.Join(all, ", ")
}
