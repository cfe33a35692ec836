// Package tiktok is what the manifest of TikTok cannot say: a custom audience is replaced as a whole by files.
//
// TikTok's pages are named in README.md.
package tiktok

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// Hooks are the Go code of the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Begin: map[string]func(context.Context, *manifest.Run) (connector.Session, error){"audience": beginAudience},
		Check: map[string]func(*manifest.Destination, connector.SyncJob) fault.Issues{"audience": checkAudience},
	}
}

// beginAudience sends all members as files, and changes by the Segment API.
func beginAudience(_ context.Context, r *manifest.Run) (connector.Session, error) {
	if r.Job().Mode == connector.ModeAll {
		return newFiles(r), nil
	}
	return r.Session(), nil
}

// checkAudience refuses files with more than one kind of identifier.
func checkAudience(_ *manifest.Destination, job connector.SyncJob) (issues fault.Issues) {
	if job.Mode == connector.ModeAll && len(job.Columns) > 1 {
		issues.Add("mappings", fault.CodeInvalid, "an audience that is replaced by files has one kind of identifier: map %s alone, or use the mode add", job.Columns[0].Name)
	}
	return issues
}
