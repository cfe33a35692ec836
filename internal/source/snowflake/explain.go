package snowflake

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
	"github.com/snowflakedb/gosnowflake"
)

// The numbers of Snowflake's errors that a person can act on. Those of statements are its own
// (https://docs.snowflake.com/en/sql-reference/functions/try_cast and the pages of each command show them; there is no
// list), those of logins are documented for its clients
// (https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting, https://docs.snowflake.com/en/user-guide/network-policies);
// what else is said of them is unverified.
const (
	numberStatements = 8      // several statements in one
	numberSyntax     = 1003   // syntax error line 1 at position 7
	numberNoObject   = 2003   // does not exist or not authorized
	numberNoObject2  = 2043   // does not exist, or operation cannot be performed
	numberColumn     = 904    // invalid identifier
	numberAmbiguous  = 979    // invalid GROUP BY; also not a group by expression
	numberColumns    = 2057   // a view's definition has other columns than its query
	numberArguments  = 1044   // invalid argument types for a function
	numberWarehouse  = 606    // no active warehouse
	numberSuspended  = 609    // the warehouse is suspended
	numberCanceled   = 604    // canceled by a person
	numberTimeout    = 630    // a timeout of the statement or the warehouse
	numberPrivilege  = 3001   // insufficient privileges
	numberTooMuch    = 90030  // information schema query returned too much data
	numberMonitor    = 90073  // a resource monitor stopped the warehouse
	numberPassword   = 390100 // incorrect username or password
	numberDisabled   = 390101 // user access disabled
	numberLocked     = 390102 // locked after wrong passwords
	numberNoSession  = 390111 // session no longer exists
	numberNoMaster   = 390113 // master token not found
	numberExpired    = 390114 // master token expired
	numberToken      = 390144 // JWT token is invalid
	numberRole       = 390189 // the role does not exist or is not granted
	numberDefault    = 390201 // the database or warehouse of the login does not exist
	numberIP         = 390420 // a network policy refuses the address, with its address or a token
	numberIP2        = 390422
	numberNetwork    = 390432
	numberMFA        = 390197 // a second factor is required
	statePrivilege   = "42501"
	stateCanceled    = "57014"
	firstDriver      = 260000 // the driver's own errors
	lastDriver       = 269999
	firstLogin       = 390000
	lastLogin        = 390999
	numberAccount404 = gosnowflake.ErrFailedToAuth        // an account that is not there is answered with 404
	numberAccount403 = gosnowflake.ErrCodeFailedToConnect // or with 403
	numberDown       = gosnowflake.ErrCodeServiceUnavailable
)

// hints say what to do about an error.
var hints = map[int]string{
	numberStatements: "Write one statement, without a semicolon in it.",
	numberNoObject:   "Check the name, and write it as DATABASE.SCHEMA.OBJECT: the query may work elsewhere with another default database, schema or role. The source's role needs USAGE on database and schema and SELECT on the object.",
	numberNoObject2:  "Check the name, and write it as DATABASE.SCHEMA.OBJECT. The source's role needs USAGE on database and schema and SELECT on the object.",
	numberColumn:     "Check the column's name. Names that nobody quoted are in capitals; quote one that has small letters.",
	numberAmbiguous:  "Add the column to GROUP BY, or put it into an aggregate such as MAX().",
	numberColumns:    "The view's tables have changed since it was made: create the view again.",
	numberArguments:  "Compare values of one type: CAST one side to the type of the other.",
	numberWarehouse:  "Grant USAGE on the source's warehouse to its role, and check the warehouse's name.",
	numberSuspended:  "Resume the warehouse, or let it resume by itself: ALTER WAREHOUSE … SET AUTO_RESUME = TRUE.",
	numberCanceled:   "Somebody canceled the query in Snowflake. Run it again.",
	numberTimeout:    "Raise STATEMENT_TIMEOUT_IN_SECONDS of the warehouse or the user, or make the query lighter.",
	numberPrivilege:  "Grant the privilege to the source's role; the SQL to set up the source names all that it needs.",
	numberTooMuch:    "The database has too many objects for its INFORMATION_SCHEMA. Let the source's role see fewer schemas, or choose a smaller database.",
	numberMonitor:    "A resource monitor has stopped the warehouse: raise its quota, or wait for its next period.",
	numberPassword:   "Check the login name, which may differ from the user's name, and the password.",
	numberDisabled:   "Enable the user: ALTER USER … SET DISABLED = FALSE.",
	numberLocked:     "Wait fifteen minutes, or unlock the user: ALTER USER … SET MINS_TO_UNLOCK = 0.",
	numberToken:      "Check the login name and that the user has the public half of this key (DESCRIBE USER shows RSA_PUBLIC_KEY_FP). An administrator learns more from SYSTEM$GET_LOGIN_FAILURE_DETAILS with the id in brackets. This server's clock must be right.",
	numberRole:       "Check the role's name and grant it to the user: GRANT ROLE … TO USER …",
	numberDefault:    "Check the names of database and warehouse, and grant USAGE on both to the source's role.",
	numberMFA:        "Users with a password need a second factor: use a key pair, and make the user TYPE = SERVICE.",
	numberIP:         "Admit this server in the network policy of the account or the user.",
	numberIP2:        "Admit this server in the network policy of the account or the user.",
	numberNetwork:    "Admit this server in the network policy of the account or the user.",
	numberDown:       "Snowflake does not answer at the moment: https://status.snowflake.com.",
}

// forgotten reports whether a session has ended without our doing.
func forgotten(err error) bool {
	var e *gosnowflake.SnowflakeError
	return errors.As(err, &e) && (e.Number == numberNoSession || e.Number == numberNoMaster || e.Number == numberExpired)
}

// explain gives an error its code, in Snowflake's own words (M-30).
func (s *Source) explain(ctx context.Context, err error, st statement) error {
	var known *fault.Error
	var server *gosnowflake.SnowflakeError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return fault.Wrap(context.Cause(ctx), fault.CodeSourceTimeout, "the query was stopped")
	case errors.As(err, &server):
		return s.explainServer(server, st)
	default:
		return s.explainNetwork(err)
	}
}

func (s *Source) explainServer(e *gosnowflake.SnowflakeError, st statement) error {
	switch n := e.Number; {
	case n == numberAccount404 || n == numberAccount403:
		f := fault.Wrap(e, fault.CodeSourceUnreachable, "could not reach Snowflake")
		return fault.Reclass(f.WithSuggestion("There may be no account %q: enter only what stands before .snowflakecomputing.com in Snowflake's address.%s", s.settings.Account, s.network.Firewall()), fault.Fatal)
	case n >= firstDriver && n <= lastDriver:
		return fault.Wrap(e, fault.CodeSourceUnreachable, "").WithSuggestion("%s", strings.TrimSpace(hints[n]+" Test the connection again."+s.network.Firewall()))
	}
	place, words := st.place(e.Error())
	f := fault.Wrap(e, codeOf(e), "%s", words).At(place)
	switch hint := hints[e.Number]; {
	case e.Number == numberIP || e.Number == numberIP2 || e.Number == numberNetwork:
		return f.WithSuggestion("%s%s", hint, s.network.Firewall())
	case e.Number == numberMonitor || e.Number == numberSuspended:
		return fault.Reclass(f.WithSuggestion("%s", hint), fault.Retryable)
	case hint != "":
		return f.WithSuggestion("%s", hint)
	default:
		return f
	}
}

func codeOf(e *gosnowflake.SnowflakeError) fault.Code {
	switch n := e.Number; {
	case n == numberIP, n == numberIP2, n == numberNetwork, n == numberDefault, n == numberPrivilege, e.SQLState == statePrivilege:
		return fault.CodeSourceDenied
	case n == numberNoSession, n == numberNoMaster, n == numberExpired:
		return fault.CodeSourceUnreachable
	case n >= firstLogin && n <= lastLogin:
		return fault.CodeSourceAuth
	case n == numberCanceled, n == numberTimeout, e.SQLState == stateCanceled:
		return fault.CodeSourceTimeout
	default:
		return fault.CodeSourceQuery
	}
}

// explainNetwork is for errors that no server sent.
func (s *Source) explainNetwork(err error) error {
	if request, is := errors.AsType[*url.Error](err); is {
		err = &url.Error{Op: request.Op, URL: withoutQuery(request.URL), Err: request.Err}
	}
	f := fault.Wrap(err, fault.CodeSourceUnreachable, "could not reach Snowflake")
	var certificate *tls.CertificateVerificationError
	var signer x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &certificate), errors.As(err, &signer), errors.As(err, &name):
		return fault.Reclass(f.WithSuggestion("Who answers is not Snowflake: check account and host, or give the certificate of whoever signed your gateway's as CA certificate.%s", s.network.Firewall()), fault.Fatal)
	default:
		return f.WithSuggestion("Check the account identifier, of which only what stands before .snowflakecomputing.com is entered, and test the connection again: the first time may take long.%s", s.network.Firewall())
	}
}

// withoutQuery leaves out what signs a request.
func withoutQuery(address string) string {
	before, _, _ := strings.Cut(address, "?")
	return before
}

// statement is a statement as it is sent, and where the user's own text begins in it.
type statement struct {
	text  string // what is sent
	own   string // what the user wrote
	shift int    // characters of the first line that stand before it
	tag   string
	plan  bool // only what it yields is asked
}

// context carries what is sent beside the text.
func (st statement) context(ctx context.Context) context.Context {
	if st.tag != "" {
		ctx = gosnowflake.WithQueryTag(ctx, clipped(st.tag))
	}
	if st.plan {
		ctx = gosnowflake.WithDescribeOnly(ctx)
	}
	return ctx
}

// longestTag is how many characters a tag may have: https://docs.snowflake.com/en/sql-reference/parameters#query-tag
const longestTag = 2000

func clipped(tag string) string {
	if utf8.RuneCountInString(tag) <= longestTag {
		return tag
	}
	return string([]rune(tag)[:longestTag])
}

// Where Snowflake says that an error is, lines from 1 and positions from 0 (unverified for positions), and how it
// names an object, about which it says no place.
var (
	placeOf  = regexp.MustCompile(`line (\d+) at position (\d+)`)
	objectOf = regexp.MustCompile(`(?:Object|object|Table|View|Schema|Database|Function|function) '([^']+)' does not exist|Unknown (?:user-defined )?function (\S+)`)
)

// place says where in the user's text an error is, or nothing.
func (st statement) place(message string) (p fault.Place, words string) {
	switch at := placeOf.FindStringSubmatch(message); {
	case st.own == "":
		return p, ""
	case at != nil:
		p.Line, _ = strconv.Atoi(at[1])   //nolint:errcheck // digits
		p.Column, _ = strconv.Atoi(at[2]) //nolint:errcheck // digits
		p.Column++
		if p.Line == 1 {
			p.Column -= st.shift
		}
	default:
		p = st.placeOfObject(message)
	}
	if p.Line < 1 || p.Line > 1+strings.Count(st.own, "\n") || p.Column < 1 {
		return fault.Place{}, ""
	}
	return p, fmt.Sprintf("line %d, column %d", p.Line, p.Column)
}

// placeOfObject finds the only place that an object is named at.
func (st statement) placeOfObject(message string) (p fault.Place) {
	named := objectOf.FindStringSubmatch(message)
	if named == nil {
		return p
	}
	name := named[1] + named[2]
	name = strings.Trim(name[strings.LastIndexByte(name, '.')+1:], `"`)
	word, err := regexp.Compile(`(?i)(^|[^\w$])` + regexp.QuoteMeta(name) + `($|[^\w$])`)
	if err != nil {
		return p
	}
	found := word.FindAllStringSubmatchIndex(st.own, 2)
	if len(found) != 1 {
		return p
	}
	before := st.own[:found[0][3]]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return fault.Place{Line: 1 + strings.Count(before, "\n"), Column: 1 + utf8.RuneCountInString(line)}
}
