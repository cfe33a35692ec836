package elasticsearch

import (
	"github.com/millrace/millrace/internal/connector"
)

// Slug is the destination's slug.
const Slug = "elasticsearch"

// SyncTypeSlug is the slug of the one sync type.
const SyncTypeSlug = "documents"

// listIndices is the pick-list of OptionLister.
const listIndices = "indices"

// idField names a document.
const idField = "_id"

// Limits of the settings of a sync.
const (
	defaultBatchRows = 1_000
	maxBatchRows     = 2_000 // an answer in which every row is refused must fit into what is read of it
	maxLookupRows    = 500   // rows whose documents are searched in one request
	defaultParallel  = 2
	maxParallel      = 8
)

// Info describes the destination.
func Info() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug:      Slug,
		Name:      "Elasticsearch",
		Category:  "database",
		Summary:   "Writes documents to an Elasticsearch index",
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
	cloud := &connector.ShowIf{Field: "method", In: []string{methodCloud}}
	server := &connector.ShowIf{Field: "method", In: []string{methodServer}}
	encrypted := &connector.ShowIf{Field: "protocol", In: []string{"https"}}
	return []connector.Field{
		{
			Name: "method", Label: "Connect by", Type: connector.FieldSelect, Required: true, Default: methodCloud, Target: true,
			Options: []connector.Option{
				{Value: methodCloud, Label: "Cloud ID", Help: "A deployment in Elastic Cloud, with an API key"},
				{Value: methodServer, Label: "Host and port", Help: "Any Elasticsearch server"},
			},
		},
		{Name: "cloudId", Label: "Cloud ID", Type: connector.FieldString, Required: true, Target: true, ShowIf: cloud, Help: "As the deployment's page in Elastic Cloud shows it."},
		{
			Name: "protocol", Label: "Protocol", Type: connector.FieldSelect, Required: true, Target: true, Default: "https", ShowIf: server,
			Options: []connector.Option{{Value: "https", Label: "HTTPS"}, {Value: "http", Label: "HTTP", Help: "Only for a server on this machine or behind a tunnel: whoever listens reads passwords and rows."}},
		},
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Target: true, ShowIf: server, Example: "search.example.com", Help: "A name or an IP address, without a scheme."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Target: true, ShowIf: server, Default: float64(defaultPort), Min: new(1.0), Max: new(float64(maxPort))},
		{Name: "username", Label: "User", Type: connector.FieldString, ShowIf: server, Example: "millrace", Help: "Empty where the server asks for none, or with an API key."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, ShowIf: server},
		{Name: "apiKey", Label: "API key", Type: connector.FieldSecret, Secret: true, Help: "Needed with a Cloud ID; with host and port, instead of user and password. The key as it is shown encoded, or its ID and key with a colon between them."},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, ShowIf: encrypted, Help: "An authority to trust besides those of this machine, in PEM form. A server that was installed by itself has one in config/certs/http_ca.crt."},
	}
}

func syncType() connector.SyncType {
	return connector.SyncType{
		Slug:    SyncTypeSlug,
		Name:    "Documents",
		Summary: "Writes documents of an index that exists",
		Modes:   []connector.Mode{connector.ModeUpsert, connector.ModeUpdate},
		Deletes: []connector.DeleteBehavior{connector.DeleteNothing, connector.DeleteClear, connector.DeleteRecord},
		Match:   connector.MatchRule{Modes: []connector.Mode{connector.ModeUpsert, connector.ModeUpdate}},
		Mapping: connector.MappingRule{Enabled: true, Required: true, Advanced: true, Custom: true, AllByName: true},
		Compare: connector.CompareMapped,
		Fields: []connector.Field{
			{Name: "index", Label: "Index", Type: connector.FieldSelect, Required: true, Target: true, OptionsFrom: listIndices, Creatable: true, Help: "The index, or an alias of one. It must exist."},
			{Name: "batchSize", Label: "Rows in a batch", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultBatchRows), Min: new(1.0), Max: new(float64(maxBatchRows))},
			{Name: "parallel", Label: "Batches at a time", Type: connector.FieldNumber, Advanced: true, Default: float64(defaultParallel), Min: new(1.0), Max: new(float64(maxParallel))},
		},
	}
}
