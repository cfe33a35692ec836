package athena

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/stream"
)

// explain gives an error its code, in Athena's own words (M-30).
func (c *client) explain(x *stream.Statement, err error, t stream.Text) error {
	var done *fault.Error
	var failed *failedQuery
	var api smithy.APIError
	switch {
	case errors.As(err, &done):
		return err
	case x.Explain() != nil:
		return x.Explain()
	case errors.As(err, &failed):
		return explainQuery(failed, t)
	case errors.As(err, &api):
		return c.explainAPI(api, err, t)
	default:
		return c.unreachable(err, "Check the region, the endpoints and the firewall, then test the connection again.")
	}
}

// unreachable is an error that a firewall may have caused.
func (c *client) unreachable(err error, suggestion string) *fault.Error {
	return fault.Wrap(err, fault.CodeSourceUnreachable, "").WithSuggestion("%s", suggestion+c.network.Firewall())
}

var atPlace = regexp.MustCompile(`line (\d+):(\d+): `)

// placeOf is where in a person's text Athena finds an error, and how to say so where its own words mean another place.
func placeOf(message string, t stream.Text) (place fault.Place, words string) {
	m := atPlace.FindStringSubmatch(message)
	if m == nil {
		return place, ""
	}
	var line, column int
	_, _ = fmt.Sscan(m[1]+" "+m[2], &line, &column) //nolint:errcheck // digits
	place = t.Place(line, column)
	if place.Line > 0 && (place.Line != line || place.Column != column) {
		words = fmt.Sprintf("line %d, column %d", place.Line, place.Column)
	}
	return place, words
}

// known is what there is to say about a failure whose words have a part.
type known struct {
	part, hint string
	code       fault.Code
}

// failures are Athena's that a person can act on.
// https://docs.aws.amazon.com/athena/latest/ug/error-reference.html, https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html
var failures = []known{
	{"Insufficient Lake Formation permission", "Grant the credential SELECT and DESCRIBE on the table in Lake Formation.", fault.CodeSourceDenied},
	{"Insufficient permissions", "Let the credential read the table in AWS Glue and its files in S3, and write below the output location.", fault.CodeSourceDenied},
	{"Access Denied", "Let the credential read the table's files in S3, and write below the output location.", fault.CodeSourceDenied},
	{"PERMISSION_DENIED", "Let the credential read the table in AWS Glue and its files in S3.", fault.CodeSourceDenied},
	{"Query timeout", "Ask Amazon for a longer DML query timeout, or make the query lighter.", fault.CodeSourceTimeout},
	{"exhausted resources", "Make the query lighter: read fewer partitions, or join less.", fault.CodeSourceQuery},
	{"TABLE_NOT_FOUND", "Check the table's name and write it with its database.", fault.CodeSourceQuery},
	{"does not exist", "Check the name and write tables with their database.", fault.CodeSourceQuery},
	{"COLUMN_NOT_FOUND", "Check the column's name.", fault.CodeSourceQuery},
	{"cannot be resolved", "Check the column's name.", fault.CodeSourceQuery},
	{"INVALID_CAST_ARGUMENT", "Use TRY_CAST, or leave those rows out with WHERE.", fault.CodeSourceQuery},
	{"HIVE_BAD_DATA", "A file of the table is not of the type that the table says: correct the table or leave the file out.", fault.CodeSourceQuery},
	{"Queries of this type are not supported", "A model reads and cannot change data: write it as a SELECT.", fault.CodeSourceQuery},
	{"No output location provided", "Give the source a query output location, or the workgroup one.", fault.CodeSourceQuery},
	{"Unable to verify/create output bucket", "Check the query output location, and let the credential write there.", fault.CodeSourceDenied},
	{"WorkGroup", "Check the workgroup's name and that it is enabled.", fault.CodeSourceQuery},
}

func knownOf(words string) known {
	for _, k := range failures {
		if strings.Contains(words, k.part) {
			return k
		}
	}
	return known{code: fault.CodeSourceQuery}
}

func explainQuery(e *failedQuery, t stream.Text) error {
	place, words := placeOf(e.words, t)
	k := knownOf(e.words)
	f := fault.Wrap(e, k.code, "%s", words).At(place)
	switch {
	case k.hint != "":
		return f.WithSuggestion("%s", k.hint)
	case e.category == 1 || e.retry: // Athena's own
		return fault.Reclass(fault.Wrap(e, fault.CodeSourceUnreachable, "%s", words).WithSuggestion("Athena failed by itself: run it again."), fault.Retryable)
	default:
		return f
	}
}

// explainAPI is for what Amazon refuses: https://docs.aws.amazon.com/athena/latest/APIReference/CommonErrors.html
func (c *client) explainAPI(api smithy.APIError, err error, t stream.Text) error {
	switch code := api.ErrorCode(); code {
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch", "ExpiredTokenException", "ExpiredToken",
		"InvalidAccessKeyId", "IncompleteSignature", "MissingAuthenticationToken", "MissingAuthenticationTokenException":
		return fault.Wrap(err, fault.CodeSourceAuth, "").WithSuggestion("Check the AWS credential: its keys, and the role that it assumes.")
	case "AccessDeniedException", "AccessDenied", "OptInRequired", "AuthorizationError":
		return fault.Wrap(err, fault.CodeSourceDenied, "").WithSuggestion("Give the AWS credential the permission that the message names. The source's documentation lists all that it needs.")
	case "TooManyRequestsException", "ThrottlingException", "Throttling", "SlowDown":
		return c.unreachable(err, "Too many queries at a time: ask Amazon to raise the quota of active DML queries to 400, or run fewer syncs at a time.")
	case "NoSuchKey", "NoSuchBucket":
		return fault.Wrap(err, fault.CodeSourceUnreachable, "").WithSuggestion("The result is gone from S3 before it was read: check the rules that remove files below the query output location.")
	case "InvalidRequestException", "MetadataException":
		place, words := placeOf(api.ErrorMessage(), t)
		k := knownOf(api.ErrorMessage())
		f := fault.Wrap(err, k.code, "%s", words).At(place)
		if k.hint != "" {
			return f.WithSuggestion("%s", k.hint)
		}
		return f
	default:
		return c.unreachable(err, "Check the region, the endpoints and the credential, then test the connection again.")
	}
}
