package trigger

import (
	"bytes"
	"testing"

	"github.com/millrace/millrace/internal/value"
)

// FuzzTrimCommas: JSON stays what it was, and what it makes has no comma before a bracket.
func FuzzTrimCommas(f *testing.F) {
	for _, s := range []string{`[1,2,]`, `{"a":1, }`, `["x,]",{"y\\":",}",},]`, `,`, `[1,,]`, `"\",]"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := trimCommas([]byte(s))
		if v, err := value.ParseJSON(s); err == nil {
			w, err := value.ParseJSON(string(got))
			if err != nil || !bytes.Equal(v.AppendJSON(nil), w.AppendJSON(nil)) {
				t.Errorf("%q became %q", s, got)
			}
		}
	})
}
