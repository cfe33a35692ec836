package bigquerytest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	rest "google.golang.org/api/bigquery/v2"
)

// insertExtract starts a job that writes a kept result into a bucket:
// https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationExtract
func (s *Server) insertExtract(w http.ResponseWriter, asked rest.Job) error {
	x := asked.Configuration.Extract
	if x.DestinationFormat != "PARQUET" || len(x.DestinationUris) != 1 || !strings.HasSuffix(x.DestinationUris[0], "*.parquet") {
		return failure(http.StatusBadRequest, "invalid", "the stand-in extracts Parquet by one pattern only")
	}
	j, err := s.start(asked.JobReference, asked.Configuration, func(ctx context.Context, j *job) error { return s.extract(ctx, j.config.Extract) })
	if err != nil {
		return err
	}
	return answer(w, j.describe())
}

func (s *Server) extract(ctx context.Context, x *rest.JobConfigurationExtract) error {
	bucket, pattern, _ := strings.Cut(strings.TrimPrefix(x.DestinationUris[0], "gs://"), "/")
	if s.options.Put == nil {
		return failure(http.StatusForbidden, "accessDenied", "Access Denied: BigQuery BigQuery: Permission denied while writing data. Object '%s/%s'", bucket, pattern)
	}
	t := x.SourceTable
	from := s.keptJob("projects/" + t.ProjectId + "/datasets/" + t.DatasetId + "/tables/" + t.TableId)
	if from == nil || from.table == "" {
		return failure(http.StatusNotFound, "notFound", "Not found: Table %s:%s.%s", t.ProjectId, t.DatasetId, t.TableId)
	}
	columns := make([]string, len(from.fields))
	for i, f := range from.fields {
		columns[i] = quote(f.Name)
		if f.Type == "TIMESTAMP" && f.Mode != "REPEATED" { // isAdjustedToUTC = false
			columns[i] = fmt.Sprintf("CAST(timezone('UTC', %s) AS TIMESTAMP) AS %s", quote(f.Name), quote(f.Name))
		}
	}
	for n := range int64(2) { // as if it were much: in two files
		path := filepath.Join(s.dir, fmt.Sprintf("%s-%d.parquet", from.table, n))
		err := s.execute(ctx, fmt.Sprintf("COPY (SELECT %s FROM results.main.%s WHERE rowid %% 2 = %d) TO '%s' (FORMAT parquet)", strings.Join(columns, ", "), from.table, n, path))
		if err != nil {
			return err
		}
		if err := s.options.Put(bucket, strings.Replace(pattern, "*", fmt.Sprintf("%012d", n), 1), path); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}
