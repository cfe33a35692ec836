package oracle

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
	"github.com/sijms/go-ora/v2/network"
)

// outcome is what an error of the server means.
type outcome struct {
	code  fault.Code
	class fault.Class
	hint  string
}

func login(hint string) outcome { return outcome{fault.CodeSourceAuth, fault.Fatal, hint} }
func wrong(hint string) outcome { return outcome{fault.CodeSourceQuery, fault.Fatal, hint} }
func busy(hint string) outcome  { return outcome{fault.CodeSourceUnreachable, fault.Retryable, hint} }

// outcomes are the errors that a person can act on: https://docs.oracle.com/en/error-help/db/
var outcomes = map[int]outcome{
	1017:  login("Check user and password. A user that was made with quotes has the letters as they were written."),
	1005:  login("Enter the user's password."),
	28000: login("The account is locked: an administrator unlocks it (ALTER USER … ACCOUNT UNLOCK)."),
	28001: login("The password has expired: change it at the server."),
	1045:  {fault.CodeSourceDenied, fault.Fatal, "Let an administrator run GRANT CREATE SESSION TO the user."},
	1031:  {fault.CodeSourceDenied, fault.Fatal, "Grant the user what the query needs."},
	1720:  {fault.CodeSourceDenied, fault.Fatal, "Grant the view's owner SELECT with GRANT OPTION."},

	12514: {fault.CodeSourceUnreachable, fault.Fatal, "The listener does not know the service: check the database's name with lsnrctl services. An old database may be named by its SID."},
	12505: {fault.CodeSourceUnreachable, fault.Fatal, "The listener does not know the SID: check the database's name, or name it by its service."},
	12506: {fault.CodeSourceUnreachable, fault.Fatal, "The listener refuses this address: an administrator adds it to the service's access list."},
	12660: {fault.CodeSourceUnreachable, fault.Fatal, "Server and source do not agree on encryption: choose another one."},
	12516: busy("The server has as many sessions as it allows: raise PROCESSES, or run fewer syncs at a time."),
	12519: busy("The server has as many sessions as it allows: raise PROCESSES, or run fewer syncs at a time."),
	12520: busy("The server has as many sessions as it allows: raise PROCESSES, or run fewer syncs at a time."),
	12528: busy("The database is starting; it is tried again."),
	1033:  busy("The database is starting or stopping; it is tried again."),
	1034:  busy("The database does not run."),
	1089:  busy("The database is shutting down."),
	1109:  busy("The database is not open."),
	3113:  busy("The connection broke; it is tried again."),
	3114:  busy("The connection broke; it is tried again."),
	3135:  busy("The connection broke, perhaps a firewall ended it; it is tried again."),
	12537: busy("The connection broke; it is tried again."),
	28:    busy("An administrator ended the session."),
	2391:  busy("The user has as many sessions as its profile allows."),

	942:   wrong("Check the table's name and write it with its schema, and grant SELECT on it to the user: the server does not tell which of both is missing."),
	904:   wrong(`Check the column's name; one with small letters stands in " ".`),
	918:   wrong("Give each column a name of its own with AS, and write one that several tables have as table.column."),
	936:   wrong("Correct the query where the message says."),
	923:   wrong("Correct the query where the message says; a query without a table is FROM DUAL."),
	933:   wrong("Correct the query where the message says; no AS stands before the name of a table."),
	907:   wrong("Correct the query where the message says."),
	911:   wrong("Take the character out, such as a semicolon inside of the query."),
	979:   wrong("Add the column to GROUP BY, or put it into an aggregate such as MAX()."),
	932:   wrong("Bring both sides to one type with CAST."),
	1722:  wrong("The query compares or converts a text that is no number: leave those rows out with WHERE, or use TO_NUMBER(… DEFAULT NULL ON CONVERSION ERROR)."),
	1476:  wrong("Leave rows with a zero out with WHERE, or divide by NULLIF(column, 0)."),
	1843:  wrong("The query converts a text that is no date: give TO_DATE the format."),
	1008:  wrong("Write values instead of parameters such as :a."),
	998:   wrong("Give each column a name with AS."),
	1456:  wrong("A model reads and cannot change data."),
	14551: wrong("A function that the query calls changes data."),
	1555:  {fault.CodeSourceQuery, fault.Retryable, "The query ran longer than the server keeps old rows: raise UNDO_RETENTION, or make it lighter."},
	60:    {fault.CodeSourceQuery, fault.Retryable, "Another statement was in the way; it is tried again."},
	1652:  {fault.CodeSourceQuery, fault.Retryable, "The temporary tablespace is full: enlarge it, or make the query lighter."},
	1013:  {fault.CodeSourceTimeout, fault.Retryable, "Somebody stopped the query, or it ran too long for the server."},
	40:    {fault.CodeSourceTimeout, fault.Retryable, "The query took more than the server's resource plan allows: make it lighter."},
}

// explain gives an error its code, in the driver's own words (M-30).
func (x *session) explain(err error, st statement) error {
	var known *fault.Error
	var server *network.OracleError
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
	case errors.As(err, &server):
		return explainServer(server, st)
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

func explainServer(e *network.OracleError, st statement) error {
	o, known := outcomes[e.ErrCode]
	if !known {
		o = outcome{code: fault.CodeSourceQuery, class: fault.Fatal}
		if e.Bad() {
			o = outcome{code: fault.CodeSourceUnreachable, class: fault.Retryable}
		}
	}
	f := fault.Wrap(e, o.code, "")
	if o.code == fault.CodeSourceQuery {
		if place := st.place(e.ErrPos()); place.Line > 0 {
			f = fault.Wrap(e, o.code, "line %d, column %d", place.Line, place.Column).At(place)
		}
	}
	f = fault.Reclass(f, o.class)
	if o.hint != "" {
		f = f.WithSuggestion("%s", o.hint)
	}
	return f
}

// place says where in the user's text a position of the server is: a byte of the statement that was sent, from 0.
func (s statement) place(at int) fault.Place {
	begin := strings.Index(s.text, s.own)
	if at -= begin; begin < 0 || s.own == "" || at < 0 || at > len(s.own) {
		return fault.Place{}
	}
	before := s.own[:at]
	return fault.Place{
		Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1,
	}
}

// explainConnection is for errors that no server sent.
func (x *session) explainConnection(err error) error {
	f := fault.Wrap(err, fault.CodeSourceUnreachable, "")
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return fault.Reclass(f.WithSuggestion("Give the certificate of whoever signed the server's certificate as CA certificate, and use the host name that it is for."), fault.Fatal)
	}
	return f.WithSuggestion("%s", fault.CodeSourceUnreachable.Info().Hint+x.owner.network.Firewall())
}
