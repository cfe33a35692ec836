package elasticsearch

import (
	"math"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Check reports every error of the settings that can be known without the server.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	issues = append(issues, job.Settings.Check("spec.settings", syncType().Fields, nil)...)
	if s, err := decode(job); err == nil {
		s.check(&issues)
	}
	if !slices.Contains(syncType().Modes, job.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "documents are written in the modes upsert and update, not %q", job.Mode)
	}
	if len(job.Match) != 1 || job.Match[0].To == "" {
		issues.Add("spec.match", fault.CodeInvalid, "match one column to _id or to another field of the documents")
	}
	checkColumns(job, &issues)
	return issues.Err()
}

func (s syncSettings) check(issues *fault.Issues) {
	if strings.ContainsAny(s.Index, `*?,"<>|/\ #`) {
		issues.Add("spec.settings.index", fault.CodeInvalid, "name one index or alias, without wildcards")
	}
	for name, n := range map[string]float64{"batchSize": s.BatchSize, "parallel": s.Parallel} {
		if n != math.Trunc(n) {
			issues.Add("spec.settings."+name, fault.CodeInvalid, "it must be a whole number")
		}
	}
}

func checkColumns(job connector.SyncJob, issues *fault.Issues) {
	if len(job.Columns) == 0 {
		issues.Add("spec.mappings", fault.CodeRequired, "map at least one field")
		return
	}
	seen := map[string]bool{}
	for _, c := range job.Columns {
		switch {
		case c.Name == "" || seen[c.Name]:
			issues.Add("spec.mappings", fault.CodeInvalid, "each field can be filled once; %q cannot", c.Name)
		case strings.HasPrefix(c.Name, "_"):
			issues.Add("spec.mappings", fault.CodeInvalid, "%q is no field of a document: names that begin with an underscore are Elasticsearch's own", c.Name)
		case slices.Contains(strings.Split(c.Name, "."), ""):
			issues.Add("spec.mappings", fault.CodeInvalid, "%q is no name of a field: there is nothing before or after a dot", c.Name)
		}
		seen[c.Name] = true
	}
	for _, c := range job.Columns {
		for at := range c.Name {
			if c.Name[at] == '.' && seen[c.Name[:at]] {
				issues.Add("spec.mappings", fault.CodeInvalid, "%s is a part of %s: map only one of them", c.Name, c.Name[:at])
			}
		}
	}
	switch {
	case len(job.Match) != 1 || len(unmatched(job)) > 0:
	case job.Mode == connector.ModeUpdate:
		issues.Add("spec.mappings", fault.CodeInvalid, "map a field besides the matched one: an update would change nothing")
	case job.Delete == connector.DeleteClear:
		issues.Add("spec.delete", fault.CodeInvalid, "no field besides the matched one is mapped: there is nothing to clear")
	}
}

// unmatched returns the mapped fields that documents are not found by.
func unmatched(job connector.SyncJob) []connector.TargetColumn {
	var rest []connector.TargetColumn
	for _, c := range job.Columns {
		if c.Name != job.Match[0].To {
			rest = append(rest, c)
		}
	}
	return rest
}
