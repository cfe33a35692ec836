package dialects_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/millrace/millrace/internal/query"
)

// statement is a part of a golden file.
type statement struct {
	ID      int    `json:"id"`
	Dialect string `json:"dialect"`
	Name    string `json:"name"`
	SQL     string `json:"sql"`
}

// verdict is what a parser says of a statement; an empty error is that it reads it.
type verdict struct {
	ID     int    `json:"id"`
	Parser string `json:"parser"`
	Error  string `json:"error"`
}

// At least one parser of each dialect reads each statement of the golden files, but for the gaps that a person has
// judged (gaps.txt).
//
// Req: SY-48
func TestParsersReadTheGoldenFiles(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(filepath.Join("node_modules", "node-sql-parser")); err != nil {
		t.Skip("the parsers are not installed: npm ci --prefix test/dialects")
	}
	gaps := readGaps(t)
	all := gaps.rephrased(t, statements(t))
	read, failed := map[int]bool{}, map[int][]string{}
	for _, v := range parse(t, all) {
		if v.Error == "" {
			read[v.ID] = true
		} else {
			failed[v.ID] = append(failed[v.ID], v.Parser+": "+v.Error)
		}
	}
	needed := map[string]bool{}
	for _, s := range all {
		key := s.Dialect + ": " + s.Name
		switch {
		case read[s.ID]:
		case gaps.statements[key]:
			needed[key] = true
		default:
			t.Errorf("no parser reads %s\n\t%s\n\t%s", key, s.SQL, strings.Join(failed[s.ID], "\n\t"))
		}
	}
	for key := range gaps.statements {
		if !needed[key] {
			t.Errorf("gaps.txt has %s, which a parser reads or no golden file has", key)
		}
	}
}

// statements are those of all golden files.
func statements(t *testing.T) []statement {
	t.Helper()
	var all []statement
	for _, d := range query.Dialects {
		for _, folder := range []string{"../../internal/query/testdata", "../../internal/engine/sync/plan/lightning/testdata"} {
			archive, err := txtar.ParseFile(filepath.Join(folder, d.Name+".txtar"))
			if os.IsNotExist(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range archive.Files {
				if sql := strings.TrimSpace(string(f.Data)); !strings.HasPrefix(sql, "-- there is none") {
					all = append(all, statement{len(all), d.Name, f.Name, whole(f.Name, sql)})
				}
			}
		}
	}
	return all
}

// whole makes a statement of an expression.
func whole(name, sql string) string {
	for _, word := range []string{"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "IF", "BEGIN", "MERGE"} {
		if strings.HasPrefix(sql, word+" ") {
			return sql
		}
	}
	if name == "booleans" || name == "value as a condition" || name == "condition as a value" {
		return "SELECT 1 AS one FROM t WHERE " + sql
	}
	return "SELECT " + sql + " AS one FROM t"
}

func parse(t *testing.T, all []statement) []verdict {
	t.Helper()
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "parse.mjs")
	var out, errors bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errors
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, errors.Bytes())
	}
	var verdicts []verdict
	if err := json.Unmarshal(out.Bytes(), &verdicts); err != nil {
		t.Fatal(err)
	}
	return verdicts
}

// gaps are what parsers cannot read: whole statements, and phrases that are put otherwise for them.
type gaps struct {
	statements map[string]bool // dialect: name
	phrases    []phrase
}

type phrase struct{ dialect, from, to string }

// rephrased puts phrases otherwise. One that no statement has is a mistake of the file.
func (g gaps) rephrased(t *testing.T, all []statement) []statement {
	t.Helper()
	for _, p := range g.phrases {
		found := false
		for i := range all {
			if all[i].Dialect == p.dialect && strings.Contains(all[i].SQL, p.from) {
				found = true
				all[i].SQL = strings.ReplaceAll(all[i].SQL, p.from, p.to)
			}
		}
		if !found {
			t.Errorf("gaps.txt has the phrase %q of %s, which no statement has", p.from, p.dialect)
		}
	}
	return all
}

// readGaps reads the file, whose beginning says what its lines are.
func readGaps(t *testing.T) gaps {
	t.Helper()
	text, err := os.ReadFile("gaps.txt")
	if err != nil {
		t.Fatal(err)
	}
	g := gaps{statements: map[string]bool{}}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		what, _, found := strings.Cut(line, " -- ")
		var p phrase
		switch n, _ := fmt.Sscanf(what, "%s reads %q as %q", &p.dialect, &p.from, &p.to); { //nolint:errcheck // the count tells
		case !found:
			t.Errorf("gaps.txt:%d: %q has no reason", i+1, line)
		case n == 3:
			g.phrases = append(g.phrases, p)
		default:
			g.statements[what] = true
		}
	}
	return g
}
