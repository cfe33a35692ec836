package connector

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/query"
)

// File is the file that a model's rows are in (S-78).
type File struct {
	Path   string `json:"path"`             // below the root of the source, such as exports/people.csv
	Newest bool   `json:"newest,omitempty"` // path is a prefix, which may be empty: of the files that have it, the one that was changed last
}

// Sheet is the sheet of a workbook that a model's rows are in (S-83, S-84).
type Sheet struct {
	Workbook string `json:"workbook,omitempty"` // as WorkbookLister gives it; empty where the source is one workbook
	Name     string `json:"name"`
}

// RowsTable is the table as which a query with a File or a Sheet reads its rows.
var RowsTable = query.TableRef{Name: "rows"}

// FileRules say which files a source's models can choose.
type FileRules struct {
	Extensions []string `json:"extensions"` // with the dot, in small letters
	Newest     bool     `json:"newest"`     // File.Newest is offered
}

// Readable reports whether a file of this name can be chosen.
func (r FileRules) Readable(name string) bool {
	return slices.Contains(r.Extensions, strings.ToLower(path.Ext(name)))
}

// FileEntry is one file of a source.
type FileEntry struct {
	Path     string    `json:"path"`
	Size     int64     `json:"size"` // bytes
	Modified time.Time `json:"modified"`
}

// FileLister is a source whose files can be listed, for a model to choose from.
type FileLister interface {
	// ListFiles returns the readable files whose paths begin with the prefix, in the order of the paths, and at most
	// limit of them; more tells that there are others.
	ListFiles(ctx context.Context, prefix string, limit int) (files []FileEntry, more bool, err error)
}

// WorkbookLister is a source whose workbooks and sheets can be listed, for a model to choose from.
type WorkbookLister interface {
	// Workbooks lists the workbooks by their names; none where the source is one workbook.
	Workbooks(ctx context.Context) ([]Option, error)
	// Sheets lists the sheets of a workbook in their order there.
	Sheets(ctx context.Context, workbook string) ([]string, error)
}
