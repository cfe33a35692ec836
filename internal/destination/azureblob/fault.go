package azureblob

import (
	"errors"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// codes are the store's error codes; of the others the status tells.
// https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes
var codes = map[bloberror.Code]fault.Code{
	bloberror.AuthenticationFailed: fault.CodeDestinationAuth, bloberror.InvalidAuthenticationInfo: fault.CodeDestinationAuth,
	bloberror.NoAuthenticationInformation: fault.CodeDestinationAuth, "KeyBasedAuthenticationNotPermitted": fault.CodeDestinationAuth,
	bloberror.AuthorizationFailure: fault.CodeDestinationDenied, bloberror.AuthorizationPermissionMismatch: fault.CodeDestinationDenied,
	bloberror.BlobImmutableDueToPolicy: fault.CodeDestinationDenied, bloberror.LeaseIDMissing: fault.CodeDestinationDenied,
	bloberror.AccountIsDisabled: fault.CodeDestinationDenied,
	bloberror.ContainerNotFound: fault.CodeDestinationSchema, bloberror.ContainerBeingDeleted: fault.CodeDestinationSchema,
	bloberror.ContainerDisabled: fault.CodeDestinationSchema, bloberror.InvalidResourceName: fault.CodeDestinationSchema,
	bloberror.InvalidBlobType: fault.CodeDestinationSchema, bloberror.BlobArchived: fault.CodeDestinationSchema,
	bloberror.ServerBusy: fault.CodeDestinationThrottled, bloberror.OperationTimedOut: fault.CodeDestinationTimeout,
}

// fault says an error in our vocabulary, with the store's own words.
func (d *destination) fault(err error, doing string) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err // reading the staging file failed, not the store
	}
	e := fault.Wrap(err, codeOf(err), "%s", doing)
	switch e.Code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeDestinationDenied:
		return e.WithSuggestion("Give the identity the role Storage Blob Data Contributor on the container %s, admit this server to the account's firewall, and look whether an immutability policy or a lease holds the blob.%s", d.settings.Container, d.network.Firewall())
	case fault.CodeDestinationAuth:
		return e.WithSuggestion("%s", d.authHint())
	case fault.CodeDestinationSchema:
		return e.WithSuggestion("Check the container's name, or create the container. Where a page blob, an append blob or an archived blob has the file's name, delete it or choose another name.")
	case fault.CodeDestinationUnreachable:
		return e.WithSuggestion("Check the account's name. %s%s", e.Hint(), d.network.Firewall())
	}
	return e
}

func (d *destination) authHint() string {
	switch {
	case d.settings.Authentication == byKey:
		return "Check the account key, and that the account allows access by keys."
	case d.settings.Credential.Auth == cloud.AuthServer:
		return "The server has no Azure identity of its own: give its machine or pod a managed identity, or use an application's credential."
	default:
		return "Check tenant and client, and that the client secret is the secret's value, not its ID, and has not expired."
	}
}

func codeOf(err error) fault.Code {
	if _, failed := errors.AsType[*azidentity.AuthenticationFailedError](err); failed || strings.Contains(err.Error(), "DefaultAzureCredential") {
		return fault.CodeDestinationAuth
	}
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok {
		if code, known := codes[bloberror.Code(answer.ErrorCode)]; known {
			return code
		}
		return file.CodeOfStatus(answer.StatusCode)
	}
	return file.CodeOfConnection(err)
}
