package bigquerytest

import (
	"net/http"
	"slices"
)

// IcebergTable is a table of the catalogue: what the schema of its metadata says.
type IcebergTable struct {
	Namespace, Name string
	Fields          []map[string]any // as in https://iceberg.apache.org/spec/#schemas
}

// The Iceberg REST catalogue, as BigLake serves it: https://cloud.google.com/biglake/docs/use-iceberg-rest-catalog
func (s *Server) icebergConfig(w http.ResponseWriter, r *http.Request) error {
	if err := s.icebergAllowed(r); err != nil {
		return err
	}
	if r.URL.Query().Get("warehouse") != "gs://"+Bucket {
		return icebergFailure(http.StatusNotFound, "NoSuchCatalogException", "Catalog "+r.URL.Query().Get("warehouse")+" does not exist.")
	}
	return answer(w, map[string]any{
		"overrides": map[string]string{"prefix": "projects/123/catalogs/" + Bucket}, "defaults": map[string]string{},
		"endpoints": []string{"GET /v1/{prefix}/namespaces", "GET /v1/{prefix}/namespaces/{namespace}/tables"},
	})
}

func (s *Server) icebergAllowed(r *http.Request) error {
	if r.Header.Get("x-goog-user-project") != Project {
		return icebergFailure(http.StatusForbidden, "PERMISSION_DENIED", "Caller does not have required permission to use project "+r.Header.Get("x-goog-user-project")+". Grant the caller the roles/serviceusage.serviceUsageConsumer role")
	}
	if s.options.Denied["biglake.tables.list"] {
		return icebergFailure(http.StatusForbidden, "PERMISSION_DENIED", "Permission 'biglake.tables.list' denied on resource (or it may not exist).")
	}
	return nil
}

func icebergFailure(code int, typ, message string) error {
	e := failure(code, typ, "%s", message)
	e.Errors = e.Errors[:0]
	return e
}

func (s *Server) icebergNamespaces(w http.ResponseWriter, r *http.Request) error {
	var names [][]string
	for _, t := range s.options.Tables {
		if n := []string{t.Namespace}; !slices.ContainsFunc(names, func(o []string) bool { return o[0] == t.Namespace }) {
			names = append(names, n)
		}
	}
	part, next := page(r, names)
	return answer(w, withToken(map[string]any{"namespaces": part}, next))
}

func withToken(m map[string]any, next string) map[string]any {
	if next != "" {
		m["next-page-token"] = next
	}
	return m
}

func (s *Server) icebergTables(w http.ResponseWriter, r *http.Request) error {
	if err := s.icebergAllowed(r); err != nil {
		return err
	}
	var found []map[string]any
	for _, t := range s.options.Tables {
		if t.Namespace == r.PathValue("namespace") {
			found = append(found, map[string]any{"namespace": []string{t.Namespace}, "name": t.Name})
		}
	}
	part, next := page(r, found)
	return answer(w, withToken(map[string]any{"identifiers": part}, next))
}

func (s *Server) icebergTable(w http.ResponseWriter, r *http.Request) error {
	for _, t := range s.options.Tables {
		if t.Namespace == r.PathValue("namespace") && t.Name == r.PathValue("table") {
			return answer(w, map[string]any{"metadata-location": "gs://" + Bucket + "/m.json", "metadata": map[string]any{
				"format-version": 2, "current-schema-id": 1,
				"schemas": []map[string]any{{"schema-id": 0, "type": "struct", "fields": []any{}}, {"schema-id": 1, "type": "struct", "fields": t.Fields}},
			}})
		}
	}
	return icebergFailure(http.StatusNotFound, "NoSuchTableException", "Table does not exist.")
}
