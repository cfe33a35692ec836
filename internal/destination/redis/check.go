package redis

import (
	"math"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Check reports every error of the settings that can be known without the server.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.usable()
	kind := typeOf(job)
	if job.Type != kind.Slug {
		issues.Add("spec.syncType", fault.CodeInvalid, "Redis takes keys or members, not %q", job.Type)
	}
	issues = append(issues, job.Settings.Check("spec.settings", kind.Fields, nil)...)
	if !slices.Contains(kind.Modes, job.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "%s are written in the modes upsert and update, not %q", strings.ToLower(kind.Name), job.Mode)
	}
	s, err := decode(job)
	if err != nil {
		return issues.Err() // the settings' own check has named it
	}
	s.check(&issues)
	if c, err := commandOf(job, s); err == nil {
		c.check(job, &issues)
	}
	return issues.Err()
}

// check reports numbers that are not whole.
func (s syncSettings) check(issues *fault.Issues) {
	for _, f := range []struct {
		name string
		n    float64
	}{{"ttl", s.TTL}, {"batchSize", s.BatchSize}, {"parallel", s.Parallel}} {
		if f.n != math.Trunc(f.n) {
			issues.Add("spec.settings."+f.name, fault.CodeInvalid, "it must be a whole number")
		}
	}
}

func (c command) check(job connector.SyncJob, issues *fault.Issues) {
	if c.upsertOnly && job.Mode == connector.ModeUpdate {
		issues.Add("spec.mode", fault.CodeInvalid, "%s cannot leave out what does not exist: choose mode upsert", c.name)
	}
	if c.noClear != "" && job.Delete == connector.DeleteClear {
		issues.Add("spec.delete", fault.CodeInvalid, "%s: delete the member, or do nothing with removed rows", c.noClear)
	}
	if len(job.Match) != 1 || job.Match[0].To != c.match {
		issues.Add("spec.match", fault.CodeInvalid, "match one column to the field %s", c.match)
	}
	c.checkColumns(job, issues)
}

func (c command) checkColumns(job connector.SyncJob, issues *fault.Issues) {
	if len(job.Columns) == 0 {
		issues.Add("spec.mappings", fault.CodeRequired, "map at least one field")
		return
	}
	seen, names := map[string]bool{}, c.names()
	for _, column := range job.Columns {
		switch {
		case column.Name == "" || seen[column.Name]:
			issues.Add("spec.mappings", fault.CodeInvalid, "each field can be filled once; %q cannot", column.Name)
		case len(names) > 0 && !slices.Contains(names, column.Name):
			issues.Add("spec.mappings", fault.CodeInvalid, "%s has no field %q; map %s", c.name, column.Name, strings.Join(names, ", "))
		}
		seen[column.Name] = true
	}
	for _, name := range names {
		if !seen[name] {
			issues.Add("spec.mappings", fault.CodeRequired, "%s needs the field %s", c.name, name)
		}
	}
}
