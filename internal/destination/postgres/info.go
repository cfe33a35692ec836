package postgres

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
)

// Slug is the destination's slug.
const Slug = "postgres"

// SyncTypeSlug is the slug of the one sync type.
const SyncTypeSlug = "table"

// The pick-lists of OptionLister.
const (
	listSchemas = "schemas"
	listTables  = "tables"
)

// Limits of the settings of a sync.
const (
	defaultBatchRows = 10_000
	maxBatchRows     = 100_000
	defaultParallel  = 4
	maxPause         = 60_000
)

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "PostgreSQL",
		Category:  "database",
		Summary:   "Writes rows to a table of a PostgreSQL database",
		Verified:  true,
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
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Target: true, Example: "db.example.com", Help: "A name or an IP address, without a scheme."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Target: true, Default: float64(defaultPort), Min: new(1.0), Max: new(float64(maxPort))},
		{Name: "database", Label: "Database", Type: connector.FieldString, Required: true, Target: true, Example: "app"},
		{Name: "user", Label: "User", Type: connector.FieldString, Required: true, Example: "millrace", Help: "A role made for Millrace, with SELECT, INSERT, UPDATE and DELETE on the tables that are synced to."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Help: "Empty where the server asks for none."},
		{
			Name: "sslMode", Label: "SSL mode", Type: connector.FieldSelect, Default: sslPrefer, Required: true,
			Options: []connector.Option{
				{Value: sslDisable, Label: "Disable", Help: "Never encrypted"},
				{Value: sslPrefer, Label: "Prefer", Help: "Encrypted where the server can"},
				{Value: sslRequire, Label: "Require", Help: "Encrypted, whoever answers"},
				{Value: sslVerifyCA, Label: "Verify CA", Help: "Encrypted, with a certificate of a known authority"},
				{Value: sslVerifyFull, Label: "Verify full", Help: "Also the certificate's host name must be right"},
			},
		},
		{
			Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, ShowIf: &connector.ShowIf{Field: "sslMode", In: []string{sslVerifyCA, sslVerifyFull}},
			Help: "The authority that the server's certificate must come from, in PEM form. Empty means those that the machine trusts.",
		},
		{
			Name: "statementTimeout", Label: "Statement timeout", Type: connector.FieldNumber, Advanced: true, Min: new(1.0), Max: new(float64(maxStatementTimeout)), Example: "300",
			Help: "Seconds after which the server gives a statement up. Empty means what the server is configured with.",
		},
	}
}

func syncType() connector.SyncType {
	return connector.SyncType{
		Slug:    SyncTypeSlug,
		Name:    "Any data set",
		Summary: "Writes rows to a table that exists",
		Modes:   []connector.Mode{connector.ModeUpsert, connector.ModeInsert, connector.ModeUpdate, connector.ModeAll},
		Deletes: []connector.DeleteBehavior{connector.DeleteNothing, connector.DeleteClear, connector.DeleteRecord},
		Match:   connector.MatchRule{Modes: []connector.Mode{connector.ModeUpsert, connector.ModeUpdate}},
		Mapping: connector.MappingRule{Enabled: true, Required: true, Advanced: true, AllByName: true},
		Compare: connector.CompareMapped,
		Fields: []connector.Field{
			{Name: "schema", Label: "Schema", Type: connector.FieldSelect, Required: true, Target: true, Default: "public", OptionsFrom: listSchemas, Creatable: true},
			{Name: "table", Label: "Table", Type: connector.FieldSelect, Required: true, Target: true, OptionsFrom: listTables, Creatable: true, Help: "The table must exist."},
			{
				Name: "batchSize", Label: "Rows in a batch", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultBatchRows), Min: new(1.0), Max: new(float64(maxBatchRows)),
				Help: "One batch is one transaction: fewer rows hold locks for a shorter time.",
			},
			{
				Name: "parallel", Label: "Batches at a time", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultParallel), Min: new(1.0), Max: new(float64(sqltable.MaxParallel)),
				Help: "Each uses a connection of its own. Mode all, and matching by columns without a unique index, use one.",
			},
			{Name: "pause", Label: "Pause between batches", Type: connector.FieldNumber, Advanced: true, Default: float64(0), Min: new(0.0), Max: new(float64(maxPause)), Help: "Milliseconds, to leave the server room for other work."},
		},
	}
}
