// Package mixpanel is what the manifest of Mixpanel cannot say: profiles are found by their email in one query for all
// rows, and a lookup table is replaced by one CSV file.
package mixpanel

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
)

// Hooks are the Go code of the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Begin: map[string]func(context.Context, *manifest.Run) (connector.Session, error){"lookup": beginTable},
		Write: map[string]func(context.Context, *manifest.Run) (connector.Result, error){"byEmail": writeByEmail},
		Check: map[string]func(*manifest.Destination, connector.SyncJob) fault.Issues{"lookup": checkTable},
	}
}
