package bigquerytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	rest "google.golang.org/api/bigquery/v2"
)

// job is a job that was started.
type job struct {
	ref    *rest.JobReference
	config *rest.JobConfiguration
	cancel context.CancelFunc
	done   chan struct{}

	// Set before done is closed.
	err       error
	fields    []*rest.TableFieldSchema // of the result
	table     string                   // of results that DuckDB keeps
	cells     [][]any                  // of results that it does not
	rows      int64
	written   int64
	statement string
}

func (j *job) ended() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

func (s *Server) insertJob(w http.ResponseWriter, r *http.Request) error {
	var asked rest.Job
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return failure(http.StatusBadRequest, "invalid", "%v", err)
	}
	if err := s.denied("bigquery.jobs.create", "Project", r.PathValue("project")); err != nil {
		return err
	}
	config := asked.Configuration
	if config != nil && config.Extract != nil {
		return s.insertExtract(w, asked)
	}
	if config == nil || config.Query == nil || config.Query.UseLegacySql == nil || *config.Query.UseLegacySql {
		return failure(http.StatusBadRequest, "invalid", "the stand-in runs GoogleSQL only")
	}
	for key, label := range config.Labels {
		if !validLabel(key) || !validLabel(label) {
			return failure(http.StatusBadRequest, "invalid", "Label %q has invalid characters.", label)
		}
	}
	if config.DryRun {
		return s.dryRun(w, r, asked)
	}
	j, err := s.start(asked.JobReference, config, func(ctx context.Context, j *job) error { return s.runQuery(ctx, j) })
	if err != nil {
		return err
	}
	return answer(w, j.describe())
}

// validLabel: https://cloud.google.com/bigquery/docs/labels-intro#requirements
func validLabel(text string) bool {
	return len(text) <= 63 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// start runs a job in the background.
func (s *Server) start(ref *rest.JobReference, config *rest.JobConfiguration, run func(context.Context, *job) error) (*job, error) {
	ctx, cancel := context.WithCancel(context.Background())
	j := &job{ref: ref, config: config, cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[ref.JobId] != nil {
		cancel()
		return nil, failure(http.StatusConflict, "duplicate", "Already Exists: Job %s:%s.%s", ref.ProjectId, ref.Location, ref.JobId)
	}
	s.jobs[ref.JobId] = j
	s.done.Go(func() {
		defer close(j.done)
		j.err = run(ctx, j)
		if j.err != nil && ctx.Err() != nil {
			j.err = failure(http.StatusBadRequest, "stopped", "Job execution was cancelled: User requested cancellation")
		}
	})
	return j, nil
}

// place says what a job can see: names without a project are of its own, and data lies in a location.
func (s *Server) place(ref *rest.JobReference, sql string) error {
	for _, d := range datasetsIn(sql) {
		project := ref.ProjectId
		if d.project != "" {
			project = d.project
		}
		if project != Project || !strings.EqualFold(ref.Location, s.locationOf(d.name)) {
			return failure(http.StatusNotFound, "notFound", "Not found: Dataset %s:%s was not found in location %s", project, d.name, ref.Location)
		}
		if err := s.denied("bigquery.tables.getData", "Table", project+":"+d.name+"."+d.table); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) dryRun(w http.ResponseWriter, r *http.Request, asked rest.Job) error {
	sql := asked.Configuration.Query.Query
	stats := &rest.JobStatistics2{StatementType: statementType(sql)}
	if err := s.place(asked.JobReference, sql); err != nil {
		return err
	}
	if stats.StatementType == "SELECT" {
		fields, err := s.fields(r.Context(), sql)
		if err != nil {
			return explain(err, sql)
		}
		stats.Schema = &rest.TableSchema{Fields: fields}
	}
	done := &rest.Job{Configuration: asked.Configuration, JobReference: asked.JobReference, Status: &rest.JobStatus{State: "DONE"}, Statistics: &rest.JobStatistics{Query: stats}}
	return answer(w, done)
}

// fields are the columns of a result.
func (s *Server) fields(ctx context.Context, sql string) ([]*rest.TableFieldSchema, error) {
	if known, ok := s.options.Results[sql]; ok {
		return known.Fields, nil
	}
	found, err := s.duckFields(ctx, sql)
	if err != nil {
		return nil, err
	}
	fields := make([]*rest.TableFieldSchema, len(found))
	seen := map[string]bool{}
	for i, f := range found {
		if name := strings.ToLower(f.Name); seen[name] {
			return nil, failure(http.StatusBadRequest, "invalidQuery", "Duplicate column names in the result are not supported when a destination table is present. Found duplicate(s): %s", f.Name)
		}
		seen[strings.ToLower(f.Name)] = true
		fields[i] = unparameterized(f)
	}
	return fields, nil
}

// duckFields are the columns with the digits that DuckDB gives decimals.
func (s *Server) duckFields(ctx context.Context, sql string) ([]*rest.TableFieldSchema, error) {
	names, types, err := s.engine.Columns(ctx, sql)
	if err != nil {
		return nil, err
	}
	fields := make([]*rest.TableFieldSchema, len(names))
	for i, name := range names {
		if fields[i], err = fieldOf(name, types[i]); err != nil {
			return nil, failure(http.StatusBadRequest, "invalidQuery", "%v", err)
		}
	}
	return fields, nil
}

func (s *Server) runQuery(ctx context.Context, j *job) error {
	sql := j.config.Query.Query
	j.statement = statementType(sql)
	if err := s.place(j.ref, sql); err != nil {
		return err
	}
	switch j.statement {
	case "SELECT":
		return explain(s.selectRows(ctx, j, sql), sql)
	case "SCRIPT":
		return explain(s.script(ctx, j, sql), sql)
	default:
		n, err := s.engine.Execute(ctx, sql)
		if changesRows(j.statement) {
			j.written = n
		}
		return explain(err, sql)
	}
}

func changesRows(statement string) bool {
	return statement == "INSERT" || statement == "UPDATE" || statement == "DELETE"
}

// selectRows keeps the rows of a query in a table of its own, as BigQuery does.
func (s *Server) selectRows(ctx context.Context, j *job, sql string) error {
	if known, ok := s.options.Results[sql]; ok {
		j.fields, j.cells, j.rows = known.Fields, known.Cells, int64(len(known.Cells))
		return nil
	}
	fields, err := s.duckFields(ctx, sql)
	if err != nil {
		return err
	}
	if _, err := s.fields(ctx, sql); err != nil {
		return err
	}
	text, err := rewrite(sql)
	if err != nil {
		return err
	}
	columns := make([]string, len(fields))
	var lists []string
	for i, f := range fields {
		name := quote(f.Name)
		columns[i] = fmt.Sprintf("CAST(%s AS %s) AS %s", name, castTo(f), name)
		if f.Mode == "REPEATED" {
			lists = append(lists, fmt.Sprintf("count(*) FILTER (list_count(%s) <> len(%s))", name, name))
		}
	}
	s.mu.Lock()
	s.sessions++
	table := fmt.Sprintf("anon%d", s.sessions)
	s.mu.Unlock()
	if err := s.execute(ctx, "CREATE TABLE results.main."+table+" AS SELECT "+strings.Join(columns, ", ")+" FROM ("+text+"\n)"); err != nil {
		return err
	}
	counts, err := s.texts(ctx, "SELECT count(*)::VARCHAR"+prefixed(lists)+" FROM results.main."+table)
	if err != nil {
		return err
	}
	for i, n := range counts[0][1:] {
		if n != "0" {
			return failure(http.StatusBadRequest, "invalidQuery", "Array cannot have a null element; error in writing field %s", strings.TrimSuffix(strings.SplitN(lists[i], `"`, 3)[1], `"`))
		}
	}
	j.rows, err = strconv.ParseInt(counts[0][0], 10, 64)
	j.fields, j.table = fields, table
	return err
}

func prefixed(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return ", " + strings.Join(all, ", ")
}

// script runs a transaction of changes, which may tell how many rows the last one changed.
func (s *Server) script(ctx context.Context, j *job, sql string) error {
	statements := statements(sql)
	if len(statements) < 3 || statements[0] != "BEGIN TRANSACTION" || statements[len(statements)-1] != "COMMIT TRANSACTION" {
		return failure(http.StatusBadRequest, "invalidQuery", "the stand-in runs scripts of one transaction only")
	}
	var changes []string
	name := ""
	for _, statement := range statements[1 : len(statements)-1] {
		if rest, ok := strings.CutPrefix(statement, "SELECT @@row_count AS "); ok {
			name = rest
			continue
		}
		if !changesRows(statementType(statement)) {
			return failure(http.StatusBadRequest, "invalidQuery", "Transaction control statements are supported only with DML and queries on permanent tables")
		}
		text, err := rewrite(statement)
		if err != nil {
			return err
		}
		changes = append(changes, raw+text)
	}
	n, err := s.engine.Transaction(ctx, changes...)
	if err == nil && name != "" {
		j.fields = []*rest.TableFieldSchema{{Name: name, Type: "INTEGER", Mode: "NULLABLE"}}
		j.cells, j.rows = [][]any{{strconv.FormatInt(n, 10)}}, 1
	}
	return err
}

func (s *Server) find(r *http.Request) (*job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[r.PathValue("job")]
	if j == nil || r.URL.Query().Get("location") != "" && !strings.EqualFold(r.URL.Query().Get("location"), j.ref.Location) {
		return nil, failure(http.StatusNotFound, "notFound", "Not found: Job %s:%s", r.PathValue("project"), r.PathValue("job"))
	}
	return j, nil
}

func (j *job) describe() *rest.Job {
	d := &rest.Job{JobReference: j.ref, Configuration: j.config, Status: &rest.JobStatus{State: "RUNNING"}}
	if !j.ended() {
		return d
	}
	d.Status.State = "DONE"
	if j.err != nil {
		e := asAPIError(j.err)
		d.Status.ErrorResult = &rest.ErrorProto{Reason: e.reason(), Message: e.Message}
		d.Status.Errors = []*rest.ErrorProto{d.Status.ErrorResult}
	}
	if j.table != "" {
		config := *j.config
		query := *j.config.Query
		query.DestinationTable = &rest.TableReference{ProjectId: j.ref.ProjectId, DatasetId: "_results", TableId: j.table}
		config.Query = &query
		d.Configuration = &config
	} else if j.fields != nil {
		config := *j.config
		query := *j.config.Query
		query.DestinationTable = &rest.TableReference{ProjectId: j.ref.ProjectId, DatasetId: "_known", TableId: j.ref.JobId}
		config.Query = &query
		d.Configuration = &config
	}
	return d
}

func asAPIError(err error) *apiError {
	if known, ok := errors.AsType[*apiError](err); ok {
		return known
	}
	return failure(http.StatusInternalServerError, "internalError", "%v", err)
}

func (s *Server) getJob(w http.ResponseWriter, r *http.Request) error {
	j, err := s.find(r)
	if err != nil {
		return err
	}
	return answer(w, j.describe())
}

func (s *Server) cancelJob(w http.ResponseWriter, r *http.Request) error {
	j, err := s.find(r)
	if err != nil {
		return err
	}
	j.cancel()
	return answer(w, rest.JobCancelResponse{Job: j.describe()})
}

// pageBytes is how large a page of rows gets: https://cloud.google.com/bigquery/docs/paging-results
const pageBytes = 10 << 20

func (s *Server) getResults(w http.ResponseWriter, r *http.Request) error {
	j, err := s.find(r)
	if err != nil {
		return err
	}
	ask := r.URL.Query()
	wait, err := strconv.ParseInt(ask.Get("timeoutMs"), 10, 64)
	if err != nil {
		return failure(http.StatusBadRequest, "invalid", "timeoutMs: %v", err)
	}
	if ask.Get("formatOptions.useInt64Timestamp") != "true" {
		return failure(http.StatusBadRequest, "invalid", "the stand-in writes instants as integers only")
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(wait)*time.Millisecond)
	defer cancel()
	select {
	case <-ctx.Done():
		return answer(w, rest.GetQueryResultsResponse{JobReference: j.ref})
	case <-j.done:
	}
	if j.err != nil {
		return j.err
	}
	page := rest.GetQueryResultsResponse{JobReference: j.ref, JobComplete: true, TotalRows: uint64(j.rows), NumDmlAffectedRows: j.written}
	if j.fields == nil {
		return answer(w, page)
	}
	page.Schema = &rest.TableSchema{}
	for _, f := range j.fields {
		page.Schema.Fields = append(page.Schema.Fields, unparameterized(f))
	}
	from, _ := strconv.ParseInt(ask.Get("pageToken"), 10, 64) //nolint:errcheck // none is the first
	most, err := strconv.ParseInt(ask.Get("maxResults"), 10, 64)
	if err != nil {
		return failure(http.StatusBadRequest, "invalid", "maxResults: %v", err)
	}
	if page.Rows, err = s.rows(r.Context(), j, from, most); err != nil {
		return err
	}
	if end := from + int64(len(page.Rows)); end < j.rows {
		page.PageToken = strconv.FormatInt(end, 10)
	}
	return answer(w, page)
}

// rows are a page of a result.
func (s *Server) rows(ctx context.Context, j *job, from, most int64) ([]*rest.TableRow, error) {
	var rows []*rest.TableRow
	if j.table == "" {
		for _, cells := range j.cells[from:min(from+most, j.rows)] {
			row := &rest.TableRow{}
			for _, c := range cells {
				row.F = append(row.F, &rest.TableCell{V: c})
			}
			rows = append(rows, row)
		}
		return rows, nil
	}
	size := 0
	err := s.read(ctx, j.table, from, from+most, func(b arrow.RecordBatch) (bool, error) {
		for i := range int(b.NumRows()) {
			row := &rest.TableRow{}
			for c, f := range j.fields {
				v, err := cell(f, b.Column(c), i)
				if err != nil {
					return false, err
				}
				if text, ok := v.(string); ok {
					size += len(text)
				}
				row.F = append(row.F, &rest.TableCell{V: v})
			}
			rows = append(rows, row)
			if size > pageBytes {
				return false, nil
			}
		}
		return true, nil
	})
	return rows, err
}

// read hands out the kept rows from one to before another, until each says that it has enough.
func (s *Server) read(ctx context.Context, table string, from, to int64, each func(arrow.RecordBatch) (bool, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := s.engine.Query(ctx, fmt.Sprintf("%sSELECT * FROM results.main.%s WHERE rowid >= %d AND rowid < %d", raw, table, from, to))
	if err != nil {
		return err
	}
	defer r.Release()
	for r.Next() {
		if more, err := each(r.RecordBatch()); err != nil || !more {
			return err
		}
	}
	return r.Err()
}
