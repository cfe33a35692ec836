package sqlserver

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/tds"
	"github.com/millrace/millrace/internal/destination/sqltable"
)

// Slug is the destination's slug.
const Slug = "sqlserver"

// SyncTypeSlug is the slug of the one sync type.
const SyncTypeSlug = "table"

// The pick-lists of OptionLister.
const (
	listSchemas = "schemas"
	listTables  = "tables"
)

// Limits of the settings of a sync.
const (
	defaultBatchRows = 1000
	maxBatchRows     = 10_000
	maxPause         = 60_000
)

// What happens to a value that its column cannot hold exactly.
const (
	fitRefuse = "refuse"
	fitAdapt  = "adapt"
)

// The ways to sign in.
const (
	authPassword = "password"
	authString   = "connectionString"
)

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "SQL Server",
		Category:  "database",
		Summary:   "Writes rows to a table of Microsoft SQL Server or Azure SQL Database",
		Fields:    connectionFields(),
		SyncTypes: []connector.SyncType{syncType()},
		Open: func(o connector.DestinationOptions) (connector.Destination, error) {
			d := &destination{clock: o.Clock, log: o.Log, network: o.Network}
			return d, o.Settings.Decode(&d.settings)
		},
	}
}

func connectionFields() []connector.Field {
	shown := &connector.ShowIf{Field: "auth", In: []string{authPassword}}
	return []connector.Field{
		{
			Name: "auth", Label: "Sign in with", Type: connector.FieldSelect, Required: true, Default: authPassword,
			Options: []connector.Option{{Value: authPassword, Label: "User and password"}, {Value: authString, Label: "Connection string"}},
		},
		{
			Name: "connectionString", Label: "Connection string", Type: connector.FieldSecret, Secret: true, Required: true, Target: true,
			ShowIf:  &connector.ShowIf{Field: "auth", In: []string{authString}},
			Example: "Server=db.example.com,1433;Database=app;User Id=millrace;Password=...;Encrypt=true",
			Help:    "As other programs take it. Encryption is what the string says.",
		},
		{Name: "host", Label: "Server", Type: connector.FieldString, Required: true, Target: true, ShowIf: shown, Example: "db.example.com", Help: "A name or an IP address, without http:// and without a / at the end. Azure's firewall must let this server in."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Target: true, ShowIf: shown, Default: float64(tds.DefaultPort), Min: new(1.0), Max: new(65535.0)},
		{Name: "database", Label: "Database", Type: connector.FieldString, Required: true, Target: true, ShowIf: shown, Example: "app"},
		{Name: "user", Label: "User", Type: connector.FieldString, Required: true, ShowIf: shown, Example: "millrace", Help: "A login made for Millrace, with SELECT, INSERT, UPDATE and DELETE on the tables that are synced to."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, ShowIf: shown},
		{
			Name: "encryption", Label: "Encryption", Type: connector.FieldSelect, Default: tds.EncryptRequired, Advanced: true, ShowIf: shown,
			Options: []connector.Option{
				{Value: tds.EncryptStrict, Label: "Strict (TDS 8.0)", Help: "SQL Server 2022 and newer, Azure SQL"},
				{Value: tds.EncryptRequired, Label: "Always"},
				{Value: tds.EncryptLogin, Label: "The login, and more if the server asks for it"},
				{Value: tds.EncryptNone, Label: "None"},
			},
		},
		{Name: "trustServerCertificate", Label: "Trust the server's certificate", Type: connector.FieldBoolean, Default: false, Advanced: true, ShowIf: shown, Help: "Encrypts to whoever answers. For servers with a certificate that they signed themselves, where the way to them is safe."},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, ShowIf: shown, Help: "PEM. Who may have signed the server's certificate; empty means those that this machine trusts."},
	}
}

func syncType() connector.SyncType {
	return connector.SyncType{
		Slug:    SyncTypeSlug,
		Name:    "Table",
		Summary: "Writes rows to a table that exists",
		Modes:   []connector.Mode{connector.ModeUpsert, connector.ModeInsert, connector.ModeUpdate},
		Deletes: []connector.DeleteBehavior{connector.DeleteNothing, connector.DeleteRecord, connector.DeleteClear},
		Match:   connector.MatchRule{Modes: []connector.Mode{connector.ModeUpsert, connector.ModeUpdate}},
		Mapping: connector.MappingRule{Enabled: true, Required: true, Advanced: true, AllByName: true},
		Compare: connector.CompareMapped,
		Fields: []connector.Field{
			{Name: "schema", Label: "Schema", Type: connector.FieldSelect, Required: true, Target: true, Default: "dbo", OptionsFrom: listSchemas, Creatable: true},
			{Name: "table", Label: "Table", Type: connector.FieldSelect, Required: true, Target: true, OptionsFrom: listTables, Creatable: true, Help: "The table must exist."},
			{
				Name: "fit", Label: "Values that do not fit exactly", Type: connector.FieldSelect, Default: fitRefuse, Required: true, Advanced: true,
				Options: []connector.Option{
					{Value: fitRefuse, Label: "Refuse the row"},
					{Value: fitAdapt, Label: "Let the database adapt them", Help: "It rounds digits after the point and fractions of a second, leaves the time of day out of a date, and spaces at the end that are too many, and fills a binary up."},
				},
				Help: "Values that are too large, too long or of another type are refused either way.",
			},
			{
				Name: "batchSize", Label: "Rows in a batch", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultBatchRows), Min: new(1.0), Max: new(float64(maxBatchRows)),
				Help: "One batch is one transaction: fewer rows hold locks for a shorter time. A batch with a bad row is sent again in halves.",
			},
			{
				Name: "parallel", Label: "Batches at a time", Type: connector.FieldNumber, Advanced: true, Default: 1.0, Min: new(1.0), Max: new(float64(sqltable.MaxParallel)),
				Help: "Each uses a connection of its own. Several at a time may wait for each other's locks; a batch that the server gives up for that is sent again.",
			},
			{Name: "pause", Label: "Pause between batches", Type: connector.FieldNumber, Advanced: true, Default: float64(0), Min: new(0.0), Max: new(float64(maxPause)), Help: "Milliseconds, to leave the server room for other work."},
		},
	}
}
