package sqlserver

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
	if s, err := decode(job); err == nil {
		sqltable.CheckWhole("batchSize", s.BatchSize, &issues)
		sqltable.CheckWhole("parallel", s.Parallel, &issues)
	}
	if !slices.Contains(syncType().Modes, job.Mode) {
		issues.Add("spec.mode", fault.CodeInvalid, "tables are written in the modes upsert, insert and update, not %q", job.Mode)
	}
	sqltable.CheckMatch(job, syncType().Match, &issues)
	sqltable.CheckColumns(job, &issues)
	return issues.Err()
}
