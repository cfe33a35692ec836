package plan_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
)

// pairs makes rows of two text columns, id and v.
func pairs(rows ...[2]string) array.RecordReader {
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "v", Type: arrow.BinaryTypes.String}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, r := range rows {
		b.Field(0).(*array.StringBuilder).Append(r[0])
		b.Field(1).(*array.StringBuilder).Append(r[1])
	}
	r, err := array.NewRecordReader(schema, []arrow.RecordBatch{b.NewRecordBatch()})
	if err != nil {
		panic(err)
	}
	return r
}

// twoRuns is two runs whose second one writes every file that there is.
type twoRuns struct {
	engine *plan.Engine
	first  string
	base   plan.Baseline
	second string
}

func newTwoRuns(t *testing.T) *twoRuns {
	t.Helper()
	s := &twoRuns{engine: plan.New(plan.Options{MemoryLimit: 64 << 20, Threads: 1}), first: t.TempDir(), second: t.TempDir()}
	staged, err := s.engine.Stage(t.Context(), plan.StageInput{Reader: pairs([2]string{"1", "a"}, [2]string{"2", "b"}), PrimaryKey: "id", Compare: []string{"v"}, Dir: s.first})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.engine.Diff(t.Context(), plan.DiffInput{Staged: staged, Dir: s.first, Rules: plan.ModeRules{AddedActs: true}})
	if err != nil {
		t.Fatal(err)
	}
	if s.base, err = s.engine.Settle(t.Context(), plan.SettleInput{Staged: staged, Plan: &p, Default: plan.Accepted, Dir: s.first}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *twoRuns) run(t *testing.T) error {
	t.Helper()
	rows := pairs([2]string{"1", "x"}, [2]string{"3", "c"}, [2]string{"4", "d"}, [2]string{"4", "e"})
	staged, err := s.engine.Stage(t.Context(), plan.StageInput{Reader: rows, PrimaryKey: "id", Compare: []string{"v"}, Dir: s.second})
	if err != nil {
		return err
	}
	p, err := s.engine.Diff(t.Context(), plan.DiffInput{
		Staged: staged, Baseline: &s.base, BaselineDir: s.first, Dir: s.second, Rules: plan.ModeRules{AddedActs: true, ChangedActs: true, RemovedActs: true},
	})
	if err != nil {
		return err
	}
	_, err = s.engine.Settle(t.Context(), plan.SettleInput{Staged: staged, Plan: &p, Old: &s.base, OldDir: s.first, Default: plan.Rejected, Dir: s.second})
	return err
}

// A disk that is full gives the code that says so, and no file appears that is not complete.
//
// Req: SY-39, FLD-31
func TestADiskThatIsFull(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	for _, name := range []string{"stage", "removed", "changed", "added", "duplicates", "overlay"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTwoRuns(t)
			if err := os.Symlink("/dev/full", filepath.Join(s.second, name+".parquet.part")); err != nil {
				t.Fatal(err)
			}
			err := s.run(t)
			if !fault.Is(err, fault.CodeDiskFull) || fault.As(err).Hint() == "" {
				t.Errorf("got %v", err)
			}
			for _, left := range names(t, s.second) {
				if left == name+".parquet" || strings.HasSuffix(left, ".part") || strings.HasPrefix(left, ".spill") {
					t.Errorf("%s is left", left)
				}
			}
			if err := s.run(t); err != nil {
				t.Errorf("once there is room: %v", err)
			}
		})
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// broken yields what it wraps and then fails.
type broken struct {
	array.RecordReader
	over bool
}

var errBroken = errors.New("the connection was cut")

func (b *broken) Next() bool {
	b.over = !b.RecordReader.Next()
	return !b.over
}

func (b *broken) Err() error {
	if b.over {
		return errBroken
	}
	return nil
}

// A source that breaks in the middle leaves nothing that could be taken for its rows.
//
// Req: FLD-34, M-30
func TestStagingABrokenSource(t *testing.T) {
	t.Parallel()
	engine := plan.New(plan.Options{MemoryLimit: 64 << 20, Threads: 1})
	dir := t.TempDir()
	in := plan.StageInput{Reader: &broken{RecordReader: pairs([2]string{"1", "a"})}, PrimaryKey: "id", Compare: []string{"v"}, Dir: dir}
	if _, err := engine.Stage(t.Context(), in); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// Req: SY-37, M-03, M-07
func TestColumnsThatAreGone(t *testing.T) {
	t.Parallel()
	s := newTwoRuns(t)
	stage := func(key string, columns ...string) (plan.Staged, error) {
		return s.engine.Stage(t.Context(), plan.StageInput{Reader: pairs([2]string{"1", "a"}), PrimaryKey: key, Compare: columns, Dir: s.second})
	}
	if _, err := stage("key"); !fault.Is(err, fault.CodeModelKey) {
		t.Errorf("no key: %v", err)
	}
	if _, err := stage("id", "mail"); !fault.Is(err, fault.CodeMappingColumn) || !strings.Contains(err.Error(), `Unknown field name: the model has no column "mail"`) {
		t.Errorf("no column: %v", err)
	}
	staged, err := stage("v", "id")
	if err != nil {
		t.Fatal(err)
	}
	diff := plan.DiffInput{Staged: staged, Baseline: &s.base, BaselineDir: s.first, Dir: s.second}
	if _, err := s.engine.Diff(t.Context(), diff); !fault.Is(err, fault.CodeRunKeyChanged) {
		t.Errorf("another key: %v", err)
	}
	if staged, err = stage("id", "v"); err != nil {
		t.Fatal(err)
	}
	diff.Staged, diff.Identify = staged, []string{"mail"}
	if _, err := s.engine.Diff(t.Context(), diff); !fault.Is(err, fault.CodeMappingColumn) {
		t.Errorf("no column to tell records apart: %v", err)
	}
	diff.Identify, diff.BaselineDir = nil, t.TempDir()
	if _, err := s.engine.Diff(t.Context(), diff); !fault.Is(err, fault.CodeRunBaseline) {
		t.Errorf("no baseline: %v", err)
	}
}
