package bigquery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// known is what is done about a reason of an error.
type known struct {
	code  fault.Code
	class fault.Class // zero: the code's own
	hint  string
}

// reasons are BigQuery's words for what went wrong: https://cloud.google.com/bigquery/docs/error-messages
var reasons = map[string]known{
	"invalid":                  {code: fault.CodeSourceQuery},
	"invalidQuery":             {code: fault.CodeSourceQuery},
	"notFound":                 {code: fault.CodeSourceQuery, hint: "Check the name, and write it with its dataset; the source's tables are listed on its page."},
	"duplicate":                {code: fault.CodeSourceQuery, hint: "It exists already: choose another name or remove the one that is there."},
	"accessDenied":             {code: fault.CodeSourceDenied},
	"accessNotConfigured":      {code: fault.CodeSourceDenied, hint: "Enable the BigQuery API in the project: gcloud services enable bigquery.googleapis.com."},
	"billingNotEnabled":        {code: fault.CodeSourceDenied, hint: "Enable billing for the project: without it nothing can be written."},
	"blocked":                  {code: fault.CodeSourceDenied, hint: "BigQuery has blocked the project for a while: ask Google's support."},
	"required":                 {code: fault.CodeSourceQuery},
	"authError":                {code: fault.CodeSourceAuth, hint: authHint},
	"quotaExceeded":            {code: fault.CodeSourceQuery, class: fault.Retryable, hint: "The project's quota is used up: raise it in the Google Cloud console, or run fewer syncs."},
	"rateLimitExceeded":        {code: fault.CodeSourceQuery, class: fault.Throttled, hint: "Run fewer syncs at a time."},
	"jobRateLimitExceeded":     {code: fault.CodeSourceQuery, class: fault.Throttled, hint: "Run fewer syncs at a time."},
	"resourcesExceeded":        {code: fault.CodeSourceQuery, hint: "The query needs more than BigQuery gives to one: sort less, join less at once, or read from a table that is prepared before."},
	"responseTooLarge":         {code: fault.CodeSourceQuery, hint: "The result is larger than BigQuery keeps of one query: select fewer columns or rows."},
	"bytesBilledLimitExceeded": {code: fault.CodeSourceQuery, hint: "The query would read more than the source's setting for gigabytes allows: raise it, or read less."},
	"resourceInUse":            {code: fault.CodeSourceQuery, class: fault.Retryable},
	"tableUnavailable":         {code: fault.CodeSourceUnreachable},
	"backendError":             {code: fault.CodeSourceUnreachable, hint: backendHint},
	"internalError":            {code: fault.CodeSourceUnreachable, hint: backendHint},
	"jobBackendError":          {code: fault.CodeSourceUnreachable, hint: backendHint},
	"jobInternalError":         {code: fault.CodeSourceUnreachable, hint: backendHint},
	"stopped":                  {code: fault.CodeSourceTimeout, hint: "The job was stopped at BigQuery, by a person or by a limit of time."},
	"timeout":                  {code: fault.CodeSourceTimeout, hint: "Make the query lighter: the job took longer than BigQuery allows it."},
}

const (
	authHint    = "Check the Google Cloud credential: the key may have been deleted or disabled, the service account may be gone, or this server's clock may be wrong."
	backendHint = "BigQuery had trouble of its own; the same may work a little later."
	deniedHint  = "Grant the roles BigQuery User and BigQuery Data Viewer to the service account in the project. Where the data is granted " +
		"table by table, it still needs bigquery.tables.get and bigquery.tables.list in the project, with a custom role."
)

// explain gives an error its code, in Google's own words (M-30). sql is the text that a person wrote, if any.
func (s *Source) explain(ctx context.Context, err error, sql string) error {
	var ours *fault.Error
	var answer *googleapi.Error
	var token *oauth2.RetrieveError
	switch {
	case err == nil || errors.As(err, &ours):
		return err
	case ctx.Err() != nil:
		return fault.Wrap(context.Cause(ctx), fault.CodeSourceTimeout, "the query was stopped")
	case errors.As(err, &token):
		return s.explainToken(token)
	case errors.As(err, &answer):
		return s.explainAnswer(answer, sql)
	}
	if st, ok := status.FromError(err); ok {
		return s.explainStatus(st)
	}
	return s.explainConnection(err)
}

func (s *Source) explainToken(e *oauth2.RetrieveError) error {
	if e.Response != nil && e.Response.StatusCode >= http.StatusInternalServerError {
		return fault.Wrap(e, fault.CodeSourceUnreachable, "").WithSuggestion("%s", "Google's token service had trouble; the same may work a little later."+s.client.network.Firewall())
	}
	return fault.Wrap(e, fault.CodeSourceAuth, "").WithSuggestion(authHint)
}

func (s *Source) explainAnswer(e *googleapi.Error, sql string) error {
	reason := ""
	if len(e.Errors) > 0 {
		reason = e.Errors[0].Reason
	}
	k, ok := reasons[reason]
	if !ok {
		k = byStatus(e.Code)
	}
	if k.code == fault.CodeSourceDenied && k.hint == "" {
		k.hint = deniedSuggestion(e.Message)
	}
	if reason == "notFound" || e.Code == http.StatusNotFound {
		k.hint = s.notFoundHint(e.Message, k.hint)
	}
	if hint := queryHint(e.Message); k.code == fault.CodeSourceQuery && hint != "" {
		k.hint = hint
	}
	place, words := placeOf(e.Message, sql)
	f := fault.Wrap(e, k.code, "%s", words).At(place)
	if k.class != 0 {
		f = fault.Reclass(f, k.class)
	}
	if k.hint == "" {
		return f
	}
	return f.WithSuggestion("%s", k.hint)
}

func byStatus(code int) known {
	switch {
	case code == http.StatusUnauthorized:
		return known{code: fault.CodeSourceAuth, hint: authHint}
	case code == http.StatusForbidden:
		return known{code: fault.CodeSourceDenied}
	case code >= http.StatusInternalServerError:
		return known{code: fault.CodeSourceUnreachable, hint: backendHint}
	case code == http.StatusTooManyRequests:
		return known{code: fault.CodeSourceQuery, class: fault.Throttled, hint: "Run fewer syncs at a time."}
	default:
		return known{code: fault.CodeSourceQuery}
	}
}

var permission = regexp.MustCompile(`\b(?:bigquery|biglake|serviceusage|storage)\.[a-zA-Z]+(?:\.[a-zA-Z]+)*\b`)

// deniedSuggestion names the permission that Google's message names.
func deniedSuggestion(message string) string {
	missing := permission.FindString(message)
	switch {
	case missing == "":
		return deniedHint
	case strings.HasSuffix(missing, ".getData"):
		return "The service account lacks " + missing + ": grant it the role BigQuery Data Viewer on the table, its dataset or the project."
	default:
		return "The service account lacks " + missing + ". " + deniedHint
	}
}

// notFoundHint explains what is not where the queries run (S-50).
func (s *Source) notFoundHint(message, otherwise string) string {
	switch {
	case !strings.Contains(message, "not found in location"):
		return otherwise
	case s.settings.CacheProject != "":
		return fmt.Sprintf("Queries of this source run in %s, in the project %s of the Lightning engine's datasets: write tables with their whole names, as project.dataset.table. "+
			"The dataset must lie in that location too.", s.settings.Location, s.settings.CacheProject)
	default:
		return fmt.Sprintf("Queries of this source run in %s. Set the source's location to the one of the dataset, or correct the name. "+
			"The planner and audit datasets must lie in the same location: drop them and make them there.", s.settings.Location)
	}
}

// queryHint says what to do about messages that people meet often.
func queryHint(message string) string {
	switch {
	case strings.Contains(message, "No matching signature"):
		return "Compare and combine values of one type: CAST one side to the type of the other."
	case strings.Contains(message, "must be qualified with a dataset"):
		return "Write the table as dataset.table, or project.dataset.table."
	case strings.Contains(message, "null element"):
		return "An array of a result cannot hold nulls: leave them out with ARRAY(SELECT x FROM UNNEST(list) AS x WHERE x IS NOT NULL)."
	default:
		return ""
	}
}

var (
	placeAt = regexp.MustCompile(`at \[(\d+):(\d+)\]`)
	named   = regexp.MustCompile("(?:Table|Dataset|View|name:|Function not found:) [\"`]?(?:[\\w-]+:)?([\\w.-]*\\w)")
)

// placeOf finds where in the text an error is: where the message says it, else where the name stands that it complains
// of.
func placeOf(message, sql string) (p fault.Place, words string) {
	if found := placeAt.FindStringSubmatch(message); found != nil {
		p.Line, _ = strconv.Atoi(found[1])   //nolint:errcheck // digits
		p.Column, _ = strconv.Atoi(found[2]) //nolint:errcheck // digits
	} else if found := named.FindStringSubmatch(message); found != nil {
		if i := strings.Index(sql, found[1]); i >= 0 {
			before := sql[:i]
			p.Line = strings.Count(before, "\n") + 1
			p.Column = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
		}
	}
	if p.Line == 0 || sql == "" {
		return fault.Place{}, ""
	}
	return p, fmt.Sprintf("line %d, column %d", p.Line, p.Column)
}

// explainStatus is for errors of the Storage Read API.
func (s *Source) explainStatus(st *status.Status) error {
	code, hint := fault.CodeSourceUnreachable, backendHint
	switch st.Code() {
	case codes.PermissionDenied:
		code, hint = fault.CodeSourceDenied, deniedSuggestion(st.Message())
	case codes.Unauthenticated:
		code, hint = fault.CodeSourceAuth, authHint
	case codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.OutOfRange:
		code, hint = fault.CodeSourceQuery, "The result is gone or cannot be read through the Storage Read API: switch it off in the source's settings."
	case codes.Canceled, codes.DeadlineExceeded:
		code, hint = fault.CodeSourceTimeout, backendHint
	default:
		hint += s.client.network.Firewall()
	}
	return fault.Wrap(st.Err(), code, "").WithSuggestion("%s", hint)
}

// explainConnection is for errors that nobody sent.
func (s *Source) explainConnection(err error) error {
	f := fault.Wrap(err, fault.CodeSourceUnreachable, "")
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate) || errors.As(err, &unknown):
		return fault.Reclass(f.WithSuggestion("%s", "Whoever answered is not known to be "+hostOf(s.settings.Endpoint)+": check the API address, and a proxy in between."+s.client.network.Firewall()), fault.Fatal)
	case errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch):
		return fault.Reclass(f.WithSuggestion("%s", "The server offers no encryption: check the API address."+s.client.network.Firewall()), fault.Fatal)
	default:
		return f.WithSuggestion("%s", "Check that this server can reach "+hostOf(s.settings.Endpoint)+" and oauth2.googleapis.com on port 443."+s.client.network.Firewall())
	}
}
