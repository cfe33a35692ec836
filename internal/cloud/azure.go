package cloud

import (
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azurecloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Azure is an identity at Microsoft Entra: an application with its secret, or the server's own identity.
type Azure struct {
	Auth         string `json:"auth"` // "application" or AuthServer
	TenantID     string `json:"tenantId"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"` // the secret's value, not its ID
	Authority    string `json:"authority"`    // where tokens are issued; empty means Microsoft's public cloud
}

// Token returns what Azure's clients get tokens from, which client fetches. The server's own identity is asked for
// without client, which may be confined to other places than the metadata service of its machine. It connects to nothing
// by itself.
func (a Azure) Token(client *http.Client) (azcore.TokenCredential, error) {
	o := azcore.ClientOptions{Transport: client}
	if a.Authority != "" {
		o.Cloud = azurecloud.Configuration{ActiveDirectoryAuthorityHost: a.Authority}
	}
	if a.Auth == AuthServer {
		o.Transport = nil
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: o})
	}
	return azidentity.NewClientSecretCredential(a.TenantID, a.ClientID, a.ClientSecret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: o, DisableInstanceDiscovery: a.Authority != "",
	})
}
