package dynamodb

import (
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
)

// Slug is the destination's slug.
const Slug = "dynamodb"

// SyncTypeSlug is the slug of the one sync type.
const SyncTypeSlug = "items"

// listTables is the pick-list of OptionLister.
const listTables = "tables"

// What becomes of attributes that a sync does not map.
const (
	writeMerge   = "merge"
	writeReplace = "replace"
)

// Limits of the settings of a sync.
const (
	defaultParallel = 8
	maxParallel     = 32
)

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "Amazon DynamoDB",
		Category:  "database",
		Summary:   "Writes items to a DynamoDB table",
		Fields:    connectionFields(),
		SyncTypes: []connector.SyncType{syncType()},
		Open: func(o connector.DestinationOptions) (connector.Destination, error) {
			d := &destination{clock: o.Clock, log: o.Log, network: o.Network}
			return d, o.Settings.Decode(&d.settings)
		},
	}
}

func connectionFields() []connector.Field {
	return []connector.Field{
		{Name: "credential", Label: "AWS credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderAWS}, Required: true, Help: "A role to assume (recommended) or an access key, with permission for the tables that are synced to."},
		{Name: "region", Label: "Region", Type: connector.FieldString, Required: true, Target: true, Example: "eu-central-1", Help: "The AWS region that the tables are in."},
		{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Target: true, Example: "https://vpce-0123.dynamodb.eu-central-1.vpce.amazonaws.com", Help: "Where DynamoDB is reached, if not at its public address."},
	}
}

func syncType() connector.SyncType {
	return connector.SyncType{
		Slug:    SyncTypeSlug,
		Name:    "Items",
		Summary: "Writes items of a table that exists",
		Modes:   []connector.Mode{connector.ModeUpsert},
		Deletes: []connector.DeleteBehavior{connector.DeleteNothing, connector.DeleteClear, connector.DeleteRecord},
		Match:   connector.MatchRule{Modes: []connector.Mode{connector.ModeUpsert}},
		Mapping: connector.MappingRule{Enabled: true, Required: true, Advanced: true, Custom: true, AllByName: true},
		Compare: connector.CompareMapped,
		Fields: []connector.Field{
			{Name: "table", Label: "Table", Type: connector.FieldSelect, Required: true, Target: true, OptionsFrom: listTables, Creatable: true, Help: "The table must exist."},
			{
				Name: "write", Label: "Attributes that are not mapped", Type: connector.FieldSelect, Required: true, Default: writeMerge,
				Options: []connector.Option{
					{Value: writeMerge, Label: "Keep", Help: "One request for each row"},
					{Value: writeReplace, Label: "Remove", Help: "Each row becomes the whole item. One request for 25 rows"},
				},
			},
			{Name: "parallel", Label: "Batches at a time", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultParallel), Min: new(1.0), Max: new(float64(maxParallel)), Help: "A batch is 25 rows. Fewer leave more of the table's throughput to others."},
		},
	}
}
