// Package braze is what the manifest of Braze cannot say: users are compared with what Braze knows of them so that only
// differences are sent, events wait for their users, catalogs get the fields of the mapping, and the properties of
// messages are read from their texts.
package braze

import (
	"context"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
)

// Hooks are the Go code of the manifest.
func Hooks() manifest.Hooks {
	return manifest.Hooks{
		Write: map[string]func(context.Context, *manifest.Run) (connector.Result, error){
			"users": writeUsers, "events": writeEvents, "catalog": writeCatalog,
		},
		Lists: map[string]func(context.Context, *manifest.Run) ([]connector.Option, error){
			"campaigns": campaigns.list, "canvases": canvases.list,
		},
		Fields: map[string]func(context.Context, *manifest.Run) ([]manifest.Discovered, error){
			"campaign": campaigns.properties, "canvas": canvases.properties,
		},
		Formless: map[string]bool{"campaign": true, "canvas": true},
		Check: map[string]func(*manifest.Destination, connector.SyncJob) faults{
			"user": checkUser, "campaign": checkTrigger, "canvas": checkTrigger,
		},
	}
}
