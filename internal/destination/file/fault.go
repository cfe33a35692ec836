package file

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/millrace/millrace/internal/fault"
)

// CodeOfStatus is what the HTTP status of a store means where its own words say nothing more exact.
func CodeOfStatus(status int) fault.Code {
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

// CodeOfConnection is what an error means that is no answer of a store.
func CodeOfConnection(err error) fault.Code {
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

// OneError returns what is wrong with settings as one error, for those who can show only one.
func OneError(issues fault.Issues) error {
	switch len(issues) {
	case 0:
		return nil
	case 1:
		return issues[0]
	default:
		return fault.Wrap(issues, fault.CodeInvalid, "several settings cannot work")
	}
}
