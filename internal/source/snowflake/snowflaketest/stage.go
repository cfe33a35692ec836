package snowflaketest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var (
	putForm    = regexp.MustCompile(`^PUT 'file://([^']+)' (@~/[\w/]+) SOURCE_COMPRESSION = GZIP AUTO_COMPRESS = FALSE OVERWRITE = TRUE$`)
	removeForm = regexp.MustCompile(`^REMOVE (@~/[\w/]+)$`)
	copyForm   = regexp.MustCompile(`^COPY INTO ("(?:[^"]|"")+"\."(?:[^"]|"")+") \((.+)\) FROM \(SELECT (.+) FROM (@~/[\w/]+)\) FILE_FORMAT = \((.+)\) ON_ERROR = ABORT_STATEMENT$`)
	fieldForm  = regexp.MustCompile(`^(?:\$(\d+)|PARSE_JSON\(\$(\d+)\))$`)
)

// copyOptions are what a file format must say so that the files mean here what they mean to Snowflake.
var copyOptions = []string{
	"TYPE = CSV", "COMPRESSION = GZIP", `FIELD_OPTIONALLY_ENCLOSED_BY = '"'`, "ESCAPE = NONE", "ESCAPE_UNENCLOSED_FIELD = NONE", "NULL_IF = ()", "EMPTY_FIELD_AS_NULL = TRUE",
	"TRIM_SPACE = FALSE", "BINARY_FORMAT = HEX", "DATE_FORMAT = 'YYYY-MM-DD'", "TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM'",
}

// folder is where the files of a stage's path are.
func (s *Server) folder(stage string) string {
	return filepath.Join(s.dir, "stage", strings.ReplaceAll(strings.TrimPrefix(stage, "@~/"), "/", "_"))
}

// put lets the driver copy a file into a folder of ours, as it does where the stage is a local file system.
func (s *Server) put(e *execution, sql string) error {
	m := putForm.FindStringSubmatch(sql)
	if m == nil {
		return &failure{"001003", "42000", "SQL compilation error:\nthe stand-in does not know this PUT"}
	}
	dir := s.folder(m[2])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	stage := map[string]any{"locationType": "LOCAL_FS", "location": dir}
	e.data = map[string]any{
		"queryId": e.id, "command": "UPLOAD", "src_locations": []string{m[1]}, "stageInfo": stage, "uploadInfo": stage, "parallel": 1,
		"autoCompress": false, "overwrite": true, "sourceCompression": "gzip", "statementTypeId": typeDDL,
	}
	return nil
}

func (s *Server) remove(e *execution, sql string) error {
	m := removeForm.FindStringSubmatch(sql)
	if m == nil {
		return &failure{"001003", "42000", "SQL compilation error:\nthe stand-in does not know this REMOVE"}
	}
	if err := os.RemoveAll(s.folder(m[1])); err != nil {
		return err
	}
	e.status(typeDDL, "removed")
	return nil
}

// Staged is how many paths of the stage have files.
func (s *Server) Staged() int {
	found, err := os.ReadDir(filepath.Join(s.dir, "stage"))
	if err != nil {
		return 0
	}
	return len(found)
}

// copy loads files, by the places of their columns.
func (s *Server) copy(ctx context.Context, x *session, e *execution, sql string) error {
	m := copyForm.FindStringSubmatch(sql)
	if m == nil {
		return &failure{"001003", "42000", "SQL compilation error:\nthe stand-in does not know this COPY"}
	}
	for _, option := range copyOptions {
		if !strings.Contains(m[5], option) {
			return &failure{"001003", "42000", "SQL compilation error:\nthe stand-in loads files with " + option + " only"}
		}
	}
	_, types, err := x.duck.Columns(ctx, "SELECT "+m[2]+" FROM "+m[1])
	if err != nil {
		return err
	}
	fields := strings.Split(m[3], ", ")
	if len(fields) != len(types) {
		return &failure{"002020", "21S01", "SQL compilation error: Insert value list does not match column list"}
	}
	for i, f := range fields {
		if fields[i], err = loaded(f, types[i]); err != nil {
			return err
		}
	}
	names := make([]string, len(fields)+1)
	for i := range names {
		names[i] = fmt.Sprintf("'c%d': 'VARCHAR'", i+1)
	}
	n, err := x.duck.Execute(ctx, fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM read_csv('%s/*.csv.gz', auto_detect = false, header = false, delim = ',', quote = '"', escape = '"', `+
		`nullstr = '', allow_quoted_nulls = false, parallel = false, compression = 'gzip', max_line_size = 33554432, buffer_size = 67108864, new_line = '\n', columns = {%s})`,
		m[1], m[2], strings.Join(fields, ", "), s.folder(m[4]), strings.Join(names, ", ")))
	if err != nil {
		return err
	}
	e.status(typeInsert, strconv.FormatInt(n, 10))
	return nil
}

// loaded is a field of a file as a value of a column.
func loaded(field, kind string) (string, error) {
	m := fieldForm.FindStringSubmatch(field)
	if m == nil {
		return "", &failure{"001003", "42000", "SQL compilation error:\nthe stand-in does not know the field " + field}
	}
	name := "c" + m[1] + m[2]
	switch {
	case (m[2] != "") != (kind == "JSON"):
		return "", &failure{"002023", "22000", "SQL compilation error:\nExpression type does not match column data type"}
	case kind == "BLOB":
		return "unhex(" + name + ")", nil
	case kind == "TIMESTAMP WITH TIME ZONE":
		return "CAST(replace(" + name + ", ' +', '+') AS TIMESTAMPTZ)", nil
	default:
		return "CAST(" + name + " AS " + kind + ")", nil
	}
}
