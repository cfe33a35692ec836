package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// connector runs `millrace connector …` in a folder of its own.
func runConnector(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := connectorCommand()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage = true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// A case that waits for ever fails, and says what it waits for.
func TestConnectorCaseWithoutEnd(t *testing.T) {
	t.Chdir(t.TempDir())
	if out, err := runConnector(t, "new", "my-crm"); err != nil {
		t.Fatal(out, err)
	}
	manifest := filepath.Join("my-crm", "manifest.yaml")
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("request: POST /contacts/batch"), []byte("request: POST /contacts/batch\n            until: body.done\n            every: 1ms\n            timeout: 100000h"), 1)
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runConnector(t, "test", "my-crm", "--timeout", "2s")
	if err == nil || !strings.Contains(out, filepath.Join("my-crm", "testdata", "contacts.txtar")+": the case was not over within 2s; it was waiting after request ") || !strings.Contains(out, ", POST /contacts/batch\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A new destination is a manifest that works, with a case; a mistake is told with its line, and so is what differs.
func TestConnectorOfOnesOwn(t *testing.T) {
	t.Chdir(t.TempDir())
	if out, err := runConnector(t, "new", "my-crm"); err != nil {
		t.Fatal(out, err)
	}
	manifest := filepath.Join("my-crm", "manifest.yaml")
	if out, err := runConnector(t, "validate", manifest); err != nil || !strings.Contains(out, "good") {
		t.Errorf("validate: %v\n%s", err, out)
	}
	if out, err := runConnector(t, "test", "my-crm"); err == nil || !strings.Contains(out, "DELETE /contacts/cy%40example.com") {
		t.Errorf("a case without golden parts passes: %v\n%s", err, out)
	}
	if out, err := runConnector(t, "test", "my-crm", "--update"); err != nil {
		t.Errorf("test --update: %v\n%s", err, out)
	}
	if out, err := runConnector(t, "test", "my-crm"); err != nil || !strings.Contains(out, "good") {
		t.Errorf("test: %v\n%s", err, out)
	}
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	mixed := bytes.Replace(text, []byte("request: GET /me"), []byte("request: GET /me\n      when: connection.apiKey and token.a or token.b"), 1)
	if err := os.WriteFile(manifest, mixed, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := runConnector(t, "validate", manifest); err != nil || !strings.Contains(out, "read from the right: connection.apiKey and (token.a or token.b)") || !strings.Contains(out, "good") {
		t.Errorf("a warning: %v\n%s", err, out)
	}
	if err := os.WriteFile(manifest, bytes.Replace(text, []byte("deletes:"), []byte("delets:"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runConnector(t, "validate", manifest)
	if err == nil || !strings.Contains(out, `manifest.yaml:27: there is no such word here; did you mean "deletes"?`) {
		t.Errorf("a mistake: %v\n%s", err, out)
	}
	if _, err := runConnector(t, "new", "my-crm"); err == nil {
		t.Error("a folder was overwritten")
	}
	if out, err := runConnector(t, "schema"); err != nil || !strings.Contains(out, `"$schema"`) {
		t.Errorf("schema: %v\n%.200s", err, out)
	}
}
