package dynamodb

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// DynamoDB's error codes that are judged one by one.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
const (
	codeDenied     = "AccessDeniedException"
	codeNoTable    = "ResourceNotFoundException"
	codeCondition  = "ConditionalCheckFailedException"
	codeValidation = "ValidationException"
	codeCollection = "ItemCollectionSizeLimitExceededException"
)

// codes are what the server's codes mean.
var codes = map[string]fault.Code{
	codeDenied:                               fault.CodeDestinationDenied,
	"KMSAccessDeniedException":               fault.CodeDestinationDenied,
	"KMSDisabledException":                   fault.CodeDestinationDenied,
	"UnrecognizedClientException":            fault.CodeDestinationAuth,
	"InvalidSignatureException":              fault.CodeDestinationAuth,
	"IncompleteSignatureException":           fault.CodeDestinationAuth,
	"IncompleteSignature":                    fault.CodeDestinationAuth,
	"MissingAuthenticationTokenException":    fault.CodeDestinationAuth,
	"MissingAuthenticationToken":             fault.CodeDestinationAuth,
	"ExpiredTokenException":                  fault.CodeDestinationAuth,
	"ExpiredToken":                           fault.CodeDestinationAuth,
	"InvalidClientTokenId":                   fault.CodeDestinationAuth,
	"SignatureDoesNotMatch":                  fault.CodeDestinationAuth,
	"AccessDenied":                           fault.CodeDestinationAuth, // of the role that is assumed
	codeNoTable:                              fault.CodeDestinationSchema,
	"ProvisionedThroughputExceededException": fault.CodeDestinationThrottled,
	"ThrottlingException":                    fault.CodeDestinationThrottled,
	"RequestLimitExceeded":                   fault.CodeDestinationThrottled,
	"LimitExceededException":                 fault.CodeDestinationThrottled,
}

// again are the codes of one item's refusals that another attempt may not meet.
var again = []string{
	"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "TransactionConflictException", "ReplicatedWriteConflictException",
	"InternalServerError", "ServiceUnavailable", "ResourceInUseException",
}

// codeOf returns the code of the server's answer; empty for any other error.
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// words is what the server said.
func words(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

// fault says an error in our vocabulary; nil for none.
func (d *destination) fault(ctx context.Context, err error, doing string) error {
	if err == nil {
		return nil
	}
	if ours, ok := errors.AsType[*fault.Error](err); ok {
		return ours
	}
	if codeOf(err) == "" && ctx.Err() != nil {
		return fault.Reclass(fault.Wrap(context.Cause(ctx), fault.CodeRunCancelled, "%s", doing), fault.Unknown)
	}
	e := fault.Wrap(errors.New(words(err)), d.code(err), "%s", doing)
	switch e.Code { //nolint:exhaustive // the other codes' hints fit
	case fault.CodeDestinationAuth:
		return e.WithSuggestion("Check the AWS credential: its access key, or the role's trust policy and external ID.")
	case fault.CodeDestinationDenied:
		return fault.Reclass(e, fault.Fatal).WithSuggestion("Allow the credential dynamodb:DescribeTable, UpdateItem, PutItem, DeleteItem, BatchWriteItem and BatchGetItem on the table, and ListTables for the list of tables.")
	case fault.CodeDestinationSchema:
		return e.WithPath("spec.settings.table").WithSuggestion("Check the table's name and the region %s, or create the table.", d.settings.Region)
	case fault.CodeDestinationThrottled:
		return e.WithSuggestion("Raise the table's write capacity, make it on-demand, or lower the sync's batches at a time.")
	case fault.CodeDestinationUnreachable:
		return e.WithSuggestion("Check the region %s, the endpoint and the firewall.%s", d.settings.Region, d.network.Firewall())
	}
	return e
}

func (d *destination) code(err error) fault.Code {
	if code, known := codes[codeOf(err)]; known {
		return code
	}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() != 0 {
		return codeOfStatus(answer.HTTPStatusCode())
	}
	if unsent(err) {
		return fault.CodeDestinationUnreachable
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fault.CodeDestinationTimeout
	}
	return fault.CodeDestinationUnknown
}

func codeOfStatus(status int) fault.Code {
	switch {
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return fault.CodeDestinationDenied
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return fault.CodeDestinationThrottled
	case status >= http.StatusInternalServerError: // the write may have been made
		return fault.CodeDestinationUnknown
	case status >= http.StatusBadRequest:
		return fault.CodeDestinationRejected
	default:
		return fault.CodeDestinationAnswer
	}
}

// unsent reports whether no connection was made.
func unsent(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, dns := errors.AsType[*net.DNSError](err)
	return dns
}

// verdict is what became of the items of a batch.
type verdict struct {
	taken   int
	refused []connector.Rejection
	passing error // a refusal that another attempt may not meet
	lasting int
	whole   error // an answer about more than its item
	lost    error // an item may have been written
	unsent  error
}

// add judges the answer to one item.
func (v *verdict) add(o *order, err error) {
	switch code := codeOf(err); {
	case err == nil, code == codeCondition: // an item that is gone has nothing to clear
		v.taken++
	case code == codeValidation, code == codeCollection:
		v.lasting++
		v.refuse(o, err, false)
	case isAgain(err, code):
		v.passing = err
		v.refuse(o, err, true)
	case code != "":
		v.whole = err
	case unsent(err):
		v.unsent = err
	default:
		v.lost = err
	}
}

func isAgain(err error, code string) bool {
	var answer *awshttp.ResponseError
	return slices.Contains(again, code) || errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError
}

func (v *verdict) refuse(o *order, err error, again bool) {
	for _, row := range o.rows {
		v.refused = append(v.refused, connector.Rejection{Row: row, Reason: strings.TrimSpace(words(err)), Retry: again})
	}
}

// judge tells refused items from what is about the whole batch.
func (s *session) judge(ctx context.Context, v verdict) ([]connector.Rejection, error) {
	doing := "writing to " + s.table.name
	switch {
	case v.whole != nil:
		return nil, s.d.fault(ctx, v.whole, doing)
	case v.lost != nil:
		return nil, fault.Reclass(s.d.fault(ctx, v.lost, doing), fault.Unknown)
	case v.unsent != nil && v.taken > 0:
		return nil, fault.Reclass(s.d.fault(ctx, v.unsent, doing), fault.Unknown)
	case v.unsent != nil:
		return nil, s.d.fault(ctx, v.unsent, doing)
	case v.passing != nil && v.taken == 0 && v.lasting == 0 && s.d.code(v.passing) == fault.CodeDestinationThrottled:
		return nil, s.d.fault(ctx, v.passing, doing)
	}
	return v.refused, nil
}
