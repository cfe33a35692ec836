package sqltable

import (
	"math"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// CheckWhole refuses a setting of a sync that is no whole number.
func CheckWhole(field string, n float64, issues *fault.Issues) {
	if n != math.Trunc(n) {
		issues.Add("spec.settings."+field, fault.CodeInvalid, "it must be a whole number")
	}
}

// CheckMatch refuses a match that is missing, or that names a column twice.
func CheckMatch(job connector.SyncJob, rule connector.MatchRule, issues *fault.Issues) {
	seen := map[string]bool{}
	for _, m := range job.Match {
		if m.To == "" || seen[m.To] {
			issues.Add("spec.match", fault.CodeInvalid, "each column can be matched once; %q cannot", m.To)
		}
		seen[m.To] = true
	}
	switch {
	case len(job.Match) > 0:
	case slices.Contains(rule.Modes, job.Mode):
		issues.Add("spec.match", fault.CodeRequired, "mode %s needs a column of the table by which rows are matched", job.Mode)
	case Removes(job):
		issues.Add("spec.delete", fault.CodeInvalid, "rows can be removed only where they are matched: choose a column to match, or do nothing with removed rows")
	}
}

// Removes reports whether rows that left the model are acted on.
func Removes(job connector.SyncJob) bool {
	return job.Mode != connector.ModeAll && (job.Delete == connector.DeleteRecord || job.Delete == connector.DeleteClear)
}

// CheckColumns refuses mappings that fill nothing, or a column twice.
func CheckColumns(job connector.SyncJob, issues *fault.Issues) {
	if len(job.Columns) == 0 {
		issues.Add("spec.mappings", fault.CodeRequired, "map at least one column")
		return
	}
	seen := map[string]bool{}
	for _, c := range job.Columns {
		if c.Name == "" || seen[c.Name] {
			issues.Add("spec.mappings", fault.CodeInvalid, "each column of the table can be filled once; %q cannot", c.Name)
		}
		seen[c.Name] = true
	}
	if len(Unmatched(job)) > 0 {
		return
	}
	switch {
	case job.Mode == connector.ModeUpdate:
		issues.Add("spec.mappings", fault.CodeInvalid, "map a column besides those that are matched: an update would change nothing")
	case Removes(job) && job.Delete == connector.DeleteClear:
		issues.Add("spec.delete", fault.CodeInvalid, "no column besides those that are matched is mapped: there is nothing to clear")
	}
}

// Unmatched returns the mapped columns that rows are not matched by.
func Unmatched(job connector.SyncJob) []connector.TargetColumn {
	var rest []connector.TargetColumn
	for _, c := range job.Columns {
		if !slices.ContainsFunc(job.Match, func(m connector.MatchPair) bool { return m.To == c.Name }) {
			rest = append(rest, c)
		}
	}
	return rest
}

// Operations returns what a job acts on; other changes are passed over (SY-75).
func Operations(job connector.SyncJob) []connector.Operation {
	var ops []connector.Operation
	if Removes(job) {
		ops = append(ops, connector.Removed)
	}
	if job.Mode != connector.ModeInsert {
		ops = append(ops, connector.Changed)
	}
	return append(ops, connector.Added)
}
