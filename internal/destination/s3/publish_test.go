package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/destination/s3"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

var columns = []connector.TargetColumn{
	{Name: "id", From: "id", Type: value.TypeString},
	{Name: "value", From: "value", Type: value.TypeString},
}

func open(t *testing.T, settings connector.Settings) connector.Destination {
	t.Helper()
	d, err := s3.Info().Open(connector.DestinationOptions{Settings: settings, Dir: t.TempDir(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// begin writes rows that compress badly, each of a mebibyte.
func begin(t *testing.T, d connector.Destination, job connector.SyncJob, mebibytes int) connector.Session {
	t.Helper()
	s, err := d.Begin(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	for i := range mebibytes {
		id := strconv.Itoa(i)
		row := destinationtest.Row(job, id, value.OfText(strings.Repeat(string(rune('a'+i%26)), 1<<20)))
		if _, err := s.Write(t.Context(), &connector.Batch{ID: id, Operation: connector.Added, Rows: []connector.Row{row}}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestMultipart proves that a large file goes up in parts, appears whole, and not before Finish.
//
// Req: SY-18
func TestMultipart(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	s := begin(t, open(t, store.settings("prefix", "/crm/")), filetest.Job("ndjson", columns), 30)
	if n := store.count("POST uploads") + store.count("PUT"); n != 0 {
		t.Errorf("%d uploads before Finish", n)
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := store.count("PUT part"); got < 3 {
		t.Errorf("%d parts", got)
	}
	data, found := store.object(t, "crm/rows.out")
	if rows := filetest.Read(t, "ndjson", []byte(data)); !found || len(rows) != 30 || rows[29]["value"].Raw()[:3] != "ddd" {
		t.Errorf("%v, %d bytes", found, len(data))
	}
}

// TestAbort proves that a failed upload is aborted, that the previous object stays, that the
// indicator is not written, and that Finish may be repeated.
func TestAbort(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	if _, err := store.backend.PutObject("exports", "rows.out", nil, bytes.NewReader([]byte("previous")), 8, nil); err != nil {
		t.Fatal(err)
	}
	job := filetest.Job("ndjson", columns)
	job.Settings["indicatorFile"] = "done"
	s := begin(t, open(t, store.settings()), job, 30)
	store.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		if call(r) == "PUT part" && r.URL.Query().Get("partNumber") == "2" {
			io.Copy(io.Discard, r.Body) //nolint:errcheck // an answer before the end of the body resets the connection
			refuse(w, http.StatusForbidden, "AccessDenied", "Access Denied")
			return true
		}
		return false
	}
	err := s.Finish(t.Context())
	if !fault.Is(err, fault.CodeDestinationDenied) || !strings.Contains(fault.As(err).Hint(), "ACCESS_DENIED") || !strings.Contains(fault.As(err).Hint(), "arn:aws:s3:::exports/") {
		t.Errorf("Finish: %v", err)
	}
	if data, _ := store.object(t, "rows.out"); data != "previous" {
		t.Errorf("the object holds %d bytes", len(data))
	}
	if _, found := store.object(t, "done"); found {
		t.Error("the indicator was written")
	}
	if store.count("DELETE upload") != 1 {
		t.Errorf("%d uploads were aborted", store.count("DELETE upload"))
	}
	store.intrude = nil
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if data, _ := store.object(t, "rows.out"); len(data) < 30<<20 {
		t.Errorf("the object holds %d bytes", len(data))
	}
	if _, found := store.object(t, "done"); !found {
		t.Error("the indicator is missing")
	}
}

// TestTransient proves that a short failure of the store is waited out.
func TestTransient(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	s := begin(t, open(t, store.settings()), filetest.Job("csv", columns), 1)
	store.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && store.count("PUT") == 1 {
			io.Copy(io.Discard, r.Body) //nolint:errcheck // an answer before the end of the body resets the connection
			refuse(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
			return true
		}
		return false
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, found := store.object(t, "rows.out"); !found || store.count("PUT") != 2 {
		t.Errorf("found %v after %d requests", found, store.count("PUT"))
	}
}

// TestProbe proves that Test only reads, and that keys which may write but not list are accepted.
func TestProbe(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	d := open(t, store.settings())
	if err := d.Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	store.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		if call(r) == "GET uploads" { // the store that is used here answers NoSuchUpload where S3 answers an empty list
			fmt.Fprint(w, `<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>exports</Bucket></ListMultipartUploadsResult>`)
			return true
		}
		refuse(w, http.StatusForbidden, "AccessDenied", "Access Denied")
		return true
	}
	if err := d.Test(t.Context()); err != nil {
		t.Errorf("keys that may not list objects: %v", err)
	}
	store.calls.Range(func(name, _ any) bool {
		if name != "GET" && name != "GET uploads" {
			t.Errorf("Test made the request %v", name)
		}
		return true
	})
}

// TestRegion proves that the hint names the region that the store names.
func TestRegion(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	store.intrude = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-3")
		refuse(w, http.StatusBadRequest, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-3'")
		return true
	}
	err := open(t, store.settings()).Test(t.Context())
	if !fault.Is(err, fault.CodeDestinationSchema) || !strings.Contains(fault.As(err).Hint(), "eu-west-3") {
		t.Errorf("%v: %s", err, fault.As(err).Hint())
	}
}

// TestRole proves that the keys are exchanged for a role's, with the external id, and that requests
// are then signed with those.
func TestRole(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("RoleArn") != "arn:aws:iam::123456789012:role/millrace" || r.PostFormValue("ExternalId") != "acme" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprint(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
			<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>
			<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	}))
	t.Cleanup(sts.Close)
	store.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Authorization"), "Credential=ASIAROLE/") && r.Header.Get("X-Amz-Security-Token") == "role-token" {
			return false
		}
		refuse(w, http.StatusForbidden, "AccessDenied", "Access Denied")
		return true
	}
	settings := store.settings("roleArn", "arn:aws:iam::123456789012:role/millrace", "externalId", "acme", "stsEndpoint", sts.URL)
	if err := open(t, settings).Test(t.Context()); err != nil {
		t.Error(err)
	}
	settings["externalId"] = "other"
	err := open(t, settings).Test(t.Context())
	if !fault.Is(err, fault.CodeDestinationDenied) || !strings.Contains(err.Error(), "sts:AssumeRole") {
		t.Errorf("with the wrong external id: %v", err)
	}
}

// TestCredential proves that a credential which is shared works instead of keys of the destination's own, with its
// role, and that its secrets are not asked for twice.
//
// Req: X-26
func TestCredential(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	store.intrude = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Authorization"), "Credential=AKIASHARED/") {
			return false
		}
		refuse(w, http.StatusForbidden, "InvalidAccessKeyId", "The access key does not exist")
		return true
	}
	settings := connector.Settings{
		"bucket": "exports", "endpoint": store.url, "pathStyle": true, "authentication": "credential",
		"credential": map[string]any{"auth": "keys", "accessKeyId": "AKIASHARED", "secretAccessKey": "very-secret-access-key"},
	}
	if issues := (connector.Settings{"bucket": "exports", "authentication": "credential", "credential": "shared"}).Check("spec.configuration", s3.Info().Fields, nil); len(issues) > 0 {
		t.Errorf("the settings of a credential: %v", issues)
	}
	d := open(t, settings)
	if err := d.Check(filetest.Job("csv", columns)); err != nil {
		t.Error(err)
	}
	if err := d.Test(t.Context()); err != nil {
		t.Error(err)
	}
	if err := begin(t, d, filetest.Job("csv", columns), 1).Finish(t.Context()); err != nil {
		t.Error(err)
	}
	if _, found := store.object(t, "rows.out"); !found {
		t.Error("no object was written")
	}
	settings["credential"] = map[string]any{"auth": "keys", "accessKeyId": "AKIAGONE", "secretAccessKey": "very-secret-access-key"}
	if err := open(t, settings).Test(t.Context()); !fault.Is(err, fault.CodeDestinationAuth) || !strings.Contains(fault.As(err).Hint(), "deactivated") {
		t.Errorf("a key that is gone: %v", err)
	}
}

// TestHeaders proves that objects say what they hold.
func TestHeaders(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	if err := begin(t, open(t, store.settings()), filetest.Job("parquet", columns), 1).Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	o, err := store.backend.HeadObject("exports", "rows.out")
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Metadata["Content-Type"]; got != "application/vnd.apache.parquet" {
		t.Errorf("content type %q", got)
	}
}
