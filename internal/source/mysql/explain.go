package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/fault"
)

// The errors of the server that a person can act on. MySQL's: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
// MariaDB's: https://mariadb.com/kb/en/mariadb-error-code-reference/
const (
	numberTooMany          = 1040
	numberNoAccessDatabase = 1044
	numberNoAccess         = 1045
	numberNoDatabase       = 1049
	numberAmbiguous        = 1052
	numberShutdown         = 1053
	numberNoColumn         = 1054
	numberNotGrouped       = 1055
	numberTwice            = 1060
	numberSyntax           = 1064
	numberUnknownTable     = 1109
	numberHostBlocked      = 1129
	numberHostRefused      = 1130
	numberMixedGroup       = 1140
	numberTableDenied      = 1142
	numberColumnDenied     = 1143
	numberNoTable          = 1146
	numberUserTooMany      = 1203
	numberLockTimeout      = 1205
	numberDeadlock         = 1213
	numberUserResources    = 1226
	numberDenied           = 1227
	numberNotSupported     = 1235
	numberOldClient        = 1251
	numberNoFunction       = 1305
	numberInterrupted      = 1317
	numberDefiner          = 1356
	numberRoutineDenied    = 1370
	numberNoPassword       = 1698
	numberReadOnly         = 1792
	numberExpired          = 1820
	numberPasswordExpired  = 1862
	numberMariaKilled      = 1927
	numberMariaTimeout     = 1969
	numberMySQLTimeout     = 3024
	numberMySQLLocked      = 3118
	numberInsecure         = 3159
	numberMariaLocked      = 4151
)

// said is what an error of the server means, and what to do about it where the code's own hint is not enough.
type said struct {
	code fault.Code
	hint string
}

var numbers = map[uint16]said{
	numberTooMany:          {fault.CodeSourceUnreachable, "Raise max_connections of the server, or run fewer syncs at a time."},
	numberUserTooMany:      {fault.CodeSourceUnreachable, "Raise max_user_connections for the source's user, or run fewer syncs at a time."},
	numberUserResources:    {fault.CodeSourceUnreachable, "Raise the limit that the message names for the source's user, or run fewer syncs at a time."},
	numberShutdown:         {fault.CodeSourceUnreachable, ""},
	numberMariaKilled:      {fault.CodeSourceUnreachable, "Somebody ended the connection at the server: run again."},
	numberNoDatabase:       {fault.CodeSourceUnreachable, "Check the database's name, in capital and small letters as the server has it."},
	numberHostBlocked:      {fault.CodeSourceUnreachable, "The server blocks this address after too many failures: run FLUSH HOSTS there."},
	numberHostRefused:      {fault.CodeSourceAuth, "The server has no user for this address: create 'user'@'address' there, or 'user'@'%%'."},
	numberNoAccess:         {fault.CodeSourceAuth, "Check user and password; a user is also bound to the addresses that it may come from."},
	numberNoPassword:       {fault.CodeSourceAuth, "The user logs in by another way than a password: let it have one, IDENTIFIED BY …"},
	numberOldClient:        {fault.CodeSourceAuth, "The user's way to log in is not supported: use caching_sha2_password, mysql_native_password or ed25519."},
	numberExpired:          {fault.CodeSourceAuth, "The user's password has expired: set a new one at the server and here."},
	numberPasswordExpired:  {fault.CodeSourceAuth, "The user's password has expired: set a new one at the server and here."},
	numberMySQLLocked:      {fault.CodeSourceAuth, "Unlock the user at the server: ALTER USER … ACCOUNT UNLOCK."},
	numberMariaLocked:      {fault.CodeSourceAuth, "Unlock the user at the server: ALTER USER … ACCOUNT UNLOCK."},
	numberInsecure:         {fault.CodeSourceAuth, "The server takes encrypted connections only: choose an encryption."},
	numberNoAccessDatabase: {fault.CodeSourceDenied, "Grant SELECT on the database to the source's user."},
	numberTableDenied:      {fault.CodeSourceDenied, "Grant SELECT on the table to the source's user."},
	numberColumnDenied:     {fault.CodeSourceDenied, "Grant SELECT on the column to the source's user, or leave it out."},
	numberDenied:           {fault.CodeSourceDenied, "Grant the privilege that the message names to the source's user, or leave out what needs it."},
	numberRoutineDenied:    {fault.CodeSourceDenied, "Check the routine's name; if it exists, grant EXECUTE on it to the source's user."},
	numberDefiner:          {fault.CodeSourceQuery, "The view reads what is gone, or what its definer may not read: correct the view."},
	numberMySQLTimeout:     {fault.CodeSourceTimeout, "Raise max_execution_time of the server, or make the query lighter."},
	numberMariaTimeout:     {fault.CodeSourceTimeout, "Raise max_statement_time for the source's user, or make the query lighter."},
	numberLockTimeout:      {fault.CodeSourceTimeout, "Another transaction holds a lock on what the query reads: run again, or leave FOR UPDATE out."},
	numberInterrupted:      {fault.CodeSourceTimeout, "Somebody ended the statement at the server: run again, or make the query lighter."},
	numberDeadlock:         {fault.CodeSourceQuery, ""},
	numberNoTable:          {fault.CodeSourceQuery, "Check the table's name, and write it with its database; the source's tables are listed on its page."},
	numberUnknownTable:     {fault.CodeSourceQuery, "Check the table's name, or its alias."},
	numberNoColumn:         {fault.CodeSourceQuery, "Check the column's name; a text stands in single quotes, a name in backticks."},
	numberAmbiguous:        {fault.CodeSourceQuery, "Several tables of the query have this column: write it as table.column, and give it a name of its own with AS."},
	numberTwice:            {fault.CodeSourceQuery, "Give each column a name of its own with AS."},
	numberNotGrouped:       {fault.CodeSourceQuery, "Add the column to GROUP BY, or put it into an aggregate such as MAX() or ANY_VALUE()."},
	numberMixedGroup:       {fault.CodeSourceQuery, "Add GROUP BY, or put the column into an aggregate such as MAX()."},
	numberNoFunction:       {fault.CodeSourceQuery, "Check the function's name, and write it with its database."},
	numberReadOnly:         {fault.CodeSourceQuery, "A model reads and cannot change data: write it as a SELECT."},
}

// fromServer reports whether the server refused a statement, so that it has ended.
func fromServer(err error) bool {
	var server *mysql.MySQLError
	return errors.As(err, &server)
}

// explain gives an error its code, in the driver's own words (M-30).
func (s *Source) explain(ctx context.Context, err error, st statement) error {
	var known *fault.Error
	var server *mysql.MySQLError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return fault.Wrap(context.Cause(ctx), fault.CodeSourceTimeout, "the query was stopped")
	case errors.As(err, &server):
		return s.explainServer(server, st)
	default:
		return s.explainConnection(err)
	}
}

func (s *Source) explainServer(e *mysql.MySQLError, st statement) error {
	meaning, known := numbers[e.Number]
	if !known {
		meaning.code = fault.CodeSourceQuery
	}
	words := ""
	place, found := st.place(e)
	if found {
		words = fmt.Sprintf("line %d, column %d", place.Line, place.Column)
	}
	f := fault.Wrap(e, meaning.code, "%s", words).At(place)
	switch e.Number {
	case numberNoDatabase, numberHostBlocked:
		f = fault.Reclass(f, fault.Fatal)
	case numberDeadlock:
		f = fault.Reclass(f, fault.Retryable)
	}
	if meaning.hint == "" {
		meaning.hint = f.Hint()
	}
	if meaning.code == fault.CodeSourceUnreachable || e.Number == numberHostRefused {
		meaning.hint += s.network.Firewall()
	}
	return f.WithSuggestion("%s", meaning.hint)
}

// explainConnection is for errors that no server sent.
func (s *Source) explainConnection(err error) error {
	var unknownSigner x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var certificate *tls.CertificateVerificationError
	var unknownHost *net.DNSError
	f := fault.Wrap(err, fault.CodeSourceUnreachable, "")
	switch {
	case errors.Is(err, mysql.ErrNoTLS): // S-66
		f = fault.Wrap(err, fault.CodeSourceUnreachable, "Server does not support secure connection")
		return fault.Reclass(f.WithSuggestion("Let the server offer encrypted connections (ssl_cert and ssl_key in its configuration). Only for a server on this machine or behind a tunnel, choose no encryption."), fault.Fatal)
	case errors.As(err, &wrongName):
		return fault.Reclass(f.WithSuggestion("Use the host name that the server's certificate is for, or do not check the host name."), fault.Fatal)
	case errors.As(err, &unknownSigner) || errors.As(err, &certificate):
		return fault.Reclass(f.WithSuggestion("Give the certificate of whoever signed the server's certificate as CA certificate."), fault.Fatal)
	case errors.Is(err, mysql.ErrCleartextPassword), errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrUnknownPlugin), errors.Is(err, mysql.ErrNativePassword):
		return fault.Wrap(err, fault.CodeSourceAuth, "").WithSuggestion("The user's way to log in is not supported: use caching_sha2_password, mysql_native_password or ed25519.")
	case errors.As(err, &unknownHost):
		return f.WithSuggestion("Check the host's name.%s", s.network.Firewall())
	default:
		return f.WithSuggestion("Check host, port and firewall, then test the connection again.%s", s.network.Firewall())
	}
}

// near is what the server says of a syntax error's place, whatever language it speaks: the text from there on.
var near = regexp.MustCompile(`(?s)'(.*)'[^']* (\d+)$`)

// named is what the server says is missing, ambiguous or there twice.
var named = regexp.MustCompile(`'([^']+)'`)

// place says where in the user's text the error is, if the server's words lead there.
func (st statement) place(e *mysql.MySQLError) (fault.Place, bool) {
	switch e.Number {
	case numberSyntax:
		m := near.FindStringSubmatch(e.Message)
		if m == nil {
			return fault.Place{}, false
		}
		line, err := strconv.Atoi(m[2])
		if err != nil {
			return fault.Place{}, false
		}
		return st.at(st.find(m[1], line))
	case numberNoColumn, numberNoTable, numberUnknownTable, numberAmbiguous, numberTwice:
		m := named.FindStringSubmatch(e.Message)
		if m == nil {
			return fault.Place{}, false
		}
		return st.at(st.mention(m[1][strings.LastIndexByte(m[1], '.')+1:]))
	default:
		return fault.Place{}, false
	}
}

// find returns where in what was sent a text stands that begins on a line; if it does so nowhere, where the line
// begins.
func (st statement) find(text string, line int) int {
	begins := 0
	for range line - 1 {
		next := strings.IndexByte(st.text[begins:], '\n')
		if next < 0 {
			return len(st.text)
		}
		begins += next + 1
	}
	ends := len(st.text)
	if next := strings.IndexByte(st.text[begins:], '\n'); next >= 0 {
		ends = begins + next
	}
	if text == "" {
		return ends
	}
	for at := begins; at <= ends && at < len(st.text); at++ {
		if strings.HasPrefix(st.text[at:], text) {
			return at
		}
	}
	return begins
}

// mention returns where in what was sent a name stands first, other than as a new name; -1 where it does not.
func (st statement) mention(name string) int {
	all := tokens(st.text)
	for i, t := range all {
		if t.names(name) && (i == 0 || !all[i-1].is("AS")) {
			return t.at
		}
	}
	return -1
}

// at returns a position in what was sent as one in the user's text; what stands behind that is its end.
func (st statement) at(sent int) (fault.Place, bool) {
	at := sent - st.shift
	if sent < 0 || at < 0 || st.own == "" {
		return fault.Place{}, false
	}
	before := st.own[:min(at, len(st.own))]
	return fault.Place{
		Line:   strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1,
	}, true
}
