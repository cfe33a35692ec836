package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/internal/api"
	"github.com/millrace/millrace/internal/condition"
	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/template"
)

// Reference writes the generated files below a checkout's root: the API's description and the reference of
// settings, error codes, run states, connectors, manifests and templates, and what the web app knows of conditions.
func Reference(root string) error {
	c := &config.Config{FilesRoot: "/"}
	registry := Connectors(c)
	description, err := api.Description(Kinds(registry, Storages(c), Credentials(c)), registry, "0")
	if err != nil {
		return fmt.Errorf("describing the API: %w", err)
	}
	var settings bytes.Buffer
	if err := config.Reference(&settings); err != nil {
		return err
	}
	operators, err := json.MarshalIndent(condition.Operators, "", "  ")
	if err != nil {
		return fmt.Errorf("writing down the operators: %w", err)
	}
	for name, text := range map[string][]byte{
		"api/openapi.yaml":               description,
		"docs/reference/settings.md":     settings.Bytes(),
		"docs/reference/errors.md":       errorsPage(),
		"docs/reference/run-states.md":   statesPage(),
		"docs/reference/sources.md":      sourcesPage(registry),
		"docs/reference/destinations.md": destinationsPage(registry),
		"docs/reference/liquid.md":       liquidPage(),
		"docs/reference/dialects.md":     dialectsPage(),
		"docs/reference/manifest.md":     manifestPage(),

		"web/src/services/operators.gen.json": append(operators, '\n'),
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // files of the source tree
			return fmt.Errorf("making a folder: %w", err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // files of the source tree
			return fmt.Errorf("writing the reference: %w", err)
		}
	}
	return nil
}

// page is a Markdown page that grows.
type page struct{ bytes.Buffer }

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.Buffer, format+"\n", args...) }

// cell is text that a table's cell can hold.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}

func errorsPage() []byte {
	p := &page{}
	p.line("# Error codes\n\nEvery error carries a code that never changes. The command line exits with the number of its area.\n")
	p.line("| Code | HTTP status | Exit code | What to do |\n| --- | --- | --- | --- |")
	for _, c := range fault.Codes() {
		i := c.Info()
		p.line("| `%s` | %d | %d | %s |", c, i.Status, i.Exit, cell(i.Hint))
	}
	return p.Bytes()
}

func statesPage() []byte {
	p := &page{}
	p.line("# Run states\n\nA run is always in one state of the engine. Each place where it shows has its own word for it. *Rows refused* means that the run is over and some rows were refused, are in doubt or share a key.\n")
	p.line("| State | REST API | Sync in the web app | Run in the web app | Warehouse log | Metric |\n| --- | --- | --- | --- | --- | --- |")
	for _, s := range run.States {
		for _, trouble := range []bool{false, true} {
			w := run.WordsFor(s, trouble)
			name := string(s)
			if trouble {
				if w == run.WordsFor(s, false) {
					continue
				}
				name += ", rows refused"
			}
			warehouse := w.Warehouse
			if warehouse == "" {
				warehouse = "–"
			}
			p.line("| %s | `%s` | %s | %s | %s | `%s` |", name, w.REST, w.Sync, w.Run, warehouse, w.Metric)
		}
	}
	p.line("\nA sync that never ran is *Pending* (`pending`); one whose schedule is off is *Disabled* (`disabled`) unless it is running.")
	return p.Bytes()
}

func sourcesPage(r *connector.Registry) []byte {
	p := &page{}
	p.line("# Sources\n\nWhat can be read from, and the settings of each. A setting in italics is optional.")
	for _, s := range r.Sources() {
		p.line("\n## %s\n\n%s. Type `%s`, modeling methods %s, engines %s.", s.Name, s.Summary, s.Slug, strings.Join(s.Methods, ", "), strings.Join(s.Engines, ", "))
		if s.SyncLogs {
			p.line("\nWith the engine lightning it can have [sync logs](../guides/sync-logs.md).")
		}
		if s.Tag != "" {
			p.line("\nIn builds with the tag `%[1]s` only: `make build TAGS=%[1]s`.", s.Tag)
		}
		if !s.Verified {
			p.line("\n*Unverified*: no real server is part of our tests.")
		}
		fieldTable(p, s.Fields)
	}
	return p.Bytes()
}

func destinationsPage(r *connector.Registry) []byte {
	p := &page{}
	p.line("# Destinations\n\nWhat can be written to, and the settings of each. A setting in italics is optional.")
	for _, d := range r.Destinations() {
		p.line("\n## %s\n\n%s. Type `%s`.", d.Name, d.Summary, d.Slug)
		if !d.Verified {
			p.line("\n*Unverified*: no real server is part of our tests.")
		}
		fieldTable(p, d.Fields)
		for _, t := range d.SyncTypes {
			p.line("\n### %s: %s\n", d.Name, t.Name)
			p.line("Sync type `%s`. Modes: %s. Rows that leave the model: %s.", t.Slug, words(t.Modes), words(append([]connector.DeleteBehavior{connector.DeleteNothing}, without(t.Deletes)...)))
			if t.Quality {
				p.line("\nThe sync's page shows [the quality of its events](../guides/debugging.md#the-quality-of-events).")
			}
			fieldTable(p, t.Fields)
		}
		audienceTable(p, d)
	}
	return p.Bytes()
}

// audienceTable lists the columns of a destination's table of audience sizes besides those that all have.
func audienceTable(p *page, d connector.DestinationInfo) {
	if d.Audiences == nil {
		return
	}
	p.line("\n### %s: audience sizes\n\nThe table of [audience sizes](../guides/audience-sizes.md) has the vendor's columns:\n\n| Column | Type |\n| --- | --- |", d.Name)
	for _, c := range d.Audiences.Columns {
		kind := string(c.Type)
		if c.Whole {
			kind = "whole number"
		}
		p.line("| %s | %s |", code(c.Name), kind)
	}
}

func liquidPage() []byte {
	p := &page{}
	p.line("# Liquid\n\nWhat templates may use, with what each example makes. [Mapping](../guides/mapping.md) explains how templates are used; " +
		"[decision 13](../decisions/0013-liquid-dialect.md) says where the dialects of Liquid differ, and which Millrace follows.")
	group := ""
	for _, f := range template.Functions() {
		if f.Group != group {
			group = f.Group
			p.line("\n## %s\n\n| Name | Arguments | What it does | Example | Makes |\n| --- | --- | --- | --- | --- |", group)
		}
		args := ""
		if f.Args != "" {
			args = code(f.Args)
		}
		p.line("| %s | %s | %s | %s | %s |", code(f.Name), args, cell(f.Summary), code(f.Example), code(made(f.Example)))
	}
	return p.Bytes()
}

// made is what a template makes, as JSON.
func made(source string) string {
	t, err := template.Parse(source)
	if err != nil {
		return err.Error() // a test of the template package tries every example
	}
	v, err := t.Eval(template.NewScope(template.DefaultLimits))
	if err != nil {
		return err.Error()
	}
	return string(v.AppendJSON(nil))
}

// code is text in a table's cell as code.
func code(text string) string {
	return "`" + strings.NewReplacer("|", `\|`, "\n", "⏎").Replace(text) + "`"
}

func without(all []connector.DeleteBehavior) []connector.DeleteBehavior {
	var others []connector.DeleteBehavior
	for _, d := range all {
		if d != connector.DeleteNothing {
			others = append(others, d)
		}
	}
	return others
}

func words[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, w := range all {
		names[i] = string(w)
	}
	return strings.Join(names, ", ")
}

func fieldTable(p *page, fields []connector.Field) {
	if len(fields) == 0 {
		return
	}
	p.line("\n| Setting | Type | Default | What it is |\n| --- | --- | --- | --- |")
	for _, f := range fields {
		fieldRow(p, "", f)
	}
}

func fieldRow(p *page, prefix string, f connector.Field) {
	name := "`" + prefix + f.Name + "`"
	if !f.Required {
		name = "*" + name + "*"
	}
	kind := string(f.Type)
	if len(f.Options) > 0 {
		values := make([]string, len(f.Options))
		for i, o := range f.Options {
			values[i] = "`" + o.Value + "`"
		}
		kind = strings.Join(values, ", ")
	}
	standard := ""
	if f.Default != nil {
		standard = fmt.Sprintf("`%v`", f.Default)
	}
	help := f.Label
	if f.Help != "" {
		help += ": " + f.Help
	}
	if f.ShowIf != nil {
		help += fmt.Sprintf(" (when `%s` is %s)", f.ShowIf.Field, strings.Join(f.ShowIf.In, " or "))
	}
	p.line("| %s | %s | %s | %s |", name, cell(kind), cell(standard), cell(help))
	for _, member := range f.Fields {
		fieldRow(p, prefix+f.Name+".", member)
	}
}
