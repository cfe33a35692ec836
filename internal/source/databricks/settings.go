package databricks

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// The values of the fields that choose between alternatives.
const (
	authOAuth = "oauth"
	authToken = "token"

	routeSingle = "single"
	routeSplit  = "split"

	dialectDefault = "databricks"
	dialectANSI    = "ansi"
)

const defaultPort = 443

func fields() []connector.Field {
	low, high := float64(1), float64(65535)
	shown := func(field, value string) *connector.ShowIf {
		return &connector.ShowIf{Field: field, In: []string{value}}
	}
	const pathHelp = "From the page of the SQL warehouse, Connection details."
	return []connector.Field{
		{Name: "host", Label: "Server hostname", Type: connector.FieldString, Required: true, Example: "dbc-a1b2345c-d6e7.cloud.databricks.com", Help: "The workspace's name, without https://."},
		{Name: "port", Label: "Port", Type: connector.FieldNumber, Required: true, Default: defaultPort, Min: &low, Max: &high},
		{
			Name: "routing", Label: "Routing of queries", Type: connector.FieldSelect, Default: routeSingle, Required: true,
			Options: []connector.Option{
				{Value: routeSingle, Label: "All queries to one SQL warehouse"},
				{Value: routeSplit, Label: "Batch and interactive queries to a SQL warehouse each", Help: "Background work does not slow down what people wait for."},
			},
		},
		{Name: "httpPath", Label: "HTTP path", Type: connector.FieldString, Required: true, ShowIf: shown("routing", routeSingle), Example: "/sql/1.0/warehouses/abcdef0123456789", Help: pathHelp},
		{Name: "batchHttpPath", Label: "Batch HTTP path", Type: connector.FieldString, Required: true, ShowIf: shown("routing", routeSplit), Example: "/sql/1.0/warehouses/abcdef0123456789", Help: "For runs of syncs and other work in the background. " + pathHelp},
		{Name: "interactiveHttpPath", Label: "Interactive HTTP path", Type: connector.FieldString, Required: true, ShowIf: shown("routing", routeSplit), Example: "/sql/1.0/warehouses/9876543210fedcba", Help: "For previews and discovery, and for what needs more compute. " + pathHelp},
		{Name: "catalog", Label: "Catalog", Type: connector.FieldString, Example: "main", Help: "Where the schemas below are. Empty means the workspace's default catalog. Queries reach other catalogs as catalog.schema.table."},
		{Name: "schema", Label: "Schema", Type: connector.FieldString, Required: true, Default: "default", Example: "default", Help: "Where queries look for tables, and whose tables are offered."},
		{
			Name: "authentication", Label: "Authentication", Type: connector.FieldSelect, Required: true, Default: authOAuth,
			Options: []connector.Option{
				{Value: authOAuth, Label: "Service principal with OAuth (recommended)"},
				{Value: authToken, Label: "Personal access token"},
			},
		},
		{Name: "clientId", Label: "Client ID", Type: connector.FieldString, Required: true, ShowIf: shown("authentication", authOAuth), Example: "63fc7e90-a8a2-4639-afd8-36ef6bb67cfa", Help: "The application ID of the service principal."},
		{Name: "clientSecret", Label: "Secret", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: shown("authentication", authOAuth), Help: "An OAuth secret of the service principal; Databricks shows it once."},
		{Name: "token", Label: "Access token", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: shown("authentication", authToken), Help: "It works until it expires."},
		{
			Name: "dialect", Label: "SQL dialect", Type: connector.FieldSelect, Default: dialectDefault, Advanced: true,
			Options: []connector.Option{
				{Value: dialectDefault, Label: "Databricks"},
				{Value: dialectANSI, Label: "Legacy ANSI SQL-92", Help: "Names in double quotes, quotes in texts doubled. Texts in double quotes and escapes with a backslash are not available."},
			},
		},
		{
			Name: "volume", Label: "Volume for loads", Type: connector.FieldString, Advanced: true, Example: "main.millrace_planner.loads",
			Help: "A Unity Catalog volume, as catalog.schema.volume, that files may be written to. With it, the Lightning engine loads rows as files; without, with INSERT.",
		},
		{Name: "caCertificate", Label: "CA certificate", Type: connector.FieldText, Advanced: true, Help: "PEM. Who else may have signed the server's certificate, where a proxy of your own stands before it."},
	}
}

type settings struct {
	Host            string `json:"host"`
	Port            int    `json:"port"`
	Routing         string `json:"routing"`
	HTTPPath        string `json:"httpPath"`
	BatchPath       string `json:"batchHttpPath"`
	InteractivePath string `json:"interactiveHttpPath"`
	Catalog         string `json:"catalog"`
	Schema          string `json:"schema"`
	Authentication  string `json:"authentication"`
	ClientID        string `json:"clientId"`
	ClientSecret    string `json:"clientSecret"`
	Token           string `json:"token"`
	Dialect         string `json:"dialect"`
	Volume          string `json:"volume"`
	CACertificate   string `json:"caCertificate"`
}

// warehousePath finds the identifier in a path; endpoints is the former name of warehouses.
// https://docs.databricks.com/aws/en/integrations/compute-details
var warehousePath = regexp.MustCompile(`^/?sql/1\.0/(?:warehouses|endpoints)/([A-Za-z0-9-]+)/?$`)

// warehouse returns the identifier of the warehouse that runs queries of a class (S-57).
func (s settings) warehouse(class connector.Workload) string {
	path := s.HTTPPath
	if s.Routing == routeSplit {
		path = s.BatchPath
		if class == connector.WorkloadInteractive {
			path = s.InteractivePath
		}
	}
	found := warehousePath.FindStringSubmatch(path)
	if found == nil {
		return ""
	}
	return found[1]
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]+$`)

// check reports the first mistake that needs no network to be seen.
func (s *settings) check() error {
	s.Host = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s.Host), "https://"), "/")
	if s.Host != "" && !hostName.MatchString(s.Host) {
		return fault.New(fault.CodeInvalid, "%s is no host name", strconv.Quote(s.Host)).WithPath("host")
	}
	paths := map[string]string{"httpPath": s.HTTPPath}
	if s.Routing == routeSplit {
		paths = map[string]string{"batchHttpPath": s.BatchPath, "interactiveHttpPath": s.InteractivePath}
	}
	for _, name := range []string{"httpPath", "batchHttpPath", "interactiveHttpPath"} {
		if path, used := paths[name]; used && !warehousePath.MatchString(path) {
			return badPath(path).WithPath(name)
		}
	}
	if s.Volume != "" && len(s.volume()) != 3 {
		return fault.New(fault.CodeInvalid, "%s is no volume", strconv.Quote(s.Volume)).WithSuggestion("Write it as catalog.schema.volume.").WithPath("volume")
	}
	return nil
}

// badPath says what is wrong with an HTTP path. The Statement Execution API runs statements on SQL warehouses only:
// https://docs.databricks.com/api/workspace/statementexecution/executestatement
func badPath(path string) *fault.Error {
	f := fault.New(fault.CodeInvalid, "%s is not the HTTP path of a SQL warehouse", strconv.Quote(path))
	if strings.Contains(path, "protocolv1") {
		return f.WithSuggestion("This is the path of an all-purpose cluster, which Millrace does not query: use a SQL warehouse, whose path is like /sql/1.0/warehouses/abcdef0123456789.")
	}
	return f.WithSuggestion("Copy it from the page of the SQL warehouse, Connection details; it is like /sql/1.0/warehouses/abcdef0123456789.")
}

// volumeName is a part of a volume's name: plain, since it becomes a part of a path.
var volumeName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// volume returns the parts of the volume's name, or nothing where it is none.
func (s settings) volume() []string {
	parts := strings.Split(s.Volume, ".")
	for i, p := range parts {
		parts[i] = strings.Trim(p, "`")
		if !volumeName.MatchString(parts[i]) {
			return nil
		}
	}
	return parts
}
