package trino

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/source/stream"
)

// serverError is a statement's failure, in the server's words.
type serverError struct {
	Message  string `json:"message"`
	Name     string `json:"errorName"`
	Type     string `json:"errorType"`
	Location *struct {
		Line   int `json:"lineNumber"`
		Column int `json:"columnNumber"`
	} `json:"errorLocation"`
}

// Error is the server's message.
func (e *serverError) Error() string { return e.Message }

// known is what there is to say about an error of a name.
type known struct {
	code fault.Code
	hint string
}

// names are the errors that a person can act on, by their names:
// https://github.com/trinodb/trino/blob/master/core/trino-spi/src/main/java/io/trino/spi/StandardErrorCode.java
var names = map[string]known{
	"TABLE_NOT_FOUND":                           {fault.CodeSourceQuery, "Check the table's name and write it with its schema; the source's tables are listed on its page."},
	"COLUMN_NOT_FOUND":                          {fault.CodeSourceQuery, "Check the column's name."},
	"SCHEMA_NOT_FOUND":                          {fault.CodeSourceQuery, "Check the name of the schema."},
	"CATALOG_NOT_FOUND":                         {fault.CodeSourceQuery, "Check the name of the catalogue, in the query and in the source's settings."},
	"MISSING_CATALOG_NAME":                      {fault.CodeSourceQuery, "Give the source a default catalogue, or write tables as catalogue.schema.table."},
	"MISSING_SCHEMA_NAME":                       {fault.CodeSourceQuery, "Write the table with its schema: schema.table."},
	"TYPE_MISMATCH":                             {fault.CodeSourceQuery, "Bring both sides to one type with CAST."},
	"INVALID_CAST_ARGUMENT":                     {fault.CodeSourceQuery, "Use TRY_CAST, or leave those rows out with WHERE."},
	"AMBIGUOUS_NAME":                            {fault.CodeSourceQuery, "Several tables of the query have this column: write it as table.column, and give it a name of its own with AS."},
	"PERMISSION_DENIED":                         {fault.CodeSourceDenied, "Let the source's user select from the table; the server's access control decides."},
	"EXCEEDED_TIME_LIMIT":                       {fault.CodeSourceTimeout, "Raise query.max-run-time or query.max-execution-time of the server, or make the query lighter."},
	"EXCEEDED_CPU_LIMIT":                        {fault.CodeSourceTimeout, "Raise query.max-cpu-time of the server, or make the query lighter."},
	"USER_CANCELED":                             {fault.CodeSourceTimeout, "Somebody cancelled the query at the server. Run it again."},
	"ADMINISTRATIVELY_KILLED":                   {fault.CodeSourceTimeout, "An administrator ended the query at the server. Run it again."},
	"ADMINISTRATIVELY_PREEMPTED":                {fault.CodeSourceTimeout, "The server ended the query for another one. Run it again."},
	"ABANDONED_QUERY":                           {fault.CodeSourceTimeout, "The server waited too long for Millrace to read on: raise query.client.timeout."},
	"EXCEEDED_GLOBAL_MEMORY_LIMIT":              {fault.CodeSourceQuery, "Raise query.max-memory of the server, or make the query lighter."},
	"EXCEEDED_LOCAL_MEMORY_LIMIT":               {fault.CodeSourceQuery, "Raise query.max-memory-per-node of the server, or make the query lighter."},
	"QUERY_QUEUE_FULL":                          {fault.CodeSourceUnreachable, "The server's resource group has no room: raise its maxQueued, or run fewer syncs at a time."},
	"SERVER_STARTING_UP":                        {fault.CodeSourceUnreachable, "The server is starting. Try again in a minute."},
	"SERVER_SHUTTING_DOWN":                      {fault.CodeSourceUnreachable, "The server is shutting down. Try again in a minute."},
	"NO_NODES_AVAILABLE":                        {fault.CodeSourceUnreachable, "The cluster has no workers. Start some, or try again in a minute."},
	"CLUSTER_OUT_OF_MEMORY":                     {fault.CodeSourceUnreachable, "The cluster has no memory left. Run fewer queries at a time, or add workers."},
	"NOT_SUPPORTED":                             {fault.CodeSourceQuery, "The catalogue's connector cannot do this. For the Lightning engine, check which connector the source is set to."},
	"HIVE_METASTORE_ERROR":                      {fault.CodeSourceUnreachable, "Trino cannot reach the metastore of the catalogue."},
	"INVALID_SESSION_PROPERTY":                  {fault.CodeSourceQuery, "The default catalogue is not of the connector that the source is set to: choose the other one."},
	"FUNCTION_NOT_FOUND":                        {fault.CodeSourceQuery, "Check the function's name and the types of what it is given."},
	"EXPRESSION_NOT_AGGREGATE":                  {fault.CodeSourceQuery, "Add the column to GROUP BY, or put it into an aggregate such as max()."},
	"NUMERIC_VALUE_OUT_OF_RANGE":                {fault.CodeSourceQuery, "Cast to a wider type such as DECIMAL(38, 10)."},
	"DIVISION_BY_ZERO":                          {fault.CodeSourceQuery, "Divide by NULLIF(…, 0)."},
	"READ_ONLY_VIOLATION":                       {fault.CodeSourceQuery, "A model reads and cannot change data: write it as a SELECT."},
	"EXCEEDED_FUNCTION_MEMORY_LIMIT":            {fault.CodeSourceQuery, "Aggregate fewer values into one."},
	"REMOTE_HOST_GONE":                          {fault.CodeSourceUnreachable, "A worker of the cluster is gone. Run it again."},
	"REMOTE_TASK_ERROR":                         {fault.CodeSourceUnreachable, "A worker of the cluster failed. Run it again."},
	"PAGE_TRANSPORT_TIMEOUT":                    {fault.CodeSourceUnreachable, "The cluster's workers do not reach each other in time. Run it again."},
	"INVALID_COLUMN_REFERENCE":                  {fault.CodeSourceQuery, "Check the column's number or name."},
	"EXCEEDED_SPILL_LIMIT":                      {fault.CodeSourceQuery, "Make the query lighter, or raise the server's spill limits."},
	"EXCEEDED_SCAN_LIMIT":                       {fault.CodeSourceQuery, "Read fewer partitions, or raise query.max-scan-physical-bytes."},
	"UNSUPPORTED_TABLE_TYPE":                    {fault.CodeSourceQuery, "The table belongs to another connector: read it through that one's catalogue."},
	"PROCEDURE_NOT_FOUND":                       {fault.CodeSourceQuery, "Check the procedure's name."},
	"INVALID_FUNCTION_ARGUMENT":                 {fault.CodeSourceQuery, "Check what the function is given."},
	"HIVE_PARTITION_OFFLINE":                    {fault.CodeSourceQuery, "Read other partitions, or bring it back."},
	"SYNTAX_ERROR":                              {fault.CodeSourceQuery, ""},
	"DUPLICATE_COLUMN_NAME":                     {fault.CodeSourceQuery, "Give each column a name of its own with AS."},
	"TABLE_ALREADY_EXISTS":                      {fault.CodeSourceQuery, "The table is there already."},
	"CONFIGURATION_UNAVAILABLE":                 {fault.CodeSourceUnreachable, "The server's configuration is not there yet. Try again in a minute."},
	"CONFIGURATION_INVALID":                     {fault.CodeSourceQuery, "Correct the configuration of the server."},
	"EXCEEDED_TASK_DESCRIPTOR_STORAGE_CAPACITY": {fault.CodeSourceQuery, "Make the query lighter."},
}

// explain gives an error its code, in the server's own words (M-30).
func (c *client) explain(x *stream.Statement, err error, t stream.Text) error {
	var done *fault.Error
	var server *serverError
	var status *statusError
	switch {
	case err == nil || errors.As(err, &done):
		return err
	case x.Explain() != nil:
		return x.Explain()
	case errors.As(err, &server):
		return c.explainServer(server, t)
	case errors.As(err, &status):
		return c.explainStatus(status)
	default:
		return c.explainConnection(err)
	}
}

func (c *client) explainServer(e *serverError, t stream.Text) error {
	line, column := e.place()
	place := t.Place(line, column)
	words := ""
	if place.Line > 0 && (place.Line != line || place.Column != column) {
		words = fmt.Sprintf("line %d, column %d", place.Line, place.Column)
	}
	k, ok := names[e.Name]
	if !ok {
		k.code = fault.CodeSourceQuery
	}
	f := fault.Wrap(e, k.code, "%s", words).At(place)
	if k.hint == "" {
		return f
	}
	return f.WithSuggestion("%s", k.hint)
}

var atPlace = regexp.MustCompile(`^line (\d+):(\d+): `)

// place is where in the sent text the error is. Presto says so in its message only.
func (e *serverError) place() (line, column int) {
	if e.Location != nil {
		return e.Location.Line, e.Location.Column
	}
	if m := atPlace.FindStringSubmatch(e.Message); m != nil {
		_, _ = fmt.Sscan(m[1]+" "+m[2], &line, &column) //nolint:errcheck // digits
	}
	return line, column
}

func (c *client) explainStatus(e *statusError) error {
	switch {
	case e.status == http.StatusUnauthorized:
		return fault.Wrap(e, fault.CodeSourceAuth, "")
	case e.status == http.StatusForbidden && strings.Contains(e.words, "insecure"):
		return fault.Wrap(e, fault.CodeSourceAuth, "").WithSuggestion("The server takes passwords over encrypted connections only: turn encryption on, with the port that has it.")
	case e.status == http.StatusForbidden:
		return fault.Wrap(e, fault.CodeSourceDenied, "").WithSuggestion("The server does not let this user in: check the user, and the server's access control.")
	case e.status >= http.StatusMultipleChoices && e.status < http.StatusBadRequest:
		return fault.Reclass(c.unreachable(e, "The server sends elsewhere: give the host, the port and the encryption of where it sends to."), fault.Fatal)
	case e.status == http.StatusNotFound, e.status == http.StatusMethodNotAllowed:
		return fault.Reclass(c.unreachable(e, "What answers there is no Trino coordinator: check host and port."), fault.Fatal)
	case e.status == http.StatusBadRequest:
		return fault.Reclass(c.unreachable(e, "The server does not take the request: check that the engine is the right one of Trino and Presto, and whether the port has encryption."), fault.Fatal)
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
		return fault.Reclass(c.unreachable(err, "The server does not offer encryption on this port: give the port that does, or disable encryption."), fault.Fatal)
	default:
		return c.unreachable(err, "Check host, port and firewall, then test the connection again.")
	}
}
