package sfmc_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sftpserver/sftptest"
	"github.com/millrace/millrace/internal/destination"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

var began = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// described is the destination as the server offers it.
var described = sync.OnceValue(func() connector.DestinationInfo {
	all := destination.Manifests(httpx.AnyNetwork)
	return all[slices.IndexFunc(all, func(d connector.DestinationInfo) bool { return d.Slug == "sfmc" })]
})

// world is an account with a place for files.
type world struct {
	cloud    *cloud
	settings connector.Settings
	state    connector.State
	dir      string
}

func (w *world) open(t *testing.T) connector.Destination {
	t.Helper()
	info := described()
	settings := connector.Settings{"subdomain": "mc1", "clientId": "c1", "clientSecret": "hush", "baseUrl": w.cloud.url}
	maps.Copy(settings, w.settings)
	d, err := info.Open(connector.DestinationOptions{
		Settings: settings.WithDefaults(info.Fields), Dir: w.dir, State: w.state, Clock: clock.NewManual(began), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() }) //nolint:errcheck // a test's
	return d
}

// bucketWorld has an account that reads files from a bucket.
func bucketWorld(t *testing.T) (*world, gofakes3.Backend) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("imports"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(server.Close)
	c := newCloud(t)
	c.fetch = func(name string) (io.ReadCloser, error) {
		o, err := backend.GetObject("imports", "people/"+name, nil)
		if err != nil {
			return nil, err
		}
		return o.Contents, nil
	}
	return &world{cloud: c, state: connector.Memory(), dir: t.TempDir(), settings: connector.Settings{
		"location": "s3", "locationKey": "bucket-1", "bucket": "imports", "path": "people", "awsRegion": "eu-central-1", "storageEndpoint": server.URL,
		"awsCredential": map[string]any{"auth": "keys", "accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "very-secret-access-key"},
	}}, backend
}

// siteWorld has an account that reads files from its FTP site.
func siteWorld(t *testing.T) (*world, *site) {
	t.Helper()
	s, c := newSite(t), newCloud(t)
	c.fetch = func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(s.Root, "Import", name)) }
	return &world{cloud: c, state: connector.Memory(), dir: t.TempDir(), settings: connector.Settings{
		"location": "ftp", "ftpHost": "127.0.0.1", "ftpPort": float64(s.Port), "ftpUsername": "42", "ftpPassword": sftptest.Password, "ftpHostKey": s.Fingerprint,
	}}, s
}

func job(mode connector.Mode, settings connector.Settings) connector.SyncJob {
	all := connector.Settings{"target": "existing", "key": "people", "by": "files", "retention": "none", "automation": "none", "parallel": float64(1), "rowsPerFile": float64(1000)}
	maps.Copy(all, settings)
	return connector.SyncJob{
		SyncID: 7, SyncSlug: "people", RunID: 9, StartedAt: began, Type: "data-extensions", Mode: mode, Delete: connector.DeleteRecord, Settings: all,
		Model: connector.ModelInfo{ID: 3, Name: "People", Slug: "people", PrimaryKey: "id", Schema: value.Schema{{Name: "id", Type: value.TypeString}, {Name: "email", Type: value.TypeString}}},
		Match: []connector.MatchPair{{From: "id", To: "Id"}}, Columns: []connector.TargetColumn{{Name: "Email", From: "email", Type: value.TypeString}},
	}
}

func batch(id string, op connector.Operation, rows ...string) *connector.Batch {
	b := &connector.Batch{ID: id, Operation: op, Checkpoint: func(context.Context, string) error { return nil }}
	for i, row := range rows {
		key, email, _ := strings.Cut(row, " ")
		b.Rows = append(b.Rows, connector.Row{Ordinal: int64(i), Key: key, Values: []value.Value{value.OfText(email)}, Match: []value.Value{value.OfText(key)}})
	}
	return b
}

func begin(t *testing.T, d connector.Destination, j connector.SyncJob) connector.Session {
	t.Helper()
	s, err := d.Begin(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // a test's
	return s
}

func write(t *testing.T, s connector.Session, b *connector.Batch) connector.Result {
	t.Helper()
	result, err := s.Write(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// Rows go as files, several at a time; a row that an import refuses is told with its reason, and removed rows go by the
// API. Files in a bucket stay.
//
// Req: SY-18, FLD-33
func TestUploads(t *testing.T) {
	t.Parallel()
	w, backend := bucketWorld(t)
	w.cloud.extensions["people"] = map[string]map[string]string{"k0": {"Email": "old@example.com"}}
	s := begin(t, w.open(t), job(connector.ModeUpsert, connector.Settings{"parallel": float64(3), "notify": "ops@example.com"}))
	each := s.(connector.OperationLimiter)
	if l := each.LimitsOf(connector.Added); l.Rows != 1000 || l.Concurrency != 3 || l.Split || l.Idempotency != connector.Idempotent || l.Deferred {
		t.Errorf("files have the limits %+v", l)
	}
	if l := each.LimitsOf(connector.Removed); l.Rows != 200 || !l.Split {
		t.Errorf("removed rows have the limits %+v", l)
	}
	result := write(t, s, batch("b1", connector.Added, "k1 o'brien, \"x\"@example.com", "k2 "+bad, "k3 cy@example.com"))
	if len(result.Rejected) != 1 || result.Rejected[0].Row != 1 || !strings.Contains(result.Rejected[0].Reason, "Email: The value is no email address") {
		t.Errorf("refused are %+v", result.Rejected)
	}
	var many [][]string
	for i := range 6 {
		many = append(many, []string{fmt.Sprintf("p%d p%d@example.com", i, i)})
	}
	done := make(chan error)
	for i, rows := range many {
		go func() {
			_, err := s.Write(t.Context(), batch(fmt.Sprintf("m%d", i), connector.Changed, rows...))
			done <- err
		}()
	}
	for range many {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	write(t, s, batch("r1", connector.Removed, "k0 old@example.com"))
	if rows := w.cloud.extensions["people"]; len(rows) != 9 || rows["k1"]["Email"] != "o'brien, \"x\"@example.com" || rows["k2"] != nil {
		t.Errorf("the data extension has %v", rows)
	}
	if len(w.cloud.definitions) != 0 || !slices.Contains(w.cloud.notices, "ops@example.com") {
		t.Errorf("definitions that stayed: %d; notices: %v", len(w.cloud.definitions), w.cloud.notices)
	}
	if !slices.Contains(w.cloud.actions, "POST /hub/v1/dataevents/key:people/rowset/delete") {
		t.Errorf("removed rows were not deleted: %v", w.cloud.actions)
	}
	list, err := backend.ListBucket("imports", nil, gofakes3.ListBucketPage{})
	if err != nil || len(list.Contents) != 7 {
		t.Errorf("the bucket has %d files, error %v", len(list.Contents), err)
	}
}

// A mirror is one file that replaces everything, after which the automation runs until it is over. The file is deleted.
//
// Req: SY-18, FLD-03
func TestMirror(t *testing.T) {
	t.Parallel()
	w, s := siteWorld(t)
	w.cloud.extensions["people"] = map[string]map[string]string{"gone": {"Email": "gone@example.com"}}
	w.cloud.automation = []string{"3", "3", "2"}
	d := w.open(t)
	if err := d.Test(t.Context()); err != nil {
		t.Errorf("the test says %v", err)
	}
	run := begin(t, d, job(connector.ModeAll, connector.Settings{"by": "api", "automation": "key", "automationId": "night"}))
	if l := run.Limits(); !l.Deferred || l.Concurrency != 1 {
		t.Errorf("a mirror has the limits %+v", l)
	}
	write(t, run, batch("b1", connector.Added, "k1 ann@example.com"))
	write(t, run, batch("b2", connector.Added, "k2 bob@example.com"))
	write(t, run, batch("b1", connector.Added, "k1 ann@example.com")) // it comes again
	if len(w.cloud.extensions["people"]) != 1 || len(s.files(t)) != 0 {
		t.Fatal("something was sent before the run was finished")
	}
	if err := run.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := w.cloud.extensions["people"]; len(rows) != 2 || rows["k1"] == nil || rows["k2"] == nil || w.cloud.imports[0].total != 2 {
		t.Errorf("the data extension has %v", rows)
	}
	if files := s.files(t); len(files) != 0 || len(w.cloud.definitions) != 0 {
		t.Errorf("files and definitions that stayed: %v, %d", files, len(w.cloud.definitions))
	}
	if !slices.Contains(w.cloud.actions, "Start Automation") || len(w.cloud.automation) != 0 {
		t.Errorf("the automation was not waited for: %v", w.cloud.actions)
	}
}

// A mirror whose rows were refused in part is no success, and its automation runs anyway; the file stays where people
// want it.
//
// Req: FLD-01
func TestMirrorWithErrors(t *testing.T) {
	t.Parallel()
	w, s := siteWorld(t)
	w.cloud.extensions["people"] = map[string]map[string]string{}
	w.cloud.automation = []string{"2"}
	run := begin(t, w.open(t), job(connector.ModeAll, connector.Settings{"automation": "id", "automationId": "0123", "keepFiles": true}))
	write(t, run, batch("b1", connector.Added, "k1 ann@example.com", "k2 "+bad))
	err := run.Finish(t.Context())
	if err == nil || !strings.Contains(err.Error(), "refused 1 of the 2 rows") || len(w.cloud.automation) != 0 {
		t.Errorf("the run says %v", err)
	}
	if len(s.files(t)) != 1 {
		t.Errorf("the file did not stay: %v", s.files(t))
	}
}

// A run whose automation fails has failed.
//
// Req: SY-18
func TestAutomationFails(t *testing.T) {
	t.Parallel()
	w, _ := siteWorld(t)
	w.cloud.extensions["people"] = map[string]map[string]string{}
	w.cloud.automation = []string{"3", "-1"}
	run := begin(t, w.open(t), job(connector.ModeAll, connector.Settings{"automation": "id", "automationId": "0123"}))
	write(t, run, batch("b1", connector.Added, "k1 ann@example.com"))
	if err := run.Finish(t.Context()); fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "0123 failed") {
		t.Errorf("the run says %v", err)
	}
}

// A file that Marketing Cloud does not find ends the run, and people are told what to look at.
//
// Req: SY-39
func TestFileNotFound(t *testing.T) {
	t.Parallel()
	w, _ := siteWorld(t)
	w.cloud.extensions["people"] = map[string]map[string]string{}
	w.cloud.fetch = func(string) (io.ReadCloser, error) { return nil, os.ErrNotExist }
	run := begin(t, w.open(t), job(connector.ModeUpsert, nil))
	_, err := run.Write(t.Context(), batch("b1", connector.Added, "k1 ann@example.com"))
	if e := fault.As(err); err == nil || e.Class != fault.Fatal || !strings.Contains(e.Error(), "FileNotFound") || !strings.Contains(e.Suggestion, "home folder") {
		t.Errorf("the run says %v", err)
	}
}

// Without a file location, uploads and mirrors are refused before they begin; the test of a connection looks at it.
//
// Req: SY-39
func TestLocation(t *testing.T) {
	t.Parallel()
	w := &world{cloud: newCloud(t), state: connector.Memory(), dir: t.TempDir()}
	d := w.open(t)
	for _, j := range []connector.SyncJob{job(connector.ModeUpsert, nil), job(connector.ModeAll, connector.Settings{"by": "api"})} {
		if err := d.Check(j); err == nil || !strings.Contains(err.Error(), "file location") {
			t.Errorf("mode %s: the check says %v", j.Mode, err)
		}
	}
	if err := d.Test(t.Context()); err != nil {
		t.Errorf("the test says %v", err)
	}
	broken, _ := siteWorld(t)
	broken.settings["ftpPassword"] = "another"
	if err := broken.open(t).Test(t.Context()); !fault.Is(err, fault.CodeDestinationAuth) {
		t.Errorf("the test of a wrong password says %v", err)
	}
}

// A data extension is made once for a sync. Fields that are mapped later are added, its primary key cannot change, and
// one that somebody deleted is told.
//
// Req: SY-18, SY-39
func TestExtensionGrows(t *testing.T) {
	t.Parallel()
	w := &world{cloud: newCloud(t), state: connector.Memory(), dir: t.TempDir()}
	d := w.open(t)
	j := job(connector.ModeUpsert, connector.Settings{"by": "api", "target": "new", "name": "People {sync.run.id}"})
	write(t, begin(t, d, j), batch("b1", connector.Added, "k1 ann@example.com"))
	j.RunID = 10
	j.Columns = append(j.Columns, connector.TargetColumn{Name: "Score", From: "id", Type: value.TypeNumber})
	more := batch("b1", connector.Added, "k2 bob@example.com")
	more.Rows[0].Values = append(more.Rows[0].Values, value.OfInt(3))
	write(t, begin(t, d, j), more)
	if got := w.cloud.fields["People 9"]; !slices.Equal(got, []string{"Id Text", "Email Text", "Score Decimal"}) || len(w.cloud.extensions) != 1 {
		t.Errorf("the fields are %v of %v", got, slices.Collect(maps.Keys(w.cloud.extensions)))
	}
	j.Match = append(j.Match, connector.MatchPair{From: "email", To: "Shop"})
	more.Rows[0].Match = append(more.Rows[0].Match, value.OfText("s"))
	if _, err := begin(t, d, j).Write(t.Context(), more); fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "primary key") {
		t.Errorf("another primary key says %v", err)
	}
	delete(w.cloud.fields, "People 9")
	if _, err := begin(t, d, j).Write(t.Context(), more); fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "not there any more") {
		t.Errorf("a deleted data extension says %v", err)
	}
}
