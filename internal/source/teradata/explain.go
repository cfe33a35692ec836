package teradata

import (
	"context"
	"errors"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/stream"
	"github.com/millrace/millrace/internal/source/teradata/odbc"
)

// outcome is what an error of the database means.
type outcome struct {
	code  fault.Code
	class fault.Class
	hint  string
}

func login(hint string) outcome  { return outcome{fault.CodeSourceAuth, fault.Fatal, hint} }
func denied(hint string) outcome { return outcome{fault.CodeSourceDenied, fault.Fatal, hint} }
func wrong(hint string) outcome  { return outcome{fault.CodeSourceQuery, fault.Fatal, hint} }
func again(hint string) outcome  { return outcome{fault.CodeSourceQuery, fault.Retryable, hint} }
func busy(hint string) outcome   { return outcome{fault.CodeSourceUnreachable, fault.Retryable, hint} }

const syntaxHint = "Correct the query where the message says."

// outcomes are the errors that a person can act on, by the database's own numbers. Those of transactions and restarts:
// https://docs.teradata.com/r/Enterprise_IntelliFlex_Lake_VMware/Teradata-Call-Level-Interface-Version-2-Reference-for-Workstation-Attached-Systems-20.00/Return-Error-and-Failure-Codes/Responding-to-Error-and-Failure-Parcels
// The others are unverified.
var outcomes = map[int]outcome{
	8017: login("Check username, password and logon mechanism."),
	3032: login("The password has expired: change it at the database."),
	3001: login("Check username, password and logon mechanism."),
	3002: busy("Logons are off; it is tried again."),
	3055: busy("Only administrators may log on now; it is tried again."),
	8024: busy("The gateway has as many sessions as it allows; it is tried again."),
	3523: denied("Grant the user SELECT on what the message names."),
	5315: denied("Grant the view's owner SELECT on what the message names, WITH GRANT OPTION."),
	3524: denied("Grant the user what the message names."),

	3802: wrong("Check the database's name."),
	3807: wrong("Check the table's name, and write it with its database."),
	3810: wrong("Check the column's name."),
	5628: wrong("Check the column's name."),
	3809: wrong("Write the column as table.column."),
	3706: wrong(syntaxHint),
	3707: wrong(syntaxHint),
	3704: wrong(syntaxHint),
	3708: wrong(syntaxHint),
	3504: wrong("Add the column to GROUP BY, or put it into an aggregate such as MAX()."),
	3532: wrong("Bring both sides to one type with CAST."),
	2616: wrong("A number is too large for its type: CAST it to a larger one before."),
	2617: wrong("A number is too large for its type: CAST it to a larger one before."),
	2618: wrong("Leave rows with a zero out with WHERE, or divide by NULLIF(column, 0)."),
	2619: wrong("Leave rows with a zero out with WHERE, or divide by NULLIF(column, 0)."),
	2620: wrong("The query converts a text that is no number: leave those rows out with WHERE, or use TRYCAST."),
	2621: wrong("The query converts a text that is no number: leave those rows out with WHERE, or use TRYCAST."),
	2665: wrong("The query converts what is no date: leave those rows out with WHERE, or use TRYCAST."),
	2666: wrong("The query converts what is no date: leave those rows out with WHERE, or use TRYCAST."),
	6760: wrong("The query converts what is no timestamp: leave those rows out with WHERE, or use TRYCAST."),
	6706: wrong("A text has characters that its character set does not: use TRANSLATE(column USING … WITH ERROR)."),
	3577: wrong("A row is too wide: leave columns out, or CAST texts to shorter ones."),
	9804: wrong("A row is too wide: leave columns out, or CAST texts to shorter ones."),
	3569: denied("Grant the user what the message names."),

	2646: again("The query needs more spool space than the user has: make it lighter, or let an administrator raise the user's SPOOL."),
	2507: again("The disks have no spool space left; it is tried again."),
	2631: again("Another statement was in the way; it is tried again."),
	2639: again("There are too many transactions; it is tried again."),
	2641: again("A table changed meanwhile; it is tried again."),
	2825: again("The database restarted; it is tried again."),
	2826: again("The database restarted; it is tried again."),
	2828: again("The database restarted; it is tried again."),
	3120: again("The database restarted; it is tried again."),
	3598: again("A definition changed meanwhile; it is tried again."),
	3603: again("A definition changed meanwhile; it is tried again."),
	3110: {fault.CodeSourceTimeout, fault.Retryable, "Somebody stopped the query."},
	3111: {fault.CodeSourceTimeout, fault.Retryable, "The query took longer than the database allows: make it lighter."},
	3134: {fault.CodeSourceTimeout, fault.Retryable, "An administrator stopped the query."},
	3149: denied("Workload management refuses the query: an administrator can let queries with the query band ApplicationName=Millrace pass."),
	3151: again("Workload management lets no more queries run now; it is tried again."),
	3156: {fault.CodeSourceTimeout, fault.Retryable, "Workload management stopped the query: make it lighter, or let an administrator change its rules."},
}

// absentDriver is for a driver that the driver manager does not find, or cannot load.
var absentDriver = outcome{
	fault.CodeSourceUnreachable, fault.Fatal,
	"The operator installs the vendor's ODBC driver on this server, with the libraries that it needs (ldd), and names it in the setting teradata-driver as odbcinst.ini does.",
}

// states are the codes of ODBC that a person can act on, where the database gave no number.
// https://learn.microsoft.com/en-us/sql/odbc/reference/appendixes/appendix-a-odbc-error-codes
var states = map[string]outcome{
	"IM002": absentDriver, "IM003": absentDriver, "01000": absentDriver,
	"28000": login("Check username, password and logon mechanism."),
	"HYT00": {fault.CodeSourceTimeout, fault.Retryable, "The database did not answer in time; it is tried again."},
	"HYT01": {fault.CodeSourceTimeout, fault.Retryable, "The database did not answer in time; it is tried again."},
	"HY008": {fault.CodeSourceTimeout, fault.Retryable, "Somebody stopped the query."},
	"42S02": wrong("Check the table's name, and write it with its database."),
	"42S22": wrong("Check the column's name."),
	"42000": wrong(syntaxHint),
	"22012": wrong("Leave rows with a zero out with WHERE, or divide by NULLIF(column, 0)."),
}

// explain gives an error its code, in the driver's own words (M-30).
func (x *session) explain(err error, t stream.Text) error {
	var said *odbc.Error
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case x.st.Context().Err() != nil:
		return x.stopped()
	case x.forward.cause() != nil: // the driver knows only that nobody answered
		return x.unreached(x.forward.cause())
	case errors.Is(err, odbc.ErrAbsent):
		return fault.Reclass(fault.Wrap(err, fault.CodeSourceUnreachable, "").WithSuggestion("%s", missing), fault.Fatal)
	case errors.As(err, &known):
		return err
	case errors.As(err, &said):
		return x.explainSaid(said, t)
	default:
		return x.unreached(err)
	}
}

func (x *session) explainSaid(e *odbc.Error, t stream.Text) error {
	o, known := outcomes[e.Native]
	if !known {
		o, known = states[e.State]
	}
	switch {
	case known:
	case len(e.State) == 5 && e.State[:2] == "08" || t.Own == "":
		return x.unreached(e)
	default:
		o = outcome{code: fault.CodeSourceQuery, class: fault.Fatal}
	}
	f := fault.Reclass(fault.Wrap(e, o.code, ""), o.class)
	if o.hint != "" {
		f = f.WithSuggestion("%s", o.hint)
	}
	return f
}

// stopped is about a statement that ended before its end.
func (x *session) stopped() error {
	cause := context.Cause(x.st.Context())
	if errors.Is(cause, errTimeout) {
		return fault.Wrap(cause, fault.CodeSourceTimeout, "the query was stopped").WithSuggestion("Raise the source's request timeout, or make the query lighter.")
	}
	return x.st.Explain()
}

func (x *session) unreached(err error) error {
	return fault.Wrap(err, fault.CodeSourceUnreachable, "").WithSuggestion("%s", fault.CodeSourceUnreachable.Info().Hint+x.owner.network.Firewall())
}
