package mysql

import (
	"slices"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
	"github.com/millrace/millrace/internal/fault"
)

// Check reports every error of the settings that can be known without the server.
func (d *destination) Check(job connector.SyncJob) error {
	issues := d.settings.check()
	issues = append(issues, job.Settings.Check("spec.settings", syncType().Fields, nil)...)
	s, err := decode(job)
	if err == nil {
		sqltable.CheckWhole("batchSize", s.BatchSize, &issues)
		sqltable.CheckWhole("parallel", s.Parallel, &issues)
		checkLoad(job, s, &issues)
	}
	if !slices.Contains(syncType().Modes, job.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "tables are written in the modes upsert, insert and update, not %q", job.Mode)
	}
	sqltable.CheckMatch(job, syncType().Match, &issues)
	sqltable.CheckColumns(job, &issues)
	return issues.Err()
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
