package kafka

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/millrace/millrace/internal/fault"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// denied are the protocol's errors of who may not do something.
// https://kafka.apache.org/protocol.html#protocol_error_codes
var denied = []*kerr.Error{kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed}

// fault says an error of the cluster in our vocabulary. sent tells that messages may have arrived.
func (c *client) fault(err error, sent bool) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e // the credential's own
	}
	code := codeOf(err)
	if c.asked.Load() && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)) {
		code = fault.CodeDestinationAuth
	}
	e := fault.Wrap(err, code, "%s", c.place)
	switch code { //nolint:exhaustive // the others' hints and classes fit
	case fault.CodeDestinationAuth:
		e.Class = fault.Fatal
		return e.WithSuggestion("Check the authentication and its credentials; the cluster's administrator sees the reason in the brokers' logs.")
	case fault.CodeDestinationUnreachable:
		e = e.WithSuggestion("Check the brokers' addresses and whether TLS is right. A cluster also names addresses of its own (advertised.listeners), which must be reachable from here.%s", c.network.Firewall())
	case fault.CodeRunCancelled:
		e.Class = fault.Retryable
	}
	if sent {
		e.Class = fault.Unknown
	} else if e.Class == fault.Unknown {
		e.Class = fault.Retryable
	}
	return e
}

func codeOf(err error) fault.Code {
	var timeout net.Error
	switch {
	case isAny(err, kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState):
		return fault.CodeDestinationAuth
	case isAny(err, denied...):
		return fault.CodeDestinationDenied
	case errors.Is(err, context.Canceled):
		return fault.CodeRunCancelled
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrRecordTimeout), errors.Is(err, kgo.ErrRecordRetries), errors.Is(err, kerr.RequestTimedOut):
		return fault.CodeDestinationTimeout
	case errors.As(err, &timeout) && timeout.Timeout():
		return fault.CodeDestinationTimeout
	default:
		return fault.CodeDestinationUnreachable
	}
}

func isAny(err error, list ...*kerr.Error) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
