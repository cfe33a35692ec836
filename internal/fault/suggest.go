package fault

import (
	"fmt"
	"strings"
)

// longestWord is how long a word may be that something similar is looked for.
const longestWord = 60

// DidYouMean ends a sentence about an unknown word with the known one that is most like it, as in `; did you mean
// "name"?`. It is empty where none is: a third of the letters may differ, and capitals count for nothing.
func DidYouMean(word string, known []string) string {
	if len(word) > longestWord {
		return ""
	}
	best, score := "", max((len(word)+2)/3, 1)+1
	for _, k := range known {
		if n := distance(strings.ToLower(word), strings.ToLower(k)); n < score {
			best, score = k, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is how many letters must be changed, added or left out (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
