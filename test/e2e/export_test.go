package e2e

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

type object = map[string]any

// webDocuments are documents as the web app sends them: with empty descriptions, null folders, and whatever people
// type into its forms.
func webDocuments(dir string) []object {
	doc := func(kind, slug string, metadata, spec object) object {
		metadata["slug"] = slug
		if spec["description"] == nil {
			spec["description"] = ""
		}
		return object{"kind": kind, "metadata": metadata, "spec": spec}
	}
	plain := func(name string) object { return object{"name": name, "labels": object{}, "folder": nil} }
	odd := "a: b # no comment, ${HOME} $${HOME} 'single' \"double\" \\n \t tab\n\n  two lines\n"
	columns := []object{
		{"name": "id", "type": "number", "native": "BIGINT", "description": "Given at sign-up"},
		{"name": "Total, gross", "type": "number", "native": "DECIMAL(18,3)", "cast": "string", "override": "yes"},
	}
	mappings := []object{
		{"to": "id", "kind": "column", "from": "id", "omitNull": true},
		{"to": "text", "kind": "static", "value": odd}, {"to": "number as text", "kind": "static", "value": "007"},
		{"to": "yes", "kind": "static", "value": "yes"}, {"to": "null", "kind": "static", "value": nil}, {"to": "truth", "kind": "static", "value": true},
		{"to": "price", "kind": "static", "value": 0.1}, {"to": "when", "kind": "variable", "variable": "current-timestamp"},
		{"to": "t", "kind": "template", "template": "{% if row.id > 1 %}\n{{ row['Total, gross'] | plus: 1 }}\n{% endif %}"},
		{"to": "o", "kind": "object", "fields": []object{{"to": "inner", "kind": "column", "from": "id"}}},
	}
	file := object{"model": "orders", "destination": "files", "type": "file", "mode": "diff", "disabled": false, "match": []object{}, "mappings": mappings,
		"settings": object{"format": "csv", "filename": "{YYYY}/{X}-{operation}.csv"}, "schedule": object{"type": "cron", "cron": "0 6 * * 1-5"}}
	request := object{"model": "people", "destination": "api", "type": "request", "mode": "trigger", "disabled": true, "allColumns": true, "mappings": []object{}, "inDoubt": "resend",
		"settings": object{"added": object{"enabled": true, "method": "POST", "url": "/people/{{ row.customer_id }}", "body": "json", "json": "{\"email\": \"{{ row.email }}\", \"note\": \"${NOTE}\"}"}},
		"schedule": object{"type": "custom", "zone": "Europe/Berlin", "recurrences": []object{{"days": []string{"monday", "friday"}, "time": "08:30"}}}}
	table := object{"model": "people", "destination": "crm", "type": "table", "mode": "upsert", "delete": "delete", "disabled": false,
		"match": []object{{"from": "customer_id", "to": "id"}}, "mappings": []object{{"to": "email", "kind": "column", "from": "email"}},
		"settings": object{"schema": "public", "table": "people"}, "schedule": object{"type": "interval", "interval": object{"unit": "hour", "quantity": 6}, "start": "2026-01-01T00:00:00Z"}}
	return []object{
		doc("source", "shop", plain("Shop"), object{"type": "file", "configuration": object{"path": dir}, "engine": "basic"}),
		doc("source", "sample", plain("B2C eCommerce"), object{"type": "sample-b2c", "configuration": object{}}),
		doc("source", "warehouse", object{"name": "Warehouse: 'main'", "labels": object{"team": "data", "on": "yes"}, "folder": "Core/EU"},
			object{"type": "postgresql", "configuration": object{"host": "db.example.com", "port": 5432, "database": "shop", "user": "millrace", "password": "hunter2 ${x}"}, "description": odd}),
		doc("model", "orders", plain("Orders"), object{"source": "shop", "method": "sql", "sql": "SELECT id, total AS \"Total, gross\" -- ${HOME}\nFROM orders\n\nWHERE note <> '$${x}'", "primaryKey": "id", "columns": columns}),
		doc("model", "people", plain("People"), object{"source": "sample", "method": "table", "table": object{"schema": "public", "name": "customers"}, "primaryKey": "customer_id"}),
		doc("destination", "files", plain("Files"), object{"type": "local", "configuration": object{"path": "out"}}),
		doc("destination", "api", plain("API"), object{"type": "http-request", "configuration": object{"baseUrl": "https://api.example.com", "headers": []object{
			{"name": "Authorization", "value": "Bearer s3same", "secret": true}, {"name": "X-Team", "value": "${TEAM}"},
		}}}),
		doc("destination", "crm", plain("CRM"), object{"type": "postgres", "configuration": object{"host": "crm.example.com", "port": 5432, "database": "crm", "user": "sync", "password": "pa:ss # word", "sslMode": "prefer"}}),
		doc("sync", "orders-to-files", plain("Orders to files"), file),
		doc("sync", "people-to-api", object{"name": "People to API", "labels": object{"tier": "1"}, "folder": "Marketing"}, request),
		doc("sync", "people-to-crm", plain("People to CRM"), table),
	}
}

// Everything that is made in the web app is exported and read back without a difference, also on another server, where
// what is missing is named with the line of the file.
//
// Req: FLD-30
func TestExport(t *testing.T) { //nolint:tparallel // its part changes the file that the rest reads
	t.Parallel()
	data := t.TempDir()
	write(t, filepath.Join(data, "orders.csv"), "id,total,note\n1,10,x\n")
	p := start(t, "MILLRACE_HOME="+t.TempDir())
	for _, d := range webDocuments(data) {
		kind, _ := d["kind"].(string)
		delete(d, "kind")
		p.must(http.MethodPost, "/api/"+kind+"s", d, nil)
	}
	var all strings.Builder
	for _, kind := range []string{"sources", "models", "destinations", "syncs"} {
		got := run(t, p, "", "get", kind, "-o", "yaml")
		got.expect(t, 0, "kind: "+strings.TrimSuffix(kind, "s"))
		unchanged(t, p, got.out)
		all.WriteString(got.out + "---\n")
	}
	unchanged(t, p, all.String())
	exported := run(t, p, "", "get", "all")
	unchanged(t, p, exported.out)
	if strings.Contains(exported.out, "hunter2") || strings.Contains(exported.out, "s3same") || strings.Contains(exported.out, "pa:ss") {
		t.Errorf("a secret was exported:\n%s", exported.out)
	}

	other := start(t, "MILLRACE_HOME="+t.TempDir())
	folder := t.TempDir()
	path := filepath.Join(folder, "workspace.yaml")
	write(t, path, exported.out)
	run(t, other, "", "apply", "-f", folder).expect(t, 2, path+":", "spec.configuration.password", "send the secret itself", "${NAME}")

	secrets := regexp.MustCompile(`(password|value):\n\s+\$secret: set`).ReplaceAllString(exported.out, `$1: $${MILLRACE_API_KEY}`)
	t.Run("a missing reference", func(t *testing.T) {
		at := strings.Index(secrets, "kind: model\nmetadata:\n  slug: people\n")
		end := at + strings.Index(secrets[at:], "---\n") + len("---\n")
		if at < 0 || end < at {
			t.Fatalf("there is no model people:\n%s", secrets)
		}
		without := secrets[:at] + secrets[end:]
		write(t, path, without)
		before, _, _ := strings.Cut(without, "  model: people\n")
		line := 1 + strings.Count(before, "\n")
		run(t, other, "", "apply", "-f", folder).expect(t, 2, `there is no model "people"`, path+":"+strconv.Itoa(line)+", sync people-to-api: spec.model")
	})
	write(t, path, secrets)
	run(t, other, "", "apply", "-f", folder).expect(t, 0, "source/warehouse created", "sync/people-to-crm created")
	run(t, other, "", "apply", "-f", folder).expect(t, 0, "sync/people-to-crm unchanged")
	if back := run(t, other, "", "get", "all").out; back != exported.out {
		t.Errorf("another server exports something else:\n%s\nwant\n%s", back, exported.out)
	}
}

// unchanged checks that documents differ in nothing from what a server has.
func unchanged(t *testing.T, p *process, documents string) {
	t.Helper()
	for _, verb := range []string{"diff", "apply"} {
		r := run(t, p, documents, verb, "-f", "-")
		r.expect(t, 0)
		for line := range strings.Lines(r.out) {
			if !strings.HasSuffix(line, " unchanged\n") {
				t.Errorf("%s: %s\n%s", verb, line, documents)
			}
		}
	}
}
