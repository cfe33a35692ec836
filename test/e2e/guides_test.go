package e2e

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/millrace/millrace/test/services"
)

// fenced finds the blocks of a page with their languages.
var fenced = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```")

// page reads a page of the documentation.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block returns the first block of a page in a language that has a text in it.
func block(t *testing.T, name, language, with string) string {
	t.Helper()
	for _, m := range fenced.FindAllStringSubmatch(page(t, name), -1) {
		if m[1] == language && strings.Contains(m[2], with) {
			return m[2]
		}
	}
	t.Fatalf("%s has no block of %q with %q", name, language, with)
	return ""
}

// shell runs the lines of a page as a person would, in a folder.
func shell(t *testing.T, p *process, dir, lines string) result {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-euc", lines)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"), "MILLRACE_API_KEY="+apiKey, "MILLRACE_HOME="+t.TempDir())
	if p != nil {
		cmd.Env = append(cmd.Env, "MILLRACE_SERVER="+p.base)
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{string(out), "", cmd.ProcessState.ExitCode()}
}

// commands are the commands of Millrace that a page names: lines of its blocks, and what stands between backticks.
func commands(text string) []string {
	var found []string
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		if m[1] != "" && m[1] != "sh" && m[1] != "bash" {
			continue
		}
		for line := range strings.Lines(m[2]) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			if rest, ok := strings.CutPrefix(strings.TrimPrefix(line, "./bin/"), "millrace "); ok {
				found = append(found, rest)
			}
		}
	}
	for _, m := range regexp.MustCompile("`millrace ([^`]+)`").FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		found = append(found, strings.Split(m[1], "|")...)
	}
	return found
}

// Every command that the documentation names exists, with its flags.
func TestCommandsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, name := range append(pages, filepath.Join("..", "..", "README.md")) {
		name, err := filepath.Rel(filepath.Join("..", ".."), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range commands(page(t, name)) {
			command, _, _ = strings.Cut(command, " > ")
			command, _, _ = strings.Cut(command, " && ")
			if known[command] {
				continue
			}
			known[command] = true
			help := shell(t, nil, t.TempDir(), "millrace "+command+" --help")
			_, usage, found := strings.Cut(help.out, "Usage:\n  ")
			usage, _, _ = strings.Cut(usage, "\n")
			words := strings.Fields(usage)
			first, _, _ := strings.Cut(command, " ")
			if help.code != 0 || !found || len(words) < 2 || words[1] != first || words[len(words)-1] == "[command]" && strings.Contains(command, " ") {
				t.Errorf("%s: there is no command %q:\n%s", name, "millrace "+command, help.out)
			}
		}
	}
	if len(known) < 30 {
		t.Errorf("only %d commands were found", len(known))
	}
}

// The documents of the README and the commands of the first guides do what they say.
//
// Req: API-02
func TestFirstGuides(t *testing.T) {
	t.Parallel()
	p := start(t, "MILLRACE_HOME="+t.TempDir(), "MILLRACE_FILES_ROOT="+t.TempDir())
	dir := t.TempDir()
	write(t, filepath.Join(dir, "people.yaml"), strings.Replace(block(t, "README.md", "yaml", "slug: people-to-crm"),
		`{host: db.internal, database: analytics, user: millrace, password: "${DB_PASSWORD}"}`, users(t), 1))
	first := block(t, "docs/guides/first-sync.md", "", "millrace apply")
	for line := range strings.Lines(first) {
		if strings.HasPrefix(line, "export ") {
			continue
		}
		if strings.Contains(line, " 1010") {
			line = strings.Replace(line, "1010", strconv.FormatInt(p.settle("people-to-crm")[0].ID, 10), 1)
		}
		shell(t, p, dir, line).expect(t, 0)
	}
	added := int64(0) // the schedule may have made runs as well
	for _, r := range p.settle("people-to-crm") {
		if added += r.Succeeded.Added; r.Error != nil {
			t.Errorf("%+v", r.Error)
		}
	}
	if added != 2 {
		t.Errorf("%d rows were added", added)
	}
	shell(t, p, dir, block(t, "docs/guides/models.md", "", "millrace get model")).expect(t, 0)
	shell(t, p, dir, block(t, "docs/guides/models.md", "", "millrace get all")).expect(t, 0)
	text, err := os.ReadFile(filepath.Join(dir, "people.yaml"))
	if err != nil || !strings.Contains(string(text), "SELECT id, email, plan FROM users") {
		t.Errorf("the exported model: %v\n%s", err, text)
	}
	p.sequence(t, dir)
}

// sequence goes through the guide of sequences.
func (p *process) sequence(t *testing.T, dir string) {
	t.Helper()
	exported := run(t, p, "", "get", "sync", "people-to-crm", "-o", "yaml")
	exported.expect(t, 0)
	for _, slug := range []string{"staff", "permissions", "assignments"} {
		run(t, p, strings.NewReplacer("people-to-crm", slug, "type: interval", "type: manual").Replace(exported.out), "apply", "-f", "-").expect(t, 0)
	}
	write(t, filepath.Join(dir, "sequence.yaml"), block(t, "docs/guides/scheduling.md", "yaml", "kind: sequence"))
	shell(t, p, dir, "millrace apply -f sequence.yaml").expect(t, 0)
	lines, _, found := strings.Cut(block(t, "docs/guides/scheduling.md", "", "millrace run sequence/"), "millrace cancel RUN")
	if !found {
		t.Error("the guide does not cancel anything any more: run what it says instead")
	}
	shell(t, p, dir, lines).expect(t, 0, "assignments")
}

// users makes the table of the README's example, and returns how its database is reached.
func users(t *testing.T) string {
	t.Helper()
	address := services.Postgres(t)
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context()) //nolint:errcheck // a test's connection
	if _, err := c.Exec(t.Context(), `CREATE TABLE users (id int, email text, plan text, deleted_at timestamptz);
		INSERT INTO users VALUES (1, 'ann@example.com', 'pro', NULL), (2, 'bob@example.com', 'free', NULL), (3, 'cyd@example.com', 'pro', now())`); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return `{host: ` + u.Hostname() + `, port: ` + u.Port() + `, database: ` + strings.TrimPrefix(u.Path, "/") + `, user: ` + u.User.Username() + `, sslMode: disable}`
}

// The commands of the guide on connectors make one that works.
func TestConnectorGuide(t *testing.T) {
	t.Parallel()
	lines, _, found := strings.Cut(block(t, "docs/guides/connectors.md", "sh", "millrace connector new"), "millrace serve")
	if !found {
		t.Error("the guide does not serve anything any more: run what it says instead")
	}
	shell(t, nil, t.TempDir(), lines+"\nmillrace connector test my-crm\nmillrace connector schema > manifest.schema.json").expect(t, 0)
}
