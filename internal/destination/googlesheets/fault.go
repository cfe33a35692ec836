package googlesheets

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// refillTime is after how long Google's quotas are refilled. https://developers.google.com/workspace/sheets/api/limits
const refillTime = time.Minute

// tokenDoing is what failed where a service account gets no access token.
const tokenDoing = "getting an access token" //nolint:gosec // words

func (a *api) tokenFault(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if refused.Response != nil && refused.Response.StatusCode >= http.StatusInternalServerError {
			return fault.Wrap(err, fault.CodeDestinationUnreachable, tokenDoing).WithSuggestion("Google's service of tokens has an error of its own: the next run tries again.")
		}
		return fault.Wrap(err, fault.CodeDestinationAuth, tokenDoing).
			WithSuggestion("Check that the service account exists and that its key was not deleted, or create another key.")
	}
	if strings.Contains(err.Error(), "default credentials") {
		return fault.Wrap(err, fault.CodeDestinationAuth, tokenDoing).
			WithSuggestion("The server has no Google credentials of its own: give its machine or pod a service account, or use a credential with a key.")
	}
	return fault.Wrap(err, fault.CodeDestinationUnreachable, tokenDoing).WithSuggestion("Google's service of tokens could not be reached.%s", a.firewall)
}

// said is what an error of Google's APIs holds. https://cloud.google.com/apis/design/errors
type said struct {
	Error struct {
		Message string `json:"message"`
		Status  string `json:"status"`
	} `json:"error"`
}

const (
	gone        = "The spreadsheet or the sheet was renamed or deleted: choose it again in the sync."
	fullAdvice  = "A spreadsheet holds 10 million cells, empty ones too: delete rows and columns that are not needed, or let the sync continue in further spreadsheets."
	quotaAdvice = "Google limits requests per minute, for each account and for its project. Let syncs run one after the other in a sequence, use service accounts of several projects, or ask Google for a higher quota."
)

// remedy is what to do about words of Google's.
type remedy struct {
	words  string
	code   fault.Code
	class  fault.Class
	advice string
}

// remedies are tried in their order. What the words mean is what users of Google Sheets report about them; Google
// documents no list.
var remedies = []remedy{
	{"above the limit of 10000000 cells", fault.CodeDestinationRejected, fault.Fatal, fullAdvice},
	{"above the limit of 10,000,000 cells", fault.CodeDestinationRejected, fault.Fatal, fullAdvice},
	{"Quota exceeded", fault.CodeDestinationThrottled, fault.Throttled, quotaAdvice},
	{"Rate Limit Exceeded", fault.CodeDestinationThrottled, fault.Throttled, quotaAdvice},
	{"storage quota", fault.CodeDestinationDenied, fault.Fatal, "A service account has no storage of its own for further spreadsheets: move the spreadsheet to a folder of a shared drive, and make the service account a content manager there."},
	{"not supported for this document", fault.CodeDestinationSchema, fault.Fatal, "It is a file of another format, such as .xlsx: save it as Google Sheets."},
	{"has not been used in project", fault.CodeDestinationDenied, fault.Fatal, "Enable the Google Sheets API and the Google Drive API in the project of the service account, or of the OAuth client."},
	{"it is disabled", fault.CodeDestinationDenied, fault.Fatal, "Enable the Google Sheets API and the Google Drive API in the project of the service account, or of the OAuth client."},
	{"tried writing to", fault.CodeDestinationSchema, fault.Fatal, "Take colons out of the names of the sheet and of the spreadsheet."},
	{"Unable to parse range", fault.CodeDestinationSchema, fault.Fatal, gone},
	{"No grid with id", fault.CodeDestinationSchema, fault.Fatal, gone},
	{"No sheet with id", fault.CodeDestinationSchema, fault.Fatal, gone},
	{"protected", fault.CodeDestinationDenied, fault.Fatal, "Remove the protection from the sheet or the range, or let the service account, or the person who allowed the access, edit it."},
	{"exceeds grid limits", fault.CodeDestinationDenied, fault.Fatal, "The sheet or a range of it is protected, or is smaller than it was: remove the protection, or choose another range."},
	{"list_value", fault.CodeDestinationRejected, fault.Permanent, castAdvice},
	{"struct_value", fault.CodeDestinationRejected, fault.Permanent, castAdvice},
	{"already exists", fault.CodeDestinationSchema, fault.Fatal, "Delete or rename the sheet that has the name."},
}

// refused says what an answer means; e is what its status means.
func (a *api) refused(answer *httpx.Response, e *fault.Error, doing string) error {
	var words said
	_ = json.Unmarshal(answer.Body, &words) //nolint:errcheck // without words, the status says it
	text := strings.TrimSpace(words.Error.Message)
	if text == "" {
		text = e.Message
	}
	for _, r := range remedies {
		if strings.Contains(text, r.words) {
			cause := errors.New(text)
			if r.advice == fullAdvice {
				cause = &fullError{text}
			}
			return waiting(fault.Reclass(fault.Wrap(cause, r.code, "%s", doing).WithSuggestion("%s", r.advice), r.class), e.After)
		}
	}
	code, class, advice := e.Code, e.Class, ""
	switch {
	case answer.Status == http.StatusUnauthorized:
		advice = a.mend()
	case answer.Status == http.StatusForbidden:
		class, advice = fault.Fatal, "Share the spreadsheet with "+a.who()+" as Editor."
	case answer.Status == http.StatusNotFound:
		code, class, advice = fault.CodeDestinationSchema, fault.Fatal, gone+" One that is not shared with "+a.who()+" is not found either."
	case answer.Status == http.StatusTooManyRequests:
		advice = quotaAdvice
	case answer.Status >= http.StatusInternalServerError && code == fault.CodeDestinationRejected:
		code, advice = fault.CodeDestinationUnreachable, "Google has an error of its own: it is tried again. Where it stays, move charts and pivot tables to another spreadsheet that reads this one with IMPORTRANGE."
	}
	cause := errors.New(text)
	if answer.Status >= http.StatusInternalServerError {
		cause = &serverError{text}
	}
	wrapped := fault.Wrap(cause, code, "%s", doing)
	if advice != "" {
		wrapped = wrapped.WithSuggestion("%s", advice)
	}
	return waiting(fault.Reclass(wrapped, class), e.After)
}

// waiting says how long a throttled request waits.
func waiting(err error, after time.Duration) error {
	e := fault.As(err)
	if e.Class != fault.Throttled {
		return err
	}
	if after == 0 {
		after = refillTime
	}
	return fault.RetryAfter(err, after)
}

// mend says what to do about an access token that Google does not accept.
func (a *api) mend() string {
	if a.person != nil {
		return "Allow the access again on the destination's Configuration tab."
	}
	return "Google does not accept new access tokens of " + a.identity + " either: check that it exists and is enabled, or create another key."
}

func (a *api) who() string {
	if a.person != nil {
		return "the person who allowed the access"
	}
	if a.email == "" {
		return "the service account"
	}
	return a.email
}

// serverError is an error within Google, which says nothing about what was asked for.
type serverError struct{ words string }

// Error is in Google's words.
func (e *serverError) Error() string { return e.words }

// fullError says that a spreadsheet has no cells left.
type fullError struct{ words string }

// Error is in Google's words.
func (e *fullError) Error() string { return e.words }

// isFull reports whether a spreadsheet has no cells left.
func isFull(err error) bool {
	_, full := errors.AsType[*fullError](err)
	return full
}
