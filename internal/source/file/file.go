// Package file reads a folder of CSV, TSV, JSON, NDJSON and Parquet files: each file is a table, called as the
// file without its extension.
package file

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/duckdb"
)

// Info describes the source.
func Info() connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "file", Name: "Files in a folder", Category: "file", Summary: "CSV, TSV, JSON, NDJSON and Parquet files on the server",
		Fields: []connector.Field{
			{
				Name: "path", Label: "Folder", Type: connector.FieldString, Required: true, Example: "/data/exports",
				Help: "A folder on the server, or one file. Each file is a table, called as the file without its extension.",
			},
			{
				Name: "delimiter", Label: "CSV delimiter", Type: connector.FieldSelect, Default: "comma", Advanced: true,
				Options: []connector.Option{
					{Value: "comma", Label: "Comma (,)"}, {Value: "semicolon", Label: "Semicolon (;)"},
					{Value: "pipe", Label: "Pipe (|)"}, {Value: "tab", Label: "Tab"},
				},
				Help: "Of .csv files. The first line names the columns; a .tsv file is delimited by tabs.",
			},
		},
		Methods: []string{"sql", "table"}, Engines: []string{"basic"}, Verified: true,
		Open: open,
	}
}

var delimiters = map[string]string{"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t"}

type folder struct {
	path      string
	delimiter string
}

func open(o connector.SourceOptions) (connector.Source, error) {
	f := folder{path: filepath.Clean(o.Settings.Text("path")), delimiter: delimiters[o.Settings.Text("delimiter")]}
	if f.delimiter == "" {
		f.delimiter = ","
	}
	return duckdb.New(duckdb.Options{Dir: o.Dir, Allow: []string{f.root()}, Views: f.views, Check: f.check}), nil
}

// root is the folder that queries may read.
func (f folder) root() string {
	if info, err := os.Stat(f.path); err == nil && !info.IsDir() {
		return filepath.Dir(f.path)
	}
	return f.path
}

func (f folder) check() error {
	if !filepath.IsAbs(f.path) {
		return fault.New(fault.CodeSourceUnreachable, "%q is not an absolute path", f.path)
	}
	if _, err := os.Stat(f.path); err != nil {
		return fault.Wrap(err, fault.CodeSourceUnreachable, "opening the folder")
	}
	return nil
}

// views makes a view of each file. Two files with one base name keep their extensions in the name.
func (f folder) views(ctx context.Context, c *sql.Conn) error {
	files, err := f.files()
	if err != nil {
		return err
	}
	bases := map[string]int{}
	for _, path := range files {
		bases[base(path)]++
	}
	for _, path := range files {
		name := base(path)
		if bases[name] > 1 {
			name = filepath.Base(path)
		}
		statement := "CREATE VIEW " + query.DuckDB.Ident(name) + " AS SELECT * FROM " + f.reader(path)
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return unreadable(path, err)
		}
	}
	return nil
}

func base(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// files lists the readable files by name.
func (f folder) files() ([]string, error) {
	if info, err := os.Stat(f.path); err == nil && !info.IsDir() {
		return []string{f.path}, nil
	}
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSourceUnreachable, "reading the folder")
	}
	var files []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.IsDir() || info.Size() == 0 || f.reader(e.Name()) == "" {
			continue
		}
		files = append(files, filepath.Join(f.path, e.Name()))
	}
	sort.Strings(files)
	return files, nil
}

// reader returns the SQL that reads a file, or nothing for a file of another kind.
func (f folder) reader(path string) string {
	text := query.DuckDB.Text(path)
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		return fmt.Sprintf("read_csv(%s, header = true, delim = %s, quote = '\"', escape = '\"', sample_size = 100000)", text, query.DuckDB.Text(f.delimiter))
	case ".tsv":
		return "read_csv(" + text + ", header = true, delim = '\t', quote = '\"', escape = '\"', sample_size = 100000)"
	case ".json":
		return "read_json(" + text + ", format = 'array', sample_size = 100000)"
	case ".ndjson", ".jsonl":
		return "read_json(" + text + ", format = 'newline_delimited', sample_size = 100000)"
	case ".parquet":
		return "read_parquet(" + text + ")"
	default:
		return ""
	}
}

// unreadable names the file that an error is about (S-79).
func unreadable(path string, err error) error {
	f := fault.Wrap(err, fault.CodeSourceFile, "reading the file %q", filepath.Base(path))
	if strings.Contains(err.Error(), "not utf-8") || strings.Contains(err.Error(), "Invalid unicode") {
		return f.WithSuggestion("Save the file in UTF-8.")
	}
	return f
}
