package e2e

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// lake is a store with the protocol of S3 that has one bucket.
type lake struct {
	*s3mem.Backend

	url string
}

func newLake(t *testing.T) *lake {
	t.Helper()
	l := &lake{Backend: s3mem.New()}
	if err := l.CreateBucket("lake"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(l.Backend).Server())
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

// document is what config-as-code says of the bucket.
func (l *lake) document() string {
	return `kind: storage
metadata: {slug: lake, name: Lake}
spec:
  type: s3
  configuration: {bucket: lake, prefix: prod, accessKeyId: AKIATEST, secretAccessKey: a-secret-key, endpoint: "` + l.url + `", pathStyle: true}
`
}

// objects reads what lies in the bucket.
func (l *lake) objects(t *testing.T) map[string][]byte {
	t.Helper()
	list, err := l.ListBucket("lake", nil, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, o := range list.Contents {
		got, err := l.GetObject("lake", o.Key, nil)
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		if _, err := content.ReadFrom(got.Contents); err != nil {
			t.Fatal(err)
		}
		all[o.Key] = content.Bytes()
	}
	return all
}

// checkSealed looks for what people must not be able to read: rows, keys and payloads.
func checkSealed(t *testing.T, objects map[string][]byte) {
	t.Helper()
	if len(objects) == 0 {
		t.Error("there is no object")
	}
	for name, content := range objects {
		for _, plain := range []string{"person ", "a-secret-key", "PAR1", "/contacts/", `"version"`} {
			if bytes.Contains(content, []byte(plain)) || strings.Contains(name, plain) {
				t.Errorf("%s can be read: it has %q", name, plain)
			}
		}
	}
}

// folderObjects reads what lies in the server's own storage.
func folderObjects(t *testing.T, home string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(filepath.Join(home, "objects"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A workspace moves to a bucket that a file describes, by commands; the process is killed at each step on the way, and
// the next one goes on. What lies in either place cannot be read. Syncs ask afterwards, and nothing was sent by itself.
//
// Req
func TestStorageSwitchSurvivesKills(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "PUT")
	l := newLake(t)
	w.check()
	home := strings.TrimPrefix(w.env[0], "MILLRACE_HOME=")
	checkSealed(t, folderObjects(t, home))

	run(t, w.server, l.document(), "apply", "-f", "-").expect(t, 0, "storage/lake created")
	run(t, w.server, l.document(), "apply", "-f", "-").expect(t, 0, "storage/lake unchanged")
	run(t, w.server, "", "get", "storage", "lake", "-o", "yaml").expect(t, 0, "bucket: lake")
	run(t, w.server, "", "storage", "test", "lake").expect(t, 0, "written, listed, read and deleted")
	run(t, w.server, "", "storage", "switch", "lake").expect(t, 2, "1 sync would have to begin anew", "--yes")

	mark := w.receiver.quiet()
	for i, edge := range []string{"storage-waiting", "storage-validating", "storage-resuming", "storage-cleaning"} {
		w.server.kill()
		w.restart("MILLRACE_FAILPOINT=kill:" + edge + ":1")
		if i == 0 {
			run(t, w.server, "", "storage", "switch", "lake", "--yes", "--detach").expect(t, 0)
		}
		select {
		case <-w.server.done:
		case <-time.After(time.Minute):
			t.Fatalf("the process did not die at %s\n%s", edge, w.server.log)
		}
	}
	w.restart()
	var overview struct {
		Current struct{ Slug string }
		Switch  struct{ State string }
	}
	err := until(t.Context(), time.Minute, func() (bool, error) {
		return overview.Switch.State == "done", w.server.call(http.MethodGet, "/api/storage", nil, &overview)
	})
	if err != nil || overview.Current.Slug != "lake" {
		t.Fatalf("%v: %+v\n%s", err, overview, w.server.log)
	}
	if left := folderObjects(t, home); len(left) != 0 {
		t.Errorf("%d objects are left in the server's storage", len(left))
	}
	run(t, w.server, "", "storage", "switch", "lake", "--yes").expect(t, 0, "in use already")
	run(t, w.server, "", "storage").expect(t, 0, "bucket lake, prefix prod/", "millrace run "+crashSync+" --reset-cdc")

	w.server.trigger(crashSync)
	if last := w.server.settle(crashSync)[0]; last.State != "failed" || last.Error == nil || last.Error.Code != "run.storage_moved" {
		t.Errorf("the run after the switch is %+v", last)
	}
	if sent := w.receiver.since(mark); len(sent) != 0 {
		t.Errorf("%d requests were made by themselves", len(sent))
	}
	run(t, w.server, "", "run", crashSync, "--full-resync").expect(t, 0)
	w.change()
	w.check()
	checkSealed(t, l.objects(t))
	for name := range l.objects(t) {
		if !strings.HasPrefix(name, "prod/w/1/") {
			t.Errorf("%s is outside of the prefix", name)
		}
	}
}
