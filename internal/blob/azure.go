package blob

import (
	"context"
	"errors"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azurecloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/fault"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
)

// Azure is a container of Azure Blob Storage.
type Azure struct {
	Account        string
	Container      string
	Prefix         string
	ServerIdentity bool // the server's own credentials are used
	TenantID       string
	ClientID       string
	ClientSecret   string // the secret's value; with an empty one, the account's key is used
	AccountKey     string
	Endpoint       string // of the blob service with the account; empty means Azure's
	Authority      string // where tokens come from; empty means Azure's
}

var _ Place = Azure{}

// Label names the container.
func (p Azure) Label() string {
	return label("Azure Blob Storage, account "+p.Account+", container "+p.Container, p.prefix())
}

// Identity is the container's address and the prefix.
func (p Azure) Identity() string { return "azure " + p.address() + "/" + p.prefix() }

func (p Azure) prefix() string { return folderOf(p.Prefix) }

func (p Azure) address() string {
	service := "https://" + p.Account + ".blob.core.windows.net"
	if p.Endpoint != "" {
		service = strings.TrimRight(p.Endpoint, "/")
	}
	return service + "/" + p.Container
}

// opened is never so: no warehouse that can be read writes files into Azure with what a storage knows.
func (p Azure) opened() (Where, bool) { return Where{}, false }

func (p Azure) open(ctx context.Context, o Options) (*blob.Bucket, func() error, error) {
	client, err := p.client(o)
	if err != nil {
		return nil, nil, err
	}
	b, err := azureblob.OpenBucket(ctx, client, nil)
	return b, nil, err
}

func (p Azure) client(o Options) (*container.Client, error) {
	options := &container.ClientOptions{ClientOptions: p.clientOptions(o)}
	if !p.ServerIdentity && p.ClientSecret == "" {
		shared, err := container.NewSharedKeyCredential(p.Account, p.AccountKey)
		if err != nil {
			return nil, fault.New(fault.CodeInvalid, "the account key is not base64")
		}
		return container.NewClientWithSharedKeyCredential(p.address(), shared, options)
	}
	credential, err := p.credential(o)
	if err != nil {
		return nil, err
	}
	return container.NewClient(p.address(), credential, options)
}

func (p Azure) credential(o Options) (azcore.TokenCredential, error) {
	a := cloud.Azure{TenantID: p.TenantID, ClientID: p.ClientID, ClientSecret: p.ClientSecret, Authority: p.Authority}
	if p.ServerIdentity {
		a.Auth = cloud.AuthServer
	}
	return a.Token(o.client())
}

func (p Azure) clientOptions(o Options) azcore.ClientOptions {
	c := azcore.ClientOptions{Transport: o.client(), Retry: policy.RetryOptions{MaxRetries: 3}}
	if p.Authority != "" {
		c.Cloud = azurecloud.Configuration{ActiveDirectoryAuthorityHost: p.Authority}
	}
	return c
}

func (p Azure) advice(x problem) string {
	switch x.code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeStorageDenied:
		return "Give the application the role Storage Blob Data Contributor on the container " + p.Container +
			". Where the account admits selected networks only, add this server's addresses to its network rules."
	case fault.CodeStorageAuth:
		return p.authAdvice(x.err)
	case fault.CodeStorageMissing:
		return "Check the names of the account and the container, or create the container."
	}
	return ""
}

// authAdvice tells apart what the authority says.
// https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
func (p Azure) authAdvice(err error) string {
	var failed *azidentity.AuthenticationFailedError
	text := err.Error()
	switch {
	case p.ServerIdentity:
		return "The server has no Azure identity of its own: give its machine or pod a managed identity, or enter an application's credentials."
	case !errors.As(err, &failed):
		return "Check the account key, and that the account allows access with keys."
	case strings.Contains(text, "AADSTS7000222"):
		return "The client secret has expired: make another one for the application, and enter its value."
	case strings.Contains(text, "invalid_client"):
		return "Enter the client secret's value, not the secret's ID: the value is shown once, when the secret is made."
	default:
		return "Check the tenant ID and the client ID of the application."
	}
}
