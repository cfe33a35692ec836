package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/millrace/millrace/internal/fault"
)

// Failure is how every error is answered.
type Failure struct {
	Info ErrorInfo `json:"error"`

	status int
	after  time.Duration // until the request may be repeated
}

// ErrorInfo is one error: what happened, where, and what to do next.
type ErrorInfo struct {
	Code       string      `json:"code" example:"resource.not_found"`
	Message    string      `json:"message"`
	Path       string      `json:"path,omitempty" doc:"the field of the input that is wrong"`
	Suggestion string      `json:"suggestion,omitempty"`
	Line       int         `json:"line,omitempty" doc:"where in the query or template, counted from 1"`
	Column     int         `json:"column,omitempty"`
	RequestID  string      `json:"requestId,omitempty"`
	Issues     []ErrorInfo `json:"issues,omitempty" doc:"every wrong field, where there are several"`
}

var (
	_ huma.StatusError  = (*Failure)(nil)
	_ huma.HeadersError = (*Failure)(nil)
)

// Error returns the message.
func (f *Failure) Error() string { return f.Info.Message }

// GetStatus returns the HTTP status.
func (f *Failure) GetStatus() int { return f.status }

// GetHeaders returns the headers that go with the error.
func (f *Failure) GetHeaders() http.Header {
	h := http.Header{}
	if f.after > 0 {
		h.Set("Retry-After", seconds(f.after))
	}
	return h
}

// seconds is a time to wait as HTTP writes it.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

// write answers the error outside huma.
func (f *Failure) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), f.GetHeaders())
	writeJSON(w, f.status, f)
}

func infoOf(e *fault.Error) ErrorInfo {
	return ErrorInfo{Code: string(e.Code), Message: e.Error(), Path: e.Path, Suggestion: e.Hint(), Line: e.Place.Line, Column: e.Place.Column}
}

// failureOf turns an error into its answer. What is not meant for people stays in the log.
func (s *Server) failureOf(ctx context.Context, err error) *Failure {
	if ready, ok := errors.AsType[*Failure](err); ok {
		return ready
	}
	e := fault.As(err)
	if e.Code.Info().Status >= http.StatusInternalServerError {
		s.Log.Error("request failed", "request", requestID(ctx), "error", err)
	}
	if e.Code == fault.CodeInternal {
		e = internal()
	}
	f := &Failure{Info: infoOf(e), status: e.Code.Info().Status, after: e.After}
	f.Info.RequestID = requestID(ctx)
	if issues, ok := errors.AsType[fault.Issues](err); ok {
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

// ourErrors makes huma answer its own errors (a body that cannot be read, a parameter of another type) in our
// form.
var ourErrors = sync.OnceFunc(func() {
	huma.NewError = newError
	huma.NewErrorWithContext = func(c huma.Context, status int, message string, errs ...error) huma.StatusError {
		f := newError(status, message, errs...).(*Failure) //nolint:forcetypeassert // made by newError
		f.Info.RequestID = requestID(c.Context())
		return f
	}
})

func newError(status int, message string, errs ...error) huma.StatusError {
	code := codeOfStatus(status)
	f := &Failure{status: status, Info: ErrorInfo{Code: string(code), Message: message, Suggestion: code.Info().Hint}}
	for _, err := range errs {
		if detail, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			f.Info.Issues = append(f.Info.Issues, issueOf(code, detail))
		}
	}
	if len(f.Info.Issues) == 1 {
		only := f.Info.Issues[0]
		f.Info.Code, f.Info.Message, f.Info.Path, f.Info.Suggestion = only.Code, only.Message, only.Path, only.Suggestion
	}
	return f
}

// issueOf is one of huma's findings in our words. Its locations begin with the part of the request.
func issueOf(code fault.Code, d *huma.ErrorDetail) ErrorInfo {
	_, path, _ := strings.Cut(d.Location, ".")
	message, missing := d.Message, ""
	if d.Message == validation.MsgUnexpectedProperty {
		code, message = fault.CodeUnknownField, fmt.Sprintf("there is no field %q", path[strings.LastIndex(path, ".")+1:])
	}
	if n, err := fmt.Sscanf(d.Message, validation.MsgExpectedRequiredProperty, &missing); err == nil && n == 1 {
		code, message, path = fault.CodeRequired, fmt.Sprintf("the field %q is required", missing), strings.TrimPrefix(path+"."+missing, ".")
	}
	return ErrorInfo{Code: string(code), Message: message, Path: path, Suggestion: code.Info().Hint}
}

func codeOfStatus(status int) fault.Code {
	switch status {
	case http.StatusBadRequest:
		return fault.CodeMalformed
	case http.StatusUnsupportedMediaType:
		return fault.CodeMediaType
	case http.StatusUnauthorized:
		return fault.CodeUnauthenticated
	case http.StatusForbidden:
		return fault.CodeForbidden
	case http.StatusNotFound:
		return fault.CodeNotFound
	case http.StatusMethodNotAllowed:
		return fault.CodeMethod
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
	_ = e.Encode(v) //nolint:errcheck,errchkjson // the asker is gone
}
