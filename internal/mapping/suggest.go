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

// Suggest pairs fields with columns by their names (SY-23): the same name scores 1, the same words in another
// spelling 0.95, and words of which one name has more than the other by the share that both have. Each
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
	wa, wb := words(a), words(b)
	if joined := strings.Join(wa, ""); joined != "" && joined == strings.Join(wb, "") {
		return 0.95
	}
	shared := 0
	for _, w := range wa {
		if slices.Contains(wb, w) {
			shared++
		}
	}
	longest := max(len(wa), len(wb))
	if longest == 0 || shared == 0 {
		return 0
	}
	// A name that is wholly contained in the other, such as email in email_address, counts for more.
	score := float64(shared) / float64(longest)
	if shared == min(len(wa), len(wb)) {
		score = 0.5 + score/2.5
	}
	return min(score, 0.9)
}

// words splits a name at spaces, punctuation and capitals, in lower case, with common abbreviations written out.
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
	return all
}

var abbreviations = map[string]string{
	"fname": "firstname", "lname": "lastname", "mail": "email", "tel": "phone", "mobile": "phone", "qty": "quantity", "addr": "address", "zip": "postal", "dob": "birthday",
}
