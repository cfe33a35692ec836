// Package mixpanel is what the manifest of Mixpanel cannot say: profiles are found by their email in one query for all
// rows, what the project knows of properties is in its Lexicon, and a lookup table is replaced by one CSV file.
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
		Fields: map[string]func(context.Context, *manifest.Run) ([]manifest.Discovered, error){
			"object": profileFields, "event": eventFields,
		},
		Formless: map[string]bool{"object": true, "event": true},
		Check:    map[string]func(*manifest.Destination, connector.SyncJob) fault.Issues{"lookup": checkTable},
	}
}
