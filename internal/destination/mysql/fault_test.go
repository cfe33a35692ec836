package mysql

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// TestFaults judges what servers of both kinds answer.
//
// Req: SY-76, SY-78, X-19
func TestFaults(t *testing.T) {
	t.Parallel()
	d := &destination{settings: settings{Host: "db", Port: 3306}, network: connector.Network{Egress: []string{"192.0.2.7"}}}
	says := func(number uint16, state string) error {
		e := &driver.MySQLError{Number: number, Message: "what the server says"}
		copy(e.SQLState[:], state)
		return e
	}
	for _, c := range []struct {
		err   error
		code  fault.Code
		class fault.Class
		hint  string
	}{
		{says(1045, "28000"), fault.CodeDestinationAuth, fault.Fatal, "password"},
		{says(1130, "HY000"), fault.CodeDestinationAuth, fault.Fatal, "'user'@'%'. This server connects from 192.0.2.7"},
		{says(1142, "42000"), fault.CodeDestinationDenied, fault.Fatal, "Grant"},
		{says(1040, "08004"), fault.CodeDestinationThrottled, fault.Throttled, "max_connections"},
		{says(1205, "HY000"), fault.CodeDestinationRejected, fault.Retryable, "sent again"},
		{says(1213, "40001"), fault.CodeDestinationRejected, fault.Retryable, "sent again"},
		{says(1053, "08S01"), fault.CodeDestinationUnreachable, fault.Retryable, "192.0.2.7"},
		{says(3948, "42000"), fault.CodeDestinationSchema, fault.Fatal, "local_infile = ON"},
		{says(1969, "70100"), fault.CodeDestinationTimeout, fault.Permanent, "max_statement_time"},
		{says(1146, "42S02"), fault.CodeDestinationSchema, fault.Fatal, "Create the table"},
		{says(1062, "23000"), fault.CodeDestinationRejected, fault.Permanent, ""},
		{says(3819, "HY000"), fault.CodeDestinationRejected, fault.Permanent, ""},
		{says(1644, "45000"), fault.CodeDestinationRejected, fault.Permanent, ""},
		{says(3140, "22032"), fault.CodeDestinationRejected, fault.Permanent, ""},
		{says(1064, "42000"), fault.CodeDestinationSchema, fault.Fatal, "the server's own"},
		{driver.ErrNoTLS, fault.CodeDestinationUnreachable, fault.Fatal, "no encryption"},
		{driver.ErrUnknownPlugin, fault.CodeDestinationAuth, fault.Fatal, "caching_sha2_password"},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "db"}, fault.CodeDestinationUnreachable, fault.Fatal, "host name"},
		{x509.UnknownAuthorityError{}, fault.CodeDestinationUnreachable, fault.Fatal, "CA certificate"},
		{&net.DNSError{Err: "no such host", Name: "db"}, fault.CodeDestinationUnreachable, fault.Retryable, "host's name. This server connects from 192.0.2.7"},
		{driver.ErrInvalidConn, fault.CodeDestinationUnreachable, fault.Retryable, "db port 3306"},
		{context.DeadlineExceeded, fault.CodeDestinationUnreachable, fault.Retryable, "firewall"},
		{fault.New(fault.CodeInvalid, "doing: ours"), fault.CodeInvalid, fault.CodeInvalid.Info().Class, ""},
	} {
		got := d.translate(t.Context(), c.err, "doing")
		if got.Code != c.code || got.Class != c.class || !strings.Contains(got.Hint(), c.hint) || !strings.Contains(got.Error(), "doing: ") {
			t.Errorf("%v: %s %s %q (%s)", c.err, got.Code, got.Class, got.Error(), got.Hint())
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("somebody cancelled"))
	if got := d.translate(ctx, driver.ErrInvalidConn, "doing"); got.Code != fault.CodeRunCancelled || !strings.Contains(got.Error(), "somebody cancelled") {
		t.Errorf("cancelled: %s %v", got.Code, got)
	}
}

// TestMembers reads the values of enumerations.
func TestMembers(t *testing.T) {
	t.Parallel()
	for native, want := range map[string]string{"enum('a','B')": "a|b", "set('it''s','a,b','')": "it's|a,b|", "enum('''','(')": "'|("} {
		if got := strings.Join(membersOf(native), "|"); got != want {
			t.Errorf("%s: %q", native, got)
		}
	}
}
