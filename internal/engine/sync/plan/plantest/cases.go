package plantest

import (
	"embed"
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/millrace/millrace/internal/value"
)

//go:embed testdata/*.txtar
var cases embed.FS

var update = flag.Bool("plantest.update", false, "rewrite the plan and settled parts of the cases; a person reviews them")

// testCases plays every file of testdata: runs of one sync, each with its settings, the model's rows
// as CSV ("null" is null; a column called name:int holds integers), the plan, the outcomes that are not
// accepted, and what is settled then. What stands above the first part says what the case shows.
//
// Req: SY-12, SY-14, SY-15, SY-18, SY-19, SY-36, SY-37, SY-39, SY-40, SY-41, SY-42, SY-45, SY-75, SY-77, SY-79
// Req: M-03, M-04, M-05, M-06, M-07, M-09, M-10, FLD-01, FLD-02, FLD-04, FLD-08, FLD-31, FLD-32
func testCases(t *testing.T, open func(testing.TB) Planner) {
	files, err := cases.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(f.Name(), ".txtar"), func(t *testing.T) {
			t.Parallel()
			data, err := cases.ReadFile("testdata/" + f.Name())
			if err != nil {
				t.Fatal(err)
			}
			c := &play{t: t, planner: open(t), archive: txtar.Parse(data)}
			c.run()
			if *update {
				c.rewrite(filepath.Join("plantest", "testdata", f.Name()))
			}
		})
	}
}

// play goes through one file.
type play struct {
	t        *testing.T
	planner  Planner
	archive  *txtar.Archive
	settings Settings
	schema   []string
	integers map[string]bool
	rows     []map[string]value.Value
	outcomes map[string]string
}

func (c *play) run() {
	for i := range c.archive.Files {
		f := &c.archive.Files[i]
		switch f.Name {
		case "run":
			c.settings = c.parseSettings(string(f.Data))
			c.outcomes = map[string]string{}
		case "model":
			c.parseModel(string(f.Data))
		case "plan":
			c.compare(f, c.plan())
		case "outcomes":
			c.parseOutcomes(string(f.Data))
		case "settled":
			c.compare(f, c.settle())
		default:
			c.t.Fatalf("there is no part called %q", f.Name)
		}
	}
}

func (c *play) plan() string {
	s := c.settings
	if s.Columns == nil {
		s.Columns = c.schema
	}
	if s.Compare == nil {
		s.Compare = s.Columns
	}
	result, err := c.planner.Plan(c.t.Context(), batchOf(c.schema, c.integers, c.rows), s)
	if err != nil {
		c.t.Fatal(err)
	}
	if !result.Counts.adds() {
		c.t.Errorf("the counts do not add up: %+v", result.Counts)
	}
	return result.String()
}

func (c *play) settle() string {
	err := c.planner.Settle(c.t.Context(), func(r Row) string {
		if state, ok := c.outcomes[string(r.Operation)+" "+r.Key]; ok {
			return state
		}
		return Accepted
	})
	if err != nil {
		c.t.Fatal(err)
	}
	held, err := c.planner.Settled(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return showSettled(held)
}

func (c *play) compare(f *txtar.File, got string) {
	if *update {
		f.Data = []byte(got)
		return
	}
	if want := string(f.Data); got != want {
		c.t.Errorf("%s is\n%s\nit should be\n%s", f.Name, got, want)
	}
}

func (c *play) rewrite(path string) {
	if err := os.WriteFile(path, txtar.Format(c.archive), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// parseSettings reads words such as "act=added,changed key=id mapping-changed".
func (c *play) parseSettings(text string) Settings {
	s := Settings{Key: "id", Added: true, Changed: true, Removed: true}
	for word := range strings.FieldsSeq(text) {
		name, list, _ := strings.Cut(word, "=")
		items := strings.Split(list, ",")
		switch name {
		case "upsert": // the defaults
		case "key":
			s.Key = list
		case "act":
			s.Added, s.Changed, s.Removed = slices.Contains(items, "added"), slices.Contains(items, "changed"), slices.Contains(items, "removed")
		case "columns":
			s.Columns = items
		case "compare":
			s.Compare = items
		case "before":
			s.Before = items
		case "identify":
			s.Identify = items
		case "every-row":
			s.EveryRow = true
		case "full-resync":
			s.FullResync = true
		case "reset-cdc":
			s.ResetCDC = true
		case "mapping-changed":
			s.MappingChanged = true
		default:
			c.t.Fatalf("there is no setting %q", word)
		}
	}
	return s
}

func (c *play) parseModel(text string) {
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		c.t.Fatal(err)
	}
	c.schema, c.integers, c.rows = nil, map[string]bool{}, nil
	for _, column := range lines[0] {
		name, kind, _ := strings.Cut(column, ":")
		c.schema, c.integers[name] = append(c.schema, name), kind == "int"
	}
	for _, line := range lines[1:] {
		row := map[string]value.Value{}
		for i, name := range c.schema {
			row[name] = c.parseValue(line[i], c.integers[name])
		}
		c.rows = append(c.rows, row)
	}
}

func (c *play) parseValue(text string, integer bool) value.Value {
	if text == "null" {
		return value.Value{}
	}
	if !integer {
		return value.OfText(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return value.OfInt(n)
}

// parseOutcomes reads lines such as "changed 2 rejected".
func (c *play) parseOutcomes(text string) {
	for line := range strings.Lines(text) {
		at := strings.LastIndex(strings.TrimSpace(line), " ")
		c.outcomes[line[:at]] = strings.TrimSpace(line[at:])
	}
}
