package bigquerytest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	rest "google.golang.org/api/bigquery/v2"
)

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// page cuts a list: clients must follow the tokens.
func page[T any](r *http.Request, all []T) (part []T, next string) {
	const most = 3
	from, _ := strconv.Atoi(r.URL.Query().Get("pageToken")) //nolint:errcheck // none is the first
	part = all[min(from, len(all)):]
	if len(part) > most {
		return part[:most], strconv.Itoa(from + most)
	}
	return part, ""
}

func (s *Server) locationOf(dataset string) string {
	if other := s.options.Elsewhere[dataset]; other != "" {
		return other
	}
	return Location
}

func (s *Server) listDatasets(w http.ResponseWriter, r *http.Request) error {
	project := r.PathValue("project")
	if project != Project {
		return failure(http.StatusNotFound, "notFound", "Not found: Project %s", project)
	}
	names, err := s.texts(r.Context(), "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal AND schema_name <> 'main' ORDER BY 1")
	if err != nil {
		return err
	}
	part, next := page(r, names)
	list := rest.DatasetList{NextPageToken: next}
	for _, name := range part {
		list.Datasets = append(list.Datasets, &rest.DatasetListDatasets{DatasetReference: &rest.DatasetReference{ProjectId: project, DatasetId: name[0]}, Location: s.locationOf(name[0])})
	}
	return answer(w, list)
}

func (s *Server) hasDataset(ctx context.Context, name string) (bool, error) {
	found, err := s.texts(ctx, "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND schema_name = "+literal(name))
	return len(found) > 0, err
}

func (s *Server) getDataset(w http.ResponseWriter, r *http.Request) error {
	project, name := r.PathValue("project"), r.PathValue("dataset")
	there, err := s.hasDataset(r.Context(), name)
	if err != nil {
		return err
	}
	if !there || project != Project {
		return failure(http.StatusNotFound, "notFound", "Not found: Dataset %s:%s", project, name)
	}
	return answer(w, rest.Dataset{DatasetReference: &rest.DatasetReference{ProjectId: project, DatasetId: name}, Location: s.locationOf(name)})
}

func (s *Server) makeDataset(w http.ResponseWriter, r *http.Request) error {
	var d rest.Dataset
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		return failure(http.StatusBadRequest, "invalid", "%v", err)
	}
	if err := s.denied("bigquery.datasets.create", "Project", Project); err != nil {
		return err
	}
	name := d.DatasetReference.DatasetId
	if there, err := s.hasDataset(r.Context(), name); err != nil || there {
		return failure(http.StatusConflict, "duplicate", "Already Exists: Dataset %s:%s", Project, name)
	}
	if err := s.execute(r.Context(), "CREATE SCHEMA IF NOT EXISTS "+quote(name)); err != nil {
		return err
	}
	return answer(w, d)
}

// tablesSQL lists tables and views of a schema: name, kind, rows.
const tablesSQL = `SELECT table_name, 'TABLE', coalesce(estimated_size, 0)::VARCHAR FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = $
UNION ALL SELECT view_name, 'VIEW', '0' FROM duckdb_views() WHERE database_name = current_database() AND schema_name = $ ORDER BY 1`

func (s *Server) listTables(w http.ResponseWriter, r *http.Request) error {
	dataset := r.PathValue("dataset")
	if err := s.denied("bigquery.tables.list", "Dataset", Project+":"+dataset); err != nil {
		return err
	}
	if there, err := s.hasDataset(r.Context(), dataset); err != nil || !there || r.PathValue("project") != Project {
		return failure(http.StatusNotFound, "notFound", "Not found: Dataset %s:%s", r.PathValue("project"), dataset)
	}
	found, err := s.texts(r.Context(), strings.ReplaceAll(tablesSQL, "$", literal(dataset)))
	if err != nil {
		return err
	}
	part, next := page(r, found)
	list := rest.TableList{NextPageToken: next}
	for _, t := range part {
		list.Tables = append(list.Tables, &rest.TableListTables{TableReference: &rest.TableReference{ProjectId: Project, DatasetId: dataset, TableId: t[0]}, Type: t[1]})
	}
	return answer(w, list)
}

func (s *Server) getTable(w http.ResponseWriter, r *http.Request) error {
	dataset, name := r.PathValue("dataset"), r.PathValue("table")
	object := Project + ":" + dataset + "." + name
	if err := s.denied("bigquery.tables.get", "Table", object); err != nil {
		return err
	}
	found, err := s.texts(r.Context(), strings.ReplaceAll(tablesSQL, "$", literal(dataset)))
	if err != nil {
		return err
	}
	for _, t := range found {
		if t[0] != name || r.PathValue("project") != Project {
			continue
		}
		table := rest.Table{TableReference: &rest.TableReference{ProjectId: Project, DatasetId: dataset, TableId: name}, Type: t[1], Location: s.locationOf(dataset)}
		if table.NumRows, err = strconv.ParseUint(t[2], 10, 64); err != nil {
			return err
		}
		fields, err := s.columns(r.Context(), dataset, name)
		if err != nil {
			return err
		}
		table.Schema = &rest.TableSchema{Fields: fields}
		return answer(w, table)
	}
	return failure(http.StatusNotFound, "notFound", "Not found: Table %s", object)
}

// columns are those of a table, with their comments.
func (s *Server) columns(ctx context.Context, dataset, table string) ([]*rest.TableFieldSchema, error) {
	found, err := s.texts(ctx, "SELECT column_name, data_type, is_nullable::VARCHAR FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = "+
		literal(dataset)+" AND table_name = "+literal(table)+" ORDER BY column_index")
	if err != nil {
		return nil, err
	}
	fields := make([]*rest.TableFieldSchema, len(found))
	for i, c := range found {
		if fields[i], err = fieldOf(c[0], c[1]); err != nil {
			return nil, err
		}
		if c[2] == "false" && fields[i].Mode == "NULLABLE" {
			fields[i].Mode = "REQUIRED"
		}
		s.describe(fields[i], dataset+"."+table)
	}
	return fields, nil
}

func (s *Server) describe(f *rest.TableFieldSchema, path string) {
	path += "." + f.Name
	f.Description = s.options.Descriptions[path]
	for _, inner := range f.Fields {
		s.describe(inner, path)
	}
}
