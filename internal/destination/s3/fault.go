package s3

import (
	"errors"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/millrace/millrace/internal/cloud"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// codes are the store's error codes. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var codes = map[string]fault.Code{
	"AccessDenied":                 fault.CodeDestinationDenied,
	"AllAccessDisabled":            fault.CodeDestinationDenied,
	"AccountProblem":               fault.CodeDestinationDenied,
	"Forbidden":                    fault.CodeDestinationDenied,
	"KMS.DisabledException":        fault.CodeDestinationDenied,
	"InvalidAccessKeyId":           fault.CodeDestinationAuth,
	"SignatureDoesNotMatch":        fault.CodeDestinationAuth,
	"ExpiredToken":                 fault.CodeDestinationAuth,
	"ExpiredTokenException":        fault.CodeDestinationAuth,
	"InvalidToken":                 fault.CodeDestinationAuth,
	"InvalidClientTokenId":         fault.CodeDestinationAuth,
	"TokenRefreshRequired":         fault.CodeDestinationAuth,
	"RequestTimeTooSkewed":         fault.CodeDestinationAuth,
	"NoSuchBucket":                 fault.CodeDestinationSchema,
	"NotFound":                     fault.CodeDestinationSchema,
	"InvalidBucketName":            fault.CodeDestinationSchema,
	"PermanentRedirect":            fault.CodeDestinationSchema,
	"AuthorizationHeaderMalformed": fault.CodeDestinationSchema,
	"IllegalLocationConstraint":    fault.CodeDestinationSchema,
	"SlowDown":                     fault.CodeDestinationThrottled,
	"Throttling":                   fault.CodeDestinationThrottled,
	"ThrottlingException":          fault.CodeDestinationThrottled,
	"TooManyRequests":              fault.CodeDestinationThrottled,
	"RequestTimeout":               fault.CodeDestinationTimeout,
}

// fault says an error in our vocabulary, with the store's own words.
func (d *destination) fault(err error, doing string) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err // reading the staging file failed, not the store
	}
	e := fault.Wrap(err, codeOf(err), "%s", doing)
	switch e.Code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeDestinationDenied:
		return e.WithSuggestion("ACCESS_DENIED: allow this identity s3:PutObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts on arn:aws:s3:::%s/%s*, and s3:ListBucket and s3:ListBucketMultipartUploads on arn:aws:s3:::%s.",
			d.settings.Bucket, file.Prefix(d.settings.Prefix), d.settings.Bucket)
	case fault.CodeDestinationUnreachable:
		return e.WithSuggestion("%s%s", e.Hint(), d.network.Firewall())
	case fault.CodeDestinationSchema:
		return e.WithSuggestion("%s", d.whereHint(err))
	case fault.CodeDestinationAuth:
		return e.WithSuggestion("%s", d.authHint())
	}
	return e
}

// whereHint tells the bucket's real region where the store names it.
func (d *destination) whereHint(err error) string {
	var r *awshttp.ResponseError
	if errors.As(err, &r) && r.Response != nil {
		if region := r.Response.Header.Get("X-Amz-Bucket-Region"); region != "" && region != d.settings.Region {
			return "The bucket is in the region " + region + ": set it in the destination."
		}
	}
	return "Check the bucket's name, the region and the endpoint, or create the bucket."
}

func (d *destination) authHint() string {
	who := d.settings.identity()
	switch {
	case who.Auth == cloud.AuthServer:
		return "The server has no AWS credentials of its own that work: give its machine or pod a role, or use access keys."
	case who.RoleARN != "":
		return "Check the access key, and that the role's trust policy names its user and, where it asks for one, the external ID."
	default:
		return "Check the access key ID and its secret; a key that was deactivated, deleted or has expired is refused too."
	}
}

func codeOf(err error) fault.Code {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if code, known := codes[api.ErrorCode()]; known {
			return code
		}
	}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() != 0 {
		return file.CodeOfStatus(answer.HTTPStatusCode())
	}
	if strings.Contains(err.Error(), "static credentials are empty") || strings.Contains(err.Error(), "refresh cached credentials") {
		return fault.CodeDestinationAuth
	}
	return file.CodeOfConnection(err)
}
