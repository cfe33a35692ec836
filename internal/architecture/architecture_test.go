package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/millrace/millrace/"

// rows are the layers of the house, the highest first (docs/architecture.md). A package imports only from
// rows below its own. The last entry that fits a package counts.
var rows = []struct {
	row     int
	pattern string
}{
	{1, `^cmd/`},
	{1, `^internal/app$`},
	{1, `^bench$`},
	{2, `^internal/(api|collector|cli)$`},
	{2, `^internal/cli/.+`},
	{3, `^internal/engine/[a-z]+(/.+)?$`},
	{4, `^internal/(delivery|mapping|alert|segment|connection|dbt|bi)$`},
	{4, `^internal/alert/notify$`},
	{5, `^internal/kind/`},
	{6, `^internal/(source|destination)/`},
	{6, `^internal/destination$`},
	{7, `^internal/(resource|access|connector|condition)(/.+)?$`},
	{8, `^internal/(git|query|template|jobs|blob|cloud|quota|secret|tunnel|httpx|oauth|signature|telemetry)(/.+)?$`},
	{8, `^internal/dbt/manifest$`},
	{7, `^internal/dbt/dbtcloud$`},
	{9, `^internal/(db|config)(/.+)?$`},
	{10, `^internal/(value|fault|clock)$`},
	{11, `^web$`},
	{11, `^test/`},
	{11, `^internal/architecture$`},
}

// sideways are imports within one row, with the reason.
var sideways = map[[2]string]string{
	{"cmd/", "internal/app"}:                                          "main calls the wiring",
	{"internal/cli/demo", "internal/cli"}:                             "the demo is a client",
	{"internal/engine/sync/", "internal/engine/sync/"}:                "the parts of one engine",
	{"internal/alert", "internal/alert/notify"}:                       "notices and their senders",
	{"internal/kind/", "internal/kind/"}:                              "the rules of a model and a sync read what they refer to",
	{"internal/source/", "internal/source/duckdb"}:                    "files and samples are read by DuckDB",
	{"internal/source/", "internal/source/file"}:                      "files of every place are read by the same rules",
	{"internal/source/", "internal/source/sheet"}:                     "sheets of every place are read by the same rules",
	{"internal/source/", "internal/source/unload"}:                    "files that warehouses wrote are read in one way",
	{"internal/source/", "internal/source/warehousetest"}:             "stand-ins of warehouses execute on one engine",
	{"internal/source/", "internal/source/stream"}:                    "statements over HTTP end, and rows become batches, in one way",
	{"internal/source/", "internal/source/trino/trinotype"}:           "Trino, Athena and ClickHouse write values alike",
	{"internal/source/athena/", "internal/source/trino/"}:             "Athena speaks the language of Trino, and so does its stand-in",
	{"internal/destination/", "internal/destination/file"}:            "all file destinations write the same files",
	{"internal/destination/", "internal/destination/sqltable"}:        "tables of every database are checked and filled by the same rules",
	{"internal/destination/file/", "internal/destination/"}:           "the suite of file destinations",
	{"internal/destination/", "internal/destination/aws"}:             "requests to Amazon's services are signed and their errors read in one way",
	{"internal/destination/", "internal/destination/trigger"}:         "messages and requests of one's own making are described and made alike",
	{"internal/resource", "internal/connector"}:                       "secrets of a configuration are found by its fields",
	{"internal/resource/", "internal/resource"}:                       "the suite of kinds",
	{"internal/connector/", "internal/connector"}:                     "the suites of connectors",
	{"test/", "test/services"}:                                        "the command of the services",
	{"internal/db/", "internal/db"}:                                   "databases for tests",
	{"internal/query/", "internal/query"}:                             "the suite of dialects",
	{"internal/secret", "internal/secret"}:                            "one package",
	{"internal/blob", "internal/secret"}:                              "objects are sealed",
	{"internal/quota", "internal/secret"}:                             "credentials are named by a keyed digest",
	{"internal/blob/", "internal/blob"}:                               "the suite of storage",
	{"internal/source/teradata", "internal/source/teradata/odbc"}:     "ODBC is left out of most builds as a whole",
	{"internal/source/snowflake", "internal/source/snowflake/quiet"}:  "what is set before the driver is loaded needs a package of its own",
	{"internal/blob", "internal/cloud"}:                               "places are opened with identities",
	{"internal/tunnel", "internal/secret"}:                            "private keys are sealed",
	{"internal/oauth", "internal/httpx"}:                              "tokens are asked for, and shown, in requests",
	{"internal/oauth", "internal/cloud"}:                              "a service account's key is read in one place",
	{"internal/signature", "internal/httpx"}:                          "requests are signed",
	{"internal/engine/orchestrator", "internal/engine/orchestrator/"}: "a vendor that it listens to",
	{"internal/destination/sfmc", "internal/destination/sftp"}:        "Marketing Cloud reads files that are put into a place",
	{"internal/destination/sfmc", "internal/destination/s3"}:          "the same place, a bucket",
	{"internal/destination/sfmc", "internal/destination/gcs"}:         "the same place, a bucket",
	{"internal/destination/", "internal/destination/chat"}:            "messages to every chat are made of rows alike",
}

// pkg is what of `go list` counts here.
type pkg struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	CgoFiles     []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,CgoFiles,Imports,TestImports,XTestImports", module+"...")
	cmd.Env = append(os.Environ(), "GOFLAGS=-tags=duckdb_arrow")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, stderr.String())
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func rowOf(name string) int {
	row := 0
	for _, r := range rows {
		if regexp.MustCompile(r.pattern).MatchString(name) {
			row = r.row
		}
	}
	return row
}

func allowed(from, to string) bool {
	if strings.HasPrefix(from, to+"/") && rowOf(from) == 6 {
		return true // the stand-in of a source or destination
	}
	if from == "internal/destination" && strings.HasPrefix(to, from+"/") {
		return true // the hooks beside manifests
	}
	for pair := range sideways {
		if strings.HasPrefix(from, pair[0]) && strings.HasPrefix(to, pair[1]) {
			return true
		}
	}
	return false
}

// Packages import downward only, so that a part can be read, tested and replaced without those that use it.
func TestImportDirection(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		row := rowOf(p.name())
		if row == 0 {
			t.Errorf("%s has no place in the house: give it a row in this test and in docs/architecture.md", p.name())
			continue
		}
		for _, imported := range p.Imports {
			to, own := strings.CutPrefix(imported, module)
			if !own || rowOf(to) > row || allowed(p.name(), to) {
				continue
			}
			t.Errorf("%s (row %d) imports %s (row %d): packages import only from rows below their own", p.name(), row, to, rowOf(to))
		}
	}
}

// DuckDB costs 70 MB and seconds of linking in every binary that sees it, so few packages may.
func TestDuckDBIsLinkedIntoFewPackages(t *testing.T) {
	t.Parallel()
	may := []string{"bench", "internal/engine/sync/plan", "internal/segment", "internal/source/duckdb", "internal/source/file", "internal/source/sample", "internal/source/warehousetest"}
	for _, p := range packages(t) {
		imports := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
		uses := slices.ContainsFunc(imports, func(i string) bool { return strings.HasPrefix(i, "github.com/duckdb/") })
		if uses && !slices.Contains(may, p.name()) {
			t.Errorf("%s imports DuckDB; only %v may", p.name(), may)
		}
	}
}

// Every package says what it is for.
func TestPackageDocs(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		documented := len(p.GoFiles) == 0
		for _, f := range append(p.GoFiles, p.CgoFiles...) {
			tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, f), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || tree.Doc != nil
		}
		if !documented {
			t.Errorf("%s has no package comment", p.name())
		}
	}
}

// maxLines is what one file may have: what is longer is more than one thing.
const maxLines = 800

func TestFileLength(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, f := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(text, []byte("\n")); n > maxLines {
				t.Errorf("%s/%s has %d lines; %d is the most", p.name(), f, n, maxLines)
			}
		}
	}
}

// The compatible API's origin is named where compatibility is described, and nowhere else.
func TestForeignName(t *testing.T) {
	t.Parallel()
	foreign := strings.ToLower("Hightouch")
	may := []string{"internal/api/v1", "internal/query/query.go", "docs/", "internal/architecture/", "CHANGELOG.md", "README.md"}
	out, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-files").Output()
	if err != nil {
		t.Skipf("git cannot list the files: %v", err)
	}
	for file := range strings.Lines(string(out)) {
		file = strings.TrimSpace(file)
		if slices.ContainsFunc(may, func(m string) bool { return strings.HasPrefix(file, m) }) {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", "..", file))
		if err == nil && strings.Contains(strings.ToLower(string(text)), foreign) {
			t.Errorf("%s names another product", file)
		}
	}
}

// maxBytes is what one file of the repository may have: what is larger is a build's result.
const maxBytes = 1 << 20

func TestNoBuildResults(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-files").Output()
	if err != nil {
		t.Skipf("git cannot list the files: %v", err)
	}
	for file := range strings.Lines(string(out)) {
		file = strings.TrimSpace(file)
		if info, err := os.Stat(filepath.Join("..", "..", file)); err == nil && info.Size() > maxBytes {
			t.Errorf("%s has %d bytes; %d is the most", file, info.Size(), maxBytes)
		}
	}
}
