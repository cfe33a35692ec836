package value

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzAppendJSONString: another reader finds the text that was written, whatever stands beside it.
//
// Req: FLD-32
func FuzzAppendJSONString(f *testing.F) {
	for c := range 256 {
		for at := range 9 {
			f.Add(strings.Repeat("x", at) + string([]byte{byte(c)}) + strings.Repeat("y", 9-at))
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		written := AppendJSONString([]byte("x"), s)
		var got string
		if err := json.Unmarshal(written[1:], &got); err != nil {
			t.Fatalf("%q became %s: %v", s, written, err)
		}
		if want := strings.ToValidUTF8(s, "\x00"); utf8.ValidString(s) && got != s || strings.Count(got, "\ufffd") < strings.Count(want, "\x00")-strings.Count(s, "\x00") {
			t.Errorf("%q became %q", s, got)
		}
	})
}
