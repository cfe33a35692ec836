package credential

import (
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Type is a provider.
type Type struct {
	Slug    string            `json:"slug"`
	Name    string            `json:"name"`
	Summary string            `json:"summary"`
	Account string            `json:"account,omitempty" doc:"this server's own account at the provider, which the trust policy of a role names"`
	Fields  []connector.Field `json:"fields" nullable:"false"`
}

// Policy is what the operator of a server allows.
type Policy struct {
	// ServerIdentity says whether workspaces may use the identity that the server itself has at a provider, such as the
	// role of its machine: whoever may reaches everything that the server reaches.
	ServerIdentity bool
	// AWSAccount is the ID of the account that the server's own AWS identity belongs to. With one, credentials can be
	// roles that this identity assumes; each is protected by an external ID.
	AWSAccount string
}

// Ways to authenticate at AWS besides cloud.AuthServer.
const (
	authRole = "role"
	authKeys = "keys"
)

// Types lists the providers.
func Types(p Policy) []Type {
	return []Type{
		{Slug: cloud.ProviderAWS, Name: "Amazon Web Services", Summary: "A role that this server assumes, or an access key", Account: p.AWSAccount, Fields: awsFields(p)},
		{Slug: cloud.ProviderGCP, Name: "Google Cloud", Summary: "The key of a service account", Fields: gcpFields(p)},
		{Slug: cloud.ProviderAzure, Name: "Microsoft Azure", Summary: "A registered application with a client secret", Fields: azureFields(p)},
	}
}

// TypeOf returns the type with the slug.
func TypeOf(types []Type, slug string) (Type, error) {
	for _, t := range types {
		if t.Slug == slug {
			return t, nil
		}
	}
	return Type{}, fault.New(fault.CodeInvalid, "there is no type of credential %q; there are aws, gcp and azure", slug).WithPath("spec.type")
}

func when(in ...string) *connector.ShowIf {
	return &connector.ShowIf{Field: "auth", In: in}
}

// authField asks how to authenticate; the server's own identity is the last choice, where it may be used.
func authField(p Policy, options ...connector.Option) connector.Field {
	if p.ServerIdentity {
		options = append(options, connector.Option{Value: cloud.AuthServer, Label: "The server's own identity", Help: "What the machine or pod of this server is allowed."})
	}
	return connector.Field{Name: "auth", Label: "Authentication", Type: connector.FieldSelect, Default: options[0].Value, Required: true, Options: options}
}

func awsFields(p Policy) []connector.Field {
	options := []connector.Option{{Value: authKeys, Label: "Access key", Help: "An access key ID and its secret."}}
	if p.AWSAccount != "" {
		options = append([]connector.Option{{Value: authRole, Label: "Role", Help: "A role in your account that this server may assume: no key leaves your account."}}, options...)
	}
	return []connector.Field{
		authField(p, options...),
		{
			Name: "roleArn", Label: "Role ARN", Type: connector.FieldString, Required: true, Example: "arn:aws:iam::123456789012:role/millrace", ShowIf: when(authRole),
			Help: "Its trust policy names this server's account, and should ask for the external ID.",
		},
		{
			Name: "externalId", Label: "External ID", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: when(authRole),
			Help: "Issued by this server for this credential, and not shown again. If it is lost, issue another one and put it into the trust policy.",
		},
		{Name: "accessKeyId", Label: "Access key ID", Type: connector.FieldString, Required: true, Example: "AKIAIOSFODNN7EXAMPLE", ShowIf: when(authKeys)}, //nolint:gosec // the example of Amazon's own pages
		{Name: "secretAccessKey", Label: "Secret access key", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: when(authKeys)},
		{Name: "sessionToken", Label: "Session token", Type: connector.FieldSecret, Secret: true, Advanced: true, ShowIf: when(authKeys), Help: "Only for temporary keys, which stop working when they expire."},
		{Name: "stsEndpoint", Label: "STS endpoint", Type: connector.FieldString, Advanced: true, Example: "https://sts.eu-central-1.amazonaws.com", Help: "The address at which roles are assumed. Empty means Amazon's of the region."},
	}
}

func gcpFields(p Policy) []connector.Field {
	return []connector.Field{
		authField(p, connector.Option{Value: "key", Label: "Service account key", Help: "The JSON file of a service account's key."}),
		{Name: "serviceAccountKey", Label: "Service account key", Type: connector.FieldText, Secret: true, Required: true, Help: "The whole JSON file. P12 keys do not work.", ShowIf: when("key")},
	}
}

func azureFields(p Policy) []connector.Field {
	return []connector.Field{
		authField(p, connector.Option{Value: "application", Label: "Application", Help: "A registered application with a client secret."}),
		{Name: "tenantId", Label: "Tenant ID", Type: connector.FieldString, Required: true, ShowIf: when("application"), Help: "Also called directory ID."},
		{Name: "clientId", Label: "Client ID", Type: connector.FieldString, Required: true, Help: "Also called application ID.", ShowIf: when("application")},
		{Name: "clientSecret", Label: "Client secret", Type: connector.FieldSecret, Secret: true, Required: true, Help: "The secret's value, not its ID.", ShowIf: when("application")},
		{Name: "authority", Label: "Authority", Type: connector.FieldString, Advanced: true, Example: "https://login.microsoftonline.us/", Help: "Where the application signs in, in another cloud than Azure's public one.", ShowIf: when("application")},
	}
}
