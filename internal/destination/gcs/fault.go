package gcs

import (
	"errors"
	"net/http"

	"cloud.google.com/go/storage"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// fault says an error in our vocabulary, with the store's own words.
// https://cloud.google.com/storage/docs/json_api/v1/status-codes
func (d *destination) fault(err error, doing string) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err // reading the staging file failed, not the store
	}
	e := fault.Wrap(err, codeOf(err), "%s", doing)
	switch e.Code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeDestinationDenied:
		return e.WithSuggestion("Grant the service account the role Storage Object User on the bucket %s in the project %s: it has storage.objects.create, and storage.objects.delete, without which no file can be overwritten. Admit it to the bucket's service perimeter if there is one, and end a retention policy that holds the file.", d.settings.Bucket, d.settings.ProjectID)
	case fault.CodeDestinationAuth:
		return e.WithSuggestion("%s", d.authHint())
	case fault.CodeDestinationSchema:
		return e.WithSuggestion("Check the bucket's name, or create the bucket in the project %s.", d.settings.ProjectID)
	case fault.CodeDestinationUnreachable:
		return e.WithSuggestion("%s%s", e.Hint(), d.network.Firewall())
	}
	return e
}

func (d *destination) authHint() string {
	if d.settings.Credential.Auth == cloud.AuthServer {
		return "The server has no Google credentials of its own: give its machine or pod a service account, or use a credential with a key."
	}
	return "Check that " + d.settings.Credential.Who() + " exists and that its key was not deleted, or create another key."
}

func codeOf(err error) fault.Code {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if refused.Response != nil && refused.Response.StatusCode >= http.StatusInternalServerError {
			return fault.CodeDestinationUnreachable
		}
		return fault.CodeDestinationAuth
	}
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		return file.CodeOfStatus(answer.Code)
	}
	switch {
	case errors.Is(err, errNotHeld):
		return fault.CodeDestinationDenied
	case errors.Is(err, storage.ErrBucketNotExist):
		return fault.CodeDestinationSchema
	}
	return file.CodeOfConnection(err)
}
