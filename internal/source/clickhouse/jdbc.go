package clickhouse

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// parseJDBC reads the address of a server as the vendor's JDBC driver writes it:
// jdbc:clickhouse:[http|https:]//[user[:password]@]host[:port][/database][?option=value&…], where jdbc:ch: is short.
// https://clickhouse.com/docs/integrations/language-clients/java/jdbc
func parseJDBC(text string) (place, error) {
	rest, ok := cutPrefix(strings.TrimSpace(text), "jdbc:clickhouse:", "jdbc:ch:")
	if !ok {
		return place{}, badString("it does not begin with jdbc:clickhouse://")
	}
	p := place{settings: url.Values{}, database: "default", user: "default"}
	scheme, address, ok := strings.Cut(rest, "//")
	switch {
	case !ok:
		return place{}, badString("it does not begin with jdbc:clickhouse://")
	case scheme == "https:":
		p.secure = true
	case scheme != "" && scheme != "http:":
		return place{}, badString("only HTTP and HTTPS are spoken")
	}
	u, err := url.Parse("http://" + address)
	if err != nil || u.Hostname() == "" || strings.Contains(u.Host, ",") { // the error would show the password
		return place{}, badString("it has no host, or more than one")
	}
	if name := strings.Trim(u.Path, "/"); name != "" {
		p.database = name
	}
	if u.User != nil {
		p.user = u.User.Username()
		p.password, _ = u.User.Password()
	}
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return place{}, badString("its options cannot be read; write %25 for a percent sign")
	}
	for name, values := range options {
		if err := p.option(name, values[len(values)-1]); err != nil {
			return place{}, err
		}
	}
	p.host, p.port = u.Hostname(), u.Port()
	if p.port == "" {
		p.port = strconv.Itoa(defaultPort)
		if p.secure {
			p.port = strconv.Itoa(defaultSecurePort)
		}
	}
	return p, nil
}

// badString never shows the string, which has a password.
func badString(problem string) *fault.Error {
	return fault.New(fault.CodeInvalid, "the connection string cannot be used: %s", problem).WithPath("connectionString").
		WithSuggestion("Write it as jdbc:clickhouse://host:port/database?user=…&password=…")
}

func cutPrefix(text string, prefixes ...string) (string, bool) {
	for _, p := range prefixes {
		if len(text) >= len(p) && strings.EqualFold(text[:len(p)], p) {
			return text[len(p):], true
		}
	}
	return text, false
}

// driverOptions are those of the JDBC driver that say how it works, not what the server does.
var driverOptions = map[string]bool{
	"compress": true, "decompress": true, "compress_algorithm": true, "decompress_algorithm": true, "socket_timeout": true, "connection_timeout": true,
	"connect_timeout": true, "client_name": true, "product_name": true, "use_server_time_zone": true, "use_time_zone": true, "use_binary_string": true,
	"auto_discovery": true, "load_balancing_policy": true, "failover": true, "retry": true, "health_check_interval": true, "http_connection_provider": true,
	"buffer_size": true, "max_buffer_size": true, "async": true, "typemappings": true, "jdbccompliant": true, "jdbc_ignore_unsupported_values": true,
	"databaseterm": true, "null_as_default": true, "wrapperobject": true, "continuebatchonerror": true, "fetchsize": true, "autocommit": true,
	"beta.row_binary_for_simple_insert": true, "jdbc_resultset_auto_close": true, "keepalivetimeout": true, "maxtotal": true, "defaultmaxperroute": true,
	"session_timeout": true, "session_check": true,
}

// option takes in one option of the address. Those that nobody here knows are the server's settings: it says which ones
// it does not have.
func (p *place) option(name, text string) error {
	switch lower := strings.ToLower(name); {
	case lower == "user" || lower == "username":
		p.user = text
	case lower == "password":
		p.password = text
	case lower == "database":
		p.database = text
	case lower == "ssl":
		on, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return badString("ssl is true or false")
		}
		p.secure = p.secure || on
	case lower == "sslmode":
		p.anyone = strings.EqualFold(text, "none")
	case lower == "protocol":
		p.secure = p.secure || strings.EqualFold(text, "https")
	case lower == "path" || lower == "http_path":
		p.path = text
	case lower == "custom_http_params" || lower == "custom_settings":
		for pair := range strings.SplitSeq(text, ",") {
			if k, v, ok := strings.Cut(pair, "="); ok {
				p.settings.Set(strings.TrimSpace(k), strings.TrimSpace(v))
			}
		}
	case strings.HasPrefix(lower, "clickhouse_setting_"):
		p.settings.Set(name[len("clickhouse_setting_"):], text)
	case driverOptions[lower]:
	case reserved[lower]:
		return badString("the option " + strconv.Quote(name) + " is Millrace's own")
	default:
		p.settings.Set(name, text)
	}
	return nil
}

// reserved are parameters that would change what is read.
var reserved = map[string]bool{"query": true, "query_id": true, "default_format": true, "wait_end_of_query": true, "readonly": true, "session_id": true}
