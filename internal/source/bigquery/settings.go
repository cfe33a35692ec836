package bigquery

import (
	"encoding/json"
	"encoding/pem"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// The addresses of Google's services: https://cloud.google.com/bigquery/docs/reference/rest and
// https://cloud.google.com/bigquery/docs/reference/storage/rpc
const (
	defaultEndpoint = "https://bigquery.googleapis.com"
	defaultStorage  = "https://bigquerystorage.googleapis.com"
)

// The priorities of a query: https://cloud.google.com/bigquery/docs/running-queries
const (
	priorityInteractive = "interactive"
	priorityBatch       = "batch"
)

// commonFields are those that both kinds of source have.
func commonFields() []connector.Field {
	return []connector.Field{
		{
			Name: "credential", Label: "Google Cloud credential", Type: connector.FieldCredential, Required: true,
			Providers: []string{cloud.ProviderGCP}, Help: "Whose permissions queries run with.",
		},
		{
			Name: "project", Label: "Project ID", Type: connector.FieldString, Required: true, Example: "acme-analytics",
			Help: "The project that queries run in and are billed to. Billing must be enabled where the Lightning engine writes.",
		},
		{
			Name: "location", Label: "Dataset location", Type: connector.FieldString, Required: true, Default: "US", Example: "europe-west1",
			Help: "Where queries run: a region or multi-region. Only datasets of this location can be read.",
		},
	}
}

// jobFields say how queries run.
func jobFields() []connector.Field {
	zero := float64(0)
	return []connector.Field{
		{
			Name: "batchPriority", Label: "Priority of syncs", Type: connector.FieldSelect, Default: priorityInteractive, Advanced: true,
			Options: []connector.Option{
				{Value: priorityInteractive, Label: "Interactive", Help: "Queries start at once and count against the project's limit."},
				{Value: priorityBatch, Label: "Batch", Help: "Queries wait until BigQuery has room for them."},
			},
			Help: "What people look at always runs with interactive priority.",
		},
		{
			Name: "maximumGigabytes", Label: "Most gigabytes that a query may bill", Type: connector.FieldNumber, Advanced: true, Min: &zero,
			Help: "BigQuery refuses a query that would bill more. Empty or 0 means no limit.",
		},
		{
			Name: "storageRead", Label: "Read large results through the Storage Read API", Type: connector.FieldBoolean, Default: true, Advanced: true,
			Help: "Faster than paging. It needs bigquery.readsessions.create, which the role BigQuery User has; without it results are paged.",
		},
		{Name: "endpoint", Label: "API address", Type: connector.FieldString, Advanced: true, Example: defaultEndpoint, Help: "Only where Google's address is reached by another name, such as through Private Service Connect."},
		{
			Name: "storageEndpoint", Label: "Storage Read API address", Type: connector.FieldString, Advanced: true, Example: defaultStorage,
			ShowIf: &connector.ShowIf{Field: "storageRead", In: []string{"true"}},
		},
	}
}

func fields() []connector.Field {
	own := connector.Field{
		Name: "cacheProject", Label: "Project of the Lightning engine's datasets", Type: connector.FieldString, Advanced: true,
		Help: "Where the planner and audit datasets are, if not in the project above. Queries then run there, so that models must be " +
			"written in SQL with whole names: project.dataset.table.",
	}
	all := append(commonFields(), jobFields()...)
	return append(append(all, own), connector.SchemaFields()...)
}

type settings struct {
	Credential       cloud.GCP `json:"credential"`
	Project          string    `json:"project"`
	Location         string    `json:"location"`
	BatchPriority    string    `json:"batchPriority"`
	MaximumGigabytes float64   `json:"maximumGigabytes"`
	StorageRead      bool      `json:"storageRead"`
	Endpoint         string    `json:"endpoint"`
	StorageEndpoint  string    `json:"storageEndpoint"`
	CacheProject     string    `json:"cacheProject"`
	Warehouse        string    `json:"warehouse"`       // of an Iceberg catalogue
	CatalogEndpoint  string    `json:"catalogEndpoint"` // of an Iceberg catalogue
}

// decode reads the settings and what can be wrong with them without a connection.
func decode(s connector.Settings) (settings, error) {
	var all settings
	if err := s.Decode(&all); err != nil {
		return all, err
	}
	if err := checkKey(all.Credential); err != nil {
		return all, err
	}
	if all.Endpoint == "" {
		all.Endpoint = defaultEndpoint
	}
	if all.StorageEndpoint == "" {
		all.StorageEndpoint = defaultStorage
	}
	for path, address := range map[string]string{"endpoint": all.Endpoint, "storageEndpoint": all.StorageEndpoint} {
		if _, err := parseAddress(path, address); err != nil {
			return all, err
		}
	}
	return all, nil
}

// parseAddress reads an address that must have a scheme and a host.
func parseAddress(path, address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fault.New(fault.CodeInvalid, "the address must begin with https://").WithPath(path)
	}
	return u, nil
}

// checkKey finds a key file that is none. What is wrong in it is not said: it is a secret.
func checkKey(g cloud.GCP) error {
	if g.Auth == cloud.AuthServer {
		return nil
	}
	var key struct {
		PrivateKey string `json:"private_key"`
	}
	bad := func(what string) error {
		return fault.New(fault.CodeSourceAuth, "the service account's key %s", what).WithPath("credential").
			WithSuggestion("Create a key of the type JSON for the service account, and give the whole file to the Google Cloud credential.")
	}
	if json.Unmarshal([]byte(g.ServiceAccountKey), &key) != nil {
		return bad("is not JSON")
	}
	if block, _ := pem.Decode([]byte(key.PrivateKey)); block == nil {
		return bad("holds no private key")
	}
	return nil
}
