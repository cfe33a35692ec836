package file

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

var twoColumns = []connector.TargetColumn{
	{Name: "id", From: "id", Type: value.TypeString},
	{Name: "value", From: "value", Type: value.TypeString},
}

// run is a session with what a test needs to look at it.
type run struct {
	*Session
	t     *testing.T
	place *shelf
	dir   string
}

func newRun(t *testing.T, mode connector.Mode, publicKey string, settings connector.Settings) *run {
	t.Helper()
	job := filetest.Job(formatNDJSON, twoColumns)
	job.Mode = mode
	maps.Copy(job.Settings, settings)
	r := &run{t: t, place: newShelf(), dir: t.TempDir()}
	s, err := Begin(Options{Place: r.place, PublicKey: publicKey, Dir: r.dir, Clock: clock.System{}}, job)
	if err != nil {
		t.Fatal(err)
	}
	r.Session = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return r
}

// send writes one row and returns its batch.
func (r *run) send(op connector.Operation, id, text string) *connector.Batch {
	r.t.Helper()
	b := &connector.Batch{ID: id, Operation: op, Rows: []connector.Row{{Key: id, Values: []value.Value{value.OfText(id), value.OfText(text)}}}}
	if _, err := r.Write(r.t.Context(), b); err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *run) finish() {
	r.t.Helper()
	if err := r.Finish(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func gunzip(t *testing.T, data string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestGzip proves that the file is compressed and keeps its name.
//
// Req: SY-18
func TestGzip(t *testing.T) {
	t.Parallel()
	r := newRun(t, connector.ModeAll, "", connector.Settings{"gzip": true})
	r.send(connector.Added, "1", "x")
	r.finish()
	if got := gunzip(t, r.place.files["rows.out"]); got != `{"id":"1","value":"x"}`+"\n" {
		t.Errorf("got %q", got)
	}
	if got := r.place.types["rows.out"]; got != "application/gzip" {
		t.Errorf("content type %q", got)
	}
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		formatCSV: "text/csv; charset=utf-8", formatJSON: "application/json", formatNDJSON: "application/x-ndjson",
		formatXML: "application/xml", formatParquet: "application/vnd.apache.parquet",
	} {
		r := newRun(t, connector.ModeAll, "", connector.Settings{"format": format, "gzip": format == formatParquet})
		r.finish()
		if got := r.place.types["rows.out"]; got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

// TestPublishing proves the order, and that a failed Finish can be repeated without publishing twice;
// the indicator comes last or not at all.
//
// Req: SY-18
func TestPublishing(t *testing.T) {
	t.Parallel()
	r := newRun(t, connector.ModeDiff, "", connector.Settings{"indicatorFile": "done-{sync.run.id}"})
	r.send(connector.Added, "1", "x")
	broken := errors.New("broken")
	r.place.fail = func(name string) error {
		if name == "rows_added.out" {
			return broken
		}
		return nil
	}
	if err := r.Finish(t.Context()); !errors.Is(err, broken) {
		t.Fatalf("Finish: %v", err)
	}
	if want := []string{"rows_removed.out", "rows_changed.out"}; !slices.Equal(r.place.order, want) {
		t.Errorf("published %v, want %v", r.place.order, want)
	}
	r.place.fail = nil
	r.finish()
	r.finish()
	if want := []string{"rows_removed.out", "rows_changed.out", "rows_added.out", "done-42"}; !slices.Equal(r.place.order, want) {
		t.Errorf("published %v, want %v", r.place.order, want)
	}
	if got := r.place.files["done-42"]; got != "" {
		t.Errorf("the indicator holds %q", got)
	}
}

// Req: SY-75
func TestOperations(t *testing.T) {
	t.Parallel()
	for mode, want := range map[connector.Mode][]connector.Operation{
		connector.ModeInsert:   {connector.Added},
		connector.ModeAll:      {connector.Added},
		connector.ModeSnapshot: {connector.Added},
		connector.ModeDiff:     {connector.Removed, connector.Changed, connector.Added},
	} {
		r := newRun(t, mode, "", nil)
		if got := r.Limits().Operations; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", mode, got, want)
		}
	}
	r := newRun(t, connector.ModeInsert, "", nil)
	_, err := r.Write(t.Context(), &connector.Batch{Operation: connector.Removed, Rows: make([]connector.Row, 1)})
	if !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("insert took a removed row: %v", err)
	}
}

// TestRequestLog proves what the log shows: the text of differences, not of whole copies and not of
// encrypted files.
//
// Req: SY-68
func TestRequestLog(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, 0)
	for _, c := range []struct {
		name string
		run  *run
		want string
	}{
		{"insert", newRun(t, connector.ModeInsert, "", nil), `{"id":"1","value":"x"}` + "\n"},
		{"diff", newRun(t, connector.ModeDiff, "", nil), `{"id":"1","value":"x"}` + "\n"},
		{"all", newRun(t, connector.ModeAll, "", nil), ""},
		{"snapshot", newRun(t, connector.ModeSnapshot, "", nil), ""},
		{"encrypted", newRun(t, connector.ModeInsert, key, nil), ""},
	} {
		x := c.run.send(connector.Added, "1", "x").Exchanges
		if len(x) != 1 || x[0].RequestBody != c.want || !strings.HasPrefix(x[0].URL, "memory://rows") {
			t.Errorf("%s: %+v", c.name, x)
		}
	}
}

// TestStaging proves that what a killed process leaves cannot be read, and is gone after the next
// run of the sync begins.
func TestStaging(t *testing.T) {
	t.Parallel()
	r := newRun(t, connector.ModeAll, "", nil)
	r.send(connector.Added, "1", strings.Repeat("a secret of a customer", 50_000))
	left := stagingFiles(t, r.dir)
	if len(left) != 1 {
		t.Fatalf("%d staging files", len(left))
	}
	data, err := os.ReadFile(left[0])
	if err != nil || len(data) < 500_000 {
		t.Fatalf("%d bytes are staged: %v", len(data), err)
	}
	if bytes.Contains(data, []byte("customer")) {
		t.Error("staged rows can be read")
	}
	beginAgain(t, r.dir, 8)
	if got := stagingFiles(t, r.dir); !slices.Equal(got, left) {
		t.Errorf("another sync changed the staging files: %v", got)
	}
	beginAgain(t, r.dir, 7)
	if got := stagingFiles(t, r.dir); len(got) != 0 {
		t.Errorf("the sync's next run left %v", got)
	}
}

// beginAgain begins a run of a sync in a folder that an earlier run has used.
func beginAgain(t *testing.T, dir string, syncID int64) {
	t.Helper()
	job := filetest.Job(formatCSV, twoColumns)
	job.SyncID = syncID
	s, err := Begin(Options{Place: newShelf(), Dir: dir, Clock: clock.System{}}, job)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
}

func stagingFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestBroken proves that a run whose staging file fails cannot be finished with a part of its rows.
func TestBroken(t *testing.T) {
	t.Parallel()
	r := newRun(t, connector.ModeAll, "", connector.Settings{"indicatorFile": "done"})
	r.send(connector.Added, "1", "x")
	if err := r.lanes[0].open.stage.file.Close(); err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("x", 2*stageBuffer)
	for _, id := range []string{"2", "3"} {
		_, err := r.Write(t.Context(), &connector.Batch{ID: id, Operation: connector.Added, Rows: []connector.Row{{Values: []value.Value{value.OfText(id), value.OfText(large)}}}})
		if fault.ClassOf(err) != fault.Fatal {
			t.Errorf("batch %s: %v", id, err)
		}
	}
	if err := r.Finish(t.Context()); fault.ClassOf(err) != fault.Fatal {
		t.Errorf("Finish: %v", err)
	}
	if len(r.place.order) != 0 {
		t.Errorf("published %v", r.place.order)
	}
	r.lanes[0].open = nil
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	err := storageFault(fmt.Errorf("write: %w", syscall.ENOSPC), "writing")
	if !fault.Is(err, fault.CodeDiskFull) || fault.ClassOf(err) != fault.Fatal {
		t.Errorf("%v", err)
	}
}
