package azureblob

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// The ways to authenticate at a storage account.
const (
	byCredential = "credential"
	byKey        = "key"
)

// settings are the destination's own.
type settings struct {
	Authentication string      `json:"authentication"`
	Credential     cloud.Azure `json:"credential"`
	AccountKey     string      `json:"accountKey"`
	Account        string      `json:"accountName"`
	Container      string      `json:"containerName"`
	Prefix         string      `json:"prefix"`
	Endpoint       string      `json:"endpoint"`
	PublicKey      string      `json:"pgpPublicKey"`
}

func fields() []connector.Field {
	return []connector.Field{
		{
			Name: "authentication", Label: "Authentication", Type: connector.FieldSelect, Default: byCredential,
			Options: []connector.Option{{Value: byCredential, Label: "Azure credential"}, {Value: byKey, Label: "Account key"}},
		},
		{
			Name: "credential", Label: "Azure credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderAzure}, Required: true,
			Help: "Its application needs the role Storage Blob Data Contributor on the container.", ShowIf: &connector.ShowIf{Field: "authentication", In: []string{byCredential}},
		},
		{
			Name: "accountKey", Label: "Account key", Type: connector.FieldSecret, Secret: true, Required: true,
			Help: "One of the two access keys of the storage account.", ShowIf: &connector.ShowIf{Field: "authentication", In: []string{byKey}},
		},
		{Name: "accountName", Label: "Account name", Type: connector.FieldString, Required: true, Example: "acmeexports", Help: "The name of the storage account, not a URL."},
		{Name: "containerName", Label: "Container name", Type: connector.FieldString, Required: true, Example: "exports", Help: "The container must exist."},
		file.PrefixField(),
		{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://acmeexports.blob.core.usgovcloudapi.net", Help: "The address of the account's blob service in another cloud. Empty means Azure's public cloud."},
		file.PublicKeyField(),
	}
}

// Names of accounts and containers.
// https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/resource-name-rules#microsoftstorage
// https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#container-names
var (
	accountName   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	containerName = regexp.MustCompile(`^(\$root|\$web|[a-z0-9](-?[a-z0-9]){2,62})$`)
)

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	s.checkIdentity(&issues)
	s.checkName(&issues, "accountName", "account", s.Account, accountName, "it has 3 to 24 small letters and digits")
	s.checkName(&issues, "containerName", "container", s.Container, containerName, "it has 3 to 63 small letters, digits and single hyphens")
	file.CheckPrefix(s.Prefix, &issues)
	file.CheckEndpoint("endpoint", s.Endpoint, &issues)
	if err := file.CheckPublicKey(s.PublicKey); err != nil {
		issues = append(issues, fault.As(err).WithPath("spec.configuration.pgpPublicKey"))
	}
	return issues
}

func (s settings) checkIdentity(issues *fault.Issues) {
	if s.Authentication == byKey {
		if _, err := base64.StdEncoding.DecodeString(s.AccountKey); err != nil || s.AccountKey == "" {
			*issues = append(*issues, fault.New(fault.CodeInvalid, "the account key is not base64").WithPath("spec.configuration.accountKey").
				WithSuggestion("Copy the whole key, not the connection string, from the access keys of the storage account."))
		}
		return
	}
	if c := s.Credential; c.Auth != cloud.AuthServer && (c.TenantID == "" || c.ClientID == "" || c.ClientSecret == "") {
		issues.Add("spec.configuration.credential", fault.CodeInvalid, "the Azure credential needs a tenant, a client and its secret")
	}
}

func (s settings) checkName(issues *fault.Issues, field, what, name string, rule *regexp.Regexp, rules string) {
	path := "spec.configuration." + field
	switch {
	case name == "":
		issues.Add(path, fault.CodeInvalid, "the name of the %s is missing", what)
	case strings.ContainsAny(name, "/:."):
		issues.Add(path, fault.CodeInvalid, "%q is an address: enter only the name of the %s, such as acmeexports", file.Redacted(name), what)
	case !rule.MatchString(name) && s.Endpoint == "":
		issues.Add(path, fault.CodeInvalid, "%q cannot be the name of a %s: %s", name, what, rules)
	}
}
