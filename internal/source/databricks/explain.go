package databricks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
)

// refusal is an error of the API: {"error_code":"…","message":"…"}; OAuth's is {"error":"…","error_description":"…"}.
type refusal struct {
	Code        json.RawMessage `json:"error_code"`
	Message     string          `json:"message"`
	Error       string          `json:"error"`
	Description string          `json:"error_description"`
}

func (r refusal) code() string { return strings.Trim(string(r.Code), `"`) }

// words are the workspace's own.
func (r refusal) words(status int) error {
	text := r.Message
	if text == "" {
		text = r.Description
	}
	code := r.code()
	if code == "" {
		code = r.Error
	}
	switch {
	case text == "" && code == "":
		return errors.New(http.StatusText(status))
	case text == "":
		return errors.New(code)
	case code == "" || code == strconv.Itoa(status) || strings.Contains(text, code):
		return errors.New(text)
	default:
		return errors.New(code + ": " + text)
	}
}

// What to do about refusals.
const (
	hintToken     = "Create a new access token in the workspace (Settings, Developer) and enter it in the source: tokens expire, and can be revoked." //nolint:gosec // words
	hintSecret    = "Check client ID and secret: create a new OAuth secret on the page of the service principal, and see that the principal is a member of the workspace."
	hintWarehouse = "Check the HTTP path, and give the source's user or service principal the permission Can use on the SQL warehouse."
	hintGrant     = "Grant USE CATALOG on the catalog, USE SCHEMA, EXECUTE, READ VOLUME and SELECT on the schema, and Can use on the SQL warehouse; the Lightning engine needs MODIFY and CREATE TABLE on its schemas too."
)

// explainAnswer gives an answer that is an error its code.
func (c *client) explainAnswer(status int, header http.Header, answer []byte) error {
	var r refusal
	if err := json.Unmarshal(answer, &r); err != nil && status/100 != 5 && status != http.StatusUnauthorized && status != http.StatusForbidden {
		return notDatabricks(status, err)
	}
	words := r.words(status)
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return c.explainForbidden(status, r, words)
	case status == http.StatusTooManyRequests:
		return fault.RetryAfter(fault.Wrap(words, fault.CodeSourceUnreachable, "the workspace has too many requests").
			WithSuggestion("Run fewer syncs at a time, or use a larger SQL warehouse."), retryAfter(header, 1))
	case status == http.StatusNotFound, strings.Contains(words.Error(), "is not a valid endpoint id"):
		return fault.Reclass(fault.Wrap(words, fault.CodeSourceUnreachable, "").WithSuggestion("%s", hintWarehouse), fault.Fatal)
	case status/100 == 5:
		return fault.Wrap(words, fault.CodeSourceUnreachable, "the workspace answered %d", status).
			WithSuggestion("Try again; where it lasts, see whether the SQL warehouse can start.%s", c.network.Firewall())
	default:
		return classify(words, "", statement{})
	}
}

// explainForbidden tells those who are not known from those who may not (S-55).
func (c *client) explainForbidden(status int, r refusal, words error) error {
	if r.code() == "PERMISSION_DENIED" && !strings.Contains(strings.ToLower(words.Error()), "token") {
		return fault.Wrap(words, fault.CodeSourceDenied, "").WithSuggestion("%s", hintWarehouse+" "+hintGrant)
	}
	hint := hintToken
	if _, ok := c.login.(*principal); ok {
		hint = hintSecret
	}
	return fault.Wrap(words, fault.CodeSourceAuth, "Unauthorized/Forbidden: %d", status).WithSuggestion("%s%s", hint, c.network.Firewall())
}

// explainLogin is for the exchange of a secret.
func (c *client) explainLogin(status int, header http.Header, answer []byte) error {
	var r refusal
	if status/100 == 4 && status != http.StatusTooManyRequests && status != http.StatusNotFound && json.Unmarshal(answer, &r) == nil {
		return fault.Wrap(r.words(status), fault.CodeSourceAuth, "Unauthorized/Forbidden: %d", status).WithSuggestion("%s", hintSecret)
	}
	return c.explainAnswer(status, header, answer)
}

// notDatabricks is for answers that no workspace gives.
func notDatabricks(status int, err error) error {
	return fault.Reclass(fault.Wrap(err, fault.CodeSourceUnreachable, "the server answered %d, and not as a Databricks workspace does", status).
		WithSuggestion("Check the server hostname: it is the workspace's own, such as dbc-a1b2345c-d6e7.cloud.databricks.com."), fault.Fatal)
}

// statement is a query as it is sent, and where the user's own text begins in it.
type statement struct {
	prefix string // what stands before it
	own    string // what the user wrote, as the warehouse reads it
}

func (s statement) text() string { return s.prefix + s.own }

// position is where the warehouse says that an error is: the line counts from 1, the position in it from 0.
var position = regexp.MustCompile(`line (\d+),? pos (\d+)`)

// place says where in the user's text an error is, or nothing.
func (s statement) place(words string) (p fault.Place, text string) {
	found := position.FindStringSubmatch(words)
	if found == nil || s.own == "" {
		return p, ""
	}
	line, err := strconv.Atoi(found[1])
	pos, err2 := strconv.Atoi(found[2])
	if err != nil || err2 != nil {
		return p, ""
	}
	before := strings.Count(s.prefix, "\n")
	if line == before+1 {
		pos -= utf8.RuneCountInString(s.prefix[strings.LastIndexByte(s.prefix, '\n')+1:])
	}
	if line -= before; line < 1 || pos < 0 {
		return p, ""
	}
	p = fault.Place{Line: line, Column: pos + 1}
	return p, fmt.Sprintf("line %d, column %d", p.Line, p.Column)
}

// class is a class of the warehouse's errors: https://docs.databricks.com/aws/en/error-messages/error-classes
type class struct {
	mark string // what the words contain
	code fault.Code
	hint string
}

var classes = []class{
	{"requirement failed: Subquery", fault.CodeSourceQuery, "Write the subquery as a common table expression: WITH name AS (SELECT …) SELECT … FROM name. A subquery with ORDER BY causes this; leave the order out."},
	{"UNRESOLVED_COLUMN", fault.CodeSourceQuery, "The table has no such column: it may have been renamed or dropped, or the name is a text, which stands in single quotes. Use a column that the message suggests, and put names with blanks or special letters in backticks."},
	{"TABLE_OR_VIEW_NOT_FOUND", fault.CodeSourceQuery, "Check the table's name and write it as schema.table or catalog.schema.table. Who may not use the schema does not see the table either."},
	{"SCHEMA_NOT_FOUND", fault.CodeSourceQuery, "Check the names of catalog and schema. Discovery needs a catalog of Unity Catalog: hive_metastore has no information_schema."},
	{"CATALOG_NOT_FOUND", fault.CodeSourceQuery, "Check the catalog's name in the source."},
	{"NO_SUCH_CATALOG", fault.CodeSourceQuery, "Check the catalog's name in the source."},
	{"PARSE_SYNTAX_ERROR", fault.CodeSourceQuery, "Write the model as one SELECT in the SQL of Databricks: names stand in backticks, texts in quotes."},
	{"CAST_INVALID_INPUT", fault.CodeSourceQuery, "The query makes a value of a text that is none: use try_cast, which makes it NULL."},
	{"AMBIGUOUS_REFERENCE", fault.CodeSourceQuery, "Several tables of the query have this column: write it as table.column."},
	{"MISSING_AGGREGATION", fault.CodeSourceQuery, "Add the column to GROUP BY, or put it into an aggregate such as max()."},
	{"INSUFFICIENT_PERMISSIONS", fault.CodeSourceDenied, hintGrant},
	{"PERMISSION_DENIED", fault.CodeSourceDenied, hintGrant},
	{"does not have permission", fault.CodeSourceDenied, hintGrant},
	{"QUERY_EXECUTION_TIMEOUT_EXCEEDED", fault.CodeSourceTimeout, "Raise STATEMENT_TIMEOUT of the SQL warehouse, or make the query lighter."},
	{"DEADLINE_EXCEEDED", fault.CodeSourceTimeout, "Raise STATEMENT_TIMEOUT of the SQL warehouse, or make the query lighter."},
}

// classify gives an error of a statement its code, in the warehouse's own words (M-30).
func classify(words error, sqlState string, s statement) error {
	text := words.Error()
	place, where := s.place(text)
	for _, c := range classes {
		if strings.Contains(text, c.mark) {
			return fault.Wrap(words, c.code, "%s", where).At(place).WithSuggestion("%s", c.hint)
		}
	}
	code := fault.CodeSourceQuery
	if sqlState == "42501" {
		code = fault.CodeSourceDenied
	}
	return fault.Wrap(words, code, "%s", where).At(place)
}

// explain gives an error its code, in the words of whoever made it.
func (c *client) explain(ctx context.Context, err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errReleased):
		if errors.Is(context.Cause(ctx), errClosed) {
			return errSourceClosed()
		}
		return fault.Wrap(context.Cause(ctx), fault.CodeSourceTimeout, "the query was stopped")
	case errors.As(err, &known):
		return err
	default:
		return c.explainConnection(err)
	}
}

// explainConnection is for errors that no workspace sent.
func (c *client) explainConnection(err error) error {
	f := fault.Wrap(err, fault.CodeSourceUnreachable, "").WithSuggestion("Check server hostname and port, and that the workspace admits this server's address.%s", c.network.Firewall())
	var unknownSigner x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &wrongName):
		return fault.Reclass(f.WithSuggestion("Use the host name that the server's certificate is for."), fault.Fatal)
	case errors.As(err, &unknownSigner) || errors.As(err, &certificate):
		return fault.Reclass(f.WithSuggestion("Give the certificate of whoever signed the server's certificate as CA certificate."), fault.Fatal)
	case errors.As(err, &plain) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fault.Reclass(f.WithSuggestion("The server does not speak TLS at this port: check hostname and port.%s", c.network.Firewall()), fault.Fatal)
	default:
		return f
	}
}
