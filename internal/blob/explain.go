package blob

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"
)

// operation is what a place was asked to do.
type operation int

const (
	other operation = iota
	writing
	reading
	deleting
	listing
)

// problem is an error of a place with its code.
type problem struct {
	operation operation
	code      fault.Code
	err       error
}

// s3Codes are error codes of S3 and STS.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var s3Codes = map[string]fault.Code{
	"NoSuchKey": fault.CodeNotFound, "NotFound": fault.CodeNotFound, // the latter answers a HEAD
	"NoSuchBucket": fault.CodeStorageMissing, "InvalidBucketName": fault.CodeStorageMissing,
	"PermanentRedirect": fault.CodeStorageMissing, "AuthorizationHeaderMalformed": fault.CodeStorageMissing, "IllegalLocationConstraint": fault.CodeStorageMissing,
	"AccessDenied": fault.CodeStorageDenied, "AllAccessDisabled": fault.CodeStorageDenied, "Forbidden": fault.CodeStorageDenied,
	"AccountProblem": fault.CodeStorageDenied, "KMS.DisabledException": fault.CodeStorageDenied,
	"InvalidAccessKeyId": fault.CodeStorageAuth, "SignatureDoesNotMatch": fault.CodeStorageAuth, "ExpiredToken": fault.CodeStorageAuth,
	"ExpiredTokenException": fault.CodeStorageAuth, "InvalidToken": fault.CodeStorageAuth, "InvalidClientTokenId": fault.CodeStorageAuth,
	"TokenRefreshRequired": fault.CodeStorageAuth, "RequestTimeTooSkewed": fault.CodeStorageAuth,
}

// azureCodes are error codes of Azure Blob Storage.
// https://learn.microsoft.com/en-us/rest/api/storageservices/common-rest-api-error-codes
var azureCodes = map[bloberror.Code]fault.Code{
	bloberror.BlobNotFound: fault.CodeNotFound, bloberror.ContainerNotFound: fault.CodeStorageMissing,
	bloberror.ContainerBeingDeleted: fault.CodeStorageMissing, bloberror.InvalidResourceName: fault.CodeStorageMissing,
	bloberror.AuthenticationFailed: fault.CodeStorageAuth, bloberror.InvalidAuthenticationInfo: fault.CodeStorageAuth,
	bloberror.NoAuthenticationInformation: fault.CodeStorageAuth, "KeyBasedAuthenticationNotPermitted": fault.CodeStorageAuth,
}

// codeOf finds the code of an error. It reads the providers' own errors: the library that speaks with them takes a
// denial or a name that does not resolve for an absent object, and an absent object means that what was synced
// before is lost.
func codeOf(err error) fault.Code {
	switch {
	case errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), syscall.ENOSPC.Error()):
		return fault.CodeDiskFull
	case errors.Is(err, fs.ErrNotExist):
		return fault.CodeNotFound
	case errors.Is(err, fs.ErrPermission):
		return fault.CodeStorageDenied
	}
	for _, read := range []func(error) fault.Code{codeOfS3, codeOfAzure, codeOfGCS, codeOfConnection} {
		if code := read(err); code != "" {
			return code
		}
	}
	return fault.CodeStorage
}

func codeOfS3(err error) fault.Code {
	if inSTS(err) {
		return fault.CodeStorageAuth
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if code, known := s3Codes[api.ErrorCode()]; known {
			return code
		}
	}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() != 0 {
		return codeOfStatus(answer.HTTPStatusCode())
	}
	if strings.Contains(err.Error(), "refresh cached credentials") || strings.Contains(err.Error(), "static credentials are empty") {
		return fault.CodeStorageAuth
	}
	return ""
}

// inSTS reports whether assuming a role was refused.
func inSTS(err error) bool {
	var o *smithy.OperationError
	for ; errors.As(err, &o); err = o.Err {
		var answer *awshttp.ResponseError
		if o.ServiceID == sts.ServiceID && errors.As(o.Err, &answer) {
			return true
		}
	}
	return false
}

func codeOfStatus(status int) fault.Code {
	switch {
	case status == http.StatusUnauthorized:
		return fault.CodeStorageAuth
	case status == http.StatusForbidden:
		return fault.CodeStorageDenied
	case status == http.StatusNotFound, status/100 == 3:
		return fault.CodeStorageMissing
	default:
		return ""
	}
}

func codeOfAzure(err error) fault.Code {
	var failed *azidentity.AuthenticationFailedError
	var unavailable *azidentity.AuthenticationRequiredError
	if errors.As(err, &failed) || errors.As(err, &unavailable) || strings.Contains(err.Error(), "DefaultAzureCredential") {
		return fault.CodeStorageAuth
	}
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return ""
	}
	if code, known := azureCodes[bloberror.Code(answer.ErrorCode)]; known {
		return code
	}
	return codeOfStatus(answer.StatusCode)
}

func codeOfGCS(err error) fault.Code {
	if _, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fault.CodeStorageAuth
	}
	switch {
	case errors.Is(err, storage.ErrBucketNotExist), isGCS(err) && strings.Contains(err.Error(), "bucket does not exist"):
		return fault.CodeStorageMissing
	case errors.Is(err, storage.ErrObjectNotExist):
		return fault.CodeNotFound
	}
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return ""
	}
	if answer.Code == http.StatusNotFound {
		return fault.CodeNotFound
	}
	return codeOfStatus(answer.Code)
}

func isGCS(err error) bool {
	var answer *googleapi.Error
	return errors.As(err, &answer) || errors.Is(err, storage.ErrObjectNotExist)
}

func codeOfConnection(err error) fault.Code {
	var dns *net.DNSError
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return fault.CodeRunCancelled
	case errors.As(err, &dns), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return fault.CodeStorageUnreachable
	default:
		return ""
	}
}

// fault gives an error of the place its code, and what to do about it.
func (b *Bucket) fault(err error, op operation, doing string) error {
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return known
	}
	p := problem{op, codeOf(err), err}
	if p.code == fault.CodeNotFound && (op == writing || op == listing) && b.place != nil {
		p.code = fault.CodeStorageMissing // what is not there can only be the bucket
	}
	if p.code == fault.CodeNotFound {
		return fault.New(fault.CodeNotFound, "%s: there is no such object", doing)
	}
	e := fault.Wrap(err, p.code, "%s", doing)
	if hint := b.hint(p); hint != "" {
		return e.WithSuggestion("%s", hint)
	}
	return e
}

func (b *Bucket) hint(p problem) string {
	hint := ""
	if b.place != nil {
		hint = b.place.advice(p)
	}
	if p.code == fault.CodeStorageUnreachable {
		hint = connectionAdvice(p.err)
	}
	if hint != "" && (p.code == fault.CodeStorageDenied || p.code == fault.CodeStorageUnreachable) {
		hint += b.options.egress()
	}
	return hint
}

// unresolved finds the name that did not resolve: what fetches tokens passes the text of an error on, and not the error.
var unresolved = regexp.MustCompile(`lookup (\S+?)(?: on \S+)?: no such host`)

// connectionAdvice says why a place cannot be reached.
func connectionAdvice(err error) string {
	name := unresolved.FindStringSubmatch(err.Error())
	switch {
	case name != nil:
		return "The name " + name[1] + " does not resolve: check the name of the account, the region and the endpoint, and the server's DNS."
	case strings.Contains(err.Error(), "are not allowed"):
		return "The operator of this server does not allow connections to private addresses."
	default:
		return "Check the endpoint, and that the firewalls in between let the server through."
	}
}
