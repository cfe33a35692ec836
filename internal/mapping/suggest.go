package mapping

import (
	"slices"
	"sort"
	"strings"
	"unicode"
)

// Suggestion proposes that a column fills a field.
type Suggestion struct {
	To    string
	From  string
	Score float64 // 1 is the same name; see Suggest
}

// minScore is what a pair must reach to be proposed.
const minScore = 0.6

// Suggest pairs fields with columns by their names (SY-23): the same name scores 1, the same letters 0.97, the same
// words in another spelling or with the same meaning 0.95, and words of which one name has more than the other by the
// share that both have, a little less where one is misspelled. Each
// column and each field is used once, the best pairs first.
func Suggest(columns, fields []string) []Suggestion {
	var all []Suggestion
	for _, to := range fields {
		for _, from := range columns {
			if score := similarity(to, from); score >= minScore {
				all = append(all, Suggestion{to, from, score})
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Score > all[j].Score })
	usedTo, usedFrom := map[string]bool{}, map[string]bool{}
	var best []Suggestion
	for _, s := range all {
		if usedTo[s.To] || usedFrom[s.From] {
			continue
		}
		usedTo[s.To], usedFrom[s.From] = true, true
		best = append(best, s)
	}
	return best
}

func similarity(a, b string) float64 {
	if a == b {
		return 1
	}
	if letters := fold(a); letters != "" && letters == fold(b) {
		return 0.97
	}
	wa, wb := words(a), words(b)
	if joined := strings.Join(wa, ""); joined != "" && joined == strings.Join(wb, "") {
		return 0.95
	}
	shared, exact := common(wa, wb)
	longest := max(len(wa), len(wb))
	if longest == 0 || shared == 0 {
		return 0
	}
	// A name that is wholly contained in the other, such as city in home_city, counts for more.
	score := float64(shared) / float64(longest)
	if shared == min(len(wa), len(wb)) {
		score = 0.5 + score/2.5
	}
	if !exact {
		score -= 0.05
	}
	return min(score, 0.9)
}

// fold returns a name's letters and digits in lower case.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// common counts the words of one name that the other has too, each once, and tells whether all are spelled alike.
func common(a, b []string) (shared int, exact bool) {
	exact = true
	left := slices.Clone(b)
	for _, w := range a {
		i := slices.Index(left, w)
		if i < 0 {
			i = slices.IndexFunc(left, func(other string) bool { return alike(w, other) })
			exact = exact && i < 0
		}
		if i >= 0 {
			shared++
			left = slices.Delete(left, i, i+1)
		}
	}
	return shared, exact
}

// mistyped is how long a word is at least in which one wrong letter leaves no doubt.
const mistyped = 5

// alike tells whether two words are one in singular and plural, or differ in one letter.
func alike(a, b string) bool {
	if strings.TrimSuffix(a, "s") == strings.TrimSuffix(b, "s") {
		return true
	}
	return min(len(a), len(b)) >= mistyped && oneEdit(a, b)
}

// oneEdit tells whether one byte was changed, added or left out, or two neighbours changed places.
func oneEdit(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	switch len(a) - len(b) {
	case 0:
		swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		return swapped || a[i+1:] == b[i+1:]
	case 1:
		return a[i+1:] == b[i:]
	default:
		return false
	}
}

// words splits a name at spaces, punctuation and capitals, in lower case, with common abbreviations written out and
// what is called in several ways called in one.
func words(name string) []string {
	var b strings.Builder
	last := ' '
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			b.WriteRune(' ')
		case unicode.IsUpper(r) && unicode.IsLower(last):
			b.WriteRune(' ')
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		last = r
	}
	all := strings.Fields(b.String())
	for i, w := range all {
		if long, ok := abbreviations[w]; ok {
			all[i] = long
		}
	}
	return phrased(all)
}

// phrased puts one word in place of several that mean one thing.
func phrased(all []string) []string {
	var out []string
	for len(all) > 0 {
		n := 1
		word := all[0]
		for size := min(3, len(all)); size > 1; size-- {
			if one, ok := phrases[strings.Join(all[:size], " ")]; ok {
				word, n = one, size
				break
			}
		}
		out, all = append(out, word), all[n:]
	}
	return out
}

var abbreviations = map[string]string{
	"fname": "firstname", "lname": "lastname", "surname": "lastname", "forename": "firstname", "mail": "email", "tel": "phone", "telephone": "phone",
	"mobile": "phone", "cell": "phone", "qty": "quantity", "addr": "address", "zip": "postal", "zipcode": "postal", "postcode": "postal", "dob": "birthday",
	"birthdate": "birthday", "org": "company", "organisation": "company", "organization": "company", "desc": "description", "amt": "amount",
}

var phrases = map[string]string{
	"e email": "email", "email address": "email", "email addr": "email", "phone number": "phone", "phone no": "phone", "first name": "firstname", "given name": "firstname",
	"last name": "lastname", "family name": "lastname", "postal code": "postal", "post code": "postal", "date of birth": "birthday", "birth date": "birthday",
	"company name": "company", "web site": "website",
}
