package snowflake

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/snowflakedb/gosnowflake"
)

// How queries are routed to warehouses (S-41).
const (
	routingSingle = "single"
	routingSplit  = "split"
)

// How the login is proved (S-43).
const (
	authKeyPair  = "keyPair"
	authPassword = "password"
)

const (
	defaultPort   = 443
	defaultDomain = ".snowflakecomputing.com"
)

// fields are those of both sources; between stands before the credentials.
func fields(between ...connector.Field) []connector.Field {
	all := placeFields()
	all = append(all, between...)
	all = append(all, credentialFields()...)
	all = append(all, advancedFields()...)
	return append(all, connector.SchemaFields()...)
}

func placeFields() []connector.Field {
	single := &connector.ShowIf{Field: "routing", In: []string{routingSingle}}
	split := &connector.ShowIf{Field: "routing", In: []string{routingSplit}}
	return []connector.Field{
		{
			Name: "account", Label: "Account identifier", Type: connector.FieldString, Required: true, Example: "myorg-account123",
			Help: "What stands before .snowflakecomputing.com in the address of Snowflake: ORGANIZATION-ACCOUNT, or an older locator such as xy12345.us-east-2.aws. Not the whole address.",
		},
		{
			Name: "routing", Label: "Warehouses", Type: connector.FieldSelect, Default: routingSplit,
			Help: "Previews wait for nobody where they have a warehouse of their own, and each can have the size and the auto-suspend that fit it.",
			Options: []connector.Option{
				{Value: routingSplit, Label: "One for background work, one for people", Help: "Recommended."},
				{Value: routingSingle, Label: "One for everything"},
			},
		},
		{Name: "warehouse", Label: "Warehouse", Type: connector.FieldString, Required: true, ShowIf: single, Example: "MILLRACE_WH", Help: "The virtual warehouse that runs all queries."},
		{
			Name: "batchWarehouse", Label: "Batch warehouse", Type: connector.FieldString, Required: true, ShowIf: split, Example: "MILLRACE_BATCH_WH",
			Help: "Runs syncs, samples and snapshots, which nobody waits for. Size it for cost.",
		},
		{
			Name: "interactiveWarehouse", Label: "Interactive warehouse", Type: connector.FieldString, Required: true, ShowIf: split, Example: "MILLRACE_INTERACTIVE_WH",
			Help: "Runs previews, discovery and counts, which people wait for, and heavy work such as identity resolution. Size it for speed.",
		},
		{
			Name: "database", Label: "Database", Type: connector.FieldString, Required: true, Example: "ANALYTICS",
			Help: "The database whose tables can be chosen. Queries may name every database that the role can see.",
		},
	}
}

func credentialFields() []connector.Field {
	keyPair := &connector.ShowIf{Field: "authentication", In: []string{authKeyPair}}
	return []connector.Field{
		{
			Name: "user", Label: "Login name", Type: connector.FieldString, Required: true, Example: "MILLRACE_USER",
			Help: "The user's LOGIN_NAME, which may differ from its name.",
		},
		{Name: "role", Label: "Role", Type: connector.FieldString, Example: "MILLRACE_ROLE", Help: "What queries run as. Empty means the user's default role."},
		{
			Name: "authentication", Label: "Authentication", Type: connector.FieldSelect, Default: authKeyPair,
			Options: []connector.Option{
				{Value: authKeyPair, Label: "Key pair", Help: "Recommended."},
				{Value: authPassword, Label: "Password", Help: "Only for users that were made before Snowflake asked for a second factor."},
			},
		},
		{
			Name: "privateKey", Label: "Private key", Type: connector.FieldText, Required: true, Secret: true, ShowIf: keyPair,
			Help: "The file in PEM (PKCS#8), from BEGIN to END. Its public half belongs to the user: ALTER USER … SET RSA_PUBLIC_KEY.",
		},
		{Name: "passphrase", Label: "Passphrase", Type: connector.FieldSecret, Secret: true, ShowIf: keyPair, Help: "Of the private key, if it has one."},
		{
			Name: "password", Label: "Password", Type: connector.FieldSecret, Required: true, Secret: true,
			ShowIf: &connector.ShowIf{Field: "authentication", In: []string{authPassword}},
		},
	}
}

func icebergFields() []connector.Field {
	return []connector.Field{
		{
			Name: "externalVolume", Label: "External volume", Type: connector.FieldString, Required: true, Example: "MILLRACE_VOLUME",
			Help: "Where Snowflake may keep the files of Iceberg tables. The role needs USAGE on it.",
		},
		{
			Name: "baseLocation", Label: "Base location", Type: connector.FieldString, Required: true, Example: "millrace",
			Help: "The folder of the volume that Millrace's own tables lie in.",
		},
	}
}

func advancedFields() []connector.Field {
	low, high := float64(1), float64(65535)
	return []connector.Field{
		{
			Name: "host", Label: "Host", Type: connector.FieldString, Advanced: true, Example: "myorg-account123.privatelink.snowflakecomputing.com",
			Help: "Where Snowflake is reached, if not at the account's public address: a private link or a gateway.",
		},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Advanced: true, Default: defaultPort, Min: &low, Max: &high},
		{
			Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true,
			Help: "PEM. Who signed the certificate of a gateway of your own; empty means those that this machine trusts.",
		},
	}
}

type settings struct {
	Account              string `json:"account"`
	Routing              string `json:"routing"`
	Warehouse            string `json:"warehouse"`
	BatchWarehouse       string `json:"batchWarehouse"`
	InteractiveWarehouse string `json:"interactiveWarehouse"`
	Database             string `json:"database"`
	ExternalVolume       string `json:"externalVolume"`
	BaseLocation         string `json:"baseLocation"`
	User                 string `json:"user"`
	Role                 string `json:"role"`
	Authentication       string `json:"authentication"`
	PrivateKey           string `json:"privateKey"`
	Passphrase           string `json:"passphrase"`
	Password             string `json:"password"`
	Host                 string `json:"host"`
	Port                 int    `json:"port"`
	CACertificate        string `json:"caCertificate"`
}

// warehouseOf names the warehouse of a class; what has no class is work that nobody waits for.
func (s settings) warehouseOf(class connector.Workload) string {
	switch {
	case s.Routing == routingSingle:
		return s.Warehouse
	case class == connector.WorkloadInteractive:
		return s.InteractiveWarehouse
	default:
		return s.BatchWarehouse
	}
}

// key reads the private key; nil where a password is used.
func (s settings) key() (*rsa.PrivateKey, error) {
	if s.Authentication == authPassword {
		return nil, nil //nolint:nilnil // no key
	}
	return readKey(s.PrivateKey, s.Passphrase)
}

// address is where the account is reached.
func (s settings) address() string {
	switch {
	case s.Host != "":
		return s.Host
	case strings.Contains(strings.ToLower(s.Account), ".cn-"): // https://docs.snowflake.com/en/user-guide/admin-account-identifier
		return s.Account + ".snowflakecomputing.cn"
	default:
		return s.Account + defaultDomain
	}
}

// problem explains an account identifier that cannot be one (S-40).
func (s settings) problem() error {
	account := strings.ToLower(s.Account)
	switch {
	case strings.ContainsAny(account, "/:@ \t"), strings.Contains(account, "snowflakecomputing."):
	default:
		return nil
	}
	f := fault.New(fault.CodeSourceUnreachable, "could not reach Snowflake: %q is not an account identifier", s.Account)
	short := strings.TrimPrefix(strings.TrimPrefix(account, "https://"), "http://")
	if name, _, is := strings.Cut(short, ".snowflakecomputing."); is && !strings.ContainsAny(name, "/:@ \t") {
		return fault.Reclass(f.WithSuggestion("Enter only what stands before .snowflakecomputing.com: %s", name), fault.Fatal)
	}
	return fault.Reclass(f.WithSuggestion("Enter only what stands before .snowflakecomputing.com in Snowflake's address, such as myorg-account123."), fault.Fatal)
}

// The times that the driver waits. Results are read for as long as it takes; a server that says nothing at all for
// silence is given up, since it answers within 45 seconds that a query still runs.
const (
	loginTimeout = time.Minute
	silence      = 5 * time.Minute
	forever      = 30 * 24 * time.Hour
	retries      = 3
)

// config says how to open a session. The driver changes what it is given, so that each session has its own.
func (s settings) config(class connector.Workload, key *rsa.PrivateKey, t http.RoundTripper, dir string) gosnowflake.Config {
	account, _, _ := strings.Cut(s.Account, ".") // the region of an older locator belongs to the address only
	c := gosnowflake.Config{
		Account: account, User: s.User, Role: s.Role, Database: s.Database, Warehouse: s.warehouseOf(class),
		Host: s.address(), Port: s.Port, Protocol: "https", Application: "Millrace",
		ValidateDefaultParameters: gosnowflake.ConfigBoolTrue,                                                                   // a role or a warehouse that is not there is an error of the login
		LoginTimeout:              loginTimeout, ClientTimeout: forever, JWTClientTimeout: loginTimeout, MaxRetryCount: retries, //nolint:staticcheck // nothing else sets them
		Transporter: t, DisableOCSPChecks: true, // the transport is ours, and checks certificates as all our connections do
		DisableTelemetry: true, TmpDirPath: dir, Params: sessionParameters(), //nolint:staticcheck // the session parameter counts only after the login
	}
	if key != nil {
		c.Authenticator, c.PrivateKey = gosnowflake.AuthTypeJwt, key
	} else {
		c.Authenticator, c.Password = gosnowflake.AuthTypeSnowflake, s.Password
	}
	return c
}

// sessionParameters fix what results depend on (https://docs.snowflake.com/en/sql-reference/parameters): the time zone
// of instants without one, and how places and texts of numbers are written. A query whose client is gone is aborted.
func sessionParameters() map[string]*string {
	return map[string]*string{
		"TIMEZONE": new("UTC"), "QUERY_TAG": new("millrace"), "ABORT_DETACHED_QUERY": new("true"), "AUTOCOMMIT": new("true"),
		"GEOGRAPHY_OUTPUT_FORMAT": new("GeoJSON"), "GEOMETRY_OUTPUT_FORMAT": new("GeoJSON"), "TIMESTAMP_TYPE_MAPPING": new("TIMESTAMP_NTZ"),
		"QUOTED_IDENTIFIERS_IGNORE_CASE": new("false"), "CLIENT_SESSION_KEEP_ALIVE": new("false"), "MULTI_STATEMENT_COUNT": new("1"),
	}
}

// transport reaches Snowflake, its stages and the places of its results.
func (s settings) transport(n connector.Network) (*http.Transport, error) {
	t := n.Transport()
	t.ResponseHeaderTimeout = silence
	if s.CACertificate == "" {
		return t, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(s.CACertificate)) {
		return nil, fault.New(fault.CodeInvalid, "the CA certificate holds no certificate in PEM").WithPath("caCertificate")
	}
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return t, nil
}
