package notion

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/value"
)

// A text that is too long for one rich text is sent in parts, none of which splits a character.
func TestTexts(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]int{0: 0, 1: 1, perText: 1, perText + 1: 2, 3 * perText: 3} {
		text := strings.Repeat("é", length)
		parts := texts(text)
		if len(parts) != want {
			t.Errorf("%d characters make %d parts, not %d", length, len(parts), want)
		}
		var whole strings.Builder
		for _, p := range parts {
			content, _ := value.Of(p).Get("text")
			text, _ := content.Get("content")
			whole.WriteString(text.String())
		}
		if whole.String() != text {
			t.Errorf("%d characters come out as %d bytes, not %d", length, whole.Len(), len(text))
		}
	}
}
