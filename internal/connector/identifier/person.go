package identifier

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode"
)

var titles = set("mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "rev")

var suffixes = set("jr", "sr", "ii", "iii", "iv", "phd", "md", "esq")

func set(items ...string) map[string]bool {
	m := make(map[string]bool, len(items))
	for _, s := range items {
		m[s] = true
	}
	return m
}

// removeTitle leaves a name that is a title and nothing else as it is: somebody may be called so.
func removeTitle(text []byte, _ options) ([]byte, *problem) {
	first, rest, found := bytes.Cut(trimmed(text), []byte{' '})
	if found && titles[bare(first)] {
		return trimmed(rest), nil
	}
	return text, nil
}

func removeSuffix(text []byte, _ options) ([]byte, *problem) {
	name := trimmed(text)
	i := bytes.LastIndexByte(name, ' ')
	if i > 0 && suffixes[bare(name[i+1:])] {
		return bytes.TrimRight(name[:i], ", "), nil
	}
	return text, nil
}

// bare is a word without the dots that abbreviations have.
func bare(word []byte) string {
	return strings.ToLower(strings.ReplaceAll(strings.Trim(string(word), ","), ".", ""))
}

var genders = map[string]string{
	"m": "m", "male": "m", "man": "m", "f": "f", "female": "f", "woman": "f",
}

func gender(text []byte, _ options) ([]byte, *problem) {
	if g, ok := genders[strings.ToLower(string(trimmed(text)))]; ok {
		return append(text[:0], g...), nil
	}
	return nil, because("is neither male nor female", "Make m, f or null of it in the model's query.")
}

func genderOrNeither(text []byte, o options) ([]byte, *problem) {
	switch strings.ToLower(string(trimmed(text))) {
	case "n", "nonbinary", "non-binary", "non binary":
		return append(text[:0], 'n'), nil
	}
	out, p := gender(text, o)
	if p != nil {
		return nil, because("is not male, female or non-binary", "Make m, f, n or null of it in the model's query.")
	}
	return out, nil
}

func dateOfBirth(text []byte, o options) ([]byte, *problem) {
	d, p := readDate(string(text), o.country)
	if p != nil {
		return nil, p
	}
	return d.AppendFormat(text[:0], "20060102"), nil
}

func dateISO(text []byte, o options) ([]byte, *problem) {
	d, p := readDate(string(text), o.country)
	if p != nil {
		return nil, p
	}
	return d.AppendFormat(text[:0], time.DateOnly), nil
}

func birthYear(text []byte, o options) ([]byte, *problem) {
	return partOfBirth(text, o, "2006", oldest, latest)
}

func birthMonth(text []byte, o options) ([]byte, *problem) {
	return partOfBirth(text, o, "01", 1, 12)
}

func birthDay(text []byte, o options) ([]byte, *problem) {
	return partOfBirth(text, o, "02", 1, 31)
}

// partOfBirth writes a part of a date, or the number that is that part already.
func partOfBirth(text []byte, o options, layout string, least, most int) ([]byte, *problem) {
	text = trimmed(text)
	if n, err := strconv.Atoi(string(text)); err == nil && len(text) <= len(layout) && least <= n && n <= most {
		out := text[:0]
		if n < 10 {
			out = append(out, '0')
		}
		return strconv.AppendInt(out, int64(n), 10), nil
	}
	d, p := readDate(string(text), o.country)
	if p != nil {
		return nil, p
	}
	return d.AppendFormat(text[:0], layout), nil
}

// The years that somebody alive may have been born in. Meta accepts none before the first.
const (
	oldest = 1900
	latest = 2100
)

var noDate = because("is not a date between 1900 and 2100", "Write it as YYYY-MM-DD in the model's query.")

// readDate reads a date: YYYYMMDD, year first, or year last in the order of the country.
func readDate(text, country string) (time.Time, *problem) {
	text = strings.TrimFunc(text, invisible)
	if i := strings.IndexAny(text, " T"); i > 0 {
		text = text[:i] // a timestamp: its date
	}
	if len(text) == 8 && strings.IndexFunc(text, notDigit) < 0 {
		text = text[:4] + "-" + text[4:6] + "-" + text[6:]
	}
	parts, separator := dateParts(text)
	if parts == nil {
		return time.Time{}, noDate
	}
	year, month, day := parts[0], parts[1], parts[2]
	if year < 100 {
		var p *problem
		if month, day, p = order(parts[0], parts[1], separator, country); p != nil {
			return time.Time{}, p
		}
		year = parts[2]
	}
	return validDate(year, month, day)
}

func notDigit(r rune) bool { return !isDigit(r) }

// dateParts are the three numbers of a date and what stands between them. One of the outer ones has four digits.
func dateParts(text string) ([]int, byte) {
	i := strings.IndexFunc(text, notDigit)
	if i < 0 || !strings.ContainsRune("-/.", rune(text[i])) {
		return nil, 0
	}
	fields := strings.Split(text, text[i:i+1])
	if len(fields) != 3 || (len(fields[0]) != 4) == (len(fields[2]) != 4) {
		return nil, 0
	}
	parts := make([]int, len(fields))
	for j, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil || len(f) > 4 || strings.IndexFunc(f, notDigit) >= 0 {
			return nil, 0
		}
		parts[j] = n
	}
	if (len(fields[0]) == 4) != (parts[0] >= 100) {
		return nil, 0
	}
	return parts, text[i]
}

// order says which of the first two numbers of a date is the month.
func order(a, b int, separator byte, country string) (month, day int, p *problem) {
	switch {
	case separator == '.' || a > 12:
		return b, a, nil
	case b > 12 || a == b || country == "US":
		return a, b, nil
	case country != "":
		return b, a, nil
	default:
		return 0, 0, because("may mean two dates: its first number may be the month or the day",
			"Write it as YYYY-MM-DD in the model's query, or name the country whose order it has.")
	}
}

func validDate(year, month, day int) (time.Time, *problem) {
	d := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if year < oldest || year > latest || d.Year() != year || int(d.Month()) != month {
		return time.Time{}, noDate
	}
	return d, nil
}

// fold is how names of places are compared: small letters and digits without accents.
func fold(text string) string {
	b, _ := stripAccents([]byte(text), options{})
	b = bytes.ToLower(b)
	return string(keep(b, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }))
}
