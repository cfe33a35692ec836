package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/fault"
)

// The errors of the server that are judged by their numbers.
// MySQL's: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
// MariaDB's: https://mariadb.com/kb/en/mariadb-error-code-reference/
const (
	numberTooMany         = 1040
	numberNoAccess        = 1044
	numberAccessDenied    = 1045
	numberNoDatabase      = 1049
	numberShutdown        = 1053
	numberNoColumn        = 1054
	numberNotAllowed      = 1148
	numberHostBlocked     = 1129
	numberHostRefused     = 1130
	numberTableDenied     = 1142
	numberColumnDenied    = 1143
	numberNoTable         = 1146
	numberUserTooMany     = 1203
	numberLockTimeout     = 1205
	numberDeadlock        = 1213
	numberUserResources   = 1226
	numberDenied          = 1227
	numberOldClient       = 1251
	numberTruncated       = 1265
	numberWrongValue      = 1292
	numberOutOfRange      = 1264
	numberReadOnlyServer  = 1290
	numberInterrupted     = 1317
	numberDivision        = 1365
	numberIncorrect       = 1366
	numberTooLong         = 1406
	numberNoPassword      = 1698
	numberReadOnly        = 1792
	numberReadOnlyMode    = 1836
	numberExpired         = 1820
	numberPasswordExpired = 1862
	numberMariaKilled     = 1927
	numberMariaTimeout    = 1969
	numberMySQLTimeout    = 3024
	numberMySQLLocked     = 3118
	numberInsecure        = 3159
	numberLocalDisabled   = 3948
	numberMariaLocked     = 4151
	numberMariaLocal      = 4166
	numberRecordFull      = 1114
	numberDiskFull        = 1021
)

// meaning is what an error of the server means, and what to do about it where the code's own hint is not enough.
type meaning struct {
	code  fault.Code
	class fault.Class
	hint  string
}

var numbers = map[uint16]meaning{
	numberTooMany:         {fault.CodeDestinationThrottled, fault.Throttled, "Raise max_connections of the server, or lower the sync's batches at a time."},
	numberUserTooMany:     {fault.CodeDestinationThrottled, fault.Throttled, "Raise max_user_connections for the destination's user, or lower the sync's batches at a time."},
	numberUserResources:   {fault.CodeDestinationThrottled, fault.Throttled, "Raise the limit that the message names for the destination's user."},
	numberShutdown:        {fault.CodeDestinationUnreachable, fault.Retryable, ""},
	numberMariaKilled:     {fault.CodeDestinationUnreachable, fault.Retryable, "Somebody ended the connection at the server; the batch is sent again."},
	numberInterrupted:     {fault.CodeDestinationUnreachable, fault.Retryable, "Somebody ended the statement at the server; the batch is sent again."},
	numberNoDatabase:      {fault.CodeDestinationSchema, fault.Fatal, "Check the database's name, in capital and small letters as the server has it, or create it."},
	numberHostBlocked:     {fault.CodeDestinationUnreachable, fault.Fatal, "The server blocks this address after too many failures: run FLUSH HOSTS there."},
	numberHostRefused:     {fault.CodeDestinationAuth, fault.Fatal, "The server has no user for this address: create 'user'@'address' there, or 'user'@'%'."},
	numberAccessDenied:    {fault.CodeDestinationAuth, fault.Fatal, "Check user and password; a user is also bound to the addresses that it may come from."},
	numberNoPassword:      {fault.CodeDestinationAuth, fault.Fatal, "The user logs in by another way than a password: let it have one, IDENTIFIED BY …"},
	numberOldClient:       {fault.CodeDestinationAuth, fault.Fatal, "The user's way to log in is not supported: use caching_sha2_password, mysql_native_password or ed25519."},
	numberExpired:         {fault.CodeDestinationAuth, fault.Fatal, "The user's password has expired: set a new one at the server and here."},
	numberPasswordExpired: {fault.CodeDestinationAuth, fault.Fatal, "The user's password has expired: set a new one at the server and here."},
	numberMySQLLocked:     {fault.CodeDestinationAuth, fault.Fatal, "Unlock the user at the server: ALTER USER … ACCOUNT UNLOCK."},
	numberMariaLocked:     {fault.CodeDestinationAuth, fault.Fatal, "Unlock the user at the server: ALTER USER … ACCOUNT UNLOCK."},
	numberInsecure:        {fault.CodeDestinationAuth, fault.Fatal, "The server takes encrypted connections only: choose an encryption."},
	numberNoAccess:        {fault.CodeDestinationDenied, fault.Fatal, "Grant SELECT, INSERT, UPDATE and DELETE on the table to the destination's user; a user is also bound to the addresses that it may come from."},
	numberTableDenied:     {fault.CodeDestinationDenied, fault.Fatal, "Grant what the message names on the table to the destination's user."},
	numberColumnDenied:    {fault.CodeDestinationDenied, fault.Fatal, "Grant what the message names on the column to the destination's user, or do not map it."},
	numberDenied:          {fault.CodeDestinationDenied, fault.Fatal, "Grant the privilege that the message names to the destination's user."},
	numberReadOnly:        {fault.CodeDestinationDenied, fault.Fatal, "Connect to the primary server: this one only reads."},
	numberReadOnlyMode:    {fault.CodeDestinationDenied, fault.Fatal, "Connect to the primary server: this one only reads."},
	numberReadOnlyServer:  {fault.CodeDestinationDenied, fault.Fatal, "Connect to the primary server, or switch the option off that the message names."},
	numberNotAllowed:      noLocalInfile,
	numberLocalDisabled:   noLocalInfile,
	numberMariaLocal:      noLocalInfile,
	numberMySQLTimeout:    {fault.CodeDestinationTimeout, fault.Permanent, "Raise max_execution_time of the server, or lower the sync's batch size."},
	numberMariaTimeout:    {fault.CodeDestinationTimeout, fault.Permanent, "Raise max_statement_time for the destination's user, or lower the sync's batch size."},
	numberLockTimeout:     {fault.CodeDestinationRejected, fault.Retryable, "Another transaction holds the rows; the batch is sent again. If it happens often, lower the batches at a time."},
	numberDeadlock:        {fault.CodeDestinationRejected, fault.Retryable, "Another transaction was in the way; the batch is sent again. If it happens often, lower the batches at a time."},
	numberNoTable:         {fault.CodeDestinationSchema, fault.Fatal, "Create the table, or choose another one."},
	numberNoColumn:        {fault.CodeDestinationSchema, fault.Fatal, "The table has changed: load its columns again and correct the mapping."},
	numberRecordFull:      {fault.CodeDestinationUnreachable, fault.Retryable, "Give the server more disk, or raise innodb_data_file_path's limit."},
	numberDiskFull:        {fault.CodeDestinationUnreachable, fault.Retryable, "Give the server more disk."},
}

var noLocalInfile = meaning{
	fault.CodeDestinationSchema, fault.Fatal,
	"Run SET GLOBAL local_infile = ON at the server (and set it in its configuration), or write upserts with INSERT in the sync's settings.",
}

// ofRows are the errors about data whose SQLSTATE does not say so.
var ofRows = []uint16{
	numberTruncated, numberIncorrect,
	1118,       // row size too large
	1153,       // a packet that is too large
	1300,       // invalid character string
	1364,       // a field without a default
	1369,       // CHECK OPTION
	1467,       // no AUTO_INCREMENT value left
	1526, 1748, // no partition for a value
	1644,       // SIGNAL
	3819, 4025, // a check constraint
}

// ofRow reports whether an answer of the server is about the data: other rows may be taken. Otherwise the class of the
// SQLSTATE tells: cardinality, data, constraint, check option, and what a trigger signals.
func ofRow(e *driver.MySQLError) bool {
	return slices.Contains(ofRows, e.Number) || slices.Contains([]string{"21", "22", "23", "44", "45"}, string(e.SQLState[:2]))
}

// server finds the server's answer in an error.
func server(err error) (*driver.MySQLError, bool) { return errors.AsType[*driver.MySQLError](err) }

// answered reports whether an error is an answer of the server.
func answered(err error) bool {
	e, ok := server(err)
	return ok && e != nil
}

// said is the server's or the driver's words.
func said(err error) string {
	if e, ok := server(err); ok {
		return e.Message
	}
	return err.Error()
}

// translate says a driver's or server's error in our vocabulary. Its class supposes that the transaction did not end:
// then none of its rows was taken.
func (d *destination) translate(ctx context.Context, err error, doing string) *fault.Error {
	if ours, ok := errors.AsType[*fault.Error](err); ok {
		return ours
	}
	if e, ok := server(err); ok {
		return d.ofServer(e, doing)
	}
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return fault.Wrap(context.Cause(ctx), fault.CodeRunCancelled, "%s", doing)
	}
	return d.ofNetwork(err, doing)
}

// ofServer judges an answer of the server by its number.
func (d *destination) ofServer(e *driver.MySQLError, doing string) *fault.Error {
	cause := fmt.Errorf("%s (error %d)", e.Message, e.Number)
	m, known := numbers[e.Number]
	if !known {
		if ofRow(e) {
			return fault.Wrap(cause, fault.CodeDestinationRejected, "%s", doing)
		}
		return fault.Wrap(cause, fault.CodeDestinationSchema, "%s", doing).WithSuggestion("The message is the server's own; correct what it names, or the sync's configuration.")
	}
	f := fault.Reclass(fault.Wrap(cause, m.code, "%s", doing), m.class)
	if m.hint == "" {
		m.hint = f.Hint()
	}
	if m.code == fault.CodeDestinationUnreachable || e.Number == numberHostRefused {
		m.hint += d.network.Firewall()
	}
	return f.WithSuggestion("%s", m.hint)
}

// ofNetwork judges an error that is not the server's answer.
func (d *destination) ofNetwork(err error, doing string) *fault.Error {
	var unknownSigner x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var certificate *tls.CertificateVerificationError
	var unknownHost *net.DNSError
	f := fault.Wrap(err, fault.CodeDestinationUnreachable, "%s", doing)
	switch {
	case errors.Is(err, driver.ErrNoTLS):
		return fault.Reclass(f, fault.Fatal).WithSuggestion("Let the server offer encrypted connections (ssl_cert and ssl_key in its configuration). Only for a server on this machine or behind a tunnel, choose no encryption.")
	case errors.As(err, &wrongName):
		return fault.Reclass(f, fault.Fatal).WithSuggestion("Use the host name that the server's certificate is for, or do not check the host name.")
	case errors.As(err, &unknownSigner), errors.As(err, &certificate):
		return fault.Reclass(f, fault.Fatal).WithSuggestion("Give the certificate of whoever signed the server's certificate as CA certificate.")
	case errors.Is(err, driver.ErrCleartextPassword), errors.Is(err, driver.ErrOldPassword), errors.Is(err, driver.ErrUnknownPlugin), errors.Is(err, driver.ErrNativePassword):
		return fault.Wrap(err, fault.CodeDestinationAuth, "%s", doing).WithSuggestion("The user's way to log in is not supported: use caching_sha2_password, mysql_native_password or ed25519.")
	case errors.As(err, &unknownHost):
		return f.WithSuggestion("Check the host's name.%s", d.network.Firewall())
	default:
		return f.WithSuggestion("Check that a server listens at %s port %s, and that the firewall lets this machine in.%s", d.settings.Host, strconv.Itoa(int(d.settings.Port)), d.network.Firewall())
	}
}
