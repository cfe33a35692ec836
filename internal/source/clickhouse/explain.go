package clickhouse

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/stream"
)

// known is what there is to say about an exception.
type known struct {
	code fault.Code
	hint string
}

// codes are the exceptions that a person can act on:
// https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
var codes = map[int]known{
	47:  {fault.CodeSourceQuery, "Check the column's name; names are in capital and small letters as they were given."},
	60:  {fault.CodeSourceQuery, "Check the table's name and write it with its database; the source's tables are listed on its page."},
	62:  {fault.CodeSourceQuery, ""},
	81:  {fault.CodeSourceQuery, "Check the name of the database, in the query and in the source's settings."},
	115: {fault.CodeSourceQuery, "Remove the option from the connection string, or SETTINGS from the query: the server has no such setting."},
	159: {fault.CodeSourceTimeout, "Raise max_execution_time for the source's user, or make the query lighter."},
	160: {fault.CodeSourceTimeout, "The server expects the query to take too long: raise max_execution_time or timeout_before_checking_execution_speed, or make it lighter."},
	164: {fault.CodeSourceQuery, "A model reads and cannot change data or settings: write it as a SELECT without SETTINGS."},
	192: {fault.CodeSourceAuth, ""},
	193: {fault.CodeSourceAuth, ""},
	194: {fault.CodeSourceAuth, ""},
	195: {fault.CodeSourceAuth, "Let the user connect from this server's address."},
	202: {fault.CodeSourceUnreachable, "Raise max_concurrent_queries of the server, or run fewer syncs at a time."},
	209: {fault.CodeSourceTimeout, "A part of the cluster did not answer in time. Try again."},
	210: {fault.CodeSourceUnreachable, "The server does not reach another one that the query needs. Try again."},
	241: {fault.CodeSourceQuery, "Raise max_memory_usage for the source's user, or make the query lighter."},
	242: {fault.CodeSourceUnreachable, "The table is read-only for the moment. Try again."},
	279: {fault.CodeSourceUnreachable, "No replica of the cluster answers. Try again."},
	291: {fault.CodeSourceDenied, "Let the source's user use the database."},
	394: {fault.CodeSourceTimeout, "Somebody killed the query at the server. Run it again."},
	396: {fault.CodeSourceQuery, "Raise max_result_rows for the source's user."},
	497: {fault.CodeSourceDenied, "The message names the grant that the source's user needs."},
	516: {fault.CodeSourceAuth, ""},
}

// explain gives an error its code, in the server's own words (M-30).
func (c *client) explain(x *stream.Statement, err error, t stream.Text) error {
	var done *fault.Error
	var e *exception
	var status *statusError
	switch {
	case errors.As(err, &done):
		return err
	case x.Explain() != nil:
		return x.Explain()
	case errors.As(err, &e):
		return c.explainException(e, t)
	case errors.As(err, &status):
		return c.explainStatus(status)
	default:
		return c.explainConnection(err)
	}
}

func (c *client) explainException(e *exception, t stream.Text) error {
	place := placeOf(e.words, t)
	words := ""
	if place.Line > 0 {
		words = fmt.Sprintf("line %d, column %d", place.Line, place.Column)
	}
	k, ok := codes[e.code]
	if !ok {
		k.code = fault.CodeSourceQuery
	}
	f := fault.Wrap(e, k.code, "%s", words).At(place)
	switch {
	case k.hint == "":
		return f
	case k.code == fault.CodeSourceUnreachable || k.code == fault.CodeSourceAuth:
		return f.WithSuggestion("%s", k.hint+c.network.Firewall())
	default:
		return f.WithSuggestion("%s", k.hint)
	}
}

var (
	atPosition = regexp.MustCompile(`failed at position (\d+)`)
	unknown    = []*regexp.Regexp{
		regexp.MustCompile("(?i)unknown [a-z ]*identifier:? [`']([^`']+)[`']"),
		regexp.MustCompile(`Missing columns: '([^']+)'`),
		regexp.MustCompile("Table [`']?([^ `']+)[`']? (?:doesn't|does not) exist"),
		regexp.MustCompile("Unknown function ([A-Za-z0-9_]+)"),
	}
)

// placeOf says where in a person's text an error is: where the parser stopped, or where the name stands that the server
// does not know, if it stands there once. Servers tell a position of errors of syntax only.
func placeOf(words string, t stream.Text) fault.Place {
	if m := atPosition.FindStringSubmatch(words); m != nil {
		position := 0
		_, _ = fmt.Sscan(m[1], &position) //nolint:errcheck // digits
		if position < 1 || position > len(t.Sent)+1 {
			return fault.Place{}
		}
		return t.At(utf8.RuneCountInString(t.Sent[:position-1]) + 1) // the server counts bytes
	}
	for _, pattern := range unknown {
		m := pattern.FindStringSubmatch(words)
		if m == nil {
			continue
		}
		name := m[1][strings.LastIndexByte(m[1], '.')+1:]
		all := regexp.MustCompile(`(?:^|[^\pL\pN_])(`+regexp.QuoteMeta(name)+`)(?:[^\pL\pN_]|$)`).FindAllStringSubmatchIndex(t.Own, -1)
		if len(all) == 1 {
			before := t.Own[:all[0][2]]
			return fault.Place{Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1}
		}
	}
	return fault.Place{}
}

func (c *client) explainStatus(e *statusError) error {
	switch {
	case e.status == http.StatusUnauthorized || e.status == http.StatusForbidden:
		return fault.Wrap(e, fault.CodeSourceAuth, "")
	case e.status >= http.StatusMultipleChoices && e.status < http.StatusInternalServerError:
		return fault.Reclass(c.unreachable(e, "What answers there is not the HTTP interface of ClickHouse: check host, port and encryption."), fault.Fatal)
	default:
		return c.unreachable(e, "Check the server's log, then try again.")
	}
}

// unreachable is an error that a firewall may have caused.
func (c *client) unreachable(err error, suggestion string) *fault.Error {
	return fault.Wrap(err, fault.CodeSourceUnreachable, "").WithSuggestion("%s", suggestion+c.network.Firewall())
}

// explainConnection is for errors that no server sent.
func (c *client) explainConnection(err error) error {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate):
		return fault.Reclass(c.unreachable(err, "Give the certificate of whoever signed the server's certificate as CA certificate, and the host name that it is for."), fault.Fatal)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return fault.Reclass(c.unreachable(err, "The server does not offer encryption on this port: give the port that does (8443), or turn encryption off."), fault.Fatal)
	default:
		return c.unreachable(err, "Check host, port and firewall: the port is that of the HTTP interface, 8123 or 8443.")
	}
}
