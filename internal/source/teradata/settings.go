package teradata

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// The ports of a Teradata gateway.
const (
	defaultPort      = 1025
	defaultHTTPSPort = 443
)

// defaultMechanism is how people sign in whose password the database keeps.
const defaultMechanism = "TD2"

func fields() []connector.Field {
	low, high, zero := float64(1), float64(65535), float64(0)
	return []connector.Field{
		{Name: "host", Label: "Host", Type: connector.FieldString, Required: true, Example: "vantage.example.com", Help: "Name or address of the database."},
		{Name: "user", Label: "Username", Type: connector.FieldString, Required: true, Example: "millrace", Help: "A user of its own that may read the data."},
		{Name: "password", Label: "Password", Type: connector.FieldSecret, Secret: true, Required: true},
		{Name: "database", Label: "Database", Type: connector.FieldString, Example: "sales", Help: "Where names without a database lie. Empty means the user's own."},
		{
			Name: "mechanism", Label: "Logon mechanism", Type: connector.FieldSelect, Default: defaultMechanism, Help: "Who checks the password.",
			Options: []connector.Option{
				{Value: defaultMechanism, Label: "TD2: the database"}, {Value: "LDAP", Label: "LDAP: a directory"},
				{Value: "TDNEGO", Label: "TDNEGO: whichever both sides have"}, {Value: "KRB5", Label: "KRB5: Kerberos"},
			},
		},
		{
			Name: "encryption", Label: "Encryption", Type: connector.FieldSelect, Default: "Prefer", Advanced: true,
			Options: []connector.Option{
				{Value: "Prefer", Label: "TLS, if the database offers it"}, {Value: "Require", Label: "TLS, always"},
				{Value: "Verify-CA", Label: "TLS, with a certificate that an authority of the driver signed"}, {Value: "Disable", Label: "None"},
			},
			Help: "The driver reaches the database over this server, so that it cannot compare the host's name with the certificate's.",
		},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Default: defaultPort, Min: &low, Max: &high, Advanced: true, Help: "Of connections without TLS."},
		{Name: "httpsPort", Label: "Port with TLS", Type: connector.FieldNumber, Default: defaultHTTPSPort, Min: &low, Max: &high, Advanced: true},
		{Name: "options", Label: "Further options", Type: connector.FieldText, Advanced: true, Example: "SessionMode=ANSI;Account=$M$ETL", Help: "Keywords of the vendor's ODBC driver, as in a connection string."},
		{Name: "requestTimeout", Label: "Request timeout", Type: connector.FieldNumber, Min: &zero, Advanced: true, Help: "How many seconds a query may take until its last row. Empty or 0 means as long as it needs."},
	}
}

type settings struct {
	Host           string  `json:"host"`
	User           string  `json:"user"`
	Password       string  `json:"password"`
	Database       string  `json:"database"`
	Mechanism      string  `json:"mechanism"`
	Encryption     string  `json:"encryption"`
	Port           int     `json:"port"`
	HTTPSPort      int     `json:"httpsPort"`
	Options        string  `json:"options"`
	RequestTimeout float64 `json:"requestTimeout"` // seconds
}

func (s settings) check() error {
	if s.Host == "" || strings.ContainsAny(s.Host, "/?#@ \t\r\n;{}=") {
		return fault.New(fault.CodeInvalid, "the host is a name or an address, with nothing before or behind it").WithPath("host")
	}
	for path, v := range map[string]string{"user": s.User, "password": s.Password, "database": s.Database} {
		if strings.ContainsAny(v, "}\x00") {
			return fault.New(fault.CodeInvalid, "the driver cannot be given a value with a closing brace").WithPath(path).WithSuggestion("Choose one without }.")
		}
	}
	_, err := s.further()
	return err
}

// option is a keyword of a connection string and its value.
type option struct{ key, value string }

// ports are where the driver reaches the database: on this machine.
type ports struct{ plain, secure int }

// connection is the connection string. Its keywords are those of
// https://docs.teradata.com/r/ODBC-Driver-for-Teradata-User-Guide/June-2022/ODBC-Application-Development/ODBC-Connection-Functions-and-Dialog/Keywords-for-SQLDriverConnect-and-SQLBrowseConnect
func (s settings) connection(driver string, p ports) string {
	further, _ := s.further() //nolint:errcheck // checked when the source was opened
	return connectionOf(slices.Concat([]option{
		{"DRIVER", driver}, {"DBCNAME", loopback}, {"UID", s.User}, {"PWD", s.Password}, {"DATABASE", s.Database},
		{"AUTHENTICATION", s.Mechanism}, {"SSLMODE", s.Encryption},
		{"TDMSTPORTNUMBER", strconv.Itoa(p.plain)}, {"HTTPS_PORT", strconv.Itoa(p.secure)},
		{"CHARACTERSET", "UTF16"}, {"DATETIMEFORMAT", "AAA"},
	}, further))
}

func connectionOf(options []option) string {
	var b strings.Builder
	for _, o := range options {
		switch {
		case o.value == "":
		case plain.MatchString(o.value):
			b.WriteString(o.key + "=" + o.value + ";")
		default:
			b.WriteString(o.key + "={" + o.value + "};")
		}
	}
	return b.String()
}

var (
	plain   = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	keyword = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

	// own are keywords that other settings decide, or that name the driver or files of this machine.
	own = regexp.MustCompile(`(?i)^(DRIVER|DSN|DBCNAME|UID|USERNAME|PWD|PASSWORD|DATABASE|DEFAULTDATABASE|AUTHENTICATION|MECHANISMNAME|SSLMODE|TDMSTPORTNUMBER|HTTPS_PORT|CHARACTERSET|CHARSET|DATETIMEFORMAT|.*(FILE|PATH|DSN|TRACE|LOGLEVEL|LIBRARY|PROXY).*)$`)
)

// further reads the options that a person wrote.
func (s settings) further() ([]option, error) {
	var all []option
	for part := range strings.SplitSeq(s.Options, ";") {
		key, value, found := strings.Cut(strings.TrimSpace(part), "=")
		switch key, value = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), "{}"); {
		case part == "" || !found && strings.TrimSpace(part) == "":
		case !found || !keyword.MatchString(key) || strings.ContainsAny(value, "{}\x00"):
			return nil, fault.New(fault.CodeInvalid, "the options are keywords with values, such as SessionMode=ANSI, with a semicolon between them").WithPath("options")
		case own.MatchString(key):
			return nil, fault.New(fault.CodeInvalid, "%s is no option to set here", key).WithPath("options").WithSuggestion("Leave it out: other settings decide it, or the operator of this server.")
		default:
			all = append(all, option{key, value})
		}
	}
	return all, nil
}
