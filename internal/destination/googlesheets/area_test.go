package googlesheets

import (
	"testing"

	"github.com/millrace/millrace/internal/fault"
)

func TestParseArea(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]area{
		"": {}, "A1": {}, "a1:z1000": {height: 1000, width: 26}, "B2:AA3\n": {row: 1, column: 1, height: 2, width: 26}, "C5:C": {row: 4, column: 2, width: 1},
		"AA10": {row: 9, column: 26}, "ZZZ1:ZZZ1": {column: 18277, height: 1, width: 1},
	} {
		got, err := parseArea(text)
		if got != want || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"A", "1:2", "A0", "A1:", "A1:B2:C3", "Sheet!A1", "B2:A3", "B2:C1", "A1;B2", "A123456789", "AAAA1", "ZZZ1:AAAA1"} {
		if got, err := parseArea(text); !fault.Is(err, fault.CodeInvalid) || fault.As(err).Hint() == "" {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func FuzzColumns(f *testing.F) {
	f.Add(0)
	f.Fuzz(func(t *testing.T, n int) {
		if n < 0 || n > maxColumns {
			return
		}
		if letters := columnLetters(n); columnIndex(letters) != n {
			t.Errorf("%d is %s is %d", n, letters, columnIndex(letters))
		}
	})
	for _, n := range []int{25, 26, 51, 52, 701, 702, 18277} {
		f.Add(n)
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	if got := cell("It's", 4, 27); got != "'It''s'!AB5" {
		t.Error(got)
	}
}
