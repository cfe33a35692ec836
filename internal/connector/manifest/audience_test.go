package manifest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

const platform = `version: 1
slug: platform
name: Platform
category: ads
summary: Audiences of a platform
docs: [https://example.com]
connection:
  fields: [{name: accounts, label: Accounts, type: list}]
  base: https://platform.example.com
  test: [{request: GET /me}]
audiences:
  account: connection.accounts
  request: "GET /{{ account }}/audiences"
  paging: {next: body.next, param: cursor}
  items: body.items
  id: item.id
  name: item.name
  size: item.size
  columns: [{name: kind, type: text, value: item.kind}, {name: made, type: timestamp, value: item.made}]
syncTypes:
  - slug: members
    name: Members
    idempotency: idempotent
    fields: [{name: account, label: Account, type: string}, {name: id, label: Audience, type: string}]
    modes: {add: {}}
    audience: {account: settings.account, id: settings.id}
    mapping: {custom: true}
    write: [{steps: [{request: POST /members}]}]
`

// Mistakes in the list of audiences are told with what would be right.
//
// Req: SY-94
func TestMistakesOfAudiences(t *testing.T) {
	t.Parallel()
	if _, err := manifest.Parse("platform.yaml", []byte(platform)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"name: kind, type: text", "name: Kind, type: text", `"Kind" is not lower-case letters, digits and underscores`},
		{"name: kind, type: text", "name: sync_id, type: text", `every table of audience sizes has a column "sync_id" already`},
		{"name: made, type: timestamp", "name: kind, type: timestamp", `has a column "kind" already`},
		{"{name: kind, type: text", "{name: kind, type: words", `"words" is not one of`},
		{"  request: \"GET /{{ account }}/audiences\"\n", "", "request is missing"},
		{"{{ account }}", "{{ acount }}", `there is no variable "acount" here; did you mean "account"?`},
		{"{next: body.next, param: cursor}", "{param: cursor}", "either next or from is expected"},
		{"id: settings.id}", "id: settings.ids}", `the sync has no setting "ids"`},
		{platform[strings.Index(platform, "audiences:"):strings.Index(platform, "syncTypes:")], "", "the manifest does not list audiences"},
	} {
		_, err := manifest.Parse("platform.yaml", []byte(strings.Replace(platform, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.to, err, c.want)
		}
	}
}

// list lists the audiences of a platform that answers with answer, whose %d is the number of the request.
func list(t *testing.T, answer string, accounts ...any) (found []connector.Audience, asked int, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = fmt.Fprintf(w, answer, asked)
	}))
	defer server.Close()
	m, err := manifest.Parse("platform.yaml", []byte(platform))
	if err != nil {
		t.Fatal(err)
	}
	info := m.Info(httpx.AnyNetwork, manifest.Hooks{})
	d, err := info.Open(connector.DestinationOptions{Settings: connector.Settings{"baseUrl": server.URL, "accounts": accounts}, Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	job := connector.SyncJob{Type: "members", Settings: connector.Settings{"account": "7", "id": "1"}}
	err = d.(connector.AudienceReporter).Audiences(t.Context(), []connector.SyncJob{job, job}, func(a connector.Audience) error {
		found = append(found, a)
		return nil
	})
	return found, asked, err
}

// The accounts of syncs are listed first, and then those of the connection, each once. What cannot be read is an error that names the
// account and the audience, and a list without an end is none.
//
// Req: SY-94
func TestAudiencesOfAccounts(t *testing.T) {
	t.Parallel()
	found, asked, err := list(t, `{"items": [{"id": "a%d", "name": "A", "size": "12"}]}`, "5", "7")
	if err != nil || asked != 2 || len(found) != 2 || found[0].Account != "7" || found[1].Account != "5" || *found[1].Size != 12 {
		t.Errorf("%+v, %d requests, %v", found, asked, err)
	}
	for _, c := range []struct{ answer, want string }{
		{`{"items": [{"id": "a%d", "name": "A", "size": "many"}]}`, "reading size of the audience a1"},
		{`{"items": [{"id": "a%d", "name": "A", "size": 1, "made": "soon"}]}`, "reading made of the audience a1"},
		{`{"items": [{"name": "A", "size": %d}]}`, "an audience without an ID"},
		{`{"items": [], "next": "more %d"}`, "the list has more than 10000 pages"},
	} {
		_, _, err := list(t, c.answer)
		if !fault.Is(err, fault.CodeDestinationAnswer) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "the ad account 7") {
			t.Errorf("%s: %v, want %q", c.answer, err, c.want)
		}
	}
}
