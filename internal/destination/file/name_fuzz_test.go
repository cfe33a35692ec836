package file

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Whatever a person writes as a file's name and calls a model, the file lies in the destination's folder, or the name
// is refused with a code.
//
// Req: SY-18
func FuzzNames(f *testing.F) {
	for _, seed := range [][2]string{
		{"a/b.csv", "People"}, {"{YYYY}-{MM}/{model.name}.csv.gz", "../x"}, {"{operation}{batch}", ""}, {"../a", "x"}, {"a/../b", "x"}, {"{", "}"},
		{"{model.name}", ".."}, {"{model.name}/{model.name}", "a/b\\c"}, {"/etc/passwd", "x"}, {".millrace-x", "x"}, {"a\x00b", "\x00"}, {"{model.name}", ".millrace-"},
	} {
		for _, mode := range []connector.Mode{connector.ModeAll, connector.ModeDiff, connector.ModeSnapshot} {
			f.Add(seed[0], seed[1], string(mode), int64(0))
			f.Add(seed[0], seed[1], string(mode), int64(5))
		}
	}
	f.Fuzz(func(t *testing.T, name, model, mode string, split int64) {
		job := nameJob(connector.Mode(mode))
		job.Model.Name = model
		var s settings
		s.Filename = name
		if split > 0 {
			s.RowsPerFile = 5
		}
		n, err := newNaming(s, job)
		var got string
		if err == nil {
			got, err = n.of(connector.Removed, 3)
		}
		if err != nil {
			if !fault.Is(err, fault.CodeInvalid) {
				t.Errorf("%q: %v", name, err)
			}
			return
		}
		inside, err := filepath.Rel("/root", filepath.Join("/root", got))
		if err != nil || inside != got || !filepath.IsLocal(got) || strings.ContainsRune(got, 0) {
			t.Errorf("%q of the model %q is the file %q", name, model, got)
		}
	})
}
