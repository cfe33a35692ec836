package bigquery

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/bigquery/bigquerytest"
	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
)

// Req: S-12, S-49, M-30, S-05
func TestErrors(t *testing.T) {
	t.Parallel()
	s := openAt(t, settingsOf(bigquerytest.New(t, options())))
	cases := []struct {
		sql, says, hint string
		code            fault.Code
	}{
		{"SELECT * FROM shop.no_table", "Not found: Table acme-shop:shop.no_table was not found in location EU, notFound", "run in EU", fault.CodeSourceQuery},
		{"SELECT 'é😀',\n nope FROM shop.customers", "line 2, column 2: googleapi: Error 400: Unrecognized name: nope at [2:2], invalidQuery", "", fault.CodeSourceQuery},
		{"SELECT gone FROM shop.customers", "Unrecognized name: gone", "", fault.CodeSourceQuery},
		{"SELECT CAST(email AS INT64) AS n FROM shop.customers", "Bad int64 value: 1@example.com", "", fault.CodeSourceQuery},
		{"SELECT ARRAY[1, NULL] AS list", "Array cannot have a null element; error in writing field list", "IS NOT NULL", fault.CodeSourceQuery},
		{"DELETE FROM shop.customers WHERE TRUE", "the statement is no SELECT but DELETE", "SELECT", fault.CodeSourceQuery},
		{"DROP TABLE shop.customers", "the statement is no SELECT but DROP TABLE", "SELECT", fault.CodeSourceQuery},
		{"SELECT 1 AS a; DROP TABLE shop.customers", "several statements", "one SELECT", fault.CodeSourceQuery},
		{"SELECT 1) AS x; DROP TABLE shop.customers; SELECT * FROM (SELECT 1", "several statements", "one SELECT", fault.CodeSourceQuery},
		{"SELECT * FROM abroad.far", "Not found: Dataset acme-shop:abroad was not found in location EU", "run in EU", fault.CodeSourceQuery},
	}
	for _, c := range cases {
		err := failure(t, s, c.sql)
		if err.Code != c.code || err.Class != fault.Fatal || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Hint(), c.hint) {
			t.Errorf("%s: %s (%s): %v\n%s", c.sql, err.Code, err.Class, err, err.Hint())
		}
	}
	types := &googleapi.Error{Code: http.StatusBadRequest, Message: "No matching signature for operator != for argument types: DATE, TIMESTAMP. at [1:8]"}
	if err := fault.As(s.explain(t.Context(), types, "SELECT a != b")); err.Code != fault.CodeSourceQuery || !strings.Contains(err.Hint(), "CAST") || err.Place.Column != 8 {
		t.Errorf("%v\n%s", err, err.Hint())
	}
	if n := len(read(t, s, "SELECT id FROM shop.customers").Rows); n != 250 {
		t.Errorf("%d customers are left", n)
	}
}

// Each permission that is missing is named, with the roles that have it.
//
// Req: S-48, S-49
func TestPermissions(t *testing.T) {
	t.Parallel()
	denied := func(permission string) *Source {
		o := options()
		o.Denied = map[string]bool{permission: true}
		return openAt(t, settingsOf(bigquerytest.New(t, o)))
	}
	for _, permission := range []string{"bigquery.tables.get", "bigquery.tables.list", "bigquery.jobs.create"} {
		err := fault.As(denied(permission).Test(t.Context()))
		if err == nil || err.Code != fault.CodeSourceDenied || !strings.Contains(err.Error(), permission+" denied") || !strings.Contains(err.Hint(), permission) || !strings.Contains(err.Hint(), "BigQuery User") {
			t.Errorf("without %s: %v\n%s", permission, err, err.Hint())
		}
	}
	// Tables are listed that cannot be read; reading one says why.
	s := denied("bigquery.tables.getData")
	if found, err := s.Introspect(t.Context()); err != nil || len(found) == 0 {
		t.Errorf("found %v, %v", found, err)
	}
	if err := failure(t, s, "SELECT * FROM shop.customers"); err.Code != fault.CodeSourceDenied || !strings.Contains(err.Hint(), "bigquery.tables.getData: grant it the role BigQuery Data Viewer") {
		t.Errorf("%v\n%s", err, err.Hint())
	}
}

// Req: S-50
func TestLocations(t *testing.T) {
	t.Parallel()
	server := bigquerytest.New(t, options())
	elsewhere := openAt(t, with(settingsOf(server), "location", "US"))
	err := failure(t, elsewhere, "SELECT *\nFROM shop.customers")
	if !strings.Contains(err.Error(), "was not found in location US") || !strings.Contains(err.Hint(), "location to the one of the dataset") || err.Place.Line != 2 {
		t.Errorf("%v\n%s", err, err.Hint())
	}
	found, e := elsewhere.Introspect(t.Context())
	if e != nil || len(found) != 1 || found[0].Ref.String() != "abroad.far" {
		t.Errorf("in US there are %v, %v", found, e)
	}
	cached := openAt(t, with(settingsOf(server), "cacheProject", "acme-cache"))
	err = failure(t, cached, "SELECT id FROM shop.customers")
	if !strings.Contains(err.Error(), "Dataset acme-cache:shop was not found in location EU") || !strings.Contains(err.Hint(), "project.dataset.table") {
		t.Errorf("%v\n%s", err, err.Hint())
	}
	if n := len(read(t, cached, "SELECT id FROM `acme-shop.shop.customers`").Rows); n != 250 {
		t.Errorf("%d rows", n)
	}
	found, e = cached.Introspect(t.Context())
	if e != nil || len(found) == 0 {
		t.Fatal(e)
	}
	for _, table := range found { // whole names can be read
		if n := len(read(t, cached, query.BigQuery.SelectTable(table.Ref)).Schema); n != len(table.Columns) {
			t.Errorf("%s has %d columns", table.Ref, n)
		}
	}
}

// failing answers some requests with an error.
func failing(code int, reason string, times int64, when func(r *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !when(r) || n.Add(1) > times {
			return false
		}
		bigquerytest.Fail(w, code, reason, "the words of Google")
		return true
	}
}

func results(r *http.Request) bool { return strings.Contains(r.URL.Path, "/queries/") }

// Req: S-12, M-30
func TestServerTroubles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason string
		status int
		times  int64
		code   fault.Code // empty: it works after all
		class  fault.Class
		hint   string
	}{
		{"backendError", http.StatusServiceUnavailable, 3, "", 0, ""},
		{"rateLimitExceeded", http.StatusForbidden, 2, "", 0, ""},
		{"backendError", http.StatusServiceUnavailable, 99, fault.CodeSourceUnreachable, fault.Retryable, "a little later"},
		{"rateLimitExceeded", http.StatusForbidden, 99, fault.CodeSourceQuery, fault.Throttled, "fewer syncs"},
		{"quotaExceeded", http.StatusForbidden, 99, fault.CodeSourceQuery, fault.Retryable, "quota"},
		{"timeout", http.StatusBadRequest, 99, fault.CodeSourceTimeout, fault.Retryable, "longer than BigQuery allows"},
		{"stopped", http.StatusBadRequest, 99, fault.CodeSourceTimeout, fault.Retryable, "stopped at BigQuery"},
		{"bytesBilledLimitExceeded", http.StatusBadRequest, 99, fault.CodeSourceQuery, fault.Fatal, "gigabytes"},
		{"resourcesExceeded", http.StatusBadRequest, 99, fault.CodeSourceQuery, fault.Fatal, "prepared before"},
		{"accessNotConfigured", http.StatusForbidden, 99, fault.CodeSourceDenied, fault.Fatal, "gcloud services enable"},
		{"billingNotEnabled", http.StatusForbidden, 99, fault.CodeSourceDenied, fault.Fatal, "billing"},
		{"authError", http.StatusUnauthorized, 99, fault.CodeSourceAuth, fault.Fatal, "key"},
		{"somethingNew", http.StatusUnauthorized, 99, fault.CodeSourceAuth, fault.Fatal, "key"},
		{"somethingNew", http.StatusNotFound, 99, fault.CodeSourceQuery, fault.Fatal, ""},
	} {
		t.Run(fmt.Sprint(c.reason, c.status, c.times), func(t *testing.T) {
			t.Parallel()
			s := openAt(t, settingsOf(bigquerytest.New(t, bigquerytest.Options{Intercept: failing(c.status, c.reason, c.times, results)})))
			if c.code == "" {
				if n := len(read(t, s, "SELECT 1 AS id").Rows); n != 1 {
					t.Errorf("%d rows", n)
				}
				return
			}
			err := failure(t, s, "SELECT 1 AS id")
			if err.Code != c.code || err.Class != c.class || !strings.Contains(err.Error(), "the words of Google") || !strings.Contains(err.Hint(), c.hint) {
				t.Errorf("%s (%s): %v\n%s", err.Code, err.Class, err, err.Hint())
			}
		})
	}
}

const many = "SELECT g AS id FROM UNNEST(GENERATE_ARRAY(1, 30000)) AS g"

// A page that is lost in the middle ends the rows with an error, and never as if they were all.
//
// Req: S-12
func TestServerDiesBetweenPages(t *testing.T) {
	t.Parallel()
	second := func(r *http.Request) bool { return results(r) && r.URL.Query().Get("pageToken") != "" }
	o := bigquerytest.Options{Intercept: failing(http.StatusServiceUnavailable, "backendError", 99, second)}
	s := openAt(t, with(settingsOf(bigquerytest.New(t, o)), "storageRead", false))
	if err := failure(t, s, many); err.Code != fault.CodeSourceUnreachable {
		t.Errorf("%s: %v", err.Code, err)
	}
}

// A stream that breaks off goes on where it was; one that gives no row any more is an error.
//
// Req: S-12
func TestStreamBreaksOff(t *testing.T) {
	t.Parallel()
	server := bigquerytest.New(t, bigquerytest.Options{StorageBreaks: 2})
	s := openAt(t, settingsOf(server))
	rows := read(t, s, many+" ORDER BY id").Rows
	for i, row := range rows {
		if row[0].Int() != int64(i+1) {
			t.Fatalf("row %d is %d", i, row[0].Int())
		}
	}
	if len(rows) != 30000 || server.Reads() < 3 {
		t.Errorf("%d rows in %d streams", len(rows), server.Reads())
	}
}

// Without the Storage Read API, rows come in pages, and it is not asked again.
//
// Req: S-12
func TestStorageRefused(t *testing.T) {
	t.Parallel()
	server := bigquerytest.New(t, bigquerytest.Options{StorageRefuses: codes.PermissionDenied})
	s := openAt(t, settingsOf(server))
	for range 2 {
		if n := len(read(t, s, many).Rows); n != 30000 {
			t.Errorf("%d rows", n)
		}
	}
	if !s.unstored.Load() {
		t.Error("it would be asked again")
	}
	gone := openAt(t, with(settingsOf(server), "storageEndpoint", closedPort(t)))
	if n := len(read(t, gone, many).Rows); n != 30000 {
		t.Errorf("%d rows", n)
	}
}

// Req: S-07, S-12
func TestJobs(t *testing.T) {
	t.Parallel()
	server := bigquerytest.New(t, options())
	s := openAt(t, with(with(settingsOf(server), "batchPriority", "batch"), "maximumGigabytes", 2.0))
	for _, q := range []connector.Query{
		{SQL: "SELECT 1 AS id", Class: connector.WorkloadBatch, Tag: "Sync 12 run 34 */"},
		{SQL: "SELECT 1 AS id", Class: connector.WorkloadInteractive, Tag: "preview"},
	} {
		r, err := s.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		r.Release()
	}
	jobs := server.Jobs()
	batch, interactive := jobs["sync_12_run_34___"], jobs["preview"]
	if batch == nil || interactive == nil {
		t.Fatalf("the jobs are %v", jobs)
	}
	if batch.Query.Priority != "BATCH" || batch.Labels["millrace_class"] != "batch" || batch.Query.MaximumBytesBilled != 2<<30 || interactive.Query.Priority != "INTERACTIVE" {
		t.Errorf("the jobs are %+v and %+v", batch.Query, interactive.Query)
	}
	if long := Label(strings.Repeat("Ü", 100)); len(long) > 63 || strings.Trim(long, "_") != "" {
		t.Errorf("a label is %q", long)
	}
}

// Everything goes through the network that the source is given, and errors say which addresses to admit.
//
// Req: S-12
func TestNetwork(t *testing.T) {
	t.Parallel()
	server := bigquerytest.New(t, options())
	var dialled atomic.Int64
	network := connector.Network{Egress: []string{"192.0.2.7"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	open := func(s connector.Settings) *Source {
		opened, err := Info().Open(connector.SourceOptions{Settings: s.WithDefaults(Info().Fields), Network: network})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = opened.Close() }) //nolint:errcheck // the test is over
		return opened.(*Source)
	}
	s := open(settingsOf(server))
	if n := len(read(t, s, many).Rows); n != 30000 || server.Reads() != 1 || dialled.Load() < 2 {
		t.Errorf("%d rows in %d streams over %d connections", n, server.Reads(), dialled.Load())
	}
	strange := httptest.NewTLSServer(http.NotFoundHandler())
	defer strange.Close()
	for address, says := range map[string]string{closedPort(t): "connection refused", strange.URL: "certificate"} {
		err := fault.As(open(with(settingsOf(server), "endpoint", address)).Test(t.Context()))
		if err == nil || err.Code != fault.CodeSourceUnreachable || !strings.Contains(err.Error(), says) || !strings.HasSuffix(err.Hint(), "This server connects from 192.0.2.7.") {
			t.Errorf("%s: %v\n%s", address, err, err.Hint())
		}
	}
}

// A key that is none is found where it is entered, and never repeated.
//
// Req: S-12
func TestWrongKeys(t *testing.T) {
	t.Parallel()
	server := bigquerytest.New(t, options())
	for _, key := range []string{"", "hunter2-secret", `{"private_key": "hunter2-secret"}`, `{"type":"service_account"}`} {
		_, err := Info().Open(connector.SourceOptions{Settings: settingsWith(server, key)})
		if !fault.Is(err, fault.CodeSourceAuth) || strings.Contains(err.Error()+fault.As(err).Hint(), "hunter2") || fault.As(err).Path != "credential" {
			t.Errorf("%q: %v", key, err)
		}
	}
	for name, v := range map[string]string{"endpoint": "bigquery.googleapis.com", "storageEndpoint": "ftp://x"} {
		if _, err := Info().Open(connector.SourceOptions{Settings: with(settingsOf(server), name, v)}); fault.As(err) == nil || fault.As(err).Path != name {
			t.Errorf("%s %q: %v", name, v, err)
		}
	}
}
