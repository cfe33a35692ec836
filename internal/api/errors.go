package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/fault"
)

// Failure is how every error is answered.
type Failure struct {
	Info ErrorInfo `json:"error"`

	status int
}

// ErrorInfo is one error: what happened, where, and what to do next.
type ErrorInfo struct {
	Code       string      `json:"code" example:"resource.not_found"`
	Message    string      `json:"message"`
	Path       string      `json:"path,omitempty" doc:"the field of the input that is wrong"`
	Suggestion string      `json:"suggestion,omitempty"`
	RequestID  string      `json:"requestId,omitempty"`
	Issues     []ErrorInfo `json:"issues,omitempty" doc:"every wrong field, where there are several"`
}

var _ huma.StatusError = (*Failure)(nil)

// Error returns the message.
func (f *Failure) Error() string { return f.Info.Message }

// GetStatus returns the HTTP status.
func (f *Failure) GetStatus() int { return f.status }

func infoOf(e *fault.Error) ErrorInfo {
	return ErrorInfo{Code: string(e.Code), Message: e.Error(), Path: e.Path, Suggestion: e.Hint()}
}

// failureOf turns an error into its answer. What is not meant for people stays in the log.
func (s *Server) failureOf(ctx context.Context, err error) *Failure {
	var ready *Failure
	if errors.As(err, &ready) {
		return ready
	}
	e := fault.As(err)
	if e.Code == fault.CodeInternal {
		s.Log.Error("request failed", "request", requestID(ctx), "error", err)
		e = internal()
	}
	f := &Failure{Info: infoOf(e), status: e.Code.Info().Status}
	f.Info.RequestID = requestID(ctx)
	var issues fault.Issues
	if errors.As(err, &issues) {
		for _, issue := range issues {
			f.Info.Issues = append(f.Info.Issues, infoOf(issue))
		}
		if len(issues) > 1 {
			f.Info.Message, f.Info.Path = "Some fields need attention.", ""
		}
	}
	return f
}

func internal() *fault.Error {
	return fault.New(fault.CodeInternal, "Something went wrong on the server.")
}

func notFound(format string, args ...any) *fault.Error {
	return fault.New(fault.CodeNotFound, format, args...)
}

// newError is huma's own errors (a body that cannot be read, a parameter of another type) in our form.
func newError(status int, message string, errs ...error) huma.StatusError {
	f := &Failure{status: status, Info: ErrorInfo{Code: string(codeOfStatus(status)), Message: message}}
	f.Info.Suggestion = codeOfStatus(status).Info().Hint
	for _, err := range errs {
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			f.Info.Issues = append(f.Info.Issues, ErrorInfo{
				Code: string(fault.CodeInvalid), Message: detail.Message, Path: strings.TrimPrefix(detail.Location, "body."),
			})
		}
	}
	return f
}

func codeOfStatus(status int) fault.Code {
	switch status {
	case http.StatusBadRequest, http.StatusUnsupportedMediaType:
		return fault.CodeMalformed
	case http.StatusUnauthorized:
		return fault.CodeUnauthenticated
	case http.StatusForbidden:
		return fault.CodeForbidden
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return fault.CodeNotFound
	case http.StatusRequestEntityTooLarge:
		return fault.CodeTooLarge
	case http.StatusUnprocessableEntity:
		return fault.CodeInvalid
	default:
		return fault.CodeInternal
	}
}

// writeError answers an error outside huma.
func writeError(w http.ResponseWriter, r *http.Request, e *fault.Error) {
	f := Failure{Info: infoOf(e)}
	f.Info.RequestID = requestID(r.Context())
	writeJSON(w, e.Code.Info().Status, f)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) //nolint:errcheck // the asker is gone
}
