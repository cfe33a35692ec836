package demo

import "path/filepath"

func document(kind, slug, name string, spec map[string]any) map[string]any {
	return map[string]any{
		"kind": kind, "spec": spec,
		"metadata": map[string]any{"slug": slug, "name": name, "folder": "Demo", "labels": map[string]string{"demo": "true"}},
	}
}

func sampleSource() map[string]any {
	return document("source", "demo-sample", "B2C eCommerce sample", map[string]any{"type": "sample-b2c", "configuration": map[string]any{}})
}

// documents are what the demo configures, as `millrace apply` would take them.
func (d *demo) documents() []map[string]any {
	columns := []map[string]any{}
	for _, name := range []string{"customer_id", "first_name", "last_name", "email", "city", "ltv", "vip"} {
		columns = append(columns, map[string]any{"name": name, "type": "string"})
	}
	mappings := []map[string]any{
		{"to": "id", "from": "customer_id", "kind": "column"},
		{"to": "email", "from": "email", "kind": "column"},
		{"to": "name", "kind": "template", "template": "{{ row['first_name'] }} {{ row['last_name'] }}"},
		{"to": "city", "from": "city", "kind": "column"},
		{"to": "lifetime_value", "from": "ltv", "kind": "column"},
	}
	return []map[string]any{
		document("source", "demo-shop", "Demo shop", map[string]any{
			"type": "file", "configuration": map[string]any{"path": filepath.Join(d.Dir, "shop")},
		}),
		document("model", modelSlug, "VIP customers", map[string]any{
			"source": "demo-shop", "method": "sql", "primaryKey": "customer_id", "columns": columns,
			"sql": "SELECT customer_id, first_name, last_name, email, city, ltv, vip FROM customers WHERE vip <> 'Normal'",
		}),
		document("destination", "demo-api", "Demo CRM", map[string]any{
			"type": "http-request", "configuration": map[string]any{"baseUrl": d.receiver.url},
		}),
		document("destination", "demo-files", "Demo files", map[string]any{
			"type": "local", "configuration": map[string]any{"path": d.drop},
		}),
		document("sync", apiSync, "VIPs to the CRM", d.apiSpec(mappings)),
		document("sync", folderSync, "VIPs to files", d.folderSpec(mappings)),
	}
}

// folderSpec writes what changed to files, one for each operation and run.
func (d *demo) folderSpec(mappings []map[string]any) map[string]any {
	return map[string]any{
		"model": modelSlug, "destination": "demo-files", "type": "file", "mode": "diff", "mappings": mappings,
		"settings": map[string]any{"format": "ndjson", "filename": "{X}{ms}-{operation}.ndjson", "skipEmptyFiles": true},
		"schedule": map[string]any{"type": "manual"},
	}
}

// apiSpec sends what changed to the receiver, one request for each row.
func (d *demo) apiSpec(mappings []map[string]any) map[string]any {
	put := map[string]any{"enabled": true, "method": "PUT", "url": "/contacts/{{ row.customer_id }}", "body": "mapped"}
	return map[string]any{
		"model": modelSlug, "destination": "demo-api", "mode": "trigger", "mappings": mappings,
		"settings": map[string]any{
			"added": put, "changed": put,
			"removed": map[string]any{"enabled": true, "method": "DELETE", "url": "/contacts/{{ row.customer_id }}", "body": "none"},
		},
		"schedule": map[string]any{"type": "manual"},
	}
}
