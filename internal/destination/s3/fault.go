package s3

import (
	"context"
	"errors"
	"net"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

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
		return e.WithSuggestion("ACCESS_DENIED: allow these keys s3:PutObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts on arn:aws:s3:::%s/%s*, and s3:ListBucket and s3:ListBucketMultipartUploads on arn:aws:s3:::%s.",
			d.settings.Bucket, d.settings.prefix(), d.settings.Bucket)
	case fault.CodeDestinationUnreachable:
		return e.WithSuggestion("%s%s", e.Hint(), d.network.Firewall())
	case fault.CodeDestinationSchema:
		return e.WithSuggestion("%s", d.whereHint(err))
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

func codeOf(err error) fault.Code {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if code, known := codes[api.ErrorCode()]; known {
			return code
		}
	}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() != 0 {
		return codeOfStatus(answer.HTTPStatusCode())
	}
	return codeOfConnection(err)
}

func codeOfStatus(status int) fault.Code {
	switch {
	case status == http.StatusUnauthorized:
		return fault.CodeDestinationAuth
	case status == http.StatusForbidden:
		return fault.CodeDestinationDenied
	case status == http.StatusNotFound, status/100 == 3:
		return fault.CodeDestinationSchema
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return fault.CodeDestinationThrottled
	case status >= http.StatusInternalServerError:
		return fault.CodeDestinationUnreachable
	case status >= http.StatusBadRequest:
		return fault.CodeDestinationRejected
	default:
		return fault.CodeDestinationAnswer
	}
}

func codeOfConnection(err error) fault.Code {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return fault.CodeRunCancelled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fault.CodeDestinationTimeout
	default:
		return fault.CodeDestinationUnreachable
	}
}
