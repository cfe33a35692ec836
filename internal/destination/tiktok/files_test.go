package tiktok_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// An audience that an earlier run made of files and that somebody deleted ends the run, and is not replaced.
//
// Req: SY-76
func TestFilesGone(t *testing.T) {
	t.Parallel()
	var asked []string
	gone := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		answer := `{"code":0,"data":{"file_path":"0123456789abcdef","custom_audience_id":"91","list":[{"audience_id":"91"}]}}`
		if gone && r.Method == http.MethodGet {
			answer = `{"code":0,"data":{"list":[]}}`
		}
		io.WriteString(w, answer) //nolint:errcheck // the client sees
	}))
	defer server.Close()
	d := openWith(t, connector.DestinationOptions{
		Settings: connector.Settings{"token": "secret-token", "advertiser": "7001", "baseUrl": server.URL}, State: connector.Memory(),
	})
	const upload, made, look, replace = "POST /dmp/custom_audience/file/upload/", "POST /dmp/custom_audience/create/", "GET /dmp/custom_audience/list/", "POST /dmp/custom_audience/update/"
	for _, c := range []struct {
		name, want string
		gone       bool
	}{
		{"made", upload + ", " + made, false},
		{"replaced", upload + ", " + look + ", " + replace, false},
		{"gone", upload + ", " + look, true},
	} {
		asked, gone = nil, c.gone
		err := replaceAll(t, d)
		if got := strings.Join(asked, ", "); got != c.want {
			t.Errorf("%s: asked %s, want %s", c.name, got, c.want)
		}
		if !c.gone && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.gone && (fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "7001 has no audience 91")) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

// replaceAll is a run of the mode All with one row.
func replaceAll(t *testing.T, d connector.Destination) error {
	t.Helper()
	s, err := d.Begin(t.Context(), connector.SyncJob{
		SyncID: 5, Type: "audience", Mode: connector.ModeAll, Settings: connector.Settings{"choice": "new", "hash": true, "name": "People"},
		Columns: []connector.TargetColumn{{Name: "EMAIL_SHA256", From: "email"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it closes idle connections only
	rows := []connector.Row{{Key: "1", Values: []value.Value{value.OfText("ann@example.com")}}}
	if _, err := s.Write(t.Context(), &connector.Batch{ID: "b", Operation: connector.Added, Rows: rows, Checkpoint: func(context.Context, string) error { return nil }}); err != nil {
		t.Fatal(err)
	}
	return s.Finish(t.Context())
}
