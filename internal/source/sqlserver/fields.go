package sqlserver

import (
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/tds"
)

// The ways to sign in.
const (
	authPassword    = "password"
	authString      = "connectionString"
	authSecret      = "clientSecret"
	authCertificate = "clientCertificate"
)

func serverFields() []connector.Field {
	shown := &connector.ShowIf{Field: "auth", In: []string{authPassword}}
	fields := []connector.Field{authField(authPassword, authString), connectionString()}
	fields = append(fields, placeFields("db.example.com", shown)...)
	fields = append(fields, userField(shown), passwordField(shown))
	return append(fields, optionFields()...)
}

func synapseFields() []connector.Field {
	shown := &connector.ShowIf{Field: "auth", In: []string{authPassword, authSecret, authCertificate}}
	fields := []connector.Field{authField(authPassword, authString, authSecret, authCertificate), connectionString()}
	fields = append(fields, placeFields("workspace.sql.azuresynapse.net", shown)...)
	fields = append(fields, userField(shown), passwordField(&connector.ShowIf{Field: "auth", In: []string{authPassword}}))
	return append(append(fields, principalFields()...), optionFields()...)
}

func fabricFields() []connector.Field {
	fields := append([]connector.Field{authField(authSecret, authCertificate)}, placeFields("abc123.datawarehouse.fabric.microsoft.com", nil)...)
	user := userField(nil)
	user.Label, user.Advanced = "Name of the service principal", true
	return append(append(append(fields, user), principalFields()...), optionFields()...)
}

var authOptions = map[string]connector.Option{
	authPassword:    {Value: authPassword, Label: "User and password"},
	authString:      {Value: authString, Label: "Connection string"},
	authSecret:      {Value: authSecret, Label: "Service principal with a client secret"},
	authCertificate: {Value: authCertificate, Label: "Service principal with a certificate"},
}

func authField(ways ...string) connector.Field {
	f := connector.Field{Name: "auth", Label: "Sign in with", Type: connector.FieldSelect, Required: true, Default: ways[0]}
	for _, way := range ways {
		f.Options = append(f.Options, authOptions[way])
	}
	return f
}

func connectionString() connector.Field {
	return connector.Field{
		Name: "connectionString", Label: "Connection string", Type: connector.FieldSecret, Secret: true, Required: true,
		ShowIf:  &connector.ShowIf{Field: "auth", In: []string{authString}},
		Example: "Server=db.example.com,1433;Database=analytics;User Id=millrace;Password=...;Encrypt=true",
		Help:    "As other programs take it. The timeout below applies too; encryption is what the string says.",
	}
}

func placeFields(example string, shown *connector.ShowIf) []connector.Field {
	low, high := float64(1), float64(65535)
	return []connector.Field{
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Example: example, ShowIf: shown, Help: "Name or address of the server, without http:// and without a / at the end."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Default: tds.DefaultPort, Min: &low, Max: &high, ShowIf: shown},
		{Name: "database", Label: "Database", Type: connector.FieldString, Required: true, Example: "analytics", ShowIf: shown, Help: "The database that queries run in."},
	}
}

// userField is the login's name. That of a service principal is not needed to sign in.
func userField(shown *connector.ShowIf) connector.Field {
	return connector.Field{
		Name: "user", Label: "User", Type: connector.FieldString, Example: "millrace", ShowIf: shown,
		Help: `A login that may read the data; a Windows login is written DOMAIN\user. For a service principal its name in Microsoft Entra, which the SQL that grants permissions is written with.`,
	}
}

func passwordField(shown *connector.ShowIf) connector.Field {
	return connector.Field{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, ShowIf: shown, Help: "Leave it empty where the login has none."}
}

func principalFields() []connector.Field {
	principal := &connector.ShowIf{Field: "auth", In: []string{authSecret, authCertificate}}
	certificate := &connector.ShowIf{Field: "auth", In: []string{authCertificate}}
	return []connector.Field{
		{Name: "tenantId", Label: "Tenant ID", Type: connector.FieldString, Required: true, ShowIf: principal, Example: "00000000-0000-0000-0000-000000000000", Help: "Directory (tenant) ID on the application's page in Microsoft Entra."},
		{Name: "clientId", Label: "Client ID", Type: connector.FieldString, Required: true, ShowIf: principal, Example: "00000000-0000-0000-0000-000000000000", Help: "Application (client) ID on the same page."},
		{
			Name: "clientSecret", Label: "Client secret", Type: connector.FieldSecret, Secret: true, Required: true,
			ShowIf: &connector.ShowIf{Field: "auth", In: []string{authSecret}}, Help: "The secret's value, not its ID. Note the day on which it expires: the source cannot be read afterwards.",
		},
		{Name: "thumbprint", Label: "Certificate thumbprint", Type: connector.FieldString, Required: true, ShowIf: certificate, Example: "0123456789ABCDEF0123456789ABCDEF01234567", Help: "As Microsoft Entra shows it behind the uploaded certificate: 40 hexadecimal digits."},
		{Name: "privateKey", Label: "Private key", Type: connector.FieldText, Secret: true, Required: true, ShowIf: certificate, Help: "The certificate's RSA key in PEM, with the lines BEGIN and END."},
		{Name: "authority", Label: "Token service", Type: connector.FieldString, Advanced: true, ShowIf: principal, Example: "https://login.microsoftonline.us", Help: "Only for other clouds than Microsoft's public one."},
		{Name: "tokenScope", Label: "Token scope", Type: connector.FieldString, Default: publicScope, Advanced: true, ShowIf: principal, Help: "Only for other clouds than Microsoft's public one."},
	}
}

func optionFields() []connector.Field {
	low := float64(0)
	notString := &connector.ShowIf{Field: "auth", In: []string{authPassword, authSecret, authCertificate}}
	return []connector.Field{
		{Name: "requestTimeout", Label: "Request timeout", Type: connector.FieldNumber, Min: &low, Advanced: true, Help: "How many seconds a query may take until its last row. Empty or 0 means as long as it needs."},
		{
			Name: "encryption", Label: "Encryption", Type: connector.FieldSelect, Default: tds.EncryptRequired, Advanced: true, ShowIf: notString,
			Options: []connector.Option{
				{Value: tds.EncryptStrict, Label: "Strict (TDS 8.0)", Help: "SQL Server 2022 and newer, Azure SQL"},
				{Value: tds.EncryptRequired, Label: "Always"},
				{Value: tds.EncryptLogin, Label: "The login, and more if the server asks for it"},
				{Value: tds.EncryptNone, Label: "None"},
			},
		},
		{Name: "trustServerCertificate", Label: "Trust the server's certificate", Type: connector.FieldBoolean, Default: false, Advanced: true, ShowIf: notString, Help: "Encrypts to whoever answers. For servers with a certificate that they signed themselves, where the way to them is safe."},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, ShowIf: notString, Help: "PEM. Who may have signed the server's certificate; empty means those that this machine trusts."},
		{Name: "readOnlyIntent", Label: "Read from a secondary", Type: connector.FieldBoolean, Default: false, Advanced: true, ShowIf: notString, Help: "Asks the listener of an availability group, or Azure SQL, for a read-only replica (ApplicationIntent=ReadOnly)."},
	}
}
