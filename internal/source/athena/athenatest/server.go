// Package athenatest is a stand-in for Amazon Athena and for S3 behind it: their APIs, on DuckDB.
package athenatest

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/source/trino/trinotest"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
	"github.com/millrace/millrace/internal/source/warehousetest"
	"github.com/millrace/millrace/internal/value"
)

// AccessKeyID is who may come in.
const AccessKeyID = "AKIASTANDIN"

// Options are what a stand-in is like.
type Options struct {
	Setup []string // DuckDB's statements that run first
	Deny  []string // tables that nobody may read
	// Put stores a file that UNLOAD writes; nil means that the caller may write nowhere.
	Put func(bucket, name, path string) error
	// Break answers a request itself where it returns true.
	Break func(w http.ResponseWriter, r *http.Request) bool
}

// Server is Athena and S3.
type Server struct {
	Engine *warehousetest.Engine

	options Options
	http    *httptest.Server
	dir     string

	mu      sync.Mutex
	queries map[string]*execution
	last    int
}

// execution is a query.
type execution struct {
	text    string
	cancel  context.CancelFunc
	state   string
	reason  string
	columns []map[string]any
	updated int64
	output  string
}

// New starts a server that ends with the test.
func New(t *testing.T, o Options) *Server {
	t.Helper()
	s := &Server{options: o, queries: map[string]*execution{}, dir: t.TempDir()}
	s.Engine = warehousetest.New(t, warehousetest.Options{Setup: append(trinotest.Setup("awsdatacatalog"), o.Setup...), Rewrite: s.rewrite})
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.mu.Lock()
		for _, q := range s.queries {
			q.cancel()
		}
		s.mu.Unlock()
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

// URL is where both answer.
func (s *Server) URL() string { return s.http.URL }

// Running tells whether a query with the tag runs.
func (s *Server) Running(tag string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queries {
		if q.state == "RUNNING" && strings.Contains(q.text, "/* "+tag+" */") {
			return true
		}
	}
	return false
}

// Files are the results that are left in S3.
func (s *Server) Files() []string {
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil {
		panic(err) // a mistake in the pattern
	}
	return files
}

var (
	limited   = regexp.MustCompile(`(?s)^((?:/\*.*?\*/ )?SELECT \* FROM \()(.*)\n\) AS "_millrace_model" LIMIT (\d+)$`)
	described = regexp.MustCompile(`(?s)^((?:/\*.*?\*/ )?SELECT \* FROM \()(.*)\n\) AS "m" WHERE 1 = 0$`)
	addColumn = regexp.MustCompile(`ADD COLUMNS \((.*)\)$`)
	comment   = regexp.MustCompile(`(?s)^/\*.*?\*/ `)
)

// raw begins statements of our own, which are DuckDB's already.
const raw = "/*raw*/"

func (s *Server) rewrite(sql string) (string, error) {
	if own, ok := strings.CutPrefix(sql, raw); ok {
		return own, nil
	}
	for _, table := range s.options.Deny {
		if strings.Contains(sql, table) {
			return "", &trinotest.Error{Name: "PERMISSION_DENIED", Message: "Insufficient permissions to execute the query. Principal does not have any privilege on specified resource"}
		}
	}
	return trinotest.Rewriter{Catalog: "awsdatacatalog"}.Rewrite(addColumn.ReplaceAllString(sql, "ADD COLUMN $1"))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.options.Break != nil && s.options.Break(w, r) {
		return
	}
	if !strings.Contains(r.Header.Get("Authorization"), "Credential="+AccessKeyID+"/") {
		refuse(w, "UnrecognizedClientException", "The security token included in the request is invalid.")
		return
	}
	_, operation, api := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !api {
		s.storage(w, r)
		return
	}
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, "SerializationException", err.Error())
		return
	}
	out, refused := s.answer(r.Context(), operation, in)
	if refused != "" {
		refuse(w, "InvalidRequestException", refused)
		return
	}
	write(w, http.StatusOK, out)
}

func write(w http.ResponseWriter, status int, out any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(out); err != nil {
		return // the client is gone
	}
}

func refuse(w http.ResponseWriter, code, words string) {
	write(w, http.StatusBadRequest, map[string]string{"__type": code, "message": words, "Message": words})
}

// storage is S3.
func (s *Server) storage(w http.ResponseWriter, r *http.Request) {
	path := filepath.Join(s.dir, filepath.Base(r.URL.Path))
	if r.Method == http.MethodDelete {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			panic(err) // a mistake of the test
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if _, err := os.Stat(path); err != nil {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`)
		return
	}
	http.ServeFile(w, r, path)
}

func (s *Server) answer(ctx context.Context, operation string, in map[string]any) (out any, refused string) {
	text := func(name string) string {
		t, _ := in[name].(string)
		return t
	}
	s.mu.Lock()
	q := s.queries[text("QueryExecutionId")]
	s.mu.Unlock()
	switch operation {
	case "StartQueryExecution":
		return s.start(text("QueryString"), in)
	case "ListDatabases":
		return s.list(ctx, "DatabaseList", "Name", `SELECT DISTINCT schema_name FROM duckdb_schemas() WHERE NOT internal AND schema_name <> 'jdbc'`)
	case "ListWorkGroups":
		return map[string]any{"WorkGroups": []map[string]string{{"Name": "primary"}, {"Name": "analysts"}}}, ""
	case "ListDataCatalogs":
		return map[string]any{"DataCatalogsSummary": []map[string]string{{"CatalogName": "AwsDataCatalog", "Type": "GLUE"}}}, ""
	case "ListTableMetadata":
		return s.tables(ctx, text("DatabaseName"))
	}
	if q == nil {
		return nil, operation + ": QueryExecution " + text("QueryExecutionId") + " was not found"
	}
	switch operation {
	case "GetQueryExecution":
		s.mu.Lock()
		defer s.mu.Unlock()
		status := map[string]any{"State": q.state}
		if q.reason != "" {
			status["StateChangeReason"] = q.reason
			status["AthenaError"] = map[string]any{"ErrorCategory": 2, "ErrorType": 1006, "Retryable": false, "ErrorMessage": q.reason}
		}
		return map[string]any{"QueryExecution": map[string]any{"Status": status, "ResultConfiguration": map[string]any{"OutputLocation": q.output}}}, ""
	case "GetQueryResults":
		return map[string]any{"UpdateCount": q.updated, "ResultSet": map[string]any{"Rows": []any{}, "ResultSetMetadata": map[string]any{"ColumnInfo": q.columns}}}, ""
	case "StopQueryExecution":
		q.cancel()
		return map[string]any{}, ""
	default:
		return nil, "unknown operation " + operation
	}
}

func (s *Server) start(sql string, in map[string]any) (out any, refused string) {
	if group, _ := in["WorkGroup"].(string); group != "primary" && group != "analysts" {
		return nil, "WorkGroup " + group + " is not found."
	}
	configuration, _ := in["ResultConfiguration"].(map[string]any)
	location, _ := configuration["OutputLocation"].(string)
	if location == "" {
		return nil, "No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input."
	}
	if !unloading.MatchString(sql) {
		if _, err := (trinotest.Rewriter{}).Rewrite(sql); err != nil {
			return nil, err.Error()
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	s.last++
	id := fmt.Sprint("execution-", s.last)
	q := &execution{text: sql, cancel: cancel, state: "RUNNING", output: strings.TrimSuffix(location, "/") + "/" + id + ".csv"}
	s.queries[id] = q
	s.mu.Unlock()
	go s.run(ctx, q, id)
	return map[string]any{"QueryExecutionId": id}, ""
}

func (s *Server) run(ctx context.Context, q *execution, id string) {
	err := s.execute(ctx, q, filepath.Join(s.dir, id+".csv"))
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		q.state, q.reason = "CANCELLED", "Query cancelled by user"
	case err != nil:
		q.state, q.reason = "FAILED", reasonOf(err)
	default:
		q.state = "SUCCEEDED"
	}
	q.cancel()
}

func reasonOf(err error) string {
	e, ok := err.(*trinotest.Error) //nolint:errorlint // the rewriter's, as it is
	if !ok {
		e = trinotest.FromDuckDB(err)
	}
	return e.Name + ": " + e.Message
}

func (s *Server) execute(ctx context.Context, q *execution, path string) error {
	sql, left := q.text, int64(-1)
	switch strings.ToUpper(strings.Fields(comment.ReplaceAllString(sql, ""))[0]) {
	case "UNLOAD":
		return s.unload(ctx, sql, path)
	case "CREATE", "DROP", "INSERT", "DELETE", "UPDATE", "ALTER":
		n, err := s.Engine.Execute(ctx, sql)
		q.updated = n
		return err
	}
	if m := limited.FindStringSubmatch(sql); m != nil {
		var err error
		if left, err = strconv.ParseInt(m[3], 10, 64); err != nil {
			return err
		}
		sql = strings.Repeat(" ", len(m[1])) + m[2]
	}
	if m := described.FindStringSubmatch(sql); m != nil {
		left, sql = 0, strings.Repeat(" ", len(m[1]))+m[2]
	}
	names, kinds, err := s.Engine.Columns(ctx, sql+"\n")
	if err != nil {
		r, again := s.Engine.Query(ctx, sql) // whose places have nothing before them
		if again != nil {
			return again
		}
		r.Release()
		return err
	}
	types := make([]trinotype.Type, len(names))
	for i, name := range names {
		types[i] = trinotype.Parse(trinotest.TypeName(kinds[i]))
		info := map[string]any{"Name": name, "Label": name, "Type": types[i].Base, "Precision": types[i].Precision, "Scale": types[i].Scale, "Nullable": "UNKNOWN", "CaseSensitive": false}
		q.columns = append(q.columns, info)
	}
	return s.write(ctx, path, sql, names, types, left)
}

// write makes the file of a result.
func (s *Server) write(ctx context.Context, path, sql string, names []string, types []trinotype.Type, left int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it has been flushed
	out := bufio.NewWriterSize(f, 1<<20)
	for i, name := range names {
		quote(out, i, name)
	}
	line(out)
	if left == 0 {
		return out.Flush()
	}
	rows, err := s.Engine.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Release()
	for left != 0 && rows.Next() {
		b := rows.RecordBatch()
		texts := make([]func(int) (string, bool), b.NumCols())
		for i, f := range b.Schema().Fields() {
			if texts[i], err = column(f, b.Column(i), types[i], names[i]); err != nil {
				return err
			}
		}
		for row := range int(b.NumRows()) {
			if left == 0 {
				break
			}
			left--
			for i, at := range texts {
				text, null := at(row)
				if null {
					comma(out, i)
				} else {
					quote(out, i, text)
				}
			}
			line(out)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return out.Flush()
}

// A bufio.Writer keeps its first error for Flush.
func line(out *bufio.Writer) { fmt.Fprint(out, "\n") }

func comma(out *bufio.Writer, i int) {
	if i > 0 {
		fmt.Fprint(out, ",")
	}
}

func quote(out *bufio.Writer, i int, text string) {
	comma(out, i)
	fmt.Fprint(out, `"`+strings.ReplaceAll(text, `"`, `""`)+`"`)
}

// column reads a column as texts.
func column(f arrow.Field, col arrow.Array, t trinotype.Type, name string) (func(row int) (text string, null bool), error) {
	read, err := value.NewReader(f, col)
	if err != nil {
		return nil, err
	}
	return func(row int) (string, bool) {
		if col.IsNull(row) {
			return "", true
		}
		if text := special(col, row); text != "" {
			return text, false
		}
		text := textOf(read(row), t)
		if name == "data_type" {
			text = trinotest.TypeName(text)
		}
		return text, false
	}, nil
}

func special(col arrow.Array, row int) string {
	var v float64
	switch a := col.(type) {
	case *array.Float64:
		v = a.Value(row)
	case *array.Float32:
		v = float64(a.Value(row))
	}
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	default:
		return ""
	}
}

// textOf is a value as Athena writes it.
func textOf(v value.Value, t trinotype.Type) string {
	switch t.Base {
	case "varbinary":
		text := hex.EncodeToString([]byte(v.Raw()))
		var pairs []string
		for i := 0; i < len(text); i += 2 {
			pairs = append(pairs, text[i:i+2])
		}
		return strings.Join(pairs, " ")
	case "array":
		var items []string
		for _, item := range v.Parsed().List() {
			items = append(items, inside(item, t.Args[0]))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case "map", "row":
		var items []string
		for i, f := range v.Parsed().Fields() {
			items = append(items, f.Name+"="+inside(f.Value, t.Args[min(i, len(t.Args)-1)]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	default:
		return trinotest.Text(v, t)
	}
}

func inside(v value.Value, t trinotype.Type) string {
	if v.IsNull() {
		return "null"
	}
	return textOf(v, t)
}

func (s *Server) list(ctx context.Context, list, name, sql string) (out any, refused string) {
	rows, err := s.rows(ctx, sql)
	if err != nil {
		return nil, err.Error()
	}
	items := []map[string]string{}
	for _, row := range rows {
		items = append(items, map[string]string{name: row[0]})
	}
	return map[string]any{list: items}, ""
}

// rows reads a result whole.
func (s *Server) rows(ctx context.Context, sql string) ([][]string, error) {
	r, err := s.Engine.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	var all [][]string
	for r.Next() {
		b := r.RecordBatch()
		for row := range int(b.NumRows()) {
			cells := make([]string, b.NumCols())
			for i, col := range b.Columns() {
				if !col.IsNull(row) {
					cells[i] = strings.Clone(col.ValueStr(row)) // the batch ends before its texts
				}
			}
			all = append(all, cells)
		}
	}
	return all, r.Err()
}

func (s *Server) tables(ctx context.Context, database string) (out any, refused string) {
	rows, err := s.rows(ctx, "SELECT c.table_name, t.table_type, c.column_name, c.type_name, c.remarks FROM jdbc.jdbc_columns c JOIN jdbc.jdbc_tables t ON t.table_schem = c.table_schem AND t.table_name = c.table_name WHERE c.table_schem = '"+
		strings.ReplaceAll(database, "'", "''")+"' ORDER BY c.table_name, c.ordinal_position")
	if err != nil {
		return nil, err.Error()
	}
	var list []map[string]any
	for _, row := range rows {
		if n := len(list); n == 0 || list[n-1]["Name"] != row[0] {
			kind := map[bool]string{true: "VIRTUAL_VIEW", false: "EXTERNAL_TABLE"}[row[1] == "VIEW"]
			list = append(list, map[string]any{"Name": row[0], "TableType": kind, "Columns": []map[string]string{}})
		}
		t := list[len(list)-1]
		column := map[string]string{"Name": row[2], "Type": hive(trinotest.TypeName(row[3])), "Comment": row[4]}
		t["Columns"] = append(t["Columns"].([]map[string]string), column)
	}
	return map[string]any{"TableMetadataList": list}, ""
}

// hive is a type's name in the catalogue.
func hive(name string) string {
	t := trinotype.Parse(name)
	switch t.Base {
	case "varchar":
		return "string"
	case "integer":
		return "int"
	case "varbinary":
		return "binary"
	case "timestamp":
		return "timestamp"
	case "array":
		return "array<" + hive(t.Args[0].Text) + ">"
	case "map":
		return "map<" + hive(t.Args[0].Text) + "," + hive(t.Args[1].Text) + ">"
	case "row":
		return "struct<a:int>"
	default:
		return name
	}
}
