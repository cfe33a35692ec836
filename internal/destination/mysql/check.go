package mysql

import (
	"math"
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Check reports every error of the settings that can be known without the server.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	issues = append(issues, job.Settings.Check("spec.settings", syncType().Fields, nil)...)
	s, err := decode(job)
	if err == nil {
		checkWhole("batchSize", s.BatchSize, &issues)
		checkWhole("parallel", s.Parallel, &issues)
		checkLoad(job, s, &issues)
	}
	if !slices.Contains(syncType().Modes, job.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "tables are written in the modes upsert, insert and update, not %q", job.Mode)
	}
	checkMatch(job, &issues)
	checkColumns(job, &issues)
	return issues.Err()
}

func checkWhole(field string, n float64, issues *fault.Issues) {
	if n != math.Trunc(n) {
		issues.Add("spec.settings."+field, fault.CodeInvalid, "it must be a whole number")
	}
}

// checkLoad refuses what cannot be said with rows that are replaced as a whole.
func checkLoad(job connector.SyncJob, s syncSettings, issues *fault.Issues) {
	if !s.loads() {
		return
	}
	if job.Mode != connector.ModeUpsert {
		issues.Add("spec.settings.statement", fault.CodeInvalid, "LOAD DATA replaces rows: it writes in the mode upsert only. Choose INSERT")
	}
	for _, c := range job.Columns {
		if c.Omit {
			issues.Add("spec.mappings", fault.CodeInvalid, "LOAD DATA replaces whole rows, so that a null of %q cannot be left out: send it, or choose INSERT", c.Name)
		}
	}
	for _, m := range job.Match {
		if slices.ContainsFunc(job.Columns, func(c connector.TargetColumn) bool { return c.Name == m.To && c.From != m.From }) {
			issues.Add("spec.match", fault.CodeInvalid, "LOAD DATA finds a row by what it fills in: %q must be filled with what it is matched by, or choose INSERT", m.To)
		}
	}
}

func checkMatch(job connector.SyncJob, issues *fault.Issues) {
	seen := map[string]bool{}
	for _, m := range job.Match {
		if m.To == "" || seen[m.To] {
			issues.Add("spec.match", fault.CodeInvalid, "each column can be matched once; %q cannot", m.To)
		}
		seen[m.To] = true
	}
	switch {
	case len(job.Match) > 0:
	case slices.Contains(syncType().Match.Modes, job.Mode):
		issues.Add("spec.match", fault.CodeRequired, "mode %s needs a primary or unique key of the table by which rows are matched", job.Mode)
	case removes(job):
		issues.Add("spec.delete", fault.CodeInvalid, "rows can be removed only where they are matched: choose a key to match, or do nothing with removed rows")
	}
}

// removes reports whether rows that left the model are acted on.
func removes(job connector.SyncJob) bool {
	return job.Delete == connector.DeleteRecord || job.Delete == connector.DeleteClear
}

func checkColumns(job connector.SyncJob, issues *fault.Issues) {
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
	if len(unmatched(job)) > 0 {
		return
	}
	switch {
	case job.Mode == connector.ModeUpdate:
		issues.Add("spec.mappings", fault.CodeInvalid, "map a column besides those that are matched: an update would change nothing")
	case job.Delete == connector.DeleteClear:
		issues.Add("spec.delete", fault.CodeInvalid, "no column besides those that are matched is mapped: there is nothing to clear")
	}
}

// unmatched returns the mapped columns that rows are not matched by.
func unmatched(job connector.SyncJob) []connector.TargetColumn {
	var rest []connector.TargetColumn
	for _, c := range job.Columns {
		if !slices.ContainsFunc(job.Match, func(m connector.MatchPair) bool { return m.To == c.Name }) {
			rest = append(rest, c)
		}
	}
	return rest
}
