package dbt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/git"
	"gopkg.in/yaml.v3"
)

// Limits of a compilation.
const (
	compileTime = 10 * time.Minute
	stopTime    = 10 * time.Second // after it was asked to end
	saidMost    = 4000             // bytes of dbt's last words
)

// projectFile is what makes a folder a dbt project.
const projectFile = "dbt_project.yml"

// compile lets dbt compile the project. Its code runs with the rights of this server, which is why the operator has to
// name the command (dbt-command).
func (o Origins) compile(ctx context.Context, files *git.Files, dir string, s connector.Settings) (io.ReadCloser, error) {
	if o.Command == "" {
		return nil, fault.New(fault.CodeDBTCompile, "this server runs no dbt").
			WithSuggestion("Let the job that runs dbt load the manifest (`millrace dbt load`) or commit it, or ask the operator to install dbt and to name it in the setting dbt-command.")
	}
	repository := filepath.Join(dir, "repository")
	for _, folder := range []string{repository, filepath.Join(dir, "profiles"), filepath.Join(dir, "home")} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return nil, fault.Disk(err, "making a folder for a dbt project")
		}
	}
	if err := files.Checkout(ctx, repository); err != nil {
		return nil, err
	}
	project, err := projectFolder(repository, s.Text("folder"))
	if err != nil {
		return nil, err
	}
	profiles, err := withSchema(s.Text("profiles"), s.Text("schema"))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "profiles", "profiles.yml"), profiles, 0o600); err != nil {
		return nil, fault.Disk(err, "writing profiles.yml")
	}
	ctx, cancel := context.WithTimeout(ctx, compileTime)
	defer cancel()
	for _, args := range commands(project, s) {
		if err := o.run(ctx, dir, project, args, secretsOf(s)); err != nil {
			return nil, err
		}
	}
	manifest, err := os.Open(filepath.Join(dir, "target", "manifest.json")) //nolint:gosec // a name of our own
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeDBTCompile, "dbt left no manifest")
	}
	return manifest, nil
}

// withSchema is profiles.yml with another default schema in every target. Adapters call it schema, that of BigQuery
// dataset: https://docs.getdbt.com/docs/core/connect-data-platform/connection-profiles
func withSchema(profiles, schema string) ([]byte, error) {
	if schema == "" {
		return []byte(profiles), nil
	}
	var all map[string]map[string]any
	if err := yaml.Unmarshal([]byte(profiles), &all); err != nil {
		return nil, fault.New(fault.CodeDBTCompile, "profiles.yml cannot be read as YAML, so that the default schema has no place in it"). // the reason may hold a password
																			WithSuggestion("Put values with {{ }} into quotes, or write the schema into profiles.yml and leave the default schema empty.")
	}
	for _, profile := range all {
		outputs, _ := profile["outputs"].(map[string]any)
		for _, output := range outputs {
			settings, ok := output.(map[string]any)
			switch {
			case !ok:
			case settings["type"] == "bigquery":
				settings["dataset"] = schema
				delete(settings, "schema") // another word for it
			default:
				settings["schema"] = schema
			}
		}
	}
	return yaml.Marshal(all)
}

// projectFolder returns the folder with dbt_project.yml: the one that is named, or the only one.
func projectFolder(repository, named string) (string, error) {
	if named != "" {
		folder := filepath.Join(repository, filepath.FromSlash(named))
		if _, err := os.Stat(filepath.Join(folder, projectFile)); err != nil {
			return "", fault.New(fault.CodeGitMissing, "the repository has no %s in the folder %s", projectFile, named)
		}
		return folder, nil
	}
	var found []string
	err := filepath.WalkDir(repository, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "dbt_packages" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if err == nil && d.Name() == projectFile {
			found = append(found, filepath.Dir(path))
		}
		return err
	})
	switch {
	case err != nil:
		return "", fault.Disk(err, "looking for %s", projectFile)
	case len(found) == 0:
		return "", fault.New(fault.CodeGitMissing, "the repository has no %s", projectFile)
	case len(found) > 1:
		return "", fault.New(fault.CodeInvalid, "the repository has %d files %s", len(found), projectFile).WithSuggestion("Name the folder of the project.")
	default:
		return found[0], nil
	}
}

// commands are what dbt is called with, one after another. https://docs.getdbt.com/reference/commands/compile
func commands(project string, s connector.Settings) [][]string {
	var all [][]string
	for _, name := range []string{"packages.yml", "dependencies.yml"} {
		if _, err := os.Stat(filepath.Join(project, name)); err == nil {
			all = append(all, []string{"deps"})
			break
		}
	}
	compile := []string{"compile"}
	if target := s.Text("target"); target != "" {
		compile = append(compile, "--target", target)
	}
	if selector := strings.Fields(s.Text("select")); len(selector) > 0 {
		compile = append(append(compile, "--select"), selector...)
	}
	return append(all, compile)
}

// run calls dbt. It sees none of this server's environment but the way to programs.
func (o Origins) run(ctx context.Context, dir, project string, args []string, secrets []string) error {
	words := strings.Fields(o.Command)
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], args...)...) //nolint:gosec // the operator's own command
	cmd.Dir = project
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "LANG=C.UTF-8",
		"DBT_PROFILES_DIR=" + filepath.Join(dir, "profiles"), "DBT_TARGET_PATH=" + filepath.Join(dir, "target"), "DBT_LOG_PATH=" + filepath.Join(dir, "logs"),
		"DBT_SEND_ANONYMOUS_USAGE_STATS=false", "DBT_USE_COLORS=false",
	}
	var said ending
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &said, &said, stopTime
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fault.Reclass(fault.Wrap(context.Cause(ctx), fault.CodeDBTCompile, "dbt %s took longer than %s", args[0], compileTime), fault.Retryable)
	case errors.As(err, &exit):
		return fault.New(fault.CodeDBTCompile, "dbt %s failed: %s", args[0], redact(said.String(), append(secrets, dir)))
	default:
		return fault.Wrap(err, fault.CodeDBTCompile, "the command of the setting dbt-command cannot be run")
	}
}

// secretsOf lists the texts that dbt must not repeat: what stands behind the colons of profiles.yml, which has
// passwords under many names. Short words are none.
func secretsOf(s connector.Settings) []string {
	const short = 6
	var all []string
	for line := range strings.SplitSeq(s.Text("profiles"), "\n") {
		_, value, ok := strings.Cut(line, ":")
		if value = strings.Trim(strings.TrimSpace(value), `"'`); ok && len(value) >= short {
			all = append(all, value)
		}
	}
	return all
}

func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "…")
	}
	return strings.TrimSpace(text)
}

// ending keeps the last words of a program.
type ending struct{ bytes.Buffer }

func (e *ending) Write(b []byte) (int, error) {
	n, err := e.Buffer.Write(b)
	if e.Len() > 2*saidMost {
		e.Next(e.Len() - saidMost)
	}
	if err != nil {
		err = fmt.Errorf("keeping what dbt says: %w", err)
	}
	return n, err
}

func (e *ending) String() string {
	b := e.Bytes()
	if len(b) > saidMost {
		b = b[len(b)-saidMost:]
	}
	return strings.ToValidUTF8(string(b), "")
}
