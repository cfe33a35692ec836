package objects

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// The ways to authenticate at a storage account.
const (
	azureByCredential = "credential"
	azureByKey        = "key"
)

// Azure describes the source of files in Azure Blob Storage (S-33).
func Azure() connector.SourceInfo {
	info := connector.SourceInfo{
		Slug: "azure-blob", Name: "Azure Blob Storage", Category: "file", Summary: "CSV, JSON and Parquet files in a container",
		Fields: []connector.Field{
			{
				Name: "authentication", Label: "Authentication", Type: connector.FieldSelect, Default: azureByCredential,
				Options: []connector.Option{{Value: azureByCredential, Label: "Azure credential"}, {Value: azureByKey, Label: "Account key"}},
			},
			{
				Name: "credential", Label: "Azure credential", Type: connector.FieldCredential, Providers: []string{cloud.ProviderAzure}, Required: true,
				Help: "Its application needs the role Storage Blob Data Reader on the container.", ShowIf: &connector.ShowIf{Field: "authentication", In: []string{azureByCredential}},
			},
			{
				Name: "accountKey", Label: "Account key", Type: connector.FieldSecret, Secret: true, Required: true,
				Help: "One of the two access keys of the storage account.", ShowIf: &connector.ShowIf{Field: "authentication", In: []string{azureByKey}},
			},
			{Name: "accountName", Label: "Account name", Type: connector.FieldString, Required: true, Example: "acmeexports", Help: "The name of the storage account, not a URL."},
			{Name: "containerName", Label: "Container name", Type: connector.FieldString, Required: true, Example: "exports"},
			{Name: "endpoint", Label: "Endpoint", Type: connector.FieldString, Advanced: true, Example: "https://acmeexports.blob.core.usgovcloudapi.net", Help: "The address of the account's blob service in another cloud. Empty means Azure's public cloud."},
		},
		Methods: []string{"file"}, Engines: []string{connector.EngineBasic},
		Files: &connector.FileRules{Extensions: extensions, Newest: true},
	}
	info.Open = func(o connector.SourceOptions) (connector.Source, error) {
		c := &azureContainer{network: o.Network}
		if err := o.Settings.Decode(c); err != nil {
			return nil, err
		}
		if err := errors.Join(checkName("accountName", c.Account), checkName("containerName", c.Container)); err != nil {
			return nil, err
		}
		if err := c.connect(); err != nil {
			return nil, err
		}
		return newSource(info, c, o.Dir), nil
	}
	return info
}

// azureContainer is a container of Azure Blob Storage.
type azureContainer struct {
	Authentication string      `json:"authentication"`
	Credential     cloud.Azure `json:"credential"`
	AccountKey     string      `json:"accountKey"`
	Account        string      `json:"accountName"`
	Container      string      `json:"containerName"`
	Endpoint       string      `json:"endpoint"`

	network   connector.Network
	transport *http.Transport
	client    *container.Client
}

var _ store = (*azureContainer)(nil)

// azureRetries is how often a request is made again.
const azureRetries = 3

func (c *azureContainer) connect() (err error) {
	c.transport = c.network.Transport()
	client := &http.Client{Transport: c.transport}
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: client, Retry: policy.RetryOptions{MaxRetries: azureRetries}}}
	if c.Authentication == azureByKey {
		shared, err := container.NewSharedKeyCredential(c.Account, c.AccountKey)
		if err != nil {
			return fault.New(fault.CodeInvalid, "the account key is not base64").WithPath("spec.configuration.accountKey")
		}
		c.client, err = container.NewClientWithSharedKeyCredential(c.address(), shared, options)
		return err
	}
	tokens, err := c.Credential.Token(client)
	if err != nil {
		return fault.Wrap(err, fault.CodeSourceAuth, "reading the Azure credential")
	}
	c.client, err = container.NewClient(c.address(), tokens, options)
	return err
}

func (c *azureContainer) address() string {
	service := "https://" + c.Account + ".blob.core.windows.net"
	if c.Endpoint != "" {
		service = strings.TrimRight(c.Endpoint, "/")
	}
	return service + "/" + c.Container
}

func (c *azureContainer) close() error {
	c.transport.CloseIdleConnections()
	return nil
}

func (c *azureContainer) test(ctx context.Context) error {
	one := int32(1)
	_, err := c.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{MaxResults: &one}).NextPage(ctx)
	return c.fault(err, "listing the container "+c.Container)
}

func (c *azureContainer) list(ctx context.Context, prefix string) iter.Seq2[connector.FileEntry, error] {
	return func(yield func(connector.FileEntry, error) bool) {
		for pages := c.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix}); pages.More(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(connector.FileEntry{}, c.fault(err, "listing the container "+c.Container))
				return
			}
			for _, item := range page.Segment.BlobItems {
				if !yield(entryOf(item), nil) {
					return
				}
			}
		}
	}
}

func entryOf(item *container.BlobItem) connector.FileEntry {
	f := connector.FileEntry{Path: *item.Name}
	if p := item.Properties; p != nil {
		if p.ContentLength != nil {
			f.Size = *p.ContentLength
		}
		if p.LastModified != nil {
			f.Modified = *p.LastModified
		}
	}
	return f
}

func (c *azureContainer) open(ctx context.Context, path string) (io.ReadCloser, error) {
	answer, err := c.client.NewBlobClient(path).DownloadStream(ctx, nil)
	if err != nil {
		return nil, c.fault(err, "reading "+path)
	}
	want := int64(0)
	if answer.ContentLength != nil {
		want = *answer.ContentLength
	}
	r := answer.NewRetryReader(ctx, &blob.RetryReaderOptions{MaxRetries: azureRetries})
	return &body{ReadCloser: r, want: want, path: path, network: c.network}, nil
}

// azureCodes are the store's error codes.
// https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes
var azureCodes = map[bloberror.Code]fault.Code{
	bloberror.AuthenticationFailed: fault.CodeSourceAuth, bloberror.InvalidAuthenticationInfo: fault.CodeSourceAuth,
	bloberror.NoAuthenticationInformation: fault.CodeSourceAuth, bloberror.AuthorizationFailure: fault.CodeSourceDenied,
	bloberror.AuthorizationPermissionMismatch: fault.CodeSourceDenied, bloberror.BlobNotFound: fault.CodeSourceFile,
	bloberror.BlobArchived: fault.CodeSourceFile,
}

// fault gives an error its code, in the store's own words, and says what to do.
func (c *azureContainer) fault(err error, doing string) error {
	if err == nil {
		return nil
	}
	code, status := fault.CodeSourceUnreachable, 0
	var answer *azcore.ResponseError
	var failed *azidentity.AuthenticationFailedError
	switch {
	case errors.As(err, &failed):
		code = fault.CodeSourceAuth
	case errors.As(err, &answer):
		status = answer.StatusCode
		code = codeOfStatus(status)
		if known, ok := azureCodes[bloberror.Code(answer.ErrorCode)]; ok {
			code = known
		}
	}
	e := fault.Wrap(err, code, "%s", doing)
	switch code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeSourceDenied:
		return e.WithSuggestion("Give the application the role Storage Blob Data Reader on the container %s, and admit this server to the account's firewall.%s", c.Container, c.network.Firewall())
	case fault.CodeSourceAuth:
		return e.WithSuggestion("%s", c.authAdvice())
	case fault.CodeSourceFile:
		return e.WithSuggestion("Check the path; it begins below the container. A blob of the archive tier must be rehydrated first.")
	}
	return unreachable(e, status, c.network, "Check the names of the account and of the container.")
}

func (c *azureContainer) authAdvice() string {
	if c.Authentication == azureByKey {
		return "Check the account key, and that the account allows access by keys."
	}
	return "Check tenant and client, and that the client secret is the secret's value, not its ID, and has not expired."
}
