package salesforce_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/salesforce"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

const token = "00D!access-token"

// organisation is an organisation with two contacts that are one. It tells its own address with the token, and notes
// what merging is asked with.
func organisation(t *testing.T, session *string) *httptest.Server {
	t.Helper()
	describe := map[string]any{"name": "Contact", "fields": []any{
		map[string]any{"name": "Group__c", "type": "string", "createable": true}, map[string]any{"name": "Child__c", "type": "boolean", "createable": true},
	}}
	address := ""
	answers := map[string]any{
		"/services/data/v63.0/sobjects/Contact/describe": describe,
		"/services/data/v63.0/composite/sobjects":        []any{map[string]any{"id": "0031", "success": true}},
		"/services/data/v63.0/query": map[string]any{"records": []any{
			map[string]any{"Id": "0031", "Group__c": "g", "Child__c": true}, map[string]any{"Id": "0032", "Group__c": "g", "Child__c": false},
		}},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, known := answers[r.URL.Path]
		if r.URL.Path == "/login/services/oauth2/token" {
			a, known = map[string]any{"access_token": token, "instance_url": address}, true
		}
		if known {
			if err := json.NewEncoder(w).Encode(a); err != nil {
				t.Error(err)
			}
			return
		}
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*session = string(text)
		w.Write([]byte(`<Envelope><Body><mergeResponse><result><success>true</success></result></mergeResponse></Body></Envelope>`)) //nolint:errcheck // the client sees
	}))
	t.Cleanup(server.Close)
	address = server.URL
	return server
}

// Requests go to the address that came with the token. Merging needs the access token in the body of its request, and
// the request log does not have it.
//
// Req: SY-74
func TestToken(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var session string
	server := organisation(t, &session)
	login := strings.ReplaceAll(string(text), "https://login.salesforce.com", server.URL+"/login")
	m, err := manifest.Parse("manifest.yaml", []byte(login))
	if err != nil {
		t.Fatal(err)
	}
	info := m.Info(httpx.AnyNetwork, salesforce.Hooks())
	d, err := info.Open(connector.DestinationOptions{Settings: connector.Settings{
		"method": "client", "consumerKey": "key", "consumerSecret": "s3cret",
	}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Begin(t.Context(), connector.SyncJob{
		Type: "objects", Mode: connector.ModeInsert, Columns: []connector.TargetColumn{{Name: "Group__c"}, {Name: "Child__c"}},
		Settings: connector.Settings{"object": "Contact", "parallel": 1, "merge": true, "sharedField": "Group__c", "childField": "Child__c"},
	})
	if err != nil {
		t.Fatal(err)
	}
	batch := &connector.Batch{Operation: connector.Added, Rows: []connector.Row{{Key: "1", Values: []value.Value{value.OfText("g"), value.OfBool(true)}}}}
	if _, err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(session, "<urn:sessionId>"+token+"</urn:sessionId>") {
		t.Errorf("merging was asked for without the token: %s", session)
	}
	merged := false
	for _, x := range batch.Exchanges {
		merged = merged || strings.Contains(x.RequestBody, "recordToMergeIds")
		noted, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(noted), token) {
			t.Errorf("the log has the token: %s", noted)
		}
	}
	if !merged {
		t.Error("the log does not have the request to merge")
	}
}
