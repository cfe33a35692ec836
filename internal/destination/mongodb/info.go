package mongodb

import (
	"github.com/millrace/millrace/internal/connector"
)

// Slug is the destination's slug.
const Slug = "mongodb"

// SyncTypeSlug is the slug of the one sync type.
const SyncTypeSlug = "documents"

// listCollections is the pick-list of OptionLister.
const listCollections = "collections"

// What documents are found by, besides fields with a unique index.
const (
	matchID       = "_id"
	matchObjectID = "_id (Object ID)"
)

// Limits of the settings of a sync.
const (
	defaultBatchRows = 1_000
	maxBatchRows     = 50_000 // of the 100,000 that a server takes in a command
	defaultParallel  = 4
	maxParallel      = 16
)

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "MongoDB",
		Category:  "database",
		Summary:   "Writes documents to a MongoDB collection",
		Tunnels:   true,
		Fields:    connectionFields(),
		SyncTypes: []connector.SyncType{syncType()},
		Open: func(o connector.DestinationOptions) (connector.Destination, error) {
			d := &destination{clock: o.Clock, log: o.Log, network: o.Network}
			return d, o.Settings.Decode(&d.settings)
		},
	}
}

func connectionFields() []connector.Field {
	parameters := &connector.ShowIf{Field: "method", In: []string{methodParameters}}
	verified := &connector.ShowIf{Field: "sslMode", In: []string{sslVerifyFull}}
	return []connector.Field{
		{
			Name: "method", Label: "Connect by", Type: connector.FieldSelect, Required: true, Default: methodParameters,
			Options: []connector.Option{
				{Value: methodParameters, Label: "Host, user and password"},
				{Value: methodURI, Label: "Connection string", Help: "mongodb:// or mongodb+srv://, as the servers' own page shows it"},
			},
		},
		{Name: "uri", Label: "Connection string", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: &connector.ShowIf{Field: "method", In: []string{methodURI}}, Example: "mongodb+srv://cluster0.example.mongodb.net/app", Help: "With user and password, as in mongodb://user:password@host, whose special characters are written with percent signs: %40 for @."},
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Target: true, ShowIf: parameters, Example: "mongo.example.com", Help: "A name or an IP address, without a scheme."},
		{Name: "srv", Label: "The host name is a seedlist record", Type: connector.FieldBoolean, Default: false, Target: true, ShowIf: parameters, Help: "The name stands for several servers, which DNS lists (SRV), as connection strings with mongodb+srv:// mean it. MongoDB Atlas has such names."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Target: true, ShowIf: parameters, Default: float64(defaultPort), Min: new(1.0), Max: new(float64(maxPort)), Help: "Not used with a seedlist record."},
		{Name: "database", Label: "Database", Type: connector.FieldString, Target: true, Example: "app", Help: "Only with a connection string that names one it may stay empty."},
		{Name: "username", Label: "User", Type: connector.FieldString, ShowIf: parameters, Example: "millrace", Help: "A user made for Millrace. Empty where the server asks for none."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, ShowIf: parameters},
		{Name: "authSource", Label: "Authentication database", Type: connector.FieldString, Advanced: true, Default: "admin", ShowIf: parameters, Help: "The database that the user was created in."},
		{
			Name: "sslMode", Label: "Encryption", Type: connector.FieldSelect, Default: sslVerifyFull, Required: true, ShowIf: parameters,
			Options: []connector.Option{
				{Value: sslVerifyFull, Label: "Always, and check signature and host name"},
				{Value: sslRequire, Label: "Always", Help: "Encrypted, whoever answers"},
				{Value: sslDisable, Label: "None", Help: "Only for a server on this machine or behind a tunnel: whoever listens reads passwords and rows."},
			},
		},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, ShowIf: verified, Help: "The authority that the server's certificate must come from, in PEM form. Empty means those that the machine trusts."},
	}
}

func syncType() connector.SyncType {
	return connector.SyncType{
		Slug:    SyncTypeSlug,
		Name:    "Documents",
		Summary: "Writes documents of a collection",
		Modes:   []connector.Mode{connector.ModeUpsert},
		Deletes: []connector.DeleteBehavior{connector.DeleteNothing, connector.DeleteClear, connector.DeleteRecord},
		Match:   connector.MatchRule{Modes: []connector.Mode{connector.ModeUpsert}},
		Mapping: connector.MappingRule{Enabled: true, Required: true, Advanced: true, Custom: true, AllByName: true},
		Compare: connector.CompareMapped,
		Fields: []connector.Field{
			{Name: "collection", Label: "Collection", Type: connector.FieldSelect, Required: true, Target: true, OptionsFrom: listCollections, Creatable: true, Help: "One that does not exist is made by the server with its first document."},
			{Name: "batchSize", Label: "Rows in a batch", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultBatchRows), Min: new(1.0), Max: new(float64(maxBatchRows))},
			{Name: "parallel", Label: "Batches at a time", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultParallel), Min: new(1.0), Max: new(float64(maxParallel)), Help: "Each uses a connection of its own."},
		},
	}
}
