package manifest

import (
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

const boundManifest = `version: 1
slug: small
name: Small
category: other
summary: As little as there can be
docs: [https://example.com/api]
connection: {base: https://example.com, test: [{request: GET /me}]}
syncTypes:
  - slug: thing
    name: Things
    idempotency: idempotent
    modes: {upsert: {match: [id, code]}}
    fields: [{name: loud, label: Loud, type: boolean}]
    targets:
      - {name: id, label: ID, type: string, match: true}
      - {name: code, label: Code, type: string, match: true}
      - {name: name, label: Name, type: string}
      - {name: nick, label: Nick, type: string}
      - {name: tags, label: Tags, type: array, as: list}
    sections: [{name: deep, label: Deep, custom: true, nested: true}]
    batch: {rows: 5}
    write: [{steps: [{request: POST /things, body: `

// A body that is bound to a run's rows is what it is without that, also for rows that an answer gave more members.
func TestBound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want, saved string }{
		{
			"fields", `{$rows: {id: "{{ row.match }}", code: "{{ row.matched.code }}", a: "{{ row.fields.name }}", b: "{{ row.fields.nick }}", c: "{{ row.fields.none }}"}}`,
			`[{"id":"1","a":"Ann","b":"A"},{"id":"2","a":"Bob"}]`, `[{"id":"1","a":"Ann","b":"A"},{"id":"saved","a":"Bob"}]`,
		},
		{
			"all fields", `{$rows: {name: "{% if row.fields.nick %}{{ row.fields.nick }}{% endif %}", $with: "{{ row.fields }}"}}`,
			`[{"name":"A","nick":"A","tags":["x","y"]},{"name":"","tags":["z"]}]`, `[{"name":"A","nick":"A","tags":["x","y"]},{"name":"","tags":["z"]}]`,
		},
		{
			"decided", `{$rows: {a: {$if: settings.loud, $then: "{{ row.match | upcase }}", $else: quiet}, b: {$if: row.fields.none, $then: 1}, c: {$if: row.fields.nick, $then: 1, $else: 2}}}`,
			`[{"a":"1","c":1},{"a":"2","c":2}]`, `[{"a":"1","c":1},{"a":"SAVED","c":2}]`,
		},
		{
			"nested", `{$rows: {a: "{{ row.deep.er }}", b: "{{ row.deep.er.st }}", c: "{{ row.fields.tags.size }}"}}`,
			`[{"a":{"st":"d"},"b":"d","c":2},{"a":{"st":"e"},"b":"e","c":1}]`, `[{"a":{"st":"d"},"b":"d","c":2},{"a":{"st":"e"},"b":"e","c":1}]`,
		},
		{
			"made of others", `{$rows: [{$json: {n: "{{ row.fields.name }}"}}, {$join: ["{{ row.fields.name }}", "{{ row.match }}"], $by: "+"}, {$each: "{{ row.fields.tags }}", $as: tag, $do: {t: "{{ tag }}", n: "{{ row.fields.name }}"}}]}`,
			`[["{\"n\":\"Ann\"}","Ann+1",[{"t":"x","n":"Ann"},{"t":"y","n":"Ann"}]],["{\"n\":\"Bob\"}","Bob+2",[{"t":"z","n":"Bob"}]]]`,
			`[["{\"n\":\"Ann\"}","Ann+1",[{"t":"x","n":"Ann"},{"t":"y","n":"Ann"}]],["{\"n\":\"Bob\"}","Bob+saved",[{"t":"z","n":"Bob"}]]]`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, body := boundSession(t, c.body)
			rows := []connector.Row{boundRow("1", "Ann", value.OfText("A"), "x,y", "d"), boundRow("2", "Bob", value.Value{}, "z", "e")}
			a := s.attempt(&connector.Batch{ID: "b", Operation: connector.Added, Rows: rows}, value.OfMap(nil))
			for _, want := range []string{c.want, c.saved} {
				for name, tree := range map[string]*Tree{"bound": s.bodies[body], "as it stands": body} {
					for _, format := range []string{"json", "text"} {
						if got, err := a.scope.write(nil, tree, format, a.records); err != nil || string(got) != want {
							t.Errorf("%s as %s: %s, %v; want %s", name, format, got, err, want)
						}
					}
				}
				a.records[1].save("match", value.OfText("saved"))
			}
		})
	}
}

func boundSession(t *testing.T, body string) (*session, *Tree) {
	t.Helper()
	m, err := Parse("small.yaml", []byte(boundManifest+body+"}]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.Info(httpx.AnyNetwork, Hooks{}).Open(connector.DestinationOptions{})
	if err != nil {
		t.Fatal(err)
	}
	job := connector.SyncJob{
		Type: "thing", Mode: connector.ModeUpsert, Match: []connector.MatchPair{{From: "id", To: "id"}}, StartedAt: time.Unix(0, 0), Settings: connector.Settings{"loud": true},
		Columns: []connector.TargetColumn{{Name: "name", From: "name"}, {Name: "nick", From: "nick", Omit: true}, {Name: "tags", From: "tags"}, {Name: "deep.er.st", From: "deep"}},
	}
	s, err := d.(*Destination).session(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return s, m.SyncTypes[0].Write[0].Steps[0].Body
}

func boundRow(id, name string, nick value.Value, tags, deep string) connector.Row {
	return connector.Row{
		Key: id, Match: []value.Value{value.OfText(id)},
		Values: []value.Value{value.OfText(name), nick, value.OfText(tags), value.OfText(deep)},
	}
}

// What is the same for all rows of a run is decided once: neither the rule nor the condition is left.
func TestDecidedOnce(t *testing.T) {
	t.Parallel()
	s, body := boundSession(t, `{a: {$if: settings.loud, $then: "{{ row.fields.none }}"}, b: "{{ row.fields.name }}"}`)
	o := s.bodies[body].root.(*object)
	if _, found := o.entries[1].value.(*cell); o.entries[0].value != nil || !found {
		t.Errorf("the body became %#v", o)
	}
}
