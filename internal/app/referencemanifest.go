package app

import (
	"github.com/millrace/millrace/internal/connector/identifier"
	"github.com/millrace/millrace/internal/connector/manifest"
)

// manifestPage lists the words of the language of destinations.
func manifestPage() []byte {
	p := &page{}
	p.line("# The language of manifests\n\nVersion %d. [The guide](../guides/connectors.md) explains it; `millrace connector schema` prints it as a JSON Schema.", manifest.Version)
	for _, t := range manifest.Words() {
		p.line("\n## %s\n\n| Word | Takes | |\n| --- | --- | --- |", t.Name)
		for _, w := range t.Words {
			name := "`" + w.Name + "`"
			if w.Required {
				name += " (required)"
			}
			p.line("| %s | %s | %s |", name, cell(w.Takes), cell(w.Doc))
		}
	}
	p.line("\n## Rules for identifiers\n\n| Rule | What it is about | Hash | Where it comes from |\n| --- | --- | --- | --- |")
	for _, r := range identifier.Presets() {
		source := r.Source
		if r.Unverified != "" {
			source += " Unverified: " + r.Unverified
		}
		p.line("| `%s` | %s | %s | %s |", r.Name, r.Label, r.Hash, cell(source))
	}
	return p.Bytes()
}
