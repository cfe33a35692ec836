package mongodb

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
	issues = append(issues, job.Settings.Check("spec.settings", syncType().Fields, nil)...)
	if s, err := decode(job); err == nil {
		s.check(&issues)
	}
	if !slices.Contains(syncType().Modes, job.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "documents are written in the mode upsert, not %q", job.Mode)
	}
	if len(job.Match) != 1 || job.Match[0].To == "" || strings.HasPrefix(job.Match[0].To, "$") {
		issues.Add("spec.match", fault.CodeInvalid, "match one column to %s, to %s, or to a field with a unique index", matchID, matchObjectID)
	}
	checkColumns(job, &issues)
	return issues.Err()
}

// usable reports every setting of the connection that cannot work.
func (d *destination) usable() fault.Issues {
	issues := d.settings.check()
	if d.network.Tunnelled() && (d.settings.SRV || strings.HasPrefix(d.settings.URI, "mongodb+srv:")) {
		issues.Add("spec.tunnel", fault.CodeInvalid, "a tunnel leads to one server, and a seedlist record names several: name the host and port of one")
	}
	return issues
}

func (s syncSettings) check(issues *fault.Issues) {
	if strings.HasPrefix(s.Collection, "system.") || strings.ContainsAny(s.Collection, "$\x00") {
		issues.Add("spec.settings.collection", fault.CodeInvalid, "%q is no collection of yours", s.Collection)
	}
	for _, f := range []struct {
		name string
		n    float64
	}{{"batchSize", s.BatchSize}, {"parallel", s.Parallel}} {
		if f.n != math.Trunc(f.n) {
			issues.Add("spec.settings."+f.name, fault.CodeInvalid, "it must be a whole number")
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
		parts := strings.Split(c.Name, ".")
		switch {
		case c.Name == "" || seen[c.Name]:
			issues.Add("spec.mappings", fault.CodeInvalid, "each field can be filled once; %q cannot", c.Name)
		case slices.Contains(parts, "") || slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(p, "$") }):
			issues.Add("spec.mappings", fault.CodeInvalid, "%q is no name of a field: its parts between dots are not empty and do not begin with $", c.Name)
		case c.Name == matchID && !named(job):
			issues.Add("spec.mappings", fault.CodeInvalid, "the _id of a document that exists cannot be changed: match by %s instead of mapping it", matchID)
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
	if job.Delete == connector.DeleteClear && !slices.ContainsFunc(job.Columns, func(c connector.TargetColumn) bool { return !isMatched(job, c.Name) }) {
		issues.Add("spec.delete", fault.CodeInvalid, "no field besides the matched one is mapped: there is nothing to clear")
	}
}

// named reports whether rows are matched by the documents' names.
func named(job connector.SyncJob) bool {
	return len(job.Match) == 1 && (job.Match[0].To == matchID || job.Match[0].To == matchObjectID)
}

// isMatched reports whether documents are found by the field.
func isMatched(job connector.SyncJob, field string) bool {
	return field == matchID && named(job) || len(job.Match) == 1 && job.Match[0].To == field
}
