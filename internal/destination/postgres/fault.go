package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millrace/millrace/internal/fault"
)

// SQLSTATE codes that are judged one by one; the others by their class, the first two characters.
// Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	stateNoRole          = "28000"
	stateNoDatabase      = "3D000"
	stateReadOnly        = "25006"
	stateDenied          = "42501"
	stateNotSupported    = "0A000"
	stateTwice           = "21000" // ON CONFLICT would touch a row twice
	stateCancelled       = "57014"
	stateLockUnavailable = "55P03"
	stateTooManyClients  = "53300"
	stateDuplicateTable  = "42P07"
	stateDuplicateObject = "42710"
	stateUnique          = "23505"
)

// routinePolicy is the function of the server that refuses a row for a policy or a view's condition. The
// state alone (42501) does not tell a row that a policy refuses from a permission that is missing.
const routinePolicy = "ExecWithCheckOptions"

// ofRow reports whether an answer of the server is about the data: other rows may be taken.
func ofRow(err *pgconn.PgError) bool {
	if err.Code == stateDenied {
		return err.Routine == routinePolicy
	}
	switch class(err) {
	case "21", "22", "23", "44", "54", "P0": // cardinality, data, constraint, view's condition, limit, RAISE
		return true
	default:
		return false
	}
}

func class(err *pgconn.PgError) string {
	if len(err.Code) < 2 {
		return ""
	}
	return err.Code[:2]
}

// words is what the server said, without the details that repeat a row's values.
func words(err *pgconn.PgError) string { return err.Message }

// translate says a driver's or server's error in our vocabulary. Its class supposes that the transaction did
// not end: then none of its rows was taken.
func (d *destination) translate(ctx context.Context, err error, doing string) *fault.Error {
	if ours, ok := errors.AsType[*fault.Error](err); ok {
		return ours
	}
	var pg *pgconn.PgError
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(context.Cause(ctx), fault.CodeRunCancelled, "%s", doing)
	case errors.As(err, &pg):
		return d.ofServer(pg, doing)
	default:
		return d.ofNetwork(err, doing)
	}
}

// ofNetwork judges an error that is not the server's answer.
func (d *destination) ofNetwork(err error, doing string) *fault.Error {
	text := err.Error()
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		text = strings.Join(strings.Fields(connect.Unwrap().Error()), " ")
	}
	e := fault.Wrap(errors.New(text), fault.CodeDestinationUnreachable, "%s", doing)
	if d.settings.SSLMode != sslDisable && (strings.Contains(text, "x509") || strings.Contains(text, "TLS")) {
		return e.WithSuggestion("Check the SSL mode %s and the CA certificate against what the server offers.", d.settings.SSLMode)
	}
	return e.WithSuggestion("Check that a PostgreSQL server listens at %s port %d, and that the firewall lets this machine in.%s", d.settings.Host, int(d.settings.Port), d.network.Firewall())
}

// ofServer judges an answer of the server by its code.
func (d *destination) ofServer(pg *pgconn.PgError, doing string) *fault.Error {
	as := func(code fault.Code) *fault.Error { return fault.Wrap(errors.New(words(pg)), code, "%s", doing) }
	switch pg.Code {
	case stateNoRole:
		return as(fault.CodeDestinationAuth).WithSuggestion("Check that the role %q exists and that pg_hba.conf lets it in from this machine.", d.settings.User)
	case stateNoDatabase:
		return as(fault.CodeDestinationSchema).WithPath("spec.configuration.database").WithSuggestion("Check the database's name, or create it.")
	case stateReadOnly:
		return as(fault.CodeDestinationDenied).WithSuggestion("Connect to the primary server: this one, or this role, only reads.")
	case stateCancelled:
		return fault.Reclass(as(fault.CodeDestinationTimeout), fault.Permanent).
			WithSuggestion("Raise the destination's statement timeout, or lower the sync's batch size.")
	case stateLockUnavailable:
		return fault.Reclass(as(fault.CodeDestinationRejected), fault.Retryable).WithSuggestion("Another transaction holds the table; the batch is sent again.")
	case stateTooManyClients:
		return as(fault.CodeDestinationThrottled).WithSuggestion("Lower the sync's batches at a time, or raise the server's max_connections.")
	}
	if ofRow(pg) {
		return as(fault.CodeDestinationRejected)
	}
	switch class(pg) {
	case "08", "57": // connection; shutdown
		return as(fault.CodeDestinationUnreachable)
	case "28":
		return as(fault.CodeDestinationAuth).WithSuggestion("Check user and password.")
	case "40": // deadlock, serialization
		return fault.Reclass(as(fault.CodeDestinationRejected), fault.Retryable).WithSuggestion("Another transaction was in the way; the batch is sent again.")
	case "53": // disk, memory
		return fault.Reclass(as(fault.CodeDestinationUnreachable), fault.Retryable).WithSuggestion("Give the server more of what it lacks.")
	case "42", "3F", stateNotSupported[:2]:
		return d.ofStatement(pg, as)
	default:
		return as(fault.CodeDestinationRejected)
	}
}

// ofStatement judges an answer about what the statement names.
func (d *destination) ofStatement(pg *pgconn.PgError, as func(fault.Code) *fault.Error) *fault.Error {
	if pg.Code == stateDenied {
		return as(fault.CodeDestinationDenied).WithSuggestion("Let an administrator grant the permission to the role %q.", d.settings.User)
	}
	return as(fault.CodeDestinationSchema)
}
