package fault

import (
	"strings"
	"testing"
)

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	known := []string{"upcase", "downcase", "date", "sha256"}
	for word, want := range map[string]string{
		"upcas": `; did you mean "upcase"?`, "UPCASE": `; did you mean "upcase"?`, "sha265": `; did you mean "sha256"?`, "dat": `; did you mean "date"?`,
		"frobnicate": "", "": "", strings.Repeat("date", 1000): "",
	} {
		if got := DidYouMean(word, known); got != want {
			t.Errorf("%.20q: %q, want %q", word, got, want)
		}
	}
}
