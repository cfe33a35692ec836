// Package file reads a folder of CSV, TSV, JSON, NDJSON, Parquet and Excel files: each file is a table, called as the
// file without its extension; of an Excel workbook, each sheet is one.
package file

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/duckdb"
)

// Info describes the source.
func Info(reach duckdb.Reach) connector.SourceInfo {
	return connector.SourceInfo{
		Slug: "file", Name: "Files in a folder", Category: "file", Summary: "CSV, TSV, JSON, NDJSON, Parquet and Excel files on the server",
		Fields: []connector.Field{
			{
				Name: "path", Label: "Folder", Type: connector.FieldString, Required: true, Example: "/data/exports",
				Help: "A folder on the server, or one file. Each file is a table, called as the file without its extension; a workbook of several sheets has a table for each, such as \"people.Sheet1\".",
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
		Open: func(o connector.SourceOptions) (connector.Source, error) { return open(o, reach) },
	}
}

var delimiters = map[string]string{"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t"}

type folder struct {
	dir       string // private
	reach     duckdb.Reach
	path      string
	delimiter string
}

func open(o connector.SourceOptions, reach duckdb.Reach) (connector.Source, error) {
	f := folder{dir: o.Dir, reach: reach, path: filepath.Clean(o.Settings.Text("path")), delimiter: delimiters[o.Settings.Text("delimiter")]}
	if f.delimiter == "" {
		f.delimiter = ","
	}
	options := duckdb.Options{Dir: o.Dir, Views: f.views, Check: f.check}
	if f.single() {
		options.Files = []string{f.path}
	} else {
		options.Allow = []string{f.path}
	}
	return duckdb.New(options), nil
}

// single tells whether the source is one file.
func (f folder) single() bool {
	info, err := os.Stat(f.path)
	return err == nil && !info.IsDir()
}

func (f folder) check() error {
	if !filepath.IsAbs(f.path) {
		return fault.New(fault.CodeSourceUnreachable, "%q is not an absolute path", f.path).WithSuggestion("Write the whole path, from / on.")
	}
	if err := f.reach.Check(f.path); err != nil {
		return err
	}
	if _, err := os.Stat(f.path); err != nil {
		return fault.Wrap(err, fault.CodeSourceUnreachable, "opening the folder")
	}
	if f.single() && !readable(f.path) {
		return fault.New(fault.CodeSourceFile, "%q is no file that can be read", filepath.Base(f.path)).
			WithSuggestion("Choose a file whose name ends in %s.", strings.Join(extensions, ", "))
	}
	return nil
}

// views makes a view of each file that the statement mentions: another one that is broken or large must not
// stand in its way. A statement that mentions none gets all, so that DuckDB can say what there is.
func (f folder) views(ctx context.Context, c *sql.Conn, statement string) error {
	files, err := f.files()
	if err != nil {
		return err
	}
	named := names(files)
	sheets, err := workbooks(named)
	if err != nil {
		return err
	}
	mentioned, mentionedSheets := mentionedIn(statement, named), mentionedIn(statement, sheets)
	if len(mentioned)+len(mentionedSheets) > 0 {
		named, sheets = mentioned, mentionedSheets
	}
	for _, name := range slices.Sorted(maps.Keys(sheets)) {
		if err := sheets[name].load(ctx, c, f.dir, name); err != nil {
			return bad(ctx, err, sheets[name].path)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if err := f.view(ctx, c, name, named[name]); err != nil {
			return err
		}
	}
	return nil
}

func (f folder) view(ctx context.Context, c *sql.Conn, name, path string) error {
	reader, err := f.reader(ctx, c, path)
	if err == nil {
		_, err = c.ExecContext(ctx, "CREATE VIEW "+query.DuckDB.Ident(name)+" AS SELECT * FROM "+reader)
	}
	return bad(ctx, err, path)
}

// bad says which file an error is about.
func bad(ctx context.Context, err error, path string) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	e := duckdb.BadFile(err, "reading the file %q", filepath.Base(path))
	if known, ok := errors.AsType[*fault.Error](err); ok && e.Suggestion == "" {
		e.Suggestion = known.Suggestion
	}
	return e
}

// names returns the files by the names of their tables. Two files with one base name keep their extensions.
func names(files []string) map[string]string {
	bases := map[string]int{}
	for _, path := range files {
		bases[strings.ToLower(base(path))]++
	}
	named := make(map[string]string, len(files))
	for _, path := range files {
		name := base(path)
		if bases[strings.ToLower(name)] > 1 {
			name = filepath.Base(path)
		}
		named[name] = path
	}
	return named
}

// mentionedIn returns the tables whose names occur in the statement, in any case of letters.
func mentionedIn[T any](statement string, named map[string]T) map[string]T {
	statement = strings.ToLower(statement)
	mentioned := map[string]T{}
	for name, path := range named {
		if strings.Contains(statement, strings.ReplaceAll(strings.ToLower(name), `"`, `""`)) {
			mentioned[name] = path
		}
	}
	return mentioned
}

func base(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// files lists the readable files by name.
func (f folder) files() ([]string, error) {
	if f.single() {
		return []string{f.path}, nil
	}
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeSourceUnreachable, "reading the folder")
	}
	var files []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.IsDir() || info.Size() == 0 || !readable(e.Name()) {
			continue
		}
		files = append(files, filepath.Join(f.path, e.Name()))
	}
	sort.Strings(files)
	return files, nil
}

// extensions are those of the files that can be read.
var extensions = []string{".csv", ".tsv", ".json", ".ndjson", ".jsonl", ".parquet", workbookExtension}

func extension(path string) string { return strings.ToLower(filepath.Ext(path)) }

func readable(path string) bool { return slices.Contains(extensions, extension(path)) }

// reader returns the SQL that reads a file.
func (f folder) reader(ctx context.Context, c *sql.Conn, path string) (string, error) {
	text := query.DuckDB.Text(path)
	switch extension(path) {
	case ".csv":
		return csvReader(ctx, c, path, f.delimiter)
	case ".tsv":
		return csvReader(ctx, c, path, "\t")
	case ".json":
		return jsonReader(ctx, c, path, "array")
	case ".ndjson", ".jsonl":
		return jsonReader(ctx, c, path, "newline_delimited")
	default:
		return "read_parquet(" + text + ")", nil
	}
}
