package manifest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/connector/manifest/manifesttest"
	"github.com/millrace/millrace/internal/connector/manifest/replay"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

func kitchen(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "kitchen.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func kitchenInfo(t *testing.T) connector.DestinationInfo {
	t.Helper()
	m, err := manifest.Parse("kitchen.yaml", []byte(kitchen(t)))
	if err != nil {
		t.Fatal(err)
	}
	return m.Info(httpx.AnyNetwork, manifest.Hooks{})
}

// A manifest with everything that the language has sends what its cases say.
//
// Req: SY-13, SY-15, SY-20, SY-21, SY-78, FLD-32
func TestCases(t *testing.T) {
	t.Parallel()
	manifesttest.Run(t, kitchenInfo(t), filepath.Join("testdata", "kitchen"))
}

// Each mistake is told with its line, and with the word that was probably meant.
func TestMistakes(t *testing.T) {
	t.Parallel()
	good := kitchen(t)
	for _, c := range []struct{ name, from, to, want string }{
		{"unknown word", "idempotency: idempotent", "idempotence: idempotent", `there is no such word here; did you mean "idempotency"?`},
		{"missing word", "    idempotency: idempotent\n    fields:\n      - {name: size", "    fields:\n      - {name: size", "it is missing: what a second sending of the same rows does"},
		{"wrong enum", "then: accept}", "then: acept}", `"acept" is not one of accept, reject, retry, throttle, fatal, doubt; did you mean "accept"?`},
		{"list for text", "name: Kitchen", "name: [Kitchen]", "a text is expected"},
		{"text for list", "docs: [https://example.com/api]", "docs: https://example.com/api", "a list is expected"},
		{"number", "maxLength: 3", "maxLength: three", "a whole number is expected"},
		{"duration", "per: 1m", "per: minute", `"minute" is not a time such as 10s, 5m or 1h`},
		{"call", "GET /me", "FETCH /me", "a method and a path are expected"},
		{"template", "{{ value | upcase }}!", "{{ value | upcas }}!", "upcas"},
		{"braces in condition", "row.id == nil", `"{{ row.id == nil }}"`, "a condition is expected, without {{ }}"},
		{"directive", "$with: \"{{ row.fields }}\"\n                  times", "$wth: \"{{ row.fields }}\"\n                  times", `there is no such directive; did you mean "$with"?`},
		{"beside directive", "$else: none}", "$else: none, more: 1}", "it cannot stand beside $if"},
		{"variable", "settings.mode != \"odd\"", "setings.mode != \"odd\"", `there is no variable "setings" here; did you mean "settings"?`},
		{"setting", "settings.mode != \"odd\"", "settings.mod != \"odd\"", `the sync has no setting "mod"; did you mean "mode"?`},
		{"connection", "{{ connection.region }}.api", "{{ connection.regoin }}.api", `the connection has no setting "regoin"; did you mean "region"?`},
		{"row in connection", "{{ connection.region }}.api", "{{ row.key }}.api", `there is no variable "row" here`},
		{"list", "optionsFrom: lists", "optionsFrom: list", `there is no list "list"; did you mean "lists"?`},
		{"list of a connection", "request: GET /teams", "request: 'GET /teams/{{ settings.mode }}'", `there is no variable "settings" here`},
		{"field set", "fieldSets: [person]", "fieldSets: [persn]", `there is no field set "persn"; did you mean "person"?`},
		{"match field", "add: {match: [email]", "add: {match: [emial]", `there is no field "emial"; did you mean "email"?`},
		{"delete behaviour", "deletes: [remove]", "deletes: [removed]", `there is no delete behaviour "removed"`},
		{"delete not written", "deletes: [clear, delete]", "deletes: [archive, clear, delete]", `nothing is written for rows that were removed, with "archive"`},
		{"mode not written", "      insert: {}", "      update: {}", "nothing is written for rows that were added"},
		{"mode", "      insert: {}", "      instert: {}", `there is no mode "instert"`},
		{"type", "types: {D: date", "types: {D: day", `there is no type "day"`},
		{"form", "forms: {D: date}", "forms: {D: dat}", `there is no form "dat"; did you mean "date"?`},
		{"identifier", "identifier: google.email", "identifier: gogle.email", `there is no rule for identifiers "gogle.email"; did you mean "google.email"?`},
		{"paging", "next: body.next, param", "param", "either next or from is expected"},
		{"page twice", "paging: {next: body.next, param: cursor}", "query: {at: '{{ page }}'}\n    paging: {next: body.next, param: cursor}", "either param or page in a template of the request says which page is asked for"},
		{"number of nowhere", "paging: {next: body.next, param: cursor}", "paging: {from: 0}", "from needs param, or page in a template of the request"},
		{"rule", "{together: [code, kind]}", "{together: [code, kind], required: [code]}", "one rule is expected, and there are 2"},
		{"message", ", message: thirteen is not a number", "", "message is missing"},
		{"steps or hook", "        idempotency: none\n", "        idempotency: none\n        hook: x\n", "either steps or a hook is expected"},
		{"key reader", "key: item.key, is: row.key, ", "", "by key needs key and is"},
		{"fail", "            until: body.state == \"done\"\n", "", "it belongs to until"},
		{"version", "version: 1", "version: 9", "this program knows version 1 of the language"},
		{"slug", "slug: kitchen", "slug: Kitchen Sink", "is not lower-case letters, digits and hyphens"},
		{"two sync types", "slug: list\n", "slug: person\n", `there are two sync types called "person"`},
		{"no YAML", "version: 1", "version: [", "is not YAML"},
		{"ways of authentication", "header: {name: X-Key", "bearer: x\n      header: {name: X-Key", "one way of authentication is expected, and there are 2"},
		{"contains itself", "text: \"{{ row.rendered.message }}\"", "text: &a [*a]", "the manifest is too large, or contains itself"},
		{"begin that writes", "    clear:\n", "    begin: [{request: POST /looks}]\n    clear:\n", "a step of begin reads"},
		{"class", "class: search\n", "class: serch\n", `there is no limit with only of the class "serch"; did you mean "search"?`},
		{"only", "{class: search, only: true, requests: 4, per: 1s}", "{class: search, only: true, requests: 4}", "only needs class and per"},
		{"showIf", "{name: list, label: List, type: select, optionsFrom: lists}", "{name: list, label: List, type: select, optionsFrom: lists, showIf: {field: mak, in: [x]}}", `there is no setting "mak"; did you mean "make"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(good, c.from) {
				t.Fatalf("the manifest does not have %q", c.from)
			}
			_, err := manifest.Parse("kitchen.yaml", []byte(strings.Replace(good, c.from, c.to, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			var issues fault.Issues
			if errors.As(err, &issues) && !strings.Contains(issues[0].Message, "kitchen.yaml:") {
				t.Errorf("no line: %s", issues[0].Message)
			}
		})
	}
}

// Where people would read a condition otherwise than Millrace does, a warning says how it is read.
func TestWarnings(t *testing.T) {
	t.Parallel()
	const was = `settings.mode != "odd"`
	for _, c := range []struct{ name, to, want string }{
		{"and before or", `settings.mode == "a" and row.id or row.key contains ") or (" and row.match`, `kitchen.yaml:%d: conditions are read from the right: settings.mode == "a" and (row.id or (row.key contains ") or (" and row.match));`},
		{"or before and", `row.id or row.key and row.match`, ""},
		{"one word", `row.id and row.key and row.match`, ""},
		{"a list", `[row.id or row.key, row.match or row.id]`, ""},
		{"within a list", `[row.id, row.key and row.match or row.id]`, `kitchen.yaml:%d: conditions are read from the right: row.key and (row.match or row.id);`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before, _, found := strings.Cut(kitchen(t), was)
			m, err := manifest.Parse("kitchen.yaml", []byte(strings.Replace(kitchen(t), was, c.to, 1)))
			if err != nil || !found {
				t.Fatal(err)
			}
			var words []string
			for _, w := range m.Warnings() {
				words = append(words, w.Message)
			}
			got := strings.Join(words, "")
			if want := strings.ReplaceAll(c.want, "%d", strconv.Itoa(strings.Count(before, "\n")+1)); !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// A list of conditions holds where all of them do.
func TestListOfConditions(t *testing.T) {
	t.Parallel()
	s, asked := begin(t, `idempotency: idempotent
batch: {rows: 5}
write: [{steps: [{where: [row.fields.name == "a" or row.fields.name == "b", row.fields.list == "x"], request: POST /things, body: {$rows: "{{ row.match }}"}}]}]
`, nil)
	if _, err := write(t, s, connector.Added, rows([3]string{"0", "a", "x"}, [3]string{"1", "a", "y"}, [3]string{"2", "c", "x"}, [3]string{"3", "b", "x"})); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(strings.Fields(asked()), ""); !strings.HasSuffix(got, `["0","3"]`) {
		t.Errorf("sent %s", got)
	}
}

// A cursor goes into the body of the next request, and so does the number of a page; a list that does not go on is an
// error.
func TestPagesInBodies(t *testing.T) {
	t.Parallel()
	page := func(next any, ids ...string) replay.Answer {
		items := make([]any, len(ids))
		for i, id := range ids {
			items[i] = map[string]any{"id": id}
		}
		return replay.Answer{Body: map[string]any{"items": items, "next": next}}
	}
	for _, c := range []struct {
		name, request string
		answers       []replay.Answer
		asked         []string
		options       int
		wrong         string
	}{
		{"cursor", `body: {limit: 2, after: "{{ page }}"}, paging: {next: body.next}`, []replay.Answer{page("b", "1", "2"), page("c", "3"), page(nil, "4")}, []string{`{"limit":2}`, `{"limit":2,"after":"b"}`, `{"limit":2,"after":"c"}`}, 4, ""},
		{"no more", `body: {after: "{{ page }}"}, paging: {next: body.next}`, []replay.Answer{page(false, "1")}, []string{`{}`}, 1, ""},
		{"number", `body: {page: "{{ page }}"}, paging: {from: 1, size: 2}`, []replay.Answer{page(nil, "1", "2"), page(nil, "3")}, []string{`{"page":1}`, `{"page":2}`}, 3, ""},
		{"offset", `body: {offset: "{{ page }}"}, paging: {from: 0, step: 2, size: 2}`, []replay.Answer{page(nil, "1", "2"), page(nil)}, []string{`{"offset":0}`, `{"offset":2}`}, 2, ""},
		{"taken by nothing", `body: {limit: 2}, paging: {next: body.next}`, []replay.Answer{page("b", "1")}, nil, 0, "nothing in the request takes what the answer calls it"},
		{"again", `body: {after: "{{ page }}"}, paging: {next: body.next}`, []replay.Answer{page("b", "1"), page("b", "1")}, nil, 0, "calls the page that was asked for the next one again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := manifest.Parse("pages.yaml", []byte(`version: 1
slug: small
name: Small
category: other
summary: As little as there can be
docs: [https://example.com/api]
connection: {base: https://example.com, test: [{request: GET /me}]}
lists:
  things: {request: POST /search, `+c.request+`, items: body.items, value: item.id}
syncTypes: [{slug: thing, name: Things, idempotency: none, modes: {insert: {}}, write: [{steps: [{request: POST /things}]}]}]
`))
			if err != nil {
				t.Fatal(err)
			}
			server, asked := replay.Serve(c.answers...)
			defer server.Close()
			d, err := m.Info(httpx.AnyNetwork, manifest.Hooks{}).Open(connector.DestinationOptions{Settings: connector.Settings{"baseUrl": server.URL}})
			if err != nil {
				t.Fatal(err)
			}
			options, err := d.(connector.OptionLister).ListOptions(t.Context(), "things", connector.SyncJob{})
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Fatalf("got %v, want %s", err, c.wrong)
				}
				return
			}
			var bodies []string
			for part := range strings.SplitSeq(asked(), "POST /search") {
				if _, body, has := strings.Cut(strings.Join(strings.Fields(part), ""), "json"); has {
					bodies = append(bodies, body)
				}
			}
			if err != nil || len(options) != c.options || !slices.Equal(bodies, c.asked) {
				t.Errorf("%d options, %v after %q", len(options), err, bodies)
			}
		})
	}
}

// The pages of an answer to a reading step may be named by a cursor in the body, too: rows see every page.
func TestPagesOfAStepInBodies(t *testing.T) {
	t.Parallel()
	found := func(next any, ids ...any) replay.Answer {
		return replay.Answer{Body: map[string]any{"found": ids, "next": next}}
	}
	steps := `idempotency: idempotent
batch: {rows: 5}
write:
  - steps:
      - request: POST /search
        reads: true
        body: {ids: {$rows: "{{ row.match }}"}, after: "{{ page }}"}
        next: body.next
        rows: [{at: body.found, by: key, key: item, is: row.match, save: {known: "true"}}]
      - where: row.known
        request: POST /things
        body: {$rows: "{{ row.match }}"}
`
	s, asked := begin(t, steps, nil, found("b", "1"), found(false, "0"))
	list := rows([3]string{"0", "", ""}, [3]string{"1", "", ""}, [3]string{"2", "", ""})
	if _, err := write(t, s, connector.Added, list); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(asked()), "")
	if strings.Count(got, `{"ids":["0","1","2"]}`) != 1 || strings.Count(got, `{"ids":["0","1","2"],"after":"b"}`) != 1 || !strings.HasSuffix(got, `["0","1"]`) {
		t.Errorf("sent %s", got)
	}
	s, _ = begin(t, steps, nil, found("b", "1"), found("b", "1"))
	if r, err := write(t, s, connector.Added, list); err == nil || !strings.Contains(err.Error(), "the next one again") {
		t.Errorf("got %v, %v", r, err)
	}
}

// What was waited for when the process died is asked for once more.
func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		body any
		want connector.Resolution
	}{
		{"done", map[string]any{"state": "done"}, connector.ResolvedTaken},
		{"failed", map[string]any{"state": "failed"}, connector.ResolvedNotTaken},
		{"running", map[string]any{"state": "running"}, connector.ResolvedUnknown},
		{"done in part", map[string]any{"state": "done", "bad": []any{map[string]any{"key": "1"}}}, connector.ResolvedUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server, asked := replay.Serve(replay.Answer{Body: c.body})
			defer server.Close()
			d, err := kitchenInfo(t).Open(connector.DestinationOptions{Settings: connector.Settings{"key": "k", "baseUrl": server.URL}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.(connector.Resolver).Resolve(t.Context(), connector.SyncJob{Type: "person", Mode: connector.ModeInsert}, `{"operation":"added","step":1,"vars":{"job":"j7"}}`)
			if err != nil || got != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
			if !strings.HasPrefix(asked(), "GET /jobs/j7") {
				t.Errorf("asked for %s", asked())
			}
		})
	}
}

// A list is made once for a sync, and once more for another name.
func TestResourceIsMadeOnce(t *testing.T) {
	t.Parallel()
	server, asked := replay.Serve(replay.Answer{Body: map[string]any{"id": "l1"}}, replay.Answer{}, replay.Answer{}, replay.Answer{Body: map[string]any{"id": "l2"}})
	defer server.Close()
	state := connector.Memory()
	write := func(model string) {
		d, err := kitchenInfo(t).Open(connector.DestinationOptions{Settings: connector.Settings{"key": "k", "baseUrl": server.URL}, State: state})
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.Begin(t.Context(), connector.SyncJob{
			SyncID: 5, Type: "list", Mode: connector.ModeAdd, Settings: connector.Settings{"make": true}, Model: connector.ModelInfo{Name: model},
			Match: []connector.MatchPair{{From: "email", To: "email"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(t.Context(), &connector.Batch{Operation: connector.Added, Rows: []connector.Row{{Key: "1", Match: []value.Value{value.OfText("a@example.com")}}}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, model := range []string{"People", "People", "Others"} {
		write(model)
	}
	if got := strings.Count(asked(), "POST /lists?"); got != 2 {
		t.Errorf("%d lists were made:\n%s", got, asked())
	}
}

// No text makes the parser fail in another way than with an error.
func FuzzParse(f *testing.F) {
	text, err := os.ReadFile(filepath.Join("testdata", "kitchen.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("version: 1\nsyncTypes: [{write: [{steps: [{body: {$each: x}}]}]}]")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := manifest.Parse("fuzz.yaml", []byte(text)); err == nil && len(m.SyncTypes) == 0 {
			t.Error("a manifest without sync types is none")
		}
	})
}

// parse makes a manifest of a connection without fields and one sync type, whose words are given.
func parse(t *testing.T, syncType string) connector.DestinationInfo {
	t.Helper()
	text := `version: 1
slug: small
name: Small
category: other
summary: As little as there can be
docs: [https://example.com/api]
connection: {base: https://example.com, test: [{request: GET /me}]}
syncTypes:
  - slug: thing
    name: Things
    modes: {upsert: {match: [id]}}
    targets:
      - {name: id, label: ID, type: string, match: true}
      - {name: name, label: Name, type: string}
      - {name: list, label: List, type: string}
` + indent(syncType)
	m, err := manifest.Parse("small.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m.Info(httpx.AnyNetwork, manifest.Hooks{})
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
}

// begin begins a run of such a manifest against answers; asked returns what was asked.
func begin(t *testing.T, syncType string, settings connector.Settings, answers ...replay.Answer) (s connector.Session, asked func() string) {
	t.Helper()
	server, asked := replay.Serve(answers...)
	t.Cleanup(server.Close)
	d, err := parse(t, syncType).Open(connector.DestinationOptions{
		Settings: connector.Settings{"baseUrl": server.URL}, Clock: clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err = d.Begin(t.Context(), connector.SyncJob{
		SyncID: 5, Type: "thing", Mode: connector.ModeUpsert, Settings: settings, Match: []connector.MatchPair{{From: "id", To: "id"}},
		Columns: []connector.TargetColumn{{Name: "name", From: "name"}, {Name: "list", From: "list"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // it closes idle connections only
	return s, asked
}

// rows are rows with an id, a name and a list each.
func rows(all ...[3]string) []connector.Row {
	list := make([]connector.Row, len(all))
	for i, r := range all {
		list[i] = connector.Row{
			Ordinal: int64(i), Key: r[0], Match: []value.Value{value.OfText(r[0])}, Values: []value.Value{value.OfText(r[1]), value.OfText(r[2])},
		}
	}
	return list
}

func write(t *testing.T, s connector.Session, op connector.Operation, rows []connector.Row) (connector.Result, error) {
	t.Helper()
	return s.Write(t.Context(), &connector.Batch{ID: "b", Operation: op, Rows: rows, Checkpoint: func(context.Context, string) error { return nil }})
}

// The engine uses a row's slices again: that of earlier values is empty for a row that has none.
func TestNothingBefore(t *testing.T) {
	t.Parallel()
	s, asked := begin(t, `
idempotency: idempotent
before: true
write: [{steps: [{request: POST /things, body: {was: "{{ row.before.fields.name }}", name: "{{ row.fields.name }}"}}]}]
`, nil)
	list := rows([3]string{"1", "Ann", "l"})
	list[0].Before = []value.Value{}
	if r, err := write(t, s, connector.Added, list); err != nil || len(r.Rejected) > 0 {
		t.Errorf("got %v, %v", r, err)
	}
	if got := asked(); strings.Contains(got, "was") || !strings.Contains(got, "Ann") {
		t.Errorf("sent %s", got)
	}
}

// What an answer said to one group of rows is not about the next.
func TestVarsOfAGroup(t *testing.T) {
	t.Parallel()
	s, asked := begin(t, `
idempotency: idempotent
batch: {rows: 10, group: [row.fields.list]}
write:
  - steps:
      - {when: vars.list == nil, request: POST /lists, body: {name: "{{ row.fields.list }}"}, save: {list: body.id}}
      - {request: "POST /lists/{{ vars.list }}/add", body: {$rows: "{{ row.match }}"}}
`, nil, replay.Answer{Body: map[string]any{"id": "l1"}}, replay.Answer{}, replay.Answer{Body: map[string]any{"id": "l2"}})
	if r, err := write(t, s, connector.Added, rows([3]string{"1", "Ann", "a"}, [3]string{"2", "Bob", "b"})); err != nil || len(r.Rejected) > 0 {
		t.Errorf("got %v, %v", r, err)
	}
	if got := asked(); strings.Count(got, "POST /lists/l1/add") != 1 || strings.Count(got, "POST /lists/l2/add") != 1 {
		t.Errorf("sent %s", got)
	}
}

// What happens after a request was carried out leaves its rows in doubt, since nobody refused them.
func TestDoubtAfterwards(t *testing.T) {
	t.Parallel()
	lost := errors.New("the disk is full")
	for _, c := range []struct {
		name, steps string
		checkpoint  error
	}{
		{"saving", `[{request: POST /jobs, save: {job: "1 | divided_by: 0"}}]`, nil},
		{"until", `[{request: POST /jobs}, {request: GET /jobs, reads: true, until: "body.n | divided_by: 0"}]`, nil},
		{"fail", `[{request: POST /jobs}, {request: GET /jobs, reads: true, until: body.done, fail: "body.n | divided_by: 0"}]`, nil},
		{"after the work", `[{request: POST /jobs}, {request: GET /jobs, reads: true, until: body.n, save: {job: "1 | divided_by: 0"}}]`, nil},
		{"checkpoint", `[{request: POST /jobs}, {request: GET /jobs, reads: true, until: body.n}]`, lost},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := begin(t, "idempotency: none\nwrite: [{steps: "+c.steps+"}]", nil, replay.Answer{}, replay.Answer{Body: map[string]any{"n": 1}})
			r, err := s.Write(t.Context(), &connector.Batch{
				Operation: connector.Added, Rows: rows([3]string{"1", "Ann", "l"}),
				Checkpoint: func(context.Context, string) error { return c.checkpoint },
			})
			if err == nil || fault.ClassOf(err) != fault.Unknown || len(r.Rejected) > 0 {
				t.Errorf("got %v, %v of class %s", r, err, fault.ClassOf(err))
			}
		})
	}
}

// An answer of more than a MiB is read to its end, and one that is too long to be read is no success.
func TestLongAnswers(t *testing.T) {
	t.Parallel()
	long := func(mib int) replay.Answer {
		return replay.Answer{Body: map[string]any{"bad": []any{map[string]any{"key": "2"}}, "error": "none was taken", "words": strings.Repeat("x", mib<<20)}}
	}
	for _, c := range []struct {
		name, words string
		mib         int
		want        fault.Class
	}{
		{"refused", "answers: [{status: [200], when: body.error, then: reject, message: \"{{ body.error }}\"}]\nwrite: [{steps: [{request: POST /things}]}]", 2, fault.Permanent},
		{"who knows", "answers: [{status: [200], when: body.error, then: reject, message: no}]\nwrite: [{steps: [{request: POST /things}]}]", 33, fault.Unknown},
		{"saved", "write: [{steps: [{request: POST /things, save: {id: body.error}}]}]", 33, fault.Unknown},
		{"only read", "write: [{steps: [{request: GET /things, reads: true, save: {id: body.error}}]}]", 33, fault.Permanent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := begin(t, "idempotency: none\n"+c.words, nil, long(c.mib))
			_, err := write(t, s, connector.Added, rows([3]string{"1", "Ann", "l"}))
			if err == nil || fault.ClassOf(err) != c.want {
				t.Errorf("got %v of class %s, want %s", err, fault.ClassOf(err), c.want)
			}
		})
	}
	s, _ := begin(t, "idempotency: none\nbatch: {rows: 5}\nwrite: [{steps: [{request: POST /things, rows: [{at: body.bad, by: key, key: item.key, is: row.match, reason: bad}]}]}]", nil, long(2))
	r, err := write(t, s, connector.Added, rows([3]string{"1", "Ann", "l"}, [3]string{"2", "Bob", "l"}))
	if err != nil || len(r.Rejected) != 1 || r.Rejected[0].Row != 1 {
		t.Errorf("got %v, %v", r, err)
	}
}

// An emptying that failed is done again from its beginning, since its job is over.
//
// Req: SY-13
func TestClearAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer replay.Answer
		want   fault.Class
	}{
		{"failed", replay.Answer{Body: map[string]any{"failed": true}}, fault.Permanent},
		{"forgotten", replay.Answer{Status: 404}, fault.Permanent},
		{"locked out", replay.Answer{Status: 401}, fault.Fatal},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, asked := begin(t, `
idempotency: idempotent
write: [{steps: [{request: POST /things}]}]
clear:
  - {request: POST /clear, save: {job: body.id}}
  - {request: "GET /jobs/{{ vars.job }}", until: body.done, fail: body.failed}
`, nil, replay.Answer{Body: map[string]any{"id": "c1"}}, c.answer, replay.Answer{Body: map[string]any{"id": "c2"}}, replay.Answer{Body: map[string]any{"done": true}})
			empty := s.(connector.Clearer).Clear
			if err := empty(t.Context()); err == nil || fault.ClassOf(err) != c.want {
				t.Errorf("got %v of class %s", err, fault.ClassOf(err))
			}
			if err := empty(t.Context()); err != nil {
				t.Error(err)
			}
			if got := asked(); strings.Count(got, "POST /clear") != 2 || !strings.Contains(got, "GET /jobs/c2") {
				t.Errorf("asked %s", got)
			}
		})
	}
}

// A list that cannot be made, or of which nobody knows whether it was, ends the run and is not asked for again by it.
func TestResourceThatFails(t *testing.T) {
	t.Parallel()
	const one = `steps: [{request: POST /lists}]`
	for _, c := range []struct {
		name, steps string
		answers     []replay.Answer
		want        fault.Class
		made        int
	}{
		{"refused", one, []replay.Answer{{Status: 400}}, fault.Fatal, 1},
		{"no answer", one, []replay.Answer{{Status: 504}}, fault.Fatal, 1},
		{"made in part", `steps: [{request: POST /lists}, {request: POST /share}]`, []replay.Answer{{}, {Status: 429}}, fault.Fatal, 1},
		{"asked to wait", one, []replay.Answer{{Status: 429}}, fault.Throttled, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, asked := begin(t, "idempotency: idempotent\nbatch: {whole: true}\nresources: [{name: list, "+c.steps+", value: body.id}]\nwrite: [{steps: [{request: POST /things}]}]", nil, c.answers...)
			for n := range 2 {
				_, err := write(t, s, connector.Added, rows([3]string{"1", "Ann", "l"}))
				if n == 0 && fault.ClassOf(err) != c.want {
					t.Errorf("got %v of class %s", err, fault.ClassOf(err))
				}
			}
			if got := asked(); strings.Count(got, "POST /lists") != c.made || strings.Contains(got, "POST /things") {
				t.Errorf("asked %s", got)
			}
		})
	}
}

// What rows go to is asked for once in a run, before anything is sent, unless it was just made. Where it is gone, the run
// ends.
//
// Req: SY-76
func TestBegin(t *testing.T) {
	t.Parallel()
	const look = `
begin: [{request: "GET /lists/{{ resources.list }}", reads: true, require: body.id, message: "there is no list {{ resources.list }}", hint: Choose another list.}]
write: [{steps: [{request: POST /things}]}]`
	const existing = "idempotency: idempotent\nresources: [{name: list, when: run.first, else: \"7\", steps: [{request: POST /lists}], value: body.id}]" + look
	for _, c := range []struct {
		name, syncType string
		answers        []replay.Answer
		want           fault.Class // Permanent, which is none of them, for none
		message, asked string
	}{
		{"it is there", existing, []replay.Answer{{Body: map[string]any{"id": 7}}}, fault.Permanent, "", "GET /lists/7, POST /things, POST /things"},
		{"it is gone", existing, []replay.Answer{{}}, fault.Fatal, "there is no list 7", "GET /lists/7"},
		{"the vendor refuses", existing, []replay.Answer{{Status: 404, Body: map[string]any{"message": "no"}}}, fault.Fatal, "", "GET /lists/7"},
		{"the vendor is away", existing, []replay.Answer{{Status: 503}, {Body: map[string]any{"id": 7}}}, fault.Retryable, "", "GET /lists/7, GET /lists/7, POST /things"},
		{"it is new", "idempotency: idempotent\nresources: [{name: list, steps: [{request: POST /lists}], value: body.id}]" + look, []replay.Answer{{Body: map[string]any{"id": 8}}}, fault.Permanent, "", "POST /lists, POST /things, POST /things"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, asked := begin(t, c.syncType, nil, c.answers...)
			for n := range 2 {
				_, err := write(t, s, connector.Added, rows([3]string{"1", "Ann", "l"}))
				if n > 0 {
					continue
				}
				if (err == nil) != (c.want == fault.Permanent) || err != nil && fault.ClassOf(err) != c.want {
					t.Errorf("got %v of class %s", err, fault.ClassOf(err))
				}
				if e := fault.As(err); c.want == fault.Fatal && (!strings.Contains(e.Message, c.message) || e.Suggestion != "Choose another list.") {
					t.Errorf("got %q, %q", e.Message, e.Suggestion)
				}
			}
			var calls []string
			for line := range strings.Lines(asked()) {
				if call := strings.TrimSpace(line); strings.HasPrefix(call, "GET ") || strings.HasPrefix(call, "POST ") {
					calls = append(calls, call)
				}
			}
			if got := strings.Join(calls, ", "); got != c.asked {
				t.Errorf("asked %s, want %s", got, c.asked)
			}
		})
	}
}

// A row whose own values an expression cannot be made of is refused by itself.
func TestRowsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	const bad = "'6 | divided_by: row.fields.name'"
	for _, words := range []string{
		"batch: {rows: 5, group: [" + bad + "]}\nwrite: [{steps: [{request: POST /things}]}]",
		"batch: {rows: 5, unique: " + bad + "}\nwrite: [{steps: [{request: POST /things}]}]",
		"batch: {rows: 5}\nwrite: [{steps: [{request: POST /things, where: " + bad + "}]}]",
	} {
		s, _ := begin(t, "idempotency: none\n"+words, nil)
		list := rows([3]string{"1", "", "l"}, [3]string{"2", "", "l"})
		list[0].Values[0], list[1].Values[0] = value.OfInt(0), value.OfInt(2)
		if r, err := write(t, s, connector.Added, list); err != nil || len(r.Rejected) != 1 || r.Rejected[0].Row != 0 {
			t.Errorf("%s: got %v, %v", words, r, err)
		}
	}
}

// Rows that were sent in part are sent again only where that does no harm, or under the same key.
//
// Req: SY-76
func TestHalfDone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		idempotency, where string
		status             int
		want               fault.Class // of the batch; Permanent for none
		refused            int
	}{
		{"idempotent", "row.match", 429, fault.Permanent, 1},
		{"none", "row.match", 429, fault.Unknown, 0},
		{"none", "row.match", 500, fault.Unknown, 0},
		{"keyed", "row.match", 500, fault.Unknown, 0},
		{"none", "row.match", 400, fault.Permanent, 2}, // refused, and not tried again
		{"idempotent", "row.match", 400, fault.Permanent, 2},
		{"none", `row.match != "2"`, 429, fault.Permanent, 1}, // the row that failed was in no other request
	} {
		list := rows([3]string{"1", "Ann", "l"}, [3]string{"2", "Bob", "l"}, [3]string{"3", "Cem", "l"})
		size := 2
		if c.status == 400 {
			size = 3
		}
		s, _ := begin(t, "idempotency: "+c.idempotency+`
batch: {rows: 5, whole: true}
write:
  - steps:
      - {request: POST /things, where: '`+c.where+`'}
      - {request: POST /names, where: 'row.match != "1"'}
`, nil, replay.Answer{}, replay.Answer{Status: c.status})
		r, err := write(t, s, connector.Added, list[:size])
		if (err != nil) != (c.want == fault.Unknown) || err != nil && fault.ClassOf(err) != c.want || len(r.Rejected) != c.refused || len(r.Rejected) > 0 && r.Rejected[0].Retry != (c.status != 400 || c.idempotency == "idempotent") {
			t.Errorf("%s, %s, %d: got %v, %v", c.idempotency, c.where, c.status, r, err)
		}
	}
}

// After an answer with which the run cannot go on, the other rows of the batch are not tried.
func TestFatalHalfway(t *testing.T) {
	t.Parallel()
	s, asked := begin(t, `
idempotency: idempotent
batch: {rows: 5}
write: [{steps: [{request: POST /things, per: row}]}]
`, nil, replay.Answer{}, replay.Answer{Status: 401})
	list := rows([3]string{"1", "Ann", "l"}, [3]string{"2", "Bob", "l"}, [3]string{"3", "Cem", "l"})
	r, err := write(t, s, connector.Added, list)
	if err != nil || len(r.Rejected) != 2 || strings.Count(asked(), "POST /things") != 2 {
		t.Errorf("got %v, %v after %s", r, err, asked())
	}
	if _, err := write(t, s, connector.Added, list); err == nil || fault.ClassOf(err) != fault.Fatal {
		t.Errorf("the next batch: %v", err)
	}
}

// A batch is never larger than what the vendor takes, and never smaller than a row.
func TestRowsOfABatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		batch, when string
		size        float64
		want        int
	}{
		{"{rows: 10, setting: size}", "", 20, 10}, {"{rows: 10, setting: size}", "", 3, 3}, {"{setting: size}", "", 20, 20},
		{"{rows: 10}", "when: settings.size == 0, ", 3, 1},
	} {
		s, _ := begin(t, "idempotency: none\nfields: [{name: size, label: Size, type: number}]\nbatch: "+c.batch+"\nwrite: [{"+c.when+"steps: [{request: POST /things}]}]", connector.Settings{"size": c.size})
		if l := s.Limits(); l.Rows != c.want || l.Concurrency < 1 {
			t.Errorf("%s, %v: %d rows, %d at once", c.batch, c.size, l.Rows, l.Concurrency)
		}
	}
}

// A value of a row leads to no other address than its own, and into no other header.
func TestValuesStayInTheirPlaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ step, value, sent string }{
		{"request: 'DELETE /things/{{ row.match }}'", "a b/c?d", "DELETE /things/a%20b%2Fc%3Fd"},
		{"request: 'DELETE /things/{{ row.match }}'", "", ""},
		{"request: 'DELETE /things/{{ row.match }}'", ".", ""},
		{"request: 'DELETE /things/{{ row.match }}'", "..", ""},
		{"request: 'DELETE /things/{{ row.match }}/names?x=/'", "..", ""},
		{"request: 'DELETE /things/{{ row.match }}/names'", "", ""},
		{"request: 'DELETE /{{ row.match }}'", "", ""},
		{"request: 'DELETE /things/x{{ row.match }}'", "..", "DELETE /things/x.."},
		{"request: 'DELETE /things/{{ row.match }}/'", "1", "DELETE /things/1/"},
		{"request: 'DELETE /things?id={{ row.match }}'", "", "DELETE /things?id="},
		{"request: 'DELETE /things{% if row.match %}/{{ row.match }}{% endif %}'", "1", "DELETE /things/1"},
		{"request: 'DELETE https://example.com/{{ row.match }}'", "1", "DELETE /example.com/1"},
		{"request: 'DELETE https://example.com/{{ row.match }}'", "..", ""},
		{"request: POST /things, headers: {X-Id: '{{ row.match }}'}", "é", "X-Id: é"},
		{"request: POST /things, headers: {X-Id: '{{ row.match }}'}", "1\r\nX-Other: 2", ""},
		{"request: POST /things, headers: {X-Id: '{{ row.match }}'}", "1\x00", ""},
	} {
		s, asked := begin(t, "idempotency: none\nbatch: {rows: 5}\nwrite: [{steps: [{per: row, "+c.step+"}]}]", nil)
		r, err := write(t, s, connector.Added, rows([3]string{c.value, "Ann", "l"}, [3]string{"good", "Bob", "l"}))
		if err != nil || (c.sent == "") != (len(r.Rejected) == 1) || c.sent != "" && !strings.Contains(asked(), c.sent+"\n") || !strings.Contains(asked(), "good") {
			t.Errorf("%s, %q: got %v, %v after %s", c.step, c.value, r, err, asked())
		}
	}
}

// A key that was pasted with the end of its line is told at once.
func TestKeyWithLineBreak(t *testing.T) {
	t.Parallel()
	_, err := kitchenInfo(t).Open(connector.DestinationOptions{Settings: connector.Settings{"key": "sec\nret"}})
	if !fault.Is(err, fault.CodeInvalid) || strings.Contains(err.Error(), "ret") {
		t.Errorf("got %v", err)
	}
}

// What is noted of a wait has what asks for it again and nothing else, and says whether its end is that of the batch.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	const job = `
      - {request: POST /jobs, save: {job: body.id, people: body.people}}
      - {request: "GET /jobs/{{ vars.job }}", reads: true, until: body.done%s}
`
	for _, c := range []struct {
		name, words, steps, reader string
		part                       bool
		want                       connector.Resolution
	}{
		{"whole", "", "", "", false, connector.ResolvedTaken},
		{"two groups", ", group: [row.fields.list]", "", "", true, connector.ResolvedUnknown},
		{"one row twice", ", unique: '1'", "", "", true, connector.ResolvedUnknown},
		{"a step after it", "", "      - {request: POST /more}\n", "", false, connector.ResolvedUnknown},
		{"absent", "", "", ", rows: [{at: body.ok, by: key, key: item, is: row.match, reject: item == nil, absent: reject, absentReason: gone}]", false, connector.ResolvedUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			done := replay.Answer{Body: map[string]any{"done": true, "id": "j8"}}
			sent := replay.Answer{Body: map[string]any{"id": "j7", "people": []any{"ann@example.com"}}}
			syncType := "idempotency: none\nbatch: {rows: 5" + c.words + "}\nwrite:\n  - steps:" + fmt.Sprintf(job, c.reader) + c.steps
			s, _ := begin(t, syncType, nil, sent, done, done, done)
			token := ""
			_, err := s.Write(t.Context(), &connector.Batch{
				Operation: connector.Added, Rows: rows([3]string{"1", "Ann", "a"}, [3]string{"2", "Bob", "b"}),
				Checkpoint: func(_ context.Context, text string) error {
					if token == "" {
						token = text
					}
					return nil
				},
			})
			if err != nil || strings.Contains(token, "ann") || !strings.Contains(token, `"job":"j7"`) || strings.Contains(token, `"part":true`) != c.part {
				t.Fatalf("noted %s, %v", token, err)
			}
			server, _ := replay.Serve(done)
			defer server.Close()
			d, err := parse(t, syncType).Open(connector.DestinationOptions{Settings: connector.Settings{"baseUrl": server.URL}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.(connector.Resolver).Resolve(t.Context(), connector.SyncJob{Type: "thing", Mode: connector.ModeUpsert}, token)
			if err != nil || got != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

// A refusal that names none of the rows by what they are matched by is not lost.
func TestRefusalOfNobody(t *testing.T) {
	t.Parallel()
	refused := replay.Answer{Body: map[string]any{"bad": []any{"bob@example.com"}}}
	for _, c := range []struct {
		name, idempotency string
		rows              int
		answers           []replay.Answer
		refused           []int
		doubt             bool
		sent              int
	}{
		{"one row", "none", 1, []replay.Answer{refused}, []int{0}, false, 1},
		{"nobody knows", "none", 4, []replay.Answer{refused}, nil, true, 1},
		{"found", "idempotent", 4, []replay.Answer{refused, {}, refused, {}, refused}, []int{3}, false, 5},
		{"beside another", "idempotent", 4, []replay.Answer{{Body: map[string]any{"bad": []any{"1", "bob@example.com"}}}}, []int{1}, false, 3},
		{"one of a list", "none", 4, []replay.Answer{{Body: map[string]any{"bad": []any{[]any{"1", "bob@example.com"}}}}}, nil, true, 1},
		{"an empty list", "none", 4, []replay.Answer{{Body: map[string]any{"bad": []any{[]any{}}}}}, nil, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, asked := begin(t, "idempotency: "+c.idempotency+`
batch: {rows: 5}
write: [{steps: [{request: POST /things, body: {$rows: "{{ row.match }}"}, rows: [{at: body.bad, by: key, key: item, is: row.match, reason: bad}]}]}]
`, nil, c.answers...)
			list := rows([3]string{"0", "", ""}, [3]string{"1", "", ""}, [3]string{"2", "", ""}, [3]string{"3", "", ""})
			r, err := write(t, s, connector.Added, list[:c.rows])
			var refused []int
			for _, one := range r.Rejected {
				refused = append(refused, one.Row)
			}
			if !slices.Equal(refused, c.refused) || (err != nil) != c.doubt || c.doubt && fault.ClassOf(err) != fault.Unknown || strings.Count(asked(), "POST") != c.sent {
				t.Errorf("got %v, %v after %s", r, err, asked())
			}
		})
	}
}

// Nor is one whose number is that of none of the rows.
func TestRefusalOfNoNumber(t *testing.T) {
	t.Parallel()
	bad := func(numbers ...any) replay.Answer {
		list := make([]any, len(numbers))
		for i, n := range numbers {
			list[i] = map[string]any{"n": n}
		}
		return replay.Answer{Body: map[string]any{"bad": list}}
	}
	for _, c := range []struct {
		name, idempotency string
		rows              int
		answers           []replay.Answer
		refused           []int
		doubt             bool
		sent              int
	}{
		{"one row", "none", 1, []replay.Answer{bad(7)}, []int{0}, false, 1},
		{"nobody knows", "none", 4, []replay.Answer{bad(7)}, nil, true, 1},
		{"before the first", "none", 4, []replay.Answer{bad(-1)}, nil, true, 1},
		{"no number", "none", 4, []replay.Answer{bad("second")}, nil, true, 1},
		{"found", "idempotent", 4, []replay.Answer{bad(7), {}, bad(7), {}, bad(7)}, []int{3}, false, 5},
		{"known", "none", 4, []replay.Answer{bad(1)}, []int{1}, false, 1},
		{"about no row", "none", 4, []replay.Answer{bad(nil)}, nil, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, asked := begin(t, "idempotency: "+c.idempotency+`
batch: {rows: 5}
write: [{steps: [{request: POST /things, body: {$rows: "{{ row.match }}"}, rows: [{at: body.bad, by: index, index: item.n, reason: bad}]}]}]
`, nil, c.answers...)
			list := rows([3]string{"0", "", ""}, [3]string{"1", "", ""}, [3]string{"2", "", ""}, [3]string{"3", "", ""})
			r, err := write(t, s, connector.Added, list[:c.rows])
			var refused []int
			for _, one := range r.Rejected {
				refused = append(refused, one.Row)
			}
			if !slices.Equal(refused, c.refused) || (err != nil) != c.doubt || c.doubt && fault.ClassOf(err) != fault.Unknown || strings.Count(asked(), "POST") != c.sent {
				t.Errorf("got %v, %v after %s", r, err, asked())
			}
		})
	}
}

// Nor is one in a list of all rows, of which a condition says which were refused.
func TestRefusalOfNobodyInAList(t *testing.T) {
	t.Parallel()
	says := func(items ...map[string]any) replay.Answer {
		list := make([]any, len(items))
		for i, item := range items {
			list[i] = item
		}
		return replay.Answer{Body: map[string]any{"all": list}}
	}
	good := func(id string) map[string]any { return map[string]any{"id": id} }
	bad := func(id any) map[string]any { return map[string]any{"id": id, "why": "bad", "n": 7} }
	byID := `{at: body.all, by: key, key: item.id, is: row.match, reject: item.why, reason: "{{ item.why }}"}`
	for _, c := range []struct {
		name, idempotency, readers string
		rows                       int
		answers                    []replay.Answer
		refused                    []int
		doubt                      bool
		sent                       int
	}{
		{"one row", "none", byID, 1, []replay.Answer{says(bad("bob"))}, []int{0}, false, 1},
		{"taken is none", "none", byID, 2, []replay.Answer{says(good("0"), good("bob"))}, nil, false, 1},
		{"nobody knows", "none", byID, 2, []replay.Answer{says(good("0"), bad("bob"))}, nil, true, 1},
		{"no name", "none", byID, 2, []replay.Answer{says(good("0"), bad(nil))}, nil, true, 1},
		{"found", "idempotent", byID, 2, []replay.Answer{says(good("0"), bad("bob")), {}, says(bad("bob"))}, []int{1}, false, 3},
		{"by another name", "none", `{at: body.all, by: key, key: item.email, is: row.match, reject: item.why, reason: bad}, ` + byID, 2, []replay.Answer{says(bad("1"))}, []int{1}, false, 1},
		{"by another name before", "none", byID + `, {at: body.all, by: key, key: item.email, is: row.match, reject: item.why, reason: bad}`, 2, []replay.Answer{says(bad("1"))}, []int{1}, false, 1},
		{"more than rows", "none", `{at: body.all, by: index, reject: item.why, reason: bad}`, 2, []replay.Answer{says(good("0"), good("1"), bad("2"))}, nil, true, 1},
		{"a number of none", "none", `{at: body.all, by: index, index: item.n, reject: item.why, reason: bad}`, 2, []replay.Answer{says(bad("1"))}, nil, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, asked := begin(t, "idempotency: "+c.idempotency+`
batch: {rows: 5}
write: [{steps: [{request: POST /things, body: {$rows: "{{ row.match }}"}, rows: [`+c.readers+`]}]}]
`, nil, c.answers...)
			r, err := write(t, s, connector.Added, rows([3]string{"0", "", ""}, [3]string{"1", "", ""})[:c.rows])
			var refused []int
			for _, one := range r.Rejected {
				refused = append(refused, one.Row)
			}
			if !slices.Equal(refused, c.refused) || (err != nil) != c.doubt || c.doubt && fault.ClassOf(err) != fault.Unknown || strings.Count(asked(), "POST") != c.sent {
				t.Errorf("got %v, %v after %s", r, err, asked())
			}
		})
	}
}

// No form in which a request has a secret is in the request log.
//
// Req: SY-74
func TestSecretsInRequests(t *testing.T) {
	t.Parallel()
	text := `version: 1
slug: small
name: Small
category: other
summary: As little as there can be
docs: [https://example.com/api]
connection: {fields: [{name: key, label: Key, type: secret}], base: https://example.com, test: [{request: GET /me}]}
syncTypes:
  - slug: thing
    name: Things
    modes: {insert: {}}
    mapping: {none: true}
    idempotency: none
    write: [{steps: [{request: "POST /{{ connection.key }}", query: {q: "{{ connection.key }}"}, body: {key: "{{ connection.key }}"}}]}]
`
	m, err := manifest.Parse("small.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	server, asked := replay.Serve()
	defer server.Close()
	d, err := m.Info(httpx.AnyNetwork, manifest.Hooks{}).Open(connector.DestinationOptions{Settings: connector.Settings{"baseUrl": server.URL, "key": `kq"zw yx\v`}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Begin(t.Context(), connector.SyncJob{Type: "thing", Mode: connector.ModeInsert})
	if err != nil {
		t.Fatal(err)
	}
	b := &connector.Batch{Operation: connector.Added, Rows: []connector.Row{{Key: "1"}}}
	if _, err := s.Write(t.Context(), b); err != nil || !strings.Contains(asked(), `kq\"zw yx\\v`) {
		t.Fatalf("%v after %s", err, asked())
	}
	for _, x := range b.Exchanges {
		if log := x.URL + x.RequestBody; strings.Contains(log, "zw") || strings.Count(log, "[secret]") != 3 {
			t.Errorf("recorded %s", log)
		}
	}
}

// An answer to one batch is not about the next, nor one to a group.
func TestAnswersOfEarlier(t *testing.T) {
	t.Parallel()
	s, asked := begin(t, `
idempotency: idempotent
batch: {rows: 5, group: [row.fields.list]}
write: [{steps: [{when: body.ready == nil, request: POST /prepare}, {when: body.ready, request: POST /things}]}]
`, nil, replay.Answer{Body: map[string]any{"ready": true}}, replay.Answer{Body: map[string]any{"ready": true}},
		replay.Answer{Body: map[string]any{"ready": true}}, replay.Answer{Body: map[string]any{"ready": true}},
		replay.Answer{Body: map[string]any{"ready": true}}, replay.Answer{Body: map[string]any{"ready": true}})
	for _, list := range [][]connector.Row{rows([3]string{"1", "Ann", "a"}, [3]string{"2", "Bob", "b"}), rows([3]string{"3", "Cem", "a"})} {
		if r, err := write(t, s, connector.Added, list); err != nil || len(r.Rejected) > 0 {
			t.Errorf("got %v, %v", r, err)
		}
	}
	if got := asked(); strings.Count(got, "POST /prepare") != 3 || strings.Count(got, "POST /things") != 3 {
		t.Errorf("asked %s", got)
	}
}

// A condition whose inner expression names the row is asked for each row.
func TestInnerExpressionsAreAboutEachRow(t *testing.T) {
	t.Parallel()
	s, _ := begin(t, `idempotency: idempotent
fields: [{name: names, label: Names, type: list}]
batch: {rows: 5}
rules:
  - row: "settings.names | find_exp: 'n', 'n == row.fields.name'"
    message: the name is not one of those
write:
  - steps: [{request: POST /things, body: {$rows: "{{ row.match }}"}}]
`, connector.Settings{"names": []any{"Ann"}})
	result, err := s.Write(t.Context(), &connector.Batch{Operation: connector.Added, Rows: rows([3]string{"1", "Ann", "a"}, [3]string{"2", "Bob", "b"})})
	if err != nil || len(result.Rejected) != 1 || result.Rejected[0].Row != 1 {
		t.Errorf("got %+v, %v; want the second row refused", result, err)
	}
}
