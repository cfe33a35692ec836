package file

import (
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// PrefixField is the setting of a bucket: a folder before every file name.
func PrefixField() connector.Field {
	return connector.Field{Name: "prefix", Label: "Prefix", Type: connector.FieldString, Example: "crm/exports", Help: "A folder that is put before every file name."}
}

// Prefix returns a prefix with a slash at its end and none at its start; an empty one stays empty.
func Prefix(text string) string {
	p := strings.Trim(text, "/")
	if p == "" {
		return ""
	}
	return p + "/"
}

// CheckPrefix refuses a prefix that is no plain path.
func CheckPrefix(text string, issues *fault.Issues) {
	p := "/" + Prefix(text)
	if strings.Contains(p, "/../") || strings.Contains(p, "/./") || strings.Contains(p, "//") {
		issues.Add("spec.configuration.prefix", fault.CodeInvalid, "the prefix %q is not a plain path", text)
	}
}

// Redacted takes away what may be a signature or password in an address.
func Redacted(address string) string {
	address, _, _ = strings.Cut(address, "?")
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		address = address[at+1:]
	}
	return address
}

// CheckEndpoint refuses what is no address of a store. An empty one is the provider's own.
func CheckEndpoint(field, text string, issues *fault.Issues) {
	if text == "" {
		return
	}
	path := "spec.configuration." + field
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		issues.Add(path, fault.CodeInvalid, "the address must be like https://storage.example.com:9000")
	case u.User != nil || u.RawQuery != "":
		issues.Add(path, fault.CodeInvalid, "the address must have no user, password or query")
	}
}
