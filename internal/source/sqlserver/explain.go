package sqlserver

import (
	"context"
	"crypto/x509"
	"errors"
	"regexp"
	"slices"
	"strings"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/millrace/millrace/internal/fault"
)

// outcome is what an error of the server means.
type outcome struct {
	code  fault.Code
	class fault.Class
	hint  string
	reach bool // a firewall may be in the way
}

func denied(hint string) outcome { return outcome{fault.CodeSourceDenied, fault.Fatal, hint, false} }
func login(hint string) outcome  { return outcome{fault.CodeSourceAuth, fault.Fatal, hint, false} }
func wrong(hint string) outcome  { return outcome{fault.CodeSourceQuery, fault.Fatal, hint, false} }
func busy(hint string) outcome {
	return outcome{fault.CodeSourceUnreachable, fault.Retryable, hint, false}
}

// outcomes are the errors that a person can act on:
// https://learn.microsoft.com/en-us/sql/relational-databases/errors-events/database-engine-events-and-errors
// https://learn.microsoft.com/en-us/azure/azure-sql/database/troubleshoot-common-errors-issues
var outcomes = map[int32]outcome{
	18456: login("Check user and password: they must work with a client on this machine too. The server must allow SQL Server logins (mixed mode), and a service principal needs a user in the database."),
	18452: login("The server takes Windows logins only: allow SQL Server logins (mixed mode), or write the user as DOMAIN\\user."),
	18470: login("An administrator has disabled the login."),
	18486: login("The login is locked: an administrator unlocks it."),
	18487: login("The password has expired: change it at the server."),
	18488: login("The password must be changed at the server first."),
	40532: login("Check the host's name, and write the user without the server behind it."),
	4060:  {fault.CodeSourceUnreachable, fault.Fatal, "Check the database's name, and that the login has a user in it.", false},
	40615: {fault.CodeSourceUnreachable, fault.Fatal, "Allow the address that the message names in the firewall of the Azure server (Security, Networking), and wait up to five minutes.", true},
	40914: {fault.CodeSourceUnreachable, fault.Fatal, "Allow the network that this server is in with a virtual network rule of the Azure server.", true},
	47073: {fault.CodeSourceUnreachable, fault.Fatal, "The Azure server refuses public connections: allow them, or go through a private endpoint.", true},
	40613: busy("The database is not available at the moment; one that sleeps wakes within about a minute."),
	40197: busy("Azure moves the database; it is tried again."),
	40501: busy("The database is busy; it is tried again."),
	49918: busy("The database is busy; it is tried again."),
	49919: busy("The database is busy; it is tried again."),
	49920: busy("The database is busy; it is tried again."),
	10928: busy("Run fewer syncs at a time, or give the database more resources."),
	10929: busy("Run fewer syncs at a time, or give the database more resources."),
	42108: {fault.CodeSourceUnreachable, fault.Fatal, "The SQL pool is paused: resume it in the Azure portal.", false},
	17809: busy("The server has as many connections as it allows."),
	6005:  busy("The server is shutting down."),
	596:   busy("An administrator ended the connection."),

	229: denied("Grant SELECT on the object to the source's user."),
	230: denied("Grant SELECT on the column to the source's user."),
	262: denied("Grant the permission that the message names to the source's user in this database."),
	297: denied("Grant the permission that the message names to the source's user."),
	300: denied("Grant the permission that the message names to the source's user."),
	371: denied("Grant the permission that the message names to the source's user."),
	916: denied("The login has no user in the other database that the query reads: make one there."),

	102:  wrong("Correct the query where the message says."),
	156:  wrong("Correct the query where the message says; a name that is a keyword stands in [ ]."),
	207:  wrong("Check the column's name; one with unusual characters stands in [ ]."),
	208:  wrong("Check the table's name and write it with its schema; the source's tables are listed on its page."),
	209:  wrong("Several tables of the query have this column: write it as table.column, and give it a name of its own with AS."),
	2812: wrong("A model is a SELECT: a procedure cannot be called in it."),
	4104: wrong("Check the column's name and the alias before it."),
	8155: wrong("Give each column a name with AS."),
	8156: wrong("Give each column a name of its own with AS."),
	8120: wrong("Add the column to GROUP BY, or put it into an aggregate such as MAX()."),
	8134: wrong("Leave rows with a zero out with WHERE, or divide by NULLIF(column, 0)."),
	8114: wrong("The query casts a value that does not convert: leave those rows out with WHERE, or use TRY_CAST."),
	245:  wrong("The query casts or compares a text that is no number: leave those rows out with WHERE, or use TRY_CAST."),
	241:  wrong("The query casts a text that is no date: leave those rows out with WHERE, or use TRY_CAST."),
	8115: wrong("A sum or cast is too large for its type: CAST to a larger one first."),
	402:  wrong("Bring both sides to one type with CAST."),
	468:  wrong("Give both sides one collation with COLLATE."),
	1033: wrong("Add TOP or OFFSET to the inner query, or leave its ORDER BY out."),
	3952: wrong("The query reads another database that does not allow snapshots: ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON there."),
	3960: {fault.CodeSourceQuery, fault.Retryable, "Rows changed meanwhile; it is tried again.", false},
	1205: {fault.CodeSourceQuery, fault.Retryable, "Another statement was in the way; it is tried again.", false},
	1222: {fault.CodeSourceTimeout, fault.Retryable, "Another statement holds the rows: raise LOCK_TIMEOUT, or allow snapshots for the database.", false},
	701:  {fault.CodeSourceQuery, fault.Retryable, "The server has not enough memory for the query: make it lighter.", false},
	8645: {fault.CodeSourceQuery, fault.Retryable, "The server has not enough memory for the query: make it lighter.", false},
}

// followers are errors that only tell that there was one before.
var followers = []int32{8180, 11501, 11529, 3621, 4145}

// fatalClass is the severity from which on the server ends the connection:
// https://learn.microsoft.com/en-us/sql/relational-databases/errors-events/database-engine-error-severities
const fatalClass = 20

// explain gives an error its code, in the driver's own words (M-30).
func (x *session) explain(err error, st statement) error {
	var known *fault.Error
	var server mssql.Error
	switch {
	case err == nil:
		return nil
	case x.ctx.Err() != nil:
		return x.stopped()
	case errors.As(err, &known):
		if known.Code == fault.CodeSourceUnreachable {
			return known.WithSuggestion("%s", known.Hint()+x.owner.network.Firewall())
		}
		return err
	case errors.As(err, &server) && server.Number != 0:
		return x.explainServer(server, st)
	default:
		return x.explainConnection(err)
	}
}

// stopped is about a statement that ended before its end.
func (x *session) stopped() error {
	cause := context.Cause(x.ctx)
	f := fault.Wrap(cause, fault.CodeSourceTimeout, "the query was stopped")
	switch {
	case errors.Is(cause, errTimeout):
		return f.WithSuggestion("Raise the source's request timeout, or make the query lighter.")
	case errors.Is(cause, errClosed):
		return fault.Wrap(cause, fault.CodeSourceUnreachable, "")
	default:
		return f
	}
}

// first is the error that the others of one answer follow from. It tells its words alone.
func first(e mssql.Error) mssql.Error {
	for _, one := range e.All {
		if !slices.Contains(followers, one.Number) {
			e = one
			break
		}
	}
	e.All = nil
	return e
}

func (x *session) explainServer(e mssql.Error, st statement) error {
	e = first(e)
	o, known := outcomes[e.Number]
	if !known {
		o = outcome{code: fault.CodeSourceQuery, class: fault.Fatal}
		if e.Class >= fatalClass {
			o = outcome{code: fault.CodeSourceUnreachable, class: fault.Retryable}
		}
	}
	if o.reach {
		o.hint += x.owner.network.Firewall()
	}
	f := fault.Wrap(e, o.code, "")
	if o.code == fault.CodeSourceQuery {
		if place := st.place(e); place.Line > 0 {
			f = fault.Wrap(e, o.code, "line %d, column %d", place.Line, place.Column).At(place)
		}
	}
	f = fault.Reclass(f, o.class)
	if o.hint != "" {
		f = f.WithSuggestion("%s", o.hint)
	}
	return f
}

// quotedWord is what a message is about.
var quotedWord = regexp.MustCompile(`'([^']+)'`)

// place finds in the user's text what the server says of the statement that was sent: a line. The column is that of
// the word that the message quotes, or the line's first.
func (st statement) place(e mssql.Error) fault.Place {
	sent, own := strings.Split(st.text, "\n"), strings.Split(st.own, "\n")
	if e.LineNo < 1 || int(e.LineNo) > len(sent) || e.ProcName != "" || st.own == "" {
		return fault.Place{}
	}
	var at int
	if i := strings.Index(st.text, st.own); i >= 0 {
		at = int(e.LineNo) - 1 - strings.Count(st.text[:i], "\n")
	} else { // its beginning was taken apart from its end: the line is found by what it says
		said := strings.TrimSpace(sent[e.LineNo-1])
		at = slices.IndexFunc(own, func(line string) bool { return said != "" && strings.Contains(line, said) })
	}
	if at < 0 || at >= len(own) {
		return fault.Place{}
	}
	p := fault.Place{Line: at + 1, Column: 1}
	if m := quotedWord.FindStringSubmatch(e.Message); m != nil {
		if i := strings.Index(own[at], m[1]); i >= 0 {
			p.Column = len([]rune(own[at][:i])) + 1
		}
	}
	return p
}

// explainConnection is for errors that no server sent.
func (x *session) explainConnection(err error) error {
	f := fault.Wrap(err, fault.CodeSourceUnreachable, "")
	var wrongName x509.HostnameError
	var unknownSigner x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	firewall := x.owner.network.Firewall()
	switch refused := x.refused; {
	case errors.As(refused, &wrongName):
		return fault.Reclass(f.WithSuggestion("Use the host name that the server's certificate is for, or trust the server's certificate."), fault.Fatal)
	case errors.As(refused, &unknownSigner), errors.As(refused, &invalid), refused != nil:
		return fault.Reclass(f.WithSuggestion("Give the certificate of whoever signed the server's certificate as CA certificate, or trust the server's certificate."), fault.Fatal)
	case strings.Contains(err.Error(), "server does not support encryption"): // the driver has no error value for it
		return fault.Reclass(f.WithSuggestion("The server does not offer encryption: turn it on there, or choose another encryption here."), fault.Fatal)
	default:
		return f.WithSuggestion("%s", fault.CodeSourceUnreachable.Info().Hint+firewall)
	}
}
