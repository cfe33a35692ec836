package sqlserver

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/millrace/millrace/internal/fault"
)

// meaning is what an error of the server means.
type meaning struct {
	code  fault.Code
	class fault.Class
	hint  string
	reach bool // a firewall may be in the way
}

func denied(hint string) meaning {
	return meaning{fault.CodeDestinationDenied, fault.Fatal, hint, false}
}
func login(hint string) meaning { return meaning{fault.CodeDestinationAuth, fault.Fatal, hint, false} }
func schema(hint string) meaning {
	return meaning{fault.CodeDestinationSchema, fault.Fatal, hint, false}
}
func busy(hint string) meaning {
	return meaning{fault.CodeDestinationUnreachable, fault.Retryable, hint, false}
}
func again(hint string) meaning {
	return meaning{fault.CodeDestinationRejected, fault.Retryable, hint, false}
}

// The errors that are judged where they come up.
const (
	numberNoObject   = 208
	numberDeadlock   = 1205
	numberLockWait   = 1222
	numberExists     = 2714
	numberNotAllowed = 40615
	numberUser       = 50_000 // and more: what triggers throw
)

// numbers are the errors that a person can act on:
// https://learn.microsoft.com/en-us/sql/relational-databases/errors-events/database-engine-events-and-errors
// https://learn.microsoft.com/en-us/azure/azure-sql/database/troubleshoot-common-errors-issues
var numbers = map[int32]meaning{
	18456: login("Check user and password: they must work with a client on this machine too. The server must allow SQL Server logins (mixed mode)."),
	18452: login("The server takes Windows logins only: allow SQL Server logins (mixed mode), or write the user as DOMAIN\\user."),
	18470: login("An administrator has disabled the login."),
	18486: login("The login is locked: an administrator unlocks it."),
	18487: login("The password has expired: change it at the server."),
	18488: login("The password must be changed at the server first."),
	40532: login("Check the server's name, and write the user without the server behind it."),

	4060:             schema("Check the database's name, and that the login has a user in it."),
	numberNotAllowed: {fault.CodeDestinationUnreachable, fault.Fatal, "Allow the address that the message names in the firewall of the Azure server (Security, Networking), and wait up to five minutes.", true},
	40914:            {fault.CodeDestinationUnreachable, fault.Fatal, "Allow the network that this server is in with a virtual network rule of the Azure server.", true},
	47073:            {fault.CodeDestinationUnreachable, fault.Fatal, "The Azure server refuses public connections: allow them, or go through a private endpoint.", true},
	40613:            busy("The database is not available at the moment; one that sleeps wakes within about a minute."),
	40197:            busy("Azure moves the database; the batch is sent again."),
	40501:            {fault.CodeDestinationThrottled, fault.Throttled, "The database is busy; the batch is sent again.", false},
	49918:            {fault.CodeDestinationThrottled, fault.Throttled, "The database is busy; the batch is sent again.", false},
	49919:            {fault.CodeDestinationThrottled, fault.Throttled, "The database is busy; the batch is sent again.", false},
	49920:            {fault.CodeDestinationThrottled, fault.Throttled, "The database is busy; the batch is sent again.", false},
	10928:            {fault.CodeDestinationThrottled, fault.Throttled, "Run fewer syncs at a time, or give the database more resources.", false},
	10929:            {fault.CodeDestinationThrottled, fault.Throttled, "Run fewer syncs at a time, or give the database more resources.", false},
	17809:            {fault.CodeDestinationThrottled, fault.Throttled, "The server has as many connections as it allows.", false},
	6005:             busy("The server is shutting down."),
	596:              busy("An administrator ended the connection."),
	1105:             busy("The database is full: give it more room."),
	9002:             busy("The transaction log is full: back it up, or give it more room."),
	701:              busy("The server has not enough memory: lower the sync's batch size."),

	229:  denied("Grant what the message names on the table to the destination's user."),
	230:  denied("Grant what the message names on the column to the destination's user, or do not map it."),
	262:  denied("Grant the permission that the message names to the destination's user in this database."),
	916:  denied("The login has no user in the database: make one there."),
	3906: denied("Connect to the primary replica, or run: ALTER DATABASE … SET READ_WRITE."),
	3908: denied("Connect to the primary replica: the database is in recovery."),
	976:  denied("Connect to the primary replica: this one does not take connections."),
	978:  denied("Connect to the primary replica: this one only reads."),

	207:            schema("The table has changed: load its columns again and correct the mapping."),
	numberNoObject: schema("Create the table, or choose another one."),
	271:            schema("The column is computed: do not map it."),
	544:            schema("The server alone fills an IDENTITY column: do not map it."),
	195:            schema("Use SQL Server 2016 or newer."),

	numberDeadlock: again("Another transaction was in the way; the batch is sent again. If it happens often, lower the batches at a time."),
	numberLockWait: again("Another transaction holds the rows; the batch is sent again."),
	3960:           again("Rows changed meanwhile; the batch is sent again."),
}

// followers are errors that only tell that there was one before.
var followers = []int32{3621, 3609, 3616, 8180}

// fatalClass is the severity from which on the server ends the connection, and resources one of what it lacks:
// https://learn.microsoft.com/en-us/sql/relational-databases/errors-events/database-engine-error-severities
const resourceClass = 17

// answer finds the server's answer in an error: the first one, which the others follow from.
func answer(err error) (mssql.Error, bool) {
	e, ok := errors.AsType[mssql.Error](err)
	if !ok || e.Number == 0 {
		return mssql.Error{}, false
	}
	if i := slices.IndexFunc(e.All, func(one mssql.Error) bool { return !slices.Contains(followers, one.Number) }); i >= 0 {
		e = e.All[i]
	}
	e.All = nil
	return e, true
}

// answered reports whether an error is an answer of the server.
func answered(err error) bool {
	e, ok := answer(err)
	return ok && e.Number != 0
}

// said is the server's or the driver's words.
func said(err error) string {
	if e, ok := answer(err); ok {
		return e.Message
	}
	return err.Error()
}

// ofRow reports whether an answer of the server is about the data: other rows may be taken. What is not known is taken
// for that, so that a batch is halved and single rows have the server's words.
func ofRow(e mssql.Error) bool {
	_, known := numbers[e.Number]
	return !known && e.Class < resourceClass
}

// translate says a driver's or server's error in our vocabulary. Its class supposes that the transaction did not end:
// then none of its rows was taken.
func (d *destination) translate(ctx context.Context, err error, doing string) *fault.Error {
	if ours, ok := errors.AsType[*fault.Error](err); ok {
		return ours
	}
	if e, ok := answer(err); ok {
		return d.ofServer(e, doing)
	}
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return fault.Wrap(context.Cause(ctx), fault.CodeRunCancelled, "%s", doing)
	}
	return d.ofNetwork(err, doing)
}

func (d *destination) ofServer(e mssql.Error, doing string) *fault.Error {
	cause := fmt.Errorf("%s (error %d)", e.Message, e.Number)
	m, known := numbers[e.Number]
	switch {
	case !known && ofRow(e):
		return fault.Wrap(cause, fault.CodeDestinationRejected, "%s", doing)
	case !known:
		m = busy("The server lacks something, or ends the connection; the message says what.")
	}
	if m.reach {
		m.hint += d.network.Firewall()
	}
	return fault.Reclass(fault.Wrap(cause, m.code, "%s", doing), m.class).WithSuggestion("%s", m.hint)
}

// ofNetwork judges an error that no server sent.
func (d *destination) ofNetwork(err error, doing string) *fault.Error {
	f := fault.Wrap(errors.New(err.Error()), fault.CodeDestinationUnreachable, "%s", doing)
	var wrongName x509.HostnameError
	var refused *distrust
	switch {
	case errors.As(err, &wrongName):
		return fault.Reclass(f, fault.Fatal).WithSuggestion("Use the host name that the server's certificate is for, or trust the server's certificate.")
	case errors.As(err, &refused):
		return fault.Reclass(f, fault.Fatal).WithSuggestion("Give the certificate of whoever signed the server's certificate as CA certificate, or trust the server's certificate.")
	case strings.Contains(err.Error(), "server does not support encryption"): // the driver has no error value for it
		return fault.Reclass(f, fault.Fatal).WithSuggestion("The server does not offer encryption: turn it on there, or choose another encryption here.")
	default:
		return f.WithSuggestion("Check that a server listens at %s, and that the firewall lets this machine in.%s", d.settings.address(), d.network.Firewall())
	}
}
