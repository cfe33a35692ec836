package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millrace/millrace/internal/fault"
)

// The states of errors that a person can act on:
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	stateSerialization   = "40001" // also: a standby cancelled the query
	stateDenied          = "42501"
	stateNoColumn        = "42703"
	stateNoTable         = "42P01"
	stateNoSchema        = "3F000"
	stateNoFunction      = "42883" // also: no operator for these types
	stateAmbiguous       = "42702"
	stateWrongType       = "42804"
	stateNotText         = "22P02" // a text that is no value of a type
	stateNotGrouped      = "42803" // a column that is neither grouped nor aggregated
	stateNoDatabase      = "3D000"
	stateNoStatement     = "26000"
	stateReadOnly        = "25006"
	stateCanceled        = "57014"
	stateLockTimeout     = "55P03"
	classConnection      = "08"
	classAuthentication  = "28"
	classResources       = "53"
	classOperator        = "57" // shutting down, starting up
	stateTooManyClients  = "53300"
	stateDiskFull        = "53100"
	stateProtocol        = "08P01" // a statement with parameters
	stateDatabaseDropped = "57P04"
)

// hints say what to do about a state, where the server itself does not.
var hints = map[string]string{
	stateNoTable:         "Check the table's name and write it with its schema; the source's tables are listed on its page.",
	stateNoColumn:        "Check the column's name, and quote one that has capital letters.",
	stateNoSchema:        "Check the name of the schema.",
	stateNoFunction:      "Compare values of one type: CAST one side to the type of the other. The name of a function may also be wrong.",
	stateAmbiguous:       "Several tables of the query have this column: write it as table.column, and give it a name of its own with AS.",
	stateWrongType:       "Bring both to one type with CAST.",
	stateNotText:         "The query casts or compares a text that is no such value: leave those rows out with WHERE, or compare as text.",
	stateNotGrouped:      "Add the column to GROUP BY, or put it into an aggregate such as max().",
	stateNoDatabase:      "Check the database's name.",
	stateNoStatement:     "The connection goes through a pooler that changes servers between statements: use the server's own host and port.",
	stateReadOnly:        "A model reads and cannot change data: write it as a SELECT.",
	stateCanceled:        "Raise statement_timeout for the source's user, or make the query lighter.",
	stateSerialization:   "On a standby, raise max_standby_streaming_delay and max_standby_archive_delay, or read from the primary.",
	stateTooManyClients:  "Raise max_connections of the server, or run fewer syncs at a time.",
	stateProtocol:        "Write values instead of parameters such as $1.",
	stateDatabaseDropped: "Check the database's name.",
}

// unordered is what a server says of a UNION whose columns have no type.
const unordered = "could not identify an ordering operator for type"

// statement is a query as it is sent, and where the user's own text begins in it.
type statement struct {
	text  string // what is sent
	own   string // what the user wrote
	shift int    // characters that stand before it
}

// place says where in the user's text a position of the server is, or nothing.
func (s statement) place(position int32) (p fault.Place, words string) {
	at := int(position) - s.shift
	if at < 1 || at > utf8.RuneCountInString(s.own)+1 {
		return p, ""
	}
	before := string([]rune(s.own)[:at-1])
	p.Line = strings.Count(before, "\n") + 1
	p.Column = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return p, fmt.Sprintf("line %d, column %d", p.Line, p.Column)
}

// explain gives an error its code, in the driver's own words (M-30).
func explain(ctx context.Context, err error, s statement) error {
	var known *fault.Error
	var server *pgconn.PgError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return fault.Wrap(context.Cause(ctx), fault.CodeSourceTimeout, "the query was stopped")
	case errors.As(err, &server):
		return explainServer(server, s)
	default:
		return explainConnection(err)
	}
}

func explainServer(e *pgconn.PgError, s statement) error {
	place, words := s.place(e.Position)
	f := fault.Wrap(e, codeOf(e), "%s", words).At(place)
	switch e.Code {
	case stateProtocol:
		if s.own == "" { // a pooler refuses the connection
			return f
		}
		f = fault.Wrap(e, fault.CodeSourceQuery, "").At(place)
	case stateNoDatabase, stateDatabaseDropped:
		f = fault.Reclass(f, fault.Fatal)
	case stateSerialization:
		f = fault.Reclass(f, fault.Retryable)
	}
	switch hint := hints[e.Code]; {
	case strings.HasPrefix(e.Message, unordered):
		return f.WithSuggestion("A UNION of constants has no type to compare: write UNION ALL, or CAST the constants.")
	case e.Code == stateDenied && strings.Contains(e.Message, "permission denied for relation"): // the words of old servers, as Redshift is
		return f.WithSuggestion("Grant SELECT on it to the source's user. Objects that are made anew lose their grants: ALTER DEFAULT PRIVILEGES IN SCHEMA … GRANT SELECT ON TABLES TO … covers future ones.")
	case e.Hint != "":
		return f.WithSuggestion("%s", e.Hint)
	case hint != "":
		return f.WithSuggestion("%s", hint)
	default:
		return f
	}
}

func codeOf(e *pgconn.PgError) fault.Code {
	switch {
	case e.Code == stateDenied:
		return fault.CodeSourceDenied
	case e.Code == stateCanceled || e.Code == stateLockTimeout:
		return fault.CodeSourceTimeout
	case e.Code == stateDiskFull:
		return fault.CodeSourceQuery
	case strings.HasPrefix(e.Code, classAuthentication):
		return fault.CodeSourceAuth
	case e.Code == stateNoDatabase, strings.HasPrefix(e.Code, classConnection), strings.HasPrefix(e.Code, classOperator), strings.HasPrefix(e.Code, classResources):
		return fault.CodeSourceUnreachable
	default:
		return fault.CodeSourceQuery
	}
}

// explainConnection is for errors that no server sent.
func explainConnection(err error) error {
	f := fault.Wrap(err, fault.CodeSourceUnreachable, "")
	var unknownSigner x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &wrongName):
		return fault.Reclass(f.WithSuggestion("Use the host name that the server's certificate is for, or do not check the host name."), fault.Fatal)
	case errors.As(err, &unknownSigner) || errors.As(err, &certificate):
		return fault.Reclass(f.WithSuggestion("Give the certificate of whoever signed the server's certificate as CA certificate."), fault.Fatal)
	case strings.Contains(err.Error(), "server refused TLS connection"): // the driver has no error value for it
		return fault.Reclass(f.WithSuggestion("The server does not offer encryption: turn ssl on there, or choose another encryption here."), fault.Fatal)
	default:
		return f
	}
}
