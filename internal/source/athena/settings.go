package athena

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	awsathena "github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// The pick-lists.
const (
	listWorkgroups = "workgroups"
	listCatalogs   = "catalogs"
	listDatabases  = "databases"
)

// defaultCatalog is that of AWS Glue: https://docs.aws.amazon.com/athena/latest/ug/understanding-tables-databases-and-the-data-catalog.html
const defaultCatalog = "AwsDataCatalog"

func fields() []connector.Field {
	return []connector.Field{
		{Name: "credential", Label: "AWS credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderAWS}, Required: true, Help: "Whose permissions queries have."},
		{Name: "region", Label: "Region", Type: connector.FieldString, Required: true, Example: "eu-central-1", Help: "The AWS region that queries run in."},
		{Name: "workgroup", Label: "Workgroup", Type: connector.FieldSelect, OptionsFrom: listWorkgroups, Creatable: true, Required: true, Default: "primary"},
		{Name: "outputLocation", Label: "Query output location", Type: connector.FieldString, Example: "s3://bucket/folder/", Help: "Where Athena puts results, in S3. Only needed where the workgroup has none of its own; a workgroup may also insist on its own."},
		{Name: "catalog", Label: "Data catalogue", Type: connector.FieldSelect, OptionsFrom: listCatalogs, Creatable: true, Required: true, Default: defaultCatalog},
		{Name: "database", Label: "Database", Type: connector.FieldSelect, OptionsFrom: listDatabases, Creatable: true, Required: true, Default: "default", Help: "Where queries find tables that are named without a database. The list is that of the data catalogue."},
		{Name: "tableLocation", Label: "Location of tables", Type: connector.FieldString, Advanced: true, Example: "s3://bucket/millrace/", Help: "Where the Lightning engine keeps its tables, in S3. Empty means a folder in the query output location."},
		{Name: "endpoint", Label: "VPC connection endpoint", Type: connector.FieldString, Advanced: true, Example: "https://vpce-0123.athena.eu-central-1.vpce.amazonaws.com", Help: "Where Athena is reached, if not at its public address."},
		{Name: "storageEndpoint", Label: "S3 endpoint", Type: connector.FieldString, Advanced: true, Help: "Where S3 is reached, if not at its public address."},
	}
}

type settings struct {
	Credential      cloud.AWS `json:"credential"`
	Region          string    `json:"region"`
	Workgroup       string    `json:"workgroup"`
	OutputLocation  string    `json:"outputLocation"`
	Catalog         string    `json:"catalog"`
	Database        string    `json:"database"`
	TableLocation   string    `json:"tableLocation"`
	Endpoint        string    `json:"endpoint"`
	StorageEndpoint string    `json:"storageEndpoint"`
}

// tables is where our tables are; empty where nobody said.
func (s settings) tables() string {
	if s.TableLocation != "" {
		return strings.TrimSuffix(s.TableLocation, "/")
	}
	if s.OutputLocation != "" {
		return strings.TrimSuffix(s.OutputLocation, "/") + "/millrace_tables"
	}
	return ""
}

// client asks Athena and S3. It is safe for concurrent use.
type client struct {
	settings settings
	http     *http.Client
	athena   *awsathena.Client
	s3       *s3.Client
	network  connector.Network
}

func newClient(s settings, n connector.Network) (*client, error) {
	for _, location := range []struct{ path, text string }{{"outputLocation", s.OutputLocation}, {"tableLocation", s.TableLocation}} {
		if location.text != "" && !strings.HasPrefix(location.text, "s3://") {
			return nil, fault.New(fault.CodeInvalid, "the location must begin with s3://").WithPath(location.path)
		}
	}
	c := &client{settings: s, network: n, http: &http.Client{Transport: n.Transport()}}
	c.settings.Catalog, c.settings.Database = cmp.Or(s.Catalog, defaultCatalog), cmp.Or(s.Database, "default")
	config, err := s.Credential.Config(context.Background(), s.Region, c.http)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "the credential cannot be used").WithPath("credential")
	}
	c.athena = awsathena.NewFromConfig(config, func(o *awsathena.Options) {
		if s.Endpoint != "" {
			o.BaseEndpoint = &c.settings.Endpoint
		}
	})
	c.s3 = s3.NewFromConfig(config, func(o *s3.Options) {
		o.DisableLogOutputChecksumValidationSkipped = true
		if s.StorageEndpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = &c.settings.StorageEndpoint, true
		}
	})
	return c, nil
}
