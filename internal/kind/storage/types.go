package storage

import (
	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Type is a provider of storage.
type Type struct {
	Slug    string            `json:"slug"`
	Name    string            `json:"name"`
	Summary string            `json:"summary"`
	Fields  []connector.Field `json:"fields"`

	place func(connector.Settings) blob.Place // a credential is in place, or a slug, of which nothing is known
	check func(connector.Settings, *fault.Issues)
}

// Slugs of the types.
const (
	TypeS3    = "s3"
	TypeGCS   = "gcs"
	TypeAzure = "azure"
)

// Values of the field auth: the server's own identity, and a credential that is shared (kind credential).
const (
	authServer     = "server"
	authCredential = "credential"
)

// Types lists the providers. serverIdentity says whether workspaces may use the identity that the server itself has
// at the provider, such as the role of its machine: whoever may would reach everything that the server reaches.
func Types(serverIdentity bool) []Type {
	return []Type{
		{Slug: TypeS3, Name: "Amazon S3", Summary: "A bucket of Amazon S3, or of a store with the same protocol", Fields: s3Fields(serverIdentity), place: s3Place, check: s3Check},
		{Slug: TypeGCS, Name: "Google Cloud Storage", Summary: "A bucket of Google Cloud Storage", Fields: gcsFields(serverIdentity), place: gcsPlace, check: gcsCheck},
		{Slug: TypeAzure, Name: "Azure Blob Storage", Summary: "A container of Azure Blob Storage", Fields: azureFields(serverIdentity), place: azurePlace, check: azureCheck},
	}
}

func typeOf(types []Type, slug string) (Type, error) {
	for _, t := range types {
		if t.Slug == slug {
			return t, nil
		}
	}
	return Type{}, fault.New(fault.CodeInvalid, "there is no storage type %q; there are s3, gcs and azure", slug).WithPath("spec.type")
}

// Place returns the place that a spec with its secrets in place describes.
func Place(types []Type, s Spec) (blob.Place, error) {
	t, err := typeOf(types, s.Type)
	if err != nil {
		return nil, err
	}
	return t.place(connector.Settings(s.Configuration).WithDefaults(t.Fields)), nil
}

func when(in ...string) *connector.ShowIf {
	return &connector.ShowIf{Field: "auth", In: in}
}

// authField asks how to authenticate; the server's own identity is the last choice, where it may be used.
func authField(serverIdentity bool, options ...connector.Option) connector.Field {
	if serverIdentity {
		options = append(options, connector.Option{Value: authServer, Label: "The server's own identity", Help: "What the machine or pod of this server is allowed."})
	}
	return connector.Field{Name: "auth", Label: "Authentication", Type: connector.FieldSelect, Default: options[0].Value, Required: true, Options: options}
}

// credentialField asks for a credential of a provider.
func credentialField(provider, label, help string) connector.Field {
	return connector.Field{
		Name: "credential", Label: label, Type: connector.FieldCredential, Providers: []string{provider}, Required: true, Help: help, ShowIf: when(authCredential),
	}
}

// shared reads the credential that settings have, with what it is in place, into one of cloud's identities.
func shared[T cloud.AWS | cloud.GCP | cloud.Azure](s connector.Settings) (identity T, server bool) {
	resolved, ok := s["credential"].(map[string]any)
	if !ok || connector.Settings(resolved).Decode(&identity) != nil {
		return identity, false
	}
	return identity, resolved["auth"] == cloud.AuthServer
}

func prefixField() connector.Field {
	return connector.Field{
		Name: "prefix", Label: "Prefix", Type: connector.FieldString, Example: "prod",
		Help: "A folder that every object is put into, so that permissions can be limited to it and environments can share a bucket.",
	}
}

// resultsField lets warehouses write into a bucket (S-51, S-80). It is off where nobody says so: everything else in a
// storage is sealed.
func resultsField(needs string) connector.Field {
	return connector.Field{
		Name: "warehouseResults", Label: "Let warehouses write results here", Type: connector.FieldBoolean, Default: false, Advanced: true,
		Help: "Large results are written here by the warehouse and read from here, which is faster than sending them row by row. They lie here " +
			"unsealed for the minutes until they are read. " + needs + " Where that is not allowed, rows are sent as ever.",
	}
}

func s3Fields(serverIdentity bool) []connector.Field {
	role := append([]string{"keys"}, authServer)
	return []connector.Field{
		{Name: "region", Label: "Region", Type: connector.FieldString, Default: "us-east-1", Required: true, Example: "eu-central-1", Help: "The region that the bucket is in."},
		{Name: "bucket", Label: "Bucket name", Type: connector.FieldString, Required: true, Example: "acme-millrace", Help: "Only the name, not a URL."},
		prefixField(),
		authField(serverIdentity, connector.Option{Value: "keys", Label: "Access key", Help: "An access key ID and its secret."},
			connector.Option{Value: authCredential, Label: "AWS credential", Help: "Keys or a role that sources, destinations and storages share."}),
		credentialField(cloud.ProviderAWS, "AWS credential", "It needs s3:PutObject, s3:GetObject and s3:DeleteObject on the objects, and s3:ListBucket on the bucket."),
		{Name: "accessKeyId", Label: "Access key ID", Type: connector.FieldString, Required: true, Example: "AKIAIOSFODNN7EXAMPLE", ShowIf: when("keys")}, //nolint:gosec // the example of Amazon's own pages
		{Name: "secretAccessKey", Label: "Secret access key", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: when("keys")},
		{Name: "roleArn", Label: "Role to assume", Type: connector.FieldString, Advanced: true, Example: "arn:aws:iam::123456789012:role/millrace", Help: "The credentials above are exchanged for temporary ones of this role.", ShowIf: when(role...)},
		{Name: "externalId", Label: "External ID", Type: connector.FieldString, Advanced: true, Help: "What the role's trust policy asks for, if it does.", ShowIf: when(role...)},
		{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://minio.example.com:9000", Help: "The address of another store with the same protocol. Empty means Amazon S3."},
		{Name: "pathStyle", Label: "Path-style addresses", Type: connector.FieldBoolean, Default: false, Advanced: true, Help: "Put the bucket into the path instead of the host name, as MinIO and most self-hosted stores need it."},
		resultsField("Redshift needs sts:GetFederationToken for the access key's user, or a role; Athena needs its own credential to write there."),
		{Name: "stsEndpoint", Label: "STS endpoint", Type: connector.FieldString, Advanced: true, Help: "The address at which the role is assumed. Empty means Amazon's of the region.", ShowIf: when(role...)},
	}
}

func s3Place(s connector.Settings) blob.Place {
	p := blob.S3{Bucket: s.Text("bucket"), Region: s.Text("region"), Prefix: s.Text("prefix"), Endpoint: s.Text("endpoint"), PathStyle: s["pathStyle"] == true, Results: s["warehouseResults"] == true}
	if s.Text("auth") == authCredential {
		a, server := shared[cloud.AWS](s)
		p.ServerIdentity, p.AccessKeyID, p.SecretAccessKey, p.SessionToken = server, a.AccessKeyID, a.SecretAccessKey, a.SessionToken
		p.RoleARN, p.ExternalID, p.STSEndpoint = a.RoleARN, a.ExternalID, a.STSEndpoint
		return p
	}
	p.ServerIdentity = s.Text("auth") == authServer
	p.AccessKeyID, p.SecretAccessKey = s.Text("accessKeyId"), s.Text("secretAccessKey")
	p.RoleARN, p.ExternalID, p.STSEndpoint = s.Text("roleArn"), s.Text("externalId"), s.Text("stsEndpoint")
	return p
}

func gcsFields(serverIdentity bool) []connector.Field {
	return []connector.Field{
		{Name: "projectId", Label: "Project ID", Type: connector.FieldString, Required: true, Example: "acme-data", Help: "The project that the bucket belongs to."},
		{Name: "bucket", Label: "Bucket name", Type: connector.FieldString, Required: true, Example: "acme-millrace-bucket", Help: "Only the name, not a URL."},
		prefixField(),
		authField(serverIdentity, connector.Option{Value: "key", Label: "Service account key", Help: "The JSON file of a service account's key."},
			connector.Option{Value: authCredential, Label: "GCP credential", Help: "A service account that sources, destinations and storages share."}),
		credentialField(cloud.ProviderGCP, "GCP credential", "Its service account needs the role Storage Object User on the bucket."),
		{Name: "serviceAccountKey", Label: "Service account key", Type: connector.FieldSecret, Secret: true, Required: true, Help: "The whole JSON file. P12 keys do not work.", ShowIf: when("key")},
		{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://storage.example.com", Help: "The address of another store with the same protocol. Empty means Google Cloud Storage."},
		resultsField("BigQuery needs storage.objects.create there for its own service account."),
	}
}

func gcsPlace(s connector.Settings) blob.Place {
	p := blob.GCS{ProjectID: s.Text("projectId"), Bucket: s.Text("bucket"), Prefix: s.Text("prefix"), Endpoint: s.Text("endpoint"), Results: s["warehouseResults"] == true}
	if s.Text("auth") == authCredential {
		g, server := shared[cloud.GCP](s)
		p.ServerIdentity, p.Key = server, g.ServiceAccountKey
		return p
	}
	p.ServerIdentity, p.Key = s.Text("auth") == authServer, s.Text("serviceAccountKey")
	return p
}

func azureFields(serverIdentity bool) []connector.Field {
	return []connector.Field{
		{Name: "accountName", Label: "Account name", Type: connector.FieldString, Required: true, Example: "acmedata", Help: "The storage account, without a domain."},
		{Name: "container", Label: "Container name", Type: connector.FieldString, Required: true, Example: "acme-millrace-container"},
		prefixField(),
		authField(serverIdentity,
			connector.Option{Value: "application", Label: "Application", Help: "A registered application with a client secret."},
			connector.Option{Value: "key", Label: "Account key", Help: "One of the two keys of the storage account, which may do everything in it."},
			connector.Option{Value: authCredential, Label: "Azure credential", Help: "An application that sources, destinations and storages share."}),
		credentialField(cloud.ProviderAzure, "Azure credential", "Its application needs the role Storage Blob Data Contributor on the container."),
		{Name: "tenantId", Label: "Tenant ID", Type: connector.FieldString, Required: true, ShowIf: when("application")},
		{Name: "clientId", Label: "Client ID", Type: connector.FieldString, Required: true, Help: "Also called application ID.", ShowIf: when("application")},
		{Name: "clientSecret", Label: "Client secret", Type: connector.FieldSecret, Secret: true, Required: true, Help: "The secret's value, not its ID.", ShowIf: when("application")},
		{Name: "accountKey", Label: "Account key", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: when("key")},
		{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://acmedata.blob.core.usgovcloudapi.net", Help: "The address of the blob service, in another cloud than Azure's public one."},
		{Name: "authority", Label: "Authority", Type: connector.FieldString, Advanced: true, Example: "https://login.microsoftonline.us/", Help: "Where the application signs in, in another cloud than Azure's public one.", ShowIf: when("application")},
	}
}

func azurePlace(s connector.Settings) blob.Place {
	p := blob.Azure{
		Account: s.Text("accountName"), Container: s.Text("container"), Prefix: s.Text("prefix"), ServerIdentity: s.Text("auth") == authServer,
		Endpoint: s.Text("endpoint"),
	}
	switch s.Text("auth") {
	case authCredential:
		a, server := shared[cloud.Azure](s)
		p.ServerIdentity = server
		p.TenantID, p.ClientID, p.ClientSecret, p.Authority = a.TenantID, a.ClientID, a.ClientSecret, a.Authority
		return p
	case "key":
		p.AccountKey = s.Text("accountKey")
		return p
	}
	p.TenantID, p.ClientID, p.ClientSecret, p.Authority = s.Text("tenantId"), s.Text("clientId"), s.Text("clientSecret"), s.Text("authority")
	return p
}
