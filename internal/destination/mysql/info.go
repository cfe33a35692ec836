package mysql

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/sqltable"
)

// SyncTypeSlug is the slug of the one sync type.
const SyncTypeSlug = "table"

// listTables is the pick-list of OptionLister.
const listTables = "tables"

// Limits of the settings of a sync.
const (
	defaultBatchRows = 1000
	maxBatchRows     = 50_000
	maxPause         = 60_000
)

// How an upsert is written.
const (
	writeInsert = "insert"
	writeLoad   = "load"
)

// What happens to a value that its column cannot hold exactly.
const (
	fitRefuse = "refuse"
	fitAdapt  = "adapt"
)

// Infos describes the destinations. They differ in name: which server answers is seen when it does.
func Infos() []connector.DestinationInfo {
	mysql, mariadb := info("mysql", "MySQL"), info("mariadb", "MariaDB")
	mariadb.Verified = true
	return []connector.DestinationInfo{mysql, mariadb}
}

func info(slug, name string) connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      slug,
		Name:      name,
		Category:  "database",
		Summary:   "Writes rows to a table of a " + name + " database",
		Fields:    connectionFields(name),
		SyncTypes: []connector.SyncType{syncType()},
		Open: func(o connector.DestinationOptions) (connector.Destination, error) {
			d := &destination{clock: o.Clock, log: o.Log, network: o.Network}
			return d, o.Settings.Decode(&d.settings)
		},
	}
}

func connectionFields(name string) []connector.Field {
	encrypted := &connector.ShowIf{Field: "sslMode", In: []string{sslRequire, sslVerifyCA, sslVerifyFull}}
	return []connector.Field{
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Target: true, Example: "db.example.com", Help: "A name or an IP address, without a scheme."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Target: true, Default: float64(defaultPort), Min: new(1.0), Max: new(float64(maxPort))},
		{Name: "database", Label: "Database", Type: connector.FieldString, Required: true, Target: true, Example: "app", Help: "The database whose tables are written to."},
		{Name: "user", Label: "User", Type: connector.FieldString, Required: true, Example: "millrace", Help: "A user made for Millrace, with SELECT, INSERT, UPDATE and DELETE on the tables that are synced to."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Help: "Empty where " + name + " asks for none."},
		{
			Name: "sslMode", Label: "Encryption", Type: connector.FieldSelect, Default: sslRequire, Required: true,
			Options: []connector.Option{
				{Value: sslRequire, Label: "Always"},
				{Value: sslVerifyCA, Label: "Always, and check who signed the server's certificate"},
				{Value: sslVerifyFull, Label: "Always, and check signature and host name"},
				{Value: sslDisable, Label: "None", Help: "Only for a server on this machine or behind a tunnel: whoever listens reads passwords and rows."},
			},
		},
		{
			Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, ShowIf: &connector.ShowIf{Field: "sslMode", In: []string{sslVerifyCA, sslVerifyFull}},
			Help: "The content of a .pem file: the authority that the server's certificate must come from. Empty means those that this machine trusts.",
		},
		{Name: "clientCertificate", Label: "Client certificate", Type: connector.FieldText, Advanced: true, ShowIf: encrypted, Help: "PEM. Only where the server asks for one."},
		{Name: "clientKey", Label: "Client key", Type: connector.FieldText, Secret: true, Advanced: true, ShowIf: encrypted, Help: "PEM. The private key of the client certificate."},
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
			{Name: "table", Label: "Table", Type: connector.FieldSelect, Required: true, Target: true, OptionsFrom: listTables, Creatable: true, Help: "The table must exist."},
			{
				Name: "statement", Label: "Upserts are written with", Type: connector.FieldSelect, Default: writeInsert, Required: true,
				Options: []connector.Option{
					{Value: writeInsert, Label: "INSERT … ON DUPLICATE KEY UPDATE", Help: "Columns that are not mapped keep their values."},
					{Value: writeLoad, Label: "LOAD DATA LOCAL INFILE … REPLACE", Help: "Faster. A row that exists is deleted and added anew: every column that is not mapped loses its value and gets its default, NULL where it has none."},
				},
				Help: "LOAD DATA replaces whole rows, and with them what ON DELETE CASCADE deletes with a row. The server must have local_infile switched on.",
			},
			{
				Name: "fit", Label: "Values that do not fit exactly", Type: connector.FieldSelect, Default: fitRefuse, Required: true, Advanced: true,
				Options: []connector.Option{
					{Value: fitRefuse, Label: "Refuse the row"},
					{Value: fitAdapt, Label: "Let the database adapt them", Help: "It rounds digits after the point, rounds or cuts fractions of a second, leaves the time of day out of a DATE and spaces at the end out of a CHAR, and fills a BINARY up."},
				},
				Help: "Values that are too large, too long or of another type are refused either way.",
			},
			{
				Name: "batchSize", Label: "Rows in a batch", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultBatchRows), Min: new(1.0), Max: new(float64(maxBatchRows)),
				Help: "One batch is one transaction: fewer rows hold locks for a shorter time.",
			},
			{
				Name: "parallel", Label: "Batches at a time", Type: connector.FieldNumber, Advanced: true, Default: 1.0, Min: new(1.0), Max: new(float64(sqltable.MaxParallel)),
				Help: "Each uses a connection of its own. Several at a time may wait for each other's locks; a batch that the server gives up for that is sent again.",
			},
			{Name: "pause", Label: "Pause between batches", Type: connector.FieldNumber, Advanced: true, Default: float64(0), Min: new(0.0), Max: new(float64(maxPause)), Help: "Milliseconds, to leave the server room for other work."},
		},
	}
}
