package file

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

func nameJob(mode connector.Mode) connector.SyncJob {
	return connector.SyncJob{
		SyncID: 12, RunID: 345, Mode: mode,
		StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 67_000_000, time.FixedZone("east", 3600)),
		Model:     connector.ModelInfo{ID: 6, Name: `Big spenders: A/B \ "ü"`},
	}
}

// TestNames renders templates; the time of the run is 02:04:05.067 UTC.
//
// Req: SY-18
func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		settings settings
		mode     connector.Mode
		op       connector.Operation
		batch    int
		want     string
	}{
		{"plain", settings{Filename: "a/b.csv"}, connector.ModeAll, connector.Added, 1, "a/b.csv"},
		{"times", settings{Filename: "{YYYY} {YY} {MM} {DD} {HH} {mm} {ss} {ms} {X} {x}"}, connector.ModeAll, connector.Added, 1, "2026 26 01 02 02 04 05 067 1767319445 1767319445067"},
		{"a day before", settings{Filename: "{YYYY}-{MM}-{DD}", FilenameOffset: -86400}, connector.ModeAll, connector.Added, 1, "2026-01-01"},
		{"a day after", settings{Filename: "{DD}{X}", FilenameOffset: 86400}, connector.ModeAll, connector.Added, 1, "031767405845"},
		{"two days before, over the year", settings{Filename: "{YYYY}", FilenameOffset: -172800}, connector.ModeAll, connector.Added, 1, "2025"},
		{"ids", settings{Filename: "{model.id}-{sync.id}-{sync.run.id}.x"}, connector.ModeAll, connector.Added, 1, "6-12-345.x"},
		{"a value makes no folder", settings{Filename: "{model.name}.csv"}, connector.ModeAll, connector.Added, 1, `Big spenders: A-B - "ü".csv`},
		{"diff", settings{Filename: "x/out.csv"}, connector.ModeDiff, connector.Removed, 1, "x/out_removed.csv"},
		{"diff, packed", settings{Filename: "out.csv.gz"}, connector.ModeDiff, connector.Changed, 1, "out_changed.csv.gz"},
		{"diff, packed twice", settings{Filename: "out.v1.csv.GZ.pgp"}, connector.ModeDiff, connector.Changed, 1, "out.v1_changed.csv.GZ.pgp"},
		{"diff without extension", settings{Filename: "a.b/out"}, connector.ModeDiff, connector.Added, 1, "a.b/out_added"},
		{"diff, dot file", settings{Filename: "a/.out"}, connector.ModeDiff, connector.Added, 1, "a/.out_added"},
		{"diff, variable then extension", settings{Filename: "a/{model.id}.csv"}, connector.ModeDiff, connector.Added, 1, "a/6_added.csv"},
		{"diff, variable at the end", settings{Filename: "a.b-{model.id}"}, connector.ModeDiff, connector.Added, 1, "a.b-6_added"},
		{"diff, own place", settings{Filename: "{operation}/out.csv"}, connector.ModeDiff, connector.Added, 1, "added/out.csv"},
		{"split", settings{Filename: "out.csv", RowsPerFile: 5}, connector.ModeAll, connector.Added, 12, "out_12.csv"},
		{"split, own place", settings{Filename: "{batch}.csv", RowsPerFile: 5}, connector.ModeAll, connector.Added, 12, "12.csv"},
		{"split diff", settings{Filename: "out.csv", RowsPerFile: 5}, connector.ModeDiff, connector.Added, 2, "out_added_2.csv"},
		{"snapshot", settings{Filename: "out.csv"}, connector.ModeSnapshot, connector.Added, 1, "out_20260102T020405067Z.csv"},
		{"split snapshot", settings{Filename: "out.csv", RowsPerFile: 5}, connector.ModeSnapshot, connector.Added, 1, "out_20260102T020405067Z_1.csv"},
		{"snapshot with a time", settings{Filename: "out-{YYYY}.csv"}, connector.ModeSnapshot, connector.Added, 1, "out-2026.csv"},
		{"snapshot with the run", settings{Filename: "out-{sync.run.id}.csv"}, connector.ModeSnapshot, connector.Added, 1, "out-345.csv"},
		{"snapshot with the sync", settings{Filename: "out-{sync.id}.csv"}, connector.ModeSnapshot, connector.Added, 1, "out-12_20260102T020405067Z.csv"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n, err := newNaming(c.settings, nameJob(c.mode))
			if err != nil {
				t.Fatal(err)
			}
			got, err := n.of(c.op, c.batch)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestBadNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ filename, says string }{
		{"{yyyy}.csv", "{yyyy}"},
		{"{}.csv", "{}"},
		{"{Model.Name}", "{Model.Name}"},
		{"{model.name", "closing"},
		{"a}b", "closing brace without"},
		{"", "empty"},
		{"/a", "slash"},
		{"a/", "folder"},
		{"a//b", `""`},
		{"./a", `"."`},
		{"a/../b", `".."`},
		{"..", `".."`},
		{`a\b`, "backslash"},
		{"a\x00b", "control"},
		{"a\nb", "control"},
		{"a\xffb", "invalid"},
		{"a/.millrace-x/b", "keeps"},
		{strings.Repeat("a", 256), "255"},
		{strings.Repeat("a/", 513) + "b", "1024"},
		{"{operation}", "diff"},
		{"{batch}", "split"},
	} {
		n, err := newNaming(settings{Filename: c.filename}, nameJob(connector.ModeAll))
		if err == nil {
			_, err = n.of(connector.Added, 1)
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("%q: %v, want one that says %q", c.filename, err, c.says)
		}
	}
}

// FuzzName proves that no template leaves the destination's folder.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"a/{YYYY}.csv", "{model.name}", "..", "{operation}/../x", "a}{", "{batch}_{ms}.csv.gz", "\xff", "//", ".millrace-1/x"} {
		f.Add(seed, "name")
	}
	f.Add("{model.name}/x", "..")
	f.Add("{model.name}{model.name}/x", ".")
	f.Fuzz(func(t *testing.T, filename, model string) {
		job := nameJob(connector.ModeDiff)
		job.Model.Name = model
		n, err := newNaming(settings{Filename: filename, RowsPerFile: 2}, job)
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, op := range connector.Operations {
			name, err := n.of(op, 1)
			if err != nil {
				return
			}
			for part := range strings.SplitSeq(name, "/") {
				if part == "" || part == "." || part == ".." || strings.HasPrefix(part, reserved) {
					t.Fatalf("%q became %q", filename, name)
				}
			}
			if names[name] {
				t.Fatalf("%q names two files %q", filename, name)
			}
			names[name] = true
		}
	})
}
